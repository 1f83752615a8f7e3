//go:build !amd64 && !arm64

package conntrack

// Without prefetching the lines are fetched when they are needed.
func prefetch(*[SeekSize]uintptr, int) {}

func prefetch2(*[SeekSize]uintptr, int) {}
