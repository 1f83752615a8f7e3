package tc

import (
	"fmt"
	"strings"

	"sluice/policy"
)

const mplsUsage = "Usage: mpls pop protocol MPLS_PROTO [CONTROL] | mpls push [protocol MPLS_PROTO] label MPLS_LABEL [tc MPLS_TC] [ttl MPLS_TTL] [bos MPLS_BOS] [CONTROL] | " +
	"mpls mac_push … | mpls modify [label MPLS_LABEL] [tc MPLS_TC] [ttl MPLS_TTL] [bos MPLS_BOS] [CONTROL] | mpls dec_ttl [CONTROL]"

const mplsWordsWanted = "pop, push, mac_push, modify, dec_ttl, label, tc, ttl, bos, protocol, index or a control: " + controlWords

var mplsOps = []struct {
	name string
	op   policy.MPLSOp
}{
	{"pop", policy.MPLSPop}, {"dec_ttl", policy.MPLSDecTTL}, {"push", policy.MPLSPush},
	{"mac_push", policy.MPLSMACPush}, {"modify", policy.MPLSModify},
}

func mplsOpName(op policy.MPLSOp) string {
	for _, o := range mplsOps {
		if o.op == op {
			return o.name
		}
	}
	return ""
}

// mplsMatch picks an operation by a prefix; "m" is modify.
func (c *cursor) mplsMatch() (policy.MPLSOp, bool) {
	for _, o := range mplsOps {
		if o.op == policy.MPLSMACPush && c.text() == "m" {
			continue
		}
		if c.is(o.name) {
			return o.op, true
		}
	}
	return 0, false
}

// mpls reads an mpls action (iproute2 tc/m_mpls.c).
func (c *cursor) mpls() *policy.Action {
	m := &policy.MPLS{}
	a := &policy.Action{Kind: "mpls", MPLS: m}
	c.arg(mplsWordsWanted)
	if c.text() == "index" { // from iproute2 6.2 on
		c.mplsIndex(a)
		return a
	}
	const labelling = "push, mac_push and modify"
	only := func(ok bool, who string) {
		if !ok {
			c.wrong("only valid for "+who, mplsWordsWanted)
		}
	}
	for c.more() {
		if op, ok := c.mplsMatch(); ok {
			if m.Op != 0 {
				c.explained(fmt.Sprintf("Error: got %q but action already set to %q", c.text(), mplsOpName(m.Op)), mplsUsage, "one action")
			}
			m.Op = op
			c.skip()
			continue
		}
		can := m.Op == policy.MPLSPush || m.Op == policy.MPLSMACPush || m.Op == policy.MPLSModify
		value := func(why string, max uint64) uint64 {
			only(can, labelling)
			n, ok := number(c.arg("a number"), 0, max)
			if !ok {
				c.wrong(why, fmt.Sprintf("a number up to %d", max))
			}
			return n
		}
		switch {
		case c.is("label"):
			m.Label, m.HasLabel = uint32(value("label must be <=0xFFFFF", 0xfffff)), true
		case c.is("tc"):
			m.TC, m.HasTC = uint8(value("tc field is 3 bits max", 7)), true
		case c.is("ttl"):
			if m.TTL = uint8(value("ttl must be >0 and <=255", 255)); m.TTL == 0 {
				c.wrong("ttl must be >0 and <=255", "a number from 1 to 255")
			}
		case c.is("bos"):
			m.BOS, m.HasBOS = uint8(value("bos must be 0 or 1", 1)), true
		case c.is("protocol"):
			only(m.Op == policy.MPLSPush || m.Op == policy.MPLSMACPush || m.Op == policy.MPLSPop, "push, mac_push and pop")
			n, ok := etherType(c.arg("a protocol"))
			if !ok {
				c.wrong("protocol is invalid", "a protocol's name or number")
			}
			m.Proto = n
		case c.is("help"):
			c.usage(mplsUsage, mplsWordsWanted)
		default:
			c.mplsEnd(a)
			return a
		}
		c.skip()
	}
	c.mplsEnd(a)
	return a
}

func (c *cursor) mplsIndex(a *policy.Action) {
	n, ok := u32(c.arg("a number"), 10)
	if !ok {
		c.wrong("illegal index", "a number of 32 bits")
	}
	a.Index = n
	c.skip()
}

// mplsEnd reads what follows the fields, and checks them together.
func (c *cursor) mplsEnd(a *policy.Action) {
	m := a.MPLS
	if m.Op == 0 {
		c.fail(incomplete, "pop, push, mac_push, modify or dec_ttl")
	}
	c.controlOr(a, policy.Pipe)
	if c.is("index") {
		c.mplsIndex(a)
	}
	missing := func(name string) {
		e := c.errorAt(c.i, fmt.Sprintf("Error: argument %q is required", name), name)
		e.code = 255
		panic(e)
	}
	push := m.Op == policy.MPLSPush || m.Op == policy.MPLSMACPush
	switch {
	case m.Op == policy.MPLSPop && m.Proto == 0:
		missing("protocol")
	case push && m.Proto != 0 && m.Proto != etherMPLS && m.Proto != etherMPLSM:
		c.fail(fmt.Sprintf("invalid %s protocol \"0x%04x\" - use mpls_(uc|mc)", mplsOpName(m.Op), m.Proto), "mpls_uc or mpls_mc")
	case m.Op == policy.MPLSPush && !m.HasLabel:
		missing("label")
	}
	if push { // the kernel's defaults
		if m.Proto == 0 {
			m.Proto = etherMPLS
		}
		if m.TTL == 0 {
			m.TTL = 255
		}
	}
}

func (p *printer) mpls(a *policy.Action) {
	m := a.MPLS
	p.str("kind", "%s ", "mpls")
	p.str("mpls_action", " %s", mplsOpName(m.Op))
	if m.Proto != 0 {
		p.str("protocol", " protocol %s", etherName(m.Proto))
	}
	if m.HasLabel {
		p.uint("label", " label %d", uint64(m.Label))
	}
	if m.HasTC {
		p.uint("tc", " tc %d", uint64(m.TC))
	}
	if m.HasBOS {
		p.uint("bos", " bos %d", uint64(m.BOS))
	}
	if m.TTL != 0 {
		p.uint("ttl", " ttl %d", uint64(m.TTL))
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

func mplsWordsOf(m *policy.MPLS) string {
	var s strings.Builder
	s.WriteString(" " + mplsOpName(m.Op))
	if m.Proto != 0 {
		s.WriteString(" protocol " + ProtocolWord(m.Proto))
	}
	if m.HasLabel {
		fmt.Fprintf(&s, " label %d", m.Label)
	}
	if m.HasTC {
		fmt.Fprintf(&s, " tc %d", m.TC)
	}
	if m.HasBOS {
		fmt.Fprintf(&s, " bos %d", m.BOS)
	}
	if m.TTL != 0 {
		fmt.Fprintf(&s, " ttl %d", m.TTL)
	}
	return s.String()
}
