package conntrack

import (
	"encoding/binary"

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
func transportSum(frame []byte, h *packet.Headers, l4 []byte, length int) uint16 {
	var s uint64
	if h.Tuple.Family == packet.IPv4 && h.L4 == h.L3+20 && (h.Proto == packet.ProtoTCP || h.Proto == packet.ProtoUDP) {
		// By halves: 32-bit words carry nothing out of 64. The addresses are in
		// the header and in the pseudo header.
		ip := frame[h.L3 : h.L3+20]
		a, b := binary.BigEndian.Uint64(ip), binary.BigEndian.Uint64(ip[8:])
		s = a>>32 + a&0xffffffff + b>>32 + 2*(b&0xffffffff+uint64(binary.BigEndian.Uint32(ip[16:])))
		s += uint64(h.Proto) + uint64(length)
		if len(l4) == 20 { // SYN, FIN, ACK: nothing but a header
			a, b = binary.BigEndian.Uint64(l4), binary.BigEndian.Uint64(l4[8:])
			return packet.Fold(s + a>>32 + a&0xffffffff + b>>32 + b&0xffffffff + uint64(binary.BigEndian.Uint32(l4[16:])))
		}
		return packet.Fold(packet.Sum(s, l4))
	}
	ip := frame[h.L3:]
	if h.Tuple.Family == packet.IPv4 {
		s = packet.Sum(0, ip[:int(h.L4)-int(h.L3)])
		if h.Proto == packet.ProtoTCP || h.Proto == packet.ProtoUDP {
			s = packet.Sum(s, ip[12:20])
			s += uint64(h.Proto) + uint64(length)
		}
	} else {
		s = packet.Sum(0, ip[8:40])
		s += uint64(h.Proto) + uint64(length)
	}
	return packet.Fold(packet.Sum(s, l4))
}

// partialOK verifies a checksum that covers the first bytes of a packet, with
// a protocol's pseudo header, as nf_checksum_partial does.
func partialOK(frame, b []byte, cover int, h *packet.Headers, proto uint8) bool {
	ip := frame[h.L3:]
	s := packet.PseudoSum(ip, h.Tuple.Family, proto, len(b))
	if h.Tuple.Family == packet.IPv4 {
		s = packet.Sum(s, ip[:int(h.L4)-int(h.L3)])
	}
	return packet.Fold(packet.Sum(s, b[:cover])) == 0xffff
}
