package conntrack

import (
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// slotsPerBucket is what fits into a cache line beside the overflow link.
const slotsPerBucket = 10

// bucket is one cache line: a digest of each entry's hash, and where the
// connection is. One entry serves both directions, since the hash is
// symmetric.
type bucket struct {
	tag  [slotsPerBucket]uint16 // 0: free
	slot [slotsPerBucket]uint32
	next uint32 // overflow bucket + 1; 0: none
}

const _ = uint(64 - unsafe.Sizeof(bucket{}))
const _ = uint(unsafe.Sizeof(bucket{}) - 64)

// index finds connections by tuple and zone. Buckets that fill up beyond their
// line chain into overflow. It is sized for the connection limit at once, up
// to indexRoom connections; a table that outgrows that doubles it (relieve).
type index struct {
	buckets  []bucket
	overflow []bucket
	free     uint32 // first free overflow bucket + 1
	shift    uint
}

// indexRoom is for how many connections memory is set aside at most before
// there are any: 64 MiB of buckets. A limit says what may come, not what will.
const indexRoom = 4 << 20

// crowded is how many entries a bucket has on average when the index doubles.
const crowded = 8

// newIndex sizes the index for up to n connections at about five a bucket.
func newIndex(mem *arena, n int) index {
	size := 64
	for size*5 < n {
		size *= 2
	}
	return index{buckets: slice[bucket](mem, size), shift: uint(64 - bits.TrailingZeros(uint(size)))}
}

// Odd factors of place.
const (
	zoneFactor  = 0x9e3779b97f4a7c15
	placeFactor = 0xd6e8feb86659fd93
)

// place spreads a tuple's hash over zones and splits it into a bucket and a
// tag.
func (x *index) place(hash uint64, zone uint16) (b uint64, tag uint16) {
	h := (hash ^ uint64(zone)*zoneFactor) * placeFactor
	return h >> (x.shift & 63), uint16(h) | 1
}

func (x *index) insert(hash uint64, zone uint16, slot uint32) {
	i, tag := x.place(hash, zone)
	b := &x.buckets[i]
	for {
		for j := range b.tag {
			if b.tag[j] == 0 {
				b.tag[j], b.slot[j] = tag, slot
				return
			}
		}
		if b.next == 0 {
			n := x.newOverflow()
			// newOverflow may have moved overflow buckets, b among them.
			b = x.last(i)
			b.next = n
		}
		b = &x.overflow[b.next-1]
	}
}

// last returns the last bucket of a chain.
func (x *index) last(i uint64) *bucket {
	b := &x.buckets[i]
	for b.next != 0 {
		b = &x.overflow[b.next-1]
	}
	return b
}

func (x *index) newOverflow() uint32 {
	if n := x.free; n != 0 {
		x.free = x.overflow[n-1].next
		x.overflow[n-1] = bucket{}
		return n
	}
	x.overflow = append(x.overflow, bucket{})
	return uint32(len(x.overflow))
}

// remove takes a slot out. An overflow bucket that empties at the end of its
// chain goes back to the free ones.
func (x *index) remove(hash uint64, zone uint16, slot uint32) bool {
	i, tag := x.place(hash, zone)
	var prev *bucket
	for b := &x.buckets[i]; ; prev, b = b, &x.overflow[b.next-1] {
		for j := range b.tag {
			if b.tag[j] == tag && b.slot[j] == slot {
				b.tag[j] = 0
				if prev != nil && b.next == 0 && b.tag == [slotsPerBucket]uint16{} {
					n := prev.next
					prev.next = 0
					b.next = x.free
					x.free = n
				}
				return true
			}
		}
		if b.next == 0 {
			return false
		}
	}
}

// relieve doubles the index when it is crowded and smaller than the limit asks
// for: the limit is beyond indexRoom, or has been raised since, or connections
// are translated and take two entries each. It runs between vectors only, since
// lookups under way hold places in the index.
func (t *Tracker) relieve() {
	old := len(t.ix.buckets)
	if t.slab.live+t.natted > old*crowded {
		if most := t.set.Max << t.twofold(); t.set.Max == 0 || int64(old)*5 < most {
			t.resize(old * 2)
		}
		return
	}
	// A table that fills with translated connections is given its room while
	// it is small: a million's doubling holds everybody up.
	if t.natted >= 1000 && t.slab.live < 1<<16 {
		t.widen()
	}
}

// twofold is 1 where enough connections are translated for the index to reckon
// with two entries each.
func (t *Tracker) twofold() int {
	if t.natted*4 > t.slab.live {
		return 1
	}
	return 0
}

// widen gives the index room for two entries a connection, if it needs them.
func (t *Tracker) widen() {
	if n := len(t.ix.buckets); t.twofold() == 1 && n*5 < t.slab.limit*2 {
		t.resize(n * 2)
	}
}

// resize makes the index anew.
func (t *Tracker) resize(buckets int) {
	old := t.ix
	t.ix = newIndex(t.slab.mem, buckets*5)
	for n := uint32(1); n <= t.slab.used; n++ {
		c := t.slab.at(n)
		if c.Status&StatusConfirmed == 0 {
			continue
		}
		t.ix.insert(t.Hash(&c.Orig), c.Zone, n)
		if c.Status&natMask != 0 {
			r := t.reply(n, c)
			t.ix.insert(t.Hash(&r), c.Zone, n)
		}
	}
	t.slab.mem.free(unsafe.Pointer(unsafe.SliceData(old.buckets)))
}

func (x *index) memory() int { return (len(x.buckets) + cap(x.overflow)) * 64 }

// Hash digests a tuple so that both directions of an untranslated connection
// give the same value, and nobody without the key can aim at a bucket: each
// end is mixed with the key before the two are joined, and the join is mixed
// again. The zone is not part of it. For ICMP only the identifier counts,
// since the type differs between query and answer.
func (t *Tracker) Hash(tu *packet.Tuple) uint64 {
	return digest(t.key[0], t.key[1], tu)
}

func digest(k0, k1 uint64, tu *packet.Tuple) uint64 {
	w := wordsOfTuple(tu)
	sp, dp := uint64(tu.SPort), uint64(tu.DPort)
	if tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
		dp = sp
	}
	// The port is added after the address is mixed: xored into it, a suffix
	// and a port could be chosen to cancel out without knowing the key.
	a := mum(w.src[0]^k0, w.src[1]^k1) + sp*0x9fb21c651e98df25
	b := mum(w.dst[0]^k0, w.dst[1]^k1) + dp*0x9fb21c651e98df25
	return mum(a+b^k1, (a^b)+uint64(tu.Proto)+k0)
}

// mum multiplies to 128 bits and folds the halves.
func mum(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
