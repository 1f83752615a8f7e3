//go:build amd64 || arm64

package conntrack

import "unsafe"

// prefetch asks for a cache line without waiting for it. A load that misses
// holds up everything behind it once the processor's window is full; a
// prefetch does not, so that a whole vector's misses overlap.
//
//go:noescape
func prefetch(p unsafe.Pointer)

// prefetch2 asks for the line at p and the next.
//
//go:noescape
func prefetch2(p unsafe.Pointer)
