package datapath

import (
	"encoding/binary"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/policy"
)

// fields says which parts of a key a program's masks touch, so that only
// those are extracted.
type fields uint32

const (
	needMAC fields = 1 << iota
	needVLAN
	needIP  // addresses
	needIPX // ttl, ip_flags
	needL4  // ports, tcp_flags, ICMP's type and code
	needARP
	needMPLS
	needCT // any of ct_state, ct_zone, ct_mark, ct_label
	needSPI
	needDev
	needTunnel     // any of enc_*
	needTunnelOpts // geneve_opts, vxlan_opts
)

// needed lists the parts that a mask touches.
func needed(m *policy.Key, rng bool) (n fields) {
	set := func(f fields, touched bool) {
		if touched {
			n |= f
		}
	}
	var mac [6]byte
	var ip, label [16]byte
	set(needMAC, m.SrcMAC != mac || m.DstMAC != mac)
	set(needVLAN, m.VLANTCI|m.VLANTPID|m.VLANEthType|m.CVLANTCI|m.CVLANTPID|m.CVLANEthType != 0 || m.NumVLANs != 0)
	set(needIP, m.SrcIP != ip || m.DstIP != ip)
	set(needIPX, m.IPTTL|m.IPFlags != 0)
	set(needL4, m.SrcPort|m.DstPort|m.TCPFlags != 0 || rng || m.ICMPType|m.ICMPCode != 0)
	set(needARP, m.ARPOp != 0 || m.ARPSIP != [4]byte{} || m.ARPTIP != [4]byte{} || m.ARPSHA != mac || m.ARPTHA != mac)
	set(needMPLS, m.LSEs != 0)
	set(needCT, m.CTState|m.CTZone != 0 || m.CTMark != 0 || m.CTLabel != label)
	set(needSPI, m.SPI != 0)
	set(needDev, m.InDev != 0)
	set(needTunnel, m.EncSrcIP != ip || m.EncDstIP != ip || m.EncKeyID != 0 || m.EncSrcPort|m.EncDstPort != 0 ||
		m.EncTOS|m.EncTTL|m.EncFlags != 0 || m.EncCtl != 0)
	return n
}

// extract fills the key with what the program asks of a packet. It sees what
// the kernel's flow dissector sees, with flower's flags: it stops at
// fragments, so a fragment has no ports, and it does not look into tunnels
// (flow_dissector.c, FLOW_DISSECTOR_F_STOP_BEFORE_ENCAP). A header that is
// not all there leaves its fields zero.
func (p *pkt) extract(need fields) {
	k, h, f := &p.key, p.h, p.frame
	*k = key{}
	l4 := l4Fields{}
	var tos, proto, flags, ttl uint8
	l3 := int(h.L3)
	switch h.EtherType {
	case packet.EtherIPv4:
		if l3 == 0 || len(f) < l3+20 || f[l3]&15 < 5 {
			break
		}
		b := f[l3 : l3+20 : l3+20]
		tos, ttl, proto = b[1], b[8], b[9]
		if need&needIP != 0 {
			k[wSrcIP] = uint64(binary.BigEndian.Uint32(b[12:])) << 32
			k[wDstIP] = uint64(binary.BigEndian.Uint32(b[16:])) << 32
		}
		if off := binary.BigEndian.Uint16(b[6:]); off&0x3fff != 0 {
			flags = fragFlags(off&0x1fff == 0)
		} else if need&(needL4|needSPI) != 0 {
			l4 = readL4(f, l3+int(b[0]&15)*4, proto)
		}
	case packet.EtherIPv6:
		if l3 == 0 || len(f) < l3+40 {
			break
		}
		b := f[l3 : l3+40 : l3+40]
		tos, ttl = b[0]<<4|b[1]>>4, b[7]
		if need&needIP != 0 {
			k[wSrcIP], k[wSrcIP+1] = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
			k[wDstIP], k[wDstIP+1] = binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])
		}
		var off int
		if off, proto, flags = walkIPv6(f, l3+40, b[6]); off != 0 {
			l4 = readL4(f, off, proto)
		}
	case packet.EtherARP:
		if need&needARP != 0 && l3 != 0 {
			k.extractARP(f[min(l3, len(f)):])
		}
	case packet.EtherMPLS, packet.EtherMPLSM:
		if need&needMPLS != 0 && l3 != 0 {
			k.extractMPLS(f[min(l3, len(f)):])
		}
	}
	k[wBase] = packBase(h.EtherType, proto, tos)
	k[wL4] = packL4(l4.src, l4.dst, l4.aux, p.proto)
	if need == needCT {
		if p.m.CT.Conn|boolRef(p.m.CT.PostCT) != 0 {
			p.extractCT()
		}
		return
	}
	k[wMark] = uint64(uint32(p.iif) + 1)
	k[wSrcMAC] = uint64(ttl)<<8 | uint64(flags)
	if need&needMAC != 0 && len(f) >= 12+p.strip {
		k[wDstMAC] = binary.BigEndian.Uint64(f[p.strip:]) &^ 0xffff
		k[wSrcMAC] |= binary.BigEndian.Uint64(f[p.strip+4:]) << 16
	}
	k[wMPLS+3] |= uint64(l4.spi)
	if need&needVLAN != 0 {
		k.extractVLAN(h, f)
	}
	if need&needCT != 0 {
		p.extractCT()
	}
	if need&needTunnel != 0 {
		p.extractTunnel()
	}
}

// boolRef lets a condition be joined to a reference without a branch of its
// own.
func boolRef(b bool) packet.ConnRef {
	if b {
		return 1
	}
	return 0
}

func fragFlags(first bool) uint8 {
	if first {
		return policy.IPFlagFrag | policy.IPFlagFirstFrag
	}
	return policy.IPFlagFrag
}

// walkIPv6 follows the extension headers that the dissector follows. It
// returns where the protocol behind them starts, zero for fragments and for
// chains that run out of the frame.
func walkIPv6(f []byte, at int, next uint8) (off int, proto, flags uint8) {
	for range 16 { // MAX_FLOW_DISSECT_HDRS, and what stands behind the last of them
		switch next {
		case packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoDstOpts:
			if at+2 > len(f) {
				return 0, next, 0
			}
			next, at = f[at], at+(int(f[at+1])+1)*8
		case packet.ProtoFragment:
			if at+8 > len(f) {
				return 0, next, 0
			}
			return 0, f[at], fragFlags(binary.BigEndian.Uint16(f[at+2:])&0xfff8 == 0)
		default:
			return at, next, 0
		}
	}
	return at, next, 0
}

// l4Fields is what flower knows of a transport header.
type l4Fields struct {
	src, dst uint16
	aux      uint16 // TCP flags, or ICMP type and code
	spi      uint32
}

// readL4 reads the transport header at off as far as it is in the frame.
func readL4(f []byte, off int, proto uint8) (l l4Fields) {
	switch proto {
	case packet.ProtoTCP:
		if off+20 <= len(f) {
			b := f[off : off+20 : off+20]
			l.src, l.dst = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
			if b[12]>>4 >= 5 {
				l.aux = binary.BigEndian.Uint16(b[12:]) & 0x0fff
			}
			return l
		}
		fallthrough
	case packet.ProtoUDP, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoUDPLite:
		if off+4 <= len(f) {
			l.src = binary.BigEndian.Uint16(f[off:])
			l.dst = binary.BigEndian.Uint16(f[off+2:])
		}
	case packet.ProtoICMP, packet.ProtoICMPv6:
		if off+8 <= len(f) {
			l.aux = binary.BigEndian.Uint16(f[off:])
		}
	case packet.ProtoESP:
		if off+4 <= len(f) {
			l.spi = binary.BigEndian.Uint32(f[off:])
		}
	case packet.ProtoAH:
		if off+8 <= len(f) {
			l.spi = binary.BigEndian.Uint32(f[off+4:])
		}
	}
	return l
}

// extractVLAN fills the tags' fields. The type a tag encapsulates is the next
// tag's TPID, or the network header's type.
func (k *key) extractVLAN(h *packet.Headers, f []byte) {
	k[wARP] |= uint64(h.NVLAN) << 40
	if h.NVLAN == 0 {
		return
	}
	const dei = 0x1000 // not matched
	inner := h.EtherType
	if h.NVLAN > 1 {
		inner = h.VLAN[1].TPID
		k[wVLAN] = uint64(h.VLAN[1].TCI&^dei)<<16 | uint64(h.VLAN[1].TPID)
		k[wARP] |= uint64(be16(f[20:])) << 48 // a third tag's, if there is one
	}
	k[wDstMAC] |= uint64(h.VLAN[0].TCI &^ dei)
	k[wVLAN] |= uint64(h.VLAN[0].TPID)<<48 | uint64(inner)<<32
}

// extractARP accepts Ethernet/IPv4 requests and replies only
// (flow_dissector.c __skb_flow_dissect_arp).
func (k *key) extractARP(b []byte) {
	if len(b) < 28 || binary.BigEndian.Uint64(b)>>16 != 0x0001_0800_0604 {
		return
	}
	op := binary.BigEndian.Uint16(b[6:])
	if op != 1 && op != 2 {
		return
	}
	k[wARP] = uint64(op)<<32 | uint64(binary.BigEndian.Uint32(b[14:]))
	k[wARPTIP] = uint64(binary.BigEndian.Uint32(b[24:])) << 32
	k[wARPSHA] = uint64(binary.BigEndian.Uint16(b[8:]))<<48 | uint64(binary.BigEndian.Uint32(b[10:]))<<16
	k[wARPTHA] = uint64(binary.BigEndian.Uint16(b[18:]))<<48 | uint64(binary.BigEndian.Uint32(b[20:]))<<16
}

func (k *key) extractMPLS(b []byte) {
	for i := range 7 {
		if len(b) < 4 {
			return
		}
		k[wMPLS+i/2] |= uint64(binary.BigEndian.Uint32(b)) << (32 * (1 - i%2))
		k[wCFM] |= 1 << (32 + i)
		if b[2]&1 != 0 { // bottom of stack
			return
		}
		b = b[4:]
	}
}

// ctState maps a packet's relation to its connection to flower's bits
// (cls_flower.c ctinfo_map).
var ctState = [8]uint16{
	packet.CTEstablished:      policy.CTTracked | policy.CTEstablished,
	packet.CTRelated:          policy.CTTracked | policy.CTRelated,
	packet.CTNew:              policy.CTTracked | policy.CTNew,
	packet.CTEstablishedReply: policy.CTTracked | policy.CTEstablished | policy.CTReply,
	packet.CTRelatedReply:     policy.CTTracked | policy.CTRelated | policy.CTReply,
}

// extractCT fills the connection's fields. Mark and label are the
// connection's own, read now, so that a commit earlier in the same filter is
// seen (flow_dissector.c skb_flow_dissect_ct).
func (p *pkt) extractCT() {
	k, ct := &p.key, &p.m.CT
	base := k[wBase] &^ stateMask
	if ct.Conn == 0 {
		if ct.PostCT {
			base |= packState(policy.CTTracked|policy.CTInvalid, ct.Zone)
		}
		k[wBase] = base
		k[wMark] &= 0xffffffff
		k[wLabel], k[wLabel+1] = 0, 0
		return
	}
	if d := p.e.device; d != nil {
		k[wBase] = base | packState(ctState[ct.Info&7]|natState(ct), ct.Zone)
		k[wMark] = k[wMark]&0xffffffff | uint64(d.mark)<<32
		k[wLabel], k[wLabel+1] = binary.BigEndian.Uint64(d.label[:]), binary.BigEndian.Uint64(d.label[8:])
		return
	}
	c := p.e.tr.Conn(ct.Conn)
	if c == nil {
		k[wBase] = base
		return
	}
	p.extractConn(c)
}

// extractConn is extractCT for a packet that has connection c, in software.
func (p *pkt) extractConn(c *conntrack.Conn) {
	k, ct := &p.key, &p.m.CT
	k[wBase] = k[wBase]&^stateMask | packState(ctState[ct.Info&7]|natState(ct), c.Zone)
	k[wMark] = k[wMark]&0xffffffff | uint64(c.Mark)<<32
	k[wLabel], k[wLabel+1] = binary.BigEndian.Uint64(c.Label[:]), binary.BigEndian.Uint64(c.Label[8:])
}

// natState gives the bits that say whether this packet's source or
// destination was translated, as ovs-fields(7) defines them: on the way back
// the two change places.
func natState(ct *packet.CT) (s uint16) {
	if ct.NAT&uint8(conntrack.SrcNAT) != 0 {
		s |= policy.CTSNAT
	}
	if ct.NAT&uint8(conntrack.DstNAT) != 0 {
		s |= policy.CTDNAT
	}
	return s
}
