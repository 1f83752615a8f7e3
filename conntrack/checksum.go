package conntrack

import (
	"encoding/binary"
	"math/bits"

	"sluice/packet"
)

// checksumOK verifies a transport checksum as nf_ip_checksum and
// nf_ip6_checksum do. For IPv4 the kernel sums the whole packet, header
// included, so a bad header checksum makes the transport's bad too; ICMP has
// no pseudo header there.
func checksumOK(frame, b []byte, h *packet.Headers) bool {
	return transportSum(frame, h, b, len(b)) == 0xffff
}

// transportSum is the folded one's-complement sum that comes to 0xffff for a
// sound packet. length is what the pseudo header says.
func transportSum(frame []byte, h *packet.Headers, b []byte, length int) uint16 {
	var s uint64
	ip := frame[h.L3:]
	if h.Tuple.Family == packet.IPv4 {
		s = sum(0, ip[:int(h.L4)-int(h.L3)])
		if h.Proto == packet.ProtoTCP || h.Proto == packet.ProtoUDP || h.Proto == packet.ProtoUDPLite {
			s = sum(s, ip[12:20])
			s += uint64(h.Proto) + uint64(length)
		}
	} else {
		s = sum(0, ip[8:40])
		s += uint64(h.Proto) + uint64(length)
	}
	return fold(sum(s, b))
}

// sum adds b up in one's complement, eight bytes at a time.
func sum(acc uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	if len(b) >= 4 {
		acc, carry = bits.Add64(acc, uint64(binary.BigEndian.Uint32(b)), carry)
		b = b[4:]
	}
	if len(b) >= 2 {
		acc, carry = bits.Add64(acc, uint64(binary.BigEndian.Uint16(b)), carry)
		b = b[2:]
	}
	if len(b) > 0 {
		acc, carry = bits.Add64(acc, uint64(b[0])<<8, carry)
	}
	acc, carry = bits.Add64(acc, 0, carry)
	return acc + carry
}

func fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}
