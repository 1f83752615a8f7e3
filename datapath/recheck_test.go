package datapath_test

import (
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestPolicyChange: what a change of policy means for established connections
// is told beforehand, and counts nothing.
func TestPolicyChange(t *testing.T) {
	compare := func(t *testing.T, r *datapathtest.Rig, change string) (before map[uint16][2]string, cuts []datapath.Cut, unknown int) {
		t.Helper()
		old, err := r.E.Prospect(r.P, r.Now)
		if err != nil {
			t.Fatal(err)
		}
		r.Run(change)
		now, err := r.E.Prospect(r.P, r.Now)
		if err != nil {
			t.Fatal(err)
		}
		before = map[uint16][2]string{}
		for ref, c := range r.E.Tracker().All(r.Now) {
			before[c.Orig.SPort] = [2]string{old.Judge(r.Now, ref, 0).String(), old.Judge(r.Now, ref, 1).String()}
		}
		cuts, unknown = r.E.Compare(r.Now, old, now)
		return before, cuts, unknown
	}
	t.Run("C07_what_a_new_rule_cuts", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		r.Handshake(40001)
		stats, drops := r.Stats("uplink_rep", 0, 1, 0), r.E.Drops()[0]
		before, cuts, unknown := compare(t, r, "filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp src_port 40001 action drop")
		if before[40000] != [2]string{"vf0_rep", "uplink_rep"} || unknown != 0 {
			t.Errorf("before: %v, %d unknown", before, unknown)
		}
		// Filters of a preference are tried mask by mask in the order of their
		// coming, so the new one is never reached.
		if len(cuts) != 0 {
			t.Errorf("cuts %+v", cuts)
		}
		_, cuts, _ = compare(t, r, "filter replace dev uplink_rep ingress prio 1 chain 2 handle 2 proto ip flower ct_state -new+est+trk action drop")
		if len(cuts) != 2 || !cuts[0].Ends() || cuts[0].Dir != 0 || cuts[0].After.String() != "drop (drop action)" {
			t.Errorf("cuts %+v", cuts)
		}
		if r.Stats("uplink_rep", 0, 1, 0) != stats || r.E.Drops()[0] != drops {
			t.Error("imagined packets were counted")
		}
		for _, c := range r.E.Tracker().All(r.Now) {
			if c.Packets() != [2]uint64{2, 1} {
				t.Errorf("packets %v", c.Packets())
			}
		}
	})
	t.Run("C06_C09_established_connections_follow_the_new_policy", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		data := func() string {
			return r.Out(r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x")))
		}
		for range 3 {
			if out := data(); out != "vf0_rep" {
				t.Fatalf("went to %q", out)
			}
		}
		_, cuts, _ := compare(t, r, "filter add dev uplink_rep ingress prio 1 chain 2 handle 9 proto ip flower ct_state +est+trk ct_mark 0 action mirred egress redirect dev tap")
		if len(cuts) != 0 {
			t.Errorf("cuts %+v", cuts)
		}
		_, cuts, _ = compare(t, r, "filter del dev uplink_rep ingress prio 1 chain 2 handle 2 proto ip flower")
		if len(cuts) != 1 || cuts[0].Ends() || cuts[0].Before.Out != "vf0_rep" || cuts[0].After.Out != "tap" {
			t.Errorf("cuts %+v", cuts)
		}
		if out := data(); out != "tap" {
			t.Errorf("went to %q", out)
		}
	})
	t.Run("C37_a_policy_that_cannot_be_loaded_changes_nothing", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		if err := r.TryRun("filter add dev uplink_rep ingress prio 9 chain 0 proto ip flower ip_proto udp action mirred egress mirror blockid 99"); err == nil {
			t.Fatal("loaded")
		}
		if out := r.Out(r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))); out != "vf0_rep" {
			t.Errorf("went to %q", out)
		}
	})
	t.Run("chance_is_not_known", func(t *testing.T) {
		r := datapathtest.New(t, append([]string{
			"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto udp action ct pipe action goto chain 4",
			"filter add dev uplink_rep ingress prio 1 chain 4 proto ip flower ct_state +trk action ct commit pipe action gact pass random determ drop 9",
			"filter add dev vf0_rep ingress prio 9 chain 0 proto ip flower ip_proto udp action ct pipe action pass",
		}, datapathtest.HTTPPolicy...)...)
		r.Send("uplink_rep", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		r.Send("vf0_rep", packettest.UDP(datapathtest.Server, datapathtest.Client, 53, 1000, "a"))
		before, _, unknown := compare(t, r, "filter del dev uplink_rep ingress prio 1 chain 2")
		if before[1000] != [2]string{"not known", "stack:vf0_rep"} || unknown != 1 {
			t.Errorf("%v, %d unknown", before, unknown)
		}
	})
	t.Run("IPv6", func(t *testing.T) {
		var lines []string
		for _, l := range datapathtest.HTTPPolicy {
			lines = append(lines, strings.Replace(l, "proto ip ", "proto ipv6 ", 1))
		}
		r := datapathtest.New(t, lines...)
		r.Send("uplink_rep", packettest.TCP("fd00::1", "fd00::2", 40000, 80, "S", 1000, 0, ""))
		r.Send("vf0_rep", packettest.TCP("fd00::2", "fd00::1", 80, 40000, "SA", 5000, 1001, ""))
		if res := r.Send("uplink_rep", packettest.TCP("fd00::1", "fd00::2", 40000, 80, "A", 1001, 5001, "")); res.Verdict != packet.Forward {
			t.Fatal(res.Reason)
		}
		before, _, _ := compare(t, r, "filter del dev uplink_rep ingress prio 1 chain 2 handle 1 proto ipv6 flower")
		if before[40000] != [2]string{"vf0_rep", "uplink_rep"} {
			t.Errorf("before: %v", before)
		}
	})
}
