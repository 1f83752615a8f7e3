package ctcmd

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"sluice/conntrack"
	"sluice/observe"
	"sluice/packet"
)

// value takes in the value of an option that narrows or shapes the output.
func (r *request) value(name, v string) (err error) {
	m := &r.match
	switch name {
	case "output":
		return r.output(v)
	case "event-mask":
		return r.eventMask(v)
	case "buffer-size":
		_, err = number(v, 1<<31-1, "buffer size")
		return err
	case "zero":
		r.zero = true
		return nil
	}
	r.filters = true
	switch name {
	case "src":
		m.Orig.Src, err = r.prefix(v)
	case "dst":
		m.Orig.Dst, err = r.prefix(v)
	case "reply-src":
		m.Reply.Src, err = r.address(name, v)
	case "reply-dst":
		m.Reply.Dst, err = r.address(name, v)
	case "mask-src", "mask-dst":
		a, e := r.parseAddr(v)
		mask := packet.AddrFrom(a)
		r.masks[map[string]int{"mask-src": 0, "mask-dst": 1}[name]], err = &mask, e
	case "protonum":
		err = r.protocol(v)
	case "family":
		f, ok := map[string]uint8{"ipv4": packet.IPv4, "ipv6": packet.IPv6}[v]
		if !ok {
			return badf("`%s' unsupported protocol", v)
		}
		return r.agree(f)
	case "mark":
		err = r.mark(v)
	case "status":
		err = r.status(v)
	case "src-nat":
		m.SrcNAT, err = r.nat(name, v)
	case "dst-nat":
		m.DstNAT, err = r.nat(name, v)
	case "any-nat":
		m.AnyNAT, err = r.nat(name, v)
	case "zone":
		n, e := number(v, 65535, "zone")
		m.Zone, m.AnyZone, err = uint16(n), false, e
	case "orig-zone", "reply-zone":
		// Zones of one direction are iptables' alone; ct's are of both.
		n, e := number(v, 65535, "zone")
		r.nothing, err = r.nothing || n != 0, e
	case protoState:
		names, name := conntrack.TCPStateNames[:], "TCP"
		switch uint8(r.proto) {
		case packet.ProtoSCTP:
			names, name = conntrack.SCTPStateNames[:], "SCTP"
		case packet.ProtoDCCP:
			names, name = conntrack.DCCPStateNames[:], "DCCP"
		}
		i := slices.Index(names, v)
		if v == "LISTEN" && name == "TCP" {
			i = int(conntrack.TCPSynSent2) // its old name
		}
		if i < 0 && r.file == "" && (strings.ContainsAny(v, "./") || regular(v)) {
			return badf("unknown %s state `%s'; after -p the state's file is --state-file", name, v)
		}
		if i < 0 {
			return badf("unknown %s state `%s'", name, v)
		}
		m.State = conntrack.Exactly(uint16(i))
	default:
		err = r.port(name, v)
	}
	return err
}

func regular(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// port takes in what the protocol has for ports.
func (r *request) port(name, v string) error {
	o, p := &r.match.Orig, &r.match.Reply
	part := map[string]*conntrack.PartMatch{
		"sport": &o.SPort, "dport": &o.DPort, "reply-port-src": &p.SPort, "reply-port-dst": &p.DPort,
		"srckey": &o.SPort, "dstkey": &o.DPort, "reply-key-src": &p.SPort, "reply-key-dst": &p.DPort,
		"icmp-id": &o.SPort, "icmpv6-id": &o.SPort,
	}[name]
	if part != nil {
		n, err := number(v, 65535, "port")
		*part = conntrack.Exactly(uint16(n))
		return err
	}
	n, err := number(v, 255, "ICMP number")
	if strings.HasSuffix(name, "-type") {
		o.DPort.Value, o.DPort.Mask = o.DPort.Value&0xff|uint16(n)<<8, o.DPort.Mask|0xff00
	} else {
		o.DPort.Value, o.DPort.Mask = o.DPort.Value&0xff00|uint16(n), o.DPort.Mask|0xff
	}
	return err
}

func number(v string, limit uint64, what string) (uint64, error) {
	n, err := strconv.ParseUint(v, 0, 64)
	if err != nil || n > limit {
		return 0, badf("Invalid %s `%s'", what, v)
	}
	return n, nil
}

// agree makes sure that all addresses are of one family.
func (r *request) agree(family uint8) error {
	if r.family != 0 && r.family != family {
		return badf("mismatched address family")
	}
	r.family = family
	return nil
}

func (r *request) parseAddr(v string) (netip.Addr, error) {
	a, err := netip.ParseAddr(v)
	if err != nil || a.Zone() != "" {
		return a, badf("Invalid IP address `%s'", v)
	}
	if a.Is4() {
		return a, r.agree(packet.IPv4)
	}
	return a, r.agree(packet.IPv6)
}

func (r *request) prefix(v string) (m conntrack.AddrMatch, err error) {
	host, bits, cidr := strings.Cut(v, "/")
	a, err := r.parseAddr(host)
	if err != nil {
		return m, err
	}
	n := a.BitLen()
	if cidr {
		if n, err = strconv.Atoi(bits); err != nil || n < 0 || n > a.BitLen() {
			return m, badf("Invalid netmask")
		}
	}
	return conntrack.Within(netip.PrefixFrom(a, n)), nil
}

func (r *request) address(name, v string) (m conntrack.AddrMatch, err error) {
	if strings.Contains(v, "/") {
		return m, badf("CIDR notation unavailable for `--%s'", name)
	}
	return r.prefix(v)
}

func (r *request) nat(name, v string) (m conntrack.NATMatch, err error) {
	m.On = true
	if v == "" {
		return m, nil
	}
	if strings.Contains(v, "/") {
		return m, badf("CIDR notation unavailable for `--%s'", name)
	}
	if ap, err := netip.ParseAddrPort(v); err == nil {
		m.Port, v = ap.Port(), ap.Addr().String()
	}
	m.Addr, err = r.parseAddr(v)
	return m, err
}

func (r *request) protocol(v string) error {
	n, ok := protocols[strings.ToLower(v)]
	if !ok {
		x, err := strconv.ParseUint(v, 0, 8)
		if err != nil {
			return badf("`%s' unsupported protocol", v)
		}
		n = uint8(x)
	}
	r.proto = int(n)
	r.match.Proto = conntrack.Exactly(uint16(n))
	return nil
}

func (r *request) mark(v string) error {
	value, mask, has := strings.Cut(v, "/")
	n, err := number(value, 1<<32-1, "mark")
	if err != nil {
		return err
	}
	k := uint64(1<<32 - 1)
	if has {
		if k, err = number(mask, 1<<32-1, "mark"); err != nil {
			return err
		}
	}
	r.match.Mark, r.match.MarkMask = uint32(n), uint32(k)
	return nil
}

// statusBits are the names that -u takes.
var statusBits = map[string]uint16{
	"ASSURED": conntrack.StatusAssured, "SEEN_REPLY": conntrack.StatusSeenReply, "UNSET": 0,
	"FIXED_TIMEOUT": conntrack.StatusFixedTimeout, "EXPECTED": conntrack.StatusExpected,
	"OFFLOAD": conntrack.StatusOffload, "HW_OFFLOAD": conntrack.StatusHWOffload, "SRC_NAT": 0, "DST_NAT": 0,
}

func (r *request) status(v string) error {
	for _, name := range strings.Split(v, ",") {
		if strings.EqualFold(name, "UNREPLIED") {
			r.match.NoStatus |= conntrack.StatusSeenReply
			continue
		}
		bit, ok := statusBits[strings.ToUpper(name)]
		if !ok {
			return badf("Bad parameter `%s'", name)
		}
		switch strings.ToUpper(name) {
		case "SRC_NAT":
			r.notes = append(r.notes, "WARNING: ignoring SRC_NAT, use --src-nat instead")
		case "DST_NAT":
			r.notes = append(r.notes, "WARNING: ignoring DST_NAT, use --dst-nat instead")
		}
		r.match.Status |= bit
	}
	r.noBits = r.match.Status|r.match.NoStatus == 0
	return nil
}

func (r *request) output(v string) error {
	flags := map[string]*bool{
		"extended": &r.format.Extended, "xml": &r.xml, "save": &r.save, "json": &r.json, "timestamp": &r.format.Timestamp, "id": &r.format.ID,
		"ktimestamp": &r.format.KTimestamp, "labels": &r.format.Labels, "userspace": new(bool),
	}
	for _, name := range strings.Split(v, ",") {
		f := flags[strings.ToLower(name)]
		if f == nil {
			return badf("Bad parameter `%s'", name)
		}
		*f = true
	}
	return nil
}

// kernelKinds are the events that conntrack(8) knows: what flow tables and
// devices take and give back is shown on request only.
var kernelKinds = [observe.NumKinds]bool{observe.KindNew: true, observe.KindUpdate: true, observe.KindDestroy: true}

func (r *request) eventMask(v string) error {
	r.kinds = [observe.NumKinds]bool{}
	for _, name := range strings.Split(v, ",") {
		switch strings.ToUpper(name) {
		case "ALL":
			for k, on := range kernelKinds {
				r.kinds[k] = r.kinds[k] || on
			}
		case "NEW":
			r.kinds[observe.KindNew] = true
		case "UPDATES":
			r.kinds[observe.KindUpdate] = true
		case "DESTROY":
			r.kinds[observe.KindDestroy] = true
		case "OFFLOAD":
			r.kinds[observe.KindMoved] = true
		default:
			return badf("Bad parameter `%s'", name)
		}
	}
	return nil
}

// label takes in names or numbers of bits that must be set, or all 128 bits
// as tc writes them, 0xVALUE or 0xVALUE/0xMASK.
func (r *request) label(v string) error {
	r.filters = true
	m := &r.match
	if strings.HasPrefix(v, "0x") {
		value, mask, has := strings.Cut(v, "/")
		if !labelHex(value, &m.Label) || has && !labelHex(mask, &m.LabelMask) {
			return badf("unknown label '%s'", v)
		}
		for i := range m.LabelMask {
			if !has {
				m.LabelMask[i] = 0xff
			}
		}
		return nil
	}
	for _, name := range strings.Split(v, ",") {
		bit, ok := r.format.LabelMap.Bit(name)
		if !ok {
			n, err := strconv.ParseUint(name, 10, 7)
			if err != nil || r.format.LabelMap != nil {
				return badf("unknown label '%s'", name)
			}
			bit = int(n)
		}
		m.Label[bit/8] |= 1 << (bit % 8)
		m.LabelMask[bit/8] |= 1 << (bit % 8)
	}
	return nil
}

func labelHex(s string, to *[16]byte) bool {
	s = strings.TrimPrefix(s, "0x")
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 || len(b) > len(to) {
		return false
	}
	copy(to[:], b)
	return true
}
