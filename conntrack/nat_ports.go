package conntrack

import (
	"math"
	"math/bits"

	"sluice/packet"
)

// Where nearly all ports towards one server are taken, trying one after the
// other costs a millisecond a connection, and an attacker can make it so. A
// server towards which denseTries ports in a row were taken gets a map: one
// bit for each port that a connection's tuple occupies. Maps are exact: they
// are told of every connection that comes or goes. What they cannot know is
// which of the connections have expired and not been removed yet; so before
// they say that no port is left, they look at those that may have.

const (
	denseTries = 64
	maxMaps    = 1024 // 8 MiB
)

// portKey names all tuples that differ in the port in question: that of the
// side which a reply is addressed to.
type portKey struct {
	src, dst packet.Addr
	sport    uint16 // the other side's
	zone     uint16
	proto    uint8
	family   uint8
}

type portMap struct {
	bits [1024]uint64
	// mayExpire is no later than the first connection on the map can expire.
	mayExpire int64
}

type portMaps struct {
	m map[portKey]*portMap
}

// keyOf gives a tuple's map and bit.
func keyOf(tu *packet.Tuple, zone uint16) (portKey, uint16) {
	k := portKey{src: tu.Src, dst: tu.Dst, sport: tu.SPort, zone: zone, proto: tu.Proto, family: tu.Family}
	if tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
		k.sport = tu.DPort // type and code; the identifier is what varies
		return k, tu.SPort
	}
	return k, tu.DPort
}

// of returns the map for the ports that to's manip may change, if there is
// one. A destination's port is searched without.
func (ps *portMaps) of(to *packet.Tuple, zone uint16, manip Manip) *portMap {
	if len(ps.m) == 0 || manip != SrcNAT {
		return nil
	}
	reply := invert(to)
	k, _ := keyOf(&reply, zone)
	return ps.m[k]
}

// occupy and free keep the maps up to date with a tuple that has come or gone.
func (ps *portMaps) occupy(tu *packet.Tuple, zone uint16, expires int64) {
	k, bit := keyOf(tu, zone)
	if m := ps.m[k]; m != nil {
		m.bits[bit/64] |= 1 << (bit % 64)
		m.mayExpire = min(m.mayExpire, expires)
	}
}

func (ps *portMaps) free(tu *packet.Tuple, zone uint16) {
	k, bit := keyOf(tu, zone)
	if m := ps.m[k]; m != nil {
		m.bits[bit/64] &^= 1 << (bit % 64)
	}
}

// sooner notes that a connection may expire earlier than its map believes.
func (t *Tracker) sooner(slot uint32, c *Conn) {
	if len(t.ports.m) == 0 {
		return
	}
	r := t.reply(slot, c)
	for _, tu := range [2]*packet.Tuple{&c.Orig, &r} {
		k, _ := keyOf(tu, c.Zone)
		if m := t.ports.m[k]; m != nil {
			m.mayExpire = min(m.mayExpire, t.mayExpire(c))
		}
	}
}

// mayExpire is no later than a connection's end. The flow table's share of the
// timeout is taken off when it gives a connection back.
func (t *Tracker) mayExpire(c *Conn) int64 {
	end := c.Timeout
	if c.Status&StatusOffload != 0 {
		end = min(end, c.FlowDeadline)
	}
	return end - max(t.set.FlowtableTCPTimeout, t.set.FlowtableUDPTimeout)
}

// mapPorts makes a map. It returns nil, and the search goes on without, when
// there are too many.
func (t *Tracker) mapPorts(now int64, to *packet.Tuple, zone uint16, manip Manip) *portMap {
	if manip != SrcNAT || len(t.ports.m) >= maxMaps {
		return nil
	}
	if t.ports.m == nil {
		t.ports.m = map[portKey]*portMap{}
	}
	m := new(portMap)
	reply := invert(to)
	k, _ := keyOf(&reply, zone)
	t.ports.m[k] = m
	t.scan(now, m, *to, zone)
	return m
}

// scan asks the index about every port. Connections that have expired are
// removed by that.
func (t *Tracker) scan(now int64, m *portMap, to packet.Tuple, zone uint16) {
	m.mayExpire = math.MaxInt64
	clear(m.bits[:])
	var s Seek
	var try [SeekSize]packet.Tuple
	for lo := 0; lo < 65536; lo += SeekSize {
		for i := range try {
			setNATPort(&to, SrcNAT, uint16(lo+i))
			try[i] = invert(&to)
			s.Aim(i, t, t.Hash(&try[i]), zone)
		}
		t.Start(&s, SeekSize)
		t.Fetch(&s, SeekSize)
		for i := range try {
			if _, c, _ := t.Find(&try[i], t.Hash(&try[i]), zone, now); c != nil {
				_, bit := keyOf(&try[i], zone)
				m.bits[bit/64] |= 1 << (bit % 64)
				m.mayExpire = min(m.mayExpire, t.mayExpire(c))
			}
		}
	}
}

// freeInMap is freePort over a map.
func (t *Tracker) freeInMap(now int64, m *portMap, to packet.Tuple, zone uint16, lo, size, off uint32, manip Manip) (packet.Tuple, bool) {
	if m == nil {
		return t.freeSlowly(now, to, zone, lo, size, off, manip)
	}
	for range 2 {
		first := lo + off%size
		p, ok := m.next(first, lo+size)
		if !ok {
			p, ok = m.next(lo, first)
		}
		if ok {
			setNATPort(&to, manip, uint16(p))
			return to, true
		}
		if now < m.mayExpire {
			return to, false
		}
		t.scan(now, m, to, zone)
	}
	return to, false
}

// next finds a port from lo on, below hi, that is free.
func (m *portMap) next(lo, hi uint32) (uint32, bool) {
	for p := lo; p < hi; {
		w := ^m.bits[p/64] >> (p % 64)
		if w == 0 {
			p = p/64*64 + 64
			continue
		}
		if p += uint32(bits.TrailingZeros64(w)); p < hi {
			return p, true
		}
	}
	return 0, false
}

// freeSlowly tries one port after the other.
func (t *Tracker) freeSlowly(now int64, to packet.Tuple, zone uint16, lo, size, off uint32, manip Manip) (packet.Tuple, bool) {
	for i := range size {
		setNATPort(&to, manip, uint16(lo+(off+i)%size))
		if !t.taken(now, &to, zone) {
			return to, true
		}
	}
	return to, manip == DstNAT
}
