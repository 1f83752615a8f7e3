package datapath

import (
	"math"
	"testing"

	"sluice/conntrack"
	"sluice/policy"
)

// TestTokenRate: factors as psched_ratecfg_precompute__ finds them, worked out with
// whole numbers of any size: the largest of 32 bits.
func TestTokenRate(t *testing.T) {
	for _, c := range []struct {
		rate, mult uint64
		shift      uint8
	}{
		{0, 1, 0},
		{1, 4000000000, 2},
		{2, 4000000000, 3},
		{3, 2666666666, 3},
		{1000, 4096000000, 12},
		{125000, 4194304000, 19},
		{1000000, 4194304000, 22},
		{12500000, 2684354560, 25},
		{1000000000, 2147483648, 31},
		{1000000001, 4294967291, 32},
		{12500000000, 1374389534, 34},
		{50000000000, 343597383, 34},
		{1099511627776, 15625000, 34},
		{4611686018427387904, 3, 34},
	} {
		if got := newTokenRate(c.rate); got != (tokenRate{mult: c.mult, shift: c.shift}) {
			t.Errorf("%d a second: %+v, want %d and %d", c.rate, got, c.mult, c.shift)
		}
	}
	// psched_l2t_ns: overhead first, then the least size, then whole cells of 48 bytes.
	for _, c := range []struct {
		n, overhead, mpu uint32
		atm              bool
		bytes            int64
	}{
		{100, 0, 0, false, 100}, {100, 24, 0, false, 124}, {100, 0, 101, false, 101}, {100, 4, 104, false, 104}, {100, 4, 105, false, 105},
		{48, 0, 0, true, 53}, {49, 0, 0, true, 106}, {96, 0, 0, true, 106}, {97, 0, 0, true, 159}, {47, 1, 0, true, 53}, {1, 0, 48, true, 53},
	} {
		r := newTokenRate(1000)
		r.overhead, r.mpu, r.atm = c.overhead, c.mpu, c.atm
		if got := r.cost(c.n); got != c.bytes*1e6 {
			t.Errorf("%+v costs %d ns", c, got)
		}
	}
}

// TestPolicer: what tcf_police_act lets pass, step by step. A byte is a millisecond
// at 1,000 a second, as a packet is at 1,000 of these.
func TestPolicer(t *testing.T) {
	const ms = int64(1e6)
	type step struct {
		at          int64
		size, mac   uint32
		ok, counted bool
	}
	for _, c := range []struct {
		name  string
		p     policy.Police
		steps []step
	}{
		{"no rate: only the size is looked at", policy.Police{MTU: 100}, []step{{0, 100, 0, true, false}, {0, 101, 0, false, true}, {0, 86, 14, true, false}, {0, 87, 14, false, true}}},
		{"a full bucket", policy.Police{Rate: 1000, Burst: 100}, []step{{0, 100, 0, true, true}, {ms - 1, 1, 0, false, true}, {ms, 1, 0, true, true}, {2*ms - 1, 1, 0, false, true}}},
		{"no fuller than full", policy.Police{Rate: 1000, Burst: 100}, []step{{1e15, 101, 0, false, true}, {1e15, 100, 0, true, true}, {1e15 + 40*ms, 41, 0, false, true}, {1e15 + 40*ms, 40, 0, true, true}}},
		{"refused packets take nothing", policy.Police{Rate: 1000, Burst: 100}, []step{{0, 60, 0, true, true}, {0, 41, 0, false, true}, {0, 40, 0, true, true}}},
		{"tokens are of the size without the link layer", policy.Police{Rate: 1000, Burst: 100, MTU: 200}, []step{{0, 100, 14, true, true}, {0, 1, 14, false, true}}},
		{"a peak", policy.Police{Rate: 1000, Burst: 1000, Peak: 2000, MTU: 10}, []step{
			{0, 10, 0, true, true}, {0, 1, 0, false, true}, {ms/2 - 1, 1, 0, false, true}, {ms / 2, 1, 0, true, true},
			{100 * ms, 10, 0, true, true}, {100 * ms, 1, 0, false, true}, {100 * ms, 11, 0, false, true}}},
		{"packets gather from the beginning on", policy.Police{PktRate: 1000, PktBurst: 2}, []step{
			{0, 1, 0, false, true}, {ms - 1, 1, 0, false, true}, {ms, 9999, 0, true, true}, {ms, 1, 0, false, true},
			{9 * ms, 1, 0, true, true}, {9 * ms, 1, 0, true, true}, {9 * ms, 1, 0, false, true}, {10 * ms, 1, 0, true, true}, {10 * ms, 1, 0, false, true}}},
		{"ever so late", policy.Police{Rate: 1000, Burst: 100}, []step{{math.MaxInt64, 100, 0, true, true}, {math.MaxInt64, 1, 0, false, true}}},
		{"with what counts to a packet", policy.Police{Rate: 1000, Burst: 100, Overhead: 10, MPU: 50}, []step{{0, 1, 0, true, true}, {0, 41, 0, false, true}, {0, 40, 0, true, true}}},
		{"in cells", policy.Police{Rate: 1000, Burst: 106, ATM: true}, []step{{0, 49, 0, true, true}, {0, 1, 0, false, true}}},
	} {
		e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
		b := e.policer(&policy.Action{Police: &c.p}, 0)
		for i, s := range c.steps {
			if ok, counted := b.conforms(s.at, s.size, s.mac); ok != s.ok || counted != s.counted {
				t.Errorf("%s: step %d: %v, counted %v", c.name, i, ok, counted)
			}
		}
	}
}

// TestPolicerLives: an instance keeps its bucket until its parameters change, and
// goes on with another engine's, no fuller than its own may be.
func TestPolicerLives(t *testing.T) {
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	a := &policy.Action{Police: &policy.Police{Rate: 1000, Burst: 100, Peak: 1000, MTU: 50, PktRate: 1000, PktBurst: 7}}
	b := e.policer(a, 5)
	if b.at != 5 || b.toks != 100e6 || b.ptoks != 50e6 || b.pkttoks != 0 || e.policer(a, 9) != b {
		t.Errorf("%+v", b)
	}
	for _, c := range []struct {
		s    Bucket
		want Bucket
	}{
		{Bucket{4, 3, 2, 1}, Bucket{4, 3, 2, 1}},
		{Bucket{5, 30, 20, 10}, Bucket{5, 30, 20, 10}},
		{Bucket{5, 101e6, 51e6, 8e6}, Bucket{5, 100e6, 50e6, 7e6}},
		{Bucket{5, -1, -1, -1}, Bucket{5, 0, 0, 0}},
		{Bucket{6, 1, 1, 1}, Bucket{5, 100e6, 50e6, 0}}, // later than anything was counted: not this engine's past
	} {
		x := *b
		x.restore(&c.s)
		if got := (Bucket{x.at, x.toks, x.ptoks, x.pkttoks}); got != c.want {
			t.Errorf("%+v became %+v", c.s, got)
		}
	}
	next := *a.Police
	next.Burst++
	a.Police = &next
	if n := e.policer(a, 9); n == b || n.at != 9 || e.policers[a] != n {
		t.Errorf("%+v", n)
	}
}
