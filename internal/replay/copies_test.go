package replay

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/packet/packettest"
)

// copyPolicies make copies in every way there is: into another device's
// ingress, out of a device whose egress block drops, to a block's ports, and
// for a chain to track.
func copyPolicies(t *testing.T) []string {
	return []string{
		file(t, "ingress.tc", lines(
			"filter add dev uplink_rep ingress prio 1 proto all matchall action mirred ingress mirror dev mon pipe action mirred egress mirror dev tap pipe action drop",
			"filter add dev mon ingress prio 1 proto ip flower ip_proto tcp action drop",
			"qdisc add dev vf0_rep ingress",
		)),
		file(t, "egress.tc", lines(
			"qdisc add dev tap clsact",
			"filter add dev uplink_rep ingress prio 1 proto all matchall action mirred egress mirror dev tap pipe action mirred egress redirect dev vf0_rep",
			"filter add dev tap egress prio 1 proto ip flower ip_proto tcp action drop",
		)),
		file(t, "block.tc", lines(
			"qdisc add dev a ingress_block 7 ingress",
			"qdisc add dev b ingress_block 7 ingress",
			"filter add dev uplink_rep ingress prio 1 proto all matchall action mirred egress redirect blockid 7",
			"qdisc add dev vf0_rep ingress",
		)),
		file(t, "clone.tc", lines(
			"filter add dev uplink_rep ingress prio 1 proto ip flower ct_state -trk ip_proto tcp action ct chain 5",
			"filter add dev uplink_rep ingress prio 2 proto all matchall action mirred egress redirect dev vf0_rep",
			"filter add dev uplink_rep ingress chain 5 prio 1 proto ip flower ct_state +trk+new action ct commit pipe action drop",
			"filter add dev uplink_rep ingress chain 5 prio 2 proto ip flower ct_state +trk+est action mirred egress redirect dev tap",
		)),
	}
}

// TestCopies reads what is told of one packet and its copies.
func TestCopies(t *testing.T) {
	syn := packettest.TCP(hostA, hostB, 4000, 80, "S", 1, 0, "")
	for i, c := range []struct {
		name   string
		want   []string // FILE: comment
		copies CopyReport
		drops  string // reason of the copies
		state  string // of the packet itself
	}{
		{"into an ingress that drops, out, and the packet dropped", []string{
			"drop: #1 from uplink_rep: copy to mon: drop, drop action; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk; mon chain 0 protocol ip prio 1 handle 0x1 -trk",
			"drop: #1 from uplink_rep: drop, drop action; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk",
			"tap: #1 from uplink_rep: copy to tap; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk",
		}, CopyReport{2, 1, 0, 1}, "drop action", "-trk"},
		{"out of a device whose egress block drops", []string{
			"drop: #1 from uplink_rep: copy to tap: drop, egress drop action; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk; tap egress chain 0 protocol ip prio 1 handle 0x1 -trk",
			"vf0_rep: #1 from uplink_rep: fwd to vf0_rep; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk",
		}, CopyReport{1, 0, 0, 1}, "egress drop action", "-trk"},
		{"to a block's ports", []string{
			"a: #1 from uplink_rep: copy to a; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk",
			"b: #1 from uplink_rep: fwd to b; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk",
		}, CopyReport{1, 1, 0, 0}, "", "-trk"},
		{"A026_clone", []string{
			"drop: #1 from uplink_rep: copy to uplink_rep: drop, drop action; uplink_rep chain 0 protocol ip prio 1 handle 0x1 -trk; uplink_rep chain 5 protocol ip prio 1 handle 0x1 +trk+new; tcp 10.0.0.1:4000 > 10.0.0.2:80 zone 0 SYN_SENT [UNREPLIED]",
			"pass: #1 from uplink_rep: pass to the stack at uplink_rep; uplink_rep chain 0 protocol ip prio 1 handle 0x1 -trk",
		}, CopyReport{1, 0, 0, 1}, "drop action", "-trk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := httpOptions()
			o.Policy, o.Split, o.OutDir = copyPolicies(t)[i], nil, t.TempDir()
			o.Inputs[0].File = file(t, "one.pcap", pcap(1, packetAt{1e18, syn, 0}))
			rep := mustRun(t, o)
			var got []string
			for name := range readDir(t, o.OutDir) {
				for _, p := range readCommented(t, filepath.Join(o.OutDir, name)) {
					got = append(got, strings.TrimSuffix(name, ".pcapng")+": "+p.comment)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if rep.Copies != c.copies || c.drops != "" && named(rep.CopyDrops, c.drops) != c.copies.Dropped {
				t.Errorf("%+v, dropped %v; want %+v", rep.Copies, rep.CopyDrops, c.copies)
			}
			if named(rep.States, c.state) != 1 {
				t.Errorf("states %v, want %s", rep.States, c.state)
			}
		})
	}
}

// TestStateAfterRedirect: the state is the one that the packet has in the end,
// wherever its last filter is.
func TestStateAfterRedirect(t *testing.T) {
	o := httpOptions()
	o.Split = nil
	o.Policy = file(t, "bridge.tc", lines(
		"filter add dev uplink_rep ingress prio 1 proto all matchall action mirred ingress redirect dev br",
		"filter add dev br ingress prio 1 proto ip flower ct_state -trk ip_proto tcp action ct pipe action goto chain 1",
		"filter add dev br ingress chain 1 prio 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
	))
	o.Inputs[0].File = file(t, "one.pcap", pcap(1, packetAt{1e18, packettest.TCP(hostA, hostB, 4000, 80, "S", 1, 0, ""), 0}))
	o.OutDir = t.TempDir()
	rep := mustRun(t, o)
	if named(rep.States, "+trk+new") != 1 {
		t.Errorf("states %v", rep.States)
	}
	const want = "#1 from uplink_rep: fwd to vf0_rep; uplink_rep chain 0 protocol all prio 1 handle 0x1 -trk; br chain 0 protocol ip prio 1 handle 0x1 +trk+new; br chain 1 protocol ip prio 1 handle 0x1 +trk+new; tcp 10.0.0.1:4000 > 10.0.0.2:80 zone 0 SYN_SENT [UNREPLIED]"
	if got := readCommented(t, filepath.Join(o.OutDir, "vf0_rep.pcapng")); len(got) != 1 || got[0].comment != want {
		t.Errorf("%+v, want %s", got, want)
	}
}

// TestConnectionInComment tells apart why a packet has no connection.
func TestConnectionInComment(t *testing.T) {
	tcp := packettest.TCP
	o := httpOptions()
	o.Policy = file(t, "ct.tc", lines(
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new dst_ip 10.0.0.2 action ct commit pipe action drop",
		"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk action drop",
	))
	o.Split, o.OutDir = nil, t.TempDir()
	broken := tcp(hostA, hostB, 4001, 80, "S", 1, 0, "")
	broken[len(broken)-4] ^= 0xff // the checksum
	o.Inputs[0].File = file(t, "x.pcap", pcap(1,
		packetAt{1e18, tcp(hostA, hostB, 4000, 80, "S", 1, 0, ""), 0},
		packetAt{1e18, tcp(hostB, hostA, 80, 4000, "RA", 0, 2, ""), 0},
		packetAt{1e18, tcp(hostB, hostA, 80, 5000, "S", 1, 0, ""), 0},
		packetAt{1e18, broken, 0},
	))
	mustRun(t, o)
	got := readCommented(t, filepath.Join(o.OutDir, "drop.pcapng"))
	for i, want := range []string{"SYN_SENT [UNREPLIED]", "+trk+est+rpl; connection ended", "+trk+new; connection not committed", "+trk+inv; no connection"} {
		if i >= len(got) || !strings.HasSuffix(got[i].comment, want) {
			t.Errorf("packet %d: %v, want …%s", i+1, got, want)
		}
	}
}
