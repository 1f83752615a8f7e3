package packet

import "encoding/binary"

// Sides of a packet.
const (
	Source = 0
	Dest   = 1
)

// Rewrite gives one side of a packet another address and port (for ICMP: the
// identifier, whatever the side), in the frame and in h.Tuple, and brings all
// checksums up to date (nf_nat_proto.c nf_nat_manip_pkt). A transport header
// that is cut off behind its ports, as ICMP errors quote it, gets its ports
// and no checksum. h are the frame's headers, or those of ParseInner and the
// quoted packet. Headers of another family's address are the caller's
// mistake. h.Hash is not touched.
func Rewrite(frame []byte, h *Headers, side int, addr *Addr, port uint16) {
	if h.rewritePlain(frame, side, addr, port) {
		return
	}
	ip := frame[h.L3:]
	at, n := 12+4*side, 4
	if h.Tuple.Family == IPv6 {
		at, n = 8+16*side, 16
	}
	diff := uint64(0)
	if old := ip[at : at+n]; string(old) != string(addr[:n]) {
		diff = Diff(old, addr[:n])
		copy(old, addr[:n])
		if h.Tuple.Family == IPv4 {
			Patch(ip[10:12], diff)
		}
	}
	if side == Source {
		h.Tuple.Src = *addr
	} else {
		h.Tuple.Dst = *addr
	}
	if h.L4 != 0 && int(h.L4) <= len(frame) {
		h.rewriteL4(frame[h.L4:min(h.IPEnd(frame), len(frame))], side, port, diff)
	}
}

// rewritePlain handles what plain found to be an ordinary TCP or UDP packet.
// One sum serves both checksums.
func (h *Headers) rewritePlain(frame []byte, side int, addr *Addr, port uint16) bool {
	if h.Flags&^DontFrag != HasL3|HasL4 || h.L3 != 14 || h.L4 != 34 || h.Tuple.Family != IPv4 || len(frame) < 42 {
		return false
	}
	sum := 0
	switch h.Proto {
	case ProtoTCP:
		sum = 16
	case ProtoUDP:
		sum = 6
	default:
		return false
	}
	be := binary.BigEndian
	side &= 1
	if len(frame) < 34+sum+2 {
		return false
	}
	b := frame[14 : 34+sum+2]
	at := b[12+4*side : 16+4*side]
	old, new := be.Uint32(at), be.Uint32(addr[:4])
	be.PutUint32(at, new)
	diff := uint64(^old>>16) + uint64(^old&0xffff) + uint64(new>>16) + uint64(new&0xffff)
	patch(b[10:12], diff)
	at = b[20+2*side : 22+2*side]
	diff += uint64(^be.Uint16(at)) + uint64(port)
	be.PutUint16(at, port)
	field := b[20+sum : 22+sum]
	if h.Proto == ProtoTCP {
		patch(field, diff)
	} else {
		PatchUDP(field, diff)
	}
	if side == Source {
		h.Tuple.Src, h.Tuple.SPort = *addr, port
	} else {
		h.Tuple.Dst, h.Tuple.DPort = *addr, port
	}
	return true
}

// patch is Patch for diffs of a few words.
func patch(field []byte, diff uint64) {
	s := uint64(^binary.BigEndian.Uint16(field)) + diff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	binary.BigEndian.PutUint16(field, ^uint16(s))
}

// rewriteL4 sets a side's port in the transport header b. diff is what the
// address has done to the pseudo header.
func (h *Headers) rewriteL4(b []byte, side int, port uint16, diff uint64) {
	at := 2 * side
	switch h.Proto {
	case ProtoICMP, ProtoICMPv6:
		if h.Proto == ProtoICMP {
			diff = 0 // no pseudo header
		}
		if len(b) < 8 {
			return
		}
		at, side = 4, Source
		if !hasIdentifier(h.Proto, b[0]) {
			port = h.Tuple.SPort
		}
	case ProtoTCP, ProtoUDP, ProtoUDPLite, ProtoDCCP, ProtoSCTP:
		if len(b) < 4 {
			return
		}
	default:
		return // no ports, and no checksum that knows of addresses
	}
	field := b[at : at+2]
	if old := binary.BigEndian.Uint16(field); old != port {
		diff += Diff16(old, port)
		binary.BigEndian.PutUint16(field, port)
	}
	if side == Source {
		h.Tuple.SPort = port
	} else {
		h.Tuple.DPort = port
	}
	if diff != 0 {
		h.fixL4(b, diff)
	}
}

// fixL4 brings a transport checksum up to date.
func (h *Headers) fixL4(b []byte, diff uint64) {
	if h.Proto == ProtoSCTP {
		// CRC32c over the whole of it, ports included and addresses not (RFC
		// 9260, appendix A), low byte first.
		if len(b) >= 12 {
			binary.LittleEndian.PutUint32(b[8:], SCTPChecksum(b))
		}
		return
	}
	at := ChecksumOffset(h.Proto)
	if len(b) < at+2 || h.Proto == ProtoTCP && len(b) < 20 {
		return
	}
	if h.Proto == ProtoUDP {
		PatchUDP(b[at:at+2], diff)
		return
	}
	Patch(b[at:at+2], diff)
}

// hasIdentifier reports whether an ICMP message's bytes 4 and 5 name its
// exchange (nf_nat_proto.c icmp_manip_pkt).
func hasIdentifier(proto, typ uint8) bool {
	if proto == ProtoICMPv6 {
		return typ == 128 || typ == 129
	}
	switch typ {
	case 0, 8, 13, 14, 15, 16, 17, 18:
		return true
	}
	return false
}
