package datapath_test

import (
	"testing"

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
