package flowtable

import (
	"fmt"

	"sluice/conntrack"
)

// Check walks everything that the set and its devices' records say and reports
// every contradiction: what a device holds is in a flow table, and what a flow
// table holds is a connection (I3), nothing is counted twice, nothing is left
// behind.
func (s *Set) Check() (errs []error) {
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	for _, t := range s.all {
		if t.chains.len() != t.flows.len() {
			bad("zone %d: %d flows and the chains of %d", t.zone, t.flows.len(), t.chains.len())
		}
		for i := range t.flows.len() {
			ref := t.flows.at(i)
			c := t.conn(ref)
			if c == nil || c.FlowTable != t.id {
				continue // gone; the sweep has yet to come across it
			}
			if int(c.FlowPos) != i || c.FlowFlags&flowLive == 0 || c.Status&conntrack.StatusOffload == 0 {
				bad("zone %d: flow %d of the list is at %d, flags %#x, status %#x", t.zone, i, c.FlowPos, c.FlowFlags, c.Status)
			}
		}
	}
	held := 0
	for ref, c := range s.tr.Known() {
		x := s.known(ref)
		if x == nil {
			x = &side{}
		}
		if x.held != 0 {
			held++
		}
		if (c.Status&conntrack.StatusHWOffload != 0) != (x.held != 0) {
			bad("connection %#x: status %#x, held by devices %#x", ref, c.Status, x.held)
		}
		if x.held&^x.in != 0 || x.in&x.queued != 0 || x.in&x.pending != 0 || x.queued&x.pending != 0 {
			bad("connection %#x: held %#x, in %#x, queued %#x, pending %#x", ref, x.held, x.in, x.queued, x.pending)
		}
		if x.in|x.queued|x.pending == 0 {
			continue
		}
		t := s.table(c)
		if !mine(c) || t == nil || c.Status&conntrack.StatusOffload == 0 || c.FlowFlags&flowDevice == 0 {
			bad("connection %#x: devices %#x have it and no flow table does: flags %#x", ref, x.in|x.queued|x.pending, c.FlowFlags)
			continue
		}
		if (x.in|x.queued|x.pending)&^t.devs != 0 {
			bad("connection %#x: devices %#x have it, and %#x are registered", ref, x.in|x.queued|x.pending, t.devs)
		}
	}
	if held != s.held {
		bad("%d flows are held by devices, %d are counted", held, s.held)
	}
	for d := range s.each(0xff) {
		if d.dead {
			bad("%s has gone and is registered", d.stats.Name)
		}
		errs = append(errs, d.check()...)
	}
	return errs
}

// check walks one device's entries and queues.
func (d *device) check() (errs []error) {
	bad := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf(d.stats.Name+": "+format, a...))
	}
	s, leaving, zones := d.set, 0, map[uint16]int32{}
	total := int32(0)
	for i := range d.entries.n {
		e := d.entries.all.at(i)
		zones[e.zone]++
		if p := d.entries.pos.peek(int(uint32(e.ref))); p == nil || int(*p) != i+1 {
			bad("entry %d is found elsewhere", i)
		}
		x := s.known(e.ref)
		if e.gone {
			leaving++
			if e.held || !e.open() {
				bad("entry %d has gone and stays: %+v", i, *e)
			}
			if x != nil && x.in&d.bit != 0 {
				bad("entry %d has gone and counts as in", i)
			}
			continue
		}
		if x == nil || x.in&d.bit == 0 || (x.held&d.bit != 0) != e.held || !e.held && e.adds == 0 {
			bad("entry %d and its flow's record differ: %+v, %+v", i, *e, x)
		}
	}
	if leaving != d.leaving {
		bad("%d entries leave, %d are counted", leaving, d.leaving)
	}
	for z, n := range zones {
		if total += n; *d.zone.at(int(z)) != n {
			bad("zone %d has %d entries, %d are counted", z, n, *d.zone.at(int(z)))
		}
	}
	for _, p := range d.zone.page {
		for _, n := range p {
			total -= n
		}
	}
	if total != 0 {
		bad("zones have %d entries more than are counted", total)
	}
	queued, waiting := 0, 0
	for ref := range s.tr.Known() {
		x := s.known(ref)
		if x == nil {
			continue
		}
		if x.queued&d.bit != 0 {
			queued++
		}
		if x.pending&d.bit != 0 {
			waiting++
		}
	}
	if queued > d.adds.len() || waiting != d.waiting || waiting > d.pending.len() || waiting > s.adm.PendingMax {
		bad("%d of %d are queued, %d of %d are pending", queued, d.adds.len(), waiting, d.pending.len())
	}
	return errs
}
