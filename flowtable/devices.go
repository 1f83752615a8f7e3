package flowtable

import (
	"sluice/offload"
	"sluice/packet"
)

// device is a driver that at least one table tells of its flows.
type device struct {
	set    *Set
	drv    offload.Driver
	prober offload.Prober // nil: it answers by completions alone
	gauge  offload.Gauge  // nil: it does not say how much it can hold
	n      int
	bit    uint8
	name   uint8 // for events
	tables int   // that it is registered with
	dead   bool

	entries entries
	leaving int          // entries that are gone, and whose room comes back
	zone    pages[int32] // entries by zone

	adds, removes, reads queue
	pending              queue
	waiting              int // on the pending list; the rest of it has left

	full     int64 // when it said so last; 0: it has room again
	learnt   int   // how much it held then
	closed   bool  // above the high water mark, and not yet below the low one
	evictAt  int64 // no search for victims before
	random   uint64
	patrolAt int   // the entry that patrol looks at next
	patrols  int64 // when patrol ran last

	one   [1]offload.Request
	batch []offload.Request
	refs  []packet.ConnRef
	done  []offload.Completion
	stats DeviceStats
}

const (
	batchSize = 64
	doneSize  = 256
)

// Register makes the table tell the device of its flows: those that are there
// a few at a time, beginning with the next Pump, and those that enter. It does
// nothing when the device is registered already; a ninth device is not told
// (nf_flow_table_offload.c nf_flow_table_offload_add_cb).
func (t *Table) Register(now int64, drv offload.Driver) {
	s := t.set
	s.now = max(s.now, now)
	if t.refs == 0 {
		return // it is going
	}
	d := s.device(drv)
	if d == nil {
		if d = s.join(drv); d == nil {
			s.n.TooMany++
			return
		}
	}
	if t.devs&d.bit != 0 {
		return
	}
	t.devs |= d.bit
	d.tables++
	t.replay = t.flows.len()
}

// Unregister takes all of the table's flows back from the device, with what it
// has counted for them as far as it can still tell. Completions that come
// later are ignored.
func (t *Table) Unregister(now int64, drv offload.Driver) {
	s := t.set
	s.now = max(s.now, now)
	d := s.device(drv)
	if d == nil || t.devs&d.bit == 0 {
		return
	}
	t.devs &^= d.bit
	d.tables--
	d.withdraw(t)
	if d.tables == 0 {
		d.dead = true
		s.devs[d.n] = nil
		s.ndev--
	}
}

// device finds a registered driver.
func (s *Set) device(drv offload.Driver) *device {
	for _, d := range s.devs {
		if d != nil && d.drv == drv {
			return d
		}
	}
	return nil
}

// join gives a driver a number; nil if there is none left.
func (s *Set) join(drv offload.Driver) *device {
	for n := range s.devs {
		if s.devs[n] != nil {
			continue
		}
		d := &device{
			set: s, drv: drv, n: n, bit: 1 << n, name: s.tr.DeviceNumber(drv.Name()), random: uint64(n) + 1,
			batch: make([]offload.Request, batchSize), refs: make([]packet.ConnRef, batchSize),
			done: make([]offload.Completion, doneSize), patrols: s.now,
		}
		d.prober, _ = drv.(offload.Prober)
		d.gauge, _ = drv.(offload.Gauge)
		d.stats.Name = drv.Name()
		s.devs[n] = d
		s.ndev++
		s.epoch++ // the number's last owner has refused others
		return d
	}
	return nil
}

// withdraw takes a zone's flows back from the device.
func (d *device) withdraw(t *Table) {
	s := d.set
	for i := d.entries.n - 1; i >= 0; i-- {
		e := d.entries.all.at(i)
		if e.zone != t.zone {
			continue
		}
		if !e.gone {
			d.remove(e, offload.Gone)
		}
		if d.dead {
			return
		}
	}
	d.flushRemoves(s.now)
	if d.prober == nil {
		if st, ok := d.drv.(offload.Settler); ok {
			st.Settle(s.now)
		}
		d.poll(s.now)
	}
	for i := d.entries.n - 1; i >= 0; i-- {
		if e := d.entries.all.at(i); e.zone == t.zone {
			d.forget(e)
		}
	}
	d.adds.filter(func(ref packet.ConnRef) bool { return s.leavesQueue(d, t, ref) })
	d.pending.filter(func(ref packet.ConnRef) bool { return s.leavesQueue(d, t, ref) })
	d.reads.filter(func(ref packet.ConnRef) bool { return d.entries.of(ref) != nil })
}

// leavesQueue takes a zone's connection off the device's queues and says
// whether another's stays.
func (s *Set) leavesQueue(d *device, t *Table, ref packet.ConnRef) bool {
	c := s.tr.Conn(ref)
	if c == nil {
		return false
	}
	if c.Zone != t.zone {
		return true
	}
	if x := s.known(ref); x != nil {
		d.unqueue(x)
		x.why[d.n] = offload.Gone
		s.settleFlags(c, x)
	}
	return false
}

// unqueue forgets that a flow waits for the device.
func (d *device) unqueue(x *side) {
	x.queued &^= d.bit
	if x.pending&d.bit != 0 {
		x.pending &^= d.bit
		d.waiting--
	}
}

// filter keeps what keep says.
func (q *queue) filter(keep func(packet.ConnRef) bool) {
	for range q.n {
		if r := q.pop(); keep(r) {
			q.push(r)
		}
	}
}

// Devices are the registered drivers' names.
func (s *Set) Devices() (names []string) {
	for _, d := range s.devs {
		if d != nil {
			names = append(names, d.stats.Name)
		}
	}
	return names
}

// replayShare is how many flows one call tells a new device of.
const replayShare = 1024

// retell tells devices of flows that were there before they registered, or
// before admission changed. Flows that enter meanwhile are told of as they
// enter; one that leaves is replaced by the list's last, which has been told
// of already or is told of twice, which does nothing.
func (t *Table) retell(now int64, budget int) (work int) {
	s := t.set
	for t.replay = min(t.replay, t.flows.len()); t.replay > 0 && work < budget; work++ {
		for d := range s.each(t.devs) {
			if d.adds.len() >= s.adm.QueueMax/2+1 {
				return work // they would only push each other out
			}
		}
		t.replay--
		ref := t.flows.at(t.replay)
		if c := t.conn(ref); c != nil && c.FlowTable == t.id && t.devs != 0 {
			c.FlowFlags |= flowWants
			if s.enough(c) {
				s.attempt(t, c, ref, s.side(ref), now)
			}
		}
	}
	return work
}
