package datapath_test

import (
	"bytes"
	"fmt"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

func udp(sport, dport uint16) []byte {
	return packettest.UDP(datapathtest.Client, datapathtest.Server, sport, dport, "x")
}

// TestMatchesReadTheConnection: a match on mark or label reads the connection
// as it is now, not as it was when the packet was tracked (skbuff.c
// skb_flow_dissect_ct reads ct->mark behind skb->_nfct).
func TestMatchesReadTheConnection(t *testing.T) {
	t.Run("A016_mark_and_label_are_read_at_the_match", func(t *testing.T) {
		const label = "01000000000000000000000000000000"
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower action ct zone 3 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new ct_mark 0 action ct commit zone 3 mark 5 label "+label+" pipe action goto chain 2",
			"filter add dev a ingress prio 2 chain 1 proto ip flower ct_mark 9 action drop",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_mark 5 ct_label "+label+" ct_zone 3 action mirred egress redirect dev b",
			"filter add dev a ingress prio 2 chain 2 proto ip flower action drop")
		if res := r.Send("a", udp(1000, 53)); r.Out(res) != "b" {
			t.Errorf("went to %q", r.Out(res))
		}
		// What is set on the connection meanwhile, the next packet's match sees.
		for ref := range r.E.Tracker().Known() {
			r.E.Tracker().SetMark(ref, 9, 0xffffffff)
		}
		if res := r.Send("a", udp(1000, 53)); res.Verdict != packet.Drop {
			t.Errorf("with the mark changed: %v to %q", res.Verdict, r.Out(res))
		}
	})
}

// TestFlagsOfOVSFields: each flag of ct_state that ovs-fields(7) describes has
// a packet that has it and one that does not, and the policy tells them apart.
func TestFlagsOfOVSFields(t *testing.T) {
	const nat = " nat src addr 192.0.2.1"
	const c, s = datapathtest.Client, datapathtest.Server
	syn := packettest.TCP(c, s, 1000, 80, "S", 1000, 0, "")
	answer := packettest.TCP(s, c, 80, 1000, "SA", 5000, 1001, "")
	for _, w := range []struct {
		flag     string
		commit   string // what the first packet's commit says beside
		before   [][]byte
		has, not []byte
	}{
		{"new", "", nil, syn, nil},
		{"est", "", [][]byte{syn}, answer, nil},
		{"est", "", nil, nil, syn},
		{"rpl", "", [][]byte{syn}, answer, nil},
		{"rpl", "", nil, nil, syn},
		{"rel", "", [][]byte{syn}, packettest.ICMP("10.9.9.9", c, 3, 1, 0, syn[14:]), nil},
		{"rel", "", [][]byte{syn}, nil, answer},
		{"inv", "", nil, packettest.TCP(s, c, 80, 1000, "SA", 5000, 1001, ""), nil},
		{"inv", "", nil, nil, syn},
		{"trk", "", nil, syn, nil},
		{"snat", nat, [][]byte{syn}, syn, nil},
		{"snat", " nat dst addr 192.0.2.1", [][]byte{syn}, nil, syn},
		{"dnat", " nat dst addr 192.0.2.1", [][]byte{syn}, syn, nil},
		{"dnat", nat, [][]byte{syn}, nil, syn},
	} {
		frame, want := w.has, "yes"
		if frame == nil {
			frame, want = w.not, "no"
		}
		t.Run(fmt.Sprintf("A017_%s_%s", w.flag, want), func(t *testing.T) {
			first := "action ct commit pipe action goto chain 1"
			if w.commit != "" {
				first = "action ct commit" + w.commit + " pipe action goto chain 1"
			}
			yes := "+trk+" + w.flag
			if w.flag == "trk" {
				yes = "+trk"
			}
			r := datapathtest.New(t,
				"filter add dev a ingress prio 1 chain 0 proto ip flower "+first,
				"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state "+yes+" action mirred egress redirect dev yes",
				"filter add dev a ingress prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev no",
				"filter add dev u ingress prio 1 chain 0 proto ip flower ct_state +trk action mirred egress redirect dev yes",
				"filter add dev u ingress prio 2 chain 0 proto ip flower action mirred egress redirect dev no")
			for _, f := range w.before {
				r.Send("a", bytes.Clone(f))
			}
			if out := r.Out(r.Send("a", bytes.Clone(frame))); out != want {
				t.Errorf("went to %q", out)
			}
			if w.flag == "trk" { // and a packet that no ct has seen does not have it
				if out := r.Out(r.Send("u", bytes.Clone(frame))); out != "no" {
					t.Errorf("untracked, it went to %q", out)
				}
			}
		})
	}
}

// TestOneAction: a single ct action does all that it is told, in the tracker
// that all share.
func TestOneAction(t *testing.T) {
	t.Run("A034_looks_up_translates_and_sets_state_mark_and_label", func(t *testing.T) {
		const label = "00ff0000000000000000000000000000"
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower action ct commit zone 4 mark 0x30/0xf0 label "+label+" nat src addr 192.0.2.1 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new+snat ct_zone 4 ct_mark 0x30 ct_label "+label+" src_ip 192.0.2.1 action mirred egress redirect dev b",
			"filter add dev a ingress prio 2 chain 1 proto ip flower action drop",
			"filter add dev b ingress prio 1 chain 0 proto ip flower action ct zone 4 nat pipe action goto chain 1",
			"filter add dev b ingress prio 1 chain 1 proto ip flower ct_state +trk+est+rpl ct_mark 0x30 ct_label "+label+" dst_ip "+datapathtest.Client+" action mirred egress redirect dev a")
		if res := r.Send("a", udp(1000, 53)); r.Out(res) != "b" {
			t.Fatalf("went to %q (%s)", r.Out(res), res.Reason)
		}
		if res := r.Send("b", packettest.UDP(datapathtest.Server, "192.0.2.1", 53, 1000, "x")); r.Out(res) != "a" {
			t.Errorf("the answer went to %q (%s)", r.Out(res), res.Reason)
		}
		n := 0
		for _, c := range r.E.Tracker().Known() {
			if n++; c.Zone != 4 || c.Mark != 0x30 || c.Label == [16]byte{} || c.Status&(conntrack.StatusSrcNAT|conntrack.StatusSeenReply) != conntrack.StatusSrcNAT|conntrack.StatusSeenReply {
				t.Errorf("zone %d, mark %#x, label %x, status %#x", c.Zone, c.Mark, c.Label, c.Status)
			}
		}
		if n != 1 {
			t.Errorf("%d connections", n)
		}
	})
	t.Run("A036_the_result_stays_with_the_packet", func(t *testing.T) {
		// Through chains and jumps and edits; a redirect takes it away
		// (act_mirred.c tcf_mirred_to_dev calls nf_reset_ct).
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower action ct zone 6 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action pedit ex munge ip ttl set 9 pipe action csum ip pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk+new ct_zone 6 action continue",
			"filter add dev a ingress prio 2 chain 2 proto ip flower ct_state +trk+new ct_zone 6 action mirred ingress redirect dev c",
			"filter add dev c ingress prio 1 chain 0 proto ip flower ct_state +trk action drop",
			"filter add dev c ingress prio 2 chain 0 proto ip flower ct_state -trk ct_zone 0 action mirred egress redirect dev d")
		if res := r.Send("a", udp(1000, 53)); r.Out(res) != "d" {
			t.Errorf("went to %q (%s)", r.Out(res), res.Reason)
		}
	})
	t.Run("A038_matching_tracking_force_clear_and_again", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 1 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new ct_zone 1 action ct commit zone 1 pipe action ct clear pipe action goto chain 2",
			"filter add dev a ingress prio 2 chain 1 proto ip flower ct_state +trk+est+rpl ct_zone 1 action ct commit force zone 1 pipe action goto chain 3",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state -trk action ct zone 2 pipe action ct commit zone 2 mark 7 pipe action goto chain 3",
			"filter add dev a ingress prio 1 chain 3 proto ip flower ct_state +trk+new ct_zone 2 ct_mark 7 action mirred egress redirect dev two",
			"filter add dev a ingress prio 2 chain 3 proto ip flower ct_state +trk+new ct_zone 1 action mirred egress redirect dev again")
		if res := r.Send("a", udp(1000, 53)); r.Out(res) != "two" {
			t.Errorf("the first went to %q", r.Out(res))
		}
		if res := r.Send("a", packettest.UDP(datapathtest.Server, datapathtest.Client, 53, 1000, "x")); r.Out(res) != "again" {
			t.Errorf("the answer went to %q", r.Out(res))
		}
		var zones []string
		for _, c := range r.E.Tracker().Known() {
			zones = append(zones, fmt.Sprint(c.Zone, c.Orig.SPort))
		}
		if len(zones) != 2 { // zone 2's, and the one that force began in the answer's direction
			t.Errorf("connections %v", zones)
		}
	})
}

// TestDevicesAndPolicy: what a card is told and what it counts.
func TestDevicesAndPolicy(t *testing.T) {
	t.Run("A094_filters_are_offloaded_one_by_one", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy[0])
		told := map[*policy.Filter]int{}
		attachMirror(r, false, func(u *offload.Rule) bool {
			told[u.Filter]++
			return true
		})
		for i, l := range append(append([]string(nil), datapathtest.HTTPPolicy[1:]...), "filter add dev uplink_rep ingress prio 9 chain 7 proto ip flower action drop") {
			if len(told) != i+1 {
				t.Fatalf("told of %d filters, want %d", len(told), i+1)
			}
			before := len(told)
			r.Run(l)
			// Each on its own, as it comes: where a chain leads, and whether
			// there is anything, is no business of the card's.
			if len(told) != before+1 {
				t.Fatalf("%s: told of %d filters, and of %d before", l, len(told), before)
			}
		}
		r.Run("filter del dev uplink_rep ingress prio 9 chain 7")
		r.Run("filter add dev uplink_rep ingress prio 8 chain 7 proto ip flower action drop")
		if len(told) != 8 {
			t.Errorf("told of %d filters, want the new one for the one that is gone", len(told))
		}
	})
	t.Run("C02_tiers_are_counted_apart_and_add_up", func(t *testing.T) {
		soft, hard := datapathtest.New(t, datapathtest.HTTPPolicy...), datapathtest.New(t, datapathtest.HTTPPolicy...)
		attachMirror(hard, false, all)
		for _, r := range []*datapathtest.Rig{soft, hard} {
			r.Handshake(40000)
			for k := range uint32(20) {
				r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001+k, 5001, "x"))
			}
		}
		for _, at := range []struct {
			dev   string
			chain uint32
			prio  uint16
			n     int
		}{{"uplink_rep", 0, 1, 0}, {"uplink_rep", 0, 1, 1}, {"uplink_rep", 2, 1, 0}, {"vf0_rep", 0, 1, 0}} {
			s, h := soft.Stats(at.dev, at.chain, at.prio, at.n), hard.Stats(at.dev, at.chain, at.prio, at.n)
			if h.Packets != s.Packets || h.Bytes != s.Bytes {
				t.Errorf("%v: %d packets, %d bytes; software alone %d, %d", at, h.Packets, h.Bytes, s.Packets, s.Bytes)
			}
			if s.HWPackets != 0 || h.HWPackets > h.Packets || h.HWBytes > h.Bytes {
				t.Errorf("%v: %d of %d packets in hardware, %d without a card", at, h.HWPackets, h.Packets, s.HWPackets)
			}
		}
		if h := hard.Stats("uplink_rep", 0, 1, 0); h.HWPackets < 20 || h.HWPackets == h.Packets {
			t.Errorf("%d of %d packets in hardware, want those of the data alone", h.HWPackets, h.Packets)
		}
	})
}

// TestOddPacketsLeaveFlowsAlone: what the flow table does not understand goes to
// the tracker, and the flow stays.
func TestOddPacketsLeaveFlowsAlone(t *testing.T) {
	frame := func() []byte {
		return packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, string(make([]byte, 1400)))
	}
	ttl := frame()
	ttl[22] = 1
	packettest.Fix(ttl)
	plain := frame()
	seg := packettest.Segment{SPort: 40000, DPort: 80, Flags: "PA", Seq: 1001, Ack: 5001, Data: "x"}.Bytes()
	options := packettest.IP(datapathtest.Client, datapathtest.Server, packet.ProtoTCP, append([]byte{1, 1, 1, 0}, seg...))
	options[14] = 0x46
	packettest.Fix(options)
	wrong := frame()
	wrong[len(wrong)-1] ^= 1
	large := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, string(make([]byte, 20000)))
	outside := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 900001001, 5001, "x")
	for name, frames := range map[string][][]byte{
		"C04_ttl": {ttl}, "C04_options": {options}, "C04_fragments": packettest.Fragments(plain, 9, 600, 600), "C04_a_lost_fragment": packettest.Fragments(plain, 9, 600)[:1],
		"C04_wrong_checksum": {wrong}, "C04_beyond_any_mtu": {large}, "C04_out_of_window": {outside},
	} {
		t.Run(name, func(t *testing.T) {
			r := datapathtest.New(t, datapathtest.HTTPPolicy...)
			d := attachMirror(r, false, all)
			r.Handshake(40000)
			for _, f := range frames {
				r.Send("uplink_rep", bytes.Clone(f))
			}
			for _, c := range r.E.Tracker().Known() {
				if c.Status&conntrack.StatusOffload == 0 || c.TCP.State != conntrack.TCPEstablished {
					t.Errorf("status %#x, %s", c.Status, c.StateName())
				}
			}
			before := d.pl.Stats().Packets
			if res := r.Send("uplink_rep", frame()); r.Out(res) != "vf0_rep" || d.pl.Stats().Packets != before+1 {
				t.Errorf("the next went to %q, and the card saw %d packets", r.Out(res), d.pl.Stats().Packets-before)
			}
		})
	}
}
