package tc

import (
	"fmt"

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
	default:
		c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc qdisc help".`, c.text()), verbs)
	}
}

func (s *Session) modifyQdisc(c *cursor, add, replace bool) {
	start := c.i
	var dev, kind string
	var blocks [2]uint32
	setKind := func(k string) {
		if kind != "" && kind != k {
			c.fail(fmt.Sprintf(`Error: "%s" is a duplicate parent ID.`, k), "one kind of qdisc")
		}
		kind = k
	}
	for c.more() {
		switch w := c.text(); {
		case w == "dev":
			name := c.arg("a device")
			if dev != "" {
				c.twice("dev")
			}
			c.device(name)
			dev = name
		case w == "ingress", w == "clsact":
			setKind(w)
		case w == "handle":
			if h, ok := splitParent(c.arg("a handle")); !ok || h != policy.ParentQdisc {
				c.wrong("invalid qdisc ID", "ffff:")
			}
		case w == "parent":
			if h, ok := splitParent(c.arg("a parent")); !ok || h != 0xfffffff1 {
				c.wrong("invalid parent ID", "ffff:fff1")
			}
		case w == "ingress_block", w == "egress_block":
			i := policy.Ingress
			if w == "egress_block" {
				i = policy.Egress
			}
			n, ok := u32(c.arg("a block's index"), 0)
			if !ok || n == 0 {
				c.wrong("invalid block index value", "a number from 1 on")
			}
			if blocks[i] != 0 {
				c.twice(w)
			}
			blocks[i] = n
		case w == "root":
			c.fail(`Qdiscs for sending ("root") are not part of this program`, "ingress or clsact")
		default:
			c.fail(fmt.Sprintf(`Unknown qdisc "%s", hence option "%s" is unparsable`, w, w), "dev DEVICE, ingress, clsact, ingress_block N or egress_block N")
		}
		c.skip()
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
		c.kernel(start, err, "", 2)
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
