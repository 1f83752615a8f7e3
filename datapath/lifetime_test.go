package datapath_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/packet/packettest"
	"sluice/policy/tc"
)

var lifetimePolicy = []string{
	"qdisc add dev uplink_rep clsact", "qdisc add dev vf0_rep clsact",
	"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 7 nat pipe action goto chain 1",
	"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit zone 7 nat src addr 192.0.2.1 pipe action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 7 nat pipe action goto chain 1",
	"filter add dev vf0_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev uplink_rep",
}

// standing is what must not grow while policies, cards and engines come and go.
type standing struct {
	owners, conns, goroutines, zones, flows int
	heap                                    uint64
}

func stand(e *datapath.Engine) standing {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	tr := e.Tracker()
	return standing{tr.Watched(), tr.Len(), runtime.NumGoroutine(), e.Flows().Zones(), e.Flows().Len(), m.HeapAlloc}
}

// TestNothingGrows reloads a policy, imagines what reloads would do, and attaches
// and detaches a card, time and again while packets flow. What every round takes
// into use it must give back.
func TestNothingGrows(t *testing.T) {
	for _, c := range []struct {
		name   string
		rounds int // 10,000 where the soak runs
		do     func(r *datapathtest.Rig, i int)
	}{
		{"reload", 10000, func(r *datapathtest.Rig, i int) {
			if err := r.E.Load(r.P, r.Now); err != nil {
				t.Fatal(err)
			}
		}},
		{"reload_with_other_zones", 1000, func(r *datapathtest.Rig, i int) {
			// Not Rig.Run: it keeps all commands, to read the policy anew.
			s := tc.Session{Policy: r.P, Out: io.Discard, Err: io.Discard}
			for _, line := range []string{
				fmt.Sprintf("filter replace dev vf0_rep ingress prio 9 chain 5 handle 1 proto ip flower ct_state -trk action ct zone %d", 100+i%500),
				"filter del dev vf0_rep ingress chain 5",
			} {
				if err := errors.Join(s.Run(line), r.E.Load(r.P, r.Now)); err != nil {
					t.Fatal(err)
				}
			}
			r.P.Settle()
		}},
		{"prospect", 1000, func(r *datapathtest.Rig, i int) {
			before, err := r.E.Prospect(r.P, r.Now)
			if err != nil {
				t.Fatal(err)
			}
			r.E.Compare(r.Now, before, before)
		}},
		{"card", 150, func(r *datapathtest.Rig, i int) {
			cfg, err := sim.ParseProfile("plain")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Tracker, cfg.Flows, cfg.Queue = r.E.Tracker(), 16, 16
			nic, err := sim.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			r.E.Attach(nic, "uplink_rep", "vf0_rep")
			if err := r.E.Load(r.P, r.Now); err != nil {
				t.Fatal(err)
			}
			r.Send("uplink_rep", packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, "q"))
			r.E.Detach(nic, r.Now)
		}},
		{"engine", 3000, func(r *datapathtest.Rig, i int) {
			e := datapath.New(datapath.Config{Tracker: r.E.Tracker()})
			if err := e.Load(r.P, r.Now); err != nil {
				t.Fatal(err)
			}
			e.Close(r.Now)
			e.Close(r.Now)
		}},
		{"zone_rules", 10000, func(r *datapathtest.Rig, i int) {
			tr, to := r.E.Tracker(), r.E.Tracker().Settings().Timeouts
			tr.SetZone(3, conntrack.Zone{HasLimit: true, Limit: uint32(i), Source: conntrack.SourceLimit{States: uint32(1 + i)}, Timeouts: &to})
			tr.SetZone(3, conntrack.Zone{})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := datapathtest.New(t, lifetimePolicy...)
			var was standing
			if os.Getenv("SLUICE_SOAK") != "" {
				c.rounds = 10000
			}
			settled := c.rounds / 5
			for i := range c.rounds {
				if i == settled {
					was = stand(r.E)
				}
				r.Send("uplink_rep", packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, "q"))
				r.Send("vf0_rep", packettest.UDP("10.0.0.2", "192.0.2.1", 53, 1000, "a"))
				r.Now += 2e9 / 10 // the last reload's flow tables are given back
				c.do(r, i)
			}
			is := stand(r.E)
			grown := int64(is.heap) - int64(was.heap)
			if is.heap = was.heap; is != was || grown > 1<<19 {
				t.Errorf("%+v and %d bytes more, %+v after %d rounds", is, grown, was, settled)
			}
			if errs := r.E.Tracker().Check(); len(errs) != 0 {
				t.Error(errs)
			}
		})
	}
}

// TestEngineTakesATrackerOver: what an engine's flow tables hold is the tracker's
// again when it is closed, and the next engine's with its next packet.
func TestEngineTakesATrackerOver(t *testing.T) {
	r := datapathtest.New(t, lifetimePolicy...)
	f := packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, "q")
	r.Send("uplink_rep", f)
	if n := r.E.Flows().Len(); n != 1 {
		t.Fatalf("%d flows", n)
	}
	tr, old := r.E.Tracker(), r.E
	old.Close(r.Now)
	for _, c := range tr.All(r.Now) {
		if c.Status&conntrack.StatusOffload != 0 || c.FlowFlags != 0 || c.FlowTable != 0 || c.FlowRefs != 0 {
			t.Errorf("still held: %+v", c)
		}
	}
	if tr.Watched() != 0 || old.Flows().Len() != 0 || tr.Len() != 1 || old.Flows().Counters().Flushed != 1 {
		t.Errorf("%d owners, %d flows, %d connections", tr.Watched(), old.Flows().Len(), tr.Len())
	}
	r.E = datapath.New(datapath.Config{Tracker: tr, Trace: true})
	if err := r.E.Load(r.P, r.Now); err != nil {
		t.Fatal(err)
	}
	r.Send("uplink_rep", f)
	if n := r.E.Flows().Len(); n != 1 || tr.Len() != 1 || tr.Watched() != 1 {
		t.Errorf("%d flows, %d connections, %d owners", n, tr.Len(), tr.Watched())
	}
}
