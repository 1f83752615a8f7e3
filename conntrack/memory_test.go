package conntrack

import (
	"runtime"
	"testing"
	"time"
	"unsafe"

	"sluice/packet/packettest"
)

// TestConnOutlivesItsTracker: a connection's record can be read and written as
// long as anybody holds it, whatever has become of its tracker.
func TestConnOutlivesItsTracker(t *testing.T) {
	const rounds = 8
	var held []*Conn
	gone := make(chan bool, rounds)
	for range rounds {
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 1 << 16}), now: 1e9}
		b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "q"))
		held = append(held, b.only())
		runtime.AddCleanup(b.Tracker, func(gone chan bool) { gone <- true }, gone)
	}
	for n, end := 0, time.Now().Add(20*time.Second); n < rounds; {
		runtime.GC()
		select {
		case <-gone:
			n++
		case <-time.After(time.Millisecond):
			if time.Now().After(end) {
				t.Fatalf("%d trackers of %d are still there", rounds-n, rounds)
			}
		}
	}
	runtime.GC()
	for _, c := range held {
		if c.Orig.SPort != 1000 || c.Status&StatusConfirmed == 0 {
			t.Errorf("%+v", c)
		}
		c.Mark++
	}
}

// TestMemoryGoesWithItsTracker: trackers that nobody holds any more leave
// nothing behind.
func TestMemoryGoesWithItsTracker(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	New(Config{MaxConns: 1 << 16})
	before := heap()
	for range 100 {
		New(Config{MaxConns: 1 << 16})
	}
	// Pages are made ready by goroutines that may not have run yet.
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		after := heap()
		if after <= before+8<<20 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d bytes, %d before", after, before)
		}
	}
}

// TestLargeMemory: it is zeroed, begins at a huge page, and what is given back
// ahead of the collector reads as zeros.
func TestLargeMemory(t *testing.T) {
	for _, n := range []int{1, hugePage/8 - 1, hugePage / 8, hugePage/8 + 1, hugePage} {
		s := slice[uint64](n)
		if len(s) != n {
			t.Fatalf("%d of %d", len(s), n)
		}
		b := bytesOf(s)
		if 8*n >= hugePage && uintptr(unsafe.Pointer(&s[0]))%hugePage != 0 {
			t.Errorf("%d bytes do not begin at a huge page", 8*n)
		}
		if len(b) != 8*n {
			t.Fatalf("%d bytes of %d", len(b), 8*n)
		}
		for i := range s {
			if s[i] != 0 {
				t.Fatalf("element %d of %d is not zero", i, n)
			}
			s[i] = 1
		}
		ready(s)
		if s[n-1] != 1 {
			t.Error("what was there is lost")
		}
		if 8*n < hugePage {
			continue
		}
		discard(b)
		if runtime.GOOS == "linux" && s[0] != 0 {
			t.Error("not given back")
		}
	}
}
