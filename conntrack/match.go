package conntrack

import (
	"net/netip"

	"sluice/packet"
)

// Match selects connections by any part of what they are. The zero value
// matches all of zone 0: the zone always takes part, and a match across zones
// says so, since the same tuple may live in several for different owners.
type Match struct {
	Zone    uint16 // unless AnyZone
	AnyZone bool

	Family uint8 // packet.IPv4 or IPv6; 0: any
	Proto  PartMatch
	Orig   TupleMatch
	Reply  TupleMatch

	Mark, MarkMask   uint32    // MarkMask 0: any
	Label, LabelMask [16]byte  // under LabelMask
	Status           uint16    // all of these bits
	NoStatus         uint16    // none of these
	AnyStatus        uint16    // at least one of these, if it is not zero
	State            PartMatch // of TCP, SCTP or DCCP; offloaded connections have none
	// SrcNAT selects connections whose source was translated, DstNAT those
	// whose destination was, AnyNAT either.
	SrcNAT, DstNAT, AnyNAT NATMatch
}

// NATMatch matches what an end was translated to; the zero value asks nothing.
type NATMatch struct {
	On   bool
	Addr netip.Addr // invalid: any
	Port uint16     // 0: any
}

// PartMatch matches a number under a mask; a zero mask matches all.
type PartMatch struct{ Value, Mask uint16 }

func (m PartMatch) ok(v uint16) bool { return v&m.Mask == m.Value&m.Mask }

// Exactly matches one number.
func Exactly(v uint16) PartMatch { return PartMatch{v, 0xffff} }

// TupleMatch matches one direction's tuple. Ports are in packet.Tuple's sense:
// of ICMP the source port is the identifier, the destination port type<<8|code.
type TupleMatch struct {
	Src, Dst     AddrMatch
	SPort, DPort PartMatch
}

// AddrMatch matches an address of a family under a mask; Family 0 matches all.
type AddrMatch struct {
	Family     uint8
	Addr, Mask packet.Addr
}

// Within matches the addresses of a prefix.
func Within(p netip.Prefix) AddrMatch {
	m := AddrMatch{Family: packet.IPv4, Addr: packet.AddrFrom(p.Addr())}
	if p.Addr().Is6() {
		m.Family = packet.IPv6
	}
	for i := range p.Bits() {
		m.Mask[i/8] |= 0x80 >> (i % 8)
	}
	return m
}

func (m *AddrMatch) ok(a *packet.Addr, family uint8) bool {
	if m.Family == 0 {
		return true
	}
	if m.Family != family {
		return false
	}
	for i := range a {
		if (a[i]^m.Addr[i])&m.Mask[i] != 0 {
			return false
		}
	}
	return true
}

func (m *TupleMatch) ok(t *packet.Tuple) bool {
	return m.SPort.ok(t.SPort) && m.DPort.ok(t.DPort) && m.Src.ok(&t.Src, t.Family) && m.Dst.ok(&t.Dst, t.Family)
}

// Matches reports whether a connection, which expects this reply, is one of
// those selected.
func (m *Match) Matches(c *Conn, reply *packet.Tuple) bool {
	if !m.AnyZone && c.Zone != m.Zone || m.Family != 0 && m.Family != c.Orig.Family || !m.Proto.ok(uint16(c.Orig.Proto)) {
		return false
	}
	if (c.Mark^m.Mark)&m.MarkMask != 0 || c.Status&m.Status != m.Status || c.Status&m.NoStatus != 0 {
		return false
	}
	if m.AnyStatus != 0 && c.Status&m.AnyStatus == 0 {
		return false
	}
	for i := range c.Label {
		if (c.Label[i]^m.Label[i])&m.LabelMask[i] != 0 {
			return false
		}
	}
	// An offloaded connection tells nobody its state (ctnetlink_dump_extinfo).
	if m.State.Mask != 0 && (c.Status&StatusOffload != 0 || !m.State.ok(uint16(protoState(c)))) || !m.Orig.ok(&c.Orig) {
		return false
	}
	return m.Reply.ok(reply) && m.translated(c, reply)
}

// translated compares both directions: what the reply's destination is beside
// the original source is what the source was translated to, and so on.
func (m *Match) translated(c *Conn, reply *packet.Tuple) bool {
	if !m.SrcNAT.On && !m.DstNAT.On && !m.AnyNAT.On {
		return true
	}
	hasPorts := c.Orig.Proto != packet.ProtoICMP && c.Orig.Proto != packet.ProtoICMPv6
	src := c.Status&StatusSrcNAT != 0 && (reply.Dst != c.Orig.Src || hasPorts && reply.DPort != c.Orig.SPort)
	dst := c.Status&StatusDstNAT != 0 && (reply.Src != c.Orig.Dst || hasPorts && reply.SPort != c.Orig.DPort)
	to := func(n *NATMatch, a packet.Addr, port uint16) bool {
		return (!n.Addr.IsValid() || a.Netip(reply.Family) == n.Addr) && (n.Port == 0 || n.Port == port)
	}
	if m.SrcNAT.On && !(src && to(&m.SrcNAT, reply.Dst, reply.DPort)) || m.DstNAT.On && !(dst && to(&m.DstNAT, reply.Src, reply.SPort)) {
		return false
	}
	return !m.AnyNAT.On || src && to(&m.AnyNAT, reply.Dst, reply.DPort) || dst && to(&m.AnyNAT, reply.Src, reply.SPort)
}

// Select yields the connections that live at now and match, by slot.
func (t *Tracker) Select(now int64, m *Match) func(func(packet.ConnRef, *Conn) bool) {
	return func(yield func(packet.ConnRef, *Conn) bool) {
		for ref, c := range t.All(now) {
			reply := t.reply(slotOf(ref), c)
			if m.Matches(c, &reply) && !yield(ref, c) {
				return
			}
		}
	}
}

// Delete ends the connections that live at now and match, in the flow table
// or not, and says how many. before, if not nil, sees each one last.
func (t *Tracker) Delete(now int64, m *Match, before func(packet.ConnRef, *Conn)) (n int) {
	t.clock(now)
	for ref, c := range t.Select(now, m) {
		if before != nil {
			before(ref, c)
		}
		t.Kill(ref)
		n++
	}
	return n
}

// Expired reports that a connection is past its deadline at now, although its
// memory may not have been given back yet.
func (t *Tracker) Expired(c *Conn, now int64) bool { return t.expired(c, now) }
