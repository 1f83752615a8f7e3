package datapath

import (
	"testing"

	"sluice/conntrack"
)

func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for r := range numReasons {
		n := ReasonName(r)
		if n == "" || n == "unknown" || seen[n] {
			t.Errorf("reason %d has no name of its own: %q", r, n)
		}
		seen[n] = true
	}
	given := map[uint8]conntrack.Result{}
	for r := conntrack.Accept + 1; r < conntrack.NumResults; r++ {
		reason := ctReasons[r]
		if other, twice := given[reason]; twice || reason == ReasonNone {
			t.Errorf("%v: reason %q, as %v has", r, ReasonName(reason), other)
		}
		given[reason] = r
	}
}
