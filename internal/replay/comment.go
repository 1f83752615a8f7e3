package replay

import (
	"net/netip"
	"strconv"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/packet"
	"sluice/policy"
	"sluice/policy/tc"
)

// stateNames are ct_state's flags in the order in which tc prints them.
var stateNames = []struct {
	bit  uint16
	name string
}{
	{policy.CTTracked, "trk"}, {policy.CTNew, "new"}, {policy.CTEstablished, "est"}, {policy.CTRelated, "rel"},
	{policy.CTInvalid, "inv"}, {policy.CTReply, "rpl"}, {policy.CTSNAT, "snat"}, {policy.CTDNAT, "dnat"},
}

// AppendState writes a packet's ct_state: the flags that are set, or -trk for
// a packet that no ct action has judged.
func AppendState(b []byte, state uint16) []byte {
	if state == 0 {
		return append(b, "-trk"...)
	}
	for _, s := range stateNames {
		if state&s.bit != 0 {
			b = append(append(b, '+'), s.name...)
		}
	}
	return b
}

// appendSample describes a copy that a sample action took.
//
//	#4 at uplink_rep: sample of group 5, one in 10; 60 of 1514 bytes
func appendSample(b []byte, r *runner, number uint64, s *packet.Sample) []byte {
	b = append(b, '#')
	b = strconv.AppendUint(b, number, 10)
	b = append(append(b, " at "...), r.e.DeviceName(s.Dev)...)
	b = strconv.AppendUint(append(b, ": sample of group "...), uint64(s.Group), 10)
	b = strconv.AppendUint(append(b, ", one in "...), uint64(s.Rate), 10)
	b = strconv.AppendUint(append(b, "; "...), uint64(len(s.Frame)), 10)
	b = strconv.AppendUint(append(b, " of "...), uint64(s.Len), 10)
	return append(b, " bytes"...)
}

// end is what became of a packet (copy 0) or of one of its copies, and where.
type end struct {
	copy    int32
	dev     int32
	verdict packet.Verdict
	reason  uint8
}

// appendComment describes one end of packet i of the runner's vector, the
// number-th of the replay.
//
//	#4 from uplink_rep: fwd to vf0_rep; uplink_rep chain 0 protocol ip prio 1 handle 0x1 +trk+est; …; tcp A:P > B:Q zone 0
func appendComment(b []byte, r *runner, number uint64, i int, t end) []byte {
	v, e := &r.v, r.e
	b = append(b, '#')
	b = strconv.AppendUint(b, number, 10)
	b = append(append(b, " from "...), e.DeviceName(v.M[i].Dev)...)
	b = append(b, ": "...)
	dev := e.DeviceName(t.dev)
	to := "fwd to "
	switch lost := t.verdict == packet.Drop || t.verdict == packet.Stolen; {
	case t.copy != 0 && t.verdict == packet.Pass:
		to = "copy to the stack at "
	case t.copy != 0 && lost:
		to, dev = "copy to ", dev+": "
	case t.copy != 0:
		to = "copy to "
	case t.verdict == packet.Pass:
		to = "pass to the stack at "
	case lost:
		to, dev = "", ""
	}
	b = append(append(b, to...), dev...)
	if t.verdict == packet.Drop || t.verdict == packet.Stolen {
		b = append(b, t.verdict.String()...)
		b = append(append(b, ", "...), datapath.ReasonName(t.reason)...)
	}
	r.way = e.AppendHits(r.way[:0], i, t.copy)
	hits := r.way
	if len(hits) == 0 {
		return append(b, "; no filter matched"...)
	}
	var conn packet.ConnRef
	state := uint16(0) // the last that a ct action gave
	for k := range hits {
		h := &hits[k]
		b = append(b, "; "...)
		b = AppendHit(b, e.DeviceName(h.Dev), h)
		if h.CTState != 0 {
			state, conn = h.CTState, h.Conn
		}
	}
	switch c := e.Tracker().Conn(conn); {
	case c != nil:
		b = AppendConn(append(b, "; "...), c)
	case conn != 0 && state&(policy.CTNew|policy.CTRelated) != 0:
		b = append(b, "; connection not committed"...)
	case conn != 0:
		b = append(b, "; connection ended"...) // a RST that answers a SYN takes it along
	case state != 0:
		b = append(b, "; no connection"...)
	}
	return b
}

// AppendHit names a filter that a packet hit, as tc's listing does, and the
// packet's ct_state after it; of how many fragments ct put the packet together
// there; and "uncounted" when the filter's counter has not moved for the packet. dev
// is the name of the filter's device.
func AppendHit(b []byte, dev string, h *datapath.Hit) []byte {
	b = append(b, dev...)
	if h.Egress {
		b = append(b, " egress"...)
	}
	b = strconv.AppendUint(append(b, " chain "...), uint64(h.Chain), 10)
	b = append(append(b, " protocol "...), tc.ProtocolWord(h.Proto.Protocol)...)
	b = strconv.AppendUint(append(b, " prio "...), uint64(h.Proto.Prio), 10)
	b = strconv.AppendUint(append(b, " handle 0x"...), uint64(h.Filter.Handle), 16)
	b = AppendState(append(b, ' '), h.CTState)
	if h.Fragments > 0 {
		b = append(append(b, " put together of "...), count(int(h.Fragments), "fragment")...)
	}
	if h.Uncounted() {
		b = append(b, " uncounted"...)
	}
	return b
}

// AppendConn names a connection by its original direction and tells what its
// status bits say.
func AppendConn(b []byte, c *conntrack.Conn) []byte {
	t := &c.Orig
	b = appendProto(b, t.Proto)
	b = appendEnd(append(b, ' '), t, t.Src, t.SPort)
	b = appendEnd(append(b, " > "...), t, t.Dst, t.DPort)
	b = strconv.AppendUint(append(b, " zone "...), uint64(c.Zone), 10)
	if name := c.StateName(); name != "" {
		b = append(append(b, ' '), name...)
	}
	if c.Mark != 0 {
		b = strconv.AppendUint(append(b, " mark "...), uint64(c.Mark), 10)
	}
	switch {
	case c.Status&conntrack.StatusConfirmed == 0:
		b = append(b, " [UNCONFIRMED]"...)
	case c.Status&conntrack.StatusSeenReply == 0:
		b = append(b, " [UNREPLIED]"...)
	}
	switch {
	case c.Status&conntrack.StatusHWOffload != 0:
		b = append(b, " [HW_OFFLOAD]"...)
	case c.Status&conntrack.StatusOffload != 0:
		b = append(b, " [OFFLOAD]"...)
	case c.Status&conntrack.StatusAssured != 0:
		b = append(b, " [ASSURED]"...)
	}
	return b
}

func appendProto(b []byte, proto uint8) []byte {
	switch proto {
	case packet.ProtoTCP:
		return append(b, "tcp"...)
	case packet.ProtoUDP:
		return append(b, "udp"...)
	case packet.ProtoICMP:
		return append(b, "icmp"...)
	case packet.ProtoICMPv6:
		return append(b, "icmpv6"...)
	case packet.ProtoSCTP:
		return append(b, "sctp"...)
	case packet.ProtoGRE:
		return append(b, "gre"...)
	}
	return strconv.AppendUint(append(b, "proto "...), uint64(proto), 10)
}

// appendEnd writes an address, with the port where the protocol has ports.
func appendEnd(b []byte, t *packet.Tuple, a packet.Addr, port uint16) []byte {
	addr := netip.AddrFrom16(a)
	if t.Family == packet.IPv4 {
		addr = netip.AddrFrom4([4]byte(a[:4]))
	}
	switch t.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		return netip.AddrPortFrom(addr, port).AppendTo(b)
	}
	return addr.AppendTo(b)
}
