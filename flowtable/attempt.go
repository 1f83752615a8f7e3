package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// attend is called for a packet in software of a flow that wants a device: one
// that is not where it should be. What thresholds keep out costs one
// comparison; everything else happens at most once in RetryEvery.
func (t *Table) attend(c *conntrack.Conn, now int64) {
	s := t.set
	if !s.enough(c) {
		return
	}
	ref := t.flows.at(int(c.FlowPos))
	x := s.side(ref)
	if now < x.next {
		return
	}
	s.attempt(t, c, ref, x, now)
}

// attempt asks every device of the table's that does not hold the flow to take
// it, if admission lets it.
func (s *Set) attempt(t *Table, c *conntrack.Conn, ref packet.ConnRef, x *side, now int64) {
	s.now = max(s.now, now)
	x.next, x.sort = now+s.adm.RetryEvery, sort(c)
	if x.last != 0 && now > x.last {
		x.rate = float32(float64(packets(c)-x.seen) * float64(second) / float64(now-x.last))
	}
	x.seen, x.last = packets(c), now
	for d := range s.each(x.held) {
		d.recheck(t, c, ref, x, now)
	}
	idle := t.devs &^ (x.queued | x.pending | x.in | x.refused)
	if idle == 0 {
		s.settleFlags(c, x)
		return
	}
	if why := s.judge(c, x, now); why != offload.NoReason {
		for d := range s.each(idle) {
			x.why[d.n] = why
		}
		s.settleFlags(c, x)
		return
	}
	for d := range s.each(idle) {
		if !s.share(d, c.Zone) {
			x.why[d.n] = offload.Quota
			d.stats.Declined[offload.Quota]++
			continue
		}
		d.ask(ref, x)
	}
	s.settleFlags(c, x)
}

func packets(c *conntrack.Conn) uint32 { return uint32(c.Packets()[0] + c.Packets()[1]) }

// settleFlags makes the connection's flags say what its record says.
func (s *Set) settleFlags(c *conntrack.Conn, x *side) {
	flags := c.FlowFlags &^ (flowWants | flowDevice)
	t := s.table(c)
	if t == nil {
		return
	}
	if x.queued|x.pending|x.in != 0 {
		flags |= flowDevice
	}
	never := x.home || x.never()&t.devs == t.devs
	if t.devs != 0 && (!never || x.in != 0) {
		flags |= flowWants
	}
	c.FlowFlags = flags
}

// never are the devices that another attempt would be wasted on.
func (x *side) never() (mask uint8) {
	mask = x.refused
	for n, why := range x.why {
		if why == offload.Never || why == offload.OneWay {
			mask |= 1 << n
		}
	}
	return mask
}

// table finds the table that holds a connection.
func (s *Set) table(c *conntrack.Conn) *Table {
	if t := s.zones[c.Zone]; t != nil && t.id == c.FlowTable {
		return t
	}
	for _, t := range s.all {
		if t.id == c.FlowTable {
			return t
		}
	}
	return nil
}

// fits reports whether a device's copy of the flow could do what software
// does. A UDP connection that has been answered but is not assured is the
// tracker's, packet by packet: any of them may make it assured, and a device
// would not tell which. Before an answer nothing can happen to it.
func (s *Set) fits(c *conntrack.Conn) bool {
	if c.FlowFlags&flowBidirectional != 0 || c.Status&conntrack.StatusAssured != 0 {
		return true
	}
	if o := &c.Orig; o.SPort == o.DPort && o.Src == o.Dst {
		return false // each of its packets is an answer to the tracker
	}
	return c.Status&conntrack.StatusSeenReply == 0 && s.release != Linux6_1 // whose tracker ages it meanwhile
}

// sort is what of a connection's state a device was told, beside mark and
// label.
func sort(c *conntrack.Conn) (n uint8) {
	if c.Status&conntrack.StatusAssured != 0 || c.FlowFlags&flowBidirectional != 0 {
		n = 1
	}
	if c.Status&conntrack.StatusSeenReply != 0 {
		n |= 2
	}
	return n
}

// review is called when the tracker has judged a packet of a flow: what a
// device was told may not hold any more (act_ct.c tcf_ct_flow_is_outdated).
func (t *Table) review(c *conntrack.Conn, ref packet.ConnRef, now int64) {
	if x := t.set.side(ref); x.sort != sort(c) {
		x.next = now
		t.set.outdated(t, c, ref, x, now)
	}
}

// outdated takes a flow back from all devices, whose data is wrong now, and
// offers it anew.
func (s *Set) outdated(t *Table, c *conntrack.Conn, ref packet.ConnRef, x *side, now int64) {
	s.now = max(s.now, now)
	for d := range s.each(x.in) {
		if e := d.entries.of(ref); e != nil {
			d.remove(e, offload.Changed)
		}
	}
	x.refused, x.calm, x.sort = 0, 0, sort(c)
	for n := range x.why {
		if x.why[n] == offload.OneWay || x.why[n] == offload.Unsupported {
			x.why[n] = offload.NoReason
		}
	}
	if t.devs != 0 && !x.home {
		c.FlowFlags |= flowWants
		if s.enough(c) && now >= x.next {
			s.attempt(t, c, ref, x, now)
		}
	}
}

// Altered implements conntrack.Owner: mark and label are part of what a device
// was told.
func (s *Set) Altered(ref packet.ConnRef, c *conntrack.Conn) {
	x, t := s.known(ref), s.table(c)
	if x != nil && t != nil {
		s.outdated(t, c, ref, x, s.now)
	}
}

// recheck is for a flow that the device holds although its packets come to
// software: after a long time without packets, or after a FIN that software
// took for none, the device carries nothing until it is asked anew. Where it
// carries some packets, the others miss it for the rules' sake.
func (d *device) recheck(t *Table, c *conntrack.Conn, ref packet.ConnRef, x *side, now int64) {
	e := d.entries.of(ref)
	if e == nil || !e.held {
		return
	}
	if d.prober != nil && !d.probe(e, c) {
		return // it has forgotten the flow, which is tried anew
	}
	moved := e.base.Used != e.mark // which cards without counters tell, too
	e.mark = e.base.Used
	idle := now-e.base.Used >= t.timeout(c)
	if moved && !idle {
		x.calm = 0
		return
	}
	if !idle && d.prober == nil {
		return
	}
	// Twice as long each time: where its packets never reach the flow, asking
	// again helps nobody.
	x.calm = min(x.calm+1, 6)
	x.next = now + d.set.adm.RetryEvery<<x.calm
	if x.calm == 1 && !idle {
		return // once may be chance
	}
	d.remove(e, offload.Changed)
	d.ask(ref, x)
}
