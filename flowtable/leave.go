package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// Ending implements conntrack.Owner: devices let go of a connection before its
// end is told, and what they have counted is added to it.
func (s *Set) Ending(ref packet.ConnRef, c *conntrack.Conn) { s.leave(ref, c, offload.Ended) }

// leave takes a flow back from all devices; it leaves the flow table.
func (s *Set) leave(ref packet.ConnRef, c *conntrack.Conn, why offload.Reason) {
	if c.FlowFlags&flowDevice == 0 {
		return
	}
	if x := s.known(ref); x != nil {
		for d := range s.each(x.in) {
			if e := d.entries.of(ref); e != nil {
				d.remove(e, why)
			}
		}
		for d := range s.each(x.queued | x.pending) {
			d.unqueue(x)
			x.why[d.n] = why
		}
	}
	c.FlowFlags &^= flowDevice | flowWants
}

// remove takes a flow back from the device. The entry stays until everything
// is answered.
func (d *device) remove(e *entry, why offload.Reason) {
	s := d.set
	ref := e.ref
	c, x := s.tr.Conn(ref), s.known(ref)
	if (e.held || e.adds > 0) && d.prober != nil {
		if st, ok := d.prober.Probe(s.now, ref); ok {
			d.absorb(e, c, &st)
		}
		if e = d.entries.of(ref); e == nil || d.dead {
			return
		}
	}
	was := e.held
	e.held, e.gone, e.again = false, true, false
	e.removes++
	e.asked = s.now
	d.leaving++
	if x != nil {
		x.in &^= d.bit
		x.why[d.n] = why
		if was {
			d.let(c, x, ref, why)
		}
		if mine(c) {
			s.settleFlags(c, x)
		}
	}
	d.one[0] = offload.Request{Op: offload.Remove, Flow: offload.Named(ref)}
	if d.removes.len() > 0 || d.drv.Submit(s.now, d.one[:]) != 1 {
		d.removes.push(ref)
		return
	}
	d.stats.Removals++
}

// let clears what says that the device holds a flow.
func (d *device) let(c *conntrack.Conn, x *side, ref packet.ConnRef, why offload.Reason) {
	s := d.set
	x.held &^= d.bit
	if x.held == 0 {
		s.held--
		if c != nil {
			c.Status &^= conntrack.StatusHWOffload
		}
	}
	s.tr.Moved(s.now, ref, conntrack.EventBack, d.name, uint8(why))
}

// flushRemoves hands over removals that the device did not take at once.
func (d *device) flushRemoves(now int64) {
	for d.removes.len() > 0 && !d.dead {
		n := 0
		for n < batchSize && d.removes.len() > 0 {
			ref := d.removes.pop()
			d.batch[n].Op, d.batch[n].Flow = offload.Remove, offload.Named(ref)
			n++
		}
		took := min(max(d.drv.Submit(now, d.batch[:n]), 0), n)
		d.stats.Removals += uint64(took)
		for i := n - 1; i >= took; i-- {
			d.removes.unpop(d.batch[i].Flow.Conn)
		}
		if took < n {
			return
		}
	}
}
