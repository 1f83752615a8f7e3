package datapath

import (
	"encoding/binary"

	"sluice/packet"
	"sluice/policy"
)

// csum computes checksums anew (act_csum.c tcf_csum_act). A packet that is cut
// off before its end is dropped; what csum does not know goes on as it is.
func (p *pkt) csum(a *action) (policy.Control, int32) {
	p.count(a)
	if a.control == policy.Shot {
		p.e.counters.slots[a.stat].drops++
		return p.done(a)
	}
	if p.egress && isVLAN(p.typ) {
		// Where it looks for an inner tag, Linux finds the Ethernet header on
		// egress, and then no protocol that it knows.
		return p.done(a)
	}
	ok := true
	switch flags := a.edit.csum; p.h.EtherType {
	case packet.EtherIPv4:
		ok = p.csumIPv4(flags)
	case packet.EtherIPv6:
		ok = p.csumIPv6(flags)
	case packet.EtherVLAN, packet.EtherQinQ: // an inner tag that is cut off
		ok = false
	}
	if !ok {
		return p.refused(a)
	}
	return p.done(a)
}

func (p *pkt) csumIPv4(flags policy.CsumFlags) bool {
	l3 := int(p.h.L3)
	if l3 == 0 || len(p.frame) < l3+20 {
		return false
	}
	ip := p.frame[l3:]
	if be16(ip[6:])&0x1fff == 0 && flags&csumFlag(ip[9], false) != 0 {
		if !p.csumL4(l3, int(ip[0]&15)*4, int(be16(ip[2:])), ip[9]) {
			return false
		}
	}
	if flags&policy.CsumIPv4 != 0 {
		if !p.own(0) {
			return false
		}
		packet.IPv4HeaderChecksum(p.frame[l3:])
	}
	return true
}

// csumFlag is the flag that asks for a protocol's checksum.
func csumFlag(proto uint8, v6 bool) policy.CsumFlags {
	switch {
	case proto == packet.ProtoICMP && !v6, proto == packet.ProtoICMPv6 && v6:
		return policy.CsumICMP
	case proto == packet.ProtoIGMP && !v6:
		return policy.CsumIGMP
	case proto == packet.ProtoTCP:
		return policy.CsumTCP
	case proto == packet.ProtoUDP:
		return policy.CsumUDP
	case proto == packet.ProtoUDPLite:
		return policy.CsumUDPLite
	case proto == packet.ProtoSCTP:
		return policy.CsumSCTP
	}
	return 0
}

// csumIPv6 follows the extension headers to the transport
// (tcf_csum_ipv6). Fragments are left alone.
func (p *pkt) csumIPv6(flags policy.CsumFlags) bool {
	l3 := int(p.h.L3)
	if l3 == 0 || len(p.frame) < l3+40 {
		return false
	}
	b := p.frame[l3:]
	payload, next, hl := int(be16(b[4:])), b[6], 40
	for {
		switch next {
		case packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoDstOpts:
			if len(b) < hl+2 {
				return false
			}
			n := (int(b[hl+1]) + 1) * 8
			if len(b) < hl+n {
				return false
			}
			if next == packet.ProtoHopByHop && !jumbo(b[hl:hl+n], &payload) {
				return false
			}
			next, hl = b[hl], hl+n
		default:
			if flags&csumFlag(next, true) == 0 {
				return true
			}
			return p.csumL4(l3, hl, payload+40, next)
		}
		if len(b) < hl+1 {
			return true
		}
	}
}

// jumbo takes the payload's length from a jumbo payload option (RFC 2675);
// false when the option is not where it must be.
func jumbo(xh []byte, payload *int) bool {
	for off := 2; len(xh)-off > 1; {
		left := len(xh) - off
		n := 1
		switch xh[off] {
		case 0: // Pad1
		case 0xc2:
			n = int(xh[off+1]) + 2
			if n != 6 || left < 6 || off&3 != 2 {
				return false
			}
			*payload = int(binary.BigEndian.Uint32(xh[off+2:]))
			return true
		default:
			if n = int(xh[off+1]) + 2; n > left {
				return true
			}
		}
		off += n
	}
	return true
}

// csumL4 writes the checksum of the transport header ihl bytes behind the
// network header at l3; ipl is the IP packet's length. False: the packet is
// not all there.
func (p *pkt) csumL4(l3, ihl, ipl int, proto uint8) bool {
	need := 8
	switch proto {
	case packet.ProtoTCP:
		need = 20
	case packet.ProtoSCTP:
		need = 12
	}
	if ipl > len(p.frame)-l3 || ipl < ihl+need || !p.own(0) {
		return false
	}
	p.pull(ipl) // tcf_csum_skb_nextlayer
	ip := p.frame[l3:]
	seg := ip[ihl:ipl]
	family := packet.IPv4
	if p.h.EtherType == packet.EtherIPv6 {
		family = packet.IPv6
	}
	switch proto {
	case packet.ProtoSCTP:
		// To the end of the frame, padding included (sctp_compute_cksum).
		binary.LittleEndian.PutUint32(seg[8:], packet.SCTPChecksum(ip[ihl:]))
	case packet.ProtoICMP, packet.ProtoIGMP:
		putSum(seg, 2, 0)
	case packet.ProtoICMPv6:
		putSum(seg, 2, packet.PseudoSum(ip, family, proto, len(seg)))
	case packet.ProtoTCP:
		putSum(seg, 16, packet.PseudoSum(ip, family, proto, len(seg)))
	default:
		csumUDP(ip, seg, family, proto)
	}
	return true
}

// csumUDP is tcf_csum_ipv4_udp and its twin: UDP's length must be the IP
// packet's, UDP-Lite's says how much its checksum covers. Where it lies, the
// checksum is left at zero.
func csumUDP(ip, seg []byte, family, proto uint8) {
	lite := proto == packet.ProtoUDPLite
	if !lite && family == packet.IPv4 && be16(seg[6:]) == 0 {
		return // there is none; IPv6 has no such thing
	}
	n := int(be16(seg[4:]))
	part := seg
	switch {
	case lite && n == 0:
	case lite && n >= 8 && n <= len(seg):
		part = seg[:n]
	case !lite && n == len(seg):
	default:
		seg[6], seg[7] = 0, 0
		return
	}
	putSum(part, 6, packet.PseudoSum(ip, family, proto, n))
	if be16(part[6:]) == 0 {
		part[6], part[7] = 0xff, 0xff
	}
}

// putSum writes the checksum of seg at offset at.
func putSum(seg []byte, at int, pseudo uint64) {
	seg[at], seg[at+1] = 0, 0
	binary.BigEndian.PutUint16(seg[at:], ^packet.Fold(packet.Sum(pseudo, seg)))
}
