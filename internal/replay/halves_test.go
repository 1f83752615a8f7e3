package replay

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"sluice/packet/packettest"
)

// forward is a policy of two ports, a and b, that tracks UDP.
var forward = lines(
	"filter add dev a ingress prio 2 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
	"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
	"filter add dev b ingress prio 2 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
	"filter add dev b ingress prio 1 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev a",
)

// TestHalvesEqualTheWhole cuts small captures at every packet: what leaves, and
// the state in the end, are those of one run.
func TestHalvesEqualTheWhole(t *testing.T) {
	one := packettest.UDP("10.0.0.1", "10.0.1.1", 1000, 2000, "x")
	two := packettest.UDP("10.0.0.2", "10.0.1.1", 1, 2, "x")
	for _, c := range []struct {
		name   string
		policy string
		all    []packetAt
	}{
		// The identification of a tunnel's outer header goes on where it was.
		{"outer_identification", lines(
			"qdisc add dev u ingress",
			"ip link set dev u address 02:00:00:00:00:1b",
			"ip address add 192.0.2.1/24 dev u",
			"ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:1a dev u",
			"ip link add vxlan0 type vxlan external dstport 4789",
			"filter add dev a ingress prio 1 protocol ip flower action tunnel_key set src_ip 192.0.2.1 dst_ip 192.0.2.2 id 5 dst_port 4789 pipe action mirred egress redirect dev vxlan0",
		), []packetAt{{time: 0, data: one}, {time: 1e6, data: two}, {time: 3e9, data: one}}},
		// A sweep that comes for a time which was put off takes no other connection along:
		// the restored tracker knows the time that it was put off to.
		{"a_deadline_put_off", forward, []packetAt{
			{time: 0, data: one}, {time: 9e9, data: one}, {time: 39.1e9, data: two}, {time: 39.7e9, data: two},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, policy := t.TempDir(), file(t, "p.tc", c.policy)
			at := func(name string) string { return filepath.Join(dir, name) }
			in := func(name string, part []packetAt) []Input {
				return []Input{{"a", file(t, name+".pcap", pcap(1, part...))}}
			}
			run := func(name string, part []packetAt, from string) map[string]string {
				o := Options{Policy: policy, Seed: 1, Inputs: in("in", part), OutDir: at(name), StateOut: at(name + ".state"), FromState: from}
				if from != "" {
					o.Seed = 0
				}
				mustRun(t, o)
				return readDir(t, at(name))
			}
			files := run("whole", c.all, "")
			for cut := 1; cut < len(c.all); cut++ {
				first, second := fmt.Sprint("first", cut), fmt.Sprint("second", cut)
				run(first, c.all[:cut], "")
				run(second, c.all[cut:], at(first+".state"))
				for name := range files {
					got := slices.Concat(readCommented(t, filepath.Join(at(first), name)), readCommented(t, filepath.Join(at(second), name)))
					want := readCommented(t, filepath.Join(at("whole"), name))
					if len(got) != len(want) {
						t.Fatalf("cut at %d: %s has %d packets, want %d", cut, name, len(got), len(want))
					}
					for i := range got {
						if string(got[i].data) != string(want[i].data) {
							t.Errorf("cut at %d: %s, packet %d: %x, want %x", cut, name, i, got[i].data, want[i].data)
						}
					}
				}
				if got, want := read(t, at(second+".state")), read(t, at("whole.state")); got != want {
					t.Errorf("cut at %d: states differ: %s", cut, firstDifference(got, want))
				}
			}
		})
	}
}

// TestReloadAtAPacketsTime: SECONDS that no float64 holds exactly are the packet's
// time all the same, and a connection that a reload has ended is in no flow table.
func TestReloadAtAPacketsTime(t *testing.T) {
	there := packettest.UDP("10.0.0.1", "10.0.1.1", 1000, 2000, "x")
	drop := file(t, "r.tc", "filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto udp action drop\n")
	for _, ms := range []int64{1001, 1003, 2005, 4097} {
		at := ms * 1e6
		capture := file(t, "in.pcap", pcap(1, packetAt{time: 1e18, data: there}, packetAt{time: 1e18 + at - 1, data: there}, packetAt{time: 1e18 + at, data: there}))
		rep := mustRun(t, Options{Policy: file(t, "p.tc", forward), Inputs: []Input{{"a", capture}}, Reloads: []string{fmt.Sprintf("%d.%03d=%s", ms/1000, ms%1000, drop)}})
		if named(rep.Verdicts, "fwd") != 2 || named(rep.Verdicts, "drop") != 1 {
			t.Errorf("reload at %d ms: %v, want the first two forwarded and the third dropped", ms, rep.Verdicts)
		}
	}
	back := packettest.UDP("10.0.1.1", "10.0.0.1", 2000, 1000, "x")
	capture := file(t, "in.pcap", pcap(1, packetAt{time: 1e18, data: there}, packetAt{time: 1e18 + 1000, data: back}, packetAt{time: 1e18 + 3e9, data: there},
		packetAt{time: 1e18 + 3.01e9, data: packettest.UDP("10.0.0.2", "10.0.1.1", 1, 2, "x")}))
	rep := mustRun(t, Options{Policy: file(t, "p.tc", forward), Inputs: []Input{{"a", capture}}, Split: []string{"src=10.0.1.1:b"},
		Reloads: []string{"3.003=" + drop}, OnReload: "kill"})
	if n := rep.Conntrack.Live; n != rep.Flows || n != 0 {
		t.Errorf("%d connections, %d in flow tables; want none of either", n, rep.Flows)
	}
}
