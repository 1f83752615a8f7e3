package datapath_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestHelperRefuses: a command that is cut off cannot be followed, and is
// dropped (nf_conntrack_ftp.c help: partial match).
func TestHelperRefuses(t *testing.T) {
	const in, out = "filter add dev a ingress prio 1 proto ip flower action ", " pipe action mirred egress redirect dev "
	r := datapathtest.New(t, in+"ct commit helper ipv4-tcp-ftp"+out+"b", "filter add dev b ingress prio 1 proto ip flower action ct"+out+"a")
	client := func(flags string, seq, ack uint32, data string) datapathtest.Result {
		return r.Send("a", packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 21, flags, seq, ack, data))
	}
	client("S", 99, 0, "")
	r.Send("b", packettest.TCP("10.0.0.2", "10.0.0.1", 21, 1000, "SA", 499, 100, ""))
	client("A", 100, 500, "")
	if res := client("PA", 100, 500, "USER a\r\n"); res.Verdict != packet.Forward {
		t.Fatalf("%v (%s)", res.Verdict, res.Reason)
	}
	if res := client("PA", 108, 500, "PORT 10,0,0,1,2"); res.Verdict != packet.Drop || res.Reason != "ct: refused by helper ftp" {
		t.Errorf("%v (%s)", res.Verdict, res.Reason)
	}
}

// TestAnotherHelperTracksAgain: a packet that carries a connection of the
// action's zone is tracked once, unless the action names another helper than the
// connection has (act_ct.c tcf_ct_skb_nfct_cached).
func TestAnotherHelperTracksAgain(t *testing.T) {
	for _, tc := range []struct {
		first, second string
		packets       uint64 // that the connection has counted of one
	}{
		{"helper ipv4-udp-sip", "", 1},
		{"helper ipv4-udp-sip", "helper ipv4-udp-sip", 1},
		{"helper ipv4-udp-sip", "helper ipv4-udp-tftp", 2},
		{"helper ipv4-udp-sip", "helper ipv6-udp-sip", 2},
		{"", "helper ipv4-udp-tftp", 1},
		{"", "", 1},
	} {
		t.Run(tc.first+" then "+tc.second, func(t *testing.T) {
			r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action ct commit "+tc.first+" pipe action ct commit "+tc.second+" pipe action mirred egress redirect dev b")
			if res := r.Send("a", packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 5000, "q")); res.Verdict != packet.Forward {
				t.Fatalf("%v (%s)", res.Verdict, res.Reason)
			}
			n := 0
			for _, c := range r.E.Tracker().All(r.Now) {
				if n++; c.Packets() != [2]uint64{tc.packets} {
					t.Errorf("%d packets, want %d", c.Packets(), tc.packets)
				}
			}
			if n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestHelperReads: a helper reads every packet of its connection, whatever has
// judged the packet in other zones before (act_ct.c tcf_ct_act runs it for what
// the action itself has looked up).
func TestHelperReads(t *testing.T) {
	t.Run("though_another_zone's_flow_table_has_judged_the_packet", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower action ct commit zone 1 pipe action ct commit zone 2 helper ipv4-tcp-ftp pipe action mirred egress redirect dev b",
			"filter add dev b ingress prio 1 chain 0 proto ip flower action ct zone 2 pipe action ct zone 1 pipe action mirred egress redirect dev a")
		client := func(flags string, seq, ack uint32, data string) datapathtest.Result {
			return r.Send("a", packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 21, flags, seq, ack, data))
		}
		client("S", 99, 0, "")
		r.Send("b", packettest.TCP("10.0.0.2", "10.0.0.1", 21, 1000, "SA", 499, 100, ""))
		client("A", 100, 500, "")
		client("PA", 100, 500, "USER a\r\n")
		offloaded := map[uint16]bool{}
		for _, c := range r.E.Tracker().All(r.Now) {
			offloaded[c.Zone] = c.Status&conntrack.StatusOffload != 0
		}
		if !offloaded[1] || offloaded[2] || len(offloaded) != 2 {
			t.Fatalf("in the flow table by zone: %v", offloaded)
		}
		if res := client("PA", 108, 500, "PORT 10,0,0,1,4,1\r\n"); r.Out(res) != "b" || r.E.Tier(0) != datapath.TierTracker {
			t.Fatalf("%v (%s), %v", res.Verdict, res.Reason, r.E.Tier(0))
		}
		want := r.E.Tracker().Expectations(r.Now)
		if len(want) != 1 || want[0].Zone != 2 || want[0].Tuple.DPort != 4<<8+1 {
			t.Errorf("expected: %+v", want)
		}
	})
	t.Run("once,_when_a_zone_is_asked_for_twice", func(t *testing.T) {
		const ct = "action ct zone 2 commit helper ipv4-udp-tftp pipe "
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower "+ct+ct+"action mirred egress redirect dev b")
		for n := range 2 { // to be committed, and known
			if res := r.Send("a", packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 69, "\x00\x01file\x00octet\x00")); r.Out(res) != "b" {
				t.Fatalf("%v (%s)", res.Verdict, res.Reason)
			}
			if want, st := r.E.Tracker().Expectations(r.Now), r.E.Tracker().Stats(); len(want) != 1 || st.ExpectCreate != uint64(n+1) {
				t.Errorf("packet %d: expected: %+v, %d announced", n, want, st.ExpectCreate)
			}
		}
	})
}
