package packet

import "encoding/binary"

// TunnelKind is how a tunnel wraps Ethernet frames.
type TunnelKind uint8

const (
	NoTunnel TunnelKind = iota
	VXLAN               // RFC 7348, in UDP
	Geneve              // RFC 8926, in UDP
	GRETap              // RFC 2784 and 2890 with protocol 0x6558
)

// EtherTEB is the protocol number of an Ethernet frame inside a tunnel.
const EtherTEB uint16 = 0x6558

// IANA's ports of the tunnels in UDP.
const (
	PortVXLAN  uint16 = 4789
	PortGeneve uint16 = 6081
)

// TunnelFlag says more of a tunnel's header. The first four are numbered as
// flower's enc_flags are.
type TunnelFlag uint8

const (
	TunnelChecksum TunnelFlag = 1 << iota // the outer header has (or is to have) a checksum
	TunnelDF
	TunnelOAM
	TunnelCritical
	TunnelKey // there is a key (GRE may go without)
)

// MaxTunnelOpts is the most bytes of options that Linux keeps
// (IP_TUNNEL_OPTS_MAX); Geneve's header has room for 252.
const MaxTunnelOpts = 255

// Tunnel is a packet's tunnel metadata: what Linux keeps in struct
// ip_tunnel_info. For a packet that came out of a tunnel it describes the
// outer headers, for one that is to go into a tunnel it orders them.
type Tunnel struct {
	Src, Dst     Addr
	ID           uint32 // VNI, or GRE's key
	SPort, DPort uint16 // of UDP
	Family       uint8  // of Src and Dst; FamilyNone: no tunnel
	TOS, TTL     uint8
	Flags        TunnelFlag
	OptsKind     TunnelKind // whose options Opts are
	OptsLen      uint8
	// Opts are Geneve's options as they are in its header, or VXLAN's group
	// policy as four bytes.
	Opts [MaxTunnelOpts]byte
}

// TunnelError is why a tunnelled packet cannot be taken out of its tunnel.
type TunnelError uint8

const (
	TunnelOK        TunnelError = iota
	TunnelTruncated             // a header of the tunnel, or the inner frame's, is not all there
	TunnelHeader                // flags, version, protocol or reserved bits that the port does not take
	TunnelBadSum                // the outer checksum is wrong, or missing where it must not be
	TunnelECN                   // congestion was marked outside, and the inner packet cannot carry the mark
	TunnelEcho                  // the inner frame comes from the port's own address
)

// TunnelPort is how a tunnel's end is set up.
type TunnelPort struct {
	Kind TunnelKind
	// GroupPolicy: VXLAN's group policy extension is understood.
	GroupPolicy bool
	// ZeroSum6: UDP over IPv6 may come without a checksum (RFC 6935).
	ZeroSum6 bool
	// MAC is the port's own address; HasMAC says that it is known.
	MAC    [6]byte
	HasMAC bool
}

// Decap looks into a tunnelled packet, of which h are the headers: an
// unfragmented IP packet with UDP or GRE. It fills in t and gives where the
// inner frame begins and ends. Nothing is changed but, once everything else
// is in order, the inner packet's congestion mark (RFC 6040, as
// inet_ecn.h __INET_ECN_decapsulate has it).
//
// The checks and their order are those of vxlan_core.c vxlan_rcv, geneve.c
// geneve_udp_encap_recv and ip_tunnel.c ip_tunnel_rcv.
func (p *TunnelPort) Decap(frame []byte, h *Headers, t *Tunnel) (begin, end int, err TunnelError) {
	at, end := int(h.L4), int(h.End)
	if p.Kind == GRETap {
		begin, err = p.decapGRE(frame[at:end], h, t)
		begin += at
	} else {
		begin, end, err = p.decapUDP(frame, at, end, h, t)
	}
	if err != TunnelOK {
		return 0, 0, err
	}
	inner := frame[begin:end]
	if !innerWhole(inner) {
		return 0, 0, TunnelTruncated
	}
	if p.HasMAC && p.Kind != GRETap && [6]byte(inner[6:12]) == p.MAC {
		return 0, 0, TunnelEcho
	}
	if h.TOS&3 == 3 && !markCongestion(inner) {
		return 0, 0, TunnelECN
	}
	t.Src, t.Dst, t.Family = h.Tuple.Src, h.Tuple.Dst, h.Tuple.Family
	t.TOS, t.TTL = h.TOS, h.TTL
	return begin, end, TunnelOK
}

// decapUDP reads UDP's header and that of VXLAN or Geneve behind it. Beside an
// error, begin and last mean nothing.
func (p *TunnelPort) decapUDP(frame []byte, at, end int, h *Headers, t *Tunnel) (begin, last int, err TunnelError) {
	if end < at+16 {
		return at, end, TunnelTruncated
	}
	b := frame[at : at+16 : at+16]
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < 16 || at+n > end {
		return at, end, TunnelTruncated
	}
	end = at + n
	t.Flags = TunnelKey
	if b[6]|b[7] != 0 {
		sum := PseudoSum(frame[h.L3:], h.Tuple.Family, ProtoUDP, n)
		if Fold(Sum(sum, frame[at:end])) != 0xffff {
			return at, end, TunnelBadSum
		}
		t.Flags |= TunnelChecksum
	} else if h.Tuple.Family == IPv6 && !p.ZeroSum6 {
		return at, end, TunnelBadSum
	}
	t.SPort, t.DPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	t.ID = binary.BigEndian.Uint32(b[12:]) >> 8
	if p.Kind == VXLAN {
		return at + 16, end, p.vxlan(b[8:], t)
	}
	// Geneve: version and length of the options, flags, protocol, VNI.
	opts := int(b[8]&0x3f) * 4
	switch {
	case b[8]>>6 != 0 || binary.BigEndian.Uint16(b[10:]) != EtherTEB:
		return at, end, TunnelHeader
	case at+16+opts > end:
		return at, end, TunnelTruncated
	}
	if b[9]&0x80 != 0 {
		t.Flags |= TunnelOAM
	}
	if b[9]&0x40 != 0 {
		t.Flags |= TunnelCritical
	}
	t.OptsKind, t.OptsLen = Geneve, uint8(opts)
	copy(t.Opts[:], frame[at+16:at+16+opts])
	return at + 16 + opts, end, TunnelOK
}

// GBPBits are what a VXLAN group policy has bits for (vxlan.h
// VXLAN_GBP_MASK): the group, and whether it has been applied and may not be
// learned.
const GBPBits = 0x0048ffff

// vxlan reads the eight bytes of VXLAN's header. Bits that nobody understands
// condemn the packet.
func (p *TunnelPort) vxlan(b []byte, t *Tunnel) TunnelError {
	const (
		hasVNI = 0x08000000
		hasGBP = 0x80000000
	)
	flags := binary.BigEndian.Uint32(b)
	if flags&hasVNI == 0 || b[7] != 0 {
		return TunnelHeader
	}
	rest := flags &^ hasVNI
	t.OptsKind, t.OptsLen = NoTunnel, 0
	if p.GroupPolicy {
		if flags&hasGBP != 0 {
			t.OptsKind, t.OptsLen = VXLAN, 4
			binary.BigEndian.PutUint32(t.Opts[:], flags&GBPBits)
		}
		rest &^= hasGBP | 0xffffff
	}
	if rest != 0 {
		return TunnelHeader
	}
	return TunnelOK
}

// decapGRE reads GRE's header, of which b are all bytes to the end of the
// packet, and gives its length (gre_demux.c gre_parse_header).
func (p *TunnelPort) decapGRE(b []byte, h *Headers, t *Tunnel) (int, TunnelError) {
	n := 4
	if len(b) < n {
		return n, TunnelTruncated
	}
	const hasSum, hasRouting, hasKey, hasSeq = 0x80, 0x40, 0x20, 0x10
	if b[0]&hasRouting != 0 || b[1]&7 != 0 || binary.BigEndian.Uint16(b[2:]) != EtherTEB {
		return n, TunnelHeader
	}
	for _, bit := range [3]byte{hasSum, hasKey, hasSeq} {
		if b[0]&bit != 0 {
			n += 4
		}
	}
	if len(b) < n {
		return n, TunnelTruncated
	}
	t.ID, t.SPort, t.DPort, t.Flags = 0, 0, 0, 0
	t.OptsKind, t.OptsLen = NoTunnel, 0
	if b[0]&hasSum != 0 {
		// Right or wrong: an external port expects none (ip_tunnel_rcv).
		return n, TunnelBadSum
	}
	if b[0]&hasKey != 0 {
		t.Flags |= TunnelKey
		t.ID = binary.BigEndian.Uint32(b[4:])
	}
	return n, TunnelOK
}

// innerWhole reports whether an inner frame has an Ethernet header, and an IP
// header if it says so (ip_tunnels.h pskb_inet_may_pull).
func innerWhole(f []byte) bool {
	if len(f) < 14 {
		return false
	}
	switch binary.BigEndian.Uint16(f[12:]) {
	case EtherIPv4:
		return len(f) >= 34
	case EtherIPv6:
		return len(f) >= 54
	}
	return true
}

// markCongestion passes the outer header's congestion mark on to the packet
// in a frame. It reports false when the packet's ends do not speak ECN. What
// is not IP has nothing to mark.
func markCongestion(f []byte) bool {
	at, typ := 14, binary.BigEndian.Uint16(f[12:])
	for (typ == EtherVLAN || typ == EtherQinQ) && at+4 <= len(f) {
		typ = binary.BigEndian.Uint16(f[at+2:])
		at += 4
	}
	switch {
	case typ == EtherIPv4 && len(f) >= at+20:
		ip := f[at : at+20 : at+20]
		if ip[1]&3 == 0 {
			return false
		}
		old := binary.BigEndian.Uint16(ip)
		ip[1] |= 3
		Patch(ip[10:], Diff16(old, binary.BigEndian.Uint16(ip)))
	case typ == EtherIPv6 && len(f) >= at+40:
		if f[at+1]>>4&3 == 0 {
			return false
		}
		f[at+1] |= 0x30
	}
	return true
}
