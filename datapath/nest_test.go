package datapath_test

import (
	"fmt"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestNestLimit: a frame is handed into ingress three times, and the next
// mirred drops it (act_mirred.c MIRRED_DEFER_LIMIT, skb->tc_depth); it is sent
// out of a device within another such sending four times (MIRRED_NEST_LIMIT).
func TestNestLimit(t *testing.T) {
	for _, c := range []struct {
		name, first, way, where, end string
		limit                        int
	}{
		{"ingress", "ingress", "ingress redirect", "ingress", "pass:d%d", 3},
		{"egress", "ingress", "egress redirect", "egress", "d%d", 4},
		{"mirrors", "ingress", "egress mirror", "egress", "d%d", 4},
	} {
		for hops := 1; hops <= 6; hops++ {
			at := c.first
			var lines []string
			for i := range hops {
				lines = append(lines, fmt.Sprintf("filter add dev d%d %s prio 1 proto ip matchall action mirred %s dev d%d pipe action drop", i, at, c.way, i+1))
				if c.way != "egress mirror" {
					lines[i] = fmt.Sprintf("filter add dev d%d %s prio 1 proto ip matchall action mirred %s dev d%d", i, at, c.way, i+1)
				}
				at = c.where
			}
			lines = append(lines, fmt.Sprintf("filter add dev d%d %s prio 1 proto ip matchall action pass", hops, c.where))
			r := datapathtest.New(t, lines...)
			res := r.Send("d0", packettest.UDP(datapathtest.Client, datapathtest.Server, 1, 2, ""))
			switch out := r.Out(res); {
			case hops <= c.limit && out != fmt.Sprintf(c.end, hops):
				t.Errorf("%s, %d hops: %v %s, out %q", c.name, hops, res.Verdict, res.Reason, out)
			case hops > c.limit && (res.Verdict != packet.Drop || out != ""):
				t.Errorf("%s, %d hops: %v, out %q", c.name, hops, res.Verdict, out)
			}
		}
	}
}
