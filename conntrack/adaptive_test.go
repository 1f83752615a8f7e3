package conntrack

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestB087_adaptive_whatever_maintenance: with timeouts that adapt, connections
// have the same ends however often maintenance comes at a time, however much it
// may do, and whether expired connections are met or collected.
func TestB087_adaptive_whatever_maintenance(t *testing.T) {
	short := 0
	rapid.Check(t, func(rt *rapid.T) {
		const start, end = 3, 12
		set := [][2]string{{"adaptive.start", fmt.Sprint(start)}, {"adaptive.end", fmt.Sprint(end)}, {"nf_conntrack_udp_timeout", "20"}}
		one, other := limited(t, 4096, set...), limited(t, 4096, set...)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			dt := rapid.SampledFrom([]int64{0, 0, 0, second / 1000, second / 3, second, 5 * second, 15 * second}).Draw(rt, "dt")
			one.now += dt
			other.now = one.now
			one.Tick(one.now, 2048)
			for range rapid.IntRange(1, 3).Draw(rt, "ticks") {
				other.Tick(other.now, rapid.SampledFrom([]int{1, 2048}).Draw(rt, "budget"))
			}
			f := flowFrom(cAddr, 1000+rapid.IntRange(0, 11).Draw(rt, "port"))
			one.in(f)
			if rapid.Bool().Draw(rt, "collected") {
				other.collect(other.now)
			}
			other.in(f)
			a, b := ends(one), ends(other)
			if a != b {
				rt.Fatalf("at %d\n%s\nwith other maintenance\n%s", one.now, a, b)
			}
			if one.adaptive() {
				short++
			}
		}
	})
	if short == 0 {
		t.Error("the table was never full enough")
	}
}

// ends lists when the living connections end.
func ends(b *bed) string {
	lines := map[uint16]int64{}
	for _, c := range b.All(b.now) {
		lines[c.Orig.SPort] = c.Timeout
	}
	return fmt.Sprint(lines)
}
