package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// Requests wait in a queue per device and kind, as in the kernel's three work
// queues (nf_flow_table_offload.c), and are handed over in batches. Only
// additions are ever dropped: what waits are names, and a name that has left
// the flow table meanwhile is passed over. A removal is handed over at once,
// because it must be effective before the next packet.

// Pump gives devices what waits for them and takes in what they have answered.
// The engine calls it before and after each vector; without devices, or with
// nothing to do, it is cheap.
func (s *Set) Pump(now int64) {
	s.now = max(s.now, now)
	if s.ndev == 0 {
		return
	}
	for _, t := range s.all {
		if t.replay > 0 {
			t.retell(s.now, replayShare)
		}
	}
	for d := range s.each(0xff) {
		d.pump(s.now)
	}
}

func (d *device) pump(now int64) {
	d.poll(now)
	if d.removes.len() > 0 {
		d.flushRemoves(now)
	}
	if d.waiting > 0 {
		d.makeRoom(now)
	}
	if d.adds.len()+d.waiting > 0 {
		d.feed(now)
	}
	if d.reads.len() > 0 {
		d.flushReads(now)
	}
}

// ask puts a flow into the queue of additions. When that is full the oldest is
// dropped: its packets will ask again.
func (d *device) ask(ref packet.ConnRef, x *side) {
	s := d.set
	if e := d.entries.of(ref); e != nil {
		if e.again = d.busy(e); e.again {
			x.why[d.n] = offload.Asked
			return
		}
	}
	for d.adds.len() >= s.adm.QueueMax {
		old := d.adds.pop()
		if o := s.known(old); o != nil && o.queued&d.bit != 0 {
			o.queued &^= d.bit
			o.why[d.n] = offload.QueueFull
			d.stats.Dropped++
			s.settleFlags(s.tr.Conn(old), o)
		}
	}
	x.queued |= d.bit
	x.why[d.n] = offload.Asked
	d.adds.push(ref)
}

// busy reports that a flow's earlier requests must be answered before it is
// added again, lest an answer be taken for another's.
func (d *device) busy(e *entry) bool {
	return e.adds > 0 || e.removes > 100 || d.prober == nil && e.open()
}

// feed hands additions over while there is room: those on the pending list
// first. What finds no room goes onto that list.
func (d *device) feed(now int64) {
	for !d.dead {
		room, n := d.room(), 0
		for n < batchSize && n < room {
			ref, old := d.next()
			if ref == 0 {
				break
			}
			if d.fill(ref, now, old) {
				d.refs[n] = ref
				d.build(ref, &d.batch[n].Flow)
				d.batch[n].Op = offload.Add
				n++
			}
		}
		if n == 0 {
			d.shelve()
			return
		}
		took := min(max(d.drv.Submit(now, d.batch[:n]), 0), n)
		if d.dead {
			return
		}
		d.stats.Submitted += uint64(took)
		for i := took; i < n; i++ {
			d.untake(d.refs[i])
		}
		for i := n - 1; i >= took; i-- {
			if x := d.set.known(d.refs[i]); x != nil {
				x.queued |= d.bit
				d.adds.unpop(d.refs[i])
			}
		}
		if took < n {
			return
		}
	}
}

// next takes the flow that is to be handed over next; old says that it was
// pending.
func (d *device) next() (ref packet.ConnRef, old bool) {
	for d.pending.len() > 0 {
		ref := d.pending.pop()
		if x := d.set.known(ref); x != nil && x.pending&d.bit != 0 {
			x.pending &^= d.bit
			d.waiting--
			return ref, true
		}
	}
	for d.adds.len() > 0 {
		ref := d.adds.pop()
		if x := d.set.known(ref); x != nil && x.queued&d.bit != 0 {
			x.queued &^= d.bit
			return ref, false
		}
	}
	return 0, false
}

// fill makes the entry of a flow that is about to be handed over. It reports
// false when the flow may not be.
func (d *device) fill(ref packet.ConnRef, now int64, old bool) bool {
	s := d.set
	c, x := s.tr.Conn(ref), s.side(ref)
	t := s.table(c)
	if !s.fits(c) || old && s.stale(t, c, now) {
		s.settleFlags(c, x)
		return false
	}
	e := d.entries.of(ref)
	switch {
	case e == nil && d.entries.taken(ref):
		x.why[d.n] = offload.Asked // an earlier connection's removal is on its way
		s.settleFlags(c, x)
		return false
	case e == nil:
		e = d.entries.add(ref)
		e.zone = c.Zone
		*d.zone.at(int(c.Zone))++
	default:
		d.leaving--
		e.gone = false
	}
	e.base = offload.FlowStats{Used: c.FlowDeadline - t.timeout(c), At: now}
	e.asked, e.adds, e.mark, e.rate, e.again = now, 1, e.base.Used, 0, false
	x.in |= d.bit
	x.sort = sort(c)
	x.why[d.n] = offload.Asked
	return true
}

// untake takes fill back for a flow that the device has not accepted.
func (d *device) untake(ref packet.ConnRef) {
	e, x := d.entries.of(ref), d.set.known(ref)
	if e == nil || x == nil {
		return
	}
	x.in &^= d.bit
	e.adds = 0
	if e.open() {
		e.gone = true
		d.leaving++
		return
	}
	d.forget(e)
}

// build writes what the device is told of a flow.
func (d *device) build(ref packet.ConnRef, f *offload.Flow) {
	s := d.set
	c, x := s.tr.Conn(ref), s.side(ref)
	t := s.table(c)
	n := sort(c)
	*f = offload.Flow{
		Entry: offload.Entry{
			Conn: ref, Tuple: [2]packet.Tuple{c.Orig, s.tr.Reply(ref)}, Zone: c.Zone, Both: n&1 != 0, Fresh: n&2 == 0,
			Mark: c.Mark, Label: c.Label, Idle: t.timeout(c), Used: c.FlowDeadline - t.timeout(c),
		},
		Chain: t.chains.at(int(c.FlowPos)),
	}
	if c.Status&(conntrack.StatusSrcNAT|conntrack.StatusDstNAT) != 0 {
		for dir := range f.Tuple {
			to := conntrack.Inverse(&f.Tuple[1-dir])
			f.Rewrite[dir] = offload.RewriteTo(&f.Tuple[dir], &to)
		}
	}
	// A device that has carried nothing of what it held may have windows that
	// are long past: it is told of none.
	if c.Orig.Proto == packet.ProtoTCP && x.calm == 0 {
		for dir := range f.Window {
			w := &c.TCP.Seen[dir]
			f.Window[dir] = offload.Window{End: w.End, MaxEnd: w.MaxEnd, MaxWin: w.MaxWin, Scale: c.TCP.Scale[dir]}
		}
	}
}

// flushReads hands over questions for counters.
func (d *device) flushReads(now int64) {
	for !d.dead {
		n := 0
		for n < batchSize && d.reads.len() > 0 {
			ref := d.reads.pop()
			e := d.entries.of(ref)
			switch {
			case e == nil || e.reads == 0:
			case e.held:
				d.batch[n].Op, d.batch[n].Flow = offload.Read, offload.Named(ref)
				n++
			default: // it has left meanwhile, and its removal tells the counts
				e.reads = 0
				d.settleEntry(e)
			}
		}
		if n == 0 {
			return
		}
		took := min(max(d.drv.Submit(now, d.batch[:n]), 0), n)
		d.stats.Reads += uint64(took)
		for i := n - 1; i >= took; i-- {
			d.reads.unpop(d.batch[i].Flow.Conn)
		}
		if took < n {
			return
		}
	}
}
