package tc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/policy"
)

// actionsCode is tc's exit status whatever goes wrong with `tc actions`.
const actionsCode = 255

// actions is `tc actions add|change|replace|delete|get|list|flush`.
func (s *Session) actions(c *cursor, o options) {
	c.code = actionsCode
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
					c.noAction(kind, err)
				}
			})
		case c.is("get"):
			var acts []*policy.Action
			s.eachAction(c, func(kind string, index uint32) {
				a := s.Policy.Action(kind, index)
				if a == nil {
					c.noAction(kind, &policy.Error{Errno: policy.ENOENT, Msg: "TC action with specified index not found"})
				}
				acts = append(acts, a)
			})
			s.printActions(o, acts, 0, 1)
		case c.is("list"), c.is("show"), c.is("lst"):
			kind, since := s.actionKind(c, true)
			acts := slices.DeleteFunc(s.Policy.ActionsOf(kind), func(a *policy.Action) bool { return since != 0 && s.idle(a) > int64(since)*1e6 })
			for _, a := range acts {
				a.Listed = true
			}
			s.printActions(o, acts, len(acts), 0)
			return
		case c.is("flush"):
			kind, _ := s.actionKind(c, false)
			all, err := s.Policy.FlushActions(kind)
			if err != nil {
				c.kernel(i, err, "We have an error flushing", 1)
			}
			if !all && s.Err != nil {
				fmt.Fprintln(s.Err, "Warning: Unable to flush all TC actions.")
			}
			return
		case c.is("help"):
			c.help("actions", 255)
		default:
			c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc actions help".`, c.text()), verbs)
		}
	}
}

// noAction refuses an index that is not there; the index has been read.
func (c *cursor) noAction(kind string, err error) {
	e := c.refusal(c.i-1, err, talking, 255)
	var has []string
	for _, a := range c.s.Policy.ActionsOf(kind) {
		has = append(has, fmt.Sprint(a.Index))
	}
	switch n := len(has); {
	case errors.Is(err, policy.EPERM):
		e.Want = "an action that no filter uses"
	case n == 0:
		e.Want = "the index of an instance of " + kind + ", of which there are none"
	default:
		if n > 8 {
			has = append(has[:8], "…")
		}
		e.Want = "the index of an instance of " + kind + ": " + strings.Join(has, ", ")
	}
	panic(e)
}

// idle is how long ago an action was used, or made, in nanoseconds.
func (s *Session) idle(a *policy.Action) int64 {
	if s.Stats == nil || s.Now == nil {
		return 0
	}
	st := s.Stats(a)
	return s.Now() - max(st.LastUsed, st.Installed)
}

// actionKind reads `action KIND` behind a verb, to the end; listing may say
// `since MILLISECONDS`.
func (s *Session) actionKind(c *cursor, listing bool) (kind string, since uint32) {
	if c.left() == 2 && listing && c.words[c.i+1].text == "help" {
		c.help("actions", 255)
	}
	if c.left() <= 2 {
		c.i = len(c.words)
		c.fail("usage: tc actions ls|flush action KIND", "action KIND")
	}
	c.arg("action KIND")
	kind = c.arg("a kind of action: " + kindWords)
	if !slices.Contains(actionKinds, kind) {
		c.fail("bad action "+kind, kindWords)
	}
	c.skip()
	if listing && c.text() == "since" {
		n, ok := u32(c.arg("milliseconds"), 0)
		if !ok {
			c.wrong(`dump time "since" is invalid`, "a number of milliseconds")
		}
		since = n
		c.skip()
	}
	if c.more() {
		c.fail(fmt.Sprintf(`Command "%s" is unknown, try "tc actions help".`, c.text()), "the end of the command")
	}
	return kind, since
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
			c.fail("Error: non existent action: "+kind, kindWords)
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
