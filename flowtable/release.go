package flowtable

import (
	"sluice/conntrack"
	"sluice/packet"
)

// Release names the kernel whose treatment of conntrack's own timeout a flow
// table follows. It shows in what is left of a connection's timeout after it
// has been handed back, and nowhere else but for very short UDP timeouts.
type Release uint8

const (
	// Linux6_12 gives a connection one day when it enters, and tops it up
	// every second once less than five minutes are left
	// (nf_flow_table_core.c nf_flow_table_extend_ct_timeout).
	Linux6_12 Release = iota
	// Linux6_1 raises the timeout to a day only if less than half a day is
	// left, once; an unassured UDP connection may then expire while it is
	// held.
	Linux6_1
)

// Behave selects the kernel to follow; the default is Linux6_12. Call it
// before the first packet.
func (s *Set) Behave(r Release) {
	s.release = r
	s.tr.OffloadExpires(r == Linux6_1)
}

const (
	day       = 24 * 3600 * second
	topUpFrom = 300 * second
)

// enter sets the tracker's timeout of a connection that a table takes.
func (s *Set) enter(c *conntrack.Conn, now int64) {
	if s.release == Linux6_12 || c.Timeout-now < day/2 {
		c.Timeout = now + day
	}
}

// handBack returns a connection to the tracker at time at
// (nf_flow_table_core.c flow_offload_fixup_ct): the windows are learnt anew,
// and what is left of its timeout is at most its state's less the flow
// table's, so that time spent idle in the table counts.
func (s *Set) handBack(c *conntrack.Conn, ref packet.ConnRef, at int64) {
	s.fixUp(c, at)
	s.tr.Sooner(ref, c)
}

// fixUp is what handBack does to the connection's own record.
func (s *Set) fixUp(c *conntrack.Conn, at int64) {
	c.Status &^= conntrack.StatusOffload | conntrack.StatusHWOffload
	if s.release == Linux6_12 && c.Timeout-at < topUpFrom {
		c.Timeout = at + day // topped up meanwhile
	}
	set, to := s.tr.Settings(), s.tr.Timeouts(c)
	var left int64
	switch c.Orig.Proto {
	case packet.ProtoTCP:
		c.TCP.Seen[0].MaxWin = 0
		c.TCP.Seen[1].MaxWin = 0
		left = to.TCPTimeouts[c.TCP.State] - set.FlowtableTCPTimeout
	case packet.ProtoUDP:
		left = to.UDPTimeout
		if c.Status&conntrack.StatusSeenReply != 0 {
			left = to.UDPTimeoutStream
		}
		left -= set.FlowtableUDPTimeout
	default:
		return
	}
	if d := at + max(left, 0); c.Timeout > d {
		c.Timeout = d
	}
}
