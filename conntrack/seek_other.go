//go:build !amd64

package conntrack

import (
	"unsafe"

	"sluice/packet"
)

// aim is aimPlain, with memory asked for the buckets.
func aim(s *Seek, g *[SeekSize]packet.Gist, lo, hi int, key *[2]uint64, shift uint, buckets *bucket) {
	aimPlain(s, g, lo, hi, key, shift)
	base := uintptr(unsafe.Pointer(buckets))
	for i := lo; i < hi; i++ {
		s.line[i-lo] = base + uintptr(s.place[i]>>16)*unsafe.Sizeof(bucket{})
	}
	prefetch(&s.line, hi-lo)
}

// meet is meetPlain.
func meet(s *Seek, g *[SeekSize]packet.Gist, chunks *[]Conn, lo, hi int) (met, reply, wide uint32) {
	return meetPlain(s, g, chunks, lo, hi)
}
