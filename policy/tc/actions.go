package tc

import (
	"fmt"
	"slices"
	"strings"

	"sluice/policy"
)

// actions is `tc actions add|change|replace|delete|get|list|flush`.
func (s *Session) actions(c *cursor, o options) {
	const verbs = "add, change, replace, delete, get, list or flush"
	for c.more() {
		i := c.i
		switch {
		case c.is("add"), c.is("change"), c.is("replace"):
			replace := !c.is("add")
			c.arg("action KIND …")
			if c.text() == "action" {
				c.skip()
			}
			acts := c.actionList(false)
			if err := s.Policy.AddActions(acts, replace); err != nil {
				c.kernel(i, err, talking, 255)
			}
		case c.is("delete"):
			s.eachAction(c, func(kind string, index uint32) {
				if err := s.Policy.DeleteAction(kind, index); err != nil {
					c.kernel(i, err, talking, 255)
				}
			})
		case c.is("get"):
			var acts []*policy.Action
			s.eachAction(c, func(kind string, index uint32) {
				a := s.Policy.Action(kind, index)
				if a == nil {
					c.kernel(i, &policy.Error{Errno: policy.ENOENT, Msg: "TC action with specified index not found"}, talking, 255)
				}
				acts = append(acts, a)
			})
			s.printActions(o, acts, 0, 1)
		case c.is("list"), c.is("show"), c.is("lst"):
			acts := s.Policy.ActionsOf(s.actionKind(c))
			for _, a := range acts {
				a.Listed = true
			}
			s.printActions(o, acts, len(acts), 0)
			return
		case c.is("flush"):
			all, err := s.Policy.FlushActions(s.actionKind(c))
			if err != nil {
				c.kernel(i, err, "We have an error flushing", 1)
			}
			if !all && s.Err != nil {
				fmt.Fprintln(s.Err, "Warning: Unable to flush all TC actions.")
			}
			return
		default:
			c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc actions help".`, c.text()), verbs)
		}
	}
}

// actionKind reads `action KIND` behind a verb, to the end.
func (s *Session) actionKind(c *cursor) string {
	if c.left() <= 2 {
		c.i = len(c.words)
		c.fail("usage: tc actions ls|flush action KIND", "action KIND")
	}
	c.arg("action KIND")
	kind := c.arg("a kind of action: " + strings.Join(actionKinds, ", "))
	if !slices.Contains(actionKinds, kind) {
		c.fail("bad action "+kind, strings.Join(actionKinds, ", "))
	}
	c.skip()
	if c.more() {
		c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc actions help".`, c.text()), "the end of the command")
	}
	return kind
}

// eachAction reads `[action] KIND index N` as often as it comes.
func (s *Session) eachAction(c *cursor, f func(kind string, index uint32)) {
	c.arg("action KIND index N")
	for c.more() {
		if c.text() == "action" {
			c.skip()
			continue
		}
		kind := c.text()
		if !slices.Contains(actionKinds, kind) {
			c.fail("Error: non existent action: "+kind, strings.Join(actionKinds, ", "))
		}
		if c.skip(); !c.is("index") {
			c.fail("Error: no index specified action: "+kind, "index N")
		}
		f(kind, c.index(""))
	}
}

// printActions writes instances behind tc's header.
func (s *Session) printActions(o options, acts []*policy.Action, total, first int) {
	p := s.newPrinter(o)
	if total > 0 || first > 0 {
		p.openObject("")
		p.uint("total acts", "total acts %d", uint64(total))
		p.nl()
		p.close()
		p.openObject("")
		p.actions(acts, first, false)
		p.close()
	}
	p.flush()
}
