package tc

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"sluice/policy"
)

// line starts a text line of a filter's options.
func (p *printer) line(key, v string) {
	p.nl()
	p.str(key, "  "+key+" %s", v)
}

func (p *printer) lineUint(key string, v uint64) {
	p.nl()
	p.uint(key, "  "+key+" %d", v)
}

// lineMasked is a line with VALUE[/MASK].
func (p *printer) lineMasked(key string, v, mask, full uint64) {
	if mask == 0 {
		return
	}
	p.nl()
	p.masked(key, v, mask, full, "  ")
}

// keys writes a flower filter's matches, in tc's order. Keys are shown as they
// were given, not masked.
func (p *printer) keys(m *policy.Match) {
	k, w := &m.Key, &m.Mask
	p.openObject("keys")
	defer p.close()
	if w.NumVLANs != 0 {
		p.lineUint("num_of_vlans", uint64(k.NumVLANs))
	}
	p.vlanKeys(k, w)
	p.macKey("dst_mac", k.DstMAC, w.DstMAC)
	p.macKey("src_mac", k.SrcMAC, w.SrcMAC)
	if w.EthType != 0 {
		p.line("eth_type", ethTypeText(k.EthType))
	}
	if w.IPProto != 0 {
		p.line("ip_proto", protoText(k.IPProto))
	}
	p.lineMasked("ip_tos", uint64(k.IPTOS), uint64(w.IPTOS), 0xff)
	p.lineMasked("ip_ttl", uint64(k.IPTTL), uint64(w.IPTTL), 0xff)
	p.mplsKeys(k, w)
	if w.EthType != 0 && (k.EthType == etherIP || k.EthType == etherIPv6) {
		p.ipKey("dst_ip", k.DstIP, w.DstIP, m.AddrFamily)
		p.ipKey("src_ip", k.SrcIP, w.SrcIP, m.AddrFamily)
	}
	p.lineMasked("dst_port", uint64(k.DstPort), uint64(w.DstPort), 0xffff)
	p.lineMasked("src_port", uint64(k.SrcPort), uint64(w.SrcPort), 0xffff)
	p.portRange("dst_port", m.DstPorts)
	p.portRange("src_port", m.SrcPorts)
	if w.TCPFlags != 0 {
		p.line("tcp_flags", fmt.Sprintf("0x%x/%x", k.TCPFlags, w.TCPFlags))
	}
	p.byteKey("icmp_type", k.ICMPType, w.ICMPType, "")
	p.byteKey("icmp_code", k.ICMPCode, w.ICMPCode, "")
	if w.L2TPv3SID != 0 {
		p.lineUint("l2tpv3_sid", uint64(k.L2TPv3SID))
	}
	if w.SPI != 0 {
		p.nl()
		p.hex("spi", "  spi 0x%s", uint64(k.SPI))
	}
	p.arpKeys(k, w)
	if w.PPPoESID != 0 {
		p.lineUint("pppoe_sid", uint64(k.PPPoESID))
	}
	if w.PPPProto != 0 {
		p.line("ppp_proto", pppName(k.PPPProto))
	}
	p.ipKey("enc_dst_ip", k.EncDstIP, w.EncDstIP, m.EncAddrFamily)
	p.ipKey("enc_src_ip", k.EncSrcIP, w.EncSrcIP, m.EncAddrFamily)
	if w.EncKeyID != 0 {
		p.lineUint("enc_key_id", k.EncKeyID)
	}
	p.lineMasked("enc_dst_port", uint64(k.EncDstPort), uint64(w.EncDstPort), 0xffff)
	p.lineMasked("enc_tos", uint64(k.EncTOS), uint64(w.EncTOS), 0xff)
	p.lineMasked("enc_ttl", uint64(k.EncTTL), uint64(w.EncTTL), 0xff)
	p.encOpts(m)
	p.flagKeys("ip_flags", k.IPFlags, w.IPFlags, ipFlagNames)
	p.flagKeys("enc_flags", k.EncFlags, w.EncFlags, encFlagNames)
	if w.L2Miss != 0 {
		p.lineUint("l2_miss", uint64(k.L2Miss))
	}
	if w.CTState != 0 {
		p.line("ct_state", ctStateText(k.CTState, w.CTState))
	}
	p.lineMasked("ct_zone", uint64(k.CTZone), uint64(w.CTZone), 0xffff)
	p.lineMasked("ct_mark", uint64(k.CTMark), uint64(w.CTMark), 0xffffffff)
	if w.CTLabel != [16]byte{} {
		p.line("ct_label", labelText(k.CTLabel, w.CTLabel))
	}
	if w.CFM != 0 {
		p.nl()
		p.textf("  cfm")
		p.openObject("cfm")
		if w.CFM>>8 != 0 {
			p.uint("mdl", " mdl %d", uint64(k.CFM>>8))
		}
		if w.CFM&0xff != 0 {
			p.uint("op", " op %d", uint64(k.CFM&0xff))
		}
		p.close()
	}
}

func ethTypeText(t uint16) string {
	switch t {
	case etherIP:
		return "ipv4"
	case etherIPv6:
		return "ipv6"
	case etherARP:
		return "arp"
	case etherRARP:
		return "rarp"
	}
	return fmt.Sprintf("%04x", t)
}

func protoText(n uint8) string {
	switch n {
	case ipTCP:
		return "tcp"
	case ipUDP:
		return "udp"
	case ipSCTP:
		return "sctp"
	case ipICMP:
		return "icmp"
	case ipICMPv6:
		return "icmpv6"
	case ipL2TP:
		return "l2tp"
	case ipESP:
		return "esp"
	case ipAH:
		return "ah"
	}
	return fmt.Sprintf("%02x", n)
}

func (p *printer) vlanKeys(k, w *policy.Key) {
	tag := func(prefix string, tci, mask uint16) {
		if mask&0xfff != 0 {
			p.lineUint(prefix+"vlan_id", uint64(tci&0xfff))
		}
		if mask>>13 != 0 {
			p.lineUint(prefix+"vlan_prio", uint64(tci>>13))
		}
	}
	tag("", k.VLANTCI, w.VLANTCI)
	if w.VLANEthType != 0 {
		p.line("vlan_ethtype", etherName(k.VLANEthType))
	}
	tag("c", k.CVLANTCI, w.CVLANTCI)
	if w.CVLANEthType != 0 {
		p.line("cvlan_ethtype", etherName(k.CVLANEthType))
	}
}

func (p *printer) macKey(name string, a, mask [6]byte) {
	if mask == [6]byte{} {
		return
	}
	s := macText(a)
	if bits, ok := prefixBits(mask[:]); !ok {
		s += "/" + macText(mask)
	} else if bits < 48 {
		s += fmt.Sprintf("/%d", bits)
	}
	p.line(name, s)
}

func macText(a [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4], a[5])
}

func (p *printer) ipKey(name string, a, mask [16]byte, family uint8) {
	if mask == [16]byte{} {
		return
	}
	n := 16
	if family == 4 {
		n = 4
	}
	s := addrText(a, family)
	if bits, ok := prefixBits(mask[:n]); !ok {
		s += "/" + addrText(mask, family)
	} else if bits < 8*n {
		s += fmt.Sprintf("/%d", bits)
	}
	p.line(name, s)
}

func (p *printer) portRange(name string, r policy.PortRange) {
	if r == (policy.PortRange{}) {
		return
	}
	p.nl()
	p.textf("  %s %d-%d", name, r.Min, r.Max)
	if p.o.json {
		p.openObject(name)
		p.jsonUint("start", uint64(r.Min))
		p.jsonUint("end", uint64(r.Max))
		p.close()
	}
}

// byteKey writes a value and mask as one word, both in decimal.
func (p *printer) byteKey(name string, v, mask uint8, word string) {
	if mask == 0 {
		return
	}
	s := fmt.Sprint(v)
	if mask != 0xff {
		s += fmt.Sprintf("/%d", mask)
	} else if word != "" {
		s = word
	}
	p.line(name, s)
}

// hex writes a number in hexadecimal; a string without 0x in JSON.
func (p *printer) hex(key, format string, v uint64) { p.str(key, format, fmt.Sprintf("%x", v)) }

func (p *printer) arpKeys(k, w *policy.Key) {
	ip := func(name string, a, mask [4]byte) {
		var x, y [16]byte
		copy(x[:], a[:])
		copy(y[:], mask[:])
		p.ipKey(name, x, y, 4)
	}
	ip("arp_sip", k.ARPSIP, w.ARPSIP)
	ip("arp_tip", k.ARPTIP, w.ARPTIP)
	op := ""
	switch k.ARPOp {
	case 1:
		op = "request"
	case 2:
		op = "reply"
	}
	p.byteKey("arp_op", k.ARPOp, w.ARPOp, op)
	p.macKey("arp_sha", k.ARPSHA, w.ARPSHA)
	p.macKey("arp_tha", k.ARPTHA, w.ARPTHA)
}

// mplsKeys writes a match on the first entry alone in the old form, and on
// others, or on none of its fields, in the new one (cls_flower.c
// fl_dump_key_mpls).
func (p *printer) mplsKeys(k, w *policy.Key) {
	field := func(v, shift, mask uint32) uint64 { return uint64(v >> shift & mask) }
	if w.LSEs == 0 {
		return
	}
	if w.LSEs == 1 && w.MPLS[0] != 0 {
		if field(w.MPLS[0], mplsLabelShift, mplsLabelMask) != 0 {
			p.lineUint("mpls_label", field(k.MPLS[0], mplsLabelShift, mplsLabelMask))
		}
		one := func(name string, shift, mask uint32) { // strings in JSON
			if field(w.MPLS[0], shift, mask) != 0 {
				p.line(name, fmt.Sprint(field(k.MPLS[0], shift, mask)))
			}
		}
		one("mpls_tc", mplsTCShift, mplsTCMask)
		one("mpls_bos", mplsBOSShift, mplsBOSMask)
		one("mpls_ttl", mplsTTLShift, mplsTTLMask)
		return
	}
	p.nl()
	p.textf("  mpls")
	p.openArray("mpls")
	for i := range w.MPLS {
		if w.LSEs>>i&1 == 0 {
			continue
		}
		p.nl()
		p.textf("    lse")
		p.openObject("")
		p.uint("depth", " depth %d", uint64(i+1))
		one := func(name string, shift, mask uint32) {
			if field(w.MPLS[i], shift, mask) != 0 {
				p.uint(name, " "+name+" %d", field(k.MPLS[i], shift, mask))
			}
		}
		one("label", mplsLabelShift, mplsLabelMask)
		one("tc", mplsTCShift, mplsTCMask)
		one("bos", mplsBOSShift, mplsBOSMask)
		one("ttl", mplsTTLShift, mplsTTLMask)
		p.close()
	}
	p.close()
}

func (p *printer) flagKeys(name string, v, mask uint8, names []struct {
	name string
	bit  uint8
}) {
	if mask == 0 {
		return
	}
	p.nl()
	p.textf("  %s ", name)
	p.openObject(name)
	sep := ""
	for _, f := range names {
		if mask&f.bit == 0 {
			continue
		}
		on := v&f.bit != 0
		text := sep + f.name
		if !on {
			text = sep + "no" + f.name
		}
		p.boolean(f.name, text, on)
		sep = "/"
	}
	p.close()
}

func ctStateText(v, mask uint16) string {
	var b strings.Builder
	for _, f := range ctFlags {
		switch {
		case mask&f.bit == 0:
		case v&f.bit != 0:
			b.WriteString("+" + f.name)
		default:
			b.WriteString("-" + f.name)
		}
	}
	return b.String()
}

// encOpts writes tunnel options: KEY/MASK in text, two lists in JSON.
func (p *printer) encOpts(m *policy.Match) {
	if m.EncOptsKind == "" {
		return
	}
	name := m.EncOptsKind
	if !p.o.json {
		p.nl()
		p.textf("  %s_opts %s", name, encOptsText(name, m.EncOpts, m.EncOptsMask))
		return
	}
	if name == "gtp" || name == "pfcp" {
		return // tc has no JSON for them
	}
	for i, b := range [][]byte{m.EncOpts, m.EncOptsMask} {
		p.openArray(name + [2]string{"_opt_key", "_opt_mask"}[i])
		p.optObjects(name, b)
		p.close()
	}
}

// optObjects writes options as JSON objects.
func (p *printer) optObjects(name string, b []byte) {
	for len(b) > 0 {
		p.openObject("")
		switch name {
		case "geneve":
			n := 4 + int(b[3])
			p.jsonUint("class", uint64(binary.BigEndian.Uint16(b)))
			p.jsonUint("type", uint64(b[2]))
			p.openArray("data")
			for _, d := range b[4:n] {
				p.jsonUint("", uint64(d))
			}
			p.close()
			b = b[n:]
		case "vxlan":
			p.jsonUint("gbp", uint64(binary.BigEndian.Uint32(b)))
			b = nil
		case "erspan":
			ver, index, dir, hwid := erspanFields(b)
			p.jsonUint("ver", ver)
			p.jsonUint("index", index)
			p.jsonUint("dir", dir)
			p.jsonUint("hwid", hwid)
			b = nil
		}
		p.close()
	}
}

func encOptsText(kind string, key, mask []byte) string {
	one := func(b []byte) string { return optText(kind, b) }
	if kind != "geneve" {
		return one(key) + "/" + one(mask)
	}
	var parts []string
	for len(key) > 0 {
		n := 4 + int(key[3])
		parts = append(parts, one(key[:n])+"/"+one(mask[:n]))
		key, mask = key[n:], mask[n:]
	}
	return strings.Join(parts, ",")
}

// optText writes one option.
func optText(kind string, b []byte) string {
	switch kind {
	case "vxlan":
		return fmt.Sprint(binary.BigEndian.Uint32(b))
	case "erspan":
		ver, index, dir, hwid := erspanFields(b)
		return fmt.Sprintf("%d:%d:%d:%d", ver, index, dir, hwid)
	case "gtp":
		return fmt.Sprintf("%02x:%02x", b[0], b[1])
	case "pfcp":
		return fmt.Sprintf("%02x:%016x", b[0], binary.BigEndian.Uint64(b[1:]))
	}
	return fmt.Sprintf("%04x:%02x:%s", binary.BigEndian.Uint16(b), b[2], hex.EncodeToString(b[4:]))
}

// erspanFields reads an ERSPAN option; version 1 has an index, version 2 a
// direction and a hardware id.
func erspanFields(b []byte) (ver, index, dir, hwid uint64) {
	ver = uint64(b[0])
	if ver == 1 {
		return ver, uint64(binary.BigEndian.Uint32(b[1:])), 0, 0
	}
	return ver, 0, uint64(b[5]), uint64(b[6])
}
