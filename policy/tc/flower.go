package tc

import (
	"fmt"
	"math"
	"strings"

	"sluice/policy"
)

// flowerParse holds what flower's grammar remembers while it reads: which
// kind of packet is meant decides what the next words may say.
type flowerParse struct {
	*cursor
	h            *head
	f            *policy.Filter
	m            *policy.Match
	parent       uint32
	protocol     uint16 // of the filter
	etherType    uint16 // of what the next matches look at; 0: any
	vlanType     uint16 // vlan_ethtype
	vlans        uint8  // num_of_vlans
	proto        uint8  // ip_proto
	hasProto     bool
	oldMPLS, new bool
	refused      error // what the kernel says when it has read the match
}

const flowerWords = "a match (ct_state, ct_zone, ct_mark, ct_label, dst_ip, src_ip, ip_proto, dst_port, src_port, …), action, verbose, skip_hw, skip_sw, classid or hw_tc"

// flower parses a flower filter's matches and actions.
func (s *Session) flower(c *cursor, h *head, f *policy.Filter) {
	p := &flowerParse{cursor: c, h: h, f: f, m: &policy.Match{}, parent: h.where.Parent, protocol: h.rule.Protocol, etherType: h.rule.Protocol}
	h.parseHandle(c, f)
	f.Match = p.m
	start := c.i
	p.all()
	if p.refused != nil {
		c.kernel(start, p.refused, talking, 2)
	}
	p.finish(start)
}

// all reads words until the end of the command.
func (p *flowerParse) all() {
	for p.more() {
		if p.one() {
			p.skip()
		}
	}
}

// one reads one match or option; true if its last word is still to be
// skipped. The order of the cases is iproute2's, which decides what an
// abbreviation means.
func (p *flowerParse) one() bool {
	k, w := &p.m.Key, &p.m.Mask
	switch word := p.text(); {
	case p.is("classid"), p.is("flowid"):
		id, ok := splitParent(p.arg("a class"))
		p.must(ok, "classid", "MAJOR:MINOR in hexadecimal")
		p.f.ClassID = id
	case p.is("hw_tc"):
		// strtoul, of which 32 bits are looked at; no digits are 0.
		s := p.arg("a traffic class")
		n, ok := number(s, 0, math.MaxUint64)
		if !ok && len(s) >= 20 && strings.Trim(s, "0123456789") == "" {
			n, ok = math.MaxUint64, true
		}
		if !ok && s != "" {
			p.fail("Illegal TC index", "a number from 0 to 15")
		}
		if n = uint64(uint32(n)); n >= 16 {
			p.fail("TC index exceeds max range", "a number from 0 to 15")
		}
		p.f.HWTC = uint32(n) + 1
	case p.is("ip_flags"):
		p.ipFlags(p.arg("flags"))
	case word == "enc_flags":
		p.encFlags(p.arg("flags"))
	case word == "l2_miss":
		v, ok := u8(p.arg("0 or 1"), 10)
		p.must(ok, "l2_miss", "0 or 1")
		k.L2Miss, w.L2Miss = v, 0xff
	case p.is("verbose"):
		p.f.Verbose = true
	case p.is("skip_hw"):
		p.f.SkipHW = true
	case p.is("skip_sw"):
		p.f.SkipSW, p.f.SkipSWAt = true, p.place(p.i)
	case p.is("ct_state"):
		p.ctState()
		return false
	case p.is("ct_zone"):
		v, m, ok := maskedNumber(p.arg("a zone"), 0, 0xffff)
		p.must(ok, "ct_zone", "ZONE[/MASK], each from 0 to 65535")
		k.CTZone, w.CTZone = uint16(v), uint16(m)
	case p.is("ct_mark"):
		v, m, ok := maskedNumber(p.arg("a mark"), 0, 0xffffffff)
		p.must(ok, "ct_mark", "MARK[/MASK], 32 bits each")
		k.CTMark, w.CTMark = uint32(v), uint32(m)
	case p.is("ct_label"):
		p.arg("a label")
		k.CTLabel, w.CTLabel = p.label("")
	case p.is("indev"):
		name := p.arg("a device")
		if !deviceName(name) {
			p.wrong(`"indev" not a valid ifname`, "a device's name")
		}
		if !p.s.Strict && p.s.Policy.Device(name) == nil {
			// It may be named later on; Load sees to it that it is.
			p.s.Policy.Declare(name)
			p.s.indevOnly(name, p.errorAt(p.i, noDevice, "a device that another command names: dev, mirred or ip link"))
		}
		p.m.InDev = name
	case word == "num_of_vlans":
		v, ok := u8(p.arg("a number"), 10)
		p.must(ok, "num_of_vlans", "a number from 0 to 255")
		p.vlans, k.NumVLANs, w.NumVLANs = v, v, 0xff
	case p.is("vlan_id"), p.is("vlan_prio"), p.is("vlan_ethtype"), p.is("cvlan_id"), p.is("cvlan_prio"), p.is("cvlan_ethtype"):
		p.vlan()
	case p.is("mpls"):
		p.mplsNew()
		return false
	case p.is("mpls_label"), p.is("mpls_tc"), p.is("mpls_bos"), p.is("mpls_ttl"):
		p.mplsOld()
	case p.is("dst_mac"):
		k.DstMAC, w.DstMAC = p.macAddr("dst_mac")
	case p.is("src_mac"):
		k.SrcMAC, w.SrcMAC = p.macAddr("src_mac")
	case p.is("ip_proto"):
		p.ipProto(p.arg("a protocol"))
	case p.is("ip_tos"):
		k.IPTOS, w.IPTOS = p.tosTTL("ip_tos")
	case p.is("ip_ttl"):
		k.IPTTL, w.IPTTL = p.tosTTL("ip_ttl")
	case p.is("dst_ip"):
		k.DstIP, w.DstIP = p.ip("dst_ip")
	case p.is("src_ip"):
		k.SrcIP, w.SrcIP = p.ip("src_ip")
	case p.is("dst_port"):
		p.port("dst_port", &k.DstPort, &w.DstPort, &p.m.DstPorts)
	case p.is("src_port"):
		p.port("src_port", &k.SrcPort, &w.SrcPort, &p.m.SrcPorts)
	case p.is("tcp_flags"):
		v, m, ok := maskedHex(p.arg("TCP flags"), 0xfff)
		p.must(ok, "tcp_flags", "FLAGS[/MASK], hexadecimal, 12 bits each")
		k.TCPFlags, w.TCPFlags = uint16(v), uint16(m)
	case p.is("type"):
		k.ICMPType, w.ICMPType = p.icmp("type")
	case p.is("code"):
		k.ICMPCode, w.ICMPCode = p.icmp("code")
	case word == "l2tpv3_sid":
		p.arg("a session")
		if p.proto != ipL2TP {
			p.fail(`Can't set "l2tpv3_sid" if ip_proto isn't l2tp`, "ip_proto l2tp before it")
		}
		v, ok := u32(p.text(), 10)
		p.must(ok, "l2tpv3 session id", "a number of 32 bits")
		k.L2TPv3SID, w.L2TPv3SID = v, ^uint32(0)
	case word == "spi":
		p.arg("an SPI")
		if p.proto != ipESP && p.proto != ipUDP && p.proto != ipAH {
			p.fail(`Can't set "spi" if ip_proto isn't ESP/UDP/AH`, "ip_proto esp, ah or udp before it")
		}
		v, ok := u32(p.text(), 16)
		p.must(ok, "spi index", "a hexadecimal number of 32 bits")
		k.SPI, w.SPI = v, ^uint32(0)
	case p.is("arp_tip"):
		k.ARPTIP, w.ARPTIP = p.arpIP("arp_tip")
	case p.is("arp_sip"):
		k.ARPSIP, w.ARPSIP = p.arpIP("arp_sip")
	case p.is("arp_op"):
		p.arpOp(p.arg("request or reply"))
	case p.is("arp_tha"):
		k.ARPTHA, w.ARPTHA = p.macAddr("arp_tha")
	case p.is("arp_sha"):
		k.ARPSHA, w.ARPSHA = p.macAddr("arp_sha")
	case word == "pppoe_sid", word == "ppp_proto":
		p.ppp(word)
	case p.is("enc_dst_ip"):
		k.EncDstIP, w.EncDstIP = p.encIP("enc_dst_ip")
	case p.is("enc_src_ip"):
		k.EncSrcIP, w.EncSrcIP = p.encIP("enc_src_ip")
	case p.is("enc_key_id"):
		v, ok := u32(p.arg("a key"), 10)
		p.must(ok, "enc_key_id", "a number of 32 bits")
		k.EncKeyID, w.EncKeyID = uint64(v), 0xffffffff
	case p.is("enc_dst_port"):
		v, ok := u16(p.arg("a port"), 10)
		p.must(ok, "enc_dst_port", "a port")
		k.EncDstPort, w.EncDstPort = v, 0xffff
	case p.is("enc_tos"):
		k.EncTOS, w.EncTOS = p.tosTTL("enc_tos")
	case p.is("enc_ttl"):
		k.EncTTL, w.EncTTL = p.tosTTL("enc_ttl")
	case p.is("geneve_opts"), p.is("vxlan_opts"), p.is("erspan_opts"), word == "gtp_opts", word == "pfcp_opts":
		p.encOpts()
	case p.is("action"):
		p.skip()
		p.f.Actions = append(p.f.Actions, p.actionList(true)...)
		return false
	case word == "ct_action":
		p.note(p.i, `"ct_action" is the papers' short form`, "action ct")
		p.f.Actions = append(p.f.Actions, p.actionList(true)...)
		return false
	case word == "cfm":
		p.cfm()
		return false
	default:
		if p.is("help") {
			p.help("flower", 1)
		}
		p.fail(fmt.Sprintf(`What is "%s"?`, word), flowerWords)
	}
	return true
}

// must is iproute2's `Illegal "NAME"`.
func (c *cursor) must(ok bool, name, want string) {
	if !ok {
		c.fail(`Illegal "`+name+`"`, want)
	}
}

// finish sets what the protocol implies, as the kernel derives it from the
// filter's EtherType, and drops what the kernel would not look at.
func (p *flowerParse) finish(start int) {
	k, w := &p.m.Key, &p.m.Mask
	// fl_set_key, is_vlan_key: with a VLAN type as protocol, or with a number
	// of VLANs, the protocol is the outer tag's, and the type behind the tags
	// is vlan_ethtype or cvlan_ethtype, if given.
	ether := func(t uint16) { k.EthType, w.EthType = t, 0xffff }
	t := p.protocol
	if t == etherAll {
		t = 0
	}
	switch {
	case p.protocol == 0:
		// Only `change` and a chain's template may leave the protocol out. tc
		// sends 0 then, and the kernel takes it for an EtherType.
		ether(0)
		p.dropVLAN(start, true)
		p.note(start, "without a protocol the filter asks for EtherType 0, which no packet has", "protocol ip before flower")
	case t == 0 && p.vlans == 0:
		p.dropVLAN(start, true)
	case p.vlans == 0 && !isVLAN(t):
		ether(t)
		p.dropVLAN(start, true)
	default:
		if t != 0 {
			k.VLANTPID, w.VLANTPID = t, 0xffff
		}
		switch {
		case w.VLANEthType == 0 && p.vlans <= 1:
			p.dropVLAN(start, false)
		case w.VLANEthType != 0 && p.vlans <= 1 && !isVLAN(k.VLANEthType):
			ether(k.VLANEthType)
			p.dropVLAN(start, false)
		default:
			if w.VLANEthType != 0 {
				k.CVLANTPID, w.CVLANTPID = k.VLANEthType, 0xffff
			}
			if w.CVLANEthType != 0 {
				ether(k.CVLANEthType)
			}
		}
	}
	if w.EthType != 0 && k.EthType == etherPPP {
		p.pppEther()
	} else if w.PPPoESID|w.PPPProto != 0 {
		k.PPPoESID, w.PPPoESID, k.PPPProto, w.PPPProto = 0, 0, 0, 0
		p.ignored(start, "pppoe_sid and ppp_proto")
	}
	for _, name := range policy.Ignored(p.m) {
		p.ignored(start, name)
	}
	if (p.m.SrcPorts != policy.PortRange{} || p.m.DstPorts != policy.PortRange{}) && !(w.IPProto != 0 && hasPorts(k.IPProto)) {
		p.m.SrcPorts, p.m.DstPorts = policy.PortRange{}, policy.PortRange{}
		p.ignored(start, "port ranges")
	}
}

// dropVLAN takes away matches on tags that the kernel does not read: on the
// second tag, and with both on the first.
func (p *flowerParse) dropVLAN(start int, both bool) {
	k, w := &p.m.Key, &p.m.Mask
	if w.CVLANTCI|w.CVLANEthType != 0 {
		k.CVLANTCI, w.CVLANTCI, k.CVLANEthType, w.CVLANEthType = 0, 0, 0, 0
		p.ignored(start, "cvlan_id, cvlan_prio and cvlan_ethtype")
	}
	if both && w.VLANTCI|w.VLANEthType != 0 {
		k.VLANTCI, w.VLANTCI, k.VLANEthType, w.VLANEthType = 0, 0, 0, 0
		p.ignored(start, "vlan_id, vlan_prio and vlan_ethtype")
	}
}

func (p *flowerParse) ignored(i int, what string) {
	p.note(i, what+": the kernel does not look at it in a filter for this kind of packet, so the filter matches more than it says", "")
}

func hasPorts(proto uint8) bool { return proto == ipTCP || proto == ipUDP || proto == ipSCTP }

// ctFlags are the flags of ct_state, in the order in which they are shown. The
// last two are this program's extension (ovs-fields(7)).
var ctFlags = []struct {
	name string
	bit  uint16
}{
	{"trk", policy.CTTracked}, {"new", policy.CTNew}, {"est", policy.CTEstablished},
	{"rel", policy.CTRelated}, {"inv", policy.CTInvalid}, {"rpl", policy.CTReply},
	{"snat", policy.CTSNAT}, {"dnat", policy.CTDNAT},
}

// ctState reads flags, each with + or -, and takes following words of the same
// form along, as the first RFC wrote them.
func (p *flowerParse) ctState() {
	const want = "+FLAG or -FLAG, joined: trk new est rel inv rpl snat dnat"
	first := p.i + 1
	p.arg(want)
	var state, mask uint16
	var joined strings.Builder
	for {
		s, m, ok := parseCTState(p.text())
		p.must(ok, "ct_state", want)
		state, mask = state|s, mask|m
		joined.WriteString(p.text())
		p.skip()
		if t := p.text(); t == "" || t[0] != '+' && t[0] != '-' {
			break
		}
	}
	if p.i > first+1 {
		p.note(first, "ct_state in several words", "ct_state "+joined.String())
	}
	p.m.Key.CTState, p.m.Mask.CTState = state, mask
	p.h.stateAt = first
}

func parseCTState(s string) (state, mask uint16, ok bool) {
	for s != "" {
		sign := s[0]
		if sign != '+' && sign != '-' {
			return 0, 0, false
		}
		s = s[1:]
		found := false
		for _, f := range ctFlags {
			if rest, ok := strings.CutPrefix(s, f.name); ok {
				if sign == '+' {
					state |= f.bit
				}
				mask |= f.bit
				s, found = rest, true
				break
			}
		}
		if !found {
			return 0, 0, false
		}
	}
	return state, mask, true
}

// label reads the present word as a connection label, HEX[/HEXMASK]: digits
// fill from the left, byte 0 first. who is the prefix of iproute2's messages.
func (c *cursor) label(who string) (v, mask [16]byte) {
	s, m, has := strings.Cut(c.text(), "/")
	s, m = c.plainHex(s), c.plainHex(m)
	if len(s) > 32 || len(m) > 32 {
		c.wrong(fmt.Sprintf("%d Max allowed size 32", len(s)), "at most 32 hexadecimal digits")
	}
	b, ok := hexBytes(s)
	if !ok {
		c.wrong(who+"labels must be a hex string", "hexadecimal digits without 0x")
	}
	if len(s)%2 == 1 {
		c.note(c.i, fmt.Sprintf("the last digit of %q is not looked at: labels are read in pairs of digits, from the left", s), "")
	}
	copy(v[:], b)
	if !has {
		for i := range mask {
			mask[i] = 0xff
		}
		return v, mask
	}
	b, ok = hexBytes(m)
	if !ok {
		e := c.errorAt(c.i, `Error: argument "`+m+`" is wrong: `+who+"labels mask must be a hex string", "hexadecimal digits without 0x")
		e.code, e.final = 255, true
		panic(e)
	}
	copy(mask[:], b)
	return v, mask
}

// plainHex takes the papers' 0x or x from a label.
func (c *cursor) plainHex(s string) string {
	for _, p := range []string{"0x", "0X", "x"} {
		if rest, ok := strings.CutPrefix(s, p); ok {
			c.note(c.i, fmt.Sprintf("a label starts with %q", p), strings.ToLower(rest))
			return rest
		}
	}
	return s
}
