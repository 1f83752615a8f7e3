package datapath

import (
	"testing"

	"sluice/conntrack"
	"sluice/policy"
)

// TestHelperNames: what a policy may name is what the tracker has.
func TestHelperNames(t *testing.T) {
	seen := map[conntrack.Helper]bool{}
	for _, name := range policy.Helpers {
		var p ctParams
		if !p.setHelper("ipv6-" + name) {
			t.Errorf("the tracker has no %s", name)
		}
		seen[p.help] = true
	}
	for h := range conntrack.HelperNames {
		if h := conntrack.Helper(h); h != conntrack.NoHelper && !seen[h] {
			t.Errorf("a policy cannot name helper %d, %s", h, conntrack.HelperNames[h])
		}
	}
}
