package datapath

import (
	"fmt"
	"reflect"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// TestOrigins: where a connection's packets have come in is known by slot and
// generation, by direction, whatever slots were asked for before.
func TestOrigins(t *testing.T) {
	ref := func(slot, gen uint32) packet.ConnRef { return packet.ConnRef(uint64(gen)<<32 | uint64(slot)) }
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	for _, slot := range []uint32{0, 1, camePage - 1, camePage, 3*camePage + 5} {
		if got := e.cameIn(ref(slot, 1), 0); got != -1 {
			t.Errorf("slot %d, never seen: %d", slot, got)
		}
	}
	e.cameFrom(ref(3*camePage+5, 7), 1, 4) // pages between have no memory
	if len(e.came) != 4 || e.came[0] != nil || e.came[2] != nil || e.came[3] == nil {
		t.Errorf("%d pages", len(e.came))
	}
	for _, c := range []struct {
		slot, gen uint32
		dir       int
		want      int32
	}{
		{3*camePage + 5, 7, 1, 4}, {3*camePage + 5, 7, 0, -1}, {3*camePage + 5, 8, 1, -1}, {3*camePage + 4, 7, 1, -1},
		{camePage + 5, 7, 1, -1}, {4*camePage + 5, 7, 1, -1}, {5, 7, 1, -1},
	} {
		if got := e.cameIn(ref(c.slot, c.gen), c.dir); got != c.want {
			t.Errorf("slot %d, generation %d, direction %d: %d, want %d", c.slot, c.gen, c.dir, got, c.want)
		}
	}
	e.cameFrom(ref(camePage-1, 1), 0, 0)
	e.cameFrom(ref(camePage, 1), 0, 9)
	e.cameFrom(ref(camePage-1, 1), 1, 65534)
	if a, b, c := e.cameIn(ref(camePage-1, 1), 0), e.cameIn(ref(camePage, 1), 0), e.cameIn(ref(camePage-1, 1), 1); a != 0 || b != 9 || c != 65534 {
		t.Errorf("%d, %d, %d", a, b, c)
	}
	// No device has such a number: what was known stays.
	e.cameFrom(ref(camePage, 1), 0, 65535)
	e.cameFrom(ref(camePage, 1), 0, -1)
	if got := e.cameIn(ref(camePage, 1), 0); got != 9 {
		t.Errorf("%d", got)
	}
	// Another connection in the slot knows nothing of the last.
	e.cameFrom(ref(camePage-1, 2), 1, 3)
	if a, b, old := e.cameIn(ref(camePage-1, 2), 0), e.cameIn(ref(camePage-1, 2), 1), e.cameIn(ref(camePage-1, 1), 1); a != -1 || b != 3 || old != -1 {
		t.Errorf("%d, %d, %d", a, b, old)
	}
}

// TestOriginsAreKept: another engine over the tracker goes on with what one has
// known, by the devices' names; what it does not have is left out.
func TestOriginsAreKept(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 16})
	engine := func(names ...string) *Engine {
		e := New(Config{Tracker: tr})
		e.prog = &program{}
		for _, n := range names {
			e.prog.devs = append(e.prog.devs, devProg{name: n})
		}
		return e
	}
	one := engine("a", "b", "c")
	for i := range 4 {
		f := packettest.UDP("10.0.0.1", "10.0.0.2", uint16(1000+i), 53, "")
		var h packet.Headers
		packet.Parse(f, &h)
		h.Hash = tr.Hash(&h.Tuple)
		var ct packet.CT
		tr.In(1, f, &h, 0, &ct)
		tr.Confirm(1, &ct)
		switch i {
		case 0, 3:
			one.cameFrom(ct.Conn, 0, 2)
			one.cameFrom(ct.Conn, 1, 0)
		case 1:
			one.cameFrom(ct.Conn, 0, 1)
		}
	}
	saved := one.SaveOrigins()
	if len(saved) != 2 || saved[0].In != [2]string{"b", ""} || len(saved[0].Slots) != 1 || saved[1].In != [2]string{"c", "a"} || len(saved[1].Slots) != 2 || saved[1].Slots[0] >= saved[1].Slots[1] {
		t.Errorf("%+v", saved)
	}
	two := engine("x", "c", "b", "a")
	two.RestoreOrigins(append(saved, Origins{In: [2]string{"a", "gone"}, Slots: []uint32{999}}))
	if got := two.SaveOrigins(); !reflect.DeepEqual(got, saved) {
		t.Errorf("%+v, want %+v", got, saved)
	}
	three := engine("a")
	three.RestoreOrigins(saved)
	if got := three.SaveOrigins(); len(got) != 1 || got[0].In != [2]string{"", "a"} {
		t.Errorf("%+v", got)
	}
	if n := fmt.Sprint(one.DeviceName(-1), one.DeviceName(0), one.DeviceName(2), one.DeviceName(3)); n != "a c" && n != "ac" {
		t.Errorf("names %q", n)
	}
	if d, ok := one.Device("nope"); ok || d != -1 {
		t.Errorf("%d, %v", d, ok)
	}
}

// TestAddStats: what devices have counted is part of the whole, and is told apart.
func TestAddStats(t *testing.T) {
	s := policy.Stats{Packets: 1, Bytes: 20, Drops: 300, Overlimits: 4000, HWPackets: 5, HWBytes: 60, Installed: 7, FirstUsed: 50, LastUsed: 60}
	for _, c := range []struct{ first, last, wantFirst, wantLast int64 }{
		{0, 0, 50, 60}, {49, 61, 49, 61}, {51, 59, 50, 60}, {50, 60, 50, 60},
	} {
		want := policy.Stats{Packets: 101, Bytes: 220, Drops: 603, Overlimits: 8000, HWPackets: 105, HWBytes: 260, Installed: 7, FirstUsed: c.wantFirst, LastUsed: c.wantLast}
		d := policy.Stats{Packets: 100, Bytes: 200, Drops: 303, Overlimits: 4000, HWPackets: 9, HWBytes: 9, Installed: 9, FirstUsed: c.first, LastUsed: c.last}
		if got := addStats(s, d); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if got := addStats(policy.Stats{}, policy.Stats{FirstUsed: 9}); got.FirstUsed != 9 {
		t.Errorf("first used %d", got.FirstUsed)
	}
}

// TestCounterSlots: an instance keeps its slot; a slot that is free serves the next,
// which begins at 0.
func TestCounterSlots(t *testing.T) {
	s := counterSet{of: map[*policy.Action]uint32{}}
	a, b, c := &policy.Action{}, &policy.Action{}, &policy.Action{}
	if i, j := s.slot(a, 1, 10), s.slot(b, 1, 11); i != 0 || j != 1 {
		t.Errorf("slots %d, %d", i, j)
	}
	s.slots[0].add(2, 30, 5)
	s.slots[0].add(3, 40, 6)
	s.slots[1].add(1, 1, 0)
	if got, want := s.stats(a), (policy.Stats{Packets: 5, Bytes: 70, Installed: 10, FirstUsed: 5, LastUsed: 6}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if s.slot(b, 2, 99) != 1 {
		t.Error("b lost its slot")
	}
	s.sweep(2)
	if _, ok := s.of[a]; ok || len(s.of) != 1 || len(s.free) != 1 || s.stats(a) != (policy.Stats{}) {
		t.Errorf("%v, free %v", s.of, s.free)
	}
	if i := s.slot(c, 2, 12); i != 0 || len(s.free) != 0 || s.stats(c) != (policy.Stats{Installed: 12}) {
		t.Errorf("slot %d: %+v", i, s.stats(c))
	}
	if s.stats(b) != (policy.Stats{Packets: 1, Bytes: 1, Installed: 11}) {
		t.Errorf("%+v", s.stats(b))
	}
}

// TestTiers: each has a name, in the order in which they are asked.
func TestTiers(t *testing.T) {
	for i, want := range []string{"no ct", "device", "flow table", "tracker"} {
		if got := Tier(i).String(); got != want {
			t.Errorf("tier %d is %q, want %q", i, got, want)
		}
	}
	if NumTiers != 4 || ReasonName(numReasons) != "unknown" || ReasonName(255) != "unknown" {
		t.Errorf("%d tiers", NumTiers)
	}
}

// TestChainsOfABlock: a chain's place, or what tells its index where nothing is in
// it.
func TestChainsOfABlock(t *testing.T) {
	for n := range 6 {
		var b block
		for i := range n {
			b.chains = append(b.chains, chain{index: uint32(10 * i)})
		}
		for i := range uint32(70) {
			want := int32(-1)
			if i%10 == 0 && int(i/10) < n {
				want = int32(i / 10)
			}
			if got := b.chainAt(i); got != want {
				t.Errorf("%d chains: chain %d is at %d, want %d", n, i, got, want)
			}
			if want < 0 {
				want = ^int32(i)
			}
			if got := b.goTo(i); got != want {
				t.Errorf("%d chains: goto %d is %d, want %d", n, i, got, want)
			}
		}
	}
}
