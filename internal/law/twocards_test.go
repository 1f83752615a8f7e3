package law_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/flowtable"
)

// TestTwoCards: a host has two cards with an uplink each. A connection's packets
// come in over one and leave over the other, and change over in mid-flow: both
// cards hold the flow, and I1 and I2 hold.
func TestTwoCards(t *testing.T) {
	for _, x := range []struct {
		name string
		// swap tells from which packet on, of n, the other uplink is the one that
		// packets come in on, and after how many it changes back; 0: never.
		swap func(rt *rapid.T, n int) (from, every int)
	}{
		{"A068_asymmetric_paths", func(*rapid.T, int) (int, int) { return 0, 0 }},
		{"B022_moved_in_mid_flow", func(rt *rapid.T, n int) (int, int) {
			return rapid.IntRange(0, n).Draw(rt, "moves"), rapid.IntRange(1, 9).Draw(rt, "moves back")
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			carried := [2]uint64{}
			rapid.Check(t, func(rt *rapid.T) {
				var lines []string
				for _, l := range datapathtest.Policy(rt, false) {
					lines = append(lines, l)
					if strings.Contains(l, " dev uplink_rep ingress ") {
						lines = append(lines, strings.Replace(l, " dev uplink_rep ", " dev up2 ", 1))
					}
				}
				in := datapathtest.Traffic(rt, datapathtest.NewWith(t, datapath.Config{}, lines...), new(datapathtest.Transcript), nil)
				from, every := x.swap(rt, len(in))
				for i := range in {
					if in[i].Dev == "uplink_rep" && i >= from && (every == 0 || (i-from)/every%2 == 0) {
						in[i].Dev = "up2" // answers leave by uplink_rep
					}
				}
				cfg := datapath.Config{Trace: true}
				soft := datapathtest.NewWith(t, cfg, lines...)
				hard := &place{cfg: cfg, vector: 1, ticks: 1, rig: datapathtest.NewWith(t, cfg, lines...)}
				for _, name := range []string{"one", "two"} {
					c, err := sim.ParseProfile(rapid.SampledFrom([]string{"plain", "mlx5", "plain,miss=start", "window"}).Draw(rt, name))
					if err != nil {
						rt.Fatal(err)
					}
					c.Name = name
					hard.cards = append(hard.cards, c)
				}
				hard.ports = [][]string{{"uplink_rep"}, {"up2", "vf0_rep"}}
				hard.adm = flowtable.Admission{}
				if err := hard.plug(hard.rig.E); err != nil {
					rt.Fatal(err)
				}
				if err := hard.rig.E.Load(hard.rig.P, hard.rig.Now); err != nil {
					rt.Fatal(err)
				}
				var want, got datapathtest.Transcript
				for _, p := range in {
					want.Send(soft, p)
				}
				if err := hard.send(&got, in); err != nil {
					rt.Fatal(err)
				}
				soft.Now += 5e9
				hard.rig.Now = soft.Now
				for i, card := range hard.nics {
					carried[i] += card.Pipeline().Stats().Packets
				}
				if a, b := want.End(soft), got.End(hard.rig); a != b {
					rt.Fatalf("%+v\n%v\n%s", hard.cards, lines, datapathtest.Differences(a, b))
				}
			})
			if carried[1] == 0 || carried[0] == 0 && x.name[0] == 'B' {
				t.Errorf("the cards carried %v packets", carried)
			}
		})
	}
}
