package tc

import (
	"encoding/binary"
	"fmt"
	"strings"

	"sluice/policy"
)

const peditUsage = "Usage: ... pedit munge [ex] <MUNGE> [CONTROL]"

const peditWords = "[ex] munge offset OFFSET u8|u16|u32 CMD, or munge ip|ip6|eth|tcp|udp FIELD CMD; CMD: set VALUE, add VALUE, clear, invert, preserve or decrement"

// fieldKind is how a field's value is written (iproute2's TU32, TIPV4, …).
type fieldKind uint8

const (
	fieldNumber fieldKind = iota
	fieldIPv4
	fieldIPv6
	fieldMAC
)

// peditField is a field of a header that pedit knows by name.
type peditField struct {
	name   string
	off    int32
	len    int // bytes: 1, 2, 4, 6, 16
	kind   fieldKind
	retain uint32 // the bits that belong to it
	shift  uint8  // the key is moved to the left by so many bits in the end
	dec    bool   // `decrement` is allowed
	abbrev bool   // any prefix of the name will do
}

// peditFields are the headers with their fields (iproute2 tc/p_ip.c, p_ip6.c,
// p_eth.c, p_tcp.c, p_udp.c). IPv4's ports and ICMP words stand at a fixed
// offset behind 20 bytes of header, in plain mode only.
var peditFields = map[string]struct {
	header policy.PeditHeader
	fields []peditField
}{
	"ip": {policy.PeditIP4, []peditField{
		{name: "src", off: 12, len: 4, kind: fieldIPv4, retain: full}, {name: "dst", off: 16, len: 4, kind: fieldIPv4, retain: full},
		{name: "tos", off: 1, len: 1, retain: 0xff}, {name: "dsfield", off: 1, len: 1, retain: 0xff, abbrev: true},
		{name: "ihl", off: 0, len: 1, retain: 0x0f}, {name: "ttl", off: 8, len: 1, retain: 0xff, dec: true},
		{name: "protocol", off: 9, len: 1, retain: 0xff}, {name: "precedence", off: 1, len: 1, retain: 0xff, abbrev: true},
		{name: "nofrag", off: 6, len: 1, retain: 0x3f}, {name: "firstfrag", off: 6, len: 1, retain: 0x1f},
		{name: "ce", off: 6, len: 1, retain: 0x80}, {name: "df", off: 6, len: 1, retain: 0x40},
		{name: "mf", off: 6, len: 1, retain: 0x20},
		{name: "dport", off: 22, len: 2, retain: 0xffff}, {name: "sport", off: 20, len: 2, retain: 0xffff},
		{name: "icmp_type", off: 20, len: 1, retain: 0xff}, {name: "icmp_code", off: 20, len: 1, retain: 0xff},
	}},
	"ip6": {policy.PeditIP6, []peditField{
		{name: "src", off: 8, len: 16, kind: fieldIPv6, retain: full}, {name: "dst", off: 24, len: 16, kind: fieldIPv6, retain: full},
		{name: "flow_lbl", off: 0, len: 4, retain: 0x0007ffff}, {name: "payload_len", off: 4, len: 2, retain: 0xffff},
		{name: "traffic_class", off: 1, len: 1, retain: 0xff, shift: 4},
		{name: "nexthdr", off: 6, len: 1, retain: 0xff}, {name: "hoplimit", off: 7, len: 1, retain: 0xff, dec: true},
	}},
	"eth": {policy.PeditEth, []peditField{
		{name: "type", off: 12, len: 2, retain: 0xffff},
		{name: "dst", off: 0, len: 6, kind: fieldMAC, retain: full}, {name: "src", off: 6, len: 6, kind: fieldMAC, retain: full},
	}},
	"tcp": {policy.PeditTCP, []peditField{
		{name: "sport", off: 0, len: 2, retain: 0xffff}, {name: "dport", off: 2, len: 2, retain: 0xffff}, {name: "flags", off: 13, len: 1, retain: 0xff},
	}},
	"udp": {policy.PeditUDP, []peditField{
		{name: "sport", off: 0, len: 2, retain: 0xffff}, {name: "dport", off: 2, len: 2, retain: 0xffff},
	}},
	"icmp": {},
}

const full = 0xffffffff

// peditParse is a pedit action being read.
type peditParse struct {
	*cursor
	act *policy.Pedit
}

// pedit reads a pedit action (iproute2 tc/m_pedit.c).
func (c *cursor) pedit() *policy.Action {
	p := &peditParse{cursor: c, act: &policy.Pedit{}}
	a := &policy.Action{Kind: "pedit", Pedit: p.act}
	munged := false
loop:
	for c.more() {
		switch {
		case c.is("pedit"):
			c.arg(peditWords)
			if c.is("ex") {
				if munged {
					c.explained("'ex' must be before first 'munge'", peditUsage, "pedit ex munge …")
				}
				p.act.Extended = true
				c.arg(peditWords)
			}
		case c.is("help"):
			c.usage(peditUsage, peditWords)
		case c.is("munge"):
			c.arg(peditWords)
			p.munge()
			munged = true
		default:
			break loop
		}
	}
	if !munged && !isControl(c.text()) && !c.is("index") {
		c.usage("Bad action type "+c.text(), peditWords)
	}
	c.controlOr(a, policy.OK)
	if c.is("index") {
		a.Index = c.index("Pedit: ")
	}
	return a
}

// bad ends the parse with iproute2's words; at is the word that it names, -1
// for none.
func (p *peditParse) bad(at int, want string, msgs ...string) {
	word := "(null)"
	if at >= 0 && at < len(p.words) {
		word = p.words[at].text
	}
	e := p.errorAt(p.i, "", want)
	msgs = append(msgs, fmt.Sprintf("Bad pedit construct (%s)", word))
	e.Msg, e.Detail = msgs[0], append(msgs[1:], peditUsage)
	panic(e)
}

// munge reads one change; the present word is behind munge.
func (p *peditParse) munge() {
	if p.is("offset") {
		p.offset()
		return
	}
	at, head := p.i, p.text()
	h, known := peditFields[head]
	name := p.arg("a field")
	if !known {
		p.bad(at, "ip, ip6, eth, tcp or udp", fmt.Sprintf("Unknown action  hence option %q is unparsable", name), badPedit)
	}
	for _, f := range h.fields {
		if f.name != name && !(f.abbrev && matches(name, f.name)) || !p.act.Extended && head != "ip" || p.act.Extended && head == "ip" && f.off >= 20 {
			continue
		}
		k := policy.PeditKey{Off: f.off}
		if p.act.Extended {
			k.Header = h.header
		}
		p.skip()
		if msgs, want := p.command(f, k); want != "" {
			p.bad(at, want, append(msgs, badPedit)...)
		}
		return
	}
	var names []string
	for _, f := range h.fields {
		names = append(names, f.name)
	}
	want := "a field that pedit knows: " + strings.Join(names, ", ")
	if !p.act.Extended && head != "ip" {
		want = "`pedit ex munge " + head + " …`: only the extended mode knows this header"
	} else if len(names) == 0 {
		want = "ip, ip6, eth, tcp or udp"
	}
	p.bad(at, want, badPedit)
}

const badPedit = "bad pedit parsing"

// offset reads `offset N u8|u16|u32 [at AT OFFMASK SHIFT] CMD`.
func (p *peditParse) offset() {
	at := p.i + 1
	s, neg := strings.CutPrefix(p.arg("a number of bytes"), "-")
	n, ok := number(s, 0, 0x7fffffff)
	if !ok {
		p.bad(at, "a number of bytes from the network header on")
	}
	k := policy.PeditKey{Off: int32(n)}
	if neg {
		k.Off = -k.Off
	}
	p.skip()
	f := peditField{kind: fieldNumber}
	switch {
	case p.is("u32"):
		f.len, f.retain = 4, full
	case p.is("u16"):
		f.len, f.retain = 2, 0xffff
	case p.is("u8"):
		f.len, f.retain = 1, 0xff
	default:
		p.bad(at, "u8, u16 or u32")
	}
	p.arg("a command")
	if p.is("at") {
		part := func(base int, want string) uint32 {
			n, ok := u32(p.arg(want), base)
			if !ok {
				p.bad(at, want)
			}
			return n
		}
		k.At = part(0, "at OFFSET MASK SHIFT: an offset in bytes")
		k.OffMask = part(16, "at OFFSET MASK SHIFT: a hexadecimal mask")
		k.Shift = part(0, "at OFFSET MASK SHIFT: a number of bits")
		p.arg("a command")
	}
	at = p.i
	if msgs, want := p.command(f, k); want != "" {
		if len(msgs) > 0 && strings.HasPrefix(msgs[0], "pack_key") {
			at = p.i
			if !p.more() {
				at = -1
			}
		}
		p.bad(at, want, msgs...)
	}
}

// command reads what is done to a field and adds its keys. With want it gives
// iproute2's words for what is wrong.
func (p *peditParse) command(f peditField, k policy.PeditKey) (msgs []string, want string) {
	const cmds = "set VALUE, add VALUE, clear, invert, preserve or decrement"
	ones := uint32(0xff) // of other lengths, too, as iproute2 has it
	switch f.len {
	case 2:
		ones = 0xffff
	case 4:
		ones = full
	}
	var val [16]byte // the first four bytes: a number in host order
	var mask uint32
	retain := f.retain
	le := binary.LittleEndian
	switch {
	case p.is("invert"):
		le.PutUint32(val[:], ones)
		mask = ones
	case p.is("set"), p.is("add"):
		k.Add = !matches(p.text(), "set")
		if k.Add && !p.act.Extended {
			return []string{"Non extended mode. only 'set' command is supported"}, "pedit ex munge …"
		}
		was := p.i
		v, ok := fieldValue(f.kind, p.arg("a value"))
		if !ok {
			if f.kind == fieldMAC {
				msgs = append(msgs, fmt.Sprintf("%q is invalid lladdr.", p.text()))
			}
			p.i = was
			return msgs, "a value that fits the field"
		}
		val = v
	case p.is("decrement"):
		if !p.act.Extended {
			return []string{"Non extended mode. only 'set' command is supported"}, "pedit ex munge …"
		}
		if !f.dec {
			return []string{"decrement command is not supported for this field"}, "ip ttl or ip6 hoplimit"
		}
		k.Add = true
		le.PutUint32(val[:], retain) // by overflow
	case p.is("preserve"):
		retain = 0
	case p.is("clear"):
	default:
		return nil, cmds
	}
	p.skip()
	if p.is("retain") {
		was := p.i
		n, ok := u32(p.arg("a mask"), 0)
		if !ok {
			p.i = was - 2
			return nil, "a mask of 32 bits"
		}
		retain = n
		p.skip()
	}
	if f.len > 4 && retain != full {
		return []string{"retain is not supported for fields longer the 32 bits"}, "the whole field"
	}
	return p.pack(f, k, val, mask, retain)
}

// fieldValue reads a value: numbers come in host order, addresses as they are
// on the wire.
func fieldValue(kind fieldKind, s string) (val [16]byte, ok bool) {
	switch kind {
	case fieldIPv4:
		a, _, fam, ok := prefix(s, 4)
		return a, ok && fam == 4
	case fieldIPv6:
		a, _, fam, ok := prefix(s, 6)
		return a, ok && fam == 6
	case fieldMAC:
		m, ok := mac(s)
		copy(val[:], m[:])
		return val, ok
	}
	n, ok := u32(s, 0)
	binary.LittleEndian.PutUint32(val[:], n)
	return val, ok
}

// pack makes the keys of 32 bits that change a field.
func (p *peditParse) pack(f peditField, k policy.PeditKey, val [16]byte, mask, retain uint32) (msgs []string, want string) {
	be := binary.BigEndian
	switch f.kind {
	case fieldMAC:
		if k.Off&3 == 0 {
			p.key(k, 4, be.Uint32(val[0:]), 0, full)
			k.Off += 4
			p.key(k, 2, uint32(be.Uint16(val[4:])), 0, full)
			return nil, ""
		}
		p.key(k, 2, uint32(be.Uint16(val[0:])), 0, full)
		k.Off += 2
		p.key(k, 4, be.Uint32(val[2:]), 0, full)
		return nil, ""
	case fieldIPv6:
		for i := range 4 {
			p.key(k, 4, be.Uint32(val[4*i:]), 0, full)
			k.Off += 4
		}
		return nil, ""
	case fieldIPv4:
		p.key(k, 4, be.Uint32(val[:]), mask, retain)
		return nil, ""
	}
	v := binary.LittleEndian.Uint32(val[:])
	switch off := k.Off & 3; {
	case f.len == 1 && (v > 0xff || mask > 0xff):
		return []string{fmt.Sprintf("pack_key8 bad value (val %x mask %x", v, mask)}, "a number from 0 to 255"
	case f.len == 2 && (v > 0xffff || mask > 0xffff):
		return []string{"pack_key16 bad value"}, "a number from 0 to 65535"
	case f.len == 2 && off == 3:
		return []string{fmt.Sprintf("pack_key16 bad index value %d", off)}, "an offset at which 16 bits lie within 32 aligned ones"
	case f.len == 4 && off != 0:
		return []string{"pack_key32: 32 bit offsets must begin in 32bit boundaries"}, "a multiple of 4"
	}
	p.key(k, f.len, v, mask, retain)
	if f.shift != 0 {
		last := &p.act.Keys[len(p.act.Keys)-1]
		last.Val <<= f.shift
		last.Mask = last.Mask<<f.shift | (1<<f.shift - 1)
	}
	return nil, ""
}

// key adds a key for n bytes at k.Off: where they lie in their aligned word,
// val's and mask's bits, as far as retain has them.
func (p *peditParse) key(k policy.PeditKey, n int, val, mask, retain uint32) {
	stride := uint(8 * (4 - n - int(k.Off&3)))
	field := uint32(1<<(8*n)-1) << stride
	k.Val = (val & retain) << stride
	k.Mask = (mask|^retain)<<stride&field | ^field
	k.Off &^= 3
	p.act.Keys = append(p.act.Keys, k)
}
