package workers

import (
	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/frag"
)

// Steer says which worker a frame belongs to. It may be called at any time, by
// anybody.
func (s *Set) Steer(frame []byte) int {
	if s.shared == nil {
		return 0
	}
	var h packet.Headers
	packet.Parse(frame, &h)
	return s.member(frame, &h, s.plan.Load())
}

// Deal hands a vector's frames to vectors of their workers, one for each, in
// their order. Those must have room for them. The frames stay where they are.
func (s *Set) Deal(v *packet.Vector, to []*packet.Vector) {
	p := s.plan.Load()
	for i := range v.N {
		n := 0
		if s.shared != nil {
			packet.Parse(v.Frame[i], &v.H[i])
			n = s.member(v.Frame[i], &v.H[i], p)
		}
		t := to[n]
		t.Add(v.Frame[i], v.M[i].Dev)
		t.M[t.N-1] = v.M[i]
	}
}

// member is Steer of a frame that has been parsed. A fragment may go anywhere;
// it goes where the others of its packet go, so that they stay in order.
func (s *Set) member(frame []byte, h *packet.Headers, p *plan) int {
	tu := &h.Tuple
	zone := uint16(0)
	if p.claimed {
		zone = p.zones[0]
	}
	switch {
	case tu.Family == packet.FamilyNone:
		return 0
	case h.Flags&packet.IsFrag != 0:
		whole := *tu
		whole.SPort, whole.DPort = 0, 0
		return s.shared.Member(&whole, zone, false)
	case tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6:
		if quoted, ok := quoted(frame, h); ok {
			return s.shared.Member(&quoted, zone, p.claimed)
		}
	}
	return s.shared.Member(tu, zone, p.claimed)
}

// quoted returns what answers to the packet that an ICMP error quotes come
// with: the tuple that the tracker looks for (nf_conntrack_inet_error).
func quoted(frame []byte, h *packet.Headers) (packet.Tuple, bool) {
	const icmpHeader, redirectHeader = 8, 40 + 8 // RFC 792; RFC 4861, sections 4.5 and 4.6.3
	skip := 0
	if h.Proto == packet.ProtoICMP && h.Tuple.Family == packet.IPv4 {
		switch h.ICMPType {
		case 3, 4, 5, 11, 12:
			skip = icmpHeader
		}
	} else if h.Proto == packet.ProtoICMPv6 && h.Tuple.Family == packet.IPv6 {
		switch {
		case h.ICMPType < 128:
			skip = icmpHeader
		case h.ICMPType == 137:
			skip = redirectHeader
		}
	}
	end := min(h.IPEnd(frame), len(frame))
	if skip == 0 || h.L4 == 0 || int(h.L4)+skip >= end {
		return packet.Tuple{}, false
	}
	var in packet.Headers
	packet.ParseInner(frame[int(h.L4)+skip:end], h.Tuple.Family, &in)
	if in.L4 == 0 || in.Tuple.Family == packet.FamilyNone {
		return packet.Tuple{}, false
	}
	return conntrack.Inverse(&in.Tuple), true
}

// fragment reports whether a frame is a fragment that ct would keep.
func fragment(frame []byte) bool {
	if len(frame) < 34 {
		return false
	}
	b := frame[12:24:24]
	switch typ := uint16(b[0])<<8 | uint16(b[1]); typ {
	case packet.EtherIPv4:
		return b[8]&0x3f|b[9] != 0
	case packet.EtherIPv6:
		if next := b[8]; next == packet.ProtoTCP || next == packet.ProtoUDP || next == packet.ProtoICMPv6 {
			return false
		}
	case packet.EtherVLAN, packet.EtherQinQ:
	default:
		return false
	}
	var h packet.Headers
	packet.Parse(frame, &h)
	return frag.IsFragment(frame, &h)
}
