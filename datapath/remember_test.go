package datapath_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
)

// TestWhichWaysAreRemembered: a way is remembered when its actions do nothing but
// count, track once, go on, wrap, and send out or drop, and are not too many; all
// others are classified, packet by packet, with the same fate.
func TestWhichWaysAreRemembered(t *testing.T) {
	const (
		track = "action ct pipe action goto chain 2"
		send  = "action mirred egress redirect dev vf0_rep"
	)
	pipes := func(n int) string { return strings.Repeat("action pipe ", n) }
	for _, c := range []struct {
		name       string
		first, est string // actions of chain 0, and of chain 2's filter
		out        string
		followed   bool
		more       []string
	}{
		{"send", track, send, "vf0_rep", true, nil},
		{"twelve actions", track, pipes(9) + send, "vf0_rep", true, nil},
		{"thirteen actions", track, pipes(10) + send, "vf0_rep", false, nil},
		{"mirror", track, "action mirred egress mirror dev tap pipe " + send, "tap vf0_rep", true, nil},
		{"redirect that goes on", track, "action mirred egress redirect dev tap pipe action mirred egress redirect dev vf0_rep", "tap", true, nil},
		{"pass", track, "action pass", "pass:uplink_rep", true, nil},
		{"drop", track, "action drop", "", true, nil},
		{"trap", track, "action trap", "", false, nil},
		{"miss in another chain", track, "action continue", "pass:uplink_rep", false, nil},
		{"miss in chain 0", "action ct continue", send, "pass:uplink_rep", true, nil},
		{"to an empty chain", track, "action goto chain 77", "pass:uplink_rep", false, nil},
		{"netrand", track, "action pass random netrand drop 1", "", false, nil},
		{"determ", track, "action pass random determ drop 1", "", false, nil},
		{"to an ingress", track, "action mirred ingress redirect dev tap", "pass:tap", false, []string{"qdisc add dev tap clsact"}},
		{"to a block", track, "action mirred egress redirect blockid 9", "tap", false, []string{"qdisc add dev tap ingress_block 9 ingress"}},
		{"to a device with an egress block", track, send, "vf0_rep", false, []string{"qdisc add dev vf0_rep clsact", "filter add dev vf0_rep egress prio 1 proto arp flower action drop"}},
		{"mirrored before ct", "action mirred egress mirror dev tap pipe " + track, send, "tap vf0_rep", true, nil},
		{"mirrored before ct with nat", "action mirred egress mirror dev tap pipe action ct nat pipe action goto chain 2", send, "tap vf0_rep", false, nil},
		{"ct with nat", "action ct nat pipe action goto chain 2", send, "vf0_rep", true, nil},
		{"ct twice", track, "action ct zone 0 pipe " + send, "vf0_rep", false, nil},
		{"ct clear", track, "action ct clear pipe " + send, "vf0_rep", false, nil},
		{"ct commit", "action ct commit pipe action goto chain 2", send, "vf0_rep", false, nil},
		{"a clone", "action ct chain 9 pipe " + track, send, "pass:uplink_rep vf0_rep", false, nil},
		{"skbedit", track, "action skbedit mark 3 pipe " + send, "vf0_rep", false, nil},
		{"pedit", track, "action pedit ex munge ip ttl set 64 pipe " + send, "vf0_rep", false, nil},
		{"police", track, "action police rate 1gbit burst 1m conform-exceed drop/pipe " + send, "vf0_rep", false, nil},
		{"tunnel_key unset", track, "action tunnel_key unset pipe " + send, "vf0_rep", true, nil},
		{"into a tunnel", track, "action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 pipe action mirred egress redirect dev vx", "tap", true, tunnelTo},
		{"into a tunnel without tunnel_key", track, "action mirred egress redirect dev vx", "", false, tunnelTo},
		{"into a tunnel, unset again", track, "action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 pipe action tunnel_key unset pipe action mirred egress redirect dev vx", "", false, tunnelTo},
		{"into a tunnel that leads nowhere", track, "action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.3 pipe action mirred egress redirect dev vx", "", false, tunnelTo},
		{"into a tunnel by a device with an egress block", track, "action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 pipe action mirred egress redirect dev vx", "tap", false,
			append([]string{"qdisc add dev tap clsact", "filter add dev tap egress prio 1 proto arp flower action drop"}, tunnelTo...)},
	} {
		for _, trace := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				lines := append(slices.Clone(c.more),
					"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower "+c.first,
					"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit pipe "+send,
					"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est "+c.est,
					"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct commit pipe action mirred egress redirect dev uplink_rep")
				if strings.HasPrefix(c.first, "action ct continue") {
					lines = append(lines, "filter add dev uplink_rep ingress prio 9 chain 0 proto ip flower ct_state +trk+new action ct commit pipe "+send)
				}
				r := datapathtest.NewWith(t, datapath.Config{Trace: trace}, lines...)
				for i, f := range [][]byte{
					packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "S", 1000, 0, ""),
					packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, "SA", 5000, 1001, ""),
					packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""),
				} {
					r.Send([]string{"uplink_rep", "vf0_rep"}[i%2], f)
				}
				for i := range 4 {
					res := r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x"))
					if r.Out(res) != c.out {
						t.Fatalf("packet %d: %v (%s) to %q, want %q", i, res.Verdict, res.Reason, r.Out(res), c.out)
					}
					if n := len(res.Hits); trace && n == 0 {
						t.Error("no record")
					}
				}
				if n, want := r.E.Followed(), map[bool]uint64{true: 3}[c.followed]; n != want {
					t.Errorf("%d of 4 packets followed, want %d", n, want)
				}
			})
		}
	}
}

// tunnelTo is a tunnel whose other end is known.
var tunnelTo = []string{
	"ip address add 192.0.2.1/24 dev tap", "ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev tap",
	"ip link add vx type vxlan external dstport 4789",
}

// TestNeighboursOfAWay: packets of a connection on a remembered way, among others
// that are not on one, in one vector: each is judged as it would be alone.
func TestNeighboursOfAWay(t *testing.T) {
	odd := map[string][]byte{
		"FIN":         packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "FA", 1001, 5001, ""),
		"RST":         packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "R", 1001, 0, ""),
		"SYN":         packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "S", 9000, 0, ""),
		"tagged":      tagged(packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""), 0x81000005),
		"cut":         packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, "")[:50],
		"a fragment":  packettest.Fragment(packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, "datadata"), 3, 0, 24, true),
		"no IP":       []byte(packettest.Ether + "\x12\x34"),
		"another's":   packettest.TCP(datapathtest.Client, datapathtest.Server, 40001, 80, "A", 1001, 5001, ""),
		"an old seq":  packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1, 5001, "x"),
		"padded":      append(packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""), 0, 0, 0, 0),
		"TTL 1":       ttl(packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""), 1),
		"bad headers": ttl(packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""), 0),
	}
	plain := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x")
	for name, f := range odd {
		for _, at := range []int{0, 1, 14, 15, 16, 17, 31, 33} {
			var out [2]string
			for k, all := range []bool{false, true} {
				r := datapathtest.NewWith(t, datapath.Config{ClassifyAll: all}, datapathtest.HTTPPolicy...)
				r.Handshake(40000)
				r.Send("uplink_rep", append([]byte(nil), plain...))
				tr := new(datapathtest.Transcript)
				var in []datapathtest.Input
				for i := range 34 {
					b := plain
					if i == at {
						b = f
					}
					in = append(in, datapathtest.Input{Dev: "uplink_rep", Frame: b, At: r.Now + 1e6})
				}
				tr.SendAll(r, in, true)
				out[k] = tr.End(r)
				if n := r.E.Followed(); all && n != 0 || !all && n < uint64(min(at, 20)) {
					t.Errorf("%s at %d: %d followed", name, at, n)
				}
			}
			if out[0] != out[1] {
				t.Errorf("%s at %d:\n%s", name, at, head(datapathtest.Differences(out[1], out[0]), 6))
			}
		}
	}
}

func ttl(f []byte, ttl byte) []byte {
	f[22] = ttl
	packettest.Fix(f)
	return f
}
