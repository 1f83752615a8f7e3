package tc

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"sluice/policy"
)

const tunnelKeyWords = "tunnel_key unset, or set with id, src_ip, dst_ip, dst_port, geneve_opts, vxlan_opts, erspan_opts, tos, ttl, csum, nocsum or nofrag"

// tunnelKey reads `tunnel_key set PARAMETERS | unset` (iproute2's
// m_tunnel_key.c).
func (c *cursor) tunnelKey() *policy.Action {
	t := &policy.TunnelKey{}
	a := &policy.Action{Kind: "tunnel_key", TunnelKey: t}
	start := c.i
	var src, dst uint8
	mode := func(m *bool) {
		if t.Set || t.Release {
			c.helped(c.i, fmt.Sprintf(`unexpected "%s" - action already specified`, c.text()), "one of set and unset")
		}
		*m = true
	}
	illegal := func(ok bool, name, want string) {
		if !ok {
			c.fail(`Illegal "`+name+`"`, want)
		}
	}
	c.arg(tunnelKeyWords)
words:
	for c.more() {
		switch {
		case c.is("unset"), c.text() == "release":
			if c.text() == "release" {
				c.note(c.i, `"release"`, "unset")
			}
			mode(&t.Release)
		case c.is("set"):
			mode(&t.Set)
		case c.is("src_ip"):
			t.Src, src = c.tunnelAddress()
		case c.is("dst_ip"):
			t.Dst, dst = c.tunnelAddress()
		case c.is("id"):
			n, ok := u32(c.arg("a number"), 10)
			illegal(ok, "id", "a number of 32 bits, decimal")
			t.HasID, t.ID = true, n
		case c.is("dst_port"):
			n, ok := u16(c.arg("a port"), 10)
			illegal(ok, "dst port", "a port, decimal")
			t.DstPort = n
		case c.is("geneve_opts"), c.is("vxlan_opts"), c.is("erspan_opts"):
			c.tunnelOpts(t)
		case c.is("tos"):
			n, ok := decimalOrHex(c.arg("a number"))
			illegal(ok, "tos", "a number of 8 bits, decimal or hexadecimal")
			t.TOS = n
		case c.is("ttl"):
			n, ok := decimalOrHex(c.arg("a number"))
			illegal(ok, "ttl", "a number of 8 bits, decimal or hexadecimal")
			t.TTL = n
		case c.is("csum"):
			t.NoCsum = false
		case c.is("nocsum"):
			t.NoCsum = true
		case c.text() == "nofrag": // from iproute2 6.9 on
			t.DontFrag = true
		case c.is("help"):
			c.help("tunnel_key", 255)
		default:
			break words
		}
		c.skip()
	}
	if t.Set && (src == 0 || dst == 0) {
		c.helped(start, "set needs tunnel_key parameters", "src_ip ADDRESS dst_ip ADDRESS")
	}
	if src == dst {
		t.Family = src
	}
	c.controlOr(a, policy.Pipe)
	if c.is("index") {
		a.Index = c.index("tunnel_key: ")
	}
	return a
}

// helped ends the parse where tc prints the action's help behind the message.
func (c *cursor) helped(i int, msg, want string) {
	e := c.errorAt(i, msg, want)
	e.final = true
	panic(e)
}

// tunnelAddress reads an address without a prefix.
func (c *cursor) tunnelAddress() ([16]byte, uint8) {
	a, fam, ok := address(c.arg("an address"), 0)
	if !ok {
		c.anyAddress()
	}
	return a, fam
}

// tunnelOpts reads options that go out with a packet. The forms are flower's
// without masks.
func (c *cursor) tunnelOpts(t *policy.TunnelKey) {
	name := "erspan"
	if c.is("geneve_opts") {
		name = "geneve"
	} else if c.is("vxlan_opts") {
		name = "vxlan"
	}
	at := c.i
	s := c.arg(optsWant)
	var ok bool
	var want string
	switch name {
	case "geneve":
		want = "CLASS:TYPE:DATA, hexadecimal, data in multiples of 4 bytes, several with commas"
		t.Opts, ok = sentGeneveOpts(s)
	case "vxlan":
		want = "GBP"
		var v uint32
		v, ok = u32(s, 0)
		t.Opts = binary.BigEndian.AppendUint32(nil, v&0x48ffff)
	default:
		want = "VERSION:INDEX:DIR:HWID"
		switch t.Opts, ok = erspanOpt(s); {
		case ok && t.Opts[0] == 1 && strings.Count(s, ":") < 1:
			c.kernel(at, &policy.Error{Errno: policy.EINVAL, Msg: "Missing tunnel key erspan option index"}, talking, c.exitCode())
		case ok && t.Opts[0] == 2 && strings.Count(s, ":") < 3:
			c.kernel(at, &policy.Error{Errno: policy.EINVAL, Msg: "Missing tunnel key erspan option dir or hwid"}, talking, c.exitCode())
		}
	}
	if !ok {
		c.fail(`Illegal "`+name+`_opts"`, want)
	}
	t.OptsKind = name
}

// exitCode is tc's exit status for the kernel's refusal of an action.
func (c *cursor) exitCode() int {
	if c.code == actionsCode {
		return c.code
	}
	return 2
}

// sentGeneveOpts reads options as iproute2 does. What their data must be is
// the kernel's to say.
func sentGeneveOpts(s string) (out []byte, ok bool) {
	for _, opt := range strings.Split(s, ",") {
		f := strings.Split(opt, ":")
		if len(f) < 2 || len(f) > 3 {
			return nil, false
		}
		class, ok1 := u16(f[0], 16)
		typ, ok2 := u8(f[1], 16)
		var data []byte
		if len(f) == 3 {
			var err error
			if data, err = hex.DecodeString(f[2]); err != nil || len(data) > 128 {
				return nil, false
			}
		}
		if !ok1 || !ok2 {
			return nil, false
		}
		out = append(append(binary.BigEndian.AppendUint16(out, class), typ, byte(len(data))), data...)
	}
	return out, true
}

// tunnelKey writes the action.
func (p *printer) tunnelKey(a *policy.Action) {
	t := a.TunnelKey
	p.str("kind", "%s ", "tunnel_key")
	if !t.Set {
		p.str("mode", " %s", "unset")
	} else {
		p.str("mode", " %s", "set")
		p.tunnelKeySet(t)
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

func (p *printer) tunnelKeySet(t *policy.TunnelKey) {
	line := func(key, format string, v uint64) {
		p.nl()
		p.uint(key, "\t"+key+" "+format, v)
	}
	p.nl()
	p.str("src_ip", "\tsrc_ip %s", addrText(t.Src, t.Family))
	p.nl()
	p.str("dst_ip", "\tdst_ip %s", addrText(t.Dst, t.Family))
	if t.HasID {
		line("key_id", "%d", uint64(t.ID))
	}
	if t.DstPort != 0 {
		line("dst_port", "%d", uint64(t.DstPort))
	}
	p.sentOpts(t)
	p.nl()
	p.str("flag", "\t%s", map[bool]string{true: "nocsum", false: "csum"}[t.NoCsum])
	if t.DontFrag {
		p.nl()
		p.str("flag", "\t%s", "nofrag")
	}
	if t.TOS != 0 {
		line("tos", "0x%x", uint64(t.TOS))
	}
	if t.TTL != 0 {
		line("ttl", "%d", uint64(t.TTL))
	}
}

// sentOpts writes the options that go out.
func (p *printer) sentOpts(t *policy.TunnelKey) {
	if t.OptsKind == "" {
		return
	}
	if !p.o.json {
		p.nl()
		p.textf("\t%s_opts %s", t.OptsKind, sentOptsText(t))
		return
	}
	p.openArray(t.OptsKind + "_opts")
	p.optObjects(t.OptsKind, t.Opts)
	p.close()
}

func sentOptsText(t *policy.TunnelKey) string {
	if t.OptsKind != "geneve" {
		return optText(t.OptsKind, t.Opts)
	}
	var parts []string
	for b := t.Opts; len(b) > 0; {
		n := 4 + int(b[3])
		parts = append(parts, optText("geneve", b[:n]))
		b = b[n:]
	}
	return strings.Join(parts, ",")
}

// tunnelKeyWordsOf writes the action's parameters so that they can be read
// again.
func tunnelKeyWordsOf(t *policy.TunnelKey) string {
	if !t.Set {
		return map[bool]string{true: " unset"}[t.Release]
	}
	s := fmt.Sprintf(" set src_ip %s dst_ip %s", addrText(t.Src, t.Family), addrText(t.Dst, t.Family))
	if t.HasID {
		s += fmt.Sprintf(" id %d", t.ID)
	}
	if t.DstPort != 0 {
		s += fmt.Sprintf(" dst_port %d", t.DstPort)
	}
	if t.OptsKind != "" {
		s += fmt.Sprintf(" %s_opts %s", t.OptsKind, sentOptsText(t))
	}
	if t.TOS != 0 {
		s += fmt.Sprintf(" tos 0x%x", t.TOS)
	}
	if t.TTL != 0 {
		s += fmt.Sprintf(" ttl %d", t.TTL)
	}
	if t.NoCsum {
		s += " nocsum"
	}
	if t.DontFrag {
		s += " nofrag"
	}
	return s
}
