package packet

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// vxlanPlain is what nearly all VXLAN packets have before the inner frame:
// Ethernet, IPv4 without options, UDP, VXLAN.
const vxlanPlain = 14 + 20 + 8 + 8

// DecapPlain is Parse, the stack's look at the IP header, and Decap in one for
// what nearly all packets of a VXLAN port are: untagged IPv4 without options
// or fragments, UDP without a checksum, no extension, no congestion. It
// reports false, with t in any state, for everything else, sound or not: that
// is for the general code.
func (p *TunnelPort) DecapPlain(frame []byte, t *Tunnel) (begin, end int, ok bool) {
	const least = vxlanPlain + 34 // with the inner packet's IPv4 header
	if len(frame) < least || p.Kind != VXLAN || p.GroupPolicy {
		return 0, 0, false
	}
	b := frame[12:least:least] // one bounds check for all that follows
	be := binary.BigEndian
	total, n := int(be.Uint16(b[4:])), int(be.Uint16(b[26:]))
	vx := be.Uint64(b[30:])
	switch {
	case b[0] != 0x08 || b[1] != 0 || b[2] != 0x45 || b[8]&0x3f|b[9] != 0 || b[11] != ProtoUDP || b[3]&3 == 3,
		14+total > len(frame) || n != total-20 || n < least-34,
		b[28]|b[29] != 0 || vx>>32 != 0x08000000 || vx&0xff != 0,
		b[50] == 0x86 && n < least-34+20: // the inner packet may be IPv6
		return 0, 0, false
	}
	// The words' order does not matter to a sum that is all ones.
	le := binary.LittleEndian
	sum, carry := bits.Add64(le.Uint64(b[2:]), le.Uint64(b[10:]), 0)
	sum, carry = bits.Add64(sum, uint64(le.Uint32(b[18:])), carry)
	if Fold(sum+carry) != 0xffff {
		return 0, 0, false
	}
	if p.HasMAC && [6]byte(b[44:50]) == p.MAC {
		return 0, 0, false
	}
	*(*uint64)(unsafe.Pointer(&t.Src)) = word4(b[14:])
	*(*uint64)(unsafe.Pointer(&t.Dst)) = word4(b[18:])
	clear(t.Src[8:])
	clear(t.Dst[8:])
	t.ID = uint32(vx) >> 8
	t.SPort, t.DPort = be.Uint16(b[22:]), be.Uint16(b[24:])
	t.Family, t.TOS, t.TTL = IPv4, b[3], b[10]
	t.Flags, t.OptsKind, t.OptsLen = TunnelKey, NoTunnel, 0
	return vxlanPlain, 34 + n, true
}
