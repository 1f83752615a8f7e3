//go:build !amd64 && !arm64

package conntrack

import "unsafe"

// Without prefetching the lines are fetched when they are needed.
func prefetch(unsafe.Pointer) {}

func prefetch2(unsafe.Pointer) {}
