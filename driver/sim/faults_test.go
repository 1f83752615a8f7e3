package sim

import (
	"testing"
	"time"

	"sluice/offload"
	"sluice/packet"
)

// busy runs a card through a fixed load and returns all it has answered.
func busy(t *testing.T, desc string) (*NIC, []offload.Completion) {
	n := card(t, desc)
	var all []offload.Completion
	for i := range uint32(2000) {
		now := int64(i) * 1e5
		f := flowOf(i)
		f.Used = now
		n.Submit(now, []offload.Request{add(f)})
		if i > 50 {
			g := flowOf(i - 50)
			n.carries(now, &g, int(i&1))
			if i%3 == 0 {
				n.Submit(now, []offload.Request{read(g), remove(g)})
			}
		}
		all = append(all, poll(n, now)...)
	}
	n.Settle(1e9)
	return n, append(all, poll(n, 1e9)...)
}

func TestI6_same_seed_same_card(t *testing.T) {
	const desc = "mlx5,flows=500,delay=1ms,rate=15k,fail=0.1,lose=0.05,twice=0.05,late=3ms,forget=0.01,stats=5ms,crash=50ms+20ms,seed="
	_, a := busy(t, desc+"1")
	_, b := busy(t, desc+"1")
	_, c := busy(t, desc+"2")
	if sprint(a) != sprint(b) {
		t.Error("the same seed gives another card")
	}
	if sprint(a) == sprint(c) {
		t.Error("another seed gives the same card")
	}
}

// TestFaults: each fault happens about as often as asked for, and is counted.
func TestFaults(t *testing.T) {
	near := func(t *testing.T, what string, got, want float64) {
		t.Helper()
		if got < want*.8 || got > want*1.2 {
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	_, all := busy(t, "plain,flows=5000")
	total := float64(len(all))
	t.Run("fail", func(t *testing.T) {
		_, all := busy(t, "plain,flows=5000,fail=0.25")
		near(t, "failed", float64(results(all)[offload.Add][offload.Failed]), 500)
	})
	t.Run("lose", func(t *testing.T) {
		n, all := busy(t, "plain,flows=5000,lose=0.25")
		missing := map[packet.ConnRef]bool{}
		for i := range uint32(2000) {
			missing[flowOf(i).Conn] = true
		}
		near(t, "answers", float64(len(all)), total*.75)
		for _, c := range all {
			delete(missing, c.Conn)
		}
		for conn := range missing {
			if f := n.flows.byConn(conn); f != nil && f.flags&live != 0 {
				t.Error("a flow is carried of which nobody has heard")
			}
		}
		if n.Stats().Lost+uint64(len(all)) != uint64(total) || n.queue.open != 0 {
			t.Errorf("%d answers lost, %d told, %d places taken", n.Stats().Lost, len(all), n.queue.open)
		}
	})
	t.Run("twice", func(t *testing.T) {
		n, all := busy(t, "plain,flows=5000,twice=0.25")
		near(t, "answers", float64(len(all)), total*1.25)
		if uint64(total)+n.Stats().Twice != uint64(len(all)) || n.queue.open != 0 {
			t.Errorf("%d answers told twice, %d told, %d places taken", n.Stats().Twice, len(all), n.queue.open)
		}
	})
	t.Run("forget", func(t *testing.T) {
		n, _ := busy(t, "plain,flows=5000,forget=0.25")
		near(t, "forgotten", float64(n.Stats().Forgotten), float64(n.Stats().Carried)*.25)
	})
	t.Run("slow", func(t *testing.T) {
		n := card(t, "plain,rate=1000,delay=2ms,slow=10,flows=10")
		f := flowOf(1)
		submit(t, n, 0, add(f))
		if n.carries(29_999_999, &f, 0) || !n.carries(30_000_000, &f, 0) {
			t.Error("not ten times the 3 ms that it would take")
		}
	})
	t.Run("late", func(t *testing.T) {
		n := card(t, "plain,late=100ms,flows=5000")
		for i := range uint32(1000) {
			submit(t, n, 0, add(flowOf(i)))
		}
		var last, swaps, told int
		for now := int64(0); now <= 100e6; now += 1e6 {
			for _, c := range poll(n, now) {
				if f := flowOf(5); !n.carries(now, &f, 0) && c.Conn == f.Conn {
					t.Error("not carried when the flow table knows of it")
				}
				if int(c.Conn) < last {
					swaps++
				}
				last = int(c.Conn)
				told++
			}
			if now == 50e6 {
				near(t, "answers by half time", float64(told), 500)
			}
		}
		if told != 1000 || swaps < 100 {
			t.Errorf("%d answers, %d out of order", told, swaps)
		}
	})
}

// TestCrash: at its time the card forgets everything and takes nothing for a
// while. Its driver has kept the counters.
func TestCrash(t *testing.T) {
	n := card(t, "plain,flows=10,crash=1s+500ms")
	at := func(d time.Duration) int64 { return int64(10*time.Second + d) }
	f, g := flowOf(1), flowOf(2)
	f.Used, g.Used = at(0), at(0)
	submit(t, n, at(0), add(f)) // the card's life begins
	if !n.carries(at(time.Second)-1, &f, 0) || n.carries(at(time.Second), &f, 0) {
		t.Error("it did not crash on time")
	}
	submit(t, n, at(1400*time.Millisecond), add(g), read(f))
	for _, c := range poll(n, at(1400*time.Millisecond))[1:] {
		if c.Result != offload.Failed || c.Reason != offload.Gone {
			t.Errorf("%+v", c)
		}
	}
	if s, ok := n.Probe(at(1400*time.Millisecond), f.Conn); !ok || s.Packets[0] != 1 {
		t.Errorf("its counters are lost: %v %+v", ok, s)
	}
	submit(t, n, at(1500*time.Millisecond), add(g))
	if n.carries(at(1500*time.Millisecond), &f, 0) || !n.carries(at(1500*time.Millisecond), &g, 0) {
		t.Error("not back with nothing but what is new")
	}
	submit(t, n, at(1500*time.Millisecond), remove(f))
	if cs := poll(n, at(1500*time.Millisecond)); cs[1].Stats.Packets[0] != 1 {
		t.Errorf("%+v", cs)
	}
}

// TestStatsInterval: Read tells what was counted when the card sampled last.
func TestStatsInterval(t *testing.T) {
	n := card(t, "plain,flows=10,stats=1s")
	f := flowOf(1)
	submit(t, n, 5_000e6, add(f))
	poll(n, 5_000e6)
	told := func(now int64) offload.FlowStats {
		submit(t, n, now, read(f))
		return poll(n, now)[0].Stats
	}
	n.carries(5_100e6, &f, 0)
	n.carries(5_900e6, &f, 0)
	if s := told(5_950e6); s.Packets[0] != 0 || s.At != 5_000e6 {
		t.Errorf("%+v", s)
	}
	if s := told(6_000e6); s.Packets[0] != 2 || s.At != 6_000e6 || s.Used != 5_900e6 {
		t.Errorf("%+v", s)
	}
	n.carries(6_500e6, &f, 1)
	if s := told(6_999e6); s.Packets != [2]uint64{2, 0} {
		t.Errorf("%+v", s)
	}
	n.carries(9_500e6, &f, 1)
	if s := told(9_600e6); s.Packets != [2]uint64{2, 1} || s.At != 9_000e6 {
		t.Errorf("%+v", s)
	}
	if s, _ := n.Probe(9_600e6, f.Conn); s.Packets != [2]uint64{2, 2} {
		t.Errorf("a probe is exact: %+v", s)
	}
}

// TestA153_queue: additions and readings wait for a place; removals need none.
func TestA153_queue(t *testing.T) {
	n := card(t, "plain,flows=100,queue=4,delay=1ms")
	reqs := []offload.Request{add(flowOf(1)), add(flowOf(2)), add(flowOf(3)), add(flowOf(4)), add(flowOf(5)), remove(flowOf(1))}
	if k := n.Submit(0, reqs); k != 4 {
		t.Fatalf("%d taken", k)
	}
	if k := n.Submit(0, reqs[5:]); k != 1 {
		t.Error("a removal was not taken")
	}
	if _, ok := n.Probe(0, flowOf(1).Conn); ok {
		t.Error("a removal was not effective")
	}
	if k := n.Submit(1e6, reqs[4:5]); k != 0 {
		t.Error("answers that nobody has taken make room")
	}
	if len(poll(n, 1e6)) != 5 || n.Submit(1e6, reqs[4:5]) != 1 || n.Stats().Turned != 3 {
		t.Error("no room after all is answered", n.Stats().Turned)
	}
}
