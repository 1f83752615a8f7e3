package conntrack

import (
	"testing"

	"sluice/packet/packettest"
)

// TestA124 holds expiry to what is said of it: memory comes back a bounded
// amount of work at a time, and what a packet meets never waits for that.
func TestA124_expiry_is_lazy_and_bounded(t *testing.T) {
	const n = 500
	full := func() *bed {
		b := newBed(t)
		for i := range n {
			b.in(packettest.UDP(cAddr, sAddr, uint16(1000+i), 53, ""))
		}
		b.Tick(b.now, 0) // from here on time is earned
		b.now += 31 * second
		return b
	}
	t.Run("B028_by_budget", func(t *testing.T) {
		b := full()
		for i := range 5 {
			before := b.Len()
			b.Tick(b.now, 7)
			if got := before - b.Len(); got != 7 {
				t.Errorf("tick %d let go of %d, want 7", i, got)
			}
		}
	})
	t.Run("B028_by_time_earned", func(t *testing.T) {
		b := full()
		b.ticked = b.now
		b.credit = 0
		for range 50 {
			b.Tick(b.now, 1<<20)
		}
		if b.Len() != n {
			t.Errorf("%d of %d let go of without any time", n-b.Len(), n)
		}
		b.now += gcPeriod / 10
		b.Tick(b.now, 1<<20)
		b.Tick(b.now, 1<<20) // spent
		if got := n - b.Len(); got != n/10 {
			t.Errorf("a tenth of a round let go of %d, want %d", got, n/10)
		}
	})
	t.Run("lazily", func(t *testing.T) {
		b := full() // nobody ticks: all are still there, and none is met
		if b.Len() != n {
			t.Fatalf("%d connections", b.Len())
		}
		if got := b.in(packettest.UDP(sAddr, cAddr, 53, 1000, "")); got != "new" {
			t.Errorf("an answer after the timeout is %s", got)
		}
		if b.Len() != n {
			t.Errorf("%d connections, want the expired one gone and the new one in its place", b.Len())
		}
		if c := b.only(); c.Orig.SPort != 53 {
			t.Errorf("an expired connection is listed: %+v", c.Orig)
		}
	})
}

func TestA125_long_timeouts(t *testing.T) {
	b := newBed(t)
	b.establish()
	if b.left() != 5*24*3600 {
		t.Errorf("established TCP has %d s left, want five days", b.left())
	}
	b.now += 5*24*3600*second - second
	if got := b.in(c("A", 1001, 5001)); got != "est" {
		t.Errorf("a second before the five days are over: %s", got)
	}
	b.now += 5 * 24 * 3600 * second
	if b.only() != nil {
		t.Error("still there after five days of silence")
	}
	u := newBed(t)
	q, a := packettest.UDP(cAddr, sAddr, 1000, 53, "q"), packettest.UDP(sAddr, cAddr, 53, 1000, "a")
	u.in(q)
	u.in(a)
	u.now += 3 * second
	if u.in(q); u.left() != 120 {
		t.Errorf("a UDP stream has %d s left, want 120", u.left())
	}
}
