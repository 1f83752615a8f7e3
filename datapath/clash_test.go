package datapath_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestCommitClash: a copy of the packet commits its connection first, and the
// packet's own commit finds the tuple taken (nf_conntrack_core.c
// nf_ct_resolve_clash). From then on the packet is of the connection that is
// there, with that one's mark, and is offered with it (act_ct.c looks the
// connection up anew behind nf_conntrack_confirm).
func TestCommitClash(t *testing.T) {
	lines := []string{
		"filter add dev a ingress prio 1 chain 0 proto ip flower action ct zone 3 pipe action mirred ingress mirror dev b pipe action ct zone 3 commit mark 5 pipe action goto chain 2",
		"filter add dev a ingress prio 1 chain 2 proto ip flower ct_mark 5 action mirred egress redirect dev five",
		"filter add dev a ingress prio 2 chain 2 proto ip flower ct_mark 7 action mirred egress redirect dev seven",
		"filter add dev b ingress prio 1 chain 0 proto ip flower action ct zone 3 commit mark 7 pipe action drop",
	}
	t.Run("B024_the_packet_takes_the_connection_that_is_there", func(t *testing.T) {
		// Without a trace: what a trace tells of the connection is read anew.
		r := datapathtest.NewWith(t, datapath.Config{}, lines...)
		res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		if out := r.Out(res); out != "seven" {
			t.Errorf("%v (%s), out by %q", res.Verdict, res.Reason, out)
		}
		if n, st := r.E.Tracker().Len(), r.E.Tracker().Stats(); n != 1 || st.ClashRes != 1 {
			t.Errorf("%d connections, %+v", n, st)
		}
		for _, c := range r.E.Tracker().All(r.Now) {
			if c.Mark != 7 || c.Status&conntrack.StatusOffload == 0 {
				t.Errorf("mark %d, status %#x", c.Mark, c.Status)
			}
		}
		if n := r.E.Flows().Len(); n != 1 {
			t.Errorf("%d flows", n)
		}
		if errs := append(r.E.Tracker().Check(), r.E.Flows().Check()...); len(errs) != 0 {
			t.Error(errs)
		}
	})
	t.Run("B024_or_is_dropped_with_TCP", func(t *testing.T) {
		r := datapathtest.New(t, lines...)
		res := r.Send("a", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1000, 0, ""))
		if res.Verdict != packet.Drop || r.E.Tracker().Len() != 1 {
			t.Errorf("%v (%s), %d connections", res.Verdict, res.Reason, r.E.Tracker().Len())
		}
	})
}
