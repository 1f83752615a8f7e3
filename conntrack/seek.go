package conntrack

import (
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// SeekSize is the most lookups that go together: enough for their cache
// misses to overlap, and no more than the processor keeps under way at once.
const SeekSize = 16

// Seek is a group of lookups under way. A caller with many packets keeps
// several groups in flight: it begins one (Aim), lets another take its next
// step (Fetch), and judges a third (Meet), so that no step waits for memory
// that the step before has asked for.
type Seek struct {
	place [SeekSize]uint64 // bucket<<16 | tag; 0: no lookup
	slot  [SeekSize]uint32 // what the bucket's tags point at; 0: nothing
	zone  [SeekSize]uint16
	line  [SeekSize]uintptr
}

// Aim begins lookups lo to hi of a group: of these tuples, in the zones that Zone
// has been told. It leaves the tuples' Hash with them, and asks memory for their
// buckets. Those whose bit is set in aside are not to be looked up.
func (t *Tracker) Aim(s *Seek, g *[SeekSize]packet.Gist, lo, hi int, aside uint32) {
	aim(s, g, max(lo, 0), min(hi, SeekSize), &t.key, t.ix.shift&63, unsafe.SliceData(t.ix.buckets))
	for ; aside != 0; aside &= aside - 1 {
		if i := bits.TrailingZeros32(aside); i < SeekSize {
			s.place[i] = 0
		}
	}
}

// Zone says in which zone lookup i is.
func (s *Seek) Zone(i int, zone uint16) { s.zone[i&(SeekSize-1)] = zone }

// Fetch looks into the buckets of lookups lo to hi and asks memory for the connections that their
// tags point at: for one line of each, which is all that an established
// packet needs, and for all of those whose bit is set in whole.
func (t *Tracker) Fetch(s *Seek, lo, hi int, whole uint32) {
	again := fetch(s, unsafe.SliceData(t.ix.buckets), unsafe.SliceData(t.slab.chunks), max(lo, 0), min(hi, SeekSize))
	for ; again != 0; again &= again - 1 {
		i := bits.TrailingZeros64(again) & (SeekSize - 1)
		s.slot[i] = t.ix.findOn(s.place[i])
	}
	if whole != 0 {
		k := 0
		for ; whole != 0; whole &= whole - 1 {
			slot := s.slot[bits.TrailingZeros32(whole)&(SeekSize-1)]
			s.line[k&(SeekSize-1)] = uintptr(unsafe.Pointer(t.slab.at(slot))) + 64
			k++
		}
		prefetch2(&s.line, k)
	}
	if len(t.slab.wide) != 0 {
		for i, slot := range s.slot[lo:hi] {
			s.line[i] = t.slab.wideLine(slot)
		}
		prefetch(&s.line, hi-lo)
	}
}

// findOn goes on with a lookup whose bucket has overflowed.
func (x *index) findOn(place uint64) (slot uint32) {
	for n := x.buckets[place>>16].next; slot == 0 && n != 0; {
		o := x.over(n)
		slot, n = o.find(uint16(place)), o.next
	}
	return slot
}

// ask asks memory for the line of a hash's bucket, which is going to be needed.
func (t *Tracker) ask(hash uint64, zone uint16) {
	i, _ := t.ix.place(hash, zone)
	t.line[0] = uintptr(unsafe.Pointer(&t.ix.buckets[i]))
	prefetch(&t.line, 1)
}

// Meet compares the connections that lookups lo to hi have come to with their
// tuples: met has a bit for each whose connection it is, and reply a bit for
// each that goes in the reply's direction. Where met has none only Find can
// tell: the connection may not exist, or not have been the first of its bucket
// with its tag. The caller must know that the connections have not expired.
//
// What is met holds until Moves says another number than before: a connection has
// ended and its slot may be another's, or connections have moved in memory. Meet
// must not be called between a connection's first packet and its commit: a
// translation may change what it answers to until then.
//
// It is for protocols with ports, or none: ICMP's tuples invert differently.
func (t *Tracker) Meet(s *Seek, g *[SeekSize]packet.Gist, lo, hi int) (met, reply uint32) {
	met, reply, wide := meet(s, g, unsafe.SliceData(t.slab.chunks), max(lo, 0), min(hi, SeekSize))
	for ; wide != 0; wide &= wide - 1 {
		i := bits.TrailingZeros32(wide) & (SeekSize - 1)
		slot := s.slot[i]
		c, tu := t.slab.at(slot), &g[i].Tuple
		switch {
		case sameTuple(&c.Orig, tu):
			met |= 1 << i
		case t.reply(slot, c) == *tu:
			met |= 1 << i
			reply |= 1 << i
		}
	}
	return met, reply
}

// sameTuple compares all but what goes with natAddr.
func sameTuple(o, tu *packet.Tuple) bool {
	return o.Src == tu.Src && o.Dst == tu.Dst && o.SPort == tu.SPort && o.DPort == tu.DPort && o.Proto == tu.Proto && o.Family == tu.Family
}

// Met returns the connection that lookup i has met.
func (s *Seek) Met(i int) *Conn {
	// The slab holds the connection; this is where it is, not what keeps it.
	return *(**Conn)(unsafe.Pointer(&s.line[i&(SeekSize-1)]))
}

// Moves counts what may have made something that was met something else.
func (t *Tracker) Moves() uint64 { return t.slab.moves }

// Ref returns a reference to the connection that lookup i has come to.
func (t *Tracker) Ref(s *Seek, i int) packet.ConnRef {
	slot := s.slot[i&(SeekSize-1)]
	return t.slab.ref(slot, t.slab.at(slot))
}
