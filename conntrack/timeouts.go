package conntrack

import (
	"math/bits"

	"sluice/packet"
)

// Timeouts are how long a connection lives without a packet, in nanoseconds.
// The zeros that are allowed say so.
type Timeouts struct {
	TCPTimeouts [numTCPTimeouts]int64

	UDPTimeout       int64 // until a reply, and after one for the first two seconds
	UDPTimeoutStream int64
	UDPFirst         int64 // after the first packet; 0: UDPTimeout
	UDPReplied       int64 // from a reply on, before it counts as a stream; 0: UDPTimeout

	ICMPTimeout, ICMPv6Timeout   int64
	ICMPReply                    int64 // after an answer, of either family; 0: the query's
	GenericTimeout               int64
	GRETimeout, GRETimeoutStream int64
	SCTPTimeouts                 [len(sctpNames)]int64 // by state, from CLOSED on
	DCCPTimeouts                 [len(dccpNames)]int64 // by state, from REQUEST on
}

// tcpNames are the timeouts' names by state, then the two others. NONE has none.
var tcpNames = [numTCPTimeouts]string{
	TCPSynSent: "syn_sent", TCPSynRecv: "syn_recv", TCPEstablished: "established", TCPFinWait: "fin_wait",
	TCPCloseWait: "close_wait", TCPLastAck: "last_ack", TCPTimeWait: "time_wait", TCPClose: "close",
	TCPSynSent2: "", tcpRetrans: "max_retrans", tcpUnack: "unacknowledged",
}

var sctpNames = [...]string{"closed", "cookie_wait", "cookie_echoed", "established", "shutdown_sent", "shutdown_recd", "shutdown_ack_sent", "heartbeat_sent"}

var dccpNames = [...]string{"request", "respond", "partopen", "open", "closereq", "closing", "timewait"}

// knobs lists the timeouts under their sysctls' names.
func (t *Timeouts) knobs() []knob {
	k := []knob{
		{name: "nf_conntrack_udp_timeout", seconds: &t.UDPTimeout},
		{name: "nf_conntrack_udp_timeout_stream", seconds: &t.UDPTimeoutStream},
		{name: "nf_conntrack_icmp_timeout", seconds: &t.ICMPTimeout},
		{name: "nf_conntrack_icmpv6_timeout", seconds: &t.ICMPv6Timeout},
		{name: "nf_conntrack_generic_timeout", seconds: &t.GenericTimeout},
		{name: "nf_conntrack_gre_timeout", seconds: &t.GRETimeout},
		{name: "nf_conntrack_gre_timeout_stream", seconds: &t.GRETimeoutStream},
	}
	add := func(prefix string, names []string, values []int64) {
		for i, n := range names {
			if n != "" {
				k = append(k, knob{name: prefix + n, seconds: &values[i]})
			}
		}
	}
	add("nf_conntrack_tcp_timeout_", tcpNames[:], t.TCPTimeouts[:])
	add("nf_conntrack_sctp_timeout_", sctpNames[:], t.SCTPTimeouts[:])
	add("nf_conntrack_dccp_timeout_", dccpNames[:], t.DCCPTimeouts[:])
	return k
}

// udpUnseen is the timeout as long as no reply had been seen before.
func (t *Timeouts) udpUnseen(c *Conn, dir int) int64 {
	switch {
	case dir == 1:
		return t.udpReplied()
	case t.UDPFirst != 0 && c.Packets()[0] == 0:
		return t.UDPFirst
	}
	return t.UDPTimeout
}

func (t *Timeouts) udpReplied() int64 {
	if t.UDPReplied != 0 {
		return t.UDPReplied
	}
	return t.UDPTimeout
}

// idle is how long a connection in its present state may live without a
// packet, by its state alone.
func (t *Timeouts) idle(c *Conn) int64 {
	seen := c.Status&StatusSeenReply != 0
	switch c.Orig.Proto {
	case packet.ProtoTCP:
		return t.TCPTimeouts[c.TCP.State]
	case packet.ProtoUDP, packet.ProtoUDPLite:
		if seen {
			return t.UDPTimeoutStream
		}
		return t.UDPTimeout
	case packet.ProtoICMP:
		return t.ICMPTimeout
	case packet.ProtoICMPv6:
		return t.ICMPv6Timeout
	case packet.ProtoSCTP:
		return t.SCTPTimeouts[max(c.SCTP().State, SCTPClosed)-SCTPClosed]
	case packet.ProtoDCCP:
		return t.DCCPTimeouts[max(c.DCCP().State, DCCPRequest)-DCCPRequest]
	case packet.ProtoGRE:
		if seen {
			return c.GRE().StreamTimeout
		}
		return c.GRE().Timeout
	}
	return t.GenericTimeout
}

// Timeouts are those that hold for a connection: its zone's policy, or
// everybody's.
func (t *Tracker) Timeouts(c *Conn) *Timeouts {
	if p := t.lim.policies; p != nil {
		if z := t.lim.zone(c.Zone); z != nil && z.timed {
			return &p[z.policy-1]
		}
	}
	return &t.set.Timeouts
}

// adaptive reports that timeouts are shorter than they are set now.
func (t *Tracker) adaptive() bool {
	s := t.set
	return s.AdaptiveEnd > s.AdaptiveStart && int64(t.slab.live) > s.AdaptiveStart
}

// scaled is a timeout at the table's present filling: all of it up to
// adaptive.start connections, nothing from adaptive.end on, and in between
// what pf.conf(5) says, (end - connections) / (end - start).
func (t *Tracker) scaled(timeout int64) int64 {
	if t.set.AdaptiveEnd == 0 || !t.adaptive() {
		return timeout
	}
	start, end := t.set.AdaptiveStart, t.set.AdaptiveEnd
	left := max(end-int64(t.slab.live), 0)
	hi, lo := bits.Mul64(uint64(timeout), uint64(left))
	q, _ := bits.Div64(hi, lo, uint64(end-start)) // left < end-start, so it fits
	return int64(q)
}

// scaledAt is scaled among the connections that live at now: how many of the others
// have been collected by then depends on maintenance and on how packets fall into
// vectors, and must not show in a timeout.
func (t *Tracker) scaledAt(now, timeout int64) int64 {
	if t.set.AdaptiveEnd == 0 {
		return timeout
	}
	if t.adaptive() {
		t.collect(now)
	}
	return t.scaled(timeout)
}

// shortenAll brings down all connections that have been idle since the table
// began to fill. One pass does it, at the first maintenance of a second: a walk
// spread over calls would let a connection's end depend on its slot and on how
// often maintenance comes.
func (t *Tracker) shortenAll(now int64) {
	if !t.adaptive() {
		return
	}
	if t.collect(now); !t.adaptive() {
		return
	}
	for n := uint32(1); n <= t.slab.used; n++ {
		if n%SeekSize == 0 {
			t.askAhead(n + SeekSize)
		}
		if c := t.slab.at(n); c.Status&StatusConfirmed != 0 {
			t.shorten(now, n, c)
		}
	}
}

// shorten brings a connection that has been idle since the table began to
// fill down to what a packet would give it now.
func (t *Tracker) shorten(now int64, slot uint32, c *Conn) {
	if c.Status&(StatusOffload|StatusFixedTimeout) != 0 {
		return
	}
	if d := now + t.scaled(t.Timeouts(c).idle(c)); d < c.Timeout {
		c.Timeout = d
		t.sooner(slot, c)
	}
}
