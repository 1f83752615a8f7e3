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

// Aim begins lookups of a group, those whose bit is set in want: of n tuples,
// in the zones that Zone has been told. It leaves the tuples' Hash with them, and
// asks memory for their buckets.
func (t *Tracker) Aim(s *Seek, g *[SeekSize]packet.Gist, n int, want uint32) {
	shift, k0, k1 := t.ix.shift&63, t.key[0], t.key[1]
	for i := range g[:n] {
		tu := &g[i].Tuple
		w := wordsOfTuple(tu)
		sp, dp := uint64(tu.SPort), uint64(tu.DPort)
		if tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
			dp = sp
		}
		h := digest(k0, k1, w, sp, dp, uint64(tu.Proto))
		g[i].Hash = h
		h = (h ^ uint64(s.zone[i])*zoneFactor) * placeFactor
		s.place[i] = (h>>shift<<16 | h&0xffff | 1) & -uint64(want>>i&1)
	}
	start(s, unsafe.SliceData(t.ix.buckets), n)
}

// Zone says in which zone lookup i is.
func (s *Seek) Zone(i int, zone uint16) { s.zone[i&(SeekSize-1)] = zone }

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

// Meet compares the connections that lookups lo to hi have come to with their
// tuples: met has a bit for each whose connection it is, and reply a bit for
// each that goes in the reply's direction. Where met has none only Find can
// tell: the connection may not exist, or not have been the first of its bucket
// with its tag. The caller must know that the connections have not expired.
//
// What is met holds until a connection ends (Ended counts them): its slot may
// be another's then.
//
// It is for protocols with ports, or none: ICMP's tuples invert differently.
func (t *Tracker) Meet(s *Seek, g *[SeekSize]packet.Gist, lo, hi int) (met, reply uint32) {
	chunks := t.slab.chunks
	for i := lo; i < hi && i < SeekSize; i++ {
		slot := s.slot[i]
		c := &chunks[slot>>chunkBits][slot&(chunkConns-1)]
		o, p := wordsOfTuple(&c.Orig), wordsOfTuple(&g[i].Tuple)
		var orig, back uint64
		if t.natted != 0 && c.Status&natMask != 0 {
			orig, back = t.differTranslated(slot, c, &g[i].Tuple)
		} else {
			// Which direction a packet goes is a coin's toss, which no branch
			// predictor guesses: both comparisons are made, and none branches. Each
			// pair in parentheses: in Go ^ and | bind alike.
			orig = (o.src[0] ^ p.src[0]) | (o.dst[0] ^ p.dst[0]) | uint64(o.ports^p.ports)
			back = (o.dst[0] ^ p.src[0]) | (o.src[0] ^ p.dst[0]) | uint64(o.ports^bits.RotateLeft32(p.ports, 16))
			if g[i].Tuple.Family != packet.IPv4 {
				orig |= (o.src[1] ^ p.src[1]) | (o.dst[1] ^ p.dst[1])
				back |= (o.dst[1] ^ p.src[1]) | (o.src[1] ^ p.dst[1])
			}
		}
		rest := uint64(o.kind^p.kind) | uint64(c.Zone^s.zone[i])
		orig, back = orig|rest, back|rest
		// The upper bit of x|-x is set unless x is zero.
		isOrig, isBack := ^(orig|-orig)>>63, ^(back|-back)>>63
		some := (isOrig | isBack) & (uint64(-slot|slot) >> 31)
		met |= uint32(some) << i
		reply |= uint32(some&^isOrig) << i
	}
	return met, reply
}

// differTranslated is how a translated connection's tuples differ from a packet's.
func (t *Tracker) differTranslated(slot uint32, c *Conn, tu *packet.Tuple) (orig, back uint64) {
	if isWide(c) {
		if c.Orig.Src != tu.Src || c.Orig.Dst != tu.Dst || c.Orig.SPort != tu.SPort || c.Orig.DPort != tu.DPort {
			orig = 1
		}
		if t.reply(slot, c) != *tu {
			back = 1
		}
		return orig, back
	}
	// Where something took an end's place, that.
	o, p := wordsOfTuple(&c.Orig), wordsOfTuple(tu)
	dnat, snat := -uint64(c.Status/StatusDstNAT&1), -uint64(c.Status/StatusSrcNAT&1)
	addr := uint64(*(*uint32)(unsafe.Pointer(&c.natAddr))) << addrShift
	src := o.dst[0] ^ (o.dst[0]^addr)&dnat
	dst := o.src[0] ^ (o.src[0]^addr)&snat
	ports := bits.RotateLeft32(o.ports, 16)
	ports ^= (ports ^ uint32(o.port)*0x10001) & (uint32(dnat)&srcPort | uint32(snat)&dstPort)
	orig = (o.src[0] ^ p.src[0]) | (o.dst[0] ^ p.dst[0]) | uint64(o.ports^p.ports)
	back = (src ^ p.src[0]) | (dst ^ p.dst[0]) | uint64(ports^p.ports)
	return orig, back
}

// Met returns the connection that lookup i has come to.
func (t *Tracker) Met(s *Seek, i int) *Conn { return t.slab.at(s.slot[i&(SeekSize-1)]) }

// Ended counts the connections that have ended.
func (t *Tracker) Ended() uint64 { return t.slab.ended }

// Ref returns a reference to the connection that lookup i has come to.
func (t *Tracker) Ref(s *Seek, i int) packet.ConnRef {
	slot := s.slot[i&(SeekSize-1)]
	return t.slab.ref(slot, t.slab.at(slot))
}
