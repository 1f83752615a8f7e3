package datapath_test

import (
	"fmt"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// Each case is one UDP packet from 10.0.0.1:1000 to 10.0.0.2:53 into a.
func TestControls(t *testing.T) {
	cases := []struct {
		name   string
		policy []string
		out    string
		want   packet.Verdict
		reason string
	}{
		{"no filter passes", []string{"qdisc add dev a ingress"}, "pass:a", packet.Pass, "none"},
		{"miss passes", []string{"filter add dev a ingress prio 1 proto ip flower ip_proto tcp action drop"}, "pass:a", packet.Pass, "none"},
		{"drop", []string{"filter add dev a ingress prio 1 proto ip flower action drop"}, "", packet.Drop, "drop action"},
		{"continue goes to the next preference", []string{
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp action continue",
			"filter add dev a ingress prio 2 proto ip flower action drop"}, "", packet.Drop, "drop action"},
		{"continue skips the rest of its own preference", []string{
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp action continue",
			"filter add dev a ingress prio 1 proto ip flower action drop"}, "pass:a", packet.Pass, "none"},
		{"pass ends", []string{
			"filter add dev a ingress prio 1 proto ip flower action pass",
			"filter add dev a ingress prio 2 proto ip flower action drop"}, "pass:a", packet.Pass, "none"},
		{"goto an empty chain misses", []string{
			"filter add dev a ingress prio 1 proto ip flower action goto chain 5",
			"filter add dev a ingress prio 2 proto ip flower action drop"}, "pass:a", packet.Pass, "none"},
		{"trap consumes", []string{"filter add dev a ingress prio 1 proto ip flower action trap"}, "", packet.Stolen, "consumed by action"},
		{"jump skips actions", []string{
			"filter add dev a ingress prio 1 proto ip flower action jump 2 action drop action mirred egress redirect dev b"}, "b", packet.Forward, "none"},
		{"mirror and go on", []string{
			"filter add dev a ingress prio 1 proto ip flower action mirred egress mirror dev b pipe action mirred egress redirect dev c"}, "b c", packet.Forward, "none"},
		{"mirror then drop", []string{
			"filter add dev a ingress prio 1 proto ip flower action mirred egress mirror dev b pipe action drop"}, "b", packet.Drop, "drop action"},
		{"redirect into an ingress", []string{
			"filter add dev a ingress prio 1 proto ip flower action mirred ingress redirect dev b",
			"filter add dev b ingress prio 1 proto ip flower action mirred egress redirect dev c"}, "c", packet.Forward, "none"},
		{"redirect into an ingress that drops", []string{
			"filter add dev a ingress prio 1 proto ip flower action mirred ingress redirect dev b",
			"filter add dev b ingress prio 1 proto ip flower action drop"}, "", packet.Drop, "drop action"},
		{"ingress redirect loop ends", []string{
			"filter add dev a ingress prio 1 proto ip flower action mirred ingress redirect dev b",
			"filter add dev b ingress prio 1 proto ip flower action mirred ingress redirect dev a"}, "", packet.Drop, "redirect loop"},
		{"goto loop ends", []string{
			"filter add dev a ingress prio 1 chain 0 proto ip flower action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower action goto chain 0"}, "", packet.Drop, "goto loop"},
		{"reclassify loop ends", []string{
			"filter add dev a ingress prio 1 proto ip flower action reclassify"}, "", packet.Drop, "goto loop"},
		{"egress filter drops", []string{
			"qdisc add dev b clsact",
			"filter add dev a ingress prio 1 proto ip flower action mirred egress redirect dev b",
			"filter add dev b egress prio 1 proto ip flower ip_proto udp action drop"}, "", packet.Drop, "egress drop action"},
		{"egress filter lets out", []string{
			"qdisc add dev b clsact",
			"filter add dev a ingress prio 1 proto ip flower action mirred egress redirect dev b",
			"filter add dev b egress prio 1 proto ip flower ip_proto tcp action drop"}, "b", packet.Forward, "none"},
		{"protocol other than the packet's", []string{"filter add dev a ingress prio 1 proto ipv6 flower action drop"}, "pass:a", packet.Pass, "none"},
		{"A022_any_match_may_precede_ct", []string{
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp src_ip 10.0.0.0/24 ip_ttl 64 dst_port 53 action ct pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action mirred egress redirect dev b"}, "b", packet.Forward, "none"},
		{"A037_two_chains_send_then_match", []string{
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk+new action mirred egress redirect dev b"}, "b", packet.Forward, "none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := datapathtest.New(t, c.policy...)
			res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x"))
			if got := r.Out(res); got != c.out || res.Verdict != c.want || res.Reason != c.reason {
				t.Errorf("got %v (%s) to %q, want %v (%s) to %q", res.Verdict, res.Reason, got, c.want, c.reason, c.out)
			}
		})
	}
}

func TestCounters(t *testing.T) {
	t.Run("bytes start at the network header", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto all matchall action mirred egress mirror dev b pipe action drop")
		f := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")
		r.Send("a", f)
		tagged := append(append(append([]byte(nil), f[:12]...), 0x81, 0, 0, 7), f[12:]...)
		r.Send("a", tagged)
		if s := r.Stats("a", 0, 1, 0); s.Packets != 2 || s.Bytes != 58 || s.Drops != 0 {
			t.Errorf("mirred: %+v", s)
		}
		if s := r.Stats("a", 0, 1, 1); s.Packets != 2 || s.Bytes != 58 || s.Drops != 2 {
			t.Errorf("gact: %+v", s)
		}
	})
	t.Run("counters survive a reload and go with their instance", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 handle 1 proto ip flower action drop")
		f := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")
		r.Send("a", f)
		r.Run("filter add dev a ingress prio 2 proto ip flower ip_proto tcp action pass")
		r.Send("a", f)
		if s := r.Stats("a", 0, 1, 0); s.Packets != 2 {
			t.Errorf("after a change elsewhere: %d packets, want 2", s.Packets)
		}
		r.Run("filter replace dev a ingress prio 1 handle 1 proto ip flower action drop")
		if s := r.Stats("a", 0, 1, 0); s.Packets != 0 {
			t.Errorf("after replacing the filter: %d packets, want 0", s.Packets)
		}
	})
	t.Run("gact random determ", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action pass random determ drop 3")
		var drops int
		for range 9 {
			if r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")).Verdict == packet.Drop {
				drops++
			}
		}
		if s := r.Stats("a", 0, 1, 0); drops != 3 || s.Drops != 3 || s.Packets != 9 {
			t.Errorf("%d drops, %+v", drops, s)
		}
	})
}

func TestCTAction(t *testing.T) {
	t.Run("A105_miss_goes_to_tracker_and_classification_continues", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		res := r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "S", 1, 0, ""))
		if r.Out(res) != "vf0_rep" || len(res.Hits) != 2 || res.Hits[0].CTState != policy.CTTracked|policy.CTNew {
			t.Errorf("to %q, hits %+v", r.Out(res), res.Hits)
		}
	})
	t.Run("A072_http_in_established_out", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		res := r.Send("vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, "PA", 5001, 1001, "HTTP/1.1 200 OK"))
		if r.Out(res) != "uplink_rep" {
			t.Errorf("answer went to %q", r.Out(res))
		}
	})
	t.Run("A073_nothing_new_leaves", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		res := r.Send("vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 41000, "S", 1, 0, ""))
		if res.Verdict != packet.Drop || r.E.Tracker().Len() != 0 {
			t.Errorf("%v, %d connections", res.Verdict, r.E.Tracker().Len())
		}
	})
	t.Run("A033_clear_takes_the_state_away", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk action ct clear pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state -trk action mirred egress redirect dev b")
		if res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")); r.Out(res) != "b" {
			t.Errorf("to %q", r.Out(res))
		}
	})
	t.Run("A026_X8_ct_chain_clones", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower action ct commit zone 7 chain 9 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state -trk action mirred egress redirect dev b",
			"filter add dev a ingress prio 1 chain 9 proto ip flower ct_state +trk+new ct_zone 7 action mirred egress redirect dev c")
		res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x"))
		if got := r.Out(res); got != "c b" {
			t.Errorf("frames went to %q, want the clone to c and the packet, untracked, to b", got)
		}
		if r.E.Tracker().Len() != 1 {
			t.Errorf("%d connections, want the clone's", r.E.Tracker().Len())
		}
	})
	t.Run("ARP under ct is dropped", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto all matchall action ct")
		arp := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x0a\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x0a\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02")
		res := r.Send("a", arp)
		if res.Verdict != packet.Drop || res.Reason != "ct: not IP" || r.Stats("a", 0, 1, 0).Drops != 1 {
			t.Errorf("%v (%s)", res.Verdict, res.Reason)
		}
	})
	t.Run("A025_force_from_the_reply_side", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev b",
			"filter add dev a ingress prio 2 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
			"filter add dev b ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
			"filter add dev b ingress prio 1 chain 1 proto ip flower action ct commit force pipe action mirred egress redirect dev a")
		q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q")
		a := packettest.UDP(datapathtest.Server, datapathtest.Client, 53, 1000, "a")
		r.Send("a", q)
		ref := func() packet.ConnRef {
			for ref := range r.E.Tracker().All(r.Now) {
				return ref
			}
			return 0
		}
		first := ref()
		r.Send("b", a)
		if r.E.Tracker().Len() != 1 || r.E.Tracker().Conn(first) != nil {
			t.Fatalf("%d connections, the old one is %v", r.E.Tracker().Len(), r.E.Tracker().Conn(first))
		}
		if c := r.E.Tracker().Conn(ref()); c.Orig.SPort != 53 || c.Packets() != [2]uint64{1, 0} {
			t.Errorf("the new one is %+v, packets %v; want it to begin with the answer", c.Orig, c.Packets())
		}
		// What was the original direction is the reply now.
		if res := r.Send("a", q); res.Hits[0].CTState != policy.CTTracked|policy.CTEstablished|policy.CTReply || r.Out(res) != "b" {
			t.Errorf("state %#x, went to %q", res.Hits[0].CTState, r.Out(res))
		}
	})
	t.Run("I7_full_table_has_a_reason_of_its_own", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		if err := r.E.Tracker().Settings().Set("nf_conntrack_max", "2"); err != nil {
			t.Fatal(err)
		}
		r.Handshake(40000)
		r.Handshake(40001)
		res := r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40002, 80, "S", 1, 0, ""))
		if res.Verdict != packet.Drop || res.Reason != "ct: table full" {
			t.Errorf("%v (%s)", res.Verdict, res.Reason)
		}
		if st := r.E.Tracker().Stats(); st.Drop != 1 || st.EarlyDrop != 0 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("padding behind the packet is cut off", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action ct pipe action mirred egress redirect dev b")
		f := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")
		res := r.Send("a", append(append([]byte(nil), f...), make([]byte, 17)...))
		if len(res.Tx) != 1 || len(res.Tx[0].Frame) != len(f) {
			t.Errorf("frame of %d bytes came out, want %d", len(res.Tx[0].Frame), len(f))
		}
	})
	t.Run("an uncommitted connection is gone with its packet", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action ct pipe action mirred egress redirect dev b")
		for range 10 {
			r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x"))
		}
		if n := r.E.Tracker().Len(); n != 0 {
			t.Errorf("%d connections", n)
		}
		if errs := r.E.Tracker().Check(); len(errs) != 0 {
			t.Error(errs)
		}
	})
}

// TestLoadIsWhole: a policy that cannot be loaded leaves the one before it.
func TestLoadIsWhole(t *testing.T) {
	r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action pass")
	if err := r.TryRun("filter add dev a ingress prio 2 proto ip flower action mirred egress mirror blockid 99"); err == nil {
		t.Error("mirroring to a block that is not there was loaded")
	}
	if res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")); res.Verdict != packet.Pass {
		t.Errorf("the policy before it is not in force: %v", res.Verdict)
	}
}

func TestFlowerCTFields(t *testing.T) {
	t.Run("A019_A020_zone_state_mark_and_label_travel_with_the_packet", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower action ct commit zone 5 mark 7 label 0123456789abcdef0123456789abcdef pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new ct_zone 5 ct_mark 7 ct_label 0123456789abcdef0123456789abcdef action mirred egress redirect dev b",
			"filter add dev a ingress prio 2 chain 1 proto ip flower action drop")
		if res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")); r.Out(res) != "b" {
			t.Errorf("went to %q", r.Out(res))
		}
	})
	t.Run("A056_the_tracker_judges_and_the_policy_decides", func(t *testing.T) {
		for last, want := range map[string]packet.Verdict{"drop": packet.Drop, "pass": packet.Pass, "mirred egress redirect dev b": packet.Forward} {
			r := datapathtest.New(t,
				"filter add dev a ingress prio 1 chain 0 proto ip flower action ct pipe action goto chain 1",
				"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action "+last)
			if res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")); res.Verdict != want {
				t.Errorf("%s: %v", last, res.Verdict)
			}
		}
	})
}

// TestGotoLimit: sixteen gotos are fine, and one more is a loop, as a kernel
// that was asked said (cls_api.c max_reclassify_loop).
func TestGotoLimit(t *testing.T) {
	for _, gotos := range []int{15, 16, 17} {
		var lines []string
		for i := range gotos {
			lines = append(lines, fmt.Sprintf("filter add dev a ingress prio 1 chain %d proto ip flower action goto chain %d", i, i+1))
		}
		lines = append(lines, fmt.Sprintf("filter add dev a ingress prio 1 chain %d proto ip flower action mirred egress redirect dev b", gotos))
		r := datapathtest.New(t, lines...)
		res := r.Send("a", packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, "x"))
		want, reason := "b", "none"
		if gotos > 16 {
			want, reason = "", "goto loop"
		}
		if r.Out(res) != want || res.Reason != reason {
			t.Errorf("%d gotos: went to %q (%s), want %q (%s)", gotos, r.Out(res), res.Reason, want, reason)
		}
	}
}
