package datapath_test

import (
	"fmt"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestNestLimit: a frame is handed from ingress to ingress four times, and a
// fifth mirred drops it (act_mirred.c MIRRED_NEST_LIMIT).
func TestNestLimit(t *testing.T) {
	for hops := 1; hops <= 6; hops++ {
		var lines []string
		for i := range hops {
			lines = append(lines, fmt.Sprintf("filter add dev d%d ingress prio 1 proto ip matchall action mirred ingress redirect dev d%d", i, i+1))
		}
		lines = append(lines, fmt.Sprintf("filter add dev d%d ingress prio 1 proto ip matchall action pass", hops))
		r := datapathtest.New(t, lines...)
		res := r.Send("d0", packettest.UDP(datapathtest.Client, datapathtest.Server, 1, 2, ""))
		if hops <= 4 {
			if out := r.Out(res); out != fmt.Sprintf("pass:d%d", hops) {
				t.Errorf("%d hops: %v %s, out %q", hops, res.Verdict, res.Reason, out)
			}
		} else if res.Verdict != packet.Drop || len(res.Tx) != 0 {
			t.Errorf("%d hops: %v, out %q", hops, res.Verdict, r.Out(res))
		}
	}
}
