package tc

import (
	"errors"
	"fmt"
	"strings"

	"sluice/policy"
)

// filter is `tc filter add|change|replace|delete|get|show`.
func (s *Session) filter(c *cursor, o options) {
	const verbs = "add, change, replace, delete, get or show"
	i := c.i
	verb := func(k string) bool {
		if matches(c.text(), k) {
			c.skip()
			return true
		}
		return false
	}
	switch {
	case !c.more():
		s.list(c, o, false)
	case verb("add"):
		h := s.head(c, create)
		_, err := s.Policy.AddFilter(h.where, h.rule)
		h.done(c, i, err)
	case verb("change"):
		h := s.head(c, change)
		_, err := s.Policy.ChangeFilter(h.where, h.rule)
		h.done(c, i, err)
	case verb("replace"):
		h := s.head(c, create)
		_, err := s.Policy.ReplaceFilter(h.where, h.rule)
		h.done(c, i, err)
	case verb("delete"):
		h := s.head(c, remove)
		h.done(c, i, s.Policy.DeleteFilter(h.where, h.rule))
	case verb("get"):
		h := s.head(c, get)
		s.getFilter(c, o, h)
	case verb("list"), verb("show"), verb("lst"):
		s.list(c, o, false)
	case verb("help"):
		c.help("filter", 0)
	default:
		c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc filter help".`, c.text()), verbs)
	}
}

// head is what stands before a filter's kind, and after parsing the whole
// command.
type head struct {
	why      purpose
	where    policy.Where
	rule     policy.Rule
	protocol bool // given
	chainSet bool
	handle   string
	handleAt int
	whereAt  int
	parentAt int
	prioAt   int
	protoAt  int
	chainAt  int
	kindAt   int
	stateAt  int // the value of ct_state
	egress   bool
}

// done reports the kernel's refusal at the word that it is about; verb is
// where to point if that is not known.
func (h *head) done(c *cursor, verb int, err error) {
	if err == nil {
		return
	}
	at, want := verb, ""
	or := func(words ...int) {
		for _, w := range words {
			if w != 0 {
				at = w
				return
			}
		}
	}
	var pe *policy.Error
	if errors.As(err, &pe) {
		has := func(s string) bool { return strings.Contains(pe.Msg, s) }
		switch {
		case has("mutually exclusive"), has("no trk"), has("when inv is set"):
			or(h.stateAt, h.kindAt)
			want = "+trk with at most one of new, est, rel and inv, and rpl with est or rel only"
		case has("Filter already exists"), has("handle not found"):
			or(h.handleAt, h.prioAt)
		case has("zero"):
			or(h.prioAt, h.protoAt)
			want = "pref N"
		case has("priority") && h.why == create:
			or(h.prioAt, h.protoAt)
			want = "a preference that is free, or has this protocol"
		case has("priority"):
			or(h.prioAt, h.protoAt)
			want = h.preferences(c.s.Policy)
		case has("Need both"):
			or(h.handleAt, h.prioAt)
			want = h.preferences(c.s.Policy) + "; or filter add, or filter replace"
		case has("actions supported"):
			or(h.kindAt)
			want = "a chain of filters for more, each with goto chain"
		case pe.Msg == "" && h.rule.Filter != nil && h.rule.Filter.SkipSW && h.rule.Filter.SkipHW:
			for i, w := range c.words {
				if w.text == "skip_sw" || w.text == "skip_hw" {
					at = i // the second one
				}
			}
			want = "skip_sw or skip_hw, not both"
		case has("kind does not match"), has("Mask does not fit"), has("Chain template"):
			or(h.kindAt)
		case has("chain"):
			or(h.chainAt)
		case has("Parent Qdisc"), has("not classful"), has("class"):
			or(h.parentAt, h.whereAt)
			want = "ingress, or egress where the device has a clsact qdisc"
		case has("Qdisc"), has("lock"), pe.Errno == policy.ENODEV:
			or(h.whereAt)
		case pe.Other != nil:
			or(h.kindAt)
			want = "a key that no filter of the preference has"
			if pe.Errno == policy.EINVAL {
				want = "the mask that the filter has had: it cannot change"
			}
		}
		if o := pe.Other; o != nil {
			want = strings.TrimPrefix(want+fmt.Sprintf("; the other is handle 0x%x%s", o.Handle, writtenAt(o)), "; ")
		}
	}
	e := c.refusal(at, err, talking, 2)
	if want != "" {
		e.Want = want
	}
	panic(e)
}

// preferences lists the filters that are there, for a command that named none
// of them.
func (h *head) preferences(p *policy.Policy) string {
	var there []string
	if b, err := p.Find(h.where, false); err == nil {
		if ch := b.Chain(h.rule.Chain); ch != nil {
			for _, pr := range ch.Protos {
				s := fmt.Sprintf("pref %d protocol %s", pr.Prio, ProtocolWord(pr.Protocol))
				for i, f := range pr.Filters {
					if i == 4 {
						s += " …"
						break
					}
					s += fmt.Sprintf(" handle 0x%x", f.Handle)
				}
				there = append(there, s)
			}
		}
	}
	switch n := len(there); {
	case n == 0:
		return fmt.Sprintf("a filter that is there; chain %d has none", h.rule.Chain)
	case n > 4:
		there = append(there[:4], "…")
	}
	return "a filter that is there: " + strings.Join(there, ", ")
}

const headWords = "dev, block, ingress, egress, root, parent, handle, pref (prio), protocol, chain or a filter's kind (flower, matchall)"

// purpose is what a command's head is read for.
type purpose uint8

const (
	create   purpose = iota // add, replace: the protocol is `all` unless given
	change                  // needs a classifier's options
	template                // of a chain
	remove
	get
)

// head parses all of a filter or chain command behind its verb.
func (s *Session) head(c *cursor, why purpose) *head {
	h := &head{why: why, whereAt: c.i}
	start := c.i
	for c.more() && s.headWord(c, h) {
		c.skip()
	}
	if why == create && !h.protocol {
		h.rule.Protocol = etherAll
	}
	if k := c.text(); c.left() == 2 && (k == "flower" || k == "matchall") && c.words[c.i+1].text == "help" {
		c.skip()
		c.help(k, 1) // without a device, too
	}
	s.place(c, h, why == create || why == template, start)
	f := &policy.Filter{}
	h.rule.Filter = f
	if !c.more() {
		if h.handle != "" && why != get {
			panic(c.errorAt(h.handleAt, `Must specify filter type when using "handle"`, "flower or matchall at the end"))
		}
		return h
	}
	kind := c.text()
	kindAt := c.i
	h.kindAt = kindAt
	c.skip()
	c.code = 1
	switch kind {
	case "flower":
		s.flower(c, h, f)
	case "matchall":
		if !c.more() && (why == create || why == change) {
			// tc sends no options then, which the kernel does not take.
			e := c.refusal(kindAt, &policy.Error{Errno: policy.EINVAL}, talking, 2)
			e.Want = "an action behind it: without any option the kernel does not take it"
			panic(e)
		}
		if why == template {
			c.kernel(kindAt, &policy.Error{Errno: policy.EOPNOTSUPP, Msg: "Chain templates are not supported with specified classifier"}, talking, 2)
		}
		s.matchall(c, h, f)
	default:
		e := c.errorAt(kindAt, fmt.Sprintf(`Unknown filter "%s", hence option "%s" is unparsable`, kind, c.text()), headWords)
		e.code = 1
		panic(e)
	}
	h.rule.Kind = kind
	w := c.words[kindAt]
	f.File, f.Line, f.Col = s.file, w.line, w.col
	return h
}

// headWord parses one option of the head; false at anything else.
func (s *Session) headWord(c *cursor, h *head) bool {
	parent := func(p uint32) {
		if h.where.Parent != 0 {
			c.fail(fmt.Sprintf(`Error: "%s" is duplicate parent ID`, c.text()), "one of ingress, egress, root, parent")
		}
		h.where.Parent, h.parentAt = p, c.i
	}
	switch w := c.text(); {
	case w == "dev":
		name := c.arg("a device")
		if h.where.Dev != "" {
			c.twice("dev")
		}
		if h.where.Block != 0 {
			c.fail(`Error: "dev" and "block" are mutually exclusive`, "one of them")
		}
		h.where.Dev, h.whereAt = name, c.i
	case c.is("block"):
		n, ok := u32(c.arg("a block's index"), 0)
		if h.where.Block != 0 {
			c.twice("block")
		}
		if h.where.Dev != "" {
			c.fail(`Error: "dev" and "block" are mutually exclusive`, "one of them")
		}
		if !ok || n == 0 {
			c.wrong("invalid block index value", "a number from 1 on")
		}
		h.where.Block, h.whereAt = n, c.i
	case w == "root":
		parent(policy.ParentRoot)
	case w == "ingress":
		parent(policy.ParentIngress)
	case w == "egress":
		parent(policy.ParentEgress)
		h.egress = true
	case w == "parent":
		p, ok := splitParent(c.arg("a class, such as ffff:"))
		if h.where.Parent != 0 {
			c.twice("parent")
		}
		if !ok {
			c.wrong("Invalid parent ID", "a class, such as ffff: or ffff:fff2")
		}
		h.where.Parent, h.egress, h.parentAt = p, p == policy.ParentEgress, c.i
	case w == "handle":
		v := c.arg("a handle")
		if h.handle != "" {
			c.twice("handle")
		}
		h.handle, h.handleAt = v, c.i
	case c.is("preference"), c.is("priority"):
		n, ok := number(c.arg("a preference"), 0, 0xffff)
		if h.rule.Prio != 0 {
			c.twice("priority")
		}
		if !ok {
			c.wrong("invalid priority value", "a number from 1 to 65535; the lowest is tried first")
		}
		h.rule.Prio, h.prioAt = uint16(n), c.i
	case c.is("protocol"):
		id, ok := etherType(c.arg("a protocol"))
		if h.protocol {
			c.twice("protocol")
		}
		if !ok {
			c.wrong("invalid protocol", "ip, ipv6, arp, 802.1q, 802.1ad, all, … or a number")
		}
		h.rule.Protocol, h.protocol, h.protoAt = id, true, c.i
	case c.is("chain"):
		n, ok := u32(c.arg("a chain's index"), 0)
		if h.chainSet {
			c.twice("chain")
		}
		if !ok {
			c.wrong("invalid chain index value", "a number")
		}
		h.rule.Chain, h.chainSet, h.chainAt = n, true, c.i
	case c.is("estimator"):
		c.fail(`"estimator" is not part of this program`, headWords)
	case c.is("help"):
		c.help("filter", 0)
	default:
		return false
	}
	return true
}

// place checks the device and lends it a qdisc.
func (s *Session) place(c *cursor, h *head, create bool, start int) {
	at := &cursor{s: s, words: c.words, i: h.whereAt}
	if h.where.Dev == "" && h.where.Block == 0 {
		at.i = start
		e := at.errorAt(start, "RTNETLINK answers: No such device", "dev DEVICE or block INDEX")
		e.Detail, e.code = []string{talking}, 2
		panic(e)
	}
	if h.where.Dev == "" {
		return
	}
	at.device(h.where.Dev)
	if create && !s.Strict && h.where.Parent>>16 == 0xffff {
		s.Policy.Imply(h.where.Dev, h.egress)
	}
}

// parseHandle reads a filter's handle.
func (h *head) parseHandle(c *cursor, f *policy.Filter) {
	if h.handle == "" {
		return
	}
	n, ok := u32(h.handle, 0)
	if !ok {
		panic(c.errorAt(h.handleAt, `Illegal "handle"`, "a number"))
	}
	f.Handle = n
}

// getFilter is `tc filter get`.
func (s *Session) getFilter(c *cursor, o options, h *head) {
	end := &cursor{s: s, words: c.words, i: len(c.words)}
	switch {
	case !h.protocol:
		end.fail("Must specify filter protocol", "protocol PROTO")
	case h.rule.Prio == 0:
		end.fail("Must specify filter priority", "pref PRIO")
	case h.where.Parent == 0 && h.where.Block == 0:
		end.fail("Must specify filter parent", "ingress, egress or parent CLASS")
	case h.rule.Kind == "":
		end.fail("Must specify filter type", "flower or matchall")
	case h.handle == "":
		end.fail(`Must specify filter "handle"`, "handle N before the filter's kind")
	}
	pr, f, err := s.Policy.GetFilter(h.where, h.rule)
	h.done(c, h.whereAt, err)
	p := s.newPrinter(o)
	v := view{parent: h.where.Parent, block: h.where.Block}
	p.filter(v, h.rule.Chain, pr, f)
	p.flush()
}

// chain is `tc chain add|delete|get|show`.
func (s *Session) chain(c *cursor, o options) {
	const verbs = "add, delete, get or show"
	i := c.i
	switch w := c.text(); {
	case w == "" || c.is("list", "show", "lst"):
		c.skip()
		s.list(c, o, true)
	case c.is("add"):
		c.skip()
		h := s.head(c, template)
		h.done(c, i, s.Policy.AddChain(h.where, h.rule.Chain, h.rule.Filter.Match, h.rule.Protocol))
	case c.is("delete"):
		c.skip()
		h := s.head(c, remove)
		h.done(c, i, s.Policy.DelChain(h.where, h.rule.Chain))
	case c.is("get"):
		c.skip()
		h := s.head(c, remove)
		ch, err := s.Policy.GetChain(h.where, h.rule.Chain)
		h.done(c, i, err)
		p := s.newPrinter(o)
		p.chain(view{parent: policy.ParentQdisc, block: h.where.Block}, ch)
		p.flush()
	case c.is("help"):
		c.help("chain", 0)
	default:
		c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc chain help".`, w), verbs)
	}
}
