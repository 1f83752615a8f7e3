package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock is the time that this thread has spent on a processor: what a core
// does in it does not depend on who else uses the machine. The measuring
// goroutine must be locked to its thread.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}

// processClock is the time that all threads have spent on processors.
func processClock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}
