package tc

import (
	"fmt"
	"strings"

	"sluice/policy"
)

// view is what a show command has named already and tc therefore leaves out.
type view struct {
	dev      string // as asked for
	parent   uint32 // of what is shown; 0 for a shared block
	asked    uint32 // the parent that was asked for
	block    uint32 // of what is shown
	byBlock  bool   // the block was asked for
	prio     uint32
	protocol uint16
	chain    uint32
	chainSet bool
}

// list is `tc filter show` or `tc chain show`.
func (s *Session) list(c *cursor, o options, chains bool) {
	v := view{}
	at := c.i
	for c.more() {
		s.listWord(c, &v)
		c.skip()
	}
	if v.dev == "" && !v.byBlock {
		// The kernel shows nothing for no device.
		p := s.newPrinter(o)
		p.flush()
		return
	}
	var b *policy.Block
	if v.byBlock {
		if b = s.Policy.Blocks[v.block]; b == nil {
			e := c.errorAt(at, fmt.Sprintf(`Cannot find block "%d"`, v.block), "the index of a block that a qdisc binds")
			e.code = 1
			panic(e)
		}
	} else {
		b, _ = s.Policy.Find(policy.Where{Dev: v.dev, Parent: v.asked}, true) // nothing to show if it is not there
		if b != nil && b.Index != 0 {
			v.block = b.Index
		} else if b != nil {
			v.parent = b.Parent
		}
	}
	p := s.newPrinter(o)
	if b != nil {
		p.block(v, b, chains)
	}
	p.flush()
}

func (s *Session) listWord(c *cursor, v *view) {
	parent := func(h uint32) {
		if v.asked != 0 {
			c.fail(fmt.Sprintf(`Error: "%s" is duplicate parent ID`, c.text()), "one of ingress, egress, root, parent")
		}
		v.asked = h
	}
	switch w := c.text(); {
	case w == "dev":
		name := c.arg("a device")
		if v.dev != "" {
			c.twice("dev")
		}
		if v.byBlock {
			c.fail(`Error: "dev" cannot be used in the same time as "block"`, "one of them")
		}
		s.mustExist(c, name)
		v.dev = name
	case c.is("block"):
		n, ok := u32(c.arg("a block's index"), 0)
		if v.byBlock {
			c.twice("block")
		}
		if v.dev != "" {
			c.fail(`Error: "block" cannot be used in the same time as "dev"`, "one of them")
		}
		if !ok || n == 0 {
			c.wrong("invalid block index value", "a number from 1 on")
		}
		v.block, v.byBlock = n, true
	case w == "root":
		parent(policy.ParentRoot)
	case w == "ingress":
		parent(policy.ParentIngress)
	case w == "egress":
		parent(policy.ParentEgress)
	case w == "parent":
		h, ok := splitParent(c.arg("a class"))
		if v.asked != 0 {
			c.twice("parent")
		}
		if !ok {
			c.wrong("invalid parent ID", "a class, such as ffff:")
		}
		v.asked = h
	case w == "handle":
		c.arg("a handle") // accepted and not used, as by tc
	case c.is("preference"), c.is("priority"):
		n, ok := u32(c.arg("a preference"), 0)
		if v.prio != 0 {
			c.twice("priority")
		}
		if !ok {
			c.wrong("invalid preference", "a number")
		}
		v.prio = n
	case c.is("protocol"):
		id, ok := etherType(c.arg("a protocol"))
		if v.protocol != 0 {
			c.twice("protocol")
		}
		if !ok {
			c.wrong("invalid protocol", "a protocol's name or number")
		}
		v.protocol = id
	case c.is("chain"):
		n, ok := u32(c.arg("a chain's index"), 0)
		if v.chainSet {
			c.twice("chain")
		}
		if !ok {
			c.wrong("invalid chain index value", "a number")
		}
		v.chain, v.chainSet = n, true
	default:
		c.fail(fmt.Sprintf(` What is "%s"? Try "tc filter help"`, w), "dev, block, ingress, egress, parent, pref, protocol or chain")
	}
}

// block writes a block's filters, or its chains.
func (p *printer) block(v view, b *policy.Block, chains bool) {
	for _, ch := range b.ByCreation() {
		if v.chainSet && ch.Index != v.chain {
			continue
		}
		if chains {
			if !ch.HeldByGotoOnly() {
				p.chain(v, ch)
			}
			continue
		}
		for _, pr := range ch.Protos {
			if v.prio != 0 && v.prio != uint32(pr.Prio) || v.protocol != 0 && v.protocol != pr.Protocol {
				continue
			}
			p.filter(v, ch.Index, pr, nil)
			if p.o.brief && pr.Kind == "matchall" {
				continue // it has no terse form
			}
			for _, f := range pr.ByHandle() {
				p.filter(v, ch.Index, pr, f)
			}
		}
	}
}

// place writes where a filter or chain is, as far as it was not asked for.
func (p *printer) place(v view, parent uint32) {
	if v.block != 0 {
		if !v.byBlock {
			p.uint("block", "block %d ", uint64(v.block))
		}
		return
	}
	if v.asked == parent {
		return
	}
	switch parent {
	case policy.ParentRoot:
		p.boolean("root", "root ", true)
	case policy.ParentIngress:
		p.boolean("ingress", "ingress ", true)
	case policy.ParentEgress:
		p.boolean("egress", "egress ", true)
	default:
		p.str("parent", "parent %s ", className(parent))
	}
}

// filter writes a filter, or with f nil the head of its preference.
func (p *printer) filter(v view, chain uint32, pr *policy.Proto, f *policy.Filter) {
	p.openObject("")
	p.textf("filter ")
	p.place(v, v.parent)
	if v.protocol != pr.Protocol {
		p.str("protocol", "protocol %s ", etherName(pr.Protocol))
	}
	if v.prio != uint32(pr.Prio) {
		p.uint("pref", "pref %d ", uint64(pr.Prio))
	}
	p.str("kind", "%s ", pr.Kind)
	if !v.chainSet {
		p.uint("chain", "chain %d ", uint64(chain))
	}
	if f != nil {
		p.openObject("options")
		p.uint("handle", "handle 0x%x ", uint64(f.Handle))
		p.filterOptions(pr, f)
		p.close()
	}
	p.nl()
	p.close()
}

func (p *printer) filterOptions(pr *policy.Proto, f *policy.Filter) {
	switch {
	case p.o.brief:
	case f.HWTC != 0:
		p.uint("hw_tc", "hw_tc %d ", uint64(f.HWTC-1))
	case f.ClassID != 0:
		p.str(map[bool]string{true: "classid", false: "flowid"}[pr.Kind == "flower"], map[bool]string{true: "classid", false: "flowid"}[pr.Kind == "flower"]+" %s ", className(f.ClassID))
	}
	if f.Match != nil && !p.o.brief {
		if f.Match.InDev != "" {
			p.line("indev", f.Match.InDev)
		}
		p.keys(f.Match)
	}
	flag := func(key string, on bool) {
		if on {
			p.nl()
			p.boolean(key, "  "+key, true)
		}
	}
	flag("skip_hw", f.SkipHW)
	flag("skip_sw", f.SkipSW)
	p.inHW(f)
	if f.Match == nil && p.o.stats {
		var hits uint64
		if p.s.Stats != nil && len(f.Actions) > 0 {
			hits = p.s.Stats(f.Actions[0]).Packets
		}
		p.uint("rule_hit", " (rule hit %d)", hits)
	}
	p.actions(f.Actions, 1, true)
}

// inHW says how many devices hold a filter, and why others do not, which is
// Sluice's own addition.
func (p *printer) inHW(f *policy.Filter) {
	n, refusals := 0, []string(nil)
	if p.s.InHW != nil {
		n, refusals = p.s.InHW(f)
	}
	p.nl()
	if n > 0 {
		p.boolean("in_hw", "  in_hw", true)
		p.uint("in_hw_count", " in_hw_count %d", uint64(n))
	} else {
		p.boolean("not_in_hw", "  not_in_hw", true)
	}
	if len(refusals) > 0 {
		p.str("hw_refusals", " (%s)", strings.Join(refusals, "; "))
	}
}

// chain writes a chain, with its template if it has one.
func (p *printer) chain(v view, ch *policy.Chain) {
	p.openObject("")
	p.textf("chain ")
	p.place(v, policy.ParentQdisc)
	if ch.Template != nil {
		p.str("kind", "%s ", "flower")
	}
	if !v.chainSet {
		p.uint("chain", "chain %d ", uint64(ch.Index))
	}
	if ch.Template != nil {
		p.openObject("options")
		p.keys(ch.Template)
		p.close()
	}
	p.nl()
	p.close()
}
