package sim_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/packet/packettest"
)

// TestB005_I1_unsound_packets: before a connection is assured the tracker
// checks its packets; a card that carries them leaves it those that it would
// find invalid.
func TestB005_I1_unsound_packets(t *testing.T) {
	policy := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action ct pipe action goto chain 1",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk+inv action drop",
	}
	q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 514, "syslog")
	bad := append([]byte(nil), q...)
	bad[len(bad)-1] ^= 1
	short := append([]byte(nil), q...)
	short[39] = 200 // a length that is longer than the packet
	rigs := map[string]*datapathtest.Rig{"soft": datapathtest.NewWith(t, datapath.Config{}, policy...), "hard": datapathtest.NewWith(t, datapath.Config{}, policy...)}
	cfg, err := sim.ParseProfile("linux")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tracker = rigs["hard"].E.Tracker()
	card, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rigs["hard"].E.Attach(card, "uplink_rep", "vf0_rep")
	if err := rigs["hard"].E.Load(rigs["hard"].P, rigs["hard"].Now); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, r := range rigs {
		var tr datapathtest.Transcript
		for i, f := range [][]byte{q, q, q, bad, q, short, q} {
			tr.Send(r, datapathtest.Input{Dev: "uplink_rep", Frame: f, At: 2e9 + int64(i)*1e6})
		}
		for _, c := range r.E.Tracker().All(r.Now) {
			if c.Status&conntrack.StatusOffload == 0 {
				t.Errorf("%s: not in the flow table", name)
			}
		}
		out[name] = tr.End(r)
	}
	if out["soft"] != out["hard"] {
		t.Error(datapathtest.Differences(out["soft"], out["hard"]))
	}
	if s := card.Pipeline().Stats(); s.Packets < 3 {
		t.Errorf("the card has carried %d packets", s.Packets)
	}
}
