package datapath_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// steadyPolicies look at nothing that differs between two packets of a
// connection, so established ones take their remembered way.
var steadyPolicies = [][]string{
	datapathtest.HTTPPolicy,
	{ // mirrors, a drop, and a way that ends in the stack
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action ct zone 4 pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit zone 4 mark 3 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est ct_mark 3 action mirred egress mirror dev tap pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct zone 4 pipe action goto chain 2",
		"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+est ip_proto udp action drop",
		"filter add dev vf0_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est action pass",
	},
	natPolicy("src addr 10.0.0.77"),
	natPolicy("dst addr 10.0.0.2 port 80"),
	{ // the mark of an established connection changes: its way must, too
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit mark 1 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_mark 1 action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 3 chain 2 proto ip flower ct_mark 2 action mirred egress redirect dev tap",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp dst_port 1001 action ct commit mark 2 pipe action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 2 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep",
	},
	{ // edits on the way: every packet's
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit pipe action vlan push id 7 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est action mirred egress mirror dev tap pipe action pedit ex munge ip ttl dec pipe action csum ip pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action goto chain 2",
		"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+est ip_proto tcp action skbedit mark 1 pipe action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est action police rate 8kbit burst 200b conform-exceed drop/pipe action mirred egress redirect dev uplink_rep",
	},
}

// seen renders what a run shows outside.
func seen(r *datapathtest.Rig, in []input, every int, reload string) string {
	var out bytes.Buffer
	for i, p := range in {
		if reload != "" && i == every {
			r.Run(reload)
		}
		r.Now = p.at - 1e6
		res := r.Send(p.dev, bytes.Clone(p.frame))
		fmt.Fprintf(&out, "%d %v %s %s", i, res.Verdict, res.Reason, r.Out(res))
		for _, tx := range res.Tx {
			fmt.Fprintf(&out, " %v/%d/%x", tx.Mirror, tx.Copy, tx.Frame)
		}
		for _, hit := range res.Hits {
			for _, c := range r.E.Copies(0) {
				fmt.Fprintf(&out, " copy %+v", c)
			}
			fmt.Fprintf(&out, " hit %d %v %d %d %#x %#x %x", hit.Dev, hit.Egress, hit.Chain, hit.Proto.Prio, hit.Filter.Handle, hit.CTState, hit.Conn)
		}
		out.WriteByte('\n')
	}
	r.E.Flows().Sync(r.Now)
	for _, c := range r.E.Tracker().All(r.Now) {
		fmt.Fprintf(&out, "%v status %#x state %d timeout %d packets %v bytes %v mark %d\n", c.Orig, c.Status, c.TCP.State, c.Timeout, c.Packets(), c.Bytes(), c.Mark)
	}
	for _, d := range r.P.Devices {
		if d.Block[policy.Ingress] == nil {
			continue
		}
		for _, c := range d.Block[policy.Ingress].Chains {
			for _, pr := range c.Protos {
				for _, f := range pr.Filters {
					for _, a := range f.Actions {
						fmt.Fprintf(&out, "%s %d %d %+v\n", d.Name, c.Index, pr.Prio, r.E.ActionStats(a))
					}
				}
			}
		}
	}
	fmt.Fprintf(&out, "%+v %v\n", r.E.Flows().Counters(), r.E.Drops())
	return out.String()
}

// TestRememberedWaysChangeNothing compares an engine that classifies every
// packet with one that lets established connections take their remembered
// way: outputs, verdicts, counters and tables agree, whatever the traffic, and
// when the policy changes under it.
func TestRememberedWaysChangeNothing(t *testing.T) {
	reloads := []string{"",
		"filter add dev uplink_rep ingress prio 7 chain 0 proto ip flower ip_proto udp action drop",
		"filter del dev uplink_rep ingress prio 1 chain 2"}
	followed := uint64(0)
	rapid.Check(t, func(rt *rapid.T) {
		p := rapid.SampledFrom(steadyPolicies).Draw(rt, "policy")
		in := drawSegments(rt, 80)
		reload := rapid.SampledFrom(reloads).Draw(rt, "reload")
		if reload == reloads[2] && len(p) < 6 {
			reload = ""
		}
		every := rapid.IntRange(0, len(in)).Draw(rt, "when")
		for _, trace := range []bool{false, true} {
			slow := datapathtest.NewWith(t, datapath.Config{Trace: trace, ClassifyAll: true}, p...)
			quick := datapathtest.NewWith(t, datapath.Config{Trace: trace}, p...)
			want, got := seen(slow, in, every, reload), seen(quick, in, every, reload)
			if want != got {
				rt.Fatalf("classified:\n%s\nremembered:\n%s", want, got)
			}
			followed += quick.E.Followed()
			if slow.E.Followed() != 0 {
				rt.Fatal("ClassifyAll let packets follow")
			}
		}
	})
	if followed == 0 && !testing.Short() {
		t.Error("no packet took a remembered way: nothing was compared")
	}
}

// drawSegments draws packets of one or two connections that live long enough
// to be remembered.
func drawSegments(rt *rapid.T, most int) (in []input) {
	at, seq := int64(2e9), [2]uint32{1000, 5000}
	for range rapid.IntRange(3, most).Draw(rt, "packets") {
		at += rapid.SampledFrom([]int64{1e6, 1e6, 1e6, 2100e6, 31e9}).Draw(rt, "gap")
		port := rapid.Uint16Range(1000, 1001).Draw(rt, "port")
		from := rapid.IntRange(0, 1).Draw(rt, "from")
		dev, src, dst, sp, dp := "uplink_rep", datapathtest.Client, datapathtest.Server, port, uint16(80)
		if from == 1 {
			dev, src, dst, sp, dp = "vf0_rep", dst, src, dp, sp
			dst = rapid.SampledFrom([]string{dst, "10.0.0.77"}).Draw(rt, "to")
		}
		flags := rapid.SampledFrom([]string{"S", "SA", "A", "A", "A", "PA", "PA", "FA", "R", "udp"}).Draw(rt, "flags")
		f := packettest.UDP(src, dst, sp, dp, "data")
		if flags != "udp" {
			data := strings.Repeat("x", rapid.IntRange(0, 3).Draw(rt, "data"))
			f = packettest.TCP(src, dst, sp, dp, flags, seq[from], seq[1-from], data)
			seq[from] += uint32(len(data))
			if strings.ContainsAny(flags, "SF") {
				seq[from]++
			}
		}
		if rapid.IntRange(0, 5).Draw(rt, "pad") == 0 {
			f = append(f, make([]byte, 6)...)
		}
		in = append(in, input{dev, f, at})
	}
	return in
}

func TestWaysAreTaken(t *testing.T) {
	r := datapathtest.New(t, datapathtest.HTTPPolicy...)
	r.Handshake(40000)
	send := func() {
		r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))
	}
	send()
	for range 5 {
		send()
	}
	if n := r.E.Followed(); n != 5 {
		t.Errorf("%d packets followed, want 5", n)
	}
	r.Run("filter add dev uplink_rep ingress prio 9 proto ip flower ip_proto udp action drop")
	send()
	if n := r.E.Followed(); n != 5 {
		t.Error("a way outlived its policy")
	}
	send()
	if n := r.E.Followed(); n != 6 {
		t.Error("no way after the reload")
	}
}

// TestUnsteadyPolicies: where a policy looks at what may change from packet to
// packet, every packet is classified.
func TestUnsteadyPolicies(t *testing.T) {
	for _, match := range []string{"ip_ttl 64", "ip_tos 0x10/0xfc", "src_mac 02:00:00:00:00:0a", "ip_proto tcp tcp_flags 0x10/0x10", "dst_mac 02:00:00:00:00:0a", "ip_flags frag", "ip_proto esp spi 5"} {
		r := datapathtest.New(t, append([]string{
			"filter add dev uplink_rep ingress prio 9 chain 7 proto ip flower " + match + " action drop"}, datapathtest.HTTPPolicy...)...)
		r.Handshake(40000)
		for range 5 {
			res := r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))
			if res.Verdict != packet.Forward {
				t.Errorf("%s: %v", match, res.Verdict)
			}
		}
		if n := r.E.Followed(); n != 0 {
			t.Errorf("%s: %d packets were not classified", match, n)
		}
	}
}
