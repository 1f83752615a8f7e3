package packet

import "encoding/binary"

// Outer is what a tunnel's outer headers need beyond the tunnel metadata: the
// two ends on the wire, and what the port chooses.
type Outer struct {
	Kind       TunnelKind
	SMAC, DMAC [6]byte
	DPort      uint16 // where the tunnel metadata names none, or the kind does not ask
	MinPort    uint16 // UDP's source port is from MinPort on,
	MaxPort    uint16 // and below MaxPort
	// GroupPolicy: VXLAN's group policy goes out, if there is one.
	GroupPolicy bool
	Label       uint32 // IPv6 flow label, of GRE alone
}

// hopLimit is what Linux sends with when nobody says otherwise
// (ip_default_ttl, hop_limit).
const hopLimit = 64

// Encap appends to dst the outer headers that t orders, then the inner frame,
// of which h are the headers. hash chooses UDP's source port, id is the IPv4
// identification. The headers are those that vxlan_core.c, geneve.c,
// ip_tunnel.c ip_md_tunnel_xmit and ip6_gre.c write in external mode.
func (o *Outer) Encap(dst []byte, t *Tunnel, inner []byte, h *Headers, hash uint32, id uint16) []byte {
	start := len(dst)
	dst = append(append(dst, o.DMAC[:]...), o.SMAC[:]...)
	tos, ttl := o.dsfield(t, h)
	proto := ProtoUDP
	if o.Kind == GRETap {
		proto = ProtoGRE
	}
	if t.Family == IPv4 {
		frag := uint16(0)
		if t.Flags&TunnelDF != 0 {
			frag = 0x4000
		}
		dst = append(dst, 0x08, 0x00, 0x45, tos, 0, 0, byte(id>>8), byte(id), byte(frag>>8), byte(frag), ttl, proto, 0, 0)
		dst = append(append(dst, t.Src[:4]...), t.Dst[:4]...)
	} else {
		dst = append(dst, 0x86, 0xdd, 0x60|tos>>4, tos<<4|byte(o.Label>>16&15), byte(o.Label>>8), byte(o.Label), 0, 0, proto, ttl)
		dst = append(append(dst, t.Src[:]...), t.Dst[:]...)
	}
	l4 := len(dst)
	dst = o.header(dst, t, hash)
	dst = append(dst, inner...)
	o.finish(dst[start:], l4-start, t, proto)
	return dst
}

// dsfield gives the outer TOS and TTL.
func (o *Outer) dsfield(t *Tunnel, h *Headers) (tos, ttl uint8) {
	tos, ttl = t.TOS, t.TTL
	ip := h.EtherType == EtherIPv4 || h.EtherType == EtherIPv6
	switch o.Kind {
	case VXLAN:
		if ttl == 0 {
			ttl = hopLimit // Geneve really sends zero (geneve.c geneve_xmit_skb)
		}
	case GRETap:
		ip = ip && h.NVLAN == 0 // to GRE a tagged packet is no IP
		if ttl == 0 {
			if ttl = hopLimit; ip {
				ttl = h.TTL
			}
		}
		if t.Family == IPv6 {
			return tos, ttl
		}
		if tos == 1 && ip {
			tos = h.TOS
		}
	}
	// RFC 6040: the inner mark goes out, but for congestion itself.
	ecn := uint8(0)
	if ip {
		if ecn = h.TOS & 3; ecn == 3 {
			ecn = 2
		}
	}
	return tos&^3 | ecn, ttl
}

// header appends the headers between IP and the inner frame, with lengths and
// checksums yet to come.
func (o *Outer) header(dst []byte, t *Tunnel, hash uint32) []byte {
	be := binary.BigEndian
	if o.Kind == GRETap {
		flags := byte(0)
		if t.Flags&TunnelChecksum != 0 {
			flags |= 0x80
		}
		if t.Flags&TunnelKey != 0 {
			flags |= 0x20
		}
		dst = append(dst, flags, 0, byte(EtherTEB>>8), byte(EtherTEB&0xff))
		if t.Flags&TunnelChecksum != 0 {
			dst = append(dst, 0, 0, 0, 0)
		}
		if t.Flags&TunnelKey != 0 {
			dst = be.AppendUint32(dst, t.ID)
		}
		return dst
	}
	port := o.DPort
	if o.Kind == VXLAN && t.DPort != 0 {
		port = t.DPort
	}
	dst = be.AppendUint16(dst, o.sourcePort(hash))
	dst = be.AppendUint16(dst, port)
	dst = append(dst, 0, 0, 0, 0)
	if o.Kind == VXLAN {
		flags := uint32(0x08000000)
		if o.GroupPolicy && t.OptsKind == VXLAN {
			if gbp := be.Uint32(t.Opts[:]); gbp != 0 {
				flags |= 0x80000000 | gbp&GBPBits
			}
		}
		dst = be.AppendUint32(dst, flags)
	} else {
		n := uint8(0)
		flags := byte(0)
		if t.OptsKind == Geneve {
			n = t.OptsLen &^ 3
		}
		if t.Flags&TunnelOAM != 0 {
			flags |= 0x80
		}
		if t.Flags&TunnelCritical != 0 {
			flags |= 0x40
		}
		dst = append(dst, n/4, flags, byte(EtherTEB>>8), byte(EtherTEB&0xff))
		dst = be.AppendUint32(dst, t.ID<<8)
		return append(dst, t.Opts[:n]...)
	}
	return be.AppendUint32(dst, t.ID<<8)
}

// sourcePort spreads flows over the port range (udp_tunnel.h
// udp_flow_src_port).
func (o *Outer) sourcePort(hash uint32) uint16 {
	hash ^= hash << 16
	return uint16(uint64(hash)*uint64(o.MaxPort-o.MinPort)>>32) + o.MinPort
}

// finish writes lengths and checksums into a frame whose transport header is
// at l4.
func (o *Outer) finish(f []byte, l4 int, t *Tunnel, proto uint8) {
	be := binary.BigEndian
	ip := f[14:l4]
	if t.Family == IPv4 {
		be.PutUint16(ip[2:], uint16(len(f)-14))
		be.PutUint16(ip[10:], Checksum(ip))
	} else {
		be.PutUint16(ip[4:], uint16(len(f)-l4))
	}
	seg := f[l4:]
	if proto == ProtoGRE {
		if t.Flags&TunnelChecksum != 0 {
			be.PutUint16(seg[4:], Checksum(seg))
		}
		return
	}
	be.PutUint16(seg[4:], uint16(len(seg)))
	if t.Flags&TunnelChecksum == 0 {
		return
	}
	sum := ^Fold(Sum(PseudoSum(ip, t.Family, ProtoUDP, len(seg)), seg))
	if sum == 0 {
		sum = 0xffff
	}
	be.PutUint16(seg[6:], sum)
}
