package flowtable

import (
	"math"
	"slices"
	"unsafe"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

const (
	second = int64(1e9)

	// gcInterval is how often a table looks at each of its flows
	// (nf_flow_table_core.c nf_flow_offload_work_gc: HZ).
	gcInterval = second

	// releaseDelay is how long after its last ct action a table's flows are
	// still offloaded. In the kernel an RCU grace period and a work queue
	// lie between; the recorded case qdisc_del_flush shows the flow right
	// after the deletion and not half a second later.
	releaseDelay = second / 10
)

// Counters count what happened to flows since the start.
type Counters struct {
	Added    uint64 // connections that entered a table
	Hits     uint64 // packets judged by a table
	Aged     uint64 // handed back after idleness
	Closed   uint64 // handed back at FIN or RST
	Flushed  uint64 // handed back because the table went
	Vanished uint64 // connections deleted from the tracker while held
	Removed  uint64 // handed back because somebody asked (RemoveIf)
	Carried  uint64 // packets that devices have carried, as far as read
	TooMany  uint64 // devices that were not told of flows, there being eight
}

// Set is all zones' flow tables over one tracker.
type Set struct {
	tr     *conntrack.Tracker
	zones  map[uint16]*Table
	all    []*Table // live ones in the order of their birth, then dying ones
	nextID uint16
	n      Counters

	release Release
	off     bool // no connection enters

	now   int64 // the latest told; what comes from outside has none
	devs  [maxDevices]*device
	ndev  int
	held  int    // flows in at least one device
	epoch uint32 // of admission; what was refused in an earlier one is judged again
	sides pages[side]
	adm   admission
	aging Aging
}

// New returns an empty set over a tracker. The tracker refers to it until Close.
func New(tr *conntrack.Tracker) *Set {
	s := Unwatched(tr)
	tr.Watch(s)
	return s
}

// Unwatched returns a set that the tracker knows nothing of, and which may never
// hold a flow: what a device's own interpreter of the policy has in the place of
// software's tables. It ends with its last reference.
func Unwatched(tr *conntrack.Tracker) *Set {
	s := &Set{tr: tr, zones: make(map[uint16]*Table)}
	if err := s.SetAdmission(0, Admission{}); err != nil {
		panic(err) // the zero value is the default
	}
	return s
}

// Close is the inverse of New: devices are told of no more flows, every flow is
// its connection's tracker's again, as of now, and the tracker forgets the set.
// Only what counts may be asked for afterwards. A second Close does nothing.
func (s *Set) Close(now int64) {
	const all = int(^uint(0) >> 1)
	for _, t := range slices.Clone(s.all) {
		if t.refs > 0 {
			t.refs = 1
			s.Release(t, now)
		}
		t.dyingAt = min(t.dyingAt, now)
		t.drain(all)
	}
	s.all = nil
	s.tr.Unwatch(s)
}

// Overdue implements conntrack.Owner: a flow that a sweep should have given
// back by now is given back before anybody takes its connection for alive.
func (s *Set) Overdue(now int64, ref packet.ConnRef, c *conntrack.Conn) int64 {
	const notMine = math.MaxInt64
	t := s.table(c)
	if t == nil || int(c.FlowPos) >= t.flows.len() || t.flows.at(int(c.FlowPos)) != ref {
		return notMine // another set's
	}
	switch {
	case t.refs > 0:
		if t.expired(c, ref, now) {
			return notMine
		}
		return max(t.firstInstant(c.FlowDeadline), now+1)
	case now >= t.dyingAt:
		s.n.Flushed++
		t.unlink(c, ref, offload.Flushed, t.dyingAt)
		s.handBack(c, ref, t.dyingAt)
		return notMine
	}
	return t.dyingAt
}

// Disable keeps every connection out of the tables from now on, and hands those in
// them back, as on a machine whose ct actions have no flow table (a kernel without
// CONFIG_NF_FLOW_TABLE): the tracker judges every packet and checks its windows.
// Connections that were in a table before keep what it left them; their windows
// stay unchecked.
func (s *Set) Disable(now int64) {
	s.off = true
	s.RemoveIf(now, Match{})
}

// Counters returns the counts so far.
func (s *Set) Counters() Counters { return s.n }

// Len is the number of flows in all live tables.
func (s *Set) Len() int {
	n := 0
	for _, t := range s.all {
		n += t.flows.len()
	}
	return n
}

// Zones returns the number of live tables: one for each zone that a ct action
// names.
func (s *Set) Zones() int { return len(s.zones) }

// Acquire takes a reference on a zone's table, and makes the table with the
// first one (act_ct.c tcf_ct_flow_table_get).
func (s *Set) Acquire(zone uint16, now int64) *Table {
	t := s.zones[zone]
	if t == nil {
		t = &Table{set: s, tr: s.tr, zone: zone, id: s.number(), born: now, swept: now}
		s.zones[zone] = t
		s.all = append(s.all, t)
	}
	t.refs++
	return t
}

// number gives a table's number, which no other table has: zero in a connection's
// record means "in none", and numbers come round after 65,535 tables.
func (s *Set) number() uint16 {
	for {
		if s.nextID++; s.nextID != 0 && !slices.ContainsFunc(s.all, func(t *Table) bool { return t.id == s.nextID }) {
			return s.nextID
		}
	}
}

// Release gives a reference back. With the last one the table stops answering
// at once, and its flows return to the tracker a moment later.
func (s *Set) Release(t *Table, now int64) {
	t.refs--
	if t.refs == 0 {
		delete(s.zones, t.zone)
		s.now = max(s.now, now)
		for d := range s.each(t.devs) {
			t.Unregister(now, d.drv)
		}
		t.dyingAt = now + releaseDelay
		for i := range t.flows.len() {
			ref := t.flows.at(i)
			if c := t.conn(ref); c != nil && c.FlowTable == t.id && c.FlowDeadline > t.dyingAt {
				c.FlowDeadline = t.dyingAt // no packet meets it in the table afterwards
				s.tr.Sooner(ref, c)
			}
		}
	}
}

// Tick does a share of the maintenance that is due: at most about budget
// flows are looked at in one call.
func (s *Set) Tick(now int64, budget int) {
	s.now = max(s.now, now)
	defer s.Pump(now)
	for d := range s.each(0xff) {
		d.patrol(now, budget/4)
	}
	for i := 0; i < len(s.all); i++ {
		t := s.all[i]
		budget -= t.tick(now, budget)
		if t.gone() {
			s.all = append(s.all[:i], s.all[i+1:]...)
			i--
		}
		if budget <= 0 {
			return
		}
	}
}

// Sync finishes all maintenance that is due at now, however much it is, so
// that what is shown next is exact.
func (s *Set) Sync(now int64) {
	const all = int(^uint(0) >> 1)
	s.Pump(now)
	s.Read(now)
	for _, t := range s.all {
		t.rush = true
	}
	s.Tick(now, all) // what is under way
	s.Tick(now, all) // what is due since
	for _, t := range s.all {
		t.rush = false
	}
}

// Held reports how many flow-table entries hold a reference on a connection:
// the live one, and those torn down since the last sweep. The kernel adds
// them to the use count that /proc/net/nf_conntrack shows.
func Held(c *conntrack.Conn) int {
	n := int(c.FlowRefs)
	if c.FlowFlags&flowLive != 0 {
		n++
	}
	return n
}

// refs of a connection that the table is about to show or judge must be of
// the same generation; conn returns nil when the slot has gone to another.
func (t *Table) conn(ref packet.ConnRef) *conntrack.Conn { return t.tr.Conn(ref) }

// MemoryBytes is the memory that the tables' own lists take; the rest of a
// flow is in its connection's record.
func (s *Set) MemoryBytes() int {
	n := 0
	for _, t := range s.all {
		n += t.flows.memory() + t.chains.memory() + cap(t.stale)*16
	}
	n += s.sides.len() * int(unsafe.Sizeof(side{}))
	for d := range s.each(0xff) {
		n += d.memory()
	}
	return n
}

// Tracker is what the tables are over.
func (s *Set) Tracker() *conntrack.Tracker { return s.tr }
