package conntrack

import "sluice/packet"

// lateCount are packets that a connection has had since they were last added
// to its counters. It lies on the line that an established packet reads in any
// case, so that most of them write no other.
type lateCount struct {
	bytes   [2]uint16
	packets [2]uint8
}

// Packets are how many packets each direction has had.
func (c *Conn) Packets() [2]uint64 {
	return [2]uint64{c.packets[0] + uint64(c.late.packets[0]), c.packets[1] + uint64(c.late.packets[1])}
}

// Bytes are how many bytes each direction has had, from the network header on.
func (c *Conn) Bytes() [2]uint64 {
	return [2]uint64{c.bytes[0] + uint64(c.late.bytes[0]), c.bytes[1] + uint64(c.late.bytes[1])}
}

// Add counts packets of a direction.
func (c *Conn) Add(dir int, packets, bytes uint64) {
	c.packets[dir] += packets
	c.bytes[dir] += bytes
}

// Prolong counts one packet of a direction of up to 65,535 bytes, where that
// costs least, and puts the flow's deadline off, unless it is over.
func (c *Conn) Prolong(dir, bytes uint32, now, deadline int64) bool {
	if now >= c.FlowDeadline {
		return false
	}
	c.FlowDeadline = deadline
	l := &c.late
	b, p := uint32(l.bytes[dir&1])+bytes, uint32(l.packets[dir&1])+1
	if b>>16|p>>8 != 0 {
		c.settle(int(dir&1), b, p)
		return true
	}
	l.bytes[dir&1], l.packets[dir&1] = uint16(b), uint8(p)
	return true
}

// settle adds what late has no room for to a direction's counters.
func (c *Conn) settle(dir int, bytes, packets uint32) {
	c.Add(dir, uint64(packets), uint64(bytes))
	c.late.bytes[dir], c.late.packets[dir] = 0, 0
}

// count adds a packet to a direction's counters.
func (c *Conn) count(dir int, h *packet.Headers) { c.Add(dir, 1, h.IPBytes()) }

// SetCounters sets a connection's counters.
func (c *Conn) SetCounters(packets, bytes [2]uint64) {
	c.packets, c.bytes, c.late = packets, bytes, lateCount{}
}

// ZeroCounters sets a connection's counters to zero.
func (c *Conn) ZeroCounters() { c.SetCounters([2]uint64{}, [2]uint64{}) }

// Settled is a copy of the connection with nothing counted late, so that equal
// connections are equal.
func (c *Conn) Settled() Conn {
	s := *c
	s.SetCounters(c.Packets(), c.Bytes())
	return s
}
