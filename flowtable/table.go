package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// Bits of a connection's FlowFlags.
const (
	// flowLive: a table holds the connection.
	flowLive uint8 = 1 << iota
	// flowBidirectional: both directions are the table's. A UDP connection
	// enters with its original direction alone, so that devices can carry
	// one-way traffic (act_ct.c NF_FLOW_HW_BIDIRECTIONAL).
	flowBidirectional
	// flowWants: a packet in software is a reason to try for a device.
	flowWants
	// flowDevice: some device holds it, was asked, or will be.
	flowDevice
)

// Table is one zone's flow table.
type Table struct {
	set  *Set
	tr   *conntrack.Tracker
	zone uint16
	id   uint16 // what FlowTable of a connection in this table says
	refs int

	devs   uint8 // registered devices, a bit each
	replay int   // flows below it are still to be told to devices

	flows list[packet.ConnRef]
	// chains are those whose ct action gave the flows, at the same positions.
	chains list[uint32]
	// stale are flows torn down since the last sweep: the kernel's garbage
	// collector still holds them, and their connection's use count shows it.
	stale []torn

	born    int64 // sweeps happen at born + k*gcInterval
	swept   int64 // the last instant whose sweep is complete
	sweep   int64 // the instant of the sweep under way; 0: none
	cursor  int   // flows below it are still to be looked at
	due     int   // flows there were when it began
	rush    bool  // finish the sweep at once: somebody is looking
	dyingAt int64 // when a table without references gives its flows back

	sampled int64 // when Sample looked last
	credit  int64 // flows that time has earned it, times the timeout
	sample  int   // flows below it come next
	pass    int64 // how often it has begun anew
	k       int64 // the shortest timeout then, ns
}

// torn is a flow that was torn down at a time.
type torn struct {
	ref packet.ConnRef
	at  int64
}

// Zone is the zone whose connections the table holds.
func (t *Table) Zone() uint16 { return t.zone }

// Len is the number of flows held.
func (t *Table) Len() int { return t.flows.len() }

// Lookup judges a packet by the table (act_ct.c tcf_ct_flow_table_lookup). On
// a hit it sets ct and reports true: the tracker is not asked. It also
// refreshes the flow, and ends it on FIN or RST, when it reports false.
//
// h.Hash must be the tracker's hash of h.Tuple. f is what a search for the
// packet's connection in the table's zone has come to; if there was none and
// the table needs one, it is filled in.
func (t *Table) Lookup(now int64, h *packet.Headers, ct *packet.CT, f *conntrack.Found) bool {
	// Fragments, IP options or extension headers (IPOptions says of both) and
	// packets about to expire are the tracker's.
	if h.Flags&(packet.HasL4|packet.IsFrag|packet.IPOptions|packet.TTLLow) != packet.HasL4 {
		return false
	}
	switch h.Proto {
	case packet.ProtoTCP, packet.ProtoUDP:
	case packet.ProtoGRE:
		if h.Tuple.SPort|h.Tuple.DPort != 0 {
			return false // PPTP's GRE has keys in its tuple
		}
	default:
		return false
	}
	if !f.Known {
		*f = t.tr.Search(&h.Tuple, h.Hash, t.zone, now)
	} else if !t.tr.Lives(f, now) {
		f.Conn = nil
	}
	c := f.Conn
	if c == nil || !t.Hit(now, h, f.Ref, c, f.Dir) {
		return false
	}
	ct.Conn, ct.Info = f.Ref, packet.CTEstablishedReply
	if f.Dir == 0 {
		// Assured implies that replies have been seen, but for what came in
		// by force; the kernel looks all the same.
		ct.Info = packet.CTNew
		if c.Status&conntrack.StatusSeenReply != 0 {
			ct.Info = packet.CTEstablished
		}
	}
	return true
}

// Hit is what Lookup does once it has found the packet's connection and
// direction, for callers that have found it themselves. The packet must be
// TCP, UDP or GRE without options, whole, and not about to expire.
func (t *Table) Hit(now int64, h *packet.Headers, ref packet.ConnRef, c *conntrack.Conn, dir int) bool {
	if c.FlowFlags&flowLive == 0 || c.FlowTable != t.id || t.expired(c, ref, now) {
		return false
	}
	if dir == 1 && c.FlowFlags&flowBidirectional == 0 && c.Status&conntrack.StatusAssured != 0 {
		c.FlowFlags |= flowBidirectional
	}
	if h.Proto == packet.ProtoTCP && h.TCPFlags&(tcpFIN|tcpRST) != 0 {
		t.set.n.Closed++
		t.teardown(c, ref, now, offload.Closed)
		return false
	}
	t.refresh(c, now)
	if c.Status&conntrack.StatusAssured == 0 {
		return false // the tracker may promote it
	}
	c.Add(dir, 1, h.IPBytes())
	t.set.n.Hits++
	if c.FlowFlags&flowWants != 0 {
		t.attend(c, now)
	}
	return true
}

// Carry is Hit for an ordinary packet, without FIN or RST, of a connection whose
// packets were hits before: it is assured, and in this table, in both directions, or
// has been taken out of it since, which c.Path tells by being zero. idle is Set.Idle of
// its protocol. It reports false, with nothing done, when the flow is overdue. Carried
// counts its hits; with devices about, Attend is to be called.
func (t *Table) Carry(c *conntrack.Conn, dir uint32, g *packet.Gist, now, idle int64) bool {
	return c.Prolong(dir, g.Bytes(), now, now+idle)
}

// HasDevices reports whether any device is to be told of flows.
func (s *Set) HasDevices() bool { return s.ndev != 0 }

// Attend sees to a flow that Carry has let a packet of through: a device may be
// tried again.
func (t *Table) Attend(c *conntrack.Conn, now int64) {
	if c.FlowFlags&flowWants != 0 {
		t.attend(c, now)
	}
}

// Carried adds n packets that Carry has let through to the table's hits.
func (t *Table) Carried(n uint64) { t.set.n.Hits += n }

const (
	tcpFIN = 0x01
	tcpRST = 0x04
)

// timeout is how long a flow may be idle.
func (t *Table) timeout(c *conntrack.Conn) int64 { return t.set.timeout(c) }

// refresh puts the deadline off: it is always the last packet's time and the
// timeout, so that nobody can tell in which tier that packet was carried. The
// kernel writes it at most once a second (nf_flow_table_core.c
// flow_offload_refresh), which shows in nothing but flows that live up to a
// second shorter.
func (t *Table) refresh(c *conntrack.Conn, now int64) { c.FlowDeadline = now + t.timeout(c) }

// lastInstant is the last sweep instant at or before now.
func (t *Table) lastInstant(now int64) int64 {
	return now - (now-t.born)%gcInterval
}

// firstInstant is the first sweep instant at or after x.
func (t *Table) firstInstant(x int64) int64 {
	if r := (x - t.born) % gcInterval; r != 0 {
		return x + gcInterval - r
	}
	return x
}

// expired hands a flow back if a sweep should have done so by now. What
// devices know of its last packet counts.
func (t *Table) expired(c *conntrack.Conn, ref packet.ConnRef, now int64) bool {
	if now < c.FlowDeadline || t.firstInstant(c.FlowDeadline) > now || !t.set.settle(ref, c, now) {
		return false
	}
	g := t.firstInstant(c.FlowDeadline) // as devices know it
	if g > now {
		return false
	}
	t.age(c, ref, g)
	return true
}

// age hands back a flow that was found idle at instant g. The sweep deletes
// it at once, so nothing stale remains.
func (t *Table) age(c *conntrack.Conn, ref packet.ConnRef, g int64) {
	t.set.n.Aged++
	t.unlink(c, ref, offload.Idle, g)
	t.set.handBack(c, ref, g)
}

// teardown hands a flow back in the middle of a second; the entry itself
// lives until the next sweep.
func (t *Table) teardown(c *conntrack.Conn, ref packet.ConnRef, now int64, why offload.Reason) {
	t.unlink(c, ref, why, now)
	if c.FlowRefs < 255 {
		c.FlowRefs++
		t.stale = append(t.stale, torn{ref, now})
	}
	t.set.handBack(c, ref, now)
}

// unlink takes a connection off the table's list, and out of all devices.
func (t *Table) unlink(c *conntrack.Conn, ref packet.ConnRef, why offload.Reason, at int64) {
	t.set.leave(ref, c, why)
	t.unlinkAt(int(c.FlowPos))
	c.Status &^= conntrack.StatusOffload
	c.FlowFlags = 0
	c.FlowTable = 0
	c.Path = 0
	t.tr.Moved(at, ref, conntrack.EventBack, 0, uint8(why))
}

func (t *Table) unlinkAt(i int) {
	t.chains.remove(i)
	moved, ok := t.flows.remove(i)
	if ok {
		if m := t.conn(moved); m != nil {
			m.FlowPos = uint32(i)
		}
		if n := t.flows.len(); n > 0 {
			t.tr.Ask(t.flows.at(n - 1)) // it is moved when the next one leaves
		}
	}
}
