package datapath_test

import (
	"bytes"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

// resumePolicy asks in chain 2 for all that ct and a device leave behind.
var resumePolicy = []string{
	"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action pedit ex munge ip tos set 8 pipe action csum ip pipe action ct zone 7 pipe action goto chain 2",
	"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit zone 7 mark 5 label 0102030405060708090a0b0c0d0e0f10 pipe action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est ct_zone 7 ct_mark 5 ct_label 0102030405060708090a0b0c0d0e0f10 ip_tos 8 action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 3 chain 2 proto ip flower action drop",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct zone 7 pipe action mirred egress redirect dev uplink_rep",
}

func TestResume(t *testing.T) {
	start := func(t *testing.T, holds func(*offload.Rule) bool) (*datapathtest.Rig, *mirrorDevice) {
		r := datapathtest.New(t, resumePolicy...)
		d := attachMirror(r, false, holds)
		r.Handshake(40000)
		return r, d
	}
	data := func(r *datapathtest.Rig) datapathtest.Result {
		return r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))
	}
	t.Run("A180_A183_the_chain_that_missed_with_what_ct_has_said", func(t *testing.T) {
		// The device does chain 0, and has nothing in chain 2.
		r, d := start(t, func(u *offload.Rule) bool { return u.Chain == 0 })
		before := d.pl.Stats()
		res := data(r)
		if s := d.pl.Stats(); s.Middle != before.Middle+1 || s.Packets != before.Packets {
			t.Fatalf("%+v, before %+v", s, before)
		}
		// Zone, mark, label and the rewritten header are what chain 2 asks for;
		// chain 0 is not run again.
		if r.Out(res) != "vf0_rep" || len(res.Hits) != 2 || res.Hits[1].Chain != 2 || res.Hits[1].Proto.Prio != 2 {
			t.Errorf("to %q by %+v", r.Out(res), res.Hits)
		}
		if s := r.Stats("uplink_rep", 0, 1, 2); s.Packets != 3 || s.HWPackets != 1 {
			t.Errorf("counted %+v", s)
		}
		if s := r.Stats("uplink_rep", 2, 2, 0); s.Packets != 2 || s.HWPackets != 0 {
			t.Errorf("counted %+v", s)
		}
	})
	t.Run("B023_A179_the_action_that_missed", func(t *testing.T) {
		// The handshake's packets miss in ct, behind two actions that are done.
		r, d := start(t, func(*offload.Rule) bool { return true })
		if s := d.pl.Stats(); s.Middle == 0 || s.Packets != 0 {
			t.Fatalf("%+v", s)
		}
		for action, want := range map[int]uint64{0: 2, 1: 2, 2: 0} {
			if s := r.Stats("uplink_rep", 0, 1, action); s.Packets != 2 || s.HWPackets != want {
				t.Errorf("action %d: %d packets, %d of them the device's; want 2 and %d", action, s.Packets, s.HWPackets, want)
			}
		}
	})
	t.Run("others_go_on_where_tc_stopped_the_same_way", func(t *testing.T) {
		// Whoever judged the packet before says where it is to go on, with its
		// connection, and software does.
		r := datapathtest.New(t, resumePolicy...)
		r.Handshake(40000)
		f := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x")
		f[15] = 8
		packettest.Fix(f)
		tr := r.E.Tracker()
		tu := datapathtest.Tuple(f)
		ref, _, _ := tr.Find(&tu, tr.Hash(&tu), 7, r.Now)
		var v packet.Vector
		dev, _ := r.E.Device("uplink_rep")
		v.Now = r.Now + 1
		v.Add(f, dev)
		v.M[0].Chain = 2
		v.M[0].CT = packet.CT{Conn: ref, Info: packet.CTEstablished, PostCT: true, Zone: 7}
		r.E.Process(&v)
		if ref == 0 || v.Verdict[0] != packet.Forward || r.E.DeviceName(v.Tx[0].Dev) != "vf0_rep" {
			t.Errorf("connection %#x: %v (%s)", ref, v.Verdict[0], datapath.ReasonName(v.Reason[0]))
		}
	})
	t.Run("what_nobody_can_go_on_with_is_left_as_it_is", func(t *testing.T) {
		r := datapathtest.New(t, resumePolicy...)
		f := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x")
		var v packet.Vector
		dev, _ := r.E.Device("uplink_rep")
		v.Now = r.Now + 1
		v.Add(bytes.Clone(f), dev)
		v.M[0].Chain = 99
		r.E.Process(&v)
		if v.Verdict[0] != packet.Pass || len(v.Tx) != 1 || !v.Tx[0].Up || !bytes.Equal(v.Tx[0].Frame, f) {
			t.Errorf("%v, %+v", v.Verdict[0], v.Tx)
		}
	})
	t.Run("A137_one_contract_for_rules_and_flows", func(t *testing.T) {
		// A driver that no tc rule has led there is told of flows all the same.
		r := datapathtest.New(t, resumePolicy...)
		d := &told{}
		r.E.Flows().Acquire(7, r.Now).Register(r.Now, d)
		r.Handshake(40000)
		r.E.Flows().Pump(r.Now)
		if len(d.reqs) != 1 || d.reqs[0].Op != offload.Add || d.reqs[0].Flow.Mark != 5 || d.reqs[0].Flow.Zone != 7 || !d.reqs[0].Flow.Both {
			t.Errorf("%+v", d.reqs)
		}
		if c := r.E.Tracker().Conn(d.reqs[0].Flow.Conn); c == nil || c.Status&conntrack.StatusOffload == 0 {
			t.Error("the flow is no connection's")
		}
	})
}

// told is a driver that keeps what it is told.
type told struct {
	mirrorDevice
	reqs []offload.Request
}

func (d *told) Submit(_ int64, reqs []offload.Request) int {
	d.reqs = append(d.reqs, reqs...)
	return len(reqs)
}

// TestA175 gives packets back after every kind of change: what software does
// with the rest is what it would have done with all.
func TestA175_fallback_in_any_state(t *testing.T) {
	for _, early := range []string{
		"action vlan push id 9", "action vlan push id 9 pipe action vlan modify id 11", "action pedit ex munge ip ttl set 9 pipe action csum ip",
		"action skbedit mark 7 priority 1:2", "action mirred egress mirror dev tap", "action vlan push id 9 pipe action vlan pop",
	} {
		policy := strings.Split(strings.ReplaceAll(strings.Join(resumePolicy, "\n"), "action pedit ex munge ip tos set 8 pipe action csum ip pipe", early+" pipe"), "\n")
		policy[2] = strings.Replace(policy[2], " ip_tos 8", "", 1)
		soft := datapathtest.New(t, policy...)
		hard := datapathtest.New(t, policy...)
		d := attachMirror(hard, false, func(u *offload.Rule) bool { return u.Chain == 0 })
		var in []input
		at := int64(2e9)
		for i, f := range [][]byte{
			packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "S", 1000, 0, ""),
			packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, "SA", 5000, 1001, ""),
			packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""),
			packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "GET"),
			packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "FA", 1004, 5001, ""),
		} {
			at += 1e6
			in = append(in, input{map[bool]string{true: "vf0_rep", false: "uplink_rep"}[i == 1], f, at})
		}
		want, got := apart.ReplaceAllString(seen(soft, in, 0, ""), ""), apart.ReplaceAllString(seen(hard, in, 0, ""), "")
		if want != got {
			t.Errorf("%s:\n%s", early, datapathtest.Differences(want, got))
		}
		if d.pl.Stats().Middle == 0 {
			t.Errorf("%s: nothing was given back in the middle", early)
		}
	}
}
