package sim

import (
	"math/bits"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// flow is a connection in the card, or on its way into or out of it. The
// offload.Entry comes first, so that its address is the flow's.
type flow struct {
	offload.Entry
	packets, bytes [2]uint64
	epoch          uint16 // valid as long as it is its zone's
	flags          uint8
	adds           uint8  // additions of it that are under way
	slot           uint32 // 24 bits
}

const (
	held      uint8 = 1 << iota // it takes up room
	live                        // the flow table knows that it is there
	closed                      // nothing is carried until it is added anew
	removed                     // its removal is under way: look-ups do not find it
	doomed                      // the addition under way cannot succeed
	labeled                     // its label is in use
	twoWay                      // both directions are held
	rewritten                   // its packets are, as rewrites says
)

// entries is how many of the ct table a flow has: one a direction (mlx5's zone
// rules). They share a counter.
func (f *flow) entries() int {
	if f.flags&twoWay != 0 {
		return 2
	}
	return 1
}

// store holds flows and finds them by connection and by packet. Flows live in
// pointer-free chunks; slot 0 is nobody's.
type store struct {
	tr    *conntrack.Tracker
	chunk []*[chunkSize]flow
	free  uint32 // first of the free slots, linked by Idle
	used  uint32 // slots ever used
	conns table  // of slots
	tuple table  // of slot<<1 | direction; one for both where the hashes are equal
}

const (
	chunkBits = 14 // some 3 MB: huge pages serve it
	chunkSize = 1 << chunkBits
)

func newStore(tr *conntrack.Tracker, slots int) store {
	return store{tr: tr, conns: newTable(2 * slots), tuple: newTable(3 * slots)}
}

func (s *store) at(slot uint32) *flow { return &s.chunk[slot>>chunkBits][slot&(chunkSize-1)] }

// get returns a zeroed flow. Callers bound their number.
func (s *store) get() *flow {
	if slot := s.free; slot != 0 {
		f := s.at(slot)
		s.free = uint32(f.Idle)
		*f = flow{slot: slot}
		return f
	}
	s.used++
	if int(s.used>>chunkBits) >= len(s.chunk) {
		s.chunk = append(s.chunk, new([chunkSize]flow))
	}
	f := s.at(s.used)
	f.slot = s.used
	return f
}

func (s *store) put(f *flow) {
	*f = flow{slot: f.slot}
	f.Idle = int64(s.free)
	s.free = f.slot
}

// byConn finds a connection's flow.
func (s *store) byConn(c packet.ConnRef) *flow {
	h := connHash(c)
	t := &s.conns
	for i := t.home(h); ; i = t.next(i) {
		w := t.w[i]
		if w == 0 {
			return nil
		}
		if w>>slotBits == tag(h) {
			if f := s.at(w & slotMask >> 1); f.Conn == c {
				return f
			}
		}
	}
}

// find gives the flow whose tuple, in either direction, is that of a packet. h
// is the zoneHash.
func (s *store) find(zone uint16, tu *packet.Tuple, h uint64) (*flow, int) {
	t := &s.tuple
	for i := t.home(h); ; i = t.next(i) {
		w := t.w[i]
		if w == 0 {
			return nil, 0
		}
		if w>>slotBits != tag(h) {
			continue
		}
		f := s.at(w & slotMask >> 1)
		if f.Zone != zone {
			continue
		}
		for dir := range f.Tuple {
			if f.Tuple[dir] == *tu {
				return f, dir
			}
		}
	}
}

// hashes are a flow's, by direction.
func (s *store) hashes(f *flow) (h [2]uint64) {
	h[0] = zoneHash(s.tr.Hash(&f.Tuple[0]), f.Zone)
	if h[1] = h[0]; !inverse(&f.Tuple[0], &f.Tuple[1]) {
		h[1] = zoneHash(s.tr.Hash(&f.Tuple[1]), f.Zone)
	}
	return h
}

// link makes a flow be found. h are its hashes.
func (s *store) link(f *flow, h *[2]uint64) {
	s.conns.insert(connHash(f.Conn), f.slot<<1)
	s.tuple.insert(h[0], f.slot<<1)
	if h[1] != h[0] {
		s.tuple.insert(h[1], f.slot<<1|1)
	}
}

// unlink undoes link.
func (s *store) unlink(f *flow) {
	s.delConn(f)
	h := s.hashes(f)
	s.delTuple(h[0], f.slot<<1)
	if h[1] != h[0] {
		s.delTuple(h[1], f.slot<<1|1)
	}
}

func (s *store) delConn(f *flow) {
	t := &s.conns
	hole, ok := t.seek(connHash(f.Conn), f.slot<<1)
	if !ok {
		return
	}
	for i := t.next(hole); t.w[i] != 0; i = t.next(i) {
		if t.fills(hole, i, connHash(s.at(t.w[i]&slotMask>>1).Conn)) {
			t.w[hole], hole = t.w[i], i
		}
	}
	t.w[hole] = 0
}

func (s *store) delTuple(h uint64, ref uint32) {
	t := &s.tuple
	hole, ok := t.seek(h, ref)
	if !ok {
		return
	}
	for i := t.next(hole); t.w[i] != 0; i = t.next(i) {
		o := s.at(t.w[i] & slotMask >> 1)
		if t.fills(hole, i, zoneHash(s.tr.Hash(&o.Tuple[t.w[i]&1]), o.Zone)) {
			t.w[hole], hole = t.w[i], i
		}
	}
	t.w[hole] = 0
}

// inverse reports whether b is the way back of a, without a translation. The
// tracker's hash is then the same; for ICMP it may be even so.
func inverse(a, b *packet.Tuple) bool {
	return a.Src == b.Dst && a.Dst == b.Src && a.SPort == b.DPort && a.DPort == b.SPort && a.Proto == b.Proto
}

// table is an open-addressing index of slots: 7 bits of the hash, 24 of the
// slot, one of the direction. Zero is empty. Deletion moves later entries up,
// so nothing wears out.
type table struct{ w []uint32 }

const (
	slotBits = 25
	slotMask = 1<<slotBits - 1
)

// newTable makes an index of so many places. A third of them should stay empty.
func newTable(n int) table { return table{make([]uint32, n+8)} }

func tag(h uint64) uint32 { return uint32(h) & 0x7f }

func (t *table) home(h uint64) uint32 {
	hi, _ := bits.Mul64(h, uint64(len(t.w)))
	return uint32(hi)
}

func (t *table) next(i uint32) uint32 {
	if i++; i == uint32(len(t.w)) {
		return 0
	}
	return i
}

func (t *table) insert(h uint64, ref uint32) {
	i := t.home(h)
	for t.w[i] != 0 {
		i = t.next(i)
	}
	t.w[i] = tag(h)<<slotBits | ref
}

func (t *table) seek(h uint64, ref uint32) (uint32, bool) {
	want := tag(h)<<slotBits | ref
	for i := t.home(h); t.w[i] != 0; i = t.next(i) {
		if t.w[i] == want {
			return i, true
		}
	}
	return 0, false
}

// fills reports whether the entry at i, whose hash is h, may move to the hole
// in front of it: its home is not behind the hole.
func (t *table) fills(hole, i uint32, h uint64) bool {
	home, n := t.home(h), uint32(len(t.w))
	return (i+n-home)%n >= (i+n-hole)%n
}

func connHash(c packet.ConnRef) uint64 {
	hi, lo := bits.Mul64(uint64(c)^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}

func zoneHash(h uint64, zone uint16) uint64 {
	return (h ^ uint64(zone)*0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93
}
