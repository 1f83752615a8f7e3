package packet

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

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
	if h.RewritePlain(frame, side, *(*uint32)(unsafe.Pointer(addr)), port) {
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
			Patch(ip[10:], diff)
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

// RewritePlain is Rewrite for an ordinary TCP or UDP packet over IPv4: it
// reports false, with nothing done, for any other. addr is the address's four bytes as
// the machine loads them.
func (h *Headers) RewritePlain(frame []byte, side int, addr uint32, port uint16) bool {
	if h.Flags&^DontFrag != HasL3|HasL4 || h.L3 != 14 || h.L4 != 34 || h.Tuple.Family != IPv4 || !rewritePlain(frame, h.Proto, side&1, addr, port) {
		return false
	}
	*(*uint32)(unsafe.Add(unsafe.Pointer(&h.Tuple), 16*(side&1))) = addr
	(*[2]uint16)(unsafe.Pointer(&h.Tuple.SPort))[side&1] = port
	return true
}

// Rewrite is RewritePlain of a packet whose headers need not be kept up to
// date.
func (g *Gist) Rewrite(frame []byte, side int, addr uint32, port uint16) bool {
	return g.Tuple.Family == IPv4 && rewritePlain(frame, g.Tuple.Proto, side&1, addr, port)
}

// rewritePlain rewrites behind 14 bytes of Ethernet and 20 of IPv4.
//
// One sum serves both checksums. Words are taken as the machine has them, since
// one's complement sums come out the same in any byte order (RFC 1071, 2.B),
// and no branch asks for the side, which in an established connection is a
// coin's toss.
func rewritePlain(frame []byte, proto uint8, side int, addr uint32, port uint16) bool {
	at := 34 + 16
	if proto == ProtoUDP {
		at = 34 + 6
	} else if proto != ProtoTCP {
		return false
	}
	if len(frame) < at+2 {
		return false
	}
	b := unsafe.Pointer(unsafe.SliceData(frame))
	ip := (*uint32)(unsafe.Add(b, 26+4*side))
	l4 := (*uint16)(unsafe.Add(b, 34+2*side))
	ipSum, l4Sum := (*uint16)(unsafe.Add(b, 24)), (*uint16)(unsafe.Add(b, at))
	net := netOrder(port)
	diff := uint64(^*ip) + uint64(addr)
	*ipSum = patched(*ipSum, diff)
	*ip = addr
	diff += uint64(^*l4) + uint64(net)
	*l4 = net
	if sum := patched(*l4Sum, diff); proto == ProtoTCP {
		*l4Sum = sum
	} else if *l4Sum != 0 {
		if sum == 0 {
			sum = 0xffff
		}
		*l4Sum = sum
	}
	return true
}

// patched is a checksum after a change of a few words of up to 32 bits (RFC
// 1624, equation 3). A number added to itself turned by half has its folded
// sum in the upper half, carry included.
func patched(sum uint16, diff uint64) uint16 {
	s := uint64(^sum) + diff
	w := uint32((s + bits.RotateLeft64(s, 32)) >> 32)
	return ^uint16((w + bits.RotateLeft32(w, 16)) >> 16)
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
		PatchUDP(b[at:], diff)
		return
	}
	Patch(b[at:], diff)
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
