package sim

import (
	"bytes"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

func data(port uint16, k uint32) []byte {
	return packettest.TCP(datapathtest.Client, datapathtest.Server, port, 80, "PA", 1001+4*k, 5001, "data")
}

// TestA158_A166_the_papers_example follows the slides' HTTP policy: the rule
// that tracks and the one for established connections are in the card, each in
// its chain's table, +new is not; the handshake is software's, and then a
// packet goes all the way through the card.
func TestA158_A166_the_papers_example(t *testing.T) {
	r, n := rig(t, "plain", datapathtest.HTTPPolicy...)
	for id, want := range map[string]string{
		"A160_A162_A164_tables": "[{{uplink_rep 0 0 1} 1} {{uplink_rep 0 2 1} 1} {{vf0_rep 0 0 1} 1} {{vf0_rep 0 2 1} 1}]",
	} {
		t.Run(id, func(t *testing.T) {
			if got := stripped(sprint(n.Tables())); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	t.Run("A163_C03_new_is_software's", func(t *testing.T) {
		f := r.P.Devices[0].Block[policy.Ingress].Chains[1].Protos[0].Filters[0]
		held, refusals := r.E.InHW(f)
		if held != 0 || len(refusals) != 1 || refusals[0].Error() != "plain: "+newUnsupported {
			t.Errorf("%d %v", held, refusals)
		}
	})
	t.Run("A147_A161_one_flow_table_a_zone", func(t *testing.T) {
		if z := n.Zones(); len(z) != 1 || z[0] != 0 {
			t.Errorf("registered with zones %v", z)
		}
	})
	t.Run("A141_A154_rules_come_from_users_and_flows_from_packets", func(t *testing.T) {
		if len(n.Tables()) == 0 || n.Held() != 0 {
			t.Errorf("%d tables and %d flows before the first packet", len(n.Tables()), n.Held())
		}
	})
	r.Handshake(1000)
	if n.Packets().Packets != 0 {
		t.Error("the card has finished a packet of the handshake")
	}
	t.Run("A152_A165_established_enters", func(t *testing.T) {
		if held, _ := n.Capacity(); held == 0 || n.Held() != 1 {
			t.Fatalf("%d flows in the card", n.Held())
		}
	})
	t.Run("A166_A185_all_the_way", func(t *testing.T) {
		res := r.Send("uplink_rep", data(1000, 0))
		if s := n.Packets(); s.Packets != 1 || res.Verdict != packet.Forward || r.Out(res) != "vf0_rep" {
			t.Errorf("%+v %v %s", s, res.Verdict, r.Out(res))
		}
		for _, c := range []struct {
			chain  uint32
			prio   uint16
			action int
			all    uint64
			hw     uint64
		}{{0, 1, 0, 3, 1}, {0, 1, 1, 3, 1}} {
			if s := r.Stats("uplink_rep", c.chain, c.prio, c.action); s.Packets != c.all || s.HWPackets != c.hw {
				t.Errorf("chain %d: %d packets, %d of them the card's; want %d and %d", c.chain, s.Packets, s.HWPackets, c.all, c.hw)
			}
		}
	})
	t.Run("A155_the_table_knows", func(t *testing.T) {
		for _, c := range r.E.Tracker().All(r.Now) {
			if c.Status&conntrack.StatusHWOffload == 0 {
				t.Error("the connection does not say so")
			}
		}
	})
	t.Run("A152_exits", func(t *testing.T) {
		r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "FA", 1005, 5001, ""))
		if n.Held() != 0 {
			t.Error("the flow is still there after FIN")
		}
	})
}

// TestA167_A179_misses: a card that cannot finish gives a packet back in the
// middle with what it has done, or from the start as it was; either way
// software comes to the same end, and nothing is counted twice.
func TestA167_A179_misses(t *testing.T) {
	edits := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp action pedit ex munge ip tos set 8 pipe action csum ip tcp udp pipe action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ip_tos 8 ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ip_tos 8 ct_state +trk+est action gact pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep",
	}
	for _, c := range []struct {
		name, card string
		held       bool // the flow is in the card
		start, mid bool
	}{
		{"A092_A159_A168_A169_A171_A176_rule_missing_behind_ct", "plain", true, false, true},
		{"A092_A167_A175_A179_flow_missing_inside_a_rule", "plain,fail=1", false, false, true},
		{"A177_A178_from_the_start", "plain,miss=start", true, true, false},
		{"A174_A177_nothing_fits", "plain,rules=1,table=1", true, false, true},
		{"B039_from_the_start", "nfp,rate=0", true, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			soft := datapathtest.NewWith(t, datapath.Config{}, edits...)
			hard, n := rig(t, c.card, edits...)
			for _, r := range []*datapathtest.Rig{soft, hard} {
				r.Handshake(1000)
			}
			before := n.Packets()
			for k := range uint32(5) {
				frame := data(1000, k)
				want, got := soft.Send("uplink_rep", bytes.Clone(frame)), hard.Send("uplink_rep", bytes.Clone(frame))
				if got.Verdict != want.Verdict || len(got.Tx) != 1 || !bytes.Equal(got.Tx[0].Frame, want.Tx[0].Frame) {
					t.Fatalf("packet %d: %v %+v\nsoftware: %v %+v", k, got.Verdict, got.Tx, want.Verdict, want.Tx)
				}
			}
			s := n.Packets()
			if (s.Start > before.Start) != c.start || (s.Middle > before.Middle) != c.mid {
				t.Errorf("%+v after %+v", s, before)
			}
			for action := range 4 {
				want, got := soft.Stats("uplink_rep", 0, 1, action), hard.Stats("uplink_rep", 0, 1, action)
				if got.Packets != want.Packets || got.Bytes != want.Bytes {
					t.Errorf("action %d counts %d packets, %d bytes; software alone %d, %d", action, got.Packets, got.Bytes, want.Packets, want.Bytes)
				}
			}
			if c.mid && hard.Stats("uplink_rep", 0, 1, 0).HWPackets == 0 {
				t.Error("the card has counted nothing of what it did")
			}
			if c.start && hard.Stats("uplink_rep", 0, 1, 0).HWPackets != 0 {
				t.Error("the card has counted what it gave back from the start")
			}
		})
	}
}

// TestA096: a rule in a card counts, takes a packet out of its tunnel, leads to
// another chain and sends it out of a port, as the talk's example has it.
func TestA096_actions_in_a_card(t *testing.T) {
	lines := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp dst_port 80 action tunnel_key unset pipe action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep",
	}
	r, n := rig(t, "plain", lines...)
	r.Handshake(1000)
	before := n.Packets()
	const k = 7
	for i := range uint32(k) {
		if res := r.Send("uplink_rep", data(1000, i)); r.Out(res) != "vf0_rep" {
			t.Fatalf("went to %q", r.Out(res))
		}
	}
	if got := n.Packets().Packets - before.Packets; got != k {
		t.Errorf("the card has finished %d packets, want %d", got, k)
	}
	for _, a := range []struct {
		chain  uint32
		prio   uint16
		action int
	}{{0, 1, 0}, {0, 1, 1}, {0, 1, 2}, {2, 2, 0}} {
		if s := r.Stats("uplink_rep", a.chain, a.prio, a.action); s.HWPackets < k || s.HWBytes < 41*k || s.Packets < s.HWPackets {
			t.Errorf("chain %d, action %d: %+v", a.chain, a.action, s)
		}
	}
}

// TestA139: a rule of a card matches zone, mark, label and the bits of ct_state
// that its ct table has set, and what does not match goes on in software.
func TestA139_what_ct_has_set_is_matched_in_the_card(t *testing.T) {
	const label = "07000000000000000000000000000000"
	for _, c := range []struct {
		match string
		held  bool
	}{
		{"ct_state +trk+est", true}, {"ct_state +trk+est-rpl", true}, {"ct_state +trk+est ct_zone 3", true}, {"ct_state +trk+est ct_mark 5", true},
		{"ct_state +trk+est ct_mark 4/4", true}, {"ct_state +trk+est ct_label " + label, true}, {"ct_state +trk+est ct_zone 3 ct_mark 5 ct_label " + label, true},
		{"ct_state +trk+est+rpl", false}, {"ct_state +trk+est ct_zone 4", false}, {"ct_state +trk+est ct_mark 6", false}, {"ct_state +trk+est ct_label 01" + label[2:], false},
	} {
		t.Run(c.match, func(t *testing.T) {
			r, n := rig(t, "plain",
				"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp action ct zone 3 pipe action goto chain 2",
				"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit zone 3 mark 5 label "+label+" pipe action mirred egress redirect dev vf0_rep",
				"filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower "+c.match+" action mirred egress redirect dev vf0_rep",
				"filter add dev uplink_rep ingress prio 3 chain 2 proto ip flower ct_state +trk+est skip_hw action mirred egress redirect dev vf0_rep",
				"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct zone 3 pipe action mirred egress redirect dev uplink_rep")
			r.Handshake(1000)
			before := n.Packets().Packets
			for i := range uint32(4) {
				if res := r.Send("uplink_rep", data(1000, i)); r.Out(res) != "vf0_rep" {
					t.Fatalf("went to %q", r.Out(res))
				}
			}
			s := r.Stats("uplink_rep", 2, 2, 0)
			if done := n.Packets().Packets - before; (done == 4) != c.held || (s.HWPackets == 4) != c.held || (s.Packets >= 4) != c.held {
				t.Errorf("the card has finished %d of 4 packets, the rule counts %+v", done, s)
			}
		})
	}
}

// TestA140_B040_window: a card that checks windows leaves to software what
// is outside of them, for software to judge; another carries it, as the flow
// table does.
func TestA140_B040_window(t *testing.T) {
	far := packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "PA", 1001+1<<31, 5001, "data")
	answer := packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "PA", 5001, 1005, "data")
	beyond := packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "A", 5005, 1005+1<<30, "")
	for _, c := range []struct {
		card   string
		missed uint64
	}{{"plain", 0}, {"plain,window=on", 3}, {"window", 3}} {
		t.Run(c.card, func(t *testing.T) {
			soft := datapathtest.NewWith(t, datapath.Config{}, datapathtest.HTTPPolicy...)
			hard, n := rig(t, c.card, datapathtest.HTTPPolicy...)
			for _, p := range []struct {
				dev   string
				frame []byte
			}{
				{"uplink_rep", data(1000, 0)}, {"vf0_rep", answer}, {"uplink_rep", data(1000, 1)},
				{"uplink_rep", far}, {"vf0_rep", beyond}, {"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1001, 0, "")},
				{"uplink_rep", data(1000, 1)}, {"vf0_rep", answer},
			} {
				if n.Held() == 0 {
					soft.Handshake(1000)
					hard.Handshake(1000)
				}
				want, got := soft.Send(p.dev, bytes.Clone(p.frame)), hard.Send(p.dev, bytes.Clone(p.frame))
				if got.Verdict != want.Verdict || got.Reason != want.Reason || len(got.Tx) != len(want.Tx) {
					t.Errorf("%v %s, software alone %v %s", got.Verdict, got.Reason, want.Verdict, want.Reason)
				}
			}
			if s := n.Stats(); s.Misses[missWindow] != c.missed || s.Carried != 8-c.missed {
				t.Errorf("%d packets left to software, %d carried; want %d and %d", s.Misses[missWindow], s.Carried, c.missed, 8-c.missed)
			}
		})
	}
}

// TestCrashTakesRulesToo: while the card is down everything is software's, and
// nothing else changes.
func TestCrashTakesRulesToo(t *testing.T) {
	r, n := rig(t, "plain,crash=1s+1s", datapathtest.HTTPPolicy...)
	r.Handshake(1000)
	send := func() uint64 {
		before := n.Packets().Packets
		for k := range uint32(3) {
			if res := r.Send("uplink_rep", data(1000, k)); res.Verdict != packet.Forward {
				t.Fatal(res.Verdict, res.Reason)
			}
		}
		return n.Packets().Packets - before
	}
	if got := send(); got != 3 {
		t.Errorf("%d packets carried before the crash", got)
	}
	r.Now += 1100e6
	if got := send(); got != 0 || n.holds(r.P.Devices[0].Block[policy.Ingress].Chains[0].Protos[0].Filters[0]) {
		t.Errorf("%d packets carried while the card was down", got)
	}
	r.Now += 1100e6
	r.Handshake(1001)
	if res := r.Send("uplink_rep", data(1001, 0)); res.Verdict != packet.Forward || n.Packets().Packets != 4 {
		t.Error("the card does not carry new connections after it is back")
	}
}

// TestIdleFlowsLeaveAtOnce: maintenance that is asked to be complete is, however
// much it costs to ask the card.
func TestIdleFlowsLeaveAtOnce(t *testing.T) {
	r, n := rig(t, "plain", datapathtest.HTTPPolicy...)
	for port := range uint16(20) {
		r.Handshake(1000 + port)
	}
	if n.Held() != 20 {
		t.Fatalf("%d flows held", n.Held())
	}
	r.Now += 40e9
	r.E.Flows().Sync(r.Now)
	if n.Held() != 0 {
		t.Errorf("%d flows held after twice their time", n.Held())
	}
	var names []string
	for _, c := range n.Counters() {
		names = append(names, c.What)
	}
	if !strings.Contains(strings.Join(names, " "), "missed: ct commit") {
		t.Errorf("counters: %q", names)
	}
}
