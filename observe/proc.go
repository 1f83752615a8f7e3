package observe

import (
	"fmt"
	"net/netip"
	"strconv"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/packet"
)

// protoNames are the names of transport protocols that nf_conntrack prints;
// all others are "unknown".
var protoNames = map[uint8]string{
	packet.ProtoICMP: "icmp", packet.ProtoTCP: "tcp", packet.ProtoUDP: "udp", packet.ProtoDCCP: "dccp",
	packet.ProtoGRE: "gre", packet.ProtoICMPv6: "icmpv6", packet.ProtoSCTP: "sctp", packet.ProtoUDPLite: "udplite",
}

// ProtoName is a transport protocol's name as nf_conntrack prints it.
func ProtoName(p uint8) string {
	if n, ok := protoNames[p]; ok {
		return n
	}
	return "unknown"
}

func familyName(f uint8) string {
	if f == packet.IPv6 {
		return "ipv6"
	}
	return "ipv4"
}

// AppendProc appends a connection's line of /proc/net/nf_conntrack, without a
// line feed, as it reads at time now (nf_conntrack_standalone.c ct_seq_show).
// A connection that the flow table holds shows neither timeout nor state.
// Nothing is appended for a stale reference.
func AppendProc(b []byte, t *conntrack.Tracker, ref packet.ConnRef, now int64) []byte {
	c := t.Conn(ref)
	if c == nil {
		return b
	}
	acct := t.Settings().Acct
	orig, reply := c.Orig, t.Reply(ref)
	b = appendPadded(b, familyName(orig.Family))
	b = strconv.AppendUint(append(b, ' '), uint64(orig.Family), 10)
	b = appendPadded(append(b, ' '), ProtoName(orig.Proto))
	b = strconv.AppendUint(append(b, ' '), uint64(orig.Proto), 10)
	b = append(b, ' ')
	if c.Status&conntrack.StatusOffload == 0 {
		b = strconv.AppendInt(b, Seconds(c, now), 10)
		b = append(b, ' ')
		if name := c.StateName(); name != "" {
			b = append(append(b, name...), ' ')
		}
	}
	if orig.Proto == packet.ProtoGRE {
		g := c.GRE() // shown also while the flow table holds it
		b = strconv.AppendInt(append(b, "timeout="...), g.Timeout/1e9, 10)
		b = strconv.AppendInt(append(b, ", stream_timeout="...), g.StreamTimeout/1e9, 10)
		b = append(b, ' ')
	}
	b = appendTuple(b, &orig)
	if acct {
		b = appendCounters(b, c, 0)
	}
	if c.Status&conntrack.StatusSeenReply == 0 {
		b = append(b, "[UNREPLIED] "...)
	}
	b = appendTuple(b, &reply)
	if acct {
		b = appendCounters(b, c, 1)
	}
	switch {
	case c.Status&conntrack.StatusHWOffload != 0:
		b = append(b, "[HW_OFFLOAD] "...)
	case c.Status&conntrack.StatusOffload != 0:
		b = append(b, "[OFFLOAD] "...)
	case c.Status&conntrack.StatusAssured != 0:
		b = append(b, "[ASSURED] "...)
	}
	b = strconv.AppendUint(append(b, "mark="...), uint64(c.Mark), 10)
	b = strconv.AppendUint(append(b, " zone="...), uint64(c.Zone), 10)
	if start := t.Started(ref); start != 0 {
		b = strconv.AppendInt(append(b, " delta-time="...), max(now-start, 0)/1e9, 10)
	}
	return strconv.AppendInt(append(b, " use="...), int64(2+flowtable.Held(c)+t.Children(ref)), 10)
}

// Seconds is what is left of a connection's timeout, in whole seconds rounded
// down, as the kernel prints it.
func Seconds(c *conntrack.Conn, now int64) int64 { return max(c.Timeout-now, 0) / 1e9 }

// appendPadded appends a name in a column of eight.
func appendPadded(b []byte, s string) []byte {
	b = append(b, s...)
	for range 8 - len(s) {
		b = append(b, ' ')
	}
	return b
}

func appendCounters(b []byte, c *conntrack.Conn, dir int) []byte {
	b = strconv.AppendUint(append(b, "packets="...), c.Packets()[dir], 10)
	b = strconv.AppendUint(append(b, " bytes="...), c.Bytes()[dir], 10)
	return append(b, ' ')
}

// appendTuple appends addresses and what the protocol has for ports, IPv6 in
// full as the kernel's %pI6 has it.
func appendTuple(b []byte, t *packet.Tuple) []byte {
	b = appendAddr(append(b, "src="...), &t.Src, t.Family)
	b = appendAddr(append(b, " dst="...), &t.Dst, t.Family)
	return appendPorts(append(b, ' '), t)
}

// appendShortTuple is appendTuple with IPv6 addresses as inet_ntop(3) has them.
func appendShortTuple(b []byte, t *packet.Tuple) []byte {
	b = t.Src.Netip(t.Family).AppendTo(append(b, "src="...))
	b = t.Dst.Netip(t.Family).AppendTo(append(b, " dst="...))
	return appendPorts(append(b, ' '), t)
}

// appendPorts appends what the protocol has for ports.
func appendPorts(b []byte, t *packet.Tuple) []byte {
	num := func(name string, v uint64) {
		b = append(b, name...)
		b = append(strconv.AppendUint(b, v, 10), ' ')
	}
	switch t.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		num("sport=", uint64(t.SPort))
		num("dport=", uint64(t.DPort))
	case packet.ProtoICMP, packet.ProtoICMPv6:
		num("type=", uint64(t.DPort>>8))
		num("code=", uint64(t.DPort&0xff))
		num("id=", uint64(t.SPort))
	case packet.ProtoGRE:
		b = strconv.AppendUint(append(b, "srckey=0x"...), uint64(t.SPort), 16)
		b = strconv.AppendUint(append(b, " dstkey=0x"...), uint64(t.DPort), 16)
		b = append(b, ' ')
	}
	return b
}

// appendAddr appends an address; IPv6 in full, as the kernel's %pI6 does.
func appendAddr(b []byte, a *packet.Addr, family uint8) []byte {
	if family != packet.IPv6 {
		return netip.AddrFrom4([4]byte(a[:4])).AppendTo(b)
	}
	const hex = "0123456789abcdef"
	for i, x := range a {
		if i > 0 && i%2 == 0 {
			b = append(b, ':')
		}
		b = append(b, hex[x>>4], hex[x&15])
	}
	return b
}

// AppendFlowtableStat appends /proc/net/stat/nf_flowtable: what waits for, and
// is under way in, devices: additions, removals, readings
// (nf_flow_table_procfs.c nf_flow_table_cpu_seq_show).
func AppendFlowtableStat(b []byte, s *flowtable.Set) []byte {
	add, del, stats := s.Backlog()
	return fmt.Appendf(b, "wq_add   wq_del   wq_stats\n%8d %8d %8d\n", add, del, stats)
}

// AppendTable appends the lines of all connections that live at now. Finish
// the flow tables' maintenance first (flowtable.Set.Sync), so that what they
// have handed back shows.
func AppendTable(b []byte, t *conntrack.Tracker, now int64) []byte {
	for ref := range t.All(now) {
		b = append(AppendProc(b, t, ref, now), '\n')
	}
	return b
}
