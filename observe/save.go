package observe

import (
	"fmt"
	"strings"

	"sluice/conntrack"
	"sluice/packet"
)

// AppendSave appends an entry as the arguments that would make conntrack(8)
// add, update or delete it (`conntrack -o save`), without a line feed.
func AppendSave(b []byte, e *Entry) []byte {
	c := e.Conn
	orig, reply := c.Orig, e.Reply
	b = append(b, [...]string{"-A", "-A", "-U", "-D", "-U"}[KindOf(e.What)]...)
	if s, ok := e.timeout(); ok {
		b = fmt.Appendf(b, " -t %d", s)
	}
	b = fmt.Appendf(b, " -u %s", savedStatus(c.Status))
	if c.Zone != 0 {
		b = fmt.Appendf(b, " -w %d", c.Zone)
	}
	b = fmt.Appendf(b, " -s %s -d %s", orig.Src.Netip(orig.Family), orig.Dst.Netip(orig.Family))
	src, dst := " -r", " -q"
	if reply.Src != orig.Dst {
		src = " -g"
	}
	if reply.Dst != orig.Src {
		dst = " -n"
	}
	b = fmt.Appendf(b, "%s %s%s %s", src, reply.Src.Netip(reply.Family), dst, reply.Dst.Netip(reply.Family))
	switch orig.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		b = fmt.Appendf(b, " -p %s --sport %d --dport %d --reply-port-src %d --reply-port-dst %d",
			ProtoName(orig.Proto), orig.SPort, orig.DPort, reply.SPort, reply.DPort)
		if s := e.state(); s != "" {
			b = fmt.Appendf(b, " --state %s", s)
			if orig.Proto == packet.ProtoSCTP {
				b = fmt.Appendf(b, " --orig-vtag %d --reply-vtag %d", c.SCTP().VTag[0], c.SCTP().VTag[1])
			}
		}
	case packet.ProtoICMP, packet.ProtoICMPv6:
		name := ProtoName(orig.Proto)
		b = fmt.Appendf(b, " -p %s --%s-type %d --%s-code %d --%s-id %d", name, name, orig.DPort>>8, name, orig.DPort&0xff, name, orig.SPort)
	case packet.ProtoGRE:
		b = fmt.Appendf(b, " -p gre --srckey %d --dstkey %d --reply-key-src %d --reply-key-dst %d", orig.SPort, orig.DPort, reply.SPort, reply.DPort)
	default:
		b = fmt.Appendf(b, " -p %d", orig.Proto)
	}
	return b
}

// savedStatus names the status bits that -A takes, by bit; nobody can make a
// connection offloaded.
func savedStatus(status uint16) string {
	var names []string
	for _, s := range []struct {
		bit  uint16
		name string
	}{
		{conntrack.StatusExpected, "EXPECTED"}, {conntrack.StatusSeenReply, "SEEN_REPLY"}, {conntrack.StatusAssured, "ASSURED"},
		{conntrack.StatusFixedTimeout, "FIXED_TIMEOUT"},
	} {
		if status&s.bit != 0 {
			names = append(names, s.name)
		}
	}
	if names == nil {
		return "UNSET"
	}
	return strings.Join(names, ",")
}
