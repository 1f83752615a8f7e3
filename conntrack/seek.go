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
// step (Fetch), and judges a third (Candidate), so that no step waits for
// memory that the step before has asked for.
type Seek struct {
	place [SeekSize]uint64 // bucket<<16 | tag; 0: no lookup
	slot  [SeekSize]uint32 // what the bucket's tags point at; 0: nothing
	line  [SeekSize]uintptr
}

// Aim begins lookup i of a group: hash is Hash of the packet's tuple.
func (s *Seek) Aim(i int, t *Tracker, hash uint64, zone uint16) {
	b, tag := t.ix.place(hash, zone)
	s.place[i&(SeekSize-1)] = b<<16 | uint64(tag)
}

// Skip begins no lookup i.
func (s *Seek) Skip(i int) { s.place[i&(SeekSize-1)] = 0 }

// Start asks memory for the buckets of a group's n lookups.
func (t *Tracker) Start(s *Seek, n int) {
	start(s, unsafe.SliceData(t.ix.buckets), n)
}

// Fetch looks into the buckets and asks memory for the connections that their
// tags point at: for one line of each, which is all that an established
// packet needs, and for all of those whose bit is set in whole.
func (t *Tracker) Fetch(s *Seek, n int, whole uint64) {
	again := fetch(s, unsafe.SliceData(t.ix.buckets), unsafe.SliceData(t.slab.chunks), min(n, SeekSize))
	for ; again != 0; again &= again - 1 {
		i := bits.TrailingZeros64(again) & (SeekSize - 1)
		s.slot[i] = t.ix.findOn(s.place[i])
	}
	if whole != 0 {
		k := 0
		for ; whole != 0; whole &= whole - 1 {
			slot := s.slot[bits.TrailingZeros64(whole)&(SeekSize-1)]
			s.line[k&(SeekSize-1)] = uintptr(unsafe.Pointer(t.slab.at(slot))) + 64
			k++
		}
		prefetch2(&s.line, k)
	}
	if len(t.slab.wide) != 0 {
		for i := range s.slot[:n] {
			s.line[i] = t.slab.wideLine(s.slot[i])
		}
		prefetch(&s.line, n)
	}
}

// findOn goes on with a lookup whose bucket has overflowed.
func (x *index) findOn(place uint64) (slot uint32) {
	for n := x.buckets[place>>16].next; slot == 0 && n != 0; {
		o := &x.overflow[n-1]
		slot, n = o.find(uint16(place)), o.next
	}
	return slot
}

// fetchPlain is fetch without a machine's help: for each lookup it finds the
// first of its bucket's entries that has its tag. Lookups that found none and
// whose bucket has overflowed are given back as bits.
func fetchPlain(s *Seek, buckets *bucket, n int) (again uint64) {
	for i := range s.place[:n] {
		p := s.place[i]
		b := (*bucket)(unsafe.Add(unsafe.Pointer(buckets), p>>16*uint64(unsafe.Sizeof(bucket{}))))
		slot := b.find(uint16(p))
		if s.slot[i] = slot; slot == 0 && p != 0 && b.next != 0 {
			again |= 1 << i
		}
	}
	return again
}

// ask asks memory for the line of a hash's bucket, which is going to be needed.
func (t *Tracker) ask(hash uint64, zone uint16) {
	i, _ := t.ix.place(hash, zone)
	t.line[0] = uintptr(unsafe.Pointer(&t.ix.buckets[i]))
	prefetch(&t.line, 1)
}

// Candidate returns the connection that lookup i has come to, if it is the
// tuple's, and the direction that the tuple is. It is nil where only Find can
// tell: the connection may not exist, or its bucket may have overflowed. The
// caller must know that the connection has not expired.
//
// It is for protocols with ports, or none: ICMP's tuples invert differently.
func (t *Tracker) Candidate(s *Seek, i int, tu *packet.Tuple, zone uint16) (*Conn, int) {
	slot := s.slot[i&(SeekSize-1)]
	c := t.slab.at(slot)
	o, p := wordsOfTuple(&c.Orig), wordsOfTuple(tu)
	if t.natted != 0 && c.Status&natMask != 0 {
		return t.natCandidate(slot, c, tu, zone)
	}
	// Which direction a packet goes is a coin's toss, which no branch
	// predictor guesses: both comparisons are made, and none branches. Each
	// pair in parentheses: in Go ^ and | bind alike.
	rest := uint64(o.kind^p.kind) | uint64(c.Zone^zone)
	orig := (o.src[0] ^ p.src[0]) | (o.dst[0] ^ p.dst[0]) | uint64(o.ports^p.ports)
	reply := (o.dst[0] ^ p.src[0]) | (o.src[0] ^ p.dst[0]) | uint64(o.ports^bits.RotateLeft32(p.ports, 16))
	if tu.Family != packet.IPv4 {
		orig |= (o.src[1] ^ p.src[1]) | (o.dst[1] ^ p.dst[1])
		reply |= (o.dst[1] ^ p.src[1]) | (o.src[1] ^ p.dst[1])
	}
	notOrig, notReply := (orig|-orig)>>63, (reply|-reply)>>63
	if notOrig&notReply|rest != 0 || slot == 0 {
		return nil, 0
	}
	return c, int(notOrig)
}

// natCandidate is Candidate for a translated connection.
func (t *Tracker) natCandidate(slot uint32, c *Conn, tu *packet.Tuple, zone uint16) (*Conn, int) {
	if isWide(c) {
		return t.wideCandidate(slot, c, tu, zone)
	}
	// Where something took an end's place, that.
	o, p := wordsOfTuple(&c.Orig), wordsOfTuple(tu)
	dnat, snat := -uint64(c.Status/StatusDstNAT&1), -uint64(c.Status/StatusSrcNAT&1)
	addr := uint64(*(*uint32)(unsafe.Pointer(&c.natAddr))) << addrShift
	src := o.dst[0] ^ (o.dst[0]^addr)&dnat
	dst := o.src[0] ^ (o.src[0]^addr)&snat
	ports := bits.RotateLeft32(o.ports, 16)
	ports ^= (ports ^ uint32(o.port)*0x10001) & (uint32(dnat)&srcPort | uint32(snat)&dstPort)
	rest := uint64(o.kind^p.kind) | uint64(c.Zone^zone)
	orig := (o.src[0] ^ p.src[0]) | (o.dst[0] ^ p.dst[0]) | uint64(o.ports^p.ports)
	reply := (src ^ p.src[0]) | (dst ^ p.dst[0]) | uint64(ports^p.ports)
	notOrig, notReply := (orig|-orig)>>63, (reply|-reply)>>63
	if notOrig&notReply|rest != 0 {
		return nil, 0
	}
	return c, int(notOrig)
}

// wideCandidate is Candidate for a connection whose reply is kept whole.
func (t *Tracker) wideCandidate(slot uint32, c *Conn, tu *packet.Tuple, zone uint16) (*Conn, int) {
	dir := 0
	if c.Orig != *tu {
		if t.reply(slot, c) != *tu {
			return nil, 0
		}
		dir = 1
	}
	if c.Zone != zone {
		return nil, 0
	}
	return c, dir
}

// Ref returns a reference to the connection that lookup i has come to.
func (t *Tracker) Ref(s *Seek, i int) packet.ConnRef {
	slot := s.slot[i&(SeekSize-1)]
	return t.slab.ref(slot, t.slab.at(slot))
}
