package conntrack

import "sluice/packet"

// A SYN may have the port of a connection that is closing: where none is
// free, a translator behind which clients open and close connections fast would
// otherwise refuse new ones for the two minutes of TIME_WAIT (nf_nat_core.c
// nf_nat_used_tuple_harder). The old connection ends with that.

const (
	// natAttempts is how many ports the kernel tries in a row
	// (NF_NAT_MAX_ATTEMPTS).
	natAttempts = 128
	// natHarder is how many of its last tries may end a connection
	// (NF_NAT_HARDER_THRESH).
	natHarder = natAttempts / 4
)

// opens reports whether a connection is one that a SYN has just begun: only
// such takes a port over.
func opens(c *Conn) bool {
	return c.Orig.Proto == packet.ProtoTCP && c.TCP.State == TCPSynSent
}

// mayTake reports whether a new connection whose SYN ends at sequence number end
// may have the reply tuple of old, met in direction dir. Old packets of the
// server's must not fit into the new connection's window, so its numbers have to
// be ahead (nf_nat_may_kill, nf_seq_has_advanced).
func (old *Conn) mayTake(dir int, end uint32) bool {
	return dir == 1 && old.TCP.State >= TCPTimeWait &&
		old.Status&(StatusSrcNAT|StatusFixedTimeout|StatusDying|StatusOffload|StatusHWOffload) == StatusSrcNAT &&
		after(end, old.TCP.Seen[0].End)
}

// takeFrom ends the connection of a reply tuple if c may have the tuple, and
// reports whether no connection has the tuple afterwards.
func (t *Tracker) takeFrom(now int64, reply *packet.Tuple, zone uint16, end uint32) bool {
	ref, old, dir := t.Find(reply, t.Hash(reply), zone, now)
	if old == nil {
		return true
	}
	if !old.mayTake(dir, end) {
		return false
	}
	t.clock(now)
	t.destroy(slotOf(ref), old)
	return true
}

// yields reports whether c, which a SYN has begun, can have a tuple: it is free,
// or its connection is closing and has ended here.
func (t *Tracker) yields(now int64, tu *packet.Tuple, c *Conn) bool {
	reply, end := invert(tu), c.TCP.Seen[0].End
	if !t.takeFrom(now, &reply, c.Zone, end) {
		return false
	}
	return !t.claiming() || t.takeElsewhere(now, &reply, c.Zone, end)
}

// takeElsewhere is takeFrom for the tracker that claims the tuple, if it is
// another one.
func (t *Tracker) takeElsewhere(now int64, reply *packet.Tuple, zone uint16, end uint32) bool {
	cl := &t.shared.claims
	k := cl.keyOf(reply, zone)
	who, _, ok := cl.get(&k)
	owner := int(who[k.side]) - 1
	if !ok || owner < 0 || owner == t.member {
		return true
	}
	free := false
	t.visit(owner, func(o *Tracker) { free = o.takeFrom(now, reply, zone, end) })
	return free
}

// takeOver looks at some of a large range's ports, all of which are taken,
// and ends a closing connection for one of them: as many as the kernel looks
// at in that way, in its ever smaller windows (nf_nat_l4proto_unique_tuple).
func (t *Tracker) takeOver(now int64, to packet.Tuple, c *Conn, lo, size uint32, manip Manip) (packet.Tuple, bool) {
	for attempts := uint32(natAttempts); attempts >= natLeast/2; attempts /= 2 {
		off := t.random() & 0xffff
		for i := range min(attempts, natHarder) {
			setNATPort(&to, manip, uint16(lo+(off+i)%size))
			if t.yields(now, &to, c) {
				return to, true
			}
		}
	}
	return to, false
}

// natLeast is the smallest window after which the kernel makes another one of
// half the size.
const natLeast = 16
