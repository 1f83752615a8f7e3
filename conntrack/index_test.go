package conntrack

import (
	"testing"

	"sluice/packet/packettest"
)

func TestConnectionLimits(t *testing.T) {
	flow := func(i int) []byte { return packettest.UDP(cAddr, sAddr, uint16(1000+i), 53, "") }
	t.Run("I7_a_large_limit_takes_no_memory_before_it_is_used", func(t *testing.T) {
		for _, limit := range []string{"2147483647", "0"} {
			s := DefaultSettings()
			if err := s.Set("nf_conntrack_max", limit); err != nil {
				t.Fatal(err)
			}
			if tr := New(Config{Settings: s}); tr.MemoryBytes() > 100<<20 {
				t.Errorf("limit %s: %d bytes", limit, tr.MemoryBytes())
			}
		}
	})
	t.Run("zero_is_no_limit", func(t *testing.T) {
		// nf_conntrack_core.c __nf_conntrack_alloc: only a limit that is set counts.
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 32}), now: 1e9}
		b.Settings().Max = 0
		for i := range 100 {
			if got := b.in(flow(i)); got != "new" {
				t.Fatalf("connection %d: %s", i, got)
			}
		}
		if b.Len() != 100 {
			t.Errorf("%d connections", b.Len())
		}
	})
	t.Run("the_index_grows_with_a_limit_that_was_raised", func(t *testing.T) {
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 32}), now: 1e9}
		b.Settings().Max = 0
		const flows = 1500
		for i := range flows {
			b.now++
			b.inZone(flow(i), 0, true)
			b.Tick(b.now, 0)
		}
		if n := len(b.ix.buckets); n*crowded < flows || b.Len() != flows {
			t.Errorf("%d buckets for %d connections", n, b.Len())
		}
		for i := range flows {
			tu := tupleOf(cAddr, sAddr, uint16(1000+i), 53)
			if ref, _ := b.Lookup(&tu, b.Hash(&tu), 0, b.now); ref == 0 {
				t.Fatalf("connection %d is lost", i)
			}
		}
	})
}
