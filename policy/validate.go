package policy

// Validate is the kernel's check of a flower match (cls_flower.c fl_set_key).
func Validate(m *Match) error {
	if err := validateCTState(m.Key.CTState & m.Mask.CTState); err != nil {
		return err
	}
	if r := m.DstPorts; r != (PortRange{}) && r.Max <= r.Min {
		return refuse(EINVAL, "Invalid destination port range (min must be strictly smaller than max)")
	}
	if r := m.SrcPorts; r != (PortRange{}) && r.Max <= r.Min {
		return refuse(EINVAL, "Invalid source port range (min must be strictly smaller than max)")
	}
	if m.Mask.SPI != 0 {
		switch m.Key.IPProto {
		case ipUDP, ipESP, ipAH:
		default:
			return refuse(EINVAL, "SPI attribute only for AH, ESP and UDP")
		}
	}
	if m.Mask.L2Miss != 0 && m.Key.L2Miss > 1 {
		return refuse(EINVAL, "integer out of range")
	}
	if m.Mask.CFM>>8 != 0 && m.Key.CFM>>8 > 7 {
		return refuse(EINVAL, "integer out of range")
	}
	return nil
}

// validateCTState is fl_validate_ct_state: it looks at what must be set (state
// is already masked), so `-trk+new` is no better than `+new`. Translation, this
// program's extension, needs trk like the others.
func validateCTState(state uint16) error {
	switch {
	case state != 0 && state&CTTracked == 0:
		return refuse(EINVAL, "no trk, so no other flag can be set")
	case state&CTNew != 0 && state&CTEstablished != 0:
		return refuse(EINVAL, "new and est are mutually exclusive")
	case state&CTInvalid != 0 && state&^(CTTracked|CTInvalid) != 0:
		return refuse(EINVAL, "when inv is set, only trk may be set")
	case state&CTNew != 0 && state&CTReply != 0:
		return refuse(EINVAL, "new and rpl are mutually exclusive")
	}
	return nil
}

// IP protocols and EtherTypes whose fields flower knows (IANA, IEEE).
const (
	ipICMP   = 1
	ipTCP    = 6
	ipUDP    = 17
	ipESP    = 50
	ipAH     = 51
	ipICMPv6 = 58
	ipL2TP   = 115
	ipSCTP   = 132

	etherIP    = 0x0800
	etherIPv6  = 0x86dd
	etherARP   = 0x0806
	etherRARP  = 0x8035
	etherMPLS  = 0x8847
	etherMPLSM = 0x8848
)

// Ignored clears the fields that the kernel does not look at, given the kind
// of packet the filter asks for, and names them: TCP flags without `ip_proto
// tcp`, for one. The kernel takes such a filter and matches more than was
// written (fl_set_key reads those attributes under the protocol only).
func Ignored(m *Match) (names []string) {
	k, w := &m.Key, &m.Mask
	var et uint16
	if w.EthType != 0 {
		et = k.EthType
	}
	ip := et == etherIP || et == etherIPv6
	var proto uint8
	if ip && w.IPProto != 0 {
		proto = k.IPProto
	}
	clear := func(name string, keep, used bool, f func(k *Key)) {
		if used && !keep {
			f(k)
			f(w)
			names = append(names, name)
		}
	}
	ports := proto == ipTCP || proto == ipUDP || proto == ipSCTP
	arp := et == etherARP || et == etherRARP
	mpls := et == etherMPLS || et == etherMPLSM
	icmp := et == etherIP && proto == ipICMP || et == etherIPv6 && proto == ipICMPv6
	clear("ip_proto", ip, w.IPProto != 0, func(k *Key) { k.IPProto = 0 })
	clear("ip_tos", ip, w.IPTOS != 0, func(k *Key) { k.IPTOS = 0 })
	clear("ip_ttl", ip, w.IPTTL != 0, func(k *Key) { k.IPTTL = 0 })
	clear("src_port", ports, w.SrcPort != 0, func(k *Key) { k.SrcPort = 0 })
	clear("dst_port", ports, w.DstPort != 0, func(k *Key) { k.DstPort = 0 })
	clear("tcp_flags", proto == ipTCP, w.TCPFlags != 0, func(k *Key) { k.TCPFlags = 0 })
	clear("type", icmp, w.ICMPType != 0, func(k *Key) { k.ICMPType = 0 })
	clear("code", icmp, w.ICMPCode != 0, func(k *Key) { k.ICMPCode = 0 })
	clear("mpls", mpls, w.LSEs != 0, func(k *Key) { k.MPLS, k.LSEs = [7]uint32{}, 0 })
	clear("arp_sip", arp, w.ARPSIP != [4]byte{}, func(k *Key) { k.ARPSIP = [4]byte{} })
	clear("arp_tip", arp, w.ARPTIP != [4]byte{}, func(k *Key) { k.ARPTIP = [4]byte{} })
	clear("arp_op", arp, w.ARPOp != 0, func(k *Key) { k.ARPOp = 0 })
	clear("arp_sha", arp, w.ARPSHA != [6]byte{}, func(k *Key) { k.ARPSHA = [6]byte{} })
	clear("arp_tha", arp, w.ARPTHA != [6]byte{}, func(k *Key) { k.ARPTHA = [6]byte{} })
	clear("l2tpv3_sid", proto == ipL2TP, w.L2TPv3SID != 0, func(k *Key) { k.L2TPv3SID = 0 })
	return names
}
