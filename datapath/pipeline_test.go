package datapath_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// mirrorDevice is a device without delay or limits: it holds every flow of the
// flow table the moment that it enters, and the rules that holds picks.
type mirrorDevice struct {
	tr    *conntrack.Tracker
	pl    *datapath.Pipeline
	holds func(*offload.Rule) bool
	rules map[*policy.Filter]bool
}

func attachMirror(r *datapathtest.Rig, fromStart bool, holds func(*offload.Rule) bool) *mirrorDevice {
	d := &mirrorDevice{tr: r.E.Tracker(), holds: holds, rules: map[*policy.Filter]bool{}}
	d.pl = datapath.NewPipeline(d.tr, d, fromStart)
	r.E.Attach(d, "uplink_rep", "vf0_rep")
	if err := r.E.Load(r.P, r.Now); err != nil {
		panic(err)
	}
	return d
}

func (d *mirrorDevice) Pipeline() *datapath.Pipeline { return d.pl }
func (d *mirrorDevice) Name() string                 { return "mirror" }
func (d *mirrorDevice) Replace(now int64, r *offload.Rule) error {
	d.rules[r.Filter] = d.holds(r)
	if !d.rules[r.Filter] {
		return &offload.Refusal{Device: "mirror", Reason: "not that one"}
	}
	return nil
}
func (d *mirrorDevice) Destroy(now int64, r *offload.Rule)           { delete(d.rules, r.Filter) }
func (d *mirrorDevice) ActionStats(a *policy.Action) policy.Stats    { return d.pl.ActionStats(a) }
func (d *mirrorDevice) Submit(now int64, reqs []offload.Request) int { return len(reqs) }
func (d *mirrorDevice) Poll(int64, []offload.Completion) int         { return 0 }
func (d *mirrorDevice) Loaded(now int64, p *policy.Policy) error {
	return d.pl.Load(now, p, func(f *policy.Filter) bool { return d.rules[f] })
}

func (d *mirrorDevice) Find(now int64, zone uint16, _ []byte, h *packet.Headers) (*offload.Entry, *offload.Rewrite, int) {
	ref, c, dir := d.tr.Find(&h.Tuple, h.Hash, zone, now)
	if c == nil || c.Status&conntrack.StatusOffload == 0 || c.Status&conntrack.StatusAssured == 0 || now >= c.FlowDeadline {
		return nil, nil, 0
	}
	if h.Proto == packet.ProtoTCP && h.TCPFlags&5 != 0 || h.Proto == packet.ProtoUDP && c.FlowFlags&2 == 0 {
		return nil, nil, 0
	}
	f := &offload.Entry{
		Conn: ref, Tuple: [2]packet.Tuple{c.Orig, d.tr.Reply(ref)}, Zone: zone, Both: true, Mark: c.Mark, Label: c.Label,
	}
	to := conntrack.Inverse(&f.Tuple[1-dir])
	nat := offload.RewriteTo(&f.Tuple[dir], &to)
	if nat.What == 0 {
		return f, nil, dir
	}
	return f, &nat, dir
}

func (d *mirrorDevice) Carried(now int64, f *offload.Entry, dir int, bytes uint64) {
	c := d.tr.Conn(f.Conn)
	c.Add(dir, 1, bytes)
	c.FlowDeadline = now + 30e9
}

// apart is what may differ: which tier has counted.
var apart = regexp.MustCompile(`HW(Packets|Bytes):\d+|Hits:\d+`)

// devicePolicies are policies that a device can do a part of: several ct
// actions in a row, NAT in either zone, mirrors, edits, drops, what only
// software does.
var devicePolicies = append([][]string{
	{ // two zones, translated in the second
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 1 pipe action goto chain 1",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit zone 1 pipe action ct commit zone 2 nat src addr 10.0.0.77 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk+est action ct zone 2 nat pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+est ct_zone 2 action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 2 nat pipe action ct zone 1 pipe action goto chain 3",
		"filter add dev vf0_rep ingress prio 1 chain 3 proto ip flower ct_state +trk+est+rpl action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 2 chain 3 proto ip flower action drop",
	},
	{ // edited before ct, mirrored, and continued
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action pedit ex munge ip tos set 8 pipe action csum ip pipe action ct pipe action mirred egress mirror dev tap pipe action goto chain 5",
		"filter add dev uplink_rep ingress prio 1 chain 5 proto ip flower ct_state +trk+est ip_tos 8 action gact pipe",
		"filter add dev uplink_rep ingress prio 2 chain 5 proto ip flower ct_state +trk+est ip_tos 8 action continue",
		"filter add dev uplink_rep ingress prio 3 chain 5 proto ip flower ct_state +trk+new action ct commit pipe action vlan push id 9 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 4 chain 5 proto ip flower ct_state +trk+est action vlan push id 9 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action ct clear pipe action mirred egress redirect dev uplink_rep",
	},
	{ // an egress block, and what is committed anew with every packet: bits outside of masks
		"qdisc add dev vf0_rep clsact", "qdisc add dev uplink_rep clsact",
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit mark 0x11/0x0f label 01000000000000000000000000000003/01000000000000000000000000000001 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est ct_label 00000000000000000000000000000002/00000000000000000000000000000002 action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 3 chain 2 proto ip flower action mirred egress redirect dev tap",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp action ct commit mark 0x23/0x0f label 01000000000000000000000000000002/01000000000000000000000000000000 pipe action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 2 chain 0 proto ip flower action ct commit mark 0x20/0x20 pipe action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep egress prio 1 chain 0 proto ip flower ip_proto tcp tcp_flags 0x8/0x8 action drop",
	},
	{ // copies before and behind what a device may not hold
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action mirred egress mirror dev tap pipe action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress mirror dev tap2 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est action mirred egress mirror dev tap2 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action mirred egress mirror dev tap pipe action ct pipe action mirred egress mirror dev tap2 pipe action mirred egress redirect dev uplink_rep",
	},
}, steadyPolicies...)

// TestI1_I2_pipeline_changes_nothing compares software alone with a device
// that holds any choice of rules and gives packets back in either way:
// outputs, verdicts, tables and counters agree.
func TestI1_I2_pipeline_changes_nothing(t *testing.T) {
	var n datapath.PipelineStats
	rapid.Check(t, func(rt *rapid.T) {
		p := rapid.SampledFrom(devicePolicies).Draw(rt, "policy")
		in := drawSegments(rt, 60)
		for i := range in {
			f := in[i].frame
			switch rapid.IntRange(0, 9).Draw(rt, "odd") {
			case 1:
				f[22] = 1 // the TTL ends
				packettest.Fix(f)
			case 2:
				f[len(f)-1] ^= 1 // a wrong checksum
			case 3:
				in[i].frame = append(append(append([]byte(nil), f[:12]...), 0x81, 0, 0, 7), f[12:]...)
			}
		}
		mask, fromStart := rapid.Uint64().Draw(rt, "rules"), rapid.Bool().Draw(rt, "from the start")
		holds := func(r *offload.Rule) bool {
			return mask>>(uint(r.Filter.Handle)+7*uint(r.Prio)+13*uint(r.Chain)+29*uint(len(r.Dev)))%64&1 == 0 || mask%3 == 0
		}
		trace := rapid.Bool().Draw(rt, "trace")
		soft := datapathtest.NewWith(t, datapath.Config{Trace: trace}, p...)
		hard := datapathtest.NewWith(t, datapath.Config{Trace: trace}, p...)
		d := attachMirror(hard, fromStart, holds)
		want, got := apart.ReplaceAllString(seen(soft, in, 0, ""), ""), apart.ReplaceAllString(seen(hard, in, 0, ""), "")
		if want != got {
			rt.Fatalf("with a device (%+v):\n%s", d.pl.Stats(), datapathtest.Differences(want, got))
		}
		s := d.pl.Stats()
		n.Packets += s.Packets
		n.Start += s.Start
		n.Middle += s.Middle
	})
	if (n.Packets == 0 || n.Start == 0 || n.Middle == 0) && !testing.Short() {
		t.Errorf("not everything has happened: %+v", n)
	}
}
