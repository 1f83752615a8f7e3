package datapath_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy/tc"
)

// Ends of the outer headers.
const (
	here  = "192.0.2.1"
	there = "192.0.2.2"
)

// host is what tunnels need to know of the host.
var host = []string{
	"ip link set dev uplink_rep address 02:00:00:00:00:0b",
	"ip address add 192.0.2.1/24 dev uplink_rep",
	"ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev uplink_rep",
	"ip link add vxlan0 address 02:00:00:00:99:01 type vxlan external dstport 4789",
}

// overlay tracks what comes out of VNI 5, sends it on to vf0_rep, and sends
// answers back into the tunnel.
var overlay = []string{
	"filter add dev vxlan0 ingress prio 1 chain 0 proto ip flower enc_key_id 5 ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev vxlan0 ingress prio 2 chain 0 proto ip flower enc_key_id 6 action drop",
	"filter add dev vxlan0 ingress prio 1 chain 2 proto ip flower enc_key_id 5 ct_state +trk+new action ct commit zone 4 pipe action tunnel_key unset pipe action mirred egress redirect dev vf0_rep",
	"filter add dev vxlan0 ingress prio 2 chain 2 proto ip flower enc_key_id 5 ct_state +trk+est action tunnel_key unset pipe action mirred egress redirect dev vf0_rep",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+est action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 dst_port 4789 action mirred egress redirect dev vxlan0",
}

// translated is overlay with clients behind 10.9.9.9, and a copy of what comes
// out of the tunnel, as it came, to tap.
var translated = []string{
	"filter add dev vxlan0 ingress prio 1 chain 0 proto ip flower enc_key_id 5 ct_state -trk action mirred egress mirror dev tap pipe action ct zone 4 nat pipe action goto chain 2",
	"filter add dev vxlan0 ingress prio 2 chain 0 proto ip flower enc_key_id 6 action drop",
	"filter add dev vxlan0 ingress prio 1 chain 2 proto ip flower enc_key_id 5 ct_state +trk+new action ct commit zone 4 nat src addr 10.9.9.9 pipe action mirred egress redirect dev vf0_rep",
	"filter add dev vxlan0 ingress prio 2 chain 2 proto ip flower enc_key_id 5 ct_state +trk+est action tunnel_key unset pipe action mirred egress redirect dev vf0_rep",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 4 nat pipe action goto chain 2",
	"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+est action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 action mirred egress mirror dev tap action mirred egress redirect dev vxlan0",
}

// policyOf puts what declares the host first.
func policyOf(host, filters []string) []string {
	return append(append([]string(nil), host...), filters...)
}

func overlayRig(t testing.TB, more ...string) *datapathtest.Rig {
	return datapathtest.New(t, append(policyOf(host, overlay), more...)...)
}

func udpTo(port uint16) []byte {
	return packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, port, "x")
}

func TestDecapsulation(t *testing.T) {
	t.Run("A095_the_first_rule_sees_the_inner_packet_and_its_tunnel", func(t *testing.T) {
		r := overlayRig(t)
		in := udpTo(53)
		res := r.Send("uplink_rep", packettest.VXLAN(there, here, 50000, 5, in))
		if got := r.Out(res); got != "vf0_rep" || !bytes.Equal(res.Tx[0].Frame, in) {
			t.Errorf("out %q (%s), %d frames", got, res.Reason, len(res.Tx))
		}
		if s := r.Stats("vxlan0", 0, 1, 0); s.Packets != 1 || s.Bytes != uint64(len(in)-14) {
			t.Errorf("ct counted %+v, want the inner packet", s)
		}
		if res := r.Send("uplink_rep", packettest.VXLAN(there, here, 50000, 6, in)); res.Verdict != packet.Drop || res.Reason != "drop action" {
			t.Errorf("VNI 6: %v (%s)", res.Verdict, res.Reason)
		}
		if res := r.Send("uplink_rep", packettest.VXLAN(there, here, 50000, 7, in)); r.Out(res) != "pass:vxlan0" {
			t.Errorf("VNI 7: %s", r.Out(res))
		}
	})
	t.Run("A095_decap_behind_filters_of_the_underlay", func(t *testing.T) {
		r := overlayRig(t, "filter add dev uplink_rep ingress prio 1 proto ip flower ip_proto udp dst_port 4789 action pass",
			"filter add dev uplink_rep ingress prio 2 proto ip flower ip_proto udp action drop")
		if res := r.Send("uplink_rep", packettest.VXLAN(there, here, 50000, 5, udpTo(53))); r.Out(res) != "vf0_rep" {
			t.Errorf("%s (%s)", r.Out(res), res.Reason)
		}
		if s := r.Stats("uplink_rep", 0, 1, 0); s.Packets != 1 {
			t.Errorf("the outer packet was counted %d times", s.Packets)
		}
	})
	t.Run("A170_tunnel_data_outlive_chains_and_ct", func(t *testing.T) {
		// The filters of chain 2 ask for enc_key_id again.
		r := overlayRig(t)
		for i := range 3 {
			res := r.Send("uplink_rep", packettest.VXLAN(there, here, 50000, 5, udpTo(53)))
			if r.Out(res) != "vf0_rep" {
				t.Fatalf("packet %d: %s (%s)", i, r.Out(res), res.Reason)
			}
		}
	})
	t.Run("A170_A172_A173_resume_in_a_chain_with_tunnel_data", func(t *testing.T) {
		r := overlayRig(t)
		in := udpTo(53)
		dev, _ := r.E.Device("vxlan0")
		for _, c := range []struct {
			tunnel *packet.Tunnel
			want   string
		}{
			{&packet.Tunnel{ID: 5, Family: packet.IPv4}, "vf0_rep"},
			{&packet.Tunnel{ID: 9, Family: packet.IPv4}, "pass:vxlan0"},
			{nil, "pass:vxlan0"},
		} {
			var v packet.Vector
			v.Now = r.Now
			v.Add(bytes.Clone(in), dev)
			ct := &v.M[0].CT
			var h packet.Headers
			packet.Parse(in, &h)
			h.Hash = r.E.Tracker().Hash(&h.Tuple)
			r.E.Tracker().In(r.Now, in, &h, 4, ct)
			ct.PostCT, ct.Zone = true, 4
			v.M[0].Chain, v.M[0].Tunnel = 2, c.tunnel
			r.E.Process(&v)
			out := ""
			for _, tx := range v.Tx {
				if out = r.E.DeviceName(tx.Dev); tx.Up {
					out = "pass:" + out
				}
			}
			if out != c.want {
				t.Errorf("tunnel %+v: %q, want %q", c.tunnel, out, c.want)
			}
		}
	})
	t.Run("I8_every_refusal_has_a_reason", func(t *testing.T) {
		r := overlayRig(t)
		vx := packettest.VXLAN(there, here, 50000, 5, udpTo(53))
		bad := func(at int, v byte, fix bool) []byte {
			f := bytes.Clone(vx)
			if f[at] = v; fix {
				packettest.Fix(f)
			}
			return f
		}
		echo := udpTo(53)
		copy(echo[6:], "\x02\x00\x00\x00\x99\x01")
		for _, c := range []struct {
			frame       []byte
			out, reason string
		}{
			{bad(42, 0, true), "", "tunnel: bad header"},
			{bad(len(vx)-1, 'z', false), "", "tunnel: bad checksum"},
			{packettest.VXLAN(there, here, 1, 5, udpTo(53)[:20]), "", "tunnel: truncated"},
			{bad(15, 3, true), "", "tunnel: congestion without ECN"},
			{packettest.VXLAN(there, here, 1, 5, echo), "", "tunnel: own source address"},
			{bad(0, 4, false), "pass:uplink_rep", "none"},  // another MAC address
			{bad(24, 9, false), "pass:uplink_rep", "none"}, // bad IP checksum
			{packettest.VXLAN(there, "192.0.2.77", 1, 5, udpTo(53)), "pass:uplink_rep", "none"},
			{packettest.UDP(there, here, 1, 4790, "x"), "pass:uplink_rep", "none"},
			{bad(20, 0x20, true), "pass:uplink_rep", "none"},
		} {
			res := r.Send("uplink_rep", c.frame)
			if r.Out(res) != c.out || res.Reason != c.reason {
				t.Errorf("got %q (%s), want %q (%s)", r.Out(res), res.Reason, c.out, c.reason)
			}
		}
	})
	t.Run("without an address any is the host's, on the tunnel's own device", func(t *testing.T) {
		r := datapathtest.New(t, "ip link add vxlan0 type vxlan external dstport 4789 dev uplink_rep",
			"qdisc add dev tap ingress", "filter add dev vxlan0 ingress prio 1 proto ip flower action drop")
		if res := r.Send("uplink_rep", packettest.VXLAN(there, here, 1, 5, udpTo(53))); res.Reason != "drop action" {
			t.Errorf("%s %s", r.Out(res), res.Reason)
		}
		if res := r.Send("tap", packettest.VXLAN(there, here, 1, 5, udpTo(53))); r.Out(res) != "pass:tap" {
			t.Errorf("%s %s", r.Out(res), res.Reason)
		}
	})
}

func TestEncapsulation(t *testing.T) {
	rig := func(t *testing.T, set string, more ...string) *datapathtest.Rig {
		return datapathtest.New(t, append(policyOf(host, more),
			"filter add dev vf0_rep ingress prio 1 proto ip flower action "+set+" action mirred egress redirect dev vxlan0")...)
	}
	const good = "tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2"
	t.Run("what goes in comes out", func(t *testing.T) {
		r := rig(t, good+" ttl 9")
		res := r.Send("vf0_rep", udpTo(53))
		if r.Out(res) != "uplink_rep" {
			t.Fatalf("%s (%s)", r.Out(res), res.Reason)
		}
		f := res.Tx[0].Frame
		if f[22] != 9 || !bytes.Equal(f[:12], []byte("\x02\x00\x00\x00\x00\x0a\x02\x00\x00\x00\x00\x0b")) || !bytes.HasSuffix(f, udpTo(53)) {
			t.Errorf("%x", f)
		}
	})
	t.Run("the underlay's egress block sees the outer packet", func(t *testing.T) {
		r := rig(t, good, "qdisc add dev uplink_rep clsact", "filter add dev uplink_rep egress prio 1 proto ip flower ip_proto udp dst_port 4789 action drop")
		if res := r.Send("vf0_rep", udpTo(53)); res.Reason != "egress drop action" {
			t.Errorf("%s %s", r.Out(res), res.Reason)
		}
	})
	for _, c := range []struct{ name, set, reason string }{
		{"no tunnel_key", "pipe", "tunnel: no tunnel_key"},
		{"unset again", good + " pipe action tunnel_key unset", "tunnel: no tunnel_key"},
		{"no route", "tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 203.0.113.1", "tunnel: no route"},
		{"to oneself", "tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.1", "tunnel: no route"},
		{"not from this host", "tunnel_key set id 5 src_ip 192.0.2.99 dst_ip 192.0.2.2", "tunnel: no route"},
		{"no neighbour", "tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.3", "tunnel: no neighbour"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rig(t, c.set)
			if res := r.Send("vf0_rep", udpTo(53)); res.Verdict != packet.Drop || res.Reason != c.reason {
				t.Errorf("%v to %q (%s), want %s", res.Verdict, r.Out(res), res.Reason, c.reason)
			}
		})
	}
}

// TestI1_EarlyUnwrapChangesNothing: taking frames out of their tunnels before
// anything else gives what judging them on the way up gives, remembered ways
// included.
func TestI1_EarlyUnwrapChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// The filter matches nothing, but has to be asked.
		policy, peer := overlay, datapathtest.Client
		if rapid.Bool().Draw(rt, "translated") {
			policy, peer = translated, "10.9.9.9"
		}
		late := datapathtest.New(t, append(policyOf(host, policy), "filter add dev uplink_rep ingress prio 9 proto ip flower ip_proto 99 action drop")...)
		early := datapathtest.New(t, policyOf(host, policy)...)
		plain := datapathtest.NewWith(t, datapath.Config{Trace: true, ClassifyAll: true}, policyOf(host, policy)...)
		conns := 3
		seq := make([]uint32, conns)
		for i := range rapid.IntRange(1, 40).Draw(rt, "packets") {
			c := rapid.IntRange(0, conns-1).Draw(rt, "connection")
			flags := rapid.SampledFrom([]string{"S", "A", "A", "PA", "FA", "R"}).Draw(rt, "flags")
			dev, f := "uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, uint16(1000+c), 80, flags, 1000+seq[c], 5001, "")
			if rapid.Bool().Draw(rt, "reply") {
				dev = "vf0_rep"
				f = packettest.TCP(datapathtest.Server, peer, 80, uint16(1000+c), rapid.SampledFrom([]string{"SA", "A", "FA"}).Draw(rt, "answer"), 5000, 1001+seq[c], "")
			} else {
				vni := rapid.SampledFrom([]uint32{5, 5, 5, 6, 7}).Draw(rt, "vni")
				f = packettest.VXLAN(there, here, 50000, vni, f)
				if rapid.IntRange(0, 9).Draw(rt, "broken") == 0 {
					f[rapid.IntRange(14, len(f)-1).Draw(rt, "at")] ^= rapid.Byte().Draw(rt, "by")
				}
			}
			var got [3]string
			for j, r := range []*datapathtest.Rig{early, late, plain} {
				res := r.Send(dev, bytes.Clone(f))
				got[j] = fmt.Sprintf("%v %s %s", res.Verdict, res.Reason, r.Out(res))
				for _, tx := range res.Tx {
					got[j] += fmt.Sprintf(" %x", tx.Frame)
				}
				for _, h := range res.Hits {
					got[j] += fmt.Sprintf(" hit %s %d %d %#x", r.E.DeviceName(h.Dev), h.Chain, h.Proto.Prio, h.CTState)
				}
				for _, k := range []struct{ chain, prio int }{{0, 1}, {0, 2}, {2, 1}, {2, 2}} {
					s := r.Stats("vxlan0", uint32(k.chain), uint16(k.prio), 0)
					got[j] += fmt.Sprintf(" %d/%d/%d", s.Packets, s.Bytes, s.Drops)
				}
			}
			if got[0] != got[1] || got[0] != got[2] {
				rt.Fatalf("packet %d:\nearly     %s\nlate      %s\nclassify  %s", i, got[0], got[1], got[2])
			}
		}
	})
}

// established gives an engine with a connection through VNI 5 whose packets
// have a way to take, and a vector of them.
func established(t testing.TB, n int) (*datapathtest.Rig, [][]byte) {
	p := append(policyOf(host, overlay), "qdisc add dev uplink_rep ingress")
	r := datapathtest.NewWith(t, datapath.Config{}, p...)
	wrap := func(flags string, seq, ack uint32, data string) []byte {
		return packettest.NoSum(packettest.VXLAN(there, here, 50000, 5, packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, flags, seq, ack, data)))
	}
	for i, x := range []struct {
		dev   string
		frame []byte
	}{
		{"uplink_rep", wrap("S", 1000, 0, "")},
		{"vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "SA", 5000, 1001, "")},
		{"uplink_rep", wrap("A", 1001, 5001, "")},
		{"uplink_rep", wrap("A", 1001, 5001, "")},
		{"uplink_rep", wrap("A", 1001, 5001, "")},
	} {
		if res := r.Send(x.dev, x.frame); res.Verdict != packet.Forward {
			t.Fatalf("packet %d: %v (%s)", i, res.Verdict, res.Reason)
		}
	}
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = wrap("A", 1001, 5001, "0123456789")
	}
	return r, frames
}

func TestTunnelledConnectionsTakeTheirWay(t *testing.T) {
	r, frames := established(t, 8)
	before := r.E.Followed()
	var v packet.Vector
	dev, _ := r.E.Device("uplink_rep")
	v.Now = r.Now
	for _, f := range frames {
		v.Add(f, dev)
	}
	r.E.Process(&v)
	if got := r.E.Followed() - before; got != 8 {
		t.Errorf("%d of 8 packets took the remembered way", got)
	}
	for i := range v.N {
		if v.Verdict[i] != packet.Forward || v.M[i].Dev != dev {
			t.Errorf("packet %d: %v, device %d", i, v.Verdict[i], v.M[i].Dev)
		}
	}
	// And back into the tunnel.
	answer := packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "A", 5001, 1001, "01234")
	r.Send("vf0_rep", answer)
	before = r.E.Followed()
	if res := r.Send("vf0_rep", answer); r.Out(res) != "uplink_rep" || !bytes.HasSuffix(res.Tx[0].Frame, answer) || len(res.Tx[0].Frame) != len(answer)+50 {
		t.Errorf("into the tunnel: %q (%s)", r.Out(res), res.Reason)
	}
	if r.E.Followed() != before+1 {
		t.Error("the answer did not take the remembered way")
	}
	// The way is the tunnel's: the same connection out of VNI 6 meets
	// another filter.
	in := packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "A", 1001, 5001, "")
	if res := r.Send("uplink_rep", packettest.VXLAN(there, here, 50000, 6, in)); res.Reason != "drop action" {
		t.Errorf("out of another tunnel: %v (%s)", res.Verdict, res.Reason)
	}
}

func TestTunnelsAllocateNothing(t *testing.T) {
	r, frames := established(t, packet.VectorSize/2)
	answer := packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "A", 5001, 1001, "0123456789")
	var v packet.Vector
	up, _ := r.E.Device("uplink_rep")
	vf, _ := r.E.Device("vf0_rep")
	run := func() {
		v.Reset()
		v.Now = r.Now
		for _, f := range frames {
			v.Add(f, up)
			v.Add(answer, vf)
		}
		r.E.Process(&v)
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("%v allocations a vector", n)
	}
}

// BenchmarkEstablished: a frame's connection looked up, the frame counted, and
// out of a port; the inner frame is the same, of 64 bytes without and 114 with
// VXLAN.
func BenchmarkEstablished(b *testing.B) {
	run := func(b *testing.B, r *datapathtest.Rig, frames [][]byte) {
		var v packet.Vector
		dev, _ := r.E.Device("uplink_rep")
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			v.Reset()
			v.Now = r.Now
			for _, f := range frames {
				v.Add(f, dev)
			}
			r.E.Process(&v)
			n += v.N
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
	}
	b.Run("plain", func(b *testing.B) {
		r := datapathtest.NewWith(b, datapath.Config{}, datapathtest.HTTPPolicy...)
		r.Handshake(1000)
		frames := make([][]byte, packet.VectorSize)
		for i := range frames {
			frames[i] = packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "A", 1001, 5001, "0123456789")
		}
		r.Send("uplink_rep", frames[0])
		run(b, r, frames)
	})
	b.Run("vxlan", func(b *testing.B) {
		r, frames := established(b, packet.VectorSize)
		run(b, r, frames)
	})
}

func TestTunnelOptions(t *testing.T) {
	base := []string{"ip link add gnv0 type geneve external", "ip link add vxlan0 type vxlan external dstport 4789 gbp"}
	cases := []struct {
		match string
		opts  string
		hit   bool
	}{
		{"geneve_opts 0102:80:00800022", "\x01\x02\x80\x01\x00\x80\x00\x22", true},
		{"geneve_opts 0102:80:00800022", "\x01\x02\x80\x01\x00\x80\x00\x23", false},
		{"geneve_opts 0102:80:00800022/ffff:ff:ffffff00", "\x01\x02\x80\x01\x00\x80\x00\x23", true},
		{"geneve_opts 0102:80:00800022", "", false},
		{"geneve_opts 0102:80:00800022", "\x01\x02\x80\x01\x00\x80\x00\x22\x00\x01\x01\x00", true}, // 12 & 8 is 8
		{"geneve_opts 0102:80:00800022", "\x00\x01\x01\x00\x01\x02\x80\x01\x00\x80\x00\x22", false},
		{"vxlan_opts 5", "", false},
		{"erspan_opts 1:2:0:0", "", false},
	}
	for _, c := range cases {
		r := datapathtest.New(t, append(policyOf(base, nil), "filter add dev gnv0 ingress prio 1 proto ip flower "+c.match+" action drop")...)
		r.Run("qdisc add dev uplink_rep ingress")
		res := r.Send("uplink_rep", packettest.Geneve(there, here, 1, 5, c.opts, udpTo(53)))
		if (res.Reason == "drop action") != c.hit {
			t.Errorf("%s, options %x: %s %s", c.match, c.opts, r.Out(res), res.Reason)
		}
	}
}

func FuzzTunnels(f *testing.F) {
	for _, s := range [][]byte{
		packettest.VXLAN(there, here, 1, 5, udpTo(53)), packettest.VXLAN(there, here, 1, 5, packettest.VXLAN(there, here, 1, 5, udpTo(53))),
		packettest.Geneve("2001:db8::1", "2001:db8::2", 1, 5, "\x01\x02\x80\x01abcd", udpTo(53)), packettest.GRETap(there, here, 5, udpTo(53)),
	} {
		f.Add(s)
	}
	p, _, err := tc.Load("fuzz.tc", strings.NewReader(strings.Join([]string{
		"ip link add vxlan0 type vxlan external dstport 4789 gbp", "ip link add gnv0 type geneve external",
		"ip link add gt0 type gretap external", "ip link add gt6 type ip6gretap external",
		"ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev a",
		"filter add dev a ingress prio 1 proto ip flower ip_proto tcp action drop",
		"filter add dev vxlan0 ingress prio 1 proto all matchall action ct pipe action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 action mirred egress mirror dev gnv0 pipe action mirred egress redirect dev gt0",
		"filter add dev gnv0 ingress prio 1 proto all matchall action mirred ingress redirect dev vxlan0",
	}, "\n")))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16}), Trace: true})
		if err := e.Load(p, 1); err != nil {
			t.Fatal(err)
		}
		var v packet.Vector
		dev, _ := e.Device("a")
		v.Now = 2
		v.Add(bytes.Clone(b), dev)
		v.Add(bytes.Clone(b), dev+1)
		e.Process(&v)
		for i := range v.N {
			if v.Verdict[i] == packet.Drop && v.Reason[i] == datapath.ReasonNone {
				t.Error("dropped without a reason")
			}
		}
		for _, tx := range v.Tx {
			if len(tx.Frame) > 65535 && len(b) <= 65535 {
				t.Errorf("%d bytes out of %d", len(tx.Frame), len(b))
			}
		}
	})
}
