//go:build !linux

package bench

import "time"

var began = time.Now()

// clock is the time of day: other work on the machine counts.
func clock() time.Duration { return time.Since(began) }

func processClock() time.Duration { return clock() }
