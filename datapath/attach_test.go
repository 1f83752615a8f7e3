package datapath_test

import (
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

func all(*offload.Rule) bool { return true }

func TestAttach(t *testing.T) {
	data := func(r *datapathtest.Rig) datapathtest.Result {
		return r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))
	}
	t.Run("I2_what_a_device_has_counted_stays", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		d := attachMirror(r, false, all)
		r.Handshake(40000)
		for range 5 {
			data(r)
		}
		before := r.Stats("uplink_rep", 0, 1, 0)
		r.E.Detach(d, r.Now)
		if after := r.Stats("uplink_rep", 0, 1, 0); after != before || before.HWPackets != 5 {
			t.Errorf("%+v, before %+v", after, before)
		}
		if n, _ := r.E.InHW(r.P.Devices[0].Block[0].Chains[0].Protos[0].Filters[0]); n != 0 {
			t.Error("a device that is gone holds a filter")
		}
		if out := r.Out(data(r)); out != "vf0_rep" {
			t.Errorf("went to %q", out)
		}
		if after := r.Stats("uplink_rep", 0, 1, 0); after.Packets != before.Packets+1 {
			t.Errorf("%+v", after)
		}
	})
	t.Run("A089_C37_a_refused_policy_changes_nothing", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		d := attachMirror(r, false, func(u *offload.Rule) bool { return !u.Filter.SkipSW })
		r.Handshake(40000)
		for _, line := range []string{
			"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower skip_sw ip_proto tcp dst_port 80 src_port 40000 action drop",
		} {
			if err := r.TryRun(line); err == nil || !strings.Contains(err.Error(), "skip_sw (mirror: not that one)") {
				t.Fatalf("%v", err)
			}
			before := d.pl.Stats()
			if out := r.Out(data(r)); out != "vf0_rep" {
				t.Errorf("went to %q", out)
			}
			if s := d.pl.Stats(); s.Packets != before.Packets {
				t.Error("a device went on with a policy that was refused")
			}
		}
		r.Run("filter del dev uplink_rep ingress prio 1 chain 0")
		if out := r.Out(data(r)); out != "pass:uplink_rep" {
			t.Errorf("went to %q", out)
		}
	})
	t.Run("A089_an_action_of_its_own", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		attachMirror(r, false, all)
		if err := r.TryRun("actions add action drop index 7 skip_sw"); err != nil {
			t.Fatal(err)
		}
		// The kernel wants the filter's flags to be the action's (act_api.c
		// tcf_action_init).
		err := r.TryRun("filter add dev uplink_rep ingress prio 5 chain 0 proto ip flower skip_sw ip_proto udp action gact index 7")
		if err == nil || !strings.Contains(err.Error(), "skip_sw of an action") {
			t.Errorf("%v", err)
		}
	})
	t.Run("C07_where_a_device_has_seen_packets", func(t *testing.T) {
		// The connection's packets move to another port while a device carries
		// them.
		lines := append([]string{}, datapathtest.HTTPPolicy...)
		for _, l := range datapathtest.HTTPPolicy[:3] {
			lines = append(lines, strings.Replace(l, "uplink_rep", "up2", 1))
		}
		r := datapathtest.New(t, lines...)
		d := attachMirror(r, false, all)
		r.E.Attach(&mirrorPort{d}, "up2")
		r.Run("filter show dev up2 ingress")
		r.Handshake(40000)
		data(r)
		r.Send("up2", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))
		old, err := r.E.Prospect(r.P, r.Now)
		if err != nil {
			t.Fatal(err)
		}
		r.Run("filter del dev uplink_rep ingress prio 1 chain 2")
		now, err := r.E.Prospect(r.P, r.Now)
		if err != nil {
			t.Fatal(err)
		}
		if cuts, unknown := r.E.Compare(r.Now, old, now); len(cuts) != 0 || unknown != 0 {
			t.Errorf("%+v, %d unknown", cuts, unknown)
		}
	})
	t.Run("I7_what_is_given_back_gives_its_memory_back", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action mirred egress mirror dev tap pipe action pedit ex munge ip tos set 8 pipe action csum ip pipe action ct pipe action mirred egress redirect dev vf0_rep",
			"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action drop")
		attachMirror(r, true, all)
		dev, _ := r.E.Device("uplink_rep")
		var v packet.Vector
		v.Now = r.Now + 1e6
		for i := range packet.VectorSize {
			v.Add(packettest.UDP(datapathtest.Client, datapathtest.Server, uint16(1000+i), 53, strings.Repeat("x", 65000)), dev)
		}
		r.E.Process(&v)
		for i := range v.N {
			if v.Verdict[i] != packet.Forward {
				t.Fatalf("packet %d: %v (%s)", i, v.Verdict[i], datapath.ReasonName(v.Reason[i]))
			}
		}
	})
}

// mirrorPort is the same device by another name, for another port.
type mirrorPort struct{ *mirrorDevice }

func (m *mirrorPort) Name() string { return "mirror2" }

// TestI1_fixed are conversations that random ones come upon too rarely.
func TestI1_fixed(t *testing.T) {
	tcp := func(side int, flags, data string) input {
		seq := [2]uint32{1001, 5001}
		switch flags {
		case "S":
			return input{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "S", 1000, 0, ""), 0}
		case "SA":
			return input{"vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, "SA", 5000, 1001, ""), 0}
		}
		if side == 1 {
			return input{"vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, flags, seq[1], seq[0], data), 0}
		}
		return input{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, flags, seq[0], seq[1], data), 0}
	}
	in := []input{tcp(0, "S", ""), tcp(1, "SA", ""), tcp(0, "A", "")}
	for range 4 {
		in = append(in, tcp(0, "A", "x"), tcp(1, "A", "y"), tcp(0, "PA", "x"), tcp(0, "A", "x"))
	}
	for i := range in {
		in[i].at = 2e9 + int64(i)*1e6
	}
	for n, p := range devicePolicies {
		for _, fromStart := range []bool{false, true} {
			soft := datapathtest.New(t, p...)
			hard := datapathtest.New(t, p...)
			attachMirror(hard, fromStart, all)
			want, got := apart.ReplaceAllString(seen(soft, in, 0, ""), ""), apart.ReplaceAllString(seen(hard, in, 0, ""), "")
			if want != got {
				t.Errorf("policy %d, from the start %v:\n%s", n, fromStart, datapathtest.Differences(want, got))
			}
		}
	}
}
