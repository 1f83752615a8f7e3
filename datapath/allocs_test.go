package datapath_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// steady judges vectors full of the frames, each on the device before it,
// step ns after the one before, and returns what one of them allocates and the last
// packet's verdict. change, if set, makes a frame another one; it gets a number
// that never repeats.
func steady(r *datapathtest.Rig, step int64, devs []string, frames [][]byte, change func(f []byte, n int)) (allocs float64, verdict packet.Verdict, reason string) {
	var v packet.Vector
	var own [packet.VectorSize][]byte
	ids := make([]int32, len(devs))
	for i, d := range devs {
		ids[i], _ = r.E.Device(d)
	}
	for i := range own {
		own[i] = make([]byte, 0, 2048)
	}
	n := 0
	run := func() {
		v.Reset()
		r.Now += step
		v.Now = r.Now
		for i := range own {
			own[i] = append(own[i][:0], frames[i%len(frames)]...)
			if change != nil {
				change(own[i], n)
			}
			n++
			v.Add(own[i], ids[i%len(ids)])
		}
		r.E.Tick(r.Now)
		r.E.Process(&v)
	}
	for range 40 { // buffers grow, and the table fills
		run()
	}
	return testing.AllocsPerRun(20, run), v.Verdict[v.N-1], datapath.ReasonName(v.Reason[v.N-1])
}

// port makes a TCP or UDP frame that of another connection; its checksum must
// not be looked at.
func port(f []byte, n int) { binary.BigEndian.PutUint16(f[34:], uint16(1024+n%60000)) }

// TestActionsAllocateNothing has a row for each kind of action, and for each of
// what ct may meet.
func TestActionsAllocateNothing(t *testing.T) {
	const (
		client = datapathtest.Client
		server = datapathtest.Server
	)
	udp := packettest.UDP(client, server, 1000, 53, "question")
	udp6 := packettest.UDP("fd00::1", "fd00::2", 1000, 53, "question")
	answer := packettest.UDP(server, client, 53, 1000, "answer")
	free := packettest.NoSum(packettest.UDP(client, server, 1000, 53, "question")) // any port will do
	tagged := func(f []byte) []byte {
		b := append(append(bytes.Clone(f[:12]), 0x81, 0, 0, 7), f[12:]...)
		return b
	}
	labelled := func(f []byte) []byte {
		return append(append(append(bytes.Clone(f[:12]), 0x88, 0x47), 0, 0, 0x91, 64), f[14:]...)
	}
	quoted := packettest.ICMP("198.51.100.9", client, 3, 1, 0, packettest.UDP(client, server, 1000, 53, "question")[14:])
	one := func(action string) []string {
		return []string{"filter add dev a ingress prio 1 proto all flower action " + action}
	}
	track := func(ct string) []string {
		return []string{
			"filter add dev a ingress prio 1 proto all flower ct_state -trk action ct " + ct + " pipe action goto chain 2",
			"filter add dev b ingress prio 1 proto all flower ct_state -trk action ct " + ct + " pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto all flower ct_state +trk+new action ct commit " + ct + " pipe action mirred egress redirect dev b",
			"filter add dev a ingress prio 2 chain 2 proto all flower ct_state +trk action mirred egress redirect dev b",
			"filter add dev b ingress prio 2 chain 2 proto all flower ct_state +trk action mirred egress redirect dev a",
		}
	}
	snat := track("")
	for i, l := range snat {
		l = strings.Replace(l, "action ct  pipe", "action ct nat pipe", 1)
		snat[i] = strings.Replace(l, "ct commit  pipe", "ct commit nat src addr 198.18.0.1-198.18.0.254 pipe", 1)
	}
	both, ab := [][]byte{udp, answer}, []string{"a", "b"}
	for _, c := range []struct {
		name    string
		policy  []string
		frames  [][]byte // udp if none
		devs    []string // a if none
		change  func([]byte, int)
		verdict packet.Verdict
		reason  string
	}{
		{name: "gact_ok", policy: one("ok"), verdict: packet.Pass},
		{name: "gact_drop", policy: one("drop"), verdict: packet.Drop, reason: "drop action"},
		{name: "gact_pipe_goto", policy: append(one("pipe action goto chain 7"), "filter add dev a ingress prio 1 chain 7 proto all flower action ok"), verdict: packet.Pass},
		{name: "gact_random", policy: one("drop random netrand ok 1"), verdict: packet.Pass},
		{name: "mirred_redirect", policy: one("mirred egress redirect dev b"), verdict: packet.Forward},
		{name: "mirred_mirror", policy: one("mirred egress mirror dev b pipe action mirred egress mirror dev c pipe action ok"), verdict: packet.Pass},
		{name: "mirred_ingress", policy: append(one("mirred ingress redirect dev c"), "filter add dev c ingress prio 1 proto all flower action ok"), verdict: packet.Pass},
		{name: "skbedit", policy: one("skbedit mark 7 priority 3 pipe action ok"), verdict: packet.Pass},
		{name: "pedit", policy: one("pedit ex munge ip ttl dec munge ip src set 10.9.9.9 munge udp sport set 99 pipe action csum ip and udp pipe action mirred egress redirect dev b"), verdict: packet.Forward},
		{name: "csum", policy: one("csum ip and udp pipe action mirred egress redirect dev b"), verdict: packet.Forward},
		{name: "vlan_push", policy: one("vlan push id 7 pipe action mirred egress redirect dev b"), verdict: packet.Forward},
		{name: "vlan_modify_pop", policy: one("vlan modify id 9 pipe action vlan pop pipe action mirred egress redirect dev b"), frames: [][]byte{tagged(udp)}, verdict: packet.Forward},
		{name: "mpls_push", policy: one("mpls push label 9 pipe action mirred egress redirect dev b"), verdict: packet.Forward},
		{name: "mpls_dec_pop", policy: one("mpls dec_ttl pipe action mpls pop protocol ip pipe action mirred egress redirect dev b"), frames: [][]byte{labelled(udp)}, verdict: packet.Forward},
		{name: "police", policy: one("police rate 100gbit burst 100m conform-exceed drop/pipe action ok"), verdict: packet.Pass},
		{name: "police_exceeds", policy: one("police rate 8kbit burst 100 conform-exceed drop/ok"), verdict: packet.Drop, reason: "police: over the limit"},
		{name: "sample", policy: one("sample rate 2 group 1 trunc 64 pipe action ok"), verdict: packet.Pass},
		{name: "tunnel_key", policy: []string{
			"ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev b",
			"ip link add vxlan0 type vxlan external dstport 4789 dev b",
			"filter add dev a ingress prio 1 proto all flower action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 pipe action mirred egress redirect dev vxlan0"}, verdict: packet.Forward},
		{name: "nothing_matches", policy: []string{"filter add dev a ingress prio 1 proto ip flower ip_proto tcp action drop"}, verdict: packet.Pass},
		{name: "classified_by_ranges_and_masks", policy: []string{
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp dst_port 100-200 action drop",
			"filter add dev a ingress prio 2 proto ip flower dst_ip 10.99.0.0/16 action drop",
			"filter add dev a ingress prio 3 proto ip flower ip_proto udp src_port 1000 ip_tos 0/0xff action ok"}, verdict: packet.Pass},
		{name: "ct_new", policy: track("")[:1], frames: [][]byte{free}, change: port, verdict: packet.Pass},
		{name: "ct_commit", policy: track(""), frames: [][]byte{free}, change: port, verdict: packet.Forward},
		{name: "ct_established", policy: track(""), frames: both, devs: ab, verdict: packet.Forward},
		{name: "ct_established_v6", policy: track(""), frames: [][]byte{udp6}, verdict: packet.Forward},
		{name: "ct_zone", policy: track("zone 3"), frames: both, devs: ab, verdict: packet.Forward},
		{name: "ct_mark_label", policy: []string{
			"filter add dev a ingress prio 1 proto all flower ct_state -trk action ct pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto all flower ct_state +trk action ct commit mark 7/0xff label 00000000000000000000000000000005 pipe action mirred egress redirect dev b"}, verdict: packet.Forward},
		{name: "ct_force_commit", policy: []string{
			"filter add dev b ingress prio 1 proto all flower ct_state -trk action ct pipe action goto chain 2",
			"filter add dev a ingress prio 1 proto all flower ct_state -trk action ct commit force pipe action mirred egress redirect dev b"}, verdict: packet.Forward},
		{name: "ct_clear", policy: []string{
			"filter add dev a ingress prio 1 proto all flower ct_state -trk action ct pipe action ct clear pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto all flower ct_state -trk action ok"}, verdict: packet.Pass},
		{name: "ct_chain", policy: []string{
			"filter add dev a ingress prio 1 proto all flower ct_state -trk action ct chain 2 pipe action drop",
			"filter add dev a ingress prio 1 chain 2 proto all flower ct_state +trk action mirred egress redirect dev b"}, verdict: packet.Drop, reason: "drop action"},
		{name: "ct_related_error", policy: track(""), frames: [][]byte{udp, quoted}, devs: ab, verdict: packet.Forward},
		{name: "ct_invalid", policy: track(""), frames: [][]byte{packettest.TCP(client, server, 1, 80, "SF", 1, 0, "")}, verdict: packet.Forward},
		{name: "ct_nat_new", policy: snat, frames: [][]byte{free}, change: port, verdict: packet.Forward},
		{name: "ct_nat_established", policy: snat, frames: [][]byte{udp}, verdict: packet.Forward},
		{name: "ct_tcp_opens_and_closes", policy: track(""), frames: [][]byte{
			packettest.TCP(client, server, 1000, 80, "S", 1000, 0, ""), packettest.TCP(server, client, 80, 1000, "SA", 5000, 1001, ""),
			packettest.TCP(client, server, 1000, 80, "A", 1001, 5001, ""), packettest.TCP(server, client, 80, 1000, "A", 5001, 1001, "data"),
			packettest.TCP(client, server, 1000, 80, "FA", 1001, 5005, ""), packettest.TCP(server, client, 80, 1000, "FA", 5005, 1002, ""),
			packettest.TCP(client, server, 1000, 80, "A", 1002, 5006, ""), packettest.TCP(server, client, 80, 1000, "R", 5006, 0, "")}, devs: ab, verdict: packet.Forward},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.frames == nil {
				c.frames = [][]byte{udp}
			}
			if c.devs == nil {
				c.devs = []string{"a"}
			}
			step := int64(1e6)
			if c.change != nil {
				step = 10e9 // what was committed expires
			}
			// Every device is known, whatever the row's policy says.
			r := datapathtest.NewWith(t, datapath.Config{}, append(c.policy,
				"filter add dev a ingress prio 99 chain 99 proto all flower action mirred egress mirror dev b pipe action mirred egress mirror dev c pipe action ok",
				"filter add dev b ingress prio 99 chain 99 proto all flower action ok")...)
			allocs, verdict, reason := steady(r, step, c.devs, c.frames, c.change)
			if allocs != 0 {
				t.Errorf("%v allocations a vector", allocs)
			}
			if c.reason == "" {
				c.reason = datapath.ReasonName(datapath.ReasonNone)
			}
			if verdict != c.verdict || reason != c.reason {
				t.Errorf("%v (%s), want %v (%s): that is not what was to be tested", verdict, reason, c.verdict, c.reason)
			}
		})
	}
}
