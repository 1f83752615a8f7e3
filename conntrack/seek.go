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
	base := uintptr(unsafe.Pointer(unsafe.SliceData(t.ix.buckets)))
	for i := range s.place[:n] {
		s.line[i] = base + uintptr(s.place[i]>>16)*unsafe.Sizeof(bucket{})
	}
	prefetch(&s.line, n)
}

// Fetch looks into the buckets and asks memory for the first two lines of the
// connections that their tags point at.
func (t *Tracker) Fetch(s *Seek, n int) {
	for i := range s.place[:n] {
		p := s.place[i]
		b := &t.ix.buckets[p>>16]
		slot := b.find(uint16(p))
		for n := b.next; slot == 0 && n != 0; {
			o := &t.ix.overflow[n-1]
			slot, n = o.find(uint16(p)), o.next
		}
		s.slot[i] = slot
		s.line[i] = uintptr(unsafe.Pointer(t.slab.at(slot)))
	}
	prefetch2(&s.line, n)
	if len(t.slab.wide) != 0 {
		for i := range s.slot[:n] {
			s.line[i] = t.slab.wideLine(s.slot[i])
		}
		prefetch(&s.line, n)
	}
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
	// Which direction a packet goes is a coin's toss, which no branch
	// predictor guesses: both comparisons are made, and none branches.
	src, dst, ports := o.dst[0], o.src[0], bits.RotateLeft32(o.ports, 16)
	if t.natted != 0 {
		status := c.Status
		if status&natMask != 0 && isWide(c) {
			return t.wideCandidate(slot, c, tu, zone)
		}
		// Where something took an end's place, that.
		dnat, snat := -uint64(status/StatusDstNAT&1), -uint64(status/StatusSrcNAT&1)
		addr := uint64(*(*uint32)(unsafe.Pointer(&c.natAddr))) << addrShift
		src ^= (src ^ addr) & dnat
		dst ^= (dst ^ addr) & snat
		ports ^= (ports ^ uint32(o.port)*0x10001) & (uint32(dnat)&srcPort | uint32(snat)&dstPort)
	}
	rest := uint64(o.kind^p.kind) | uint64(c.Zone^zone)
	// Each pair in parentheses: in Go ^ and | bind alike.
	orig := (o.src[0] ^ p.src[0]) | (o.src[1] ^ p.src[1]) | (o.dst[0] ^ p.dst[0]) | (o.dst[1] ^ p.dst[1]) | uint64(o.ports^p.ports) | rest
	reply := (src ^ p.src[0]) | (o.dst[1] ^ p.src[1]) | (dst ^ p.dst[0]) | (o.src[1] ^ p.dst[1]) | uint64(ports^p.ports) | rest
	notOrig, notReply := (orig|-orig)>>63, (reply|-reply)>>63
	if notOrig&notReply != 0 || slot == 0 {
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
