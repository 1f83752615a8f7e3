//go:build !amd64

package conntrack

import "unsafe"

// start asks memory for the buckets of n lookups.
func start(s *Seek, buckets *bucket, n int) {
	base := uintptr(unsafe.Pointer(buckets))
	for i := range s.place[:n] {
		s.line[i] = base + uintptr(s.place[i]>>16)*unsafe.Sizeof(bucket{})
	}
	prefetch(&s.line, n)
}

// fetch is fetchPlain, with memory asked for what the tags point at.
func fetch(s *Seek, buckets *bucket, chunks *[]Conn, n int) (again uint64) {
	again = fetchPlain(s, buckets, n)
	for i, slot := range s.slot[:n] {
		chunk := (*[]Conn)(unsafe.Add(unsafe.Pointer(chunks), uintptr(slot>>chunkBits)*unsafe.Sizeof([]Conn{})))
		s.line[i] = uintptr(unsafe.Pointer(&(*chunk)[slot&(chunkConns-1)]))
	}
	prefetch(&s.line, n)
	return again
}
