package replay

import (
	"fmt"
	"path/filepath"
	"testing"

	"sluice/packet/packettest"
)

// paced are n UDP packets of 1000 bytes from the network header on, gap
// nanoseconds apart.
func paced(n int, gap int64) (out []packetAt) {
	for i := range n {
		out = append(out, packetAt{time: 1_700_000_000e9 + int64(i)*gap, data: packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, string(make([]byte, 972)))})
	}
	return out
}

func policed(t *testing.T, police string) string {
	return file(t, "p.tc", "filter add dev a ingress prio 1 proto ip flower action police "+police+" conform-exceed drop/pipe action mirred egress redirect dev b\n")
}

// TestPoliceAtPacketsOwnTimes: tokens gather from packet to packet, also
// between packets of the same millisecond.
func TestPoliceAtPacketsOwnTimes(t *testing.T) {
	for _, c := range []struct {
		name, police string
		packets      []packetAt
		min, max     uint64
	}{
		{"80_Mbit_of_100", "rate 100mbit burst 3000", paced(1000, 100e3), 1000, 1000},
		{"80_Mbit_of_40", "rate 40mbit burst 3000", paced(1000, 100e3), 500, 504},
		{"10000_packets_of_11000", "pkts_rate 11000 pkts_burst 3", paced(1000, 100e3), 998, 1000},
		{"8_Gbit_of_1", "rate 1gbit burst 32k", paced(3000, 1e3), 375, 410},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Policy: policed(t, c.police), Inputs: []Input{{"a", file(t, "in.pcap", pcap(1, c.packets...))}}}
			rep := mustRun(t, o)
			if n := named(rep.Verdicts, "fwd"); n < c.min || n > c.max {
				t.Errorf("%d packets conform, want %d to %d", n, c.min, c.max)
			}
		})
	}
	t.Run("once_a_reload_polices", func(t *testing.T) {
		change := file(t, "change.tc", "filter del dev a ingress\nfilter add dev a ingress prio 1 proto ip flower action police rate 100mbit burst 3000 conform-exceed drop/pipe action mirred egress redirect dev b\n")
		o := Options{
			Policy:  file(t, "p.tc", "filter add dev a ingress prio 1 proto ip flower action mirred egress redirect dev b\n"),
			Inputs:  []Input{{"a", file(t, "in.pcap", pcap(1, paced(1000, 100e3)...))}},
			Reloads: []string{"0.05=" + change},
		}
		if n := named(mustRun(t, o).Verdicts, "fwd"); n != 1000 {
			t.Errorf("%d packets conform, want all 1000", n)
		}
	})
}

// TestPoliceGoesOn: a state keeps the tokens that are left.
func TestPoliceGoesOn(t *testing.T) {
	for _, police := range []string{"rate 40mbit burst 3000 peakrate 60mbit mtu 2000", "pkts_rate 3000 pkts_burst 5"} {
		all := paced(200, 100e3)
		dir := t.TempDir()
		at := func(name string) string { return filepath.Join(dir, name) }
		in := func(p []packetAt) []Input { return []Input{{"a", file(t, "in.pcap", pcap(1, p...))}} }
		o := Options{Policy: policed(t, police), Seed: 1, Inputs: in(all), StateOut: at("whole")}
		mustRun(t, o)
		for _, cut := range []int{1, 2, 3, 77, 78, 79, 199} {
			first := o
			first.Inputs, first.StateOut = in(all[:cut]), at("half")
			mustRun(t, first)
			second := o
			second.Inputs, second.StateOut, second.FromState, second.Seed = in(all[cut:]), at("both"), at("half"), 0
			mustRun(t, second)
			if got, want := read(t, at("both")), read(t, at("whole")); got != want {
				t.Error(fmt.Sprintf("%s, cut at %d: ", police, cut), firstDifference(got, want))
			}
		}
	}
}
