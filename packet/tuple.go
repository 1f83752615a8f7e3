package packet

import (
	"fmt"
	"net/netip"
	"unsafe"
)

// Addr is an IP address in network byte order. An IPv4 address fills the
// first four bytes and leaves the rest zero; the family says which it is.
type Addr [16]byte

// Address families, numbered as Linux numbers AF_INET and AF_INET6, because
// that is what /proc/net/nf_conntrack prints.
const (
	FamilyNone uint8 = 0
	IPv4       uint8 = 2
	IPv6       uint8 = 10
)

// IP protocol numbers that the program treats specially (IANA).
const (
	ProtoHopByHop uint8 = 0
	ProtoICMP     uint8 = 1
	ProtoIGMP     uint8 = 2
	ProtoIPIP     uint8 = 4
	ProtoTCP      uint8 = 6
	ProtoUDP      uint8 = 17
	ProtoDCCP     uint8 = 33
	ProtoIPv6     uint8 = 41
	ProtoRouting  uint8 = 43
	ProtoFragment uint8 = 44
	ProtoGRE      uint8 = 47
	ProtoESP      uint8 = 50
	ProtoAH       uint8 = 51
	ProtoICMPv6   uint8 = 58
	ProtoNoNext   uint8 = 59
	ProtoDstOpts  uint8 = 60
	ProtoSCTP     uint8 = 132
	ProtoUDPLite  uint8 = 136
	ProtoMobility uint8 = 135
)

// EtherTypes (IEEE), host byte order.
const (
	EtherIPv4  uint16 = 0x0800
	EtherARP   uint16 = 0x0806
	EtherIPv6  uint16 = 0x86dd
	EtherVLAN  uint16 = 0x8100
	EtherQinQ  uint16 = 0x88a8
	EtherMPLS  uint16 = 0x8847
	EtherMPLSM uint16 = 0x8848
	EtherPPPoE uint16 = 0x8864
)

// Tuple names one direction of a connection, as Linux's nf_conntrack_tuple
// does, without the zone. Ports are in host byte order. For ICMP and ICMPv6
// queries SPort is the identifier and DPort is type<<8 | code, so that the
// reply's tuple is the inverse with the answering type. For GRE the ports are
// the two halves' keys, and for protocols without ports both are zero.
//
// The struct has no padding, is compared with ==, and is hashed as words.
type Tuple struct {
	Src, Dst     Addr
	SPort, DPort uint16
	Proto        uint8
	Family       uint8
	_            uint16
}

const _ = uint(40 - unsafe.Sizeof(Tuple{})) // Tuple is exactly 40 bytes
const _ = uint(unsafe.Sizeof(Tuple{}) - 40)

// Netip gives the address as the standard library has it.
func (a Addr) Netip(family uint8) netip.Addr {
	if family == IPv6 {
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte(a[:4]))
}

// AddrFrom is the inverse of Netip; an IPv4 address mapped into IPv6 stays
// IPv6.
func AddrFrom(a netip.Addr) (addr Addr) {
	if a.Is4() {
		b := a.As4()
		copy(addr[:], b[:])
		return addr
	}
	return a.As16()
}

// String renders a tuple for messages and traces.
func (t Tuple) String() string {
	src, dst := t.Src.Netip(t.Family), t.Dst.Netip(t.Family)
	switch t.Proto {
	case ProtoICMP, ProtoICMPv6:
		return fmt.Sprintf("proto %d %s > %s type %d code %d id %d", t.Proto, src, dst, t.DPort>>8, t.DPort&0xff, t.SPort)
	case ProtoTCP, ProtoUDP, ProtoSCTP, ProtoDCCP, ProtoUDPLite:
		return fmt.Sprintf("proto %d %s > %s", t.Proto, netip.AddrPortFrom(src, t.SPort), netip.AddrPortFrom(dst, t.DPort))
	}
	return fmt.Sprintf("proto %d %s > %s", t.Proto, src, dst)
}
