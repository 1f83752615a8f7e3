package conntrack

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"sluice/packet"
)

// Where nearly all ports towards one server are taken, trying one after the
// other costs a millisecond a connection, and an attacker can make it so. A
// server towards which denseTries ports in a row were taken gets a map: one
// bit for each port that a connection's tuple occupies. Maps are exact: they
// are told of every connection that comes or goes. What they cannot know is
// which of the connections have expired and not been removed yet; so before
// they are asked, all that have expired are.

const (
	denseTries = 64
	maxMaps    = 1024 // 8 MiB
)

// portKey names all tuples that differ in the port in question: that of the
// side which a reply is addressed to. It is made and compared as words: source,
// destination, and the other side's port, zone, protocol and family.
type portKey [5]uint64

type portMap struct {
	bits [1024]uint64
	// mayExpire is no later than the first connection on the map can expire.
	mayExpire int64
}

// portMaps finds maps by their keys. Every connection that comes or goes asks
// for its two tuples' maps, nearly always in vain: a table of open addressing
// that says so from one word.
type portMaps struct {
	maps  []*portMap
	keys  []portKey // of maps
	table []uint64  // a key's hash<<16 | its map's number + 1; 0: free
}

// portTable is the table's size, twice as many as there may be maps.
const portTable = 2 * maxMaps

// keyOf gives a tuple's map and bit.
func keyOf(tu *packet.Tuple, zone uint16) (portKey, uint16) {
	w := wordsOfTuple(tu)
	other, bit := tu.SPort, tu.DPort
	if tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
		other, bit = bit, other // type and code; the identifier is what varies
	}
	return portKey{w.src[0], w.src[1], w.dst[0], w.dst[1], uint64(other) | uint64(zone)<<16 | uint64(w.kind)<<32}, bit
}

// hashPortKey digests a key. Who does not know the tracker's cannot choose
// where it falls.
func hashPortKey(key *[2]uint64, k *portKey) uint64 {
	k0, k1 := key[0], key[1]
	a, b := mum(k[0]^k0, k[1]^k1), mum(k[2]^k0, k[3]^k1)
	return mum(a+k[4]^k1, b+k0)
}

// portMap returns the map of a tuple, if there is one, and the tuple's bit.
func (t *Tracker) portMap(tu *packet.Tuple, zone uint16) (*portMap, uint16) {
	if t.claiming() {
		return t.shared.claims.ports.of(&t.key, tu, zone)
	}
	if len(t.ports.maps) == 0 {
		return nil, 0
	}
	k, bit := keyOf(tu, zone)
	return t.ports.find(hashPortKey(&t.key, &k), &k), bit
}

// find returns the map of a key; nil: there is none.
func (ps *portMaps) find(h uint64, k *portKey) *portMap {
	if ps.table == nil {
		return nil
	}
	for ; ; h += 1 << 53 {
		e := ps.table[h>>53]
		if e == 0 {
			return nil
		}
		if n := uint16(e) - 1; (e^h<<16)>>16 == 0 && ps.keys[n] == *k {
			return ps.maps[n]
		}
	}
}

// mapOf returns the map for the ports that to's manip may change, if there is
// one. A destination's port is searched without.
func (t *Tracker) mapOf(to *packet.Tuple, zone uint16, manip Manip) *portMap {
	if manip != SrcNAT {
		return nil
	}
	reply := invert(to)
	m, _ := t.portMap(&reply, zone)
	return m
}

// occupy and vacate keep the maps up to date with a connection's tuple that has
// come or gone.
func (t *Tracker) occupy(tu *packet.Tuple, c *Conn) {
	if m, bit := t.portMap(tu, c.Zone); m != nil {
		m.bits[bit/64] |= 1 << (bit % 64)
		m.mayExpire = min(m.mayExpire, t.mayExpire(c))
	}
}

func (t *Tracker) vacate(tu *packet.Tuple, c *Conn) {
	if m, bit := t.portMap(tu, c.Zone); m != nil {
		m.bits[bit/64] &^= 1 << (bit % 64)
	}
}

// sooner notes that a connection may expire earlier than its map believes.
func (t *Tracker) sooner(slot uint32, c *Conn) {
	if c.Status&StatusConfirmed == 0 {
		return // its time has not begun
	}
	t.mayEnd(slot, t.end(c))
	if t.shared != nil {
		t.claimedSooner(slot, c)
	}
	if len(t.ports.maps) == 0 {
		return
	}
	r := t.reply(slot, c)
	for _, tu := range [2]*packet.Tuple{&c.Orig, &r} {
		if m, _ := t.portMap(tu, c.Zone); m != nil {
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
	if manip != SrcNAT {
		return nil
	}
	reply := invert(to)
	k, _ := keyOf(&reply, zone)
	var m *portMap
	if t.claiming() {
		if m = t.shared.addShared(&k); m != nil {
			t.fillShared(*to, zone)
		}
	} else {
		m = t.ports.add(hashPortKey(&t.key, &k), &k)
	}
	if m != nil {
		t.scan(now, m, *to, zone)
	}
	return m
}

// add adds an empty map to the table.
func (ps *portMaps) add(h uint64, k *portKey) *portMap {
	if len(ps.maps) >= maxMaps {
		return nil
	}
	if ps.table == nil {
		ps.table = make([]uint64, portTable)
	}
	for ; ps.table[h>>53] != 0; h += 1 << 53 {
	}
	m := new(portMap)
	ps.maps, ps.keys = append(ps.maps, m), append(ps.keys, *k)
	ps.table[h>>53] = h<<16 | uint64(len(ps.maps))
	return m
}

// scan asks the index about every port. Connections that have expired are
// removed by that.
func (t *Tracker) scan(now int64, m *portMap, to packet.Tuple, zone uint16) {
	if t.claiming() {
		t.scanShared(now, m, to, zone)
		return
	}
	m.mayExpire = math.MaxInt64
	clear(m.bits[:])
	var s Seek
	var try [SeekSize]packet.Gist
	for lo := 0; lo < 65536; lo += SeekSize {
		for i := range try {
			setNATPort(&to, SrcNAT, uint16(lo+i))
			try[i].Tuple = invert(&to)
			s.Zone(i, zone)
		}
		t.Aim(&s, &try, 0, SeekSize, 0)
		t.Fetch(&s, 0, SeekSize, 1<<SeekSize-1)
		for i := range try {
			tu := &try[i].Tuple
			if _, c, _ := t.Find(tu, try[i].Hash, zone, now); c != nil {
				_, bit := keyOf(tu, zone)
				m.bits[bit/64] |= 1 << (bit % 64)
				m.mayExpire = min(m.mayExpire, t.mayExpire(c))
			}
		}
	}
}

// freeInMap is freePort over a map.
func (t *Tracker) freeInMap(now int64, m *portMap, to packet.Tuple, c *Conn, lo, size, off uint32, manip Manip) (packet.Tuple, bool) {
	if m == nil {
		return t.freeSlowly(now, to, c, lo, size, off, manip)
	}
	t.collect(now)
	if t.shared != nil {
		t.collectElsewhere(now)
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
		if now < atomic.LoadInt64(&m.mayExpire) {
			return to, false
		}
		t.scan(now, m, to, c.Zone)
	}
	return to, false
}

// next finds a port from lo on, below hi, that is free.
func (m *portMap) next(lo, hi uint32) (uint32, bool) {
	for p := lo; p < hi; {
		w := ^atomic.LoadUint64(&m.bits[p/64]) >> (p % 64) // several trackers' may change meanwhile
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
func (t *Tracker) freeSlowly(now int64, to packet.Tuple, c *Conn, lo, size, off uint32, manip Manip) (packet.Tuple, bool) {
	for i := range size {
		setNATPort(&to, manip, uint16(lo+(off+i)%size))
		if !t.taken(now, &to, c) {
			return to, true
		}
	}
	return to, false
}

// takenIn is taken of a tuple whose ports have a map, or nil. It looks no
// further than the map where that can tell: a connection that is not fresh may
// share its original tuple with the one on the map.
func (t *Tracker) takenIn(m *portMap, now int64, to *packet.Tuple, slot uint32, c *Conn) bool {
	if m != nil {
		p := natPort(to, SrcNAT)
		if atomic.LoadUint64(&m.bits[p/64])>>(p%64)&1 == 0 {
			return false
		}
		if now < atomic.LoadInt64(&m.mayExpire) && t.isFresh(t.slab.ref(slot, c)) {
			t.st.Found++
			return true
		}
	}
	return t.taken(now, to, c)
}

// checkPorts compares the maps with the connections.
func (t *Tracker) checkPorts() (errs []error) {
	if t.claiming() {
		return nil // Shared.Check does
	}
	want := make([][1024]uint64, len(t.ports.maps))
	for ref, c := range t.Known() {
		r := t.reply(slotOf(ref), c)
		for _, tu := range [2]*packet.Tuple{&c.Orig, &r} {
			if m, bit := t.portMap(tu, c.Zone); m != nil {
				want[slices.Index(t.ports.maps, m)][bit/64] |= 1 << (bit % 64)
			}
		}
	}
	for i, m := range t.ports.maps {
		if m.bits != want[i] {
			errs = append(errs, fmt.Errorf("map %d of ports is not what the connections occupy", i))
		}
	}
	return errs
}
