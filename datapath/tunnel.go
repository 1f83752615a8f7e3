package datapath

import (
	"encoding/binary"

	"sluice/packet"
)

// A device may be the end of tunnels (policy.Tunnel). What the ingress block
// of any device passes up, and is a packet of such a tunnel addressed to this
// host, is taken out of its outer headers and judged again as a frame that
// came in on the tunnel's device; the outer headers are remembered beside it,
// for enc_* matches. What is sent out of the tunnel's device is wrapped as
// tunnel_key ordered and leaves by the device that the outer destination is
// reached by.

// tunnelPort is a tunnel's end in the program.
type tunnelPort struct {
	packet.TunnelPort
	dev    int32
	under  int32 // where its packets come in if no address of the host is known; -1: anywhere
	port   uint16
	family uint8 // of GRE; UDP takes both
	outer  packet.Outer
}

// tunnelSet is what one `tunnel_key set` orders.
type tunnelSet struct {
	packet.Tunnel
	out []tunnelOut // by tunnel port
}

// tunnelOut is the way that it means through one port.
type tunnelOut struct {
	packet.Outer
	dev    int32
	reason uint8 // not ReasonNone: there is no way
}

// localAddr is an address of the host.
type localAddr struct {
	addr   packet.Addr
	family uint8
}

// tunnelFor finds the tunnel port that a packet is addressed to, or -1. The
// stack would drop what has a bad IP header before it looked for the port
// (ip_input.c ip_rcv_core); such packets are handed up as they are, like
// fragments, which this datapath does not put together for the stack.
func (prog *program) tunnelFor(frame []byte, h *packet.Headers, dev int32) int {
	const no = packet.IsFrag | packet.BadL3 | packet.TruncL3 | packet.ShortIP | packet.BadExt
	if h.Flags&(no|packet.HasL4) != packet.HasL4 || h.Proto != packet.ProtoUDP && h.Proto != packet.ProtoGRE {
		return -1
	}
	for i := range prog.tunnels {
		t := &prog.tunnels[i]
		if h.Proto == packet.ProtoUDP {
			if t.Kind == packet.GRETap || t.port != h.Tuple.DPort {
				continue
			}
		} else if t.Kind != packet.GRETap || t.family != h.Tuple.Family || int(h.L4)+4 > len(frame) ||
			binary.BigEndian.Uint16(frame[h.L4+2:]) != packet.EtherTEB {
			continue
		}
		if !prog.forHost(frame, h, dev, t) {
			return -1
		}
		return i
	}
	return -1
}

// forHost reports whether the stack would take the packet as its own. What
// the policy does not tell (addresses of the host, the device's MAC address)
// is not asked for.
func (prog *program) forHost(frame []byte, h *packet.Headers, dev int32, t *tunnelPort) bool {
	switch {
	case h.NVLAN > 1, h.NVLAN == 1 && h.VLAN[0].TCI&0xfff != 0: // a VLAN without a device
		return false
	case uint(dev) >= uint(len(prog.devs)):
		return false
	}
	if d := &prog.devs[dev]; d.hasMAC && frame[0]&1 == 0 && [6]byte(frame[:6]) != d.mac {
		return false
	}
	if h.Tuple.Family == packet.IPv4 {
		ip := frame[h.L3:h.L4]
		if ip[0]>>4 != 4 || packet.Fold(packet.Sum(0, ip)) != 0xffff {
			return false
		}
	} else if frame[h.L3]>>4 != 6 {
		return false
	}
	return prog.isLocal(&h.Tuple.Dst, h.Tuple.Family, dev, t)
}

// isLocal reports whether an address is the host's.
func (prog *program) isLocal(a *packet.Addr, family uint8, dev int32, t *tunnelPort) bool {
	if len(prog.local) == 0 {
		return t.under < 0 || t.under == dev
	}
	for i := range prog.local {
		if l := &prog.local[i]; l.addr == *a && l.family == family {
			return true
		}
	}
	return false
}

// unwrapEarly takes packet i out of its tunnel before anything else if it came
// in where no filter would look at it as it is: then it is as if it had come in
// on the tunnel's device. It returns the device where the packet's way begins.
// What is wrong with a tunnel's packet is left to be found again, and told, by
// judge.
func (e *Engine) unwrapEarly(v *packet.Vector, i int) int32 {
	m, prog := &v.M[i], e.prog
	if uint(m.Dev) >= uint(len(prog.devs)) {
		return m.Dev
	}
	d, frame, t := &prog.devs[m.Dev], v.Frame[i], &e.tunnels[i]
	if !d.bare || m.Chain != 0 || m.CT.PostCT || m.Tunnel != nil {
		return m.Dev
	}
	n, begin, end := prog.unwrapPlain(d, frame, m.Dev, t)
	if n < 0 {
		h := &v.H[i]
		packet.Parse(frame, h)
		if n = prog.tunnelFor(frame, h, m.Dev); n < 0 {
			return m.Dev
		}
		var err packet.TunnelError
		if begin, end, err = prog.tunnels[n].Decap(frame, h, t); err != packet.TunnelOK {
			return m.Dev
		}
	}
	v.Frame[i] = frame[begin:end:end]
	m.Tunnel = t
	return prog.tunnels[n].dev
}

// unwrapPlain is the quick way: what it finds is what tunnelFor and Decap would
// find; n is -1 where only they can tell.
func (prog *program) unwrapPlain(d *devProg, frame []byte, dev int32, t *packet.Tunnel) (n, begin, end int) {
	if len(frame) < 38 || d.hasMAC && frame[0]&1 == 0 && [6]byte(frame[:6]) != d.mac {
		return -1, 0, 0
	}
	port := binary.BigEndian.Uint16(frame[36:])
	for n := range prog.tunnels {
		p := &prog.tunnels[n]
		if p.port != port || p.Kind != packet.VXLAN {
			continue
		}
		begin, end, ok := p.DecapPlain(frame, t)
		if !ok || !prog.isLocal(&t.Dst, t.Family, dev, p) {
			return -1, 0, 0
		}
		return n, begin, end
	}
	return -1, 0, 0
}

var tunnelReasons = [...]uint8{
	packet.TunnelTruncated: ReasonTunnelTruncated,
	packet.TunnelHeader:    ReasonTunnelHeader,
	packet.TunnelBadSum:    ReasonTunnelChecksum,
	packet.TunnelECN:       ReasonTunnelECN,
	packet.TunnelEcho:      ReasonTunnelEcho,
}

// unwrap takes a packet that was to be handed up out of its tunnel and judges
// what was in it. ok is false if it is no tunnel's.
func (p *pkt) unwrap() (v packet.Verdict, reason uint8, ok bool) {
	prog := p.e.prog
	n := prog.tunnelFor(p.frame, p.h, p.dev)
	if n < 0 {
		return 0, 0, false
	}
	if p.h.TOS&3 == 3 && !p.own(0) { // the mark goes on to the inner packet
		return packet.Drop, p.reason, true
	}
	lent := p.lent
	c := p.child()
	if c == nil {
		return packet.Drop, ReasonNest, true
	}
	t := &prog.tunnels[n]
	begin, end, err := t.Decap(p.frame, p.h, &c.rx)
	if err != packet.TunnelOK {
		return packet.Drop, tunnelReasons[err], true
	}
	c.reframe(p.frame[begin:end:end])
	c.lent = lent
	c.tun, c.set = &c.rx, -1
	c.m.CT, c.m.Chain = packet.CT{}, 0
	c.from, c.dev, c.iif, c.egress, c.nest = t.dev, t.dev, t.dev, false, 0 // it comes in anew
	v, reason = c.ingress()
	return v, reason, true
}

// reframe gives the packet other bytes than its parent's.
func (p *pkt) reframe(frame []byte) {
	p.frame, p.h = frame, &p.headers
	packet.Parse(frame, p.h)
	if p.h.Tuple.Family != packet.FamilyNone {
		p.h.Hash = p.e.tr.Hash(&p.h.Tuple)
	}
	p.layout()
}

// wrap sends the packet into the tunnel of the device that it was sent out
// of.
func (p *pkt) wrap(port int32) packet.Verdict {
	e := p.e
	if p.set < 0 {
		p.reason = ReasonTunnelNoKey
		return packet.Drop
	}
	s := &e.prog.sets[p.set]
	out := &s.out[port]
	if out.reason != ReasonNone {
		p.reason = out.reason
		return packet.Drop
	}
	if len(p.frame) > wrapMax {
		p.reason = ReasonTunnelLong
		return packet.Drop
	}
	frame := e.encap(p.set, port, p.frame[min(p.strip, len(p.frame)):], p.h)
	if frame == nil {
		p.reason = ReasonNoMemory
		return packet.Drop
	}
	if e.prog.devs[out.dev].block[1] < 0 {
		p.leave(frame, out.dev, false, p.copy)
		return packet.Forward
	}
	c := p.child()
	if c == nil {
		p.reason = ReasonNest
		return packet.Drop
	}
	c.reframe(frame)
	c.m.CT, c.lent = packet.CT{}, false
	c.tun, c.set, c.dev, c.iif = nil, -1, out.dev, p.dev
	v := c.transmit()
	p.reason = c.reason
	return v
}

// wrapMax is the longest frame that goes into a tunnel: an IP packet has a
// length of 16 bits.
const (
	wrapMax  = 65535 - wrapRoom
	wrapRoom = 14 + 40 + 16 + packet.MaxTunnelOpts
)

// encap puts outer headers before a frame, in the vector's memory; nil when
// there is none left.
func (e *Engine) encap(set, port int32, frame []byte, h *packet.Headers) []byte {
	s := &e.prog.sets[set]
	e.ipID++
	room := e.v.Arena.Alloc(14 + 40 + 16 + int(s.OptsLen) + len(frame))
	if room == nil {
		return nil
	}
	return s.out[port].Encap(room[:0], &s.Tunnel, frame, h, e.flowHash(frame, h), e.ipID)
}

// flowHash is the same for all packets of a flow, in both directions. It is
// that of the packet as it is now, whatever h.Hash was looked up by before a
// translation.
func (e *Engine) flowHash(frame []byte, h *packet.Headers) uint32 {
	if h.Tuple.Family != packet.FamilyNone {
		return uint32(e.tr.Hash(&h.Tuple) >> 32)
	}
	x := uint64(14)
	for _, b := range frame[:min(14, len(frame))] {
		x = mix(x, uint64(b))
	}
	return uint32(x >> 32)
}

// extractTunnel fills the key with the packet's tunnel metadata
// (flow_dissector.c skb_flow_dissect_tunnel_info).
func (p *pkt) extractTunnel() {
	k, t := &p.key, p.tun
	const tos, port, family = 0xffffffff, 0xffff, 0xffffffff
	k[wARPTIP] &^= tos
	k[wARPSHA] &^= port
	k[wARPTHA] &^= port
	k[wCFM] &^= family
	if t == nil {
		k[wEncSrcIP], k[wEncSrcIP+1], k[wEncDstIP], k[wEncDstIP+1], k[wEncKey] = 0, 0, 0, 0, 0
		return
	}
	be := binary.BigEndian
	k[wEncSrcIP], k[wEncSrcIP+1] = be.Uint64(t.Src[:]), be.Uint64(t.Src[8:])
	k[wEncDstIP], k[wEncDstIP+1] = be.Uint64(t.Dst[:]), be.Uint64(t.Dst[8:])
	k[wEncKey] = uint64(t.ID)
	k[wARPTIP] |= uint64(t.TOS)<<24 | uint64(t.TTL)<<16 | uint64(t.Flags&encFlags)
	k[wARPSHA] |= uint64(t.SPort)
	k[wARPTHA] |= uint64(t.DPort)
	k[wCFM] |= encFamily(t.Family)
}

// encFlags are the flags that flower knows.
const encFlags = packet.TunnelChecksum | packet.TunnelDF | packet.TunnelOAM | packet.TunnelCritical

// encFamily numbers a family as policy.Key.EncCtl does.
func encFamily(f uint8) uint64 {
	switch f {
	case packet.IPv4:
		return 4
	case packet.IPv6:
		return 6
	}
	return 0
}

// encWords are the words of a key that a remembered way depends on: whose
// tunnel its packets came out of.
const encWords = 7

// encOf gives those words of a packet's metadata, as far as the program's
// filters look at them.
func (prog *program) encOf(t *packet.Tunnel) (w [encWords]uint64) {
	if t == nil {
		return w
	}
	be, m := binary.BigEndian, &prog.encMask
	w[0], w[1] = be.Uint64(t.Src[:])&m[0], be.Uint64(t.Src[8:])&m[1]
	w[2], w[3] = be.Uint64(t.Dst[:])&m[2], be.Uint64(t.Dst[8:])&m[3]
	w[4] = uint64(t.ID) & m[4]
	w[5] = uint64(t.DPort) & m[5]
	w[6] = encFamily(t.Family) & m[6]
	return w
}

// encIs reports whether encOf would give w. What nearly every policy looks at
// comes first.
func (prog *program) encIs(t *packet.Tunnel, w *[encWords]uint64) bool {
	if t == nil {
		return *w == [encWords]uint64{}
	}
	m := &prog.encMask
	// Each pair in parentheses: in Go ^ and | bind alike.
	if (uint64(t.ID)&m[4]^w[4])|(uint64(t.DPort)&m[5]^w[5])|(encFamily(t.Family)&m[6]^w[6]) != 0 {
		return false
	}
	if m[0]|m[1]|m[2]|m[3] == 0 {
		return true
	}
	be := binary.BigEndian
	src := (be.Uint64(t.Src[:])&m[0] ^ w[0]) | (be.Uint64(t.Src[8:])&m[1] ^ w[1])
	dst := (be.Uint64(t.Dst[:])&m[2] ^ w[2]) | (be.Uint64(t.Dst[8:])&m[3] ^ w[3])
	return src|dst == 0
}

// findEnc gathers which of those words any filter looks at.
func (prog *program) findEnc() {
	for i := range prog.blocks {
		for j := range prog.blocks[i].chains {
			for k := range prog.blocks[i].chains[j].groups {
				m := &prog.blocks[i].chains[j].groups[k].mask
				for at, w := range [encWords]int{wEncSrcIP, wEncSrcIP + 1, wEncDstIP, wEncDstIP + 1, wEncKey, wARPTHA, wCFM} {
					prog.encMask[at] |= m[w]
					prog.encUsed = prog.encUsed || m[w] != 0
				}
			}
		}
	}
}
