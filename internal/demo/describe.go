package demo

import (
	"fmt"
	"net/netip"
	"strings"

	"sluice/packet"
)

// describe puts a frame into a few words, as tcpdump does.
func describe(frame []byte, h *packet.Headers) string {
	if h.EtherType == packet.EtherARP && h.Has(packet.HasL3) {
		arp := frame[h.L3:]
		sender, target := netip.AddrFrom4([4]byte(arp[14:18])), netip.AddrFrom4([4]byte(arp[24:28]))
		if arp[7] == 1 {
			return fmt.Sprintf("ARP who has %s? tell %s", target, sender)
		}
		return fmt.Sprintf("ARP %s is here", sender)
	}
	if h.Tuple.Family != packet.IPv4 {
		return fmt.Sprintf("EtherType %#04x", h.EtherType)
	}
	src, dst := netip.AddrFrom4([4]byte(h.Tuple.Src[:4])), netip.AddrFrom4([4]byte(h.Tuple.Dst[:4]))
	from, to := netip.AddrPortFrom(src, h.Tuple.SPort), netip.AddrPortFrom(dst, h.Tuple.DPort)
	data := int(h.End) - int(h.Payload)
	switch h.Proto {
	case packet.ProtoTCP:
		s := fmt.Sprintf("%s > %s %s", from, to, tcpFlags(h.TCPFlags))
		if data > 0 {
			s += fmt.Sprintf(" %d", data)
		}
		return s
	case packet.ProtoUDP:
		return fmt.Sprintf("%s > %s UDP %d", from, to, data)
	case packet.ProtoICMP:
		name := map[uint8]string{0: "echo reply", 8: "echo request"}[h.ICMPType]
		return fmt.Sprintf("%s > %s ICMP %s", src, dst, name)
	}
	return fmt.Sprintf("%s > %s protocol %d", src, dst, h.Proto)
}

// tcpFlags names the flags that make a segment what it is.
func tcpFlags(f uint16) string {
	var names []string
	for _, n := range []struct {
		bit  uint16
		name string
	}{{2, "SYN"}, {1, "FIN"}, {4, "RST"}, {16, "ACK"}} {
		if f&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// tally sums up packets by the port that they came in on.
type tally struct {
	packets, bytes int
	by             [2]int
}

func (t *tally) add(port string, bytes int) {
	t.packets++
	t.bytes += bytes
	for i, p := range ports {
		if p == port {
			t.by[i]++
		}
	}
}

func (t *tally) String() string {
	if t.packets == 1 {
		return "1 more, like one above"
	}
	return fmt.Sprintf("%d more, like ones above: %d from %s, %d from %s, %d bytes", t.packets, t.by[0], ports[0], t.by[1], ports[1], t.bytes)
}
