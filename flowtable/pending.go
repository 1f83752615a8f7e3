package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// A flow that finds its device full waits on the pending list, first
// come, first served, until the device answers a removal. The list is
// bounded. Linux has none: there, only another packet tries again.

// limit is how many flows a device can hold; 0: nobody knows.
func (d *device) limit() (n int) {
	if d.gauge != nil {
		n, _ = d.gauge.Capacity()
	}
	if most := d.set.adm.MaxFlows; most > 0 && (n <= 0 || most < n) {
		n = most
	}
	if d.full != 0 && (n <= 0 || d.learnt < n) {
		n = max(d.learnt, 1)
	}
	return max(n, 0)
}

// room is how many flows may be handed over now. Entries whose removal is not
// answered yet still take room.
func (d *device) room() int {
	limit, used := d.limit(), d.entries.n
	if d.gauge != nil {
		_, n := d.gauge.Capacity() // somebody else may use it, too
		used = max(used, n)
	}
	if d.full != 0 {
		if d.set.now-d.full < d.set.adm.RetryEvery {
			return 0
		}
		d.full = 0 // it may have room again without our knowing
		limit = d.limit()
	}
	if limit == 0 {
		return batchSize
	}
	high, low := limit*d.set.adm.High/100, limit*d.set.adm.Low/100
	switch {
	case used >= max(high, 1):
		d.closed = true
	case used <= low:
		d.closed = false
	}
	if d.closed {
		return 0
	}
	return max(high, 1) - used
}

// shelve moves additions for which there is no room to the pending list.
func (d *device) shelve() {
	s := d.set
	for n := d.adds.len(); n > 0; n-- {
		ref := d.adds.pop()
		x := s.known(ref)
		if x == nil || x.queued&d.bit == 0 {
			continue
		}
		x.queued &^= d.bit
		d.shelf(ref, x)
		s.settleFlags(s.tr.Conn(ref), x)
	}
}

// shelf puts one flow on the pending list if there is place.
func (d *device) shelf(ref packet.ConnRef, x *side) {
	s := d.set
	if x.why[d.n] == offload.Asked {
		x.why[d.n] = offload.DeviceFull
	}
	if d.waiting >= s.adm.PendingMax {
		d.stats.Unlisted++
		return
	}
	if d.pending.len() >= 2*s.adm.PendingMax {
		d.tidy()
	}
	x.pending |= d.bit
	d.waiting++
	d.pending.push(ref)
}

// tidy takes the names of flows that wait no more off the pending list, and all
// but the first of a flow that has left and come again. Half the list goes at
// least, so that it costs each flow on it no more than a step or two.
func (d *device) tidy() {
	d.pending.filter(func(ref packet.ConnRef) bool {
		x := d.set.known(ref)
		if x == nil || x.pending&d.bit == 0 {
			return false
		}
		x.pending &^= d.bit // its next name is one too many
		return true
	})
	for i := range d.pending.len() {
		d.set.known(d.pending.at(i)).pending |= d.bit
	}
}

// stale reports that a flow has had no packet for so long that the room is
// better given to another: its next packet will ask again.
func (s *Set) stale(t *Table, c *conntrack.Conn, now int64) bool {
	return c.FlowDeadline-now < s.timeout(c)/3*2
}
