package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// Match says which flows are meant. Its parts must all hold; the zero value
// means every flow.
type Match struct {
	// InChain: flows that a ct action of Chain gave to the flow table, whichever
	// chains their packets run through besides. For Open vSwitch a chain is a
	// recirculation id (RFC part 2, Netfilter changes 6).
	InChain          bool
	Chain            uint32
	InZone           bool
	Zone             uint16
	Mark, MarkMask   uint32
	Label, LabelMask [16]byte
	If               func(packet.ConnRef, *conntrack.Conn) bool
}

func (m *Match) matches(ref packet.ConnRef, c *conntrack.Conn, chain uint32) bool {
	if m.InChain && chain != m.Chain || m.InZone && c.Zone != m.Zone || (c.Mark^m.Mark)&m.MarkMask != 0 {
		return false
	}
	for i := range m.LabelMask {
		if (c.Label[i]^m.Label[i])&m.LabelMask[i] != 0 {
			return false
		}
	}
	return m.If == nil || m.If(ref, c)
}

// RemoveIf takes all matching flows out of their tables and out of every
// device, at once, and returns how many they were. Their connections live on
// and may enter again with their next packet.
func (s *Set) RemoveIf(now int64, m Match) (n int) {
	s.now = max(s.now, now)
	for _, t := range s.all {
		if m.InZone && t.zone != m.Zone {
			continue
		}
		for i := t.flows.len() - 1; i >= 0; i-- {
			ref := t.flows.at(i)
			c := t.conn(ref)
			if c == nil || c.FlowTable != t.id || !m.matches(ref, c, t.chains.at(i)) || t.expired(c, ref, now) {
				continue
			}
			s.n.Removed++
			t.teardown(c, ref, now, offload.Flushed)
			n++
		}
	}
	return n
}

// Back moves a flow from devices to software, where it stays in the flow
// table: for good, or, with again, until another packet asks for it. It
// reports false if the flow table does not hold the connection.
func (s *Set) Back(now int64, ref packet.ConnRef, again bool) bool {
	s.now = max(s.now, now)
	c := s.tr.Conn(ref)
	if !mine(c) {
		return false
	}
	t := s.table(c)
	if t == nil {
		return false
	}
	s.leave(ref, c, offload.Flushed)
	x := s.side(ref)
	x.home = !again
	x.next = now + s.adm.RetryEvery
	if t.devs != 0 {
		c.FlowFlags |= flowWants
	}
	s.settleFlags(c, x)
	return true
}
