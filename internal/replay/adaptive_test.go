package replay

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"sluice/packet/packettest"
)

// TestB087_adaptive_with_and_without_out: adaptive timeouts come to the same
// connections and ends whether packets are judged in vectors or, for --out, one at
// a time.
func TestB087_adaptive_with_and_without_out(t *testing.T) {
	policy := file(t, "p.tc", lines(
		"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
		"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev b"))
	crowded := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		now := int64(1_700_000_000e9)
		var packets []packetAt
		for range 40 {
			now += []int64{0, 1e3, 1e6, 4e8, 1e9, 29e9, 30e9, 61e9}[r.IntN(8)]
			for range 1 + r.IntN(4) {
				now += r.Int64N(2) * 1000
				f := packettest.UDP("10.0.0.1", "10.0.1.1", uint16(1000+r.IntN(10)), 2000, "q")
				packets = append(packets, packetAt{now, f, 0})
			}
		}
		o := Options{Policy: policy, Inputs: []Input{{"a", file(t, "c.pcap", pcap(1, packets...))}}, Seed: 1,
			Sysctls: []string{"adaptive.start=2", "adaptive.end=8"}}
		list := func(rep *Report) (all []string) {
			for sport, c := range bySport(rep) {
				all = append(all, fmt.Sprint(sport, c.Timeout, c.Packets()))
			}
			slices.Sort(all)
			return all
		}
		whole := list(mustRun(t, o))
		o.OutDir = filepath.Join(t.TempDir(), "out")
		if single := list(mustRun(t, o)); !slices.Equal(whole, single) {
			t.Errorf("seed %d: %v, one at a time %v", seed, whole, single)
		}
		if len(whole) > 2 {
			crowded++
		}
	}
	if crowded == 0 {
		t.Error("the table was never full enough")
	}
}
