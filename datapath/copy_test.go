package datapath_test

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// copying makes copies in every way: out of a port, into an ingress that drops
// some, through an egress block, to a block's ports, and for a chain to track.
var copying = append([]string{
	"qdisc add dev x ingress_block 9 ingress",
	"qdisc add dev y ingress_block 9 ingress",
	"filter add dev a ingress prio 1 chain 0 proto ip flower ip_proto udp dst_port 666 action mirred egress mirror blockid 9 pipe action ct zone 3 chain 8 pipe action mirred egress mirror dev b pipe action mirred ingress mirror dev c pipe action goto chain 2",
	"filter add dev a ingress prio 1 chain 8 proto ip flower ct_state +trk+new action ct commit zone 3 pipe action drop",
}, everything[1:]...)

// TestI8_every_copy_is_accounted_for: each copy leaves (as fragments, maybe), goes up, or is dropped
// for a reason; and each is a copy of something earlier.
func TestI8_every_copy_is_accounted_for(t *testing.T) {
	made := 0
	rapid.Check(t, func(rt *rapid.T) {
		r := datapathtest.New(t, copying...)
		var v packet.Vector
		for _, p := range drawTraffic(rt) {
			id, _ := r.E.Device(p.dev)
			v.Now = p.at
			v.Add(p.frame, id)
		}
		r.E.Process(&v)
		var lost, counted uint64
		for i := range v.N {
			copies := r.E.Copies(i)
			left := make([]int, len(copies)+1)
			for _, tx := range v.Tx {
				if int(tx.Pkt) != i {
					continue
				}
				if tx.Mirror != (tx.Copy != 0) {
					rt.Fatalf("packet %d: %+v", i, tx)
				}
				left[tx.Copy]++
			}
			for n, c := range copies {
				made++
				dropped := c.Verdict == packet.Drop || c.Verdict == packet.Stolen
				if dropped {
					lost++
				}
				if dropped && (left[n+1] != 0 || c.Reason == datapath.ReasonNone || c.Frame == nil) || !dropped && left[n+1] == 0 {
					rt.Fatalf("packet %d, copy %d: left %d times, %+v", i, n+1, left[n+1], c)
				}
				if int(c.Of) > n || int(c.Hits) > len(r.E.Trace(i)) {
					rt.Fatalf("packet %d, copy %d: %+v", i, n+1, c)
				}
			}
			for _, h := range r.E.AppendHits(nil, i, 0) {
				if h.Copy != 0 {
					rt.Fatalf("packet %d: a copy's hit on its way: %+v", i, h)
				}
			}
		}
		for _, n := range r.E.CopyDrops() {
			counted += n
		}
		if lost != counted {
			rt.Fatalf("%d copies dropped, %d counted", lost, counted)
		}
	})
	if made == 0 {
		t.Error("no copies: nothing was tested")
	}
}

// TestCopiesNoAllocs: tracing copies allocates nothing once buffers have grown.
func TestCopiesNoAllocs(t *testing.T) {
	e := datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1 << 10}), Trace: true})
	if err := e.Load(mustLoad(t, copying...), 1); err != nil {
		t.Fatal(err)
	}
	dev, _ := e.Device("a")
	var v packet.Vector
	frame, now, copies := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 666, "x"), int64(1e9), 0
	if n := testing.AllocsPerRun(100, func() {
		now += 1e6
		v.Reset()
		v.Now = now
		for range 64 {
			v.Add(frame, dev)
		}
		e.Process(&v)
		copies = len(e.Copies(0))
	}); n != 0 {
		t.Errorf("%v allocations a vector", n)
	}
	if copies < 5 {
		t.Errorf("%d copies a packet, want some of each kind", copies)
	}
}
