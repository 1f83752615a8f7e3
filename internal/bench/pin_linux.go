package bench

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// pin locks the goroutine to a thread of its own, and that to the n-th of the
// processors that the program may use; where the kernel refuses, to any. The
// thread ends with the goroutine.
func pin(n int) {
	runtime.LockOSThread()
	var all, one unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() == 0 {
		return
	}
	n %= all.Count()
	for cpu := 0; ; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if n == 0 {
			one.Set(cpu)
			_ = unix.SchedSetaffinity(0, &one)
			return
		}
		n--
	}
}
