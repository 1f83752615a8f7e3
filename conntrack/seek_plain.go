package conntrack

import (
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// The steps of a Seek in Go. Where they are also to be had in assembly, tests
// hold the two equal.

// aimPlain digests tuples lo to hi and says where in the index they are.
func aimPlain(s *Seek, g *[SeekSize]packet.Gist, lo, hi int, key *[2]uint64, shift uint) {
	k0, k1 := key[0], key[1]
	for i := lo; i < hi; i++ {
		h := digest(k0, k1, &g[i].Tuple)
		g[i].Hash = h
		h = (h ^ uint64(s.zone[i])*zoneFactor) * placeFactor
		s.place[i] = h>>(shift&63)<<16 | h&0xffff | 1
	}
}

// fetchPlain finds, for lookups lo to hi, the first of the bucket's entries that
// has the tag. Lookups that found none and whose bucket has overflowed are
// given back as bits.
func fetchPlain(s *Seek, buckets *bucket, lo, hi int) (again uint64) {
	for i := lo; i < hi; i++ {
		p := s.place[i]
		b := (*bucket)(unsafe.Add(unsafe.Pointer(buckets), p>>16*uint64(unsafe.Sizeof(bucket{}))))
		slot := b.find(uint16(p))
		if s.slot[i] = slot; slot == 0 && p != 0 && b.next != 0 {
			again |= 1 << i
		}
	}
	return again
}

// meetPlain compares the connections of lookups lo to hi with their tuples, as Meet
// says, and leaves with them where they are. Those whose reply is kept elsewhere are left to the caller: wide.
func meetPlain(s *Seek, g *[SeekSize]packet.Gist, chunks *[]Conn, lo, hi int) (met, reply, wide uint32) {
	for i := lo; i < hi; i++ {
		slot := s.slot[i]
		if slot == 0 {
			continue
		}
		c := connAt(chunks, slot)
		s.line[i] = uintptr(unsafe.Pointer(c))
		o, p := wordsOfTuple(&c.Orig), wordsOfTuple(&g[i].Tuple)
		if o.kind != p.kind || c.Zone != s.zone[i] {
			continue
		}
		// Which direction a packet goes is a coin's toss, which no branch
		// predictor guesses: both comparisons are made. Each pair in parentheses:
		// in Go ^ and | bind alike.
		orig := (o.src[0] ^ p.src[0]) | (o.src[1] ^ p.src[1]) | (o.dst[0] ^ p.dst[0]) | (o.dst[1] ^ p.dst[1]) | uint64(o.ports^p.ports)
		src, dst, ports := o.dst[0], o.src[0], bits.RotateLeft32(o.ports, 16)
		if c.Status&natMask != 0 {
			if isWide(c) {
				wide |= 1 << i
				continue
			}
			// Where something took an end's place, that.
			dnat, snat := -uint64(c.Status/StatusDstNAT&1), -uint64(c.Status/StatusSrcNAT&1)
			addr := uint64(*(*uint32)(unsafe.Pointer(&c.natAddr))) << addrShift
			src ^= (src ^ addr) & dnat
			dst ^= (dst ^ addr) & snat
			ports ^= (ports ^ uint32(o.port)*0x10001) & (uint32(dnat)&srcPort | uint32(snat)&dstPort)
		}
		back := (src ^ p.src[0]) | (o.dst[1] ^ p.src[1]) | (dst ^ p.dst[0]) | (o.src[1] ^ p.dst[1]) | uint64(ports^p.ports)
		if orig == 0 || back == 0 {
			met |= 1 << i
		}
		if orig != 0 && back == 0 {
			reply |= 1 << i
		}
	}
	return met, reply, wide
}

// connAt is slab.at without its bounds.
func connAt(chunks *[]Conn, slot uint32) *Conn {
	chunk := (*[]Conn)(unsafe.Add(unsafe.Pointer(chunks), uintptr(slot>>chunkBits)*unsafe.Sizeof([]Conn{})))
	return &(*chunk)[slot&(chunkConns-1)]
}
