package flowtable

import (
	"testing"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// TestTick: how many flows a tick looks at, and when: a sweep is spread over
// the first half of its second.
func TestTick(t *testing.T) {
	make := func(n int) (*Set, *Table, []packet.ConnRef) {
		tr := conntrack.New(conntrack.Config{MaxConns: 64})
		s := New(tr)
		tab := s.Acquire(0, 0)
		refs := assured(t, tr, 0, 1000, n)
		for _, ref := range refs {
			tab.Offer(0, ref, packet.CTEstablished, 0)
		}
		return s, tab, refs
	}
	t.Run("a_sweep_s_share", func(t *testing.T) {
		for _, row := range []struct {
			name    string
			at      int64 // after the instant
			budget  int
			rush    bool
			work    int // one more than the flows looked at
			looked  int
			started bool
		}{
			{"before the instant", -1, 100, false, 0, 0, false},
			{"at the instant", 0, 100, false, 1, 0, true},
			{"a tenth of its time", second / 20, 100, false, 2, 1, true},
			{"just under two tenths", second/10 - 1, 100, false, 2, 1, true},
			{"half of its time", second / 4, 100, false, 6, 5, true},
			{"half of its time, and little budget", second / 4, 3, false, 4, 3, true},
			{"just under all its time", second/2 - 1, 100, false, 10, 9, true},
			{"all its time", second / 2, 100, false, 11, 10, true},
			{"all its time, and little budget", second / 2, 9, false, 10, 9, true},
			{"long after", second - 1, 100, false, 11, 10, true},
			{"in a hurry", 0, 100, true, 11, 10, true},
			{"in a hurry, and little budget", 0, 4, true, 5, 4, true},
		} {
			_, tab, _ := make(10)
			tab.rush = row.rush
			if work := tab.tick(second+row.at, row.budget); work != row.work {
				t.Errorf("%s: work %d, want %d", row.name, work, row.work)
			}
			switch {
			case !row.started && (tab.sweep != 0 || tab.swept != 0):
				t.Errorf("%s: sweep %d, swept %d", row.name, tab.sweep, tab.swept)
			case row.started && row.looked < 10 && (tab.sweep != second || tab.cursor != 10-row.looked || tab.due != 10 || tab.swept != 0):
				t.Errorf("%s: sweep %d, cursor %d of %d", row.name, tab.sweep, tab.cursor, tab.due)
			case row.looked == 10 && (tab.sweep != 0 || tab.swept != second):
				t.Errorf("%s: sweep %d, swept %d", row.name, tab.sweep, tab.swept)
			}
		}
	})
	t.Run("what_has_been_looked_at_counts_toward_the_share", func(t *testing.T) {
		_, tab, _ := make(10)
		for at, want := range []int{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0} {
			if work := tab.tick(second+int64(at)*second/20, 100); work != want {
				t.Errorf("%d twentieths: work %d, want %d", at, work, want)
			}
		}
	})
	t.Run("a_reading_costs_three_more", func(t *testing.T) {
		s, tab, _ := make(0)
		refs := assured(t, s.tr, 0, 2000, 4)
		tab.Register(0, &card{open: true})
		for _, ref := range refs {
			tab.Offer(0, ref, packet.CTEstablished, 0)
		}
		s.Pump(0)
		s.Pump(0)
		tab.rush = true
		if work := tab.tick(3*second, 100); work != 5 {
			t.Errorf("three seconds after its packet: work %d", work)
		}
		if work := tab.tick(4*second, 6); work != 9 || tab.cursor != 2 {
			t.Errorf("with a budget of six: work %d, cursor %d", work, tab.cursor)
		}
		if work := tab.tick(4*second, 100); work != 9 || tab.cursor != 0 {
			t.Errorf("the rest: work %d, cursor %d", work, tab.cursor)
		}
	})
	t.Run("ticks_share_a_budget", func(t *testing.T) {
		s, tab, _ := make(10)
		other := s.Acquire(1, 0)
		for _, ref := range assured(t, s.tr, 1, 3000, 3) {
			other.Offer(0, ref, packet.CTEstablished, 0)
		}
		s.Tick(second+second/2, 11) // ten flows, and one for looking at all
		if tab.sweep != 0 || other.swept != 0 || other.sweep != 0 {
			t.Errorf("sweep %d; the other's %d, swept %d", tab.sweep, other.sweep, other.swept)
		}
		s.Tick(second+second/2, 2)
		if other.cursor != 1 || other.due != 3 {
			t.Errorf("the other's cursor %d of %d", other.cursor, other.due)
		}
		s.Tick(second+second/2, 2)
		if other.swept != second || other.sweep != 0 {
			t.Errorf("the other's sweep %d, swept %d", other.sweep, other.swept)
		}
	})
	t.Run("what_has_gone_is_taken_off_the_list", func(t *testing.T) {
		s, tab, refs := make(4)
		if tab.look(4, 0, 0) || tab.flows.len() != 4 {
			t.Error("a place that is not there was looked at")
		}
		tab.flows.set(1, refs[1]+2<<32) // the slot is another's now
		if tab.look(1, 0, 0) || tab.flows.len() != 3 || s.n.Vanished != 1 || tab.flows.at(1) != refs[3] || s.tr.Conn(refs[3]).FlowPos != 1 {
			t.Errorf("%d flows, %d vanished", tab.flows.len(), s.n.Vanished)
		}
		s.tr.Conn(refs[0]).FlowTable = 9
		if tab.look(0, 0, 0) || tab.flows.len() != 2 || s.n.Vanished != 2 {
			t.Errorf("%d flows, %d vanished", tab.flows.len(), s.n.Vanished)
		}
	})
	t.Run("a_dying_table_drains", func(t *testing.T) {
		s, tab, refs := make(6)
		s.RemoveIf(5, Match{If: func(ref packet.ConnRef, _ *conntrack.Conn) bool { return ref == refs[5] }})
		s.Release(tab, second)
		for _, ref := range refs[:5] {
			if c := s.tr.Conn(ref); c.FlowDeadline != second+second/10 {
				t.Errorf("deadline %d", c.FlowDeadline)
			}
		}
		if tab.gone() || tab.tick(second+second/10-1, 100) != 0 || tab.flows.len() != 5 {
			t.Error("it drains before its time")
		}
		s.tr.Conn(refs[4]).FlowTable = 9
		tab.flows.set(3, refs[3]+2<<32)
		if work := tab.tick(second+second/10, 3); work != 3 || tab.flows.len() != 2 || s.n.Vanished != 2 || s.n.Flushed != 1 || tab.gone() || len(tab.stale) != 0 {
			t.Errorf("work %d, %d flows left, %d vanished, %d flushed", work, tab.flows.len(), s.n.Vanished, s.n.Flushed)
		}
		if c := s.tr.Conn(refs[5]); Held(c) != 0 {
			t.Errorf("held by %d", Held(c))
		}
		s.Tick(second+second/10, 1)
		if tab.gone() || len(s.all) != 1 {
			t.Error("gone with a flow")
		}
		if s.Tick(second+second/10, 1); !tab.gone() || len(s.all) != 0 || s.n.Flushed != 3 {
			t.Errorf("gone %v, %d tables, %d flushed", tab.gone(), len(s.all), s.n.Flushed)
		}
		for _, ref := range refs[:3] {
			if c := s.tr.Conn(ref); c.Status&conntrack.StatusOffload != 0 || c.Timeout > second+second/10+90*second {
				t.Errorf("status %#x, timeout %d", c.Status, c.Timeout)
			}
		}
		tab.Register(second, &card{}) // it is going: nobody is told
		if s.HasDevices() || tab.devs != 0 {
			t.Error("a device joined a table that is gone")
		}
	})
	t.Run("a_shorter_deadline_stays", func(t *testing.T) {
		s, tab, refs := make(2)
		s.tr.Conn(refs[0]).FlowDeadline = second + 7
		s.Release(tab, second)
		if a, b := s.tr.Conn(refs[0]).FlowDeadline, s.tr.Conn(refs[1]).FlowDeadline; a != second+7 || b != second+second/10 {
			t.Errorf("deadlines %d and %d", a, b)
		}
	})
}

// TestOverdue: when the tracker is to ask again for a connection that a table
// holds (conntrack.Owner).
func TestOverdue(t *testing.T) {
	const never = 1<<63 - 1
	tr := conntrack.New(conntrack.Config{MaxConns: 8})
	s := New(tr)
	tab := s.Acquire(0, 7)
	refs := assured(t, tr, 0, 1000, 4)
	for _, ref := range refs {
		tab.Offer(7, ref, packet.CTEstablished, 0)
	}
	at := 30*second + 7
	ask := func(i int, now int64) int64 { return s.Overdue(now, refs[i], tr.Conn(refs[i])) }
	if got := ask(0, second); got != at {
		t.Errorf("its end is %d", got)
	}
	tr.Conn(refs[0]).FlowDeadline++
	if got := ask(0, at); got != at+second {
		t.Errorf("past its instant its end is %d", got)
	}
	if got := ask(1, at); got != never || tr.Conn(refs[1]).FlowFlags != 0 {
		t.Errorf("idle, and its end is %d", got)
	}
	if got := ask(1, at); got != never {
		t.Errorf("it has been handed back, and its end is %d", got)
	}
	// A device that has yet to answer keeps it: ask again.
	tab.Register(at-2, &card{})
	s.Pump(at)
	c := tr.Conn(refs[2])
	c.FlowDeadline = at + second
	s.devs[0].todo(t)
	if got := ask(2, at+second); got != at+second+1 || c.FlowFlags&flowLive == 0 {
		t.Errorf("a device is asked, and its end is %d, flags %#x", got, c.FlowFlags)
	}
	// Another set's connection, as its place on the list tells.
	for _, pos := range []uint32{0, 99} {
		was := c.FlowPos
		c.FlowPos = pos
		if got := ask(2, second); got != never {
			t.Errorf("at %d its end is %d", pos, got)
		}
		c.FlowPos = was
	}
	if got := ask(3, second); got != at {
		t.Errorf("its end is %d", got)
	}
	s.Release(tab, 2*second)
	end := s.all[0].dyingAt
	if got := ask(3, end-1); got != end || s.n.Flushed != 0 {
		t.Errorf("of a dying table its end is %d, %d", got, end)
	}
	if got := ask(3, end); got != never || s.n.Flushed != 1 || tr.Conn(refs[3]).Status&conntrack.StatusOffload != 0 || tr.Conn(refs[3]).Timeout != end+90*second {
		t.Errorf("at its table's end its own is %d; %d flushed, timeout %d", got, s.n.Flushed, tr.Conn(refs[3]).Timeout)
	}
}

// todo has the device say that it holds what it was asked to, and answer
// nothing more.
func (d *device) todo(t testing.TB) {
	c := d.drv.(*card)
	c.open = true
	d.poll(d.set.now)
	c.open = false
}

// TestPatrol: a walk over all entries takes ten seconds; what is not answered
// after thirty is given up.
func TestPatrol(t *testing.T) {
	const n = 10
	fresh := func() (*Set, *device, []packet.ConnRef) {
		tr := conntrack.New(conntrack.Config{MaxConns: 64})
		s := New(tr)
		tab := s.Acquire(0, 0)
		tab.Register(0, &card{})
		refs := assured(t, tr, 0, 1000, n)
		for _, ref := range refs {
			tab.Offer(0, ref, packet.CTEstablished, 0)
		}
		s.Pump(0)
		return s, s.devs[0], refs
	}
	s, d, _ := fresh()
	for _, row := range []struct {
		now    int64
		budget int
		at     int
		from   int64 // what the next share is counted from
	}{
		{second - 1, 100, 0, 0}, {second, 100, 9, second}, {3 * second, 100, 7, 3 * second}, {6 * second, 2, 5, 6 * second}, {11 * second, 100, 0, 11 * second}, {12 * second, 100, 9, 12 * second}, {29 * second, 100, 9, 29 * second},
	} {
		if d.patrol(row.now, row.budget); d.patrolAt != row.at || d.patrols != row.from || d.stats.Lost != 0 {
			t.Errorf("%d s: at %d since %d, %d lost", row.now/second, d.patrolAt, d.patrols, d.stats.Lost)
		}
	}
	s.now = 30 * second
	if d.patrol(30*second, 100); d.stats.Lost != 1 || d.leaving != 1 || d.entries.n != n {
		t.Errorf("%d lost, %d leave", d.stats.Lost, d.leaving)
	}
	e := d.entries.all.at(d.patrolAt)
	x := s.known(e.ref)
	if e.adds != 1 || e.removes != 1 || e.asked != 30*second || x.next != 31*second || x.why[0] != offload.Fault {
		t.Errorf("%+v, next %d, %q", *e, x.next, x.why[0])
	}
	e.asked, e.reads, e.removes = 0, 2, 3
	d.patrolAt++
	if d.patrol(31*second, 100); d.stats.Lost != 1+1+2+3 || d.entries.n != n-1 || d.leaving != 0 {
		t.Errorf("%d lost, %d entries, %d leave", d.stats.Lost, d.entries.n, d.leaving)
	}
	s, d, refs := fresh()
	d.todo(t)
	for _, ref := range refs {
		d.entries.of(ref).reads, d.entries.of(ref).asked = 2, second
	}
	if d.patrol(31*second-1, 100); d.stats.Lost != 0 {
		t.Errorf("%d lost before thirty seconds", d.stats.Lost)
	}
	if d.patrol(41*second, 100); d.stats.Lost != 2*n || d.entries.n != n || d.leaving != 0 || d.entries.of(refs[3]).reads != 0 {
		t.Errorf("%d readings lost, %d entries, %d leave", d.stats.Lost, d.entries.n, d.leaving)
	}
	for _, ref := range refs {
		s.leave(ref, s.tr.Conn(ref), offload.Flushed)
	}
	if d.leaving != n {
		t.Fatalf("%d leave", d.leaving)
	}
	if d.patrol(90*second, 100); d.entries.n != 0 || d.leaving != 0 || d.stats.Lost != 3*n {
		t.Errorf("%d entries, %d leave, %d lost", d.entries.n, d.leaving, d.stats.Lost)
	}
	if d.patrol(100*second, 100); d.patrols != 100*second {
		t.Errorf("an empty device's walk begins at %d", d.patrols)
	}
}

// TestLists: what waits is passed over once it has left, and lists are bounded.
func TestQueues(t *testing.T) {
	world := func(a Admission, n int) (*Set, *device, []packet.ConnRef) {
		tr := conntrack.New(conntrack.Config{MaxConns: 512})
		s := New(tr)
		if err := s.SetAdmission(0, a); err != nil {
			t.Fatal(err)
		}
		tab := s.Acquire(0, 0)
		tab.Register(0, &card{})
		refs := assured(t, tr, 0, 1000, n)
		for _, ref := range refs {
			tab.Offer(0, ref, packet.CTEstablished, 0)
		}
		return s, s.devs[0], refs
	}
	check := func(s *Set) {
		t.Helper()
		for _, err := range s.Check() {
			t.Error(err)
		}
	}
	t.Run("what_has_left_is_not_shelved", func(t *testing.T) {
		s, d, refs := world(Admission{}, 4)
		s.Back(0, refs[0], false)
		d.adds.unpop(99) // of no connection
		d.shelve()
		if d.waiting != 3 || d.pending.len() != 3 || d.adds.len() != 0 || s.known(refs[0]).pending != 0 {
			t.Errorf("%d wait, %d on the list, %d in the queue", d.waiting, d.pending.len(), d.adds.len())
		}
		for _, ref := range refs[1:] {
			if x := s.known(ref); x.pending != 1 || x.queued != 0 || x.why[0] != offload.DeviceFull || s.tr.Conn(ref).FlowFlags&flowDevice == 0 {
				t.Errorf("%+v", x)
			}
		}
		check(s)
	})
	t.Run("what_finds_the_list_full_is_software_s", func(t *testing.T) {
		s, d, refs := world(Admission{PendingMax: 2}, 3)
		d.shelve()
		if x := s.known(refs[2]); d.waiting != 2 || d.stats.Unlisted != 1 || x.pending != 0 || x.why[0] != offload.DeviceFull || s.tr.Conn(refs[2]).FlowFlags != flowLive|flowBidirectional|flowWants {
			t.Errorf("%d wait, %d turned away, %+v, flags %#x", d.waiting, d.stats.Unlisted, x, s.tr.Conn(refs[2]).FlowFlags)
		}
		check(s)
	})
	t.Run("names_on_the_list_are_bounded", func(t *testing.T) {
		s, d, refs := world(Admission{PendingMax: 2}, 2)
		d.shelve()
		s.Back(0, refs[1], false)
		for _, ref := range assured(t, s.tr, 0, 3000, 6) {
			s.zones[0].Offer(0, ref, packet.CTEstablished, 0)
			d.shelve()
			if d.pending.len() > 4 {
				t.Fatalf("%d names for 2 flows", d.pending.len())
			}
			s.Back(0, ref, false)
		}
		// Flows that leave and come again do not fill it either.
		for range 6 {
			s.Back(0, refs[1], true)
			s.Back(0, refs[0], true)
			for _, i := range []int{0, 1} {
				d.shelf(refs[i], s.known(refs[i]))
				s.settleFlags(s.tr.Conn(refs[i]), s.known(refs[i]))
			}
			if d.pending.len() > 4 || d.waiting != 2 {
				t.Fatalf("%d names for %d flows", d.pending.len(), d.waiting)
			}
		}
		check(s)
		d.tidy()
		if d.pending.len() != 2 {
			t.Errorf("%d names", d.pending.len())
		}
		check(s)
		if ref, old := d.next(); ref != refs[0] || !old {
			t.Errorf("next is %#x", ref)
		}
	})
	t.Run("the_queue_drops_the_oldest", func(t *testing.T) {
		s, d, refs := world(Admission{QueueMax: 3}, 3)
		d.adds.pop()
		d.adds.unpop(99) // of no connection
		s.known(refs[0]).queued = 0
		s.settleFlags(s.tr.Conn(refs[0]), s.known(refs[0]))
		more := assured(t, s.tr, 0, 3000, 2)
		s.zones[0].Offer(0, more[0], packet.CTEstablished, 0)
		if d.adds.len() != 3 || d.stats.Dropped != 0 {
			t.Errorf("%d in the queue, %d dropped", d.adds.len(), d.stats.Dropped)
		}
		s.zones[0].Offer(0, more[1], packet.CTEstablished, 0)
		if x := s.known(refs[1]); d.adds.len() != 3 || d.stats.Dropped != 1 || x.queued != 0 || x.why[0] != offload.QueueFull || s.tr.Conn(refs[1]).FlowFlags&flowDevice != 0 {
			t.Errorf("%d in the queue, %d dropped, %+v", d.adds.len(), d.stats.Dropped, x)
		}
		check(s)
	})
	t.Run("the_newcomer_is_the_first_that_still_waits", func(t *testing.T) {
		s, d, refs := world(Admission{}, 3)
		if d.newcomer() != 0 {
			t.Error("nobody waits")
		}
		d.turnAway()
		d.shelve()
		s.known(refs[1]).rate = 5
		d.pending.unpop(99) // of no connection
		s.Back(0, refs[0], false)
		if got := d.newcomer(); got != 5 || d.pending.len() != 2 {
			t.Errorf("rate %v, %d on the list", got, d.pending.len())
		}
		d.pending.unpop(99)
		if d.turnAway(); d.waiting != 2 || d.stats.Unlisted != 0 {
			t.Errorf("%d wait", d.waiting)
		}
		if d.turnAway(); d.waiting != 1 || d.stats.Unlisted != 1 || s.tr.Conn(refs[1]).FlowFlags&flowDevice != 0 {
			t.Errorf("%d wait, %d turned away, flags %#x", d.waiting, d.stats.Unlisted, s.tr.Conn(refs[1]).FlowFlags)
		}
		check(s)
	})
	t.Run("requests_go_in_batches_of_64", func(t *testing.T) {
		s, d, refs := world(Admission{MaxFlows: 1000}, 150)
		log := &batches{}
		d.drv = log
		sizes := func(want ...int) {
			t.Helper()
			if len(log.sizes) != len(want) {
				t.Fatalf("batches of %v, want %v", log.sizes, want)
			}
			for i := range want {
				if log.sizes[i] != want[i] {
					t.Fatalf("batches of %v, want %v", log.sizes, want)
				}
			}
			log.sizes = nil
		}
		s.Pump(0)
		sizes(64, 64, 22)
		log.open = true
		s.Pump(0)
		s.Read(0)
		sizes(64, 64, 22)
		s.Pump(0)
		log.shut = true
		s.RemoveIf(0, Match{})
		sizes(0)
		log.shut = false
		s.Pump(0)
		sizes(64, 64, 22)
		s.Pump(0)
		if d.entries.n != 0 || len(refs) != 150 || d.stats.Removals != 150 || d.stats.Reads != 150 || d.stats.Submitted != 150 {
			t.Errorf("%d entries, %+v", d.entries.n, d.stats)
		}
		check(s)
	})
	t.Run("a_reading_of_what_has_left_is_not_waited_for", func(t *testing.T) {
		s, d, refs := world(Admission{}, 2)
		d.drv.(*card).open = true
		s.Pump(0)
		s.Pump(0)
		for _, ref := range refs {
			s.glance(ref, s.tr.Conn(ref))
		}
		s.tr.Kill(refs[0])
		s.Pump(0)
		s.Pump(0)
		if open := d.open(); d.entries.n != 1 || d.leaving != 0 || open != [3]int{} || d.stats.Reads != 1 {
			t.Errorf("%d entries, %d leave, %v open, %d read", d.entries.n, d.leaving, open, d.stats.Reads)
		}
		check(s)
	})
	t.Run("a_replay_tells_1024_at_a_time_and_no_more_than_the_queue_holds", func(t *testing.T) {
		for _, row := range []struct{ queue, left int }{{0, 76}, {20, 1100 - 11}} {
			tr := conntrack.New(conntrack.Config{MaxConns: 2000})
			s := New(tr)
			tab := s.Acquire(0, 0)
			for _, ref := range assured(t, tr, 0, 1000, 1100) {
				tab.Offer(0, ref, packet.CTEstablished, 0)
			}
			if err := s.SetAdmission(0, Admission{QueueMax: row.queue}); err != nil {
				t.Fatal(err)
			}
			log := &batches{}
			log.shut = true
			tab.Register(0, log)
			s.Pump(0)
			if tab.replay != row.left || s.devs[0].adds.len() != 1100-row.left || s.devs[0].stats.Dropped != 0 {
				t.Errorf("queue of %d: %d are left, %d wait", row.queue, tab.replay, s.devs[0].adds.len())
			}
		}
	})
}

// batches is a card that notes how many requests it is given at a time.
type batches struct {
	card
	shut  bool // takes nothing
	sizes []int
}

func (b *batches) Submit(now int64, reqs []offload.Request) int {
	if b.shut {
		if len(b.sizes) == 0 {
			b.sizes = append(b.sizes, 0)
		}
		return 0
	}
	b.sizes = append(b.sizes, len(reqs))
	return b.card.Submit(now, reqs)
}

// TestLiberal: a TCP connection that has been in a table has its windows
// unchecked from then on (act_ct.c tcf_ct_flow_table_add); another protocol's
// record, which shares that memory, stays as it is.
func TestLiberal(t *testing.T) {
	for proto, want := range map[uint8]uint8{packet.ProtoTCP: conntrack.TCPFlagBeLiberal, packet.ProtoUDP: 0} {
		tr := conntrack.New(conntrack.Config{MaxConns: 4})
		s := New(tr)
		ref := assured(t, tr, 0, 1000, 1)[0]
		c := tr.Conn(ref)
		c.Orig.Proto, c.TCP.State = proto, conntrack.TCPEstablished
		before := c.TCP.Flags
		s.Acquire(0, 0).Consider(0, ref, c, packet.CTEstablished, 0)
		if c.Status&conntrack.StatusOffload == 0 || c.TCP.Flags[0] != before[0]|want || c.TCP.Flags[1] != before[1]|want {
			t.Errorf("protocol %d: status %#x, flags %v", proto, c.Status, c.TCP.Flags)
		}
	}
}

// TestStray: flags that no table has set, as a damaged state may have them,
// harm nothing when the connection ends.
func TestStray(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 4})
	s := New(tr)
	refs := assured(t, tr, 0, 1000, 2)
	tr.Conn(refs[0]).FlowFlags = flowDevice
	tr.Kill(refs[0])
	tab := s.Acquire(0, 0)
	tab.Offer(0, refs[1], packet.CTEstablished, 0)
	c := tr.Conn(refs[1])
	c.FlowFlags |= flowDevice
	s.glance(refs[1], c)
	if !tab.expired(c, refs[1], 40*second) || c.FlowFlags != 0 || s.n.Aged != 1 {
		t.Errorf("flags %#x, %d aged", c.FlowFlags, s.n.Aged)
	}
}
