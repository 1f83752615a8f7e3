package packet

import (
	"encoding/binary"
)

// maxTags bounds how many VLAN tags Parse walks. Only two are remembered.
const maxTags = 8

// Parse finds the headers of a frame. It never fails: Flags say how far it
// came and why it stopped. Bytes behind the first 65,535 are not looked at;
// only a packet put together out of fragments has any (LongIP).
func Parse(frame []byte, h *Headers) {
	*h = Headers{Len: uint32(len(frame))}
	if len(frame) > 65535 {
		frame = frame[:65535]
	}
	if len(frame) < 14 {
		h.Flags = TruncL2
		return
	}
	if h.plain(frame) {
		return
	}
	h.walkTags(frame, 14, binary.BigEndian.Uint16(frame[12:]))
}

// Reparse finds the headers of a frame anew whose bytes before the network
// header at off have been dealt with: typ is its type, whatever the bytes
// before it say, and tagged says that one tag precedes it.
func Reparse(frame []byte, off int, typ uint16, tagged bool, h *Headers) {
	*h = Headers{Len: uint32(len(frame))}
	if len(frame) > 65535 {
		frame = frame[:65535]
	}
	if len(frame) < off {
		h.Flags = TruncL2
		return
	}
	if tagged {
		h.NVLAN = 1
		h.VLAN[0] = VLANTag{binary.BigEndian.Uint16(frame[12:]), binary.BigEndian.Uint16(frame[14:])}
	}
	h.walkTags(frame, off, typ)
}

// walkTags reads from a tag or a network header of a type at off on.
func (h *Headers) walkTags(frame []byte, off int, typ uint16) {
	for typ == EtherVLAN || typ == EtherQinQ {
		if len(frame) < off+4 || h.NVLAN == maxTags {
			h.Flags, h.EtherType = TruncL2, typ
			return
		}
		if h.NVLAN < 2 {
			h.VLAN[h.NVLAN] = VLANTag{TPID: typ, TCI: binary.BigEndian.Uint16(frame[off:])}
		}
		h.NVLAN++
		typ = binary.BigEndian.Uint16(frame[off+2:])
		off += 4
	}
	h.EtherType, h.L3 = typ, uint16(off)
	switch typ {
	case EtherIPv4:
		h.ipv4(frame, off)
	case EtherIPv6:
		h.ipv6(frame, off)
	case EtherARP:
		h.End = uint16(len(frame))
		if len(frame) < off+28 {
			h.Flags |= TruncL3
		} else {
			h.Flags |= HasL3
		}
	default:
		h.End = uint16(len(frame))
	}
}

// plain handles what nearly all traffic is: an ordinary packet over IPv4. It
// leaves everything else, untouched, to the general code.
func (h *Headers) plain(frame []byte) bool {
	var g Gist
	if odd, _ := readPlain(&frame, &g, 1); odd != 0 {
		return false
	}
	// By the words in which it was written: others would have to wait.
	to, from := h.Tuple.words(), g.Tuple.words()
	to.src[0], to.dst[0] = from.src[0], from.dst[0]
	to.ports, to.proto, to.family = from.ports, from.proto, IPv4
	h.Flags = HasL3 | HasL4
	b := frame[14:54:54]
	if b[6]&0x40 != 0 {
		h.Flags |= DontFrag
	}
	h.EtherType, h.L3, h.L4, h.End, h.IPLen = EtherIPv4, 14, 34, g.End, g.End-14
	h.Proto, h.NextHdr, h.TOS, h.TTL = g.Tuple.Proto, g.Tuple.Proto, b[1], b[8]
	if h.Payload = 42; h.Proto == ProtoTCP {
		h.TCPFlags = g.TCPFlags
		h.Payload = min(34+uint16(b[32]>>4)*4, g.End)
	}
	return true
}

// ParseInner finds the headers of a packet that an ICMP error quotes. b
// starts at the quoted IP header; offsets count from there. The first bytes of
// a transport header are enough for its tuple: an error need quote no more
// than eight (RFC 792).
func ParseInner(b []byte, family uint8, h *Headers) {
	*h = Headers{Len: uint32(len(b))}
	if len(b) > 65535 {
		b = b[:65535]
	}
	switch family {
	case IPv4:
		h.EtherType = EtherIPv4
		h.ipv4(b, 0)
	case IPv6:
		h.EtherType = EtherIPv6
		h.ipv6(b, 0)
	}
}

// ipv4 reads an IPv4 header at off. The version nibble is not looked at: the
// EtherType decides, as it does for the kernel's tracker.
func (h *Headers) ipv4(frame []byte, off int) {
	if len(frame) < off+20 {
		h.Flags |= TruncL3
		h.End = uint16(len(frame))
		return
	}
	b := frame[off : off+20 : off+20]
	ihl := int(b[0]&15) * 4
	total := binary.BigEndian.Uint16(b[2:])
	frag := binary.BigEndian.Uint16(b[6:])
	h.Flags |= HasL3
	h.TOS, h.TTL, h.Proto, h.NextHdr, h.IPLen = b[1], b[8], b[9], b[9], total
	h.Tuple.Family, h.Tuple.Proto = IPv4, b[9]
	copy(h.Tuple.Src[:4], b[12:16])
	copy(h.Tuple.Dst[:4], b[16:20])
	h.bound(len(frame), off+int(total))
	if h.TTL <= 1 {
		h.Flags |= TTLLow
	}
	if frag&0x4000 != 0 {
		h.Flags |= DontFrag
	}
	if ihl < 20 || int(total) < ihl {
		h.Flags |= BadL3
		return
	}
	if ihl > 20 {
		h.Flags |= IPOptions
	}
	if frag&0x3fff != 0 {
		h.Flags |= IsFrag
		h.FragOff = frag & 0x1fff * 8
		if h.FragOff != 0 {
			return
		}
		h.Flags |= FirstFrag
	}
	if int(h.End) < off+ihl {
		h.Flags |= TruncL3
		h.Flags &^= HasL3
		return
	}
	h.transport(frame, off+ihl)
}

// bound sets End from where the IP header says that the packet ends.
func (h *Headers) bound(have, end int) {
	if end > have {
		if end <= int(h.Len) {
			h.Flags |= LongIP
		} else {
			h.Flags |= ShortIP
		}
		end = have
	}
	h.End = uint16(end)
}

// ipv6 reads an IPv6 header at off and walks its extension headers.
func (h *Headers) ipv6(frame []byte, off int) {
	if len(frame) < off+40 {
		h.Flags |= TruncL3
		h.End = uint16(len(frame))
		return
	}
	b := frame[off : off+40 : off+40]
	payload := binary.BigEndian.Uint16(b[4:])
	h.Flags |= HasL3
	h.TOS, h.NextHdr, h.TTL = b[0]<<4|b[1]>>4, b[6], b[7]
	h.IPLen = uint16(min(int(payload)+40, 65535))
	h.Tuple.Family = IPv6
	h.Tuple.Src, h.Tuple.Dst = Addr(b[8:24]), Addr(b[24:40])
	h.bound(len(frame), off+40+int(payload))
	if h.TTL <= 1 {
		h.Flags |= TTLLow
	}
	h.walk(frame, off+40)
}

// walk follows the extension headers from at on (exthdrs_core.c
// ipv6_skip_exthdr, ipv6_find_hdr) and then reads the transport header.
func (h *Headers) walk(frame []byte, at int) {
	next, end := h.NextHdr, int(h.End)
	for { // each is at least eight bytes, so a frame holds few thousand
		h.Proto, h.Tuple.Proto = next, next
		switch next {
		case ProtoHopByHop, ProtoRouting, ProtoDstOpts, ProtoAH:
			if at+8 > end {
				h.Flags |= BadExt
				return
			}
			n := (int(frame[at+1]) + 1) * 8
			if next == ProtoAH {
				n = (int(frame[at+1]) + 2) * 4
			}
			h.Flags |= IP6Ext | IPOptions
			next, at = frame[at], at+n
			if at > end {
				h.Flags |= BadExt
				return
			}
		case ProtoFragment:
			if at+8 > end {
				h.Flags |= BadExt
				return
			}
			off := binary.BigEndian.Uint16(frame[at+2:])
			h.Flags |= IP6Ext | IPOptions | IsFrag
			h.FragOff = off &^ 7
			next, at = frame[at], at+8
			h.Proto, h.Tuple.Proto = next, next
			if h.FragOff != 0 {
				return
			}
			h.Flags |= FirstFrag
		case ProtoNoNext:
			h.L4 = uint16(at)
			return
		default:
			h.transport(frame, at)
			return
		}
	}
}

// transport reads the transport header at off.
func (h *Headers) transport(frame []byte, off int) {
	h.L4, h.Payload = uint16(off), uint16(off)
	b := frame[off:h.End]
	switch h.Proto {
	case ProtoTCP:
		if len(b) < 20 {
			h.Flags |= TruncL4
			h.ports(b)
			return
		}
		h.ports(b)
		h.TCPFlags = binary.BigEndian.Uint16(b[12:]) & 0x0fff
		h.Payload = uint16(min(off+int(b[12]>>4)*4, int(h.End)))
		h.Flags |= HasL4
	case ProtoUDP, ProtoUDPLite:
		h.ported(b, off, 8)
	case ProtoSCTP:
		h.ported(b, off, 12)
	case ProtoDCCP:
		h.ported(b, off, 12)
	case ProtoICMP, ProtoICMPv6:
		if len(b) < 8 {
			h.Flags |= TruncL4
			return
		}
		// Every type's bytes 4 and 5 count as the identifier, as in the
		// kernel's icmp_pkt_to_tuple; only queries ever use them.
		h.ICMPType, h.ICMPCode = b[0], b[1]
		h.Tuple.SPort = binary.BigEndian.Uint16(b[4:])
		h.Tuple.DPort = binary.BigEndian.Uint16(b)
		h.Payload = uint16(off + 8)
		h.Flags |= HasL4
	case ProtoGRE:
		h.gre(b, off)
	default:
		h.Flags |= HasL4
	}
}

// ports reads the port numbers as soon as their four bytes are there, which
// is all that Linux asks for (nf_ct_get_tuple_ports).
func (h *Headers) ports(b []byte) {
	if len(b) >= 4 {
		h.Tuple.SPort = binary.BigEndian.Uint16(b)
		h.Tuple.DPort = binary.BigEndian.Uint16(b[2:])
	}
}

// ported reads a header of n bytes that starts with port numbers.
func (h *Headers) ported(b []byte, off, n int) {
	h.ports(b)
	if len(b) < n {
		h.Flags |= TruncL4
		return
	}
	h.Payload = uint16(off + n)
	h.Flags |= HasL4
}

// gre reads a GRE header (RFC 2784, 2890) or PPTP's version of it (RFC 2637),
// whose call id is all that the kernel's tracker takes for a port.
func (h *Headers) gre(b []byte, off int) {
	if len(b) < 4 {
		h.Flags |= TruncL4
		return
	}
	n := 4
	if b[1]&7 == 1 {
		if len(b) < 8 {
			h.Flags |= TruncL4
			return
		}
		h.Tuple.SPort, n = 0, 8
		h.Tuple.DPort = binary.BigEndian.Uint16(b[6:])
	} else {
		for _, bit := range [3]byte{0x80, 0x20, 0x10} { // checksum, key, sequence
			if b[0]&bit != 0 {
				n += 4
			}
		}
	}
	h.Payload = uint16(min(off+n, int(h.End)))
	h.Flags |= HasL4
}
