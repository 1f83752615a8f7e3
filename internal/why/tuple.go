package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sluice/packet"
)

// Query is what is asked for: connections that have these ends, in either
// order and either direction. What is not said fits anything.
type Query struct {
	proto   uint8
	ends    []end
	zone    uint16
	hasZone bool
}

// end is one end.
type end struct {
	addr netip.Addr // invalid: any
	port uint16     // 0: any
}

var protocols = map[string]uint8{
	"tcp": packet.ProtoTCP, "udp": packet.ProtoUDP, "icmp": packet.ProtoICMP, "icmpv6": packet.ProtoICMPv6, "ipv6-icmp": packet.ProtoICMPv6,
	"sctp": packet.ProtoSCTP, "dccp": packet.ProtoDCCP, "udplite": packet.ProtoUDPLite, "gre": packet.ProtoGRE,
}

// Parse reads a tuple: a protocol, up to two ends as ADDRESS, ADDRESS:PORT,
// [ADDRESS]:PORT or :PORT, and zone N, in any order; or words as the connection
// table prints them (src=, dst=, sport=, dport=, zone=), of which the first of
// each kind counts and others are passed over.
func Parse(words []string) (q Query, err error) {
	var src, dst end
	table := slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "=") })
	seen := map[string]bool{}
	for i := 0; i < len(words); i++ {
		w := strings.TrimSuffix(words[i], ",")
		key, value, isKey := strings.Cut(w, "=")
		if p, ok := protocols[strings.ToLower(w)]; ok {
			if q.proto != 0 && q.proto != p && !table {
				return q, fmt.Errorf("tuple %q: a connection has one protocol", w)
			}
			q.proto = p
			continue
		}
		switch {
		case w == ">" || w == "->" || w == "<>":
		case w == "zone" && i+1 < len(words):
			i++
			err = q.setZone(words[i])
		case isKey && seen[key]:
		case isKey:
			seen[key] = true
			switch key {
			case "src":
				src.addr, err = netip.ParseAddr(value)
			case "dst":
				dst.addr, err = netip.ParseAddr(value)
			case "sport":
				src.port, err = port(value)
			case "dport":
				dst.port, err = port(value)
			case "zone":
				err = q.setZone(value)
			}
		case table: // states, numbers, flags
		default:
			var e end
			if e, err = parseEnd(w); err == nil {
				q.ends = append(q.ends, e)
			}
		}
		if err != nil {
			return q, fmt.Errorf("tuple %q: %w", words[i], err)
		}
	}
	if src != (end{}) || dst != (end{}) {
		q.ends = append(q.ends, src, dst)
	}
	if len(q.ends) > 2 {
		return q, fmt.Errorf("tuple has %d ends; a connection has two", len(q.ends))
	}
	if len(q.ends) == 0 && q.proto == 0 && !q.hasZone {
		what := "is empty"
		if len(words) > 0 {
			what = fmt.Sprintf("%q names no protocol, end, or zone", strings.Join(words, " "))
		}
		return q, fmt.Errorf("tuple %s: want a protocol, one or two ends, and zone N, as far as they are known, such as tcp 192.0.2.10:40000 192.0.2.80:80", what)
	}
	return q, nil
}

func (q *Query) setZone(s string) error {
	n, err := strconv.ParseUint(s, 0, 16)
	if err != nil {
		return fmt.Errorf("want a zone from 0 to 65535")
	}
	q.zone, q.hasZone = uint16(n), true
	return nil
}

func port(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("want a port from 0 to 65535")
	}
	return uint16(n), nil
}

func parseEnd(s string) (e end, err error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return end{addr: a}, nil
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return e, fmt.Errorf("want a protocol, ADDRESS, ADDRESS:PORT, :PORT, or zone N")
	}
	if e.port, err = port(s[i+1:]); err != nil {
		return e, err
	}
	if a := strings.Trim(s[:i], "[]"); a != "" {
		if e.addr, err = netip.ParseAddr(a); err != nil {
			return e, fmt.Errorf("want ADDRESS:PORT")
		}
	}
	return e, nil
}

// fits reports whether a tuple is asked for.
func (q *Query) fits(t *packet.Tuple, zone uint16) bool {
	if q.proto != 0 && q.proto != t.Proto || q.hasZone && q.zone != zone {
		return false
	}
	a, b := end{t.Src.Netip(t.Family), t.SPort}, end{t.Dst.Netip(t.Family), t.DPort}
	if t.Proto == packet.ProtoICMP || t.Proto == packet.ProtoICMPv6 {
		b.port = t.SPort // its identifier is both's
	}
	switch len(q.ends) {
	case 0:
		return true
	case 1:
		return q.ends[0].is(a) || q.ends[0].is(b)
	}
	return q.ends[0].is(a) && q.ends[1].is(b) || q.ends[0].is(b) && q.ends[1].is(a)
}

func (e end) is(o end) bool {
	return (!e.addr.IsValid() || e.addr.Unmap() == o.addr) && (e.port == 0 || e.port == o.port)
}
