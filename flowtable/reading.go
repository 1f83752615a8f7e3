package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// What a device has counted is added to the connection, and its last packet's
// time puts the flow's deadline off. A device that answers at once
// (offload.Prober) is asked before anything is decided; with others, the
// decision waits for the answer.

// absorb adds to a connection what the device has counted since it was read
// last.
func (d *device) absorb(e *entry, c *conntrack.Conn, st *offload.FlowStats) {
	s := d.set
	var packets uint64
	for dir := range st.Packets {
		if st.Packets[dir] < e.base.Packets[dir] || st.Bytes[dir] < e.base.Bytes[dir] {
			d.stats.Ignored[IgnoredBackward]++
			return
		}
		packets += st.Packets[dir] - e.base.Packets[dir]
	}
	if c != nil {
		for dir := range st.Packets {
			c.Add(dir, st.Packets[dir]-e.base.Packets[dir], st.Bytes[dir]-e.base.Bytes[dir])
		}
		s.n.Carried += packets
	} else {
		d.stats.Orphans += packets
	}
	at := min(max(st.At, e.base.At), s.now)
	if dt := at - e.base.At; dt >= second/10 {
		e.rate = float32(float64(packets) * float64(second) / float64(dt))
	}
	used := max(e.base.Used, min(st.Used, s.now))
	e.base = *st
	e.base.Used, e.base.At = used, at
	if mine(c) && !e.gone {
		// A device that does not count packets says by Used alone that it has
		// carried one, be it at the very instant of the flow's entry.
		if end := used + s.timeout(c); end >= c.FlowDeadline && (packets > 0 || st.Used != 0 && st.Used >= used) || end > c.FlowDeadline {
			c.FlowDeadline = end
			if c.Status&conntrack.StatusAssured == 0 {
				s.tr.Unanswered(used, s.now, e.ref, c)
			}
		}
	}
}

// probe reads a held flow's counters at once. It reports false when the device
// does not hold the flow after all, which is then taken back.
func (d *device) probe(e *entry, c *conntrack.Conn) bool {
	s := d.set
	d.stats.Reads++
	st, ok := d.prober.Probe(s.now, e.ref)
	if d.dead {
		return false
	}
	if ok {
		d.absorb(e, c, &st)
		return true
	}
	d.stats.Forgot++
	x := s.known(e.ref)
	d.remove(e, offload.Fault)
	if x != nil {
		x.next = max(x.next, s.now+s.adm.RetryEvery)
	}
	return false
}

// read asks for a held flow's counters, whichever way the device has.
func (d *device) read(e *entry, c *conntrack.Conn) {
	switch {
	case !e.held:
		d.peek(e, c)
	case d.prober != nil:
		d.probe(e, c)
	case e.reads == 0:
		e.reads, e.asked = 1, d.set.now
		d.reads.push(e.ref)
	}
}

// peek reads the counters of a flow whose insertion is not answered yet: the
// device may carry it already, or may have lost the answer.
func (d *device) peek(e *entry, c *conntrack.Conn) {
	if e.adds == 0 || e.gone || d.prober == nil {
		return
	}
	if st, ok := d.prober.Probe(d.set.now, e.ref); ok && !d.dead {
		d.absorb(e, c, &st)
	}
}

// settle makes a flow's deadline true as far as devices know. It reports false
// if one has yet to answer whether it was used before the deadline.
func (s *Set) settle(ref packet.ConnRef, c *conntrack.Conn, now int64) bool {
	s.now = max(s.now, now)
	x, sure := s.known(ref), true
	if x == nil {
		return true
	}
	for d := range s.each(x.in) {
		e := d.entries.of(ref)
		if e == nil || d.prober == nil && (!e.held || e.base.At >= c.FlowDeadline) {
			continue
		}
		d.read(e, c)
		sure = sure && d.prober != nil
	}
	return sure
}

// late reads a flow's counters once less than nine tenths of its timeout are
// left as far as software knows (nf_flow_table_offload.c nf_flow_offload_stats),
// and reports whether it did.
func (s *Set) late(ref packet.ConnRef, c *conntrack.Conn, now int64) bool {
	if to := s.timeout(c); c.FlowDeadline-now >= to/10*9 {
		return false
	}
	s.glance(ref, c)
	return true
}

// glance reads a flow's counters.
func (s *Set) glance(ref packet.ConnRef, c *conntrack.Conn) {
	x := s.known(ref)
	if x == nil {
		return
	}
	for d := range s.each(x.in) {
		if e := d.entries.of(ref); e != nil {
			d.read(e, c)
		}
	}
}

// Read reads all counters that devices have, so that connections show them.
// Where a device answers only later, what it can be made to tell now is taken
// in, and the rest comes with a later Pump.
func (s *Set) Read(now int64) {
	s.now = max(s.now, now)
	for d := range s.each(0xff) {
		for i := d.entries.n - 1; i >= 0 && !d.dead; i-- {
			if i < d.entries.n {
				e := d.entries.all.at(i)
				d.read(e, s.tr.Conn(e.ref))
			}
		}
		if d.prober != nil || d.dead {
			continue
		}
		d.flushReads(now)
		if st, ok := d.drv.(offload.Settler); ok {
			st.Settle(now)
		}
		for range d.entries.n/(maxPolls*doneSize) + 1 {
			d.poll(now)
		}
	}
}

func (s *Set) timeout(c *conntrack.Conn) int64 { return s.Idle(c.Orig.Proto) }

// Idle is how long a flow of a protocol may be idle.
func (s *Set) Idle(proto uint8) int64 {
	set := s.tr.Settings()
	if proto == packet.ProtoTCP {
		return set.FlowtableTCPTimeout
	}
	return set.FlowtableUDPTimeout
}
