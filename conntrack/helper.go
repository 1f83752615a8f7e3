package conntrack

import "sluice/packet"

// Helper reads the payload of connections that tell of others. It is named by
// the ct action that commits a connection; no port assigns one.
type Helper uint8

// Helpers.
const (
	NoHelper Helper = iota
	FTP
	TFTP
	SIP    // over UDP
	SIPTCP // over TCP

	numHelpers
)

// HelperNames are the names as Linux has them.
var HelperNames = [numHelpers]string{FTP: "ftp", TFTP: "tftp", SIP: "sip", SIPTCP: "sip"}

// helperProto is the protocol that each helper reads.
var helperProto = [numHelpers]uint8{FTP: packet.ProtoTCP, TFTP: packet.ProtoUDP, SIP: packet.ProtoUDP, SIPTCP: packet.ProtoTCP}

// Proto is the transport protocol whose packets a helper reads; 0 of NoHelper.
// A connection of another protocol may have the helper, too: ct commit gives
// it without looking (nf_conntrack_helper.c __nf_ct_try_assign_helper), and
// then no packet is shown to it (nf_conntrack_ovs.c nf_ct_helper).
func (h Helper) Proto() uint8 { return helperProto[h] }

// HelperByName finds a helper by its name and transport protocol; false when
// there is none.
func HelperByName(name string, proto uint8) (Helper, bool) {
	for h := FTP; h < numHelpers; h++ {
		if HelperNames[h] == name && helperProto[h] == proto {
			return h, true
		}
	}
	return NoHelper, false
}

// expectPolicy bounds what one connection may announce of one class.
type expectPolicy struct {
	max     int
	timeout int64
}

// expectPolicies are the kernel's (nf_conntrack_ftp.c ftp_exp_policy and its
// likes).
var expectPolicies = [numHelpers][]expectPolicy{
	FTP: {{1, 5 * 60 * second}}, TFTP: {{1, 5 * 60 * second}}, SIP: sipPolicy, SIPTCP: sipPolicy,
}

// extra is what few connections have: those with a helper, those that a helper
// has announced, and those whose payload grew. Status bits say which.
type extra struct {
	helper   Helper
	family   uint8 // that the helper was asked for
	master   packet.ConnRef
	masterOf packet.Tuple // the master's original tuple
	seq      [2]seqAdjust // by direction; valid iff StatusSeqAdjust
	ftp      ftpState
	sip      sipState
	waiting  []*Expectation // its own, the oldest first
	children int            // connections that live and that this one has announced
}

func (t *Tracker) extra(slot uint32) *extra {
	x := t.extras[slot]
	if x == nil {
		if t.extras == nil {
			t.extras = map[uint32]*extra{}
		}
		x = new(extra)
		t.extras[slot] = x
	}
	return x
}

// extraBits are the status bits of connections that have one.
const extraBits = StatusHelper | StatusExpected | StatusSeqAdjust

// Master returns the original tuple of the connection that announced this
// one; false for connections that nobody has.
func (t *Tracker) Master(ref packet.ConnRef) (packet.Tuple, bool) {
	c := t.Conn(ref)
	if c == nil || c.Status&StatusExpected == 0 {
		return packet.Tuple{}, false
	}
	return t.extra(slotOf(ref)).masterOf, true
}

// HelperOf returns a connection's helper.
func (t *Tracker) HelperOf(ref packet.ConnRef) Helper {
	c := t.Conn(ref)
	if c == nil || c.Status&StatusHelper == 0 {
		return NoHelper
	}
	return t.extra(slotOf(ref)).helper
}

// HasOther reports whether a connection has a helper, and not this one for
// packets of this family: Linux has one for each.
func (t *Tracker) HasOther(ref packet.ConnRef, h Helper, family uint8) bool {
	c := t.Conn(ref)
	if c == nil || c.Status&StatusHelper == 0 {
		return false
	}
	x := t.extra(slotOf(ref))
	return x.helper != h || x.family != family
}

// Children is how many live connections a connection has announced; each holds
// a reference on it, which /proc/net/nf_conntrack shows.
func (t *Tracker) Children(ref packet.ConnRef) int {
	if c := t.Conn(ref); c == nil || c.Status&extraBits == 0 {
		return 0
	}
	return t.extra(slotOf(ref)).children
}

// SeqAdjust says by how much a direction's sequence numbers differ behind a
// helper: by before up to pos, by after from there on. It is false for
// connections whose payload never grew.
func (t *Tracker) SeqAdjust(ref packet.ConnRef, dir int) (pos uint32, before, after int32, ok bool) {
	c := t.Conn(ref)
	if c == nil || c.Status&StatusSeqAdjust == 0 {
		return 0, 0, 0, false
	}
	s := t.extra(slotOf(ref)).seq[dir]
	return s.pos, s.before, s.after, true
}

// SetHelper gives a new connection a helper for packets of a family, unless it
// has one (nf_conntrack_helper.c __nf_ct_try_assign_helper). It reports
// whether it did.
func (t *Tracker) SetHelper(ref packet.ConnRef, h Helper, family uint8) bool {
	c := t.Conn(ref)
	if c == nil || c.Status&(StatusHelper|StatusConfirmed) != 0 {
		return false
	}
	x := t.extra(slotOf(ref))
	x.helper, x.family = h, family
	c.Status |= StatusHelper
	return true
}

// MaxGrowth is by how many bytes Help may lengthen a frame.
const MaxGrowth = 2048

// Help lets a packet's helper read and change its payload, and keeps the
// sequence numbers of connections whose payload grew in step
// (nf_conntrack_ovs.c nf_ct_helper). A frame that changes its length is
// written to buf, which has room for MaxGrowth bytes more than the frame; h
// follows it. It reports false when the packet must be dropped.
func (t *Tracker) Help(now int64, frame, buf []byte, h *packet.Headers, ct *packet.CT) ([]byte, bool) {
	c := t.Conn(ct.Conn)
	if c == nil || c.Status&StatusHelper == 0 || ct.Info == packet.CTRelatedReply {
		return frame, true
	}
	x := t.extra(slotOf(ct.Conn))
	if x.family != h.Tuple.Family || h.Flags&packet.HasL4 == 0 || h.Proto != helperProto[x.helper] {
		return frame, true
	}
	p := parley{t: t, now: now, frame: frame, buf: buf, h: h, c: c, ref: ct.Conn, x: x, info: ct.Info, dir: ct.Info.Dir()}
	ok := true
	switch x.helper {
	case FTP:
		ok = p.ftp()
	case TFTP:
		ok = p.tftp()
	case SIP:
		ok = p.sip()
	case SIPTCP:
		ok = p.sipStream()
	}
	if ok && p.changed {
		packet.SumPayload(p.frame, h)
	}
	if ok && c.Status&StatusSeqAdjust != 0 && h.Proto == packet.ProtoTCP {
		p.adjust()
	}
	return p.frame, ok
}

// HelperReads reports whether Help makes Linux read a packet to its end as one
// piece (skb_linearize), which shows when a packet that was put together is
// taken apart again. FTP does so before it looks for data.
func (t *Tracker) HelperReads(h *packet.Headers, ct *packet.CT) bool {
	c := t.Conn(ct.Conn)
	if c == nil || c.Status&StatusHelper == 0 || ct.Info == packet.CTRelatedReply {
		return false
	}
	x := t.extra(slotOf(ct.Conn))
	if x.family != h.Tuple.Family || h.Flags&packet.HasL4 == 0 || h.Proto != helperProto[x.helper] {
		return false
	}
	established := ct.Info == packet.CTEstablished || ct.Info == packet.CTEstablishedReply
	switch x.helper {
	case FTP:
		return established
	case SIPTCP:
		return established && h.Payload < h.End
	case SIP:
		return h.Payload < h.End
	}
	return false
}

// parley is a helper's look at one packet.
type parley struct {
	t     *Tracker
	now   int64
	frame []byte
	buf   []byte
	h     *packet.Headers
	c     *Conn
	ref   packet.ConnRef
	x     *extra
	info  packet.CTInfo
	dir   int

	changed bool // the transport's checksum must be computed anew
}

// tuple is a direction's tuple as its sender sees it.
func (p *parley) tuple(dir int) packet.Tuple { return p.t.tupleOf(slotOf(p.ref), p.c, dir) }

func (t *Tracker) tupleOf(slot uint32, c *Conn, dir int) packet.Tuple {
	if dir == 0 {
		return c.Orig
	}
	return t.reply(slot, c)
}

// expectation is one of this connection's.
func (p *parley) expectation(tu packet.Tuple) Expectation {
	return Expectation{Master: p.ref, MasterOf: p.c.Orig, Tuple: tu, Zone: p.c.Zone, Helper: p.x.helper}
}

// translated reports whether what the payload says must be translated, too.
func (p *parley) translated() bool { return p.c.Status&natMask != 0 }

// place announces an expectation under the port it has, or under another that
// is free: the translator's address may have promised that one already
// (nf_nat_helper.c nf_nat_exp_find_port). It returns nil when there is none,
// and for port 0, which cannot be told from none: that one is announced all
// the same.
func (p *parley) place(e Expectation) *Expectation {
	port, above := e.Tuple.DPort, 65535-uint32(e.Tuple.DPort)
	for try := uint32(0); try <= min(above, 128); try++ {
		n := e
		n.Tuple.DPort = port
		if done, res := p.t.announce(p.now, n, false); res != expectBusy {
			if port == 0 {
				return nil
			}
			return done
		}
		if above != 0 {
			port = e.Tuple.DPort + uint16(p.t.rng.Uint32N(above))
		}
	}
	return nil
}

// refresh gives the connection another timeout (nf_ct_refresh).
func (p *parley) refresh(timeout int64) {
	c := p.c
	if c.Status&StatusFixedTimeout != 0 {
		return
	}
	timeout = p.t.scaledAt(p.now, timeout)
	if c.Status&StatusConfirmed != 0 {
		timeout += p.now
	}
	sooner := timeout < c.Timeout
	if c.Timeout = timeout; sooner {
		p.t.sooner(slotOf(p.ref), c)
	}
}

// payload is what the transport carries.
func (p *parley) payload() []byte { return p.frame[p.h.Payload:p.h.End] }

// replace puts s in place of n bytes of the payload from at on
// (nf_nat_helper.c nf_nat_mangle_tcp_packet, nf_nat_mangle_udp_packet). It
// reports false when the packet would grow too long.
func (p *parley) replace(at, n int, s []byte) bool {
	if !p.mangle(at, n, s) {
		return false
	}
	if p.h.Proto == packet.ProtoTCP {
		p.grown(packet.TCPSeq(p.frame[p.h.L4:]), len(s)-n)
	}
	return true
}

// mangle is replace for who sees to the sequence numbers himself.
func (p *parley) mangle(at, n int, s []byte) bool {
	size := int(p.h.End) + len(s) - n
	if size > len(p.buf) || size > 65535 {
		return false
	}
	p.frame = packet.SplicePayload(p.frame, p.buf, p.h, at, n, s)
	p.changed = true
	return true
}

// begin makes a new connection what it was announced as
// (nf_conntrack_core.c init_conntrack).
func (t *Tracker) begin(now int64, slot uint32, c *Conn, e *Expectation) {
	c.Status |= StatusExpected
	x := t.extra(slot)
	x.master, x.masterOf = e.Master, e.MasterOf
	m := t.Conn(e.Master)
	t.extra(slotOf(e.Master)).children++
	c.Mark = m.Mark
	t.st.ExpectNew++
	if e.adopts != NoHelper {
		x.helper, x.family = e.adopts, c.Orig.Family
		c.Status |= StatusHelper
	}
	switch e.follow {
	case followMaster:
		t.followMaster(now, slot, c, e, m)
	case followSIP:
		t.followSIP(now, slot, c, e, m)
	}
}

// followMaster translates an announced connection as its master is
// (nf_nat_core.c nf_nat_follow_master): it comes from where the master's
// packets go to, and goes to whom they come from.
func (t *Tracker) followMaster(now int64, slot uint32, c *Conn, e *Expectation, m *Conn) {
	other := t.tupleOf(slotOf(e.Master), m, 1-int(e.dir))
	t.setupNAT(now, slot, c, &NATRange{Manip: SrcNAT, HasAddr: true, Family: c.Orig.Family, Min: other.Dst, Max: other.Dst}, SrcNAT)
	t.setupNAT(now, slot, c, &NATRange{
		Manip: DstNAT, HasAddr: true, Family: c.Orig.Family, Min: other.Src, Max: other.Src,
		HasPort: true, MinPort: e.savedPort, MaxPort: e.savedPort,
	}, DstNAT)
}
