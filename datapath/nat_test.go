package datapath_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

const (
	client, server, public = datapathtest.Client, datapathtest.Server, "192.0.2.1"
)

// natPolicy translates what the clients behind uplink_rep open, by spec.
func natPolicy(spec string) []string {
	return []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct nat pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit nat " + spec + " pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 3 chain 2 proto ip flower ct_state +trk+rel action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 4 chain 2 proto ip flower ct_state +trk+inv action drop",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct nat pipe action goto chain 2",
		"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 2 chain 2 proto ip flower ct_state +trk+rel action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 3 chain 2 proto ip flower ct_state +trk+inv action drop",
	}
}

// left gives the one frame that left and its tuple.
func left(t *testing.T, res datapathtest.Result) ([]byte, packet.Tuple) {
	t.Helper()
	if len(res.Tx) != 1 {
		t.Fatalf("%d frames left: %v (%s)", len(res.Tx), res.Verdict, res.Reason)
	}
	f := bytes.Clone(res.Tx[0].Frame)
	g := bytes.Clone(f)
	packettest.Fix(g)
	if !bytes.Equal(f, g) {
		t.Fatalf("checksums are wrong:\n%x\n%x", f, g)
	}
	var h packet.Headers
	packet.Parse(f, &h)
	return f, h.Tuple
}

func ends(tu packet.Tuple) string {
	return fmt.Sprintf("%s:%d>%s:%d", tu.Src.Netip(tu.Family), tu.SPort, tu.Dst.Netip(tu.Family), tu.DPort)
}

func TestNAT(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		there      string // the query as it leaves
		answer     []byte
		back       string // the answer as it leaves
	}{
		{"A039_A040_A044_source", "src addr 192.0.2.1",
			"192.0.2.1:1000>10.0.0.2:53", packettest.UDP(server, public, 53, 1000, "a"), "10.0.0.2:53>10.0.0.1:1000"},
		{"A040_source_and_port", "src addr 192.0.2.1 port 7000",
			"192.0.2.1:7000>10.0.0.2:53", packettest.UDP(server, public, 53, 7000, "a"), "10.0.0.2:53>10.0.0.1:1000"},
		{"A041_destination", "dst addr 192.0.2.1 port 5353",
			"10.0.0.1:1000>192.0.2.1:5353", packettest.UDP(public, client, 5353, 1000, "a"), "10.0.0.2:53>10.0.0.1:1000"},
		{"A043_list_of_addresses", "src 192.0.2.1 192.0.2.1",
			"192.0.2.1:1000>10.0.0.2:53", packettest.UDP(server, public, 53, 1000, "a"), "10.0.0.2:53>10.0.0.1:1000"},
		{"B043_all_zero_keeps_the_address", "src addr 0.0.0.0",
			"10.0.0.1:1000>10.0.0.2:53", packettest.UDP(server, client, 53, 1000, "a"), "10.0.0.2:53>10.0.0.1:1000"},
		{"B043_all_zero_with_a_port", "src addr 0.0.0.0 port 7000",
			"10.0.0.1:7000>10.0.0.2:53", packettest.UDP(server, client, 53, 7000, "a"), "10.0.0.2:53>10.0.0.1:1000"},
		{"A040_port_zero", "src addr 192.0.2.1 port 0",
			"192.0.2.1:0>10.0.0.2:53", packettest.UDP(server, public, 53, 0, "a"), "10.0.0.2:53>10.0.0.1:1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := datapathtest.New(t, natPolicy(c.spec)...)
			if _, tu := left(t, r.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q"))); ends(tu) != c.there {
				t.Errorf("left as %s, want %s", ends(tu), c.there)
			}
			res := r.Send("vf0_rep", c.answer)
			if _, tu := left(t, res); ends(tu) != c.back {
				t.Errorf("the answer left as %s, want %s", ends(tu), c.back)
			}
		})
	}
	t.Run("B043_all_zero_with_a_port_that_is_taken", func(t *testing.T) {
		r := datapathtest.New(t, natPolicy("src addr 0.0.0.0 port 7000")...)
		left(t, r.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q")))
		if res := r.Send("uplink_rep", packettest.UDP(client, server, 1001, 53, "q")); res.Verdict != packet.Drop {
			t.Errorf("%v", res.Verdict)
		}
	})
	t.Run("A042_A045_automatic", func(t *testing.T) {
		lines := natPolicy("src addr 192.0.2.1")
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], "ct nat pipe", "ct nat auto pipe")
		}
		r := datapathtest.New(t, lines...)
		left(t, r.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q")))
		if _, tu := left(t, r.Send("vf0_rep", packettest.UDP(server, public, 53, 1000, "a"))); ends(tu) != "10.0.0.2:53>10.0.0.1:1000" {
			t.Error(ends(tu))
		}
	})
	t.Run("A046_following_chains_see_the_translated_packet", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct commit nat src addr 192.0.2.1 port 7000 pipe action goto chain 2",
			"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ip_proto udp src_ip 10.0.0.1 action drop",
			"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ip_proto udp src_ip 192.0.2.1 src_port 7000 action mirred egress redirect dev vf0_rep",
			"filter add dev vf0_rep ingress prio 1 proto ip flower action pass")
		for range 3 {
			if res := r.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q")); r.Out(res) != "vf0_rep" {
				t.Errorf("%v (%s) %s", res.Verdict, res.Reason, r.Out(res))
			}
		}
	})
	t.Run("A005_A006_A048_X2_flagged_by_the_side_that_changed", func(t *testing.T) {
		r := datapathtest.New(t, natPolicy("src addr 192.0.2.1")...)
		last := func(res datapathtest.Result) uint16 { return res.Hits[len(res.Hits)-1].CTState }
		if s := last(r.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q"))); s&(policy.CTSNAT|policy.CTDNAT) != policy.CTSNAT {
			t.Errorf("there: %#x", s)
		}
		if s := last(r.Send("vf0_rep", packettest.UDP(server, public, 53, 1000, "a"))); s&(policy.CTSNAT|policy.CTDNAT) != policy.CTDNAT {
			t.Errorf("back: %#x", s)
		}
		plain := datapathtest.New(t, datapathtest.HTTPPolicy...)
		plain.Handshake(40000)
		if s := last(plain.Send("vf0_rep", packettest.TCP(server, client, 80, 40000, "A", 5001, 1001, ""))); s&(policy.CTSNAT|policy.CTDNAT) != 0 {
			t.Errorf("without translation: %#x", s)
		}
		f := datapathtest.New(t, append(natPolicy("src addr 192.0.2.1"),
			"filter add dev vf0_rep ingress prio 9 chain 2 proto ip flower ct_state +trk+est+dnat action drop",
			"filter del dev vf0_rep ingress prio 1 chain 2")...)
		f.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q"))
		if res := f.Send("vf0_rep", packettest.UDP(server, public, 53, 1000, "a")); res.Verdict != packet.Drop {
			t.Errorf("+dnat did not match: %v", res.Verdict)
		}
	})
	t.Run("A049_C20_reply_tuples_stay_unique", func(t *testing.T) {
		r := datapathtest.New(t, natPolicy("src addr 192.0.2.1")...)
		seen := map[string]bool{}
		for n := range 50 {
			_, tu := left(t, r.Send("uplink_rep", packettest.UDP(fmt.Sprintf("10.0.1.%d", n), server, 1000, 53, "q")))
			if seen[ends(tu)] {
				t.Fatalf("%s left twice", ends(tu))
			}
			seen[ends(tu)] = true
		}
		if errs := r.E.Tracker().Check(); len(errs) != 0 {
			t.Error(errs)
		}
	})
	t.Run("C19_C21_B044_a_range_used_up_drops_and_counts", func(t *testing.T) {
		r := datapathtest.New(t, natPolicy("src addr 192.0.2.1 port 7000-7002")...)
		for n := range 3 {
			left(t, r.Send("uplink_rep", packettest.UDP(fmt.Sprintf("10.0.1.%d", n), server, 1000, 53, "q")))
		}
		res := r.Send("uplink_rep", packettest.UDP("10.0.1.9", server, 1000, 53, "q"))
		if res.Verdict != packet.Drop || res.Reason != "ct: no free port for translation" || r.E.Tracker().Stats().NATExhausted != 1 {
			t.Errorf("%v (%s), %+v", res.Verdict, res.Reason, r.E.Tracker().Stats())
		}
		if d := r.Stats("uplink_rep", 2, 1, 0).Drops; d != 1 {
			t.Errorf("the action counts %d drops", d)
		}
	})
	t.Run("C21_each_refusal_has_its_own_words", func(t *testing.T) {
		quote := packettest.UDP(public, server, 1000, 53, "q")[14:]
		for _, c := range []struct {
			spec  string
			frame []byte
			want  string
		}{
			{"src addr 192.0.2.1", packettest.ICMP("10.0.0.9", public, 3, 3, 0, quote), ""},
			{"src addr 192.0.2.1", packettest.ICMP("10.0.0.9", public, 3, 3, 0, quote[:27]), "ct: ICMP error not translatable"},
			{"src addr 192.0.2.1", packettest.ICMP("10.0.0.9", public, 5, 1, 0x0a000009, quote), "ct: ICMP redirect not translatable"},
			{"src addr 2001:db8::1", nil, "ct: translation to the other IP"},
		} {
			lines := append(natPolicy(c.spec), "filter add dev vf0_rep ingress prio 9 chain 2 proto ip flower ct_state +trk+rel action mirred egress redirect dev uplink_rep")
			r := datapathtest.New(t, lines...)
			res := r.Send("uplink_rep", packettest.UDP(client, server, 1000, 53, "q"))
			if c.frame != nil {
				res = r.Send("vf0_rep", c.frame)
			}
			if forwarded := res.Verdict == packet.Forward; forwarded != (c.want == "") || !forwarded && res.Reason != c.want {
				t.Errorf("%s: %v (%s), want %q", c.spec, res.Verdict, res.Reason, c.want)
			}
		}
	})
	t.Run("C27_an_invalid_packet_of_a_translated_connection_does_not_leak", func(t *testing.T) {
		r := natHandshake(t, natPolicy("src addr 192.0.2.1"))
		// Far outside the window, and before the connection is offloaded: with
		// the policy's +inv rule nobody sees the inner address.
		r2 := datapathtest.New(t, natPolicy("src addr 192.0.2.1")...)
		r2.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "S", 1000, 0, ""))
		r2.Send("vf0_rep", packettest.TCP(server, public, 80, 40000, "SA", 5000, 1001, ""))
		if res := r2.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "A", 9001001, 5001, "")); res.Verdict != packet.Drop || len(res.Tx) != 0 {
			t.Errorf("out of window: %v %s", res.Verdict, r2.Out(res))
		}
		// Once it is in the flow table nothing is invalid, and all is translated.
		if _, tu := left(t, r.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "A", 9001001, 5001, ""))); ends(tu) != "192.0.2.1:40000>10.0.0.2:80" {
			t.Error(ends(tu))
		}
	})
	t.Run("B042_random_hash_and_persistent", func(t *testing.T) {
		port := func(spec, dst string) uint16 {
			r := datapathtest.New(t, natPolicy(spec)...)
			_, tu := left(t, r.Send("uplink_rep", packettest.UDP(client, dst, 1000, 53, "q")))
			return tu.SPort
		}
		if p := port("src addr 192.0.2.1 port 900-1023", server); p != 1000 {
			t.Errorf("the own port is free and in range: %d", p)
		}
		if p := port("src addr 192.0.2.1 port 7000-7999 random", server); p < 7000 || p > 7999 {
			t.Errorf("random: %d", p)
		}
		if a, b := port("src addr 192.0.2.1 hash", server), port("src addr 192.0.2.1 hash", server); a != b || a == 1000 {
			t.Errorf("hash: %d, %d", a, b)
		}
	})
	t.Run("B045_persistent_keeps_a_client_s_address", func(t *testing.T) {
		addrs := func(spec string) map[packet.Addr]bool {
			r := datapathtest.New(t, natPolicy(spec)...)
			out := map[packet.Addr]bool{}
			for n := range 20 {
				_, tu := left(t, r.Send("uplink_rep", packettest.UDP(client, fmt.Sprintf("10.0.2.%d", n), uint16(2000+n), 53, "q")))
				out[tu.Src] = true
			}
			return out
		}
		if n := len(addrs("src addr 192.0.2.1-192.0.2.200 persistent")); n != 1 {
			t.Errorf("%d addresses for one client", n)
		}
		if n := len(addrs("src addr 192.0.2.1-192.0.2.200")); n < 5 {
			t.Errorf("%d addresses only", n)
		}
	})
	t.Run("A047_the_manual_s_firewall", func(t *testing.T) {
		// tc-ct(8): the last rules look the connection up in zone 0, since
		// they name no zone, and the kernel does as it is told.
		r := datapathtest.New(t,
			"filter add dev eth0 ingress prio 1 chain 0 proto ip flower ip_proto tcp ct_state -trk action ct zone 2 pipe action goto chain 2",
			"filter add dev eth0 ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct zone 2 commit mark 0xbb nat src addr 5.5.5.7 pipe action mirred egress redirect dev eth1",
			"filter add dev eth0 ingress prio 1 chain 2 proto ip flower ct_zone 2 ct_mark 0xbb ct_state +trk+est action ct nat pipe action mirred egress redirect dev eth1",
			"filter add dev eth1 ingress prio 1 chain 0 proto ip flower ip_proto tcp ct_state -trk action ct zone 2 pipe action goto chain 1",
			"filter add dev eth1 ingress prio 1 chain 1 proto ip flower ct_zone 2 ct_mark 0xbb ct_state +trk+est action ct nat pipe action mirred egress redirect dev eth0")
		if _, tu := left(t, r.Send("eth0", packettest.TCP(client, server, 40000, 80, "S", 1000, 0, ""))); ends(tu) != "5.5.5.7:40000>10.0.0.2:80" {
			t.Error(ends(tu))
		}
		_, tu := left(t, r.Send("eth1", packettest.TCP(server, "5.5.5.7", 80, 40000, "SA", 5000, 1001, "")))
		if ends(tu) != "10.0.0.2:80>5.5.5.7:40000" {
			t.Errorf("`ct nat` without the zone translates nothing: %s", ends(tu))
		}
	})
}

// natHandshake establishes client:40000 to server:80 through a translation.
func natHandshake(t *testing.T, lines []string) *datapathtest.Rig {
	t.Helper()
	r := datapathtest.New(t, lines...)
	r.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "S", 1000, 0, ""))
	r.Send("vf0_rep", packettest.TCP(server, public, 80, 40000, "SA", 5000, 1001, ""))
	if res := r.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "A", 1001, 5001, "")); res.Verdict != packet.Forward {
		t.Fatalf("handshake: %v (%s)", res.Verdict, res.Reason)
	}
	return r
}

// TestOffloadedNAT: the flow table's packets are translated, both ways, and
// their remembered ways translate, too.
func TestOffloadedNAT(t *testing.T) {
	t.Run("A050_A051_translated_on_a_flow_table_hit", func(t *testing.T) {
		r := natHandshake(t, natPolicy("src addr 192.0.2.1"))
		for n := range 6 {
			if _, tu := left(t, r.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "PA", 1001, 5001, "data"))); ends(tu) != "192.0.2.1:40000>10.0.0.2:80" {
				t.Errorf("packet %d: %s", n, ends(tu))
			}
			if _, tu := left(t, r.Send("vf0_rep", packettest.TCP(server, public, 80, 40000, "PA", 5001, 1005, "data"))); ends(tu) != "10.0.0.2:80>10.0.0.1:40000" {
				t.Errorf("packet %d: %s", n, ends(tu))
			}
		}
		if h, f := r.E.Flows().Counters().Hits, r.E.Followed(); h != 12 || f < 8 {
			t.Errorf("%d hits, %d on remembered ways", h, f)
		}
	})
	t.Run("a_copy_sent_before_keeps_its_bytes", func(t *testing.T) {
		lines := natPolicy("src addr 192.0.2.1")
		for i := range lines {
			lines[i] = strings.Replace(lines[i], "action ct nat pipe", "action mirred egress mirror dev tap pipe action ct nat pipe", 1)
		}
		r := datapathtest.NewWith(t, datapath.Config{}, lines...)
		f := packettest.UDP(client, server, 1000, 53, "q")
		r.Send("uplink_rep", bytes.Clone(f))
		for range 4 {
			res := r.Send("uplink_rep", bytes.Clone(f))
			if len(res.Tx) < 1 || !bytes.Equal(res.Tx[0].Frame, f) {
				t.Fatal("the mirrored copy was translated")
			}
		}
	})
}
