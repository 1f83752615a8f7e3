package packet

import "encoding/binary"

// Flag says what Parse found out about a frame.
type Flag uint32

const (
	// HasL3: an IPv4, IPv6 or ARP header is completely inside the frame.
	HasL3 Flag = 1 << iota
	// HasL4: the fixed part of the transport header is inside the IP
	// packet, and the packet is no fragment with an offset.
	HasL4
	// IsFrag: an IP fragment (first or later).
	IsFrag
	// FirstFrag: the fragment with offset zero. Only with IsFrag.
	FirstFrag
	// IPOptions: IPv4 with IHL > 5, or IPv6 with any extension header.
	IPOptions
	// TTLLow: TTL or hop limit is 0 or 1; such packets never take the flow
	// table (act_ct.c tcf_ct_flow_table_fill_tuple_ipv4).
	TTLLow
	// TruncL2: shorter than an Ethernet header and its tags.
	TruncL2
	// TruncL3: the EtherType promises a header that is not all there.
	TruncL3
	// BadL3: the header is there but lies (version, IHL, total length below
	// the header's length).
	BadL3
	// TruncL4: the transport header is cut off.
	TruncL4
	// ShortIP: the IP length field is larger than what the frame holds.
	ShortIP
	// DontFrag: the DF bit is set.
	DontFrag
	// IP6Ext: at least one IPv6 extension header was walked.
	IP6Ext
	// BadExt: the chain of IPv6 extension headers is broken.
	BadExt
	// LongIP: the IP packet is all there and ends behind the frame's first
	// 65,535 bytes. IPEnd tells where; End is 65,535.
	LongIP
)

// VLANTag is one 802.1Q or 802.1ad tag, host byte order.
type VLANTag struct {
	TPID uint16 // 0x8100 or 0x88a8
	TCI  uint16 // priority (3 bits), DEI (1), VLAN ID (12)
}

// Headers is what Parse finds in a frame. Offsets are in bytes from the start
// of the frame; zero means "not there" (nothing but Ethernet starts at 0).
type Headers struct {
	Tuple Tuple // filled as far as the headers allow; ports zero without HasL4

	Len       uint32 // bytes in the frame
	Flags     Flag
	L3        uint16 // network header (after all VLAN tags)
	L4        uint16 // transport header; 0 for later fragments
	Payload   uint16 // first byte after the transport header
	End       uint16 // end of the IP packet: L3 + IP length, at most Len; but see LongIP
	EtherType uint16 // the network header's type, after all VLAN tags
	IPLen     uint16 // the length the IP header states, header included (IPv6: +40); not clamped
	NVLAN     uint8  // VLAN tags in the frame; the outer two are in VLAN
	Proto     uint8  // IP protocol; after IPv6 extension headers
	TTL       uint8  // TTL or hop limit
	TOS       uint8  // TOS or traffic class
	TCPFlags  uint16 // TCP's twelve flag bits, host order; valid iff Proto is TCP and HasL4
	FragOff   uint16 // fragment offset in bytes
	VLAN      [2]VLANTag
	ICMPType  uint8 // valid iff Proto is ICMP or ICMPv6 and HasL4
	ICMPCode  uint8
	NextHdr   uint8 // IPv4 protocol or IPv6 first next header, as in the fixed header
	_         uint8
	Hash      uint64 // the tracker's keyed symmetric hash of Tuple; set by the datapath
}

// Has reports whether all of the given flags are set.
func (h *Headers) Has(f Flag) bool { return h.Flags&f == f }

// IPEnd is where in the frame the IP packet ends. It differs from End only
// with LongIP.
func (h *Headers) IPEnd(frame []byte) int {
	if h.Flags&LongIP == 0 {
		return int(h.End)
	}
	if h.EtherType == EtherIPv6 { // IPLen cannot say it
		return int(h.L3) + 40 + int(binary.BigEndian.Uint16(frame[h.L3+4:]))
	}
	return int(h.L3) + int(h.IPLen)
}

// IPBytes is how many bytes of the IP packet are there, header included. With
// LongIP nothing may lie behind it in the frame.
func (h *Headers) IPBytes() uint64 {
	if h.Flags&LongIP == 0 {
		return uint64(h.End - h.L3)
	}
	return uint64(h.Len) - uint64(h.L3)
}
