package tc

import (
	"strings"

	"sluice/policy"
)

const csumUsage = "Usage: ... csum <UPDATE>, UPDATE := <TARGET> [<UPDATE>], TARGET := { ip4h | icmp | igmp | tcp | udp | udplite | sctp }"

const csumWords = "ip4h, icmp, igmp, tcp, udp, udplite or sctp, several of them with `and` between"

// csumTargets are what csum can compute, in iproute2's order of matching;
// shown is how a listing names each.
var csumTargets = []struct {
	names []string
	flag  policy.CsumFlags
}{
	{[]string{"iph", "ip4h", "ipv4h"}, policy.CsumIPv4},
	{[]string{"icmp"}, policy.CsumICMP},
	{[]string{"igmp"}, policy.CsumIGMP},
	{[]string{"tcp"}, policy.CsumTCP},
	{[]string{"udp"}, policy.CsumUDP},
	{[]string{"udplite"}, policy.CsumUDPLite},
	{[]string{"sctp"}, policy.CsumSCTP},
}

// csumTarget reads the present word; 0 at what is none. Between targets stands
// `and`, a plus sign or a comma, the last two also inside a word.
func csumTarget(w string) (all policy.CsumFlags) {
	for _, part := range strings.FieldsFunc(w, func(r rune) bool { return r == '+' || r == ',' }) {
		f := policy.CsumFlags(0)
		for _, t := range csumTargets {
			for _, n := range t.names {
				if f == 0 && matches(part, n) {
					f = t.flag
				}
			}
		}
		if f == 0 {
			return 0
		}
		all |= f
	}
	return all
}

// csum reads a csum action (iproute2 tc/m_csum.c).
func (c *cursor) csum() *policy.Action {
	s := &policy.Csum{}
	a := &policy.Action{Kind: "csum", Csum: s}
	c.arg(csumWords)
	if c.text() == "index" { // from iproute2 6.2 on
		a.Control, a.Index = policy.OK, c.csumIndex()
		return a
	}
	for c.more() {
		switch {
		case c.is("help"):
			c.usage(csumUsage, csumWords)
		case c.is("csum") && csumTarget(c.text()) == 0:
			c.arg(csumWords)
			continue
		}
		f := csumTarget(c.text())
		if f == 0 && c.is("and", "or", "+") { // says nothing, wherever it stands
			c.skip()
			continue
		}
		if f == 0 {
			break
		}
		if strings.ContainsAny(c.text(), "+,") {
			c.note(c.i, "targets joined by + or a comma", strings.TrimSpace(csumWordsOf(&policy.Csum{Flags: f})))
		}
		s.Flags |= f
		c.skip()
	}
	if s.Flags == 0 {
		c.fail("Illegal csum construct, empty <UPDATE> list", csumWords)
	}
	c.controlOr(a, policy.OK)
	if c.is("index") {
		a.Index = c.csumIndex()
	}
	return a
}

func (c *cursor) csumIndex() uint32 {
	s := c.arg("a number")
	n, ok := u32(s, 10)
	if !ok {
		c.fail(`Illegal "index" (`+s+") <csum>", "a number of 32 bits")
	}
	c.skip()
	return n
}

func csumNames(f policy.CsumFlags) (names []string) {
	for _, t := range csumTargets {
		if f&t.flag != 0 {
			names = append(names, t.names[0])
		}
	}
	return names
}

func (p *printer) csum(a *policy.Action) {
	p.str("kind", "%s ", "csum")
	names := strings.Join(csumNames(a.Csum.Flags), ", ")
	if names == "" {
		names = "?empty"
	}
	p.str("csum", "(%s) ", names)
	p.control("action ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\tindex %d", uint64(a.Index))
}

func csumWordsOf(s *policy.Csum) string { return " " + strings.Join(csumNames(s.Flags), " and ") }
