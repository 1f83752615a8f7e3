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
// to indexRoom connections; a table that outgrows that is given a larger one,
// little by little (growth).
type index struct {
	buckets  []bucket
	overflow [][]bucket // by chunks, so that one more never moves the others
	used     uint32     // overflow buckets ever used
	free     uint32     // first free overflow bucket + 1
	shift    uint
}

// overflowChunk is how many overflow buckets are made at once.
const overflowChunk = 1 << 10

// indexRoom is for how many connections memory is set aside at most before
// there are any: 64 MiB of buckets. A limit says what may come, not what will.
const indexRoom = 4 << 20

// newIndex sizes the index for up to n connections at about five a bucket.
func newIndex(n int) index {
	size := 64
	for size*5 < n {
		size *= 2
	}
	return index{buckets: slice[bucket](size), shift: uint(64 - bits.TrailingZeros(uint(size)))}
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
			b.next = x.newOverflow()
		}
		b = x.over(b.next)
	}
}

// over returns the overflow bucket that a link names.
func (x *index) over(link uint32) *bucket {
	n := link - 1
	return &x.overflow[n/overflowChunk][n%overflowChunk]
}

func (x *index) newOverflow() uint32 {
	if n := x.free; n != 0 {
		b := x.over(n)
		x.free = b.next
		*b = bucket{}
		return n
	}
	if x.used%overflowChunk == 0 {
		x.overflow = append(x.overflow, make([]bucket, overflowChunk))
	}
	x.used++
	return x.used
}

// remove takes a slot out. An overflow bucket that empties at the end of its
// chain goes back to the free ones.
func (x *index) remove(hash uint64, zone uint16, slot uint32) bool {
	i, tag := x.place(hash, zone)
	var prev *bucket
	for b := &x.buckets[i]; ; prev, b = b, x.over(b.next) {
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

// entries counts entries by slot.
func (x *index) entries() map[uint32]int {
	n := map[uint32]int{}
	for i := range x.buckets {
		for b := &x.buckets[i]; ; b = x.over(b.next) {
			for j := range b.tag {
				if b.tag[j] != 0 {
					n[b.slot[j]]++
				}
			}
			if b.next == 0 {
				break
			}
		}
	}
	return n
}

func (x *index) memory() int { return (len(x.buckets) + len(x.overflow)*overflowChunk) * 64 }

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
