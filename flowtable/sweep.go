package flowtable

import "sluice/offload"

// tick does what is due in one table and returns how many flows it looked at.
func (t *Table) tick(now int64, budget int) (work int) {
	if t.refs == 0 {
		if now >= t.dyingAt {
			return t.drain(budget)
		}
		return 0
	}
	if t.set.aging == Sample {
		return t.samples(now, budget)
	}
	if t.sweep == 0 {
		g := t.lastInstant(now)
		if g <= t.swept {
			return 0
		}
		t.sweep, t.cursor, t.due = g, t.flows.len(), t.flows.len()
		t.dropStale(g)
	}
	// Spread the sweep evenly over the first half of its second.
	share := t.cursor
	if done := int64(t.due) * (now - t.sweep) / (gcInterval / 2); done < int64(t.due) && !t.rush {
		share = max(t.cursor-t.due+int(done), 0)
	}
	share = min(share, t.cursor)
	for looked := 0; looked < share && work < budget; looked++ {
		t.cursor--
		work++
		if t.look(t.cursor, t.sweep, now) {
			work += readCost
		}
	}
	if t.cursor == 0 {
		t.swept, t.sweep = t.sweep, 0
	}
	return work + 1
}

// readCost is how many other flows' worth of a tick's budget it takes to read
// one flow's counters.
const readCost = 3

// look judges the flow at position i at the sweep's instant, and reports
// whether it has asked a device for it. Positions above i have been looked at,
// so filling i from the end is safe. A flow that has entered since lies at the
// end and is not due anyway.
func (t *Table) look(i int, instant, now int64) (read bool) {
	if i >= t.flows.len() {
		return false // the list shrank meanwhile
	}
	ref := t.flows.at(i)
	c := t.conn(ref)
	if c == nil || c.FlowTable != t.id {
		t.set.n.Vanished++
		t.unlinkAt(i)
		return false
	}
	if c.FlowFlags&flowDevice != 0 {
		if t.set.aging == Sample {
			if read = t.turn(i, c); read {
				t.set.glance(ref, c)
			}
		} else {
			read = t.set.late(ref, c, now)
		}
	}
	if c.FlowDeadline <= instant {
		t.expired(c, ref, max(instant, t.firstInstant(c.FlowDeadline)))
	}
	return read
}

// dropStale lets go of the flows torn down before instant g.
func (t *Table) dropStale(g int64) {
	n := 0
	for ; n < len(t.stale) && t.stale[n].at < g; n++ {
		if c := t.conn(t.stale[n].ref); c != nil && c.FlowRefs > 0 {
			c.FlowRefs--
		}
	}
	t.stale = t.stale[:copy(t.stale, t.stale[n:])]
}

// drain gives all flows of a dying table back.
func (t *Table) drain(budget int) (work int) {
	t.dropStale(1 << 62)
	for n := t.flows.len(); n > 0 && work < budget; n = t.flows.len() {
		ref := t.flows.at(n - 1)
		if c := t.conn(ref); c != nil && c.FlowTable == t.id {
			t.set.n.Flushed++
			t.unlink(c, ref, offload.Flushed, t.dyingAt)
			t.set.handBack(c, ref, t.dyingAt)
		} else {
			t.set.n.Vanished++
			t.unlinkAt(n - 1)
		}
		work++
	}
	return work
}

// gone reports that a dying table has given everything back.
func (t *Table) gone() bool {
	return t.refs == 0 && t.dyingAt != 0 && t.flows.len() == 0 && len(t.stale) == 0
}
