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
	needIP   // addresses
	needIPX  // ttl, ip_flags
	needL4   // ports
	needTCP  // tcp_flags
	needICMP // type, code
	needARP
	needMPLS
	needCT // any of ct_state, ct_zone, ct_mark, ct_label
	needSPI
)

// needed lists the parts that a mask touches.
func needed(m *key, rng bool) (n fields) {
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
	set(needL4, m.SrcPort|m.DstPort != 0 || rng)
	set(needTCP, m.TCPFlags != 0)
	set(needICMP, m.ICMPType|m.ICMPCode != 0)
	set(needARP, m.ARPOp != 0 || m.ARPSIP != [4]byte{} || m.ARPTIP != [4]byte{} || m.ARPSHA != mac || m.ARPTHA != mac)
	set(needMPLS, m.MPLS != [7]uint32{})
	set(needCT, m.CTState|m.CTZone != 0 || m.CTMark != 0 || m.CTLabel != label)
	set(needSPI, m.SPI != 0)
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
	k.proto = uint64(p.proto)
	k.EthType = h.EtherType
	k.InDev = uint32(p.iif) + 1
	if need&needMAC != 0 && len(f) >= 12 {
		k.DstMAC = [6]byte(f[0:6])
		k.SrcMAC = [6]byte(f[6:12])
	}
	if need&needVLAN != 0 {
		p.extractVLAN()
	}
	if need&needCT != 0 {
		p.extractCT()
	}
	l3 := int(h.L3)
	switch h.EtherType {
	case packet.EtherIPv4:
		if l3 == 0 || len(f) < l3+20 || f[l3]&15 < 5 {
			return
		}
		b := f[l3 : l3+20]
		k.IPTOS, k.IPTTL, k.IPProto = b[1], b[8], b[9]
		if need&needIP != 0 {
			copy(k.SrcIP[:4], b[12:16])
			copy(k.DstIP[:4], b[16:20])
		}
		if off := binary.BigEndian.Uint16(b[6:]); off&0x3fff != 0 {
			k.IPFlags = policy.IPFlagFrag
			if off&0x1fff == 0 {
				k.IPFlags |= policy.IPFlagFirstFrag
			}
			return
		}
		p.extractL4(need, l3+int(b[0]&15)*4)
	case packet.EtherIPv6:
		if l3 == 0 || len(f) < l3+40 {
			return
		}
		b := f[l3 : l3+40]
		k.IPTOS, k.IPTTL = b[0]<<4|b[1]>>4, b[7]
		if need&needIP != 0 {
			k.SrcIP = [16]byte(b[8:24])
			k.DstIP = [16]byte(b[24:40])
		}
		if off, ok := p.walkIPv6(l3+40, b[6]); ok {
			p.extractL4(need, off)
		}
	case packet.EtherARP:
		if need&needARP != 0 && l3 != 0 {
			p.extractARP(f[min(l3, len(f)):])
		}
	case packet.EtherMPLS, packet.EtherMPLSM:
		if need&needMPLS != 0 && l3 != 0 {
			p.extractMPLS(f[min(l3, len(f)):])
		}
	}
}

// walkIPv6 follows the extension headers that the dissector follows, sets the
// protocol behind them and reports where it starts; false for fragments and
// for chains that run out of the frame.
func (p *pkt) walkIPv6(off int, next uint8) (int, bool) {
	f := p.frame
	for range 16 { // flow_dissector.c MAX_FLOW_DISSECT_HDRS
		p.key.IPProto = next
		switch next {
		case packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoDstOpts:
			if off+2 > len(f) {
				return 0, false
			}
			next, off = f[off], off+(int(f[off+1])+1)*8
		case packet.ProtoFragment:
			if off+8 > len(f) {
				return 0, false
			}
			p.key.IPFlags = policy.IPFlagFrag
			if binary.BigEndian.Uint16(f[off+2:])&0xfff8 == 0 {
				p.key.IPFlags |= policy.IPFlagFirstFrag
			}
			p.key.IPProto = f[off]
			return 0, false
		default:
			return off, true
		}
	}
	return 0, false
}

// extractL4 reads the transport header at off as far as it is in the frame.
func (p *pkt) extractL4(need fields, off int) {
	k, f := &p.key, p.frame
	switch k.IPProto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoUDPLite:
		if need&needL4 != 0 && off+4 <= len(f) {
			k.SrcPort = binary.BigEndian.Uint16(f[off:])
			k.DstPort = binary.BigEndian.Uint16(f[off+2:])
		}
		if need&needTCP != 0 && k.IPProto == packet.ProtoTCP && off+20 <= len(f) && f[off+12]>>4 >= 5 {
			k.TCPFlags = binary.BigEndian.Uint16(f[off+12:]) & 0x0fff
		}
	case packet.ProtoICMP, packet.ProtoICMPv6:
		if need&needICMP != 0 && off+8 <= len(f) {
			k.ICMPType, k.ICMPCode = f[off], f[off+1]
		}
	case packet.ProtoESP:
		if need&needSPI != 0 && off+4 <= len(f) {
			k.SPI = binary.BigEndian.Uint32(f[off:])
		}
	case packet.ProtoAH:
		if need&needSPI != 0 && off+8 <= len(f) {
			k.SPI = binary.BigEndian.Uint32(f[off+4:])
		}
	}
}

// extractVLAN fills the tags' fields. The type a tag encapsulates is the next
// tag's TPID, or the network header's type.
func (p *pkt) extractVLAN() {
	k, h := &p.key, p.h
	k.NumVLANs = h.NVLAN
	if h.NVLAN == 0 {
		return
	}
	k.VLANTCI, k.VLANTPID, k.VLANEthType = h.VLAN[0].TCI&^0x1000, h.VLAN[0].TPID, h.EtherType
	if h.NVLAN > 1 {
		k.VLANEthType = h.VLAN[1].TPID
		k.CVLANTCI, k.CVLANTPID, k.CVLANEthType = h.VLAN[1].TCI&^0x1000, h.VLAN[1].TPID, h.EtherType
	}
}

// extractARP accepts Ethernet/IPv4 requests and replies only
// (flow_dissector.c __skb_flow_dissect_arp).
func (p *pkt) extractARP(b []byte) {
	if len(b) < 28 || binary.BigEndian.Uint64(b)>>16 != 0x0001_0800_0604 {
		return
	}
	op := binary.BigEndian.Uint16(b[6:])
	if op != 1 && op != 2 {
		return
	}
	k := &p.key
	k.ARPOp = uint8(op)
	k.ARPSHA = [6]byte(b[8:14])
	k.ARPSIP = [4]byte(b[14:18])
	k.ARPTHA = [6]byte(b[18:24])
	k.ARPTIP = [4]byte(b[24:28])
}

func (p *pkt) extractMPLS(b []byte) {
	for i := range p.key.MPLS {
		if len(b) < 4 {
			return
		}
		p.key.MPLS[i] = binary.BigEndian.Uint32(b)
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
	k.CTState, k.CTZone, k.CTMark, k.CTLabel = 0, 0, 0, [16]byte{}
	if ct.Conn == 0 {
		if ct.PostCT {
			k.CTState, k.CTZone = policy.CTTracked|policy.CTInvalid, ct.Zone
		}
		return
	}
	c := p.e.tr.Conn(ct.Conn)
	if c == nil {
		return
	}
	k.CTState = ctState[ct.Info&7] | natState(c, ct.Info)
	k.CTZone, k.CTMark, k.CTLabel = c.Zone, c.Mark, c.Label
}

// natState gives the bits that say whether this packet's source or
// destination was translated, as ovs-fields(7) defines them: in the reply
// direction the two change places.
func natState(c *conntrack.Conn, info packet.CTInfo) (s uint16) {
	if c.Status&(conntrack.StatusSrcNAT|conntrack.StatusDstNAT) == 0 {
		return 0
	}
	src, dst := policy.CTSNAT, policy.CTDNAT
	if info.Dir() == 1 {
		src, dst = dst, src
	}
	if c.Status&conntrack.StatusSrcNAT != 0 {
		s |= src
	}
	if c.Status&conntrack.StatusDstNAT != 0 {
		s |= dst
	}
	return s
}
