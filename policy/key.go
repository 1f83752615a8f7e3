package policy

import "unsafe"

// Key is what a flower filter can match on: one set of fields that serves as
// a filter's key, as its mask, and as what the datapath extracts from a
// packet, like the kernel's fl_flow_key. All integers are in host byte order,
// addresses in network order (IPv4 in the first four bytes). The struct has
// no implicit padding, so that it can be masked, hashed and compared as words.
//
// The field order groups what is usually matched together into few words.
type Key struct {
	// Word 0: the packet's place and kind.
	EthType uint16 // type after all VLAN tags that were parsed
	IPProto uint8  // after IPv6 extension headers
	IPTOS   uint8
	CTState uint16 // CT* bits
	CTZone  uint16
	// Word 1
	SrcPort, DstPort uint16
	TCPFlags         uint16 // 12 bits
	ICMPType         uint8
	ICMPCode         uint8
	// Word 2
	CTMark uint32
	InDev  uint32 // ingress device by the datapath's number plus 1; mask all ones
	// Words 3..6: IPv4 in the first word's first half; ARP's sip and tip have fields of their own
	SrcIP, DstIP [16]byte
	// Words 7..8
	SrcMAC, DstMAC [6]byte
	IPTTL          uint8
	IPFlags        uint8  // IPFlag* bits
	VLANTCI        uint16 // outermost tag: priority<<13 | id
	// Word 9
	VLANTPID    uint16 // outermost tag's TPID
	VLANEthType uint16 // what the outermost tag encapsulates
	CVLANTCI    uint16 // second tag
	CVLANTPID   uint16
	// Word 10
	CVLANEthType uint16
	NumVLANs     uint8
	ARPOp        uint8
	ARPSIP       [4]byte
	// Word 11..13
	ARPTIP     [4]byte
	ARPSHA     [6]byte
	ARPTHA     [6]byte
	EncTOS     uint8
	EncTTL     uint8
	L2Miss     uint8
	EncFlags   uint8
	EncSrcPort uint16
	EncDstPort uint16
	// Word 14..15
	CTLabel [16]byte // as tc writes it: byte 0 first
	// Word 16..19
	EncSrcIP, EncDstIP [16]byte
	// Word 20
	EncKeyID uint64
	// Word 21..24: MPLS label stack entries, outermost first
	MPLS [7]uint32 // label<<12 | tc<<9 | bos<<8 | ttl
	SPI  uint32    // ESP or AH
	// Word 25
	L2TPv3SID uint32
	PPPoESID  uint16
	PPPProto  uint16
	// Word 26
	CFM    uint16 // level<<8 | opcode
	LSEs   uint16 // bit N: there is an MPLS entry N+1, with any contents (flow_dissector.h used_lses)
	EncCtl uint32 // family of the outer addresses, for enc_* matches
}

// KeyWords is a Key's size in 64-bit words.
const KeyWords = int(unsafe.Sizeof(Key{}) / 8)

const _ = uint(0 - unsafe.Sizeof(Key{})%8) // no half word at the end

// Words views the key as 64-bit words in the machine's own byte order.
func (k *Key) Words() *[KeyWords]uint64 { return (*[KeyWords]uint64)(unsafe.Pointer(k)) }

// ct_state bits, numbered as TCA_FLOWER_KEY_CT_FLAGS_* of
// include/uapi/linux/pkt_cls.h. The kernel has no bits for translation;
// CTSNAT and CTDNAT are this program's extension (ovs-fields(7)).
const (
	CTNew uint16 = 1 << iota
	CTEstablished
	CTRelated
	CTTracked
	CTInvalid
	CTReply
	CTSNAT
	CTDNAT
)

// IPFlag bits of Key.IPFlags (TCA_FLOWER_KEY_FLAGS_*).
const (
	IPFlagFrag      uint8 = 1
	IPFlagFirstFrag uint8 = 2
)

// PortRange is flower's dst_port MIN-MAX or src_port MIN-MAX, inclusive. The
// zero value matches every port.
type PortRange struct{ Min, Max uint16 }

// Match is a flower filter's classifier part.
type Match struct {
	Key, Mask Key
	// AddrFamily and EncAddrFamily are 4 or 6 when the filter names an IP
	// address, even one with an empty mask: to the kernel that is a match on
	// the kind of address (fl_flow_key.control.addr_type), and part of the
	// mask.
	AddrFamily, EncAddrFamily uint8
	// InDev names the ingress device; the datapath numbers it.
	InDev    string
	SrcPorts PortRange
	DstPorts PortRange
	// EncOpts are raw tunnel options (geneve_opts, vxlan_opts, …) as
	// type-length-value bytes; empty matches all. EncOptsMask has the same
	// length.
	EncOptsKind string
	EncOpts     []byte
	EncOptsMask []byte
}
