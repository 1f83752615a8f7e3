package packet

import "encoding/binary"

// Headers are inserted in place, by moving the few bytes before them
// towards the front: the caller provides frames with room there.

const (
	// MACLen is an Ethernet header without tags.
	MACLen = 14
	// TagLen is an 802.1Q or 802.1ad tag.
	TagLen = 4
	// LSELen is one MPLS label stack entry (RFC 3032).
	LSELen = 4

	macAddrs = 12 // two addresses
)

// PushVLAN makes t the outer tag. b is the frame with TagLen bytes of room
// before it; at least the addresses are there.
func PushVLAN(b []byte, t VLANTag) {
	copy(b, b[TagLen:TagLen+macAddrs])
	SetVLAN(b, t)
}

// SetVLAN overwrites the outer tag of a tagged frame.
func SetVLAN(b []byte, t VLANTag) {
	binary.BigEndian.PutUint16(b[macAddrs:], t.TPID)
	binary.BigEndian.PutUint16(b[macAddrs+2:], t.TCI)
}

// PopVLAN takes the outer tag off: the frame begins TagLen bytes later.
func PopVLAN(b []byte) { copy(b[TagLen:], b[:macAddrs]) }

// PushMPLS inserts a label stack entry in front of the network header at
// offset at, and writes the EtherType before it. b is the frame with LSELen
// bytes of room before it.
func PushMPLS(b []byte, at int, lse uint32, etherType uint16) {
	copy(b, b[LSELen:LSELen+at])
	binary.BigEndian.PutUint32(b[at:], lse)
	binary.BigEndian.PutUint16(b[at-2:], etherType)
}

// PopMPLS takes the label stack entry at offset at off, writes the EtherType
// of what follows: the frame begins LSELen bytes later.
func PopMPLS(b []byte, at int, etherType uint16) {
	copy(b[LSELen:], b[:at])
	binary.BigEndian.PutUint16(b[LSELen+at-2:], etherType)
}

// Fields of a label stack entry (RFC 3032, section 2.1).
const (
	LabelShift        = 12
	LabelMask  uint32 = 0xfffff << LabelShift
	TCShift           = 9
	TCMask     uint32 = 7 << TCShift
	BOSMask    uint32 = 1 << 8
	TTLMask    uint32 = 0xff
)

// IPv4HeaderChecksum writes the header checksum of the IPv4 header that b
// begins with, at least 20 bytes, as Linux's ip_send_check does. A header
// that claims less than 20 bytes gets what x86's ip_fast_csum leaves there.
func IPv4HeaderChecksum(b []byte) {
	n := int(b[0]&15) * 4
	if n < 20 {
		b[10], b[11] = b[0], b[1]
		return
	}
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], Checksum(b[:min(n, len(b))]))
}
