//go:build !amd64 && !arm64

package conntrack

import "unsafe"

// fetch is fetchPlain, with memory asked for what the tags point at.
func fetch(s *Seek, buckets *bucket, chunks *[]Conn, lo, hi int) (again uint64) {
	again = fetchPlain(s, buckets, lo, hi)
	for i := lo; i < hi; i++ {
		s.line[i-lo] = uintptr(unsafe.Pointer(connAt(chunks, s.slot[i])))
	}
	prefetch(&s.line, hi-lo)
	return again
}
