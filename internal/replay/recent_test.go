package replay

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet/packettest"
)

// TestRecent: the last keys that were used are known, as many as is said; no
// more than twice as many are kept; and one that was saved and restored half
// way tells and forgets the same.
func TestRecent(t *testing.T) {
	t.Run("bounded", rapid.MakeCheck(func(t *rapid.T) {
		most := rapid.IntRange(1, 6).Draw(t, "most")
		r := newRecent[int, int](most)
		var order []int // of use, the latest last
		value := map[int]int{}
		cut := rapid.IntRange(0, 80).Draw(t, "cut")
		for i := range 80 {
			if i == cut {
				other := newRecent[int, int](most)
				for k, v := range r.all() {
					other.restore(k, v.v, v.old)
				}
				if !maps.Equal(maps.Collect(other.all()), maps.Collect(r.all())) {
					t.Fatalf("restored %v, want %v", maps.Collect(other.all()), maps.Collect(r.all()))
				}
				r = other
			}
			k := rapid.IntRange(0, 15).Draw(t, "key")
			recently := map[int]bool{}
			for j := len(order) - 1; j >= 0 && len(recently) < most; j-- {
				recently[order[j]] = true
			}
			v, ok := r.get(k)
			if recently[k] && !ok {
				t.Fatalf("%d is forgotten, though it is one of the last %d: %v", k, most, order)
			}
			if ok && v != value[k] {
				t.Fatalf("%d is %d, want %d", k, v, value[k])
			}
			if !ok {
				value[k] = i
				r.put(k, i)
			}
			order = append(order, k)
			if n := len(r.young) + len(r.old); n > 2*most {
				t.Fatalf("%d are kept, want at most %d", n, 2*most)
			}
		}
	}))
	full := newRecent[int, int](2)
	for i := range 5 {
		full.restore(i, i, false)
		full.restore(10+i, i, true)
	}
	if len(full.young) != 2 || len(full.old) != 2 {
		t.Errorf("restored %d and %d, want 2 and 2", len(full.young), len(full.old))
	}
}

// TestSplitIsBounded: a flood of connections is not remembered for ever, and a
// connection that goes on is remembered through it, in spite of what is known
// of its packets.
func TestSplitIsBounded(t *testing.T) {
	s, err := newSplitter([]string{"initiator=left,right"}, device)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		conns int64
		most  int
	}{{0, unboundedFlows}, {1000, leastFlowsKnown}, {1 << 18, 1 << 19}, {1 << 40, 1<<31 - 1}} {
		if s.bound(c.conns); s.flows.most != c.most {
			t.Errorf("%d entries for %d connections, want %d", s.flows.most, c.conns, c.most)
		}
	}
	s.flows.most, s.macs.most = 500, 50
	s.device(packettest.TCP(hostA, hostB, 1000, 80, "S", 1, 0, ""), 0)
	answer := packettest.TCP(hostB, hostA, 80, 1000, "A", 1, 1, "text long enough to be an ordinary packet")
	for i := range 20_000 {
		syn := packettest.TCP(hostB, "10.0.0.9", uint16(i), uint16(i>>8), "S", 1, 0, "")
		syn[28], syn[29] = byte(i>>8), byte(i) // another sender each
		syn[8], syn[9] = byte(i>>8), byte(i)
		s.device(syn, 0)
		if i%100 == 0 && s.device(answer, 0) != 1 {
			t.Fatalf("after %d connections it is forgotten who began this one", i)
		}
	}
	if n, m := len(s.flows.young)+len(s.flows.old), len(s.macs.young)+len(s.macs.old); n > 1000 || m > 100 || n < 500 || m < 50 {
		t.Errorf("%d flows and %d stations are kept", n, m)
	}
	if s.flows.turns < 20 {
		t.Errorf("%d generations: the test says nothing", s.flows.turns)
	}
}
