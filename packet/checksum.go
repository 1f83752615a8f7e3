package packet

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds b to acc in one's complement (RFC 1071), eight bytes at a time. The
// bytes count as big-endian 16-bit words; an odd last byte is the high half of
// one. Sums of pieces may be added up if every piece but the last is even.
func Sum(acc uint64, b []byte) uint64 {
	var carry uint64
	be := binary.BigEndian
	for len(b) >= 64 { // one carry chain, taken up and put down once
		acc, carry = bits.Add64(acc, be.Uint64(b), 0)
		acc, carry = bits.Add64(acc, be.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, be.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, be.Uint64(b[24:]), carry)
		acc, carry = bits.Add64(acc, be.Uint64(b[32:]), carry)
		acc, carry = bits.Add64(acc, be.Uint64(b[40:]), carry)
		acc, carry = bits.Add64(acc, be.Uint64(b[48:]), carry)
		acc, carry = bits.Add64(acc, be.Uint64(b[56:]), carry)
		acc += carry // never carries again: a sum that wrapped is below the greatest
		b = b[64:]
	}
	carry = 0
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
	return acc + carry // never carries again, as above
}

// Fold brings a sum down to 16 bits. A sound packet's comes to 0xffff; the
// checksum field of one is the complement.
func Fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}

// Checksum is the Internet checksum of b.
func Checksum(b []byte) uint16 { return ^Fold(Sum(0, b)) }

// Diff is what replacing old by new does to a sum. Both have the same, even,
// length and begin at an even offset. Diffs may be added up: one address that
// changes gives one Diff for the IP header's and the transport's checksum.
func Diff(old, new []byte) uint64 {
	return uint64(^Fold(Sum(0, old))) + uint64(Fold(Sum(0, new)))
}

// Diff16 is Diff of one word in host order, such as a port.
func Diff16(old, new uint16) uint64 { return uint64(^old) + uint64(new) }

// Diff32 is Diff of two words, such as an IPv4 address or a sequence number.
func Diff32(old, new uint32) uint64 { return uint64(^old) + uint64(new) }

// Patch brings a checksum field (two bytes, network order) up to date after a
// change that Diff describes (RFC 1624, equation 3: the one that never turns
// a right checksum into the other zero).
func Patch(field []byte, diff uint64) {
	old := binary.BigEndian.Uint16(field)
	binary.BigEndian.PutUint16(field, ^Fold(uint64(^old)+diff))
}

// PatchUDP is Patch for UDP's field: zero means that there is no checksum and
// stays, and a checksum that comes to zero is written as 0xffff (RFC 768).
func PatchUDP(field []byte, diff uint64) {
	if binary.BigEndian.Uint16(field) == 0 {
		return
	}
	Patch(field, diff)
	if binary.BigEndian.Uint16(field) == 0 {
		field[0], field[1] = 0xff, 0xff
	}
}

// PseudoSum is the sum of the pseudo header of TCP, UDP, UDP-Lite and ICMPv6.
// ip is the IP header of the family, l4len the transport's length in bytes.
func PseudoSum(ip []byte, family, proto uint8, l4len int) uint64 {
	s := uint64(proto) + uint64(l4len)
	if family == IPv4 {
		return Sum(s, ip[12:20])
	}
	return Sum(s, ip[8:40])
}

// ChecksumOffset is where a transport header has its Internet checksum, or -1
// if it has none.
func ChecksumOffset(proto uint8) int {
	switch proto {
	case ProtoTCP:
		return 16
	case ProtoUDP, ProtoUDPLite, ProtoDCCP:
		return 6
	case ProtoICMP, ProtoICMPv6:
		return 2
	}
	return -1
}
