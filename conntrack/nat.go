package conntrack

import (
	"bytes"

	"sluice/packet"
)

// Manip says which sides of a packet are or were translated.
type Manip uint8

const (
	// SrcNAT: the source.
	SrcNAT Manip = 1 << iota
	// DstNAT: the destination.
	DstNAT
)

// NATRange is what a connection may be translated to (struct
// nf_nat_range2).
type NATRange struct {
	Manip            Manip       // SrcNAT or DstNAT; 0: restore what was translated before, begin nothing
	Min, Max         packet.Addr // valid iff HasAddr; of the packets' family
	Family           uint8       // of Min and Max
	MinPort, MaxPort uint16      // valid iff HasPort; ICMP: the identifier
	HasAddr, HasPort bool
	KeepAddr         bool // no address changes, but the port must be in the range: OVS's 0.0.0.0
	Random           bool // a random port, even where the own one is free
	Hash             bool // a port by a hash of the tuple, even where the own one is free
	Persistent       bool // the same address for a client, whatever its destination
}

const (
	natMask     = StatusSrcNAT | StatusDstNAT
	natDoneMask = StatusSrcNATDone | StatusDstNATDone
)

// Reply is the tuple that answers to a connection come with. A stale
// reference gives the zero tuple.
func (t *Tracker) Reply(ref packet.ConnRef) packet.Tuple {
	c := t.Conn(ref)
	if c == nil {
		return packet.Tuple{}
	}
	return t.reply(slotOf(ref), c)
}

// NAT translates a packet that In or the flow table has judged, as a ct
// action with `nat` does (nf_nat_ovs.c nf_ct_nat). r says what the action asks
// for; commit, whether it commits. A new connection is given its
// translation here, before Confirm. The frame, h.Tuple and h.Hash change; it
// returns the sides that were translated, and DropNAT when no free port is
// left, or one of its kin.
func (t *Tracker) NAT(now int64, frame []byte, h *packet.Headers, ct *packet.CT, r *NATRange, commit bool) (Manip, Result) {
	c := t.Conn(ct.Conn)
	if c == nil {
		return 0, Accept
	}
	manip := r.Manip
	if ct.Info != packet.CTNew && c.Status&natMask != 0 && (ct.Info != packet.CTRelated || commit) {
		// As before: the way back turns the sides round.
		manip = DstNAT
		if c.Status&StatusSrcNAT != 0 == (ct.Info.Dir() == 0) {
			manip = SrcNAT
		}
	}
	if manip == 0 {
		return 0, Accept
	}
	n := natting{t: t, now: now, frame: frame, h: h, c: c, slot: slotOf(ct.Conn), info: ct.Info}
	if !n.execute(r, manip) {
		return n.done, n.why
	}
	ok := true
	switch {
	case c.Status&StatusDstNAT == 0:
	case c.Status&StatusSrcNAT != 0:
		ok = n.execute(r, manip^(SrcNAT|DstNAT))
	case ct.Info.Dir() == 0:
		// A source port may have to move for the reply to be unique.
		ok = n.execute(nil, SrcNAT)
	}
	if n.changed {
		h.Hash = t.Hash(&h.Tuple)
	}
	if !ok {
		return n.done, n.why
	}
	return n.done, Accept
}

// natting is one packet's translation under way.
type natting struct {
	t       *Tracker
	now     int64
	frame   []byte
	h       *packet.Headers
	c       *Conn
	slot    uint32
	info    packet.CTInfo
	done    Manip
	why     Result // set where execute returns false
	changed bool
}

// execute translates one side, and decides on it first when the connection is
// new (nf_nat_ovs.c nf_ct_nat_execute).
func (n *natting) execute(r *NATRange, manip Manip) bool {
	related := n.info == packet.CTRelated || n.info == packet.CTRelatedReply
	if related && isICMP(n.h) {
		return n.icmpError(manip)
	}
	if related || n.info == packet.CTNew {
		flag := StatusDstNATDone
		if manip == SrcNAT {
			flag = StatusSrcNATDone
		}
		if n.c.Status&flag == 0 {
			if n.why = n.t.setupNAT(n.now, n.slot, n.c, r, manip); n.why != Accept {
				return false
			}
		}
	}
	n.packet(manip)
	return true
}

// packet rewrites one side if the connection has it translated
// (nf_nat_core.c nf_nat_packet).
func (n *natting) packet(manip Manip) {
	if n.c.Status&n.status(manip) == 0 {
		return
	}
	side := packet.Source
	if manip == DstNAT {
		side = packet.Dest
	}
	if n.info.Dir() == 0 && !isWide(n.c) { // the one end that is translated
		var addr packet.Addr
		copy(addr[:], n.c.natAddr[:])
		packet.Rewrite(n.frame, n.h, side, &addr, wordsOfTuple(&n.c.Orig).port)
	} else if to := n.target(); manip == SrcNAT {
		packet.Rewrite(n.frame, n.h, side, &to.Src, to.SPort)
	} else {
		packet.Rewrite(n.frame, n.h, side, &to.Dst, natPort(&to, manip))
	}
	n.changed = true
	n.done |= manip
}

// status is the connection's status bit that says whether this packet has its
// side translated.
func (n *natting) status(manip Manip) uint16 {
	if (manip == SrcNAT) == (n.info.Dir() == 0) {
		return StatusSrcNAT
	}
	return StatusDstNAT
}

// target is what the packet's tuple looks like behind the translator: the
// inverse of the other direction's.
func (n *natting) target() packet.Tuple {
	if n.info.Dir() == 0 {
		r := n.t.reply(n.slot, n.c)
		return invert(&r)
	}
	return invert(&n.c.Orig)
}

func isICMP(h *packet.Headers) bool {
	return h.Proto == packet.ProtoICMP && h.Tuple.Family == packet.IPv4 || h.Proto == packet.ProtoICMPv6 && h.Tuple.Family == packet.IPv6
}

// icmpError translates an error message: the packet it quotes, which went the
// other way, and then its own addresses (nf_nat_proto.c
// nf_nat_icmp_reply_translation and its twin for IPv6).
func (n *natting) icmpError(manip Manip) bool {
	h, c := n.h, n.c
	b := n.frame[h.L4:h.IPEnd(n.frame)]
	n.why = DropNATError
	if len(b) < 8 || !checksumOK(n.frame, b, h) {
		return false
	}
	redirect := b[0] == icmpRedirect
	if h.Proto == packet.ProtoICMPv6 {
		redirect = b[0] == icmp6Redirect
	}
	if redirect && (c.Status&natDoneMask != natDoneMask || c.Status&natMask != 0) {
		n.why = DropNATRedirect
		return false
	}
	if c.Status&n.status(manip) == 0 {
		return true
	}
	quote := b[8:]
	var in packet.Headers
	packet.ParseInner(quote, h.Tuple.Family, &in)
	if hasQuotedPorts(in.Proto) && int(in.L4)+8 > len(quote) {
		return false // the tracker needs four bytes, whoever rewrites eight (nf_nat_proto.c l4proto_manip_pkt)
	}
	other := invertOf(n.target(), &in)
	if manip == SrcNAT {
		packet.Rewrite(quote, &in, packet.Dest, &other.Dst, other.DPort)
	} else {
		packet.Rewrite(quote, &in, packet.Source, &other.Src, other.SPort)
	}
	to := n.target()
	side, addr := packet.Source, &to.Src
	if manip == DstNAT {
		side, addr = packet.Dest, &to.Dst
	}
	packet.Rewrite(n.frame, h, side, addr, h.Tuple.SPort)
	// The quote is covered by the message's checksum: compute it anew.
	b[2], b[3] = 0, 0
	sum := uint64(0)
	if h.Proto == packet.ProtoICMPv6 {
		sum = packet.PseudoSum(n.frame[h.L3:], h.Tuple.Family, h.Proto, len(b))
	}
	s := ^packet.Fold(packet.Sum(sum, b))
	b[2], b[3] = byte(s>>8), byte(s)
	n.changed = true
	n.done |= manip
	return true
}

// hasQuotedPorts reports whether a protocol has ports, or what the kernel
// handles as such, to be changed in a quoted header.
func hasQuotedPorts(proto uint8) bool {
	switch proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP,
		packet.ProtoICMP, packet.ProtoICMPv6, packet.ProtoGRE:
		return true
	}
	return false
}

// invertOf inverts a tuple for the packet that an error quotes. ICMP queries
// keep the quoted message's own type.
func invertOf(t packet.Tuple, quoted *packet.Headers) packet.Tuple {
	r := t
	r.Src, r.Dst = t.Dst, t.Src
	if quoted.Proto != packet.ProtoICMP && quoted.Proto != packet.ProtoICMPv6 {
		r.SPort, r.DPort = t.DPort, t.SPort
	} else {
		r.DPort = t.SPort // the identifier, whatever the side
	}
	return r
}

// setupNAT decides what a new connection is translated to on one side
// (nf_nat_core.c nf_nat_setup_info). Without a range, or one without
// addresses, it stays what it is unless its reply would be another
// connection's.
func (t *Tracker) setupNAT(now int64, slot uint32, c *Conn, r *NATRange, manip Manip) Result {
	if c.Status&StatusConfirmed != 0 {
		return Accept // too late for a translation
	}
	reply := t.reply(slot, c)
	cur := invert(&reply)
	if r == nil || !r.HasAddr || r.Manip == 0 {
		null := NATRange{Manip: manip, HasAddr: true, Family: cur.Family, Min: cur.Src, Max: cur.Src}
		if manip == DstNAT {
			null.Min, null.Max = cur.Dst, cur.Dst
		}
		if r != nil && r.KeepAddr && manip == r.Manip {
			null.HasPort, null.MinPort, null.MaxPort = true, r.MinPort, r.MaxPort
			null.Random, null.Hash = r.Random, r.Hash
		}
		r = &null
	} else if r.Family != cur.Family {
		return DropNATFamily
	}
	to, ok := t.unique(now, slot, c, cur, r, manip)
	if !ok {
		t.st.NATExhausted++
		t.st.InsertFailed++
		t.st.Drop++
		return DropNAT
	}
	if to != cur {
		reply = invert(&to)
		t.alterReply(slot, c, reply, manip)
		t.ask(t.Hash(&reply), c.Zone)
	}
	if manip == SrcNAT {
		c.Status |= StatusSrcNATDone
		t.linkSource(slot, c)
	} else {
		c.Status |= StatusDstNATDone
		if t.shared != nil && c.Status&StatusSrcNATDone != 0 {
			t.shareSource(slot, c) // an ICMP identifier is either side's
		}
	}
	return Accept
}

// alterReply makes a new connection expect another reply.
func (t *Tracker) alterReply(slot uint32, c *Conn, reply packet.Tuple, manip Manip) {
	if manip == SrcNAT {
		c.Status |= StatusSrcNAT
	} else {
		c.Status |= StatusDstNAT
	}
	t.slab.setReply(slot, c, &reply)
}

// inRange reports whether a tuple's source is one that a range gives
// (nf_nat_core.c nf_in_range).
func inRange(tu *packet.Tuple, r *NATRange) bool {
	if bytes.Compare(tu.Src[:], r.Min[:]) < 0 || bytes.Compare(tu.Src[:], r.Max[:]) > 0 {
		return false
	}
	return !r.HasPort || portInRange(tu, r, SrcNAT)
}

// portInRange reports whether a tuple's port, or identifier, is in a range that
// has ports. Protocols without are in every one (l4proto_in_range).
func portInRange(tu *packet.Tuple, r *NATRange, manip Manip) bool {
	if !hasQuotedPorts(tu.Proto) {
		return true
	}
	p := natPort(tu, manip)
	return p >= r.MinPort && p <= r.MaxPort
}
