package sim_test

import (
	"bytes"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/packet/packettest"
)

// TestReloadKnowsWherePacketsCameIn: a card gives packets of a handshake back in
// the middle, and a connection's origin is still each packet's own device. A
// change of policy that drops what nobody sends ends no connection, as without
// the card.
func TestReloadKnowsWherePacketsCameIn(t *testing.T) {
	lines := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action skbedit mark 3 pipe action ct pipe action goto chain 1",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
		"filter add dev vf0_rep ingress prio 2 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev uplink_rep",
	}
	for _, desc := range []string{"", "plain", "plain,miss=start", "nfp", "mlx5", "sfc"} {
		t.Run("I1_C07_"+desc, func(t *testing.T) {
			r := datapathtest.New(t, lines...)
			if desc != "" {
				cfg, err := sim.ParseProfile(desc)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Tracker = r.E.Tracker()
				card, err := sim.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				r.E.Attach(card, "uplink_rep", "vf0_rep")
				if err := r.E.Load(r.P, r.Now); err != nil {
					t.Fatal(err)
				}
			}
			r.Handshake(1234)
			if n := r.Reload("recheck", "filter add dev vf0_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+est-rpl action drop"); n != 0 {
				t.Errorf("the change ends %d connections", n)
			}
			for range 4 {
				for dev, f := range map[string][]byte{
					"uplink_rep": packettest.TCP(datapathtest.Client, datapathtest.Server, 1234, 80, "PA", 1001, 5001, "x"),
					"vf0_rep":    packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1234, "PA", 5001, 1001, "y"),
				} {
					if res := r.Send(dev, bytes.Clone(f)); len(res.Tx) != 1 || res.Tx[0].Up {
						t.Errorf("%s: %v %s, out %q", dev, res.Verdict, res.Reason, r.Out(res))
					}
				}
			}
		})
	}
}
