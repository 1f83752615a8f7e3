package tc

import (
	"fmt"
	"strings"

	"sluice/policy"
)

const vlanUsage = "Usage: vlan pop [CONTROL] | vlan push [protocol VLANPROTO] id VLANID [priority VLANPRIO] [CONTROL] | " +
	"vlan modify [protocol VLANPROTO] id VLANID [priority VLANPRIO] [CONTROL] | vlan pop_eth [CONTROL] | vlan push_eth dst_mac LLADDR src_mac LLADDR [CONTROL]"

const vlanWords = "pop, push, modify, pop_eth, push_eth, id, protocol, priority, dst_mac, src_mac, index or a control: " + controlWords

// vlanOps are the words for what a vlan action does, in iproute2's order of
// matching.
var vlanOps = []struct {
	name string
	op   policy.VLANOp
}{
	{"pop", policy.VLANPop}, {"push", policy.VLANPush}, {"modify", policy.VLANModify},
	{"pop_eth", policy.VLANPopEth}, {"push_eth", policy.VLANPushEth},
}

func vlanOpName(op policy.VLANOp) string {
	for _, o := range vlanOps {
		if o.op == op {
			return o.name
		}
	}
	return ""
}

// explained ends the parse where tc prints an action's usage after its
// message, and goes on to say which action it was reading.
func (c *cursor) explained(msg, usage, want string) {
	e := c.errorAt(c.i, msg, want)
	e.Detail = append(e.Detail, usage)
	panic(e)
}

// vlan reads a vlan action (iproute2 tc/m_vlan.c).
func (c *cursor) vlan() *policy.Action {
	v := &policy.VLAN{Proto: ether8021Q}
	a := &policy.Action{Kind: "vlan", VLAN: v}
	var id, proto, dst, src bool
	c.arg(vlanWords)
loop:
	for c.more() {
		for _, o := range vlanOps {
			if c.is(o.name) {
				if v.Op != 0 {
					c.explained(fmt.Sprintf("unexpected %q - action already specified", c.text()), vlanUsage, "one of pop, push, modify, pop_eth and push_eth")
				}
				v.Op = o.op
				c.skip()
				continue loop
			}
		}
		tagging := v.Op == policy.VLANPush || v.Op == policy.VLANModify
		only := func(ok bool, who string) {
			if !ok {
				c.wrong("only valid for "+who, vlanWords)
			}
		}
		switch {
		case c.is("id"):
			only(tagging, "push/modify")
			n, ok := u16(c.arg("a VLAN's number"), 0)
			if !ok {
				c.wrong("id is invalid", "a number from 0 to 4094")
			}
			v.ID, id = n, true
		case c.is("protocol"):
			only(tagging, "push/modify")
			n, ok := etherType(c.arg("802.1Q or 802.1ad"))
			if !ok {
				c.wrong("protocol is invalid", "802.1Q or 802.1ad")
			}
			v.Proto, proto = n, true
		case c.is("priority"):
			only(tagging, "push/modify")
			n, ok := number(c.arg("a priority"), 0, 7)
			if !ok {
				c.wrong("prio is invalid", "a number from 0 to 7")
			}
			v.Prio, v.HasPrio = uint8(n), true
		case c.is("dst_mac"):
			only(v.Op == policy.VLANPushEth, "push_eth")
			v.Dst, dst = c.lladdr("dst_mac is invalid"), true
		case c.is("src_mac"):
			only(v.Op == policy.VLANPushEth, "push_eth")
			v.Src, src = c.lladdr("src_mac is invalid"), true
		case c.is("help"):
			c.usage(vlanUsage, vlanWords)
		default:
			break loop
		}
		c.skip()
	}
	c.controlOr(a, policy.Pipe)
	if c.is("index") {
		a.Index = c.index("vlan: ")
	}
	name := vlanOpName(v.Op)
	switch {
	case (v.Op == policy.VLANPush || v.Op == policy.VLANModify) && !id:
		c.explained("id needs to be set for "+name, vlanUsage, "id VLANID")
	case v.Op == policy.VLANPushEth && !dst:
		c.explained("dst_mac needs to be set for "+name, vlanUsage, "dst_mac LLADDR")
	case v.Op == policy.VLANPushEth && !src:
		c.explained("src_mac needs to be set for "+name, vlanUsage, "src_mac LLADDR")
	case proto && v.Proto != ether8021Q && v.Proto != ether8021A:
		c.explained("protocol not supported", vlanUsage, "802.1Q or 802.1ad")
	}
	return a
}

// lladdr reads the address that follows a keyword.
func (c *cursor) lladdr(why string) [6]byte {
	a, ok := mac(c.arg("an Ethernet address"))
	if !ok {
		e := c.errorAt(c.i, fmt.Sprintf("%q is invalid lladdr.", c.text()), "an Ethernet address, such as 02:00:00:00:00:01")
		e.Detail, e.code = []string{fmt.Sprintf("Error: argument %q is wrong: %s", c.text(), why)}, 255
		panic(e)
	}
	return a
}

func (p *printer) vlan(a *policy.Action) {
	v := a.VLAN
	p.str("kind", "%s ", "vlan")
	p.str("vlan_action", " %s", vlanOpName(v.Op))
	switch v.Op {
	case policy.VLANPush, policy.VLANModify:
		p.uint("id", " id %d", uint64(v.ID))
		p.str("protocol", " protocol %s", etherName(v.Proto))
		if v.HasPrio || v.Op == policy.VLANPush {
			p.uint("priority", " priority %d", uint64(v.Prio))
		}
	case policy.VLANPushEth:
		p.str("dst_mac", " dst_mac %s", macText(v.Dst))
		p.str("src_mac", " src_mac %s", macText(v.Src))
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

func vlanWordsOf(v *policy.VLAN) string {
	var s strings.Builder
	s.WriteString(" " + vlanOpName(v.Op))
	switch v.Op {
	case policy.VLANPush, policy.VLANModify:
		fmt.Fprintf(&s, " id %d protocol %s", v.ID, etherName(v.Proto))
		if v.HasPrio {
			fmt.Fprintf(&s, " priority %d", v.Prio)
		}
	case policy.VLANPushEth:
		fmt.Fprintf(&s, " dst_mac %s src_mac %s", macText(v.Dst), macText(v.Src))
	}
	return strings.TrimRight(s.String(), " ")
}
