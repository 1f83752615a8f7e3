package sim

import (
	"testing"

	"sluice/offload"
	"sluice/offload/offloadtest"
)

// TestConformance: the card passes what every driver must, whichever vendor's it
// is, and with slow answers, too.
func TestConformance(t *testing.T) {
	names, _ := Profiles()
	for _, name := range names {
		for _, desc := range []string{name + ",flows=5000", name + ",flows=5000,queue=100,rate=20000,removals=30000,delay=3ms,stats=10ms,late=5ms,seed=7"} {
			t.Run("A184 "+desc, func(t *testing.T) {
				offloadtest.Run(t, func() offload.Driver { return card(t, desc) })
			})
		}
	}
}
