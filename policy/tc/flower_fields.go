package tc

import (
	"fmt"
	"strings"

	"sluice/policy"
)

// macAddr reads the next word as a masked Ethernet address.
func (p *flowerParse) macAddr(name string) (a, mask [6]byte) {
	const want = "an Ethernet address, with /BITS or /MASK"
	a, mask, ok := maskedMAC(p.arg(want))
	if addr, m, has := strings.Cut(p.text(), "/"); !ok && has && !strings.Contains(m, ":") {
		if n, isNumber := number(m, 10, 1<<32); isNumber {
			// tc shifts by a negative number and asks for whatever comes of it.
			p.fail(fmt.Sprintf(`Illegal %q: a mask of %d bits`, name, n), "at most 48 bits")
		}
		if _, ok := mac(addr); ok {
			e := p.errorAt(p.i, fmt.Sprintf("%q is invalid lladdr.", m), want)
			e.Detail = []string{fmt.Sprintf("Illegal %q", name)}
			panic(e)
		}
	}
	for _, b := range strings.Split(p.text(), ":") {
		if v, isNumber := number(b, 16, 1<<32); !ok && isNumber && v > 0xff {
			e := p.errorAt(p.i, fmt.Sprintf("%q is invalid lladdr.", b), want)
			e.Detail = []string{fmt.Sprintf("Illegal %q", name)}
			panic(e)
		}
	}
	if !ok && !strings.Contains(p.text(), ":") {
		// tc reads the first byte and compares the rest with memory that it has
		// never written.
		p.fail(fmt.Sprintf("Illegal %q", name), want+", its bytes apart by colons")
	}
	p.must(ok, name, want)
	return a, mask
}

func (p *flowerParse) isIP() bool { return p.etherType == etherIP || p.etherType == etherIPv6 }

func (p *flowerParse) ipProto(s string) {
	const want = "tcp, udp, sctp, icmp, icmpv6, l2tp, esp, ah or a hexadecimal number"
	badType := func() {
		e := p.errorAt(p.i, `Illegal "eth_type" for ip proto`, "protocol ip or ipv6 before flower, or vlan_ethtype before ip_proto")
		e.Detail = []string{`Illegal "ip_proto"`}
		panic(e)
	}
	if !p.isIP() {
		badType()
	}
	switch {
	case matches(s, "tcp"):
		p.proto = ipTCP
	case matches(s, "udp"):
		p.proto = ipUDP
	case matches(s, "sctp"):
		p.proto = ipSCTP
	case matches(s, "icmp"):
		if p.etherType != etherIP {
			badType()
		}
		p.proto = ipICMP
	case matches(s, "icmpv6"):
		if p.etherType != etherIPv6 {
			badType()
		}
		p.proto = ipICMPv6
	case s == "l2tp":
		p.proto = ipL2TP
	case s == "esp":
		p.proto = ipESP
	case s == "ah":
		p.proto = ipAH
	default:
		n, ok := u8(s, 16)
		p.must(ok, "ip_proto", want)
		p.proto = n
	}
	p.hasProto = true
	p.m.Key.IPProto, p.m.Mask.IPProto = p.proto, 0xff
}

// decimalOrHex reads 8 bits, in hexadecimal what is no decimal number.
func decimalOrHex(s string) (uint8, bool) {
	if v, ok := u8(s, 10); ok {
		return v, true
	}
	return u8(s, 16)
}

// tosTTL reads VALUE[/MASK]: the value in decimal or hexadecimal, the mask in
// hexadecimal.
func (p *flowerParse) tosTTL(name string) (v, mask uint8) {
	const want = "VALUE[/MASK], 8 bits each, the mask in hexadecimal"
	s, m, has := strings.Cut(p.arg(want), "/")
	v, ok := decimalOrHex(s)
	mask = 0xff
	if ok && has {
		mask, ok = u8(m, 16)
	}
	p.must(ok, name, want)
	return v, mask
}

// maskedHex reads FLAGS[/MASK] in hexadecimal.
func maskedHex(s string, max uint64) (v, mask uint64, ok bool) {
	a, m, has := strings.Cut(s, "/")
	if v, ok = number(a, 16, max); !ok || !has {
		return v, max, ok
	}
	mask, ok = number(m, 16, max)
	return v, mask, ok
}

func (p *flowerParse) ip(name string) (a, mask [16]byte) {
	s := p.arg("an address")
	var want uint8
	switch p.etherType {
	case etherIP:
		want = 4
	case etherIPv6:
		want = 6
	case 0:
	default:
		p.must(false, name, "protocol ip or ipv6 before flower, or vlan_ethtype before "+name)
	}
	switch s {
	case "default": // any address: tc sends a mask of zeros
		return a, mask
	case "any", "all": // tc sends an address of no bytes
		e := p.refusal(p.i, &policy.Error{Errno: policy.ERANGE}, talking, 2)
		e.Want = "an address with /LENGTH; default, or no " + name + " at all, is any"
		panic(e)
	}
	a, mask, fam, ok := prefix(s, want)
	p.isPrefix(ok, want)
	p.m.AddrFamily = fam
	return a, mask
}

// addressFamily is iproute2's name of a family, and what to write.
var addressFamily = map[uint8][2]string{0: {"any valid", "an IPv4 or IPv6 address"}, 4: {"inet", "an IPv4 address"}, 6: {"inet6", "an IPv6 address"}}

func (p *flowerParse) isPrefix(ok bool, family uint8) {
	if !ok {
		n := addressFamily[family]
		p.fail(fmt.Sprintf(`Error: %s prefix is expected rather than "%s".`, n[0], p.text()), n[1]+" with /LENGTH")
	}
}

func (p *flowerParse) encIP(name string) (a, mask [16]byte) {
	a, mask, fam, ok := prefix(p.arg("an address"), 0)
	p.isPrefix(ok, 0)
	// The kernel would take both and mix them up in one field.
	if p.m.EncAddrFamily != 0 && p.m.EncAddrFamily != fam {
		p.must(false, name, fmt.Sprintf("an IPv%d address, as the tunnel's other end has", p.m.EncAddrFamily))
	}
	p.m.EncAddrFamily = fam
	p.m.Key.EncCtl, p.m.Mask.EncCtl = uint32(fam), ^uint32(0)
	return a, mask
}

// port reads PORT, PORT/MASK or MIN-MAX. The protocol must have come first.
func (p *flowerParse) port(name string, key, mask *uint16, rng *policy.PortRange) {
	const want = "PORT, PORT/MASK or MIN-MAX, from 1 on"
	s := p.arg(want)
	first, last, isRange := strings.Cut(s, "-")
	if _, _, masked := strings.Cut(first, "/"); masked {
		// What stands behind a dash after the mask is not read.
		v, m, ok := maskedNumber(first, 0, 0xffff)
		p.must(ok, name, want)
		p.needPorts(name)
		*key, *mask = uint16(v), uint16(m)
		return
	}
	a, ok := u16(first, 10)
	b := uint16(0)
	if ok && isRange {
		b, ok = u16(last, 10)
	}
	// Port 0 is no port to tc: neither by itself, nor where a range begins; a
	// range that ends there is the first port alone.
	p.must(ok && a != 0, name, want)
	if b != 0 {
		if b <= a {
			e := p.errorAt(p.i, "max value should be greater than min value", "MIN-MAX with MIN < MAX")
			e.Detail = []string{`Illegal "` + name + `"`}
			panic(e)
		}
		p.needPorts(name)
		*rng = policy.PortRange{Min: a, Max: b}
		return
	}
	p.needPorts(name)
	*key, *mask = a, 0xffff
}

func (p *flowerParse) needPorts(name string) {
	p.must(p.hasProto && hasPorts(p.proto), name, "ip_proto tcp, udp or sctp before "+name)
}

func (p *flowerParse) icmp(name string) (v, mask uint8) {
	const want = "VALUE[/MASK], 8 bits each, decimal"
	s := p.arg(want)
	ok := p.etherType == etherIP && p.proto == ipICMP || p.etherType == etherIPv6 && p.proto == ipICMPv6
	p.must(p.hasProto && ok, "icmp "+name, "ip_proto icmp (or icmpv6 with protocol ipv6) before "+name)
	a, m, ok := maskedNumber(s, 10, 0xff)
	p.must(ok, "icmp "+name, want)
	return uint8(a), uint8(m)
}

func (p *flowerParse) arpIP(name string) (a, mask [4]byte) {
	s := p.arg("an IPv4 address")
	p.must(p.etherType == etherARP || p.etherType == etherRARP, name, "protocol arp or rarp before flower")
	ip, m, _, ok := prefix(s, 4)
	p.isPrefix(ok, 4)
	return [4]byte(ip[:4]), [4]byte(m[:4])
}

func (p *flowerParse) arpOp(s string) {
	const want = "request, reply, 0, 1 or 2"
	p.must(p.etherType == etherARP || p.etherType == etherRARP, "arp_op", "protocol arp or rarp before flower")
	val, m, has := strings.Cut(s, "/")
	var v uint8
	ok := true
	switch val {
	case "request":
		v = 1
	case "reply":
		v = 2
	default:
		v, ok = u8(val, 10)
	}
	mask := uint8(0xff)
	if ok && has {
		mask, ok = u8(m, 10)
	}
	p.must(ok && v <= 2, "arp_op", want)
	p.m.Key.ARPOp, p.m.Mask.ARPOp = v, mask
}

var ipFlagNames = []struct {
	name string
	bit  uint8
}{{"frag", policy.IPFlagFrag}, {"firstfrag", policy.IPFlagFirstFrag}}

// encFlagNames are the flags of enc_flags; the bits are this program's.
var encFlagNames = []struct {
	name string
	bit  uint8
}{{"csum", 1}, {"dontfrag", 2}, {"oam", 4}, {"crit", 8}}

func (p *flowerParse) ipFlags(s string) {
	v, m, ok := parseFlags(s, ipFlagNames)
	p.must(ok, "ip_flags", "[no]frag, [no]firstfrag, joined with /")
	k, w := &p.m.Key, &p.m.Mask
	k.IPFlags, w.IPFlags = k.IPFlags&^m|v, w.IPFlags|m
}

func (p *flowerParse) encFlags(s string) {
	v, m, ok := parseFlags(s, encFlagNames)
	p.must(ok, "enc_flags", "[no]csum, [no]dontfrag, [no]oam, [no]crit, joined with /")
	k, w := &p.m.Key, &p.m.Mask
	k.EncFlags, w.EncFlags = k.EncFlags&^m|v, w.EncFlags|m
}

func parseFlags(s string, names []struct {
	name string
	bit  uint8
}) (v, mask uint8, ok bool) {
	for _, t := range strings.Split(s, "/") {
		if t == "" { // as strtok, empty ones do not count
			continue
		}
		name, no := strings.CutPrefix(t, "no")
		found := false
		for _, f := range names {
			if f.name != name {
				continue
			}
			found = true
			mask |= f.bit
			if no {
				v &^= f.bit
			} else {
				v |= f.bit
			}
		}
		if !found {
			return 0, 0, false
		}
	}
	return v, mask, true
}

func isVLAN(t uint16) bool { return t == ether8021Q || t == ether8021A }

// vlan reads a match on the outer or (cvlan_…) the second tag.
func (p *flowerParse) vlan() {
	k, w := &p.m.Key, &p.m.Mask
	second := strings.HasPrefix(p.text(), "c")
	of := func(name string) bool { return p.is(name, "c"+name) }
	id, prio := of("vlan_id"), of("vlan_prio")
	name := map[bool]string{false: "vlan_ethtype", true: "vlan_prio"}[prio]
	if id {
		name = "vlan_id"
	}
	tci, mask, next, nextMask := &k.VLANTCI, &w.VLANTCI, &k.VLANEthType, &w.VLANEthType
	if second {
		name = "c" + name
		tci, mask, next, nextMask = &k.CVLANTCI, &w.CVLANTCI, &k.CVLANEthType, &w.CVLANEthType
	}
	p.arg("a value for " + name)
	switch {
	case !second && !(isVLAN(p.protocol) && (id || prio) || isVLAN(p.etherType) && !id && !prio) && p.vlans == 0:
		// vlan_ethtype asks for the type that the words before it have left.
		p.fail(fmt.Sprintf(`Can't set "%s" if ethertype isn't 802.1Q or 802.1AD and num_of_vlans is 0`, name), "protocol 802.1q or 802.1ad before flower")
	case second && !isVLAN(p.vlanType) && p.vlans < 2:
		what := map[bool]string{true: "inner vlan ethertype", false: "ethertype"}[id || prio]
		verb := map[bool]string{true: "is less than 2", false: "less than 2"}[id || prio]
		p.fail(fmt.Sprintf(`Can't set "%s" if %s isn't 802.1Q or 802.1AD and num_of_vlans %s`, name, what, verb), "vlan_ethtype 802.1q or 802.1ad before it")
	}
	switch {
	case id:
		v, ok := number(p.text(), 10, 0xfff)
		p.must(ok, name, "a number from 0 to 4095")
		*tci, *mask = *tci&^0xfff|uint16(v), *mask|0xfff
	case prio:
		v, ok := number(p.text(), 10, 7)
		p.must(ok, name, "a number from 0 to 7")
		*tci, *mask = *tci&^0xe000|uint16(v)<<13, *mask|0xe000
	default:
		t, ok := etherType(p.text())
		if !ok {
			p.wrong("invalid vlan_ethtype", "ip, ipv6, 802.1q, … or a number")
		}
		*next, *nextMask = t, 0xffff
		p.etherType = t
		if !second {
			p.vlanType = t
		}
	}
}

// Fields of an MPLS label stack entry (RFC 3032, section 2.1).
const (
	mplsTTLShift, mplsTTLMask     = 0, 0xff
	mplsBOSShift, mplsBOSMask     = 8, 1
	mplsTCShift, mplsTCMask       = 9, 7
	mplsLabelShift, mplsLabelMask = 12, 0xfffff
)

func (p *flowerParse) isMPLS() bool { return p.etherType == etherMPLS || p.etherType == etherMPLSM }

// mplsOld reads mpls_label, mpls_tc, mpls_bos or mpls_ttl: the first entry.
func (p *flowerParse) mplsOld() {
	var name string
	var shift, max uint32
	switch {
	case p.is("mpls_label"):
		name, shift, max = "mpls_label", mplsLabelShift, mplsLabelMask
	case p.is("mpls_tc"):
		name, shift, max = "mpls_tc", mplsTCShift, mplsTCMask
	case p.is("mpls_bos"):
		name, shift, max = "mpls_bos", mplsBOSShift, mplsBOSMask
	default:
		name, shift, max = "mpls_ttl", mplsTTLShift, mplsTTLMask
	}
	p.arg("a number")
	if !p.isMPLS() {
		p.fail(fmt.Sprintf(`Can't set "%s" if ethertype isn't MPLS`, name), "protocol mpls_uc or mpls_mc before flower")
	}
	if p.new {
		p.fail(fmt.Sprintf(`Can't set "%s" if "mpls" is set`, name), "only one of the two forms")
	}
	p.oldMPLS = true
	v, ok := number(p.text(), 10, uint64(max))
	p.must(ok, name, fmt.Sprintf("a number from 0 to %d", max))
	p.setLSE(0, shift, max, uint32(v))
}

func (p *flowerParse) setLSE(i int, shift, max, v uint32) {
	k, w := &p.m.Key.MPLS[i], &p.m.Mask.MPLS[i]
	*k, *w = *k&^(max<<shift)|v<<shift, *w|max<<shift
	p.askLSE(i)
}

// askLSE asks for an entry, be there anything in it or not (cls_flower.c
// fl_set_key_mpls_lse).
func (p *flowerParse) askLSE(i int) {
	p.m.Key.LSEs |= 1 << i
	p.m.Mask.LSEs |= 1 << i
}

// mplsNew reads `mpls lse depth N label … [lse …]`.
func (p *flowerParse) mplsNew() {
	p.arg("lse depth N …")
	if !p.isMPLS() {
		p.fail(`Can't set "mpls" if ethertype isn't MPLS`, "protocol mpls_uc or mpls_mc before flower")
	}
	if p.oldMPLS {
		p.fail(`Can't set "mpls" if "mpls_label", "mpls_tc", "mpls_bos" or "mpls_ttl" is set`, "only one of the two forms")
	}
	p.new = true
	for p.is("lse") {
		p.arg("depth N and label, tc, bos or ttl")
		p.lse()
	}
}

func (p *flowerParse) lse() {
	depth, hasDepth := uint64(0), false
	var set []func(i int)
	for p.more() {
		var shift, max uint32
		name := ""
		switch {
		case p.is("depth"):
			v, ok := u8(p.arg("a depth"), 10)
			p.must(ok && v >= 1, "depth", "a number from 1 to 7")
			depth, hasDepth = uint64(v), true
			p.skip()
			continue
		case p.is("label"):
			name, shift, max = "label", mplsLabelShift, mplsLabelMask
		case p.is("tc"):
			name, shift, max = "tc", mplsTCShift, mplsTCMask
		case p.is("bos"):
			name, shift, max = "bos", mplsBOSShift, mplsBOSMask
		case p.is("ttl"):
			name, shift, max = "ttl", mplsTTLShift, mplsTTLMask
		}
		if name == "" {
			break
		}
		v, ok := number(p.arg("a number"), 10, uint64(max))
		p.must(ok, name, fmt.Sprintf("a number from 0 to %d", max))
		set = append(set, func(i int) { p.setLSE(i, shift, max, uint32(v)) })
		p.skip()
	}
	if !hasDepth {
		e := p.errorAt(p.i, `Error: argument "depth" is required`, "depth N")
		e.code = 255
		panic(e)
	}
	if depth > 7 { // fl_set_key_mpls_lse
		p.refused = &policy.Error{Errno: policy.EINVAL, Msg: "Invalid MPLS depth"}
		return
	}
	p.askLSE(int(depth) - 1)
	for _, f := range set {
		f(int(depth) - 1)
	}
}

// ppp reads pppoe_sid and ppp_proto.
func (p *flowerParse) ppp(name string) {
	p.arg("a value for " + name)
	if p.etherType != etherPPP {
		p.fail(fmt.Sprintf(`Can't set "%s" if ethertype isn't PPPoE session`, name), "protocol ppp_ses before flower")
	}
	k, w := &p.m.Key, &p.m.Mask
	if name == "pppoe_sid" {
		v, ok := u16(p.text(), 10)
		p.must(ok, name, "a number from 0 to 65535")
		k.PPPoESID, w.PPPoESID = v, 0xffff
		return
	}
	v, ok := pppType(p.text())
	if !ok {
		p.wrong("invalid ppp_proto", "ip, ipv6, mpls_uc, mpls_mc or a number")
	}
	k.PPPProto, w.PPPProto = v, 0xffff
	if t, ok := pppEtherTypes[v]; ok {
		p.etherType = t
	}
}

// pppEtherTypes are the EtherTypes that PPP protocols stand for.
var pppEtherTypes = map[uint16]uint16{0x21: etherIP, 0x57: etherIPv6, 0x281: etherMPLS, 0x283: etherMPLSM}

// pppEther makes the type behind a PPPoE header the packet's, as
// fl_set_key_pppoe does.
func (p *flowerParse) pppEther() {
	k, w := &p.m.Key, &p.m.Mask
	if w.PPPProto == 0 {
		k.EthType, w.EthType = 0, 0
	} else if t, ok := pppEtherTypes[k.PPPProto]; ok {
		k.EthType = t
	}
}

// cfm reads `cfm mdl LEVEL op OPCODE`. Key.CFM is level<<8 | opcode.
func (p *flowerParse) cfm() {
	p.arg("mdl LEVEL or op OPCODE")
	if p.etherType != etherCFM {
		p.fail("Can't set attribute if ethertype isn't CFM", "protocol cfm before flower")
	}
	k, w := &p.m.Key, &p.m.Mask
	for p.more() {
		switch p.text() {
		case "mdl":
			v, ok := u8(p.arg("a level"), 10)
			p.must(ok, "cfm md level", "a number from 0 to 7")
			k.CFM, w.CFM = k.CFM&0xff|uint16(v)<<8, w.CFM|0xff00
		case "op":
			v, ok := u8(p.arg("an opcode"), 10)
			p.must(ok, "cfm opcode", "a number from 0 to 255")
			k.CFM, w.CFM = k.CFM&^0xff|uint16(v), w.CFM|0xff
		default:
			return
		}
		p.skip()
	}
}
