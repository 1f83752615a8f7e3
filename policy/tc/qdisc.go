package tc

import (
	"fmt"
	"strings"

	"sluice/policy"
)

// qdisc is `tc qdisc add|del|replace|show`, for ingress and clsact.
func (s *Session) qdisc(c *cursor, o options) {
	const verbs = "add, del, replace or show"
	switch {
	case !c.more() || c.is("list", "show", "lst"):
		c.skip()
		s.showQdiscs(c, o)
	case c.is("add"), c.is("change"), c.is("replace"), c.text() == "link":
		add, replace := c.is("add"), c.is("replace")
		c.skip()
		s.modifyQdisc(c, add || replace, replace)
	case c.is("delete"):
		c.skip()
		s.modifyQdisc(c, false, false)
	case c.is("help"):
		c.help("qdisc", 0)
	default:
		c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc qdisc help".`, c.text()), verbs)
	}
}

func (s *Session) modifyQdisc(c *cursor, add, replace bool) {
	start := c.i
	var dev, kind string
	var blocks [2]uint32
	var blockAt [2]int
	parent := false
	for c.more() && kind == "" {
		switch w := c.text(); {
		case w == "dev":
			name := c.arg("a device")
			if dev != "" {
				c.twice("dev")
			}
			c.device(name)
			dev = name
		case w == "ingress", w == "clsact":
			if parent {
				c.fail(fmt.Sprintf(`Error: "%s" is a duplicate parent ID`, w), "no parent before it: the kind says where it hangs")
			}
			kind = w
		case w == "handle":
			c.qdiscHandle()
		case w == "parent":
			// Only del without a kind gets past it.
			if h, ok := splitParent(c.arg("a parent")); !ok || h != 0xfffffff1 && !add {
				c.wrong("invalid parent ID", "ffff:fff1")
			}
			parent = true
		case matches(w, "help"):
			c.help("qdisc", 2)
		case w == "ingress_block", w == "egress_block":
			i := policy.Ingress
			if w == "egress_block" {
				i = policy.Egress
			}
			n, ok := u32(c.arg("a block's index"), 0)
			if !ok || n == 0 {
				c.wrong("invalid "+w[:len(w)-len("_block")]+" block index value", "a number from 1 on")
			}
			if blocks[i] != 0 {
				c.twice(w)
			}
			blocks[i], blockAt[i] = n, c.i
		case w == "root":
			c.fail(`Qdiscs for sending ("root") are not part of this program`, "ingress or clsact")
		default:
			c.fail(fmt.Sprintf(`Unknown qdisc "%s", hence option "%s" is unparsable`, w, w), "dev DEVICE, ingress, clsact, ingress_block N or egress_block N")
		}
		c.skip()
	}
	// What stands behind the kind is the kind's.
	for ; c.more(); c.skip() {
		if kind != "ingress" || c.text() != "handle" {
			want := "nothing behind clsact"
			if kind == "ingress" {
				want = "nothing behind ingress but a handle"
			}
			c.what(kind, want+": dev, ingress_block and egress_block stand before it")
		}
		c.qdiscHandle()
	}
	if dev == "" {
		e := c.errorAt(c.i, "RTNETLINK answers: No such device", "dev DEVICE")
		e.code = 2
		panic(e)
	}
	if kind == "" && add {
		c.fail(incomplete, "ingress or clsact")
	}
	var err error
	switch d := s.Policy.Device(dev); {
	case !add:
		err = s.Policy.DelQdisc(dev, kind)
	case replace && d.Qdisc == kind && blocks == [2]uint32{}:
		// There already.
	case replace && d.Qdisc != "" && !d.Implied:
		err = &policy.Error{Errno: policy.EINVAL, Msg: "Invalid qdisc name"}
	case d.Implied && !s.Strict && len(d.Block[policy.Ingress].Chains) == 0 && (d.Block[policy.Egress] == nil || len(d.Block[policy.Egress].Chains) == 0):
		// A qdisc that nobody wrote gives way as long as nothing is in it.
		if err = s.Policy.DelQdisc(dev, ""); err == nil {
			err = s.Policy.AddQdisc(dev, kind, blocks[0], blocks[1])
		}
	default:
		err = s.Policy.AddQdisc(dev, kind, blocks[0], blocks[1])
	}
	if err != nil {
		e := c.refusal(start, err, "", 2)
		switch {
		case strings.Contains(err.Error(), "Egress block") && blockAt[policy.Egress] != 0:
			e = c.refusal(blockAt[policy.Egress], err, "", 2)
			e.Want = "clsact, which has an egress side, instead of ingress"
		case strings.Contains(err.Error(), "block dev insert") && blockAt[policy.Egress] != 0:
			e = c.refusal(blockAt[policy.Egress], err, "", 2)
			e.Want = "another block than at ingress"
		}
		panic(e)
	}
}

// qdiscHandle reads a handle's number, which changes nothing: ingress and
// clsact are ffff: in any case.
func (c *cursor) qdiscHandle() {
	if h, ok := splitParent(c.arg("a handle")); !ok || h&0xffff != 0 {
		c.wrong("invalid qdisc ID", "MAJOR:, such as ffff:")
	}
}

// showQdiscs prints the qdiscs of one device or of all.
func (s *Session) showQdiscs(c *cursor, o options) {
	dev := ""
	for c.more() {
		switch w := c.text(); {
		case w == "dev":
			dev = c.arg("a device")
			s.mustExist(c, dev)
		case w == "ingress" || w == "clsact":
		default:
			c.fail(fmt.Sprintf(`What is "%s"? Try "tc qdisc help".`, w), "dev DEVICE")
		}
		c.skip()
	}
	p := s.newPrinter(o)
	for _, d := range s.Policy.Devices {
		if d.Qdisc == "" || dev != "" && d.Name != dev {
			continue
		}
		p.openObject("")
		p.str("kind", "qdisc %s ", d.Qdisc)
		p.str("handle", "%s ", "ffff:")
		if dev == "" {
			p.str("dev", "dev %s ", d.Name)
		}
		p.str("parent", "parent %s ", "ffff:fff1")
		for i, name := range [2]string{"ingress_block", "egress_block"} {
			if b := d.Block[i]; b != nil && b.Index != 0 {
				p.uint(name, name+" %d ", uint64(b.Index))
			}
		}
		p.openObject("options")
		if d.Qdisc == "ingress" {
			p.textf("---------------- ")
		}
		p.close()
		p.nl()
		if o.stats {
			p.textf(" ")
			p.stats2(policy.Stats{}, " ")
			p.nl()
		}
		p.close()
	}
	p.flush()
}

// mustExist refuses to show a device that is not there.
func (s *Session) mustExist(c *cursor, dev string) {
	if s.Policy.Device(dev) == nil {
		e := c.errorAt(c.i, fmt.Sprintf(`Cannot find device "%s"`, dev), "a device of the policy")
		e.code = 1
		panic(e)
	}
}
