package flowtable

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// savedWorld is a tracker with the flows of four tables: one in the middle of a
// sweep, one that has torn flows down, an empty one, and one that is dying.
func savedWorld(t testing.TB) (s *Set, tr *conntrack.Tracker, one, two []packet.ConnRef) {
	tr = conntrack.New(conntrack.Config{MaxConns: 32})
	s = New(tr)
	t1, t2 := s.Acquire(1, 0), s.Acquire(2, second/2)
	s.Acquire(5, second/4)
	dying := s.Acquire(3, 0)
	one, two = assured(t, tr, 1, 1000, 4), assured(t, tr, 2, 1000, 3)
	for i, ref := range one {
		t1.Offer(int64(i+1), ref, packet.CTEstablished, uint32(2*i)) // the first one's chain is 0
	}
	for _, ref := range two {
		t2.Offer(second, ref, packet.CTEstablished, 0)
	}
	three := assured(t, tr, 3, 1000, 1)
	dying.Offer(5, three[0], packet.CTEstablished, 6)
	t1.register(t)
	s.Pump(second)
	s.Pump(second)
	t1.teardown(tr.Conn(one[1]), one[1], second/2, offload.Closed) // before the last instant
	t2.teardown(tr.Conn(two[0]), two[0], 3*second/2, offload.Closed)
	t2.teardown(tr.Conn(two[1]), two[1], 3*second/2+1, offload.Closed)
	tr.Kill(two[1])
	tr.Kill(one[3])
	s.Release(dying, second+7)
	t1.sweep, t1.cursor, t1.due = second, 2, 3
	s.now = 3*second/2 + 2
	return s, tr, one, two
}

func (t *Table) register(tb testing.TB) {
	tb.Helper()
	t.Register(t.set.now, &card{open: true})
}

func slots(refs ...packet.ConnRef) (out []uint32) {
	for _, r := range refs {
		out = append(out, uint32(r))
	}
	return out
}

func TestSave(t *testing.T) {
	s, tr, one, two := savedWorld(t)
	if !slices.ContainsFunc(one, func(ref packet.ConnRef) bool {
		return tr.Conn(ref) != nil && tr.Conn(ref).Status&conntrack.StatusHWOffload != 0
	}) {
		t.Fatal("no flow is in the device")
	}
	var three uint32
	for ref, c := range tr.Known() {
		if c.Zone == 3 {
			three = uint32(ref)
		}
	}
	want := []Saved{
		{ID: 1, Zone: 1, Sweep: second, Cursor: 2, Due: 3, Flows: []uint32{uint32(one[0]), 0, uint32(one[2])}, Chains: []uint32{0, 6, 4}},
		{ID: 2, Zone: 2, Born: second / 2, Swept: second / 2, Flows: slots(two[2]), Stale: []uint32{uint32(two[0]), 0}},
		{ID: 3, Zone: 5, Born: second / 4, Swept: second / 4},
		{ID: 4, Zone: 3, DyingAt: second + 7 + second/10, Flows: []uint32{three}, Chains: []uint32{6}},
	}
	got := s.Save()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("saved\n%s\nwant\n%s", g, w)
	}
}

func TestRestore(t *testing.T) {
	t.Run("tables_go_on_where_they_were", func(t *testing.T) {
		s, tr, one, _ := savedWorld(t)
		saved := s.Save()
		for _, c := range tr.Known() {
			c.FlowPos = 99
		}
		other := Unwatched(tr)
		now := 2 * second
		other.Acquire(5, now) // numbered otherwise: what the saved tables are called, others are called here
		other.Acquire(9, now)
		other.Acquire(2, now)
		other.Acquire(1, now)
		if err := other.Restore(now, saved, Counters{Added: 7, TooMany: 3}); err != nil {
			t.Fatal(err)
		}
		other.now = s.now
		if got := other.Counters(); got != (Counters{Added: 7, TooMany: 3}) {
			t.Errorf("counters %+v", got)
		}
		var lines []string
		for _, table := range other.all {
			lines = append(lines, fmt.Sprintf("zone %d id %d refs %d born %d swept %d sweep %d cursor %d due %d dying %d flows %d stale %v", table.zone, table.id, table.refs, table.born, table.swept, table.sweep, table.cursor, table.due, table.dyingAt, table.flows.len(), len(table.stale)))
		}
		want := []string{
			"zone 5 id 3 refs 1 born 250000000 swept 250000000 sweep 0 cursor 0 due 0 dying 0 flows 0 stale 0",
			"zone 9 id 5 refs 1 born 2000000000 swept 2000000000 sweep 0 cursor 0 due 0 dying 0 flows 0 stale 0",
			"zone 2 id 2 refs 1 born 500000000 swept 500000000 sweep 0 cursor 0 due 0 dying 0 flows 1 stale 2",
			"zone 1 id 1 refs 1 born 0 swept 0 sweep 1000000000 cursor 2 due 3 dying 0 flows 3 stale 0",
			"zone 3 id 4 refs 0 born 0 swept 0 sweep 0 cursor 0 due 0 dying 1100000007 flows 1 stale 0",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("tables\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
		for _, err := range other.Check() {
			t.Error(err)
		}
		for i, pos := range map[int]uint32{0: 0, 2: 2} {
			if c := tr.Conn(one[i]); c.FlowPos != pos || c.FlowFlags != flowLive|flowBidirectional || c.Status&conntrack.StatusHWOffload != 0 {
				t.Errorf("flow %d: at %d, flags %#x, status %#x", i, c.FlowPos, c.FlowFlags, c.Status)
			}
		}
		for _, x := range other.all[2].stale {
			if x.at != now {
				t.Errorf("torn down %d at %d", x.ref, x.at)
			}
		}
		// Saved again in the tables' new order, it is the same.
		again := other.Save()
		slices.SortFunc(again, func(a, b Saved) int { return int(a.ID) - int(b.ID) })
		again = slices.DeleteFunc(again, func(v Saved) bool { return v.Zone == 9 })
		if g, w := fmt.Sprintf("%+v", again), fmt.Sprintf("%+v", saved); g != w {
			t.Errorf("saved again\n%s\nwant\n%s", g, w)
		}
		if n := other.Acquire(10, now).id; n != 6 {
			t.Errorf("the next table has the number %d", n)
		}
	})
	t.Run("tables_that_no_action_names_give_their_flows_back", func(t *testing.T) {
		s, tr, _, two := savedWorld(t)
		saved := s.Save()
		other := Unwatched(tr)
		other.Acquire(1, 0)
		twin := saved[1] // another of zone 1: the second one is nobody's
		twin.Zone, twin.ID, twin.Flows, twin.Stale = 1, 60000, nil, nil
		if err := other.Restore(2*second, append(saved, twin), Counters{}); err != nil {
			t.Fatal(err)
		}
		if len(other.all) != 5 || other.Zones() != 1 || other.nextID != 60000 {
			t.Errorf("%d tables of %d zones, the last number %d", len(other.all), other.Zones(), other.nextID)
		}
		for _, table := range other.all[1:] {
			if want := map[uint16]int64{3: second + 7 + second/10}[table.zone]; table.refs != 0 || want != 0 && table.dyingAt != want || want == 0 && table.dyingAt != 2*second {
				t.Errorf("zone %d: refs %d, dying at %d", table.zone, table.refs, table.dyingAt)
			}
		}
		other.Tick(2*second, 100)
		if c := tr.Conn(two[2]); c.Status&conntrack.StatusOffload != 0 || len(other.all) != 1 {
			t.Errorf("status %#x, %d tables", c.Status, len(other.all))
		}
	})
	t.Run("a_disabled_set_takes_none", func(t *testing.T) {
		s, tr, one, _ := savedWorld(t)
		saved := s.Save()
		other := Unwatched(tr)
		other.Disable(0)
		other.Acquire(1, 0)
		if err := other.Restore(2*second, saved, Counters{}); err != nil {
			t.Fatal(err)
		}
		if c := tr.Conn(one[0]); c.Status&conntrack.StatusOffload != 0 {
			t.Errorf("status %#x", c.Status)
		}
	})
	t.Run("C10_devices_are_told_of_the_flows", func(t *testing.T) {
		s, tr, one, _ := savedWorld(t)
		saved := s.Save()
		tr.Unwatch(s)
		other := Unwatched(tr)
		other.Acquire(1, 0).register(t)
		for _, zone := range []uint16{2, 5} {
			other.Acquire(zone, 0)
		}
		if err := other.Restore(2*second, saved, Counters{}); err != nil {
			t.Fatal(err)
		}
		why := func(want offload.Reason) {
			t.Helper()
			if got, at := other.Why(one[0]); got != want || len(at) != 1 || at[0].Reason != want {
				t.Errorf("%q, %+v; want %q", got, at, want)
			}
		}
		why(offload.Untried)
		other.Pump(2 * second)
		other.Pump(2 * second)
		why(offload.NoReason)
		if n := other.InDevices(); n != 2 { // of three, one of which has ended
			t.Errorf("devices hold %d flows", n)
		}
		if got := other.devs[0].stats.Added; got != 2 {
			t.Errorf("%d insertions", got)
		}
		// What was refused under another policy of admission is refused no longer.
		x := other.side(one[0])
		x.held, x.in, x.refused, x.why[0] = 0, 0, 1, offload.Unsupported
		why(offload.Unsupported)
		other.epoch++
		why(offload.Untried)
	})
	const another, sweep, in, none = "there is another of this number", "its sweep cannot be", "is not in it", "says that a flow table holds it, and none does"
	type conns = []packet.ConnRef
	for _, row := range []struct {
		name  string
		plant func(v []Saved, tr *conntrack.Tracker, one, two conns)
		want  string
	}{
		{"as it was", func([]Saved, *conntrack.Tracker, conns, conns) {}, ""},
		{"number 0", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[2].ID = 0 }, "flow table 0 of zone 5: " + another},
		{"a number twice", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[2].ID = 2 }, "flow table 2 of zone 5: " + another},
		{"swept before it was born", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[2].Swept-- }, "flow table 3 of zone 5: " + sweep},
		{"a cursor below 0", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Cursor = -1 }, "flow table 1 of zone 1: " + sweep},
		{"a cursor beyond what is due", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Cursor = 4 }, "flow table 1 of zone 1: " + sweep},
		{"a cursor at what is due", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Cursor = 3 }, ""},
		{"a cursor at 0", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Cursor = 0 }, ""},
		{"fewer chains", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Chains = v[0].Chains[:2] }, "flow table 1 of zone 1: 2 chains of 3 flows"},
		{"no chains", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Chains = nil }, ""},
		{"a slot without a connection", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[1].Flows[0] = 31 }, "flow table 2 of zone 2: the connection in slot 31 " + in},
		{"a slot twice", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Flows[1] = v[0].Flows[0] }, "flow table 1 of zone 1: the connection in slot 1 " + in},
		{"another's flow", func(v []Saved, _ *conntrack.Tracker, _, _ conns) { v[0].Flows[0] = v[1].Flows[0] }, "flow table 1 of zone 1: the connection in slot 7 " + in},
		{"another table's number", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) { tr.Conn(one[0]).FlowTable = 2 }, "the connection in slot 1 " + in},
		{"a flow that is not live", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) { tr.Conn(one[0]).FlowFlags = 2 }, "the connection in slot 1 " + in},
		{"a flow without its mark", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) {
			tr.Conn(one[0]).Status &^= conntrack.StatusOffload
		}, "the connection in slot 1 " + in},
		{"another zone's connection", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) { tr.Conn(one[0]).Zone = 2 }, "the connection in slot 1 " + in},
		{"a number and no table", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) { tr.Conn(one[1]).FlowTable = 8 }, "the connection in slot 2 " + none},
		{"live and no table", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) { tr.Conn(one[1]).FlowFlags = 1 }, "the connection in slot 2 " + none},
		{"other flags and no table", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) { tr.Conn(one[1]).FlowFlags = 2 }, ""},
		{"a mark and no table", func(_ []Saved, tr *conntrack.Tracker, one, _ conns) {
			tr.Conn(one[1]).Status |= conntrack.StatusOffload
		}, "the connection in slot 2 " + none},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, tr, one, two := savedWorld(t)
			saved := s.Save()
			row.plant(saved, tr, one, two)
			other := Unwatched(tr)
			other.Acquire(1, 0)
			other.Acquire(2, 0)
			err := other.Restore(2*second, saved, Counters{})
			if (err == nil) != (row.want == "") || err != nil && !strings.HasSuffix(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
			if row.name == "no chains" && other.zones[1].chains.at(1) != 0 {
				t.Errorf("chain %d", other.zones[1].chains.at(1))
			}
		})
	}
}

// TestNumbers: a table's number is none that another has, nor 0, when they come
// round after 65,535.
func TestNumbers(t *testing.T) {
	s := Unwatched(conntrack.New(conntrack.Config{MaxConns: 1}))
	first := s.Acquire(1, 0)
	s.nextID = 65534
	if got := s.Acquire(2, 0).id; first.id != 1 || got != 65535 {
		t.Errorf("numbers %d and %d", first.id, got)
	}
	if got := s.Acquire(3, 0).id; got != 2 {
		t.Errorf("behind the last number comes %d", got)
	}
}
