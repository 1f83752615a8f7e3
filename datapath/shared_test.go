package datapath_test

import (
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
	"sluice/policy"
)

func TestSharedBlocks(t *testing.T) {
	t.Run("B034_two_devices_one_block", func(t *testing.T) {
		r := datapathtest.New(t,
			"qdisc add dev a ingress_block 7 ingress", "qdisc add dev b ingress_block 7 ingress",
			"filter add block 7 prio 1 proto ip flower ip_proto udp action mirred egress redirect dev c",
			"filter add block 7 prio 2 proto ip flower indev b action drop")
		udp := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")
		tcp := packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1, 0, "")
		for _, c := range []struct {
			dev   string
			frame []byte
			out   string
		}{{"a", udp, "c"}, {"b", udp, "c"}, {"a", tcp, "pass:a"}, {"b", tcp, ""}} {
			if got := r.Out(r.Send(c.dev, c.frame)); got != c.out {
				t.Errorf("into %s: %q, want %q", c.dev, got, c.out)
			}
		}
		// One filter, one counter, wherever it is looked at.
		for _, d := range []string{"a", "b"} {
			if s := r.Stats(d, 0, 1, 0); s.Packets != 2 {
				t.Errorf("%s: %d packets, want 2", d, s.Packets)
			}
		}
		r.Run("qdisc del dev a ingress")
		if got := r.Out(r.Send("a", udp)); got != "pass:a" {
			t.Errorf("without its qdisc: %q", got)
		}
		if got := r.Out(r.Send("b", udp)); got != "c" {
			t.Errorf("the other device: %q", got)
		}
	})
	t.Run("B034_a_template_changes_no_packets_way", func(t *testing.T) {
		r := datapathtest.New(t,
			"chain add dev a ingress chain 0 proto ip flower ip_proto udp dst_port 65535",
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp dst_port 53 action drop")
		if res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")); res.Reason != "drop action" {
			t.Error(res.Reason)
		}
		if res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 54, "x")); r.Out(res) != "pass:a" {
			t.Error(r.Out(res))
		}
	})
}

func TestSharedActions(t *testing.T) {
	udp := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")
	tcp := packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1, 0, "")
	rig := func(t *testing.T) *datapathtest.Rig {
		return datapathtest.New(t,
			"actions add action drop index 5 cookie 0a",
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp action gact index 5",
			"filter add dev a ingress prio 2 proto ip flower ip_proto tcp action gact index 5")
	}
	t.Run("F5_filters_share_an_instance_and_its_counters", func(t *testing.T) {
		r := rig(t)
		r.Send("a", udp)
		r.Send("a", tcp)
		a := r.P.Action("gact", 5)
		if s := r.E.ActionStats(a); s.Packets != 2 || s.Drops != 2 || a.Ref != 3 || a.Bind != 2 {
			t.Errorf("%+v, ref %d, bind %d", s, a.Ref, a.Bind)
		}
	})
	t.Run("F5_replace_changes_what_filters_do_and_keeps_counters", func(t *testing.T) {
		r := rig(t)
		r.Send("a", udp)
		r.Run("actions replace action pass index 5")
		if got := r.Out(r.Send("a", udp)); got != "pass:a" {
			t.Errorf("after replace: %q", got)
		}
		a := r.P.Action("gact", 5)
		if s := r.E.ActionStats(a); s.Packets != 2 || s.Drops != 1 || string(a.Cookie) != "\n" || a.Control != policy.OK {
			t.Errorf("%+v, cookie %x", s, a.Cookie)
		}
	})
	t.Run("F5_what_tc_actions_made_outlives_its_filters", func(t *testing.T) {
		r := rig(t)
		r.Send("a", udp)
		r.Run("filter del dev a ingress")
		if a := r.P.Action("gact", 5); a == nil || a.Ref != 1 || a.Bind != 0 {
			t.Fatalf("%+v", a)
		}
		r.Run("actions flush action gact")
		if r.P.Action("gact", 5) != nil {
			t.Error("it is there after flush")
		}
	})
}
