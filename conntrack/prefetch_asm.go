//go:build amd64 || arm64

package conntrack

// prefetch asks for the cache lines at the first n addresses without waiting
// for any. A load that misses holds up everything behind it once the
// processor's window is full; a prefetch does not, so that all misses overlap.
//
//go:noescape
func prefetch(lines *[SeekSize]uintptr, n int)

// prefetch2 asks for the line at each address and the next.
//
//go:noescape
func prefetch2(lines *[SeekSize]uintptr, n int)
