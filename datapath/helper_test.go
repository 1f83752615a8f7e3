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
