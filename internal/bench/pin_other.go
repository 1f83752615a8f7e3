//go:build !linux

package bench

import "runtime"

// pin locks the goroutine to a thread of its own, which ends with it.
func pin(int) { runtime.LockOSThread() }
