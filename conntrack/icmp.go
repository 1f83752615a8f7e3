package conntrack

import (
	"sluice/packet"
)

// icmpKind says what an ICMP message is to the tracker.
type icmpKind uint8

const (
	icmpQuery   icmpKind = iota // goes the way of any other packet
	icmpRelated                 // an error about a known connection, which the packet now carries
	icmpInvalid                 // broken, or about nothing that is known
)

// ICMP and ICMPv6 types.
const (
	icmpUnreachable   = 3
	icmpSourceQuench  = 4
	icmpRedirect      = 5
	icmpTimeExceeded  = 11
	icmpParameter     = 12
	icmpMaxType       = 18 // NR_ICMP_TYPES
	icmp6Errors       = 128
	icmp6MLDQuery     = 130
	icmp6NeighbourAdv = 136
	icmp6Redirect     = 137
	icmp6MLDv2Report  = 143
	icmp6MRDAdv       = 151 // multicast router discovery (RFC 4286)
	icmp6MRDSol       = 152
)

// icmpError looks at an ICMP message before its connection is looked up
// (nf_conntrack_proto_icmp.c nf_conntrack_icmpv4_error, and its twin for
// IPv6).
func (t *Tracker) icmpError(now int64, frame, b []byte, h *packet.Headers, zone uint16, ct *packet.CT) icmpKind {
	if len(b) < 8 {
		return t.notICMP(InvalidTruncated)
	}
	if t.set.Checksum && !checksumOK(frame, b, h) {
		return t.notICMP(InvalidChecksum)
	}
	typ := b[0]
	if h.Proto == packet.ProtoICMP {
		switch typ {
		case icmpUnreachable, icmpSourceQuench, icmpRedirect, icmpTimeExceeded, icmpParameter:
			return t.quoted(now, b[8:], h, zone, ct)
		}
		if typ > icmpMaxType {
			return t.notICMP(InvalidICMPType)
		}
		return icmpQuery
	}
	switch {
	case typ >= icmp6MLDQuery && typ <= icmp6NeighbourAdv, typ == icmp6MLDv2Report, typ == icmp6MRDAdv, typ == icmp6MRDSol:
		// Multicast listener and neighbour discovery are not tracked. Behind
		// a ct action flower shows such a packet as it shows an invalid one.
		return t.notICMP(InvalidUntracked)
	case typ == icmp6Redirect:
		return t.redirect6(now, frame, b, h, zone, ct)
	case typ < icmp6Errors:
		return t.quoted(now, b[8:], h, zone, ct)
	}
	return icmpQuery
}

// quoted finds the connection that an error talks about. The quoted packet is
// one of the connection's own; the error belongs to the direction that
// answers it, and must be addressed to whoever sent it
// (nf_conntrack_inet_error).
func (t *Tracker) quoted(now int64, b []byte, h *packet.Headers, zone uint16, ct *packet.CT) icmpKind {
	var in packet.Headers
	packet.ParseInner(b, h.Tuple.Family, &in)
	if in.L4 == 0 || in.FragOff != 0 || in.Flags&(packet.BadL3|packet.TruncL3|packet.BadExt) != 0 {
		return t.notICMP(InvalidICMPQuote)
	}
	if !hasTuple(b[in.L4:in.End], &in) || !invertible(&in.Tuple) {
		return t.notICMP(InvalidICMPQuote)
	}
	inner := invert(&in.Tuple)
	ref, c, dir := t.Find(&inner, t.Hash(&inner), zone, now)
	if ref == 0 || h.Tuple.Dst != inner.Dst {
		return t.notICMP(InvalidICMPUnknown)
	}
	ct.Conn, ct.Info = ref, packet.CTRelated
	if dir == 1 || c.toItself() {
		ct.Info = packet.CTRelatedReply
	}
	return icmpRelated
}

// redirect6 handles a redirect, which quotes its packet in an option. Only
// one from a neighbour counts. One with a code, or whose first option is
// another, goes the way of any message, which ends where it is found to be no
// query (nf_conntrack_icmpv6_redirect).
func (t *Tracker) redirect6(now int64, frame, b []byte, h *packet.Headers, zone uint16, ct *packet.CT) icmpKind {
	const header, option, redirectedHeader = 40, 8, 4
	if len(b) < header {
		return t.notICMP(InvalidTruncated)
	}
	if b[1] != 0 {
		return icmpQuery
	}
	if h.TTL != 255 || !linkLocal(&h.Tuple.Src) || len(b) < header+2 || b[header+1] == 0 {
		return t.notICMP(InvalidICMPQuote)
	}
	if b[header] != redirectedHeader {
		return icmpQuery
	}
	return t.quoted(now, b[min(header+option, len(b)):], h, zone, ct)
}

// linkLocal is IPV6_ADDR_LINKLOCAL of ipv6_addr_type, which holds for multicast
// to the link, too.
func linkLocal(a *packet.Addr) bool {
	return a[0] == 0xfe && a[1]&0xc0 == 0x80 || a[0] == 0xff && a[1]&0x0f == 2
}

// icmp judges a query or an answer to one.
func (t *Tracker) icmp(now int64, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	to := t.Timeouts(c)
	timeout := to.ICMPTimeout
	switch typ := c.Orig.DPort >> 8; h.Proto {
	case packet.ProtoICMP:
		if typ != 8 && typ != 13 && typ != 15 && typ != 17 { // the queries
			return t.not(InvalidICMPAnswer)
		}
	default:
		timeout = to.ICMPv6Timeout
		if typ != 128 && typ != 139 {
			return t.not(InvalidICMPAnswer)
		}
	}
	if to.ICMPReply != 0 && ct.Info.Dir() == 1 {
		timeout = to.ICMPReply
	}
	return t.refreshAcct(now, h, c, ct, timeout)
}
