package tc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"sluice/policy"
)

// controlNames are the words for controls, in iproute2's order of matching.
var controlNames = []struct {
	name    string
	control policy.Control
}{
	{"continue", policy.Continue}, {"drop", policy.Shot}, {"shot", policy.Shot},
	{"pass", policy.OK}, {"ok", policy.OK}, {"reclassify", policy.Reclassify},
	{"pipe", policy.Pipe}, {"goto", policy.GotoChain}, {"jump", policy.Jump},
	{"trap", policy.Trap},
}

const controlWords = "pass, drop, continue, pipe, reclassify, trap, goto chain N or jump N"

func isControl(w string) bool {
	return slices.ContainsFunc(controlNames, func(n struct {
		name    string
		control policy.Control
	}) bool {
		return matches(w, n.name)
	})
}

// control reads a control with its argument, if the present word is one.
func (c *cursor) control() (ctl policy.Control, arg uint32, ok bool) {
	for _, n := range controlNames {
		if c.is(n.name) {
			ctl, ok = n.control, true
			break
		}
	}
	if !ok {
		return 0, 0, false
	}
	switch ctl {
	case policy.GotoChain:
		if c.arg("chain N"); !c.is("chain") {
			c.usage(`"chain index" expected`, "chain N")
		}
		if arg, ok = u32(c.arg("a chain's index"), 10); !ok || arg > policy.MaxChain {
			c.usage(`Illegal "chain index"`, fmt.Sprintf("a number from 0 to %d", policy.MaxChain))
		}
	case policy.Jump:
		if arg, ok = u32(c.arg("a count"), 10); !ok || arg > policy.MaxChain {
			c.usage(fmt.Sprintf(`Invalid "jump count" (%s)`, c.text()), "the number of an action, counted from 0")
		}
	}
	c.skip()
	return ctl, arg, true
}

// controlOr reads a control, or takes a default. iproute2 says what is wrong
// with a goto or jump and takes the default; the word is then the next
// action's, which says it again and ends the command.
func (c *cursor) controlOr(a *policy.Action, dflt policy.Control) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(*Error); ok && e.Msg != incomplete {
				e.Detail = append(e.Detail, e.Msg)
			}
			panic(r)
		}
	}()
	if ctl, arg, ok := c.control(); ok {
		a.Control, a.ControlArg = ctl, arg
		return
	}
	a.Control, a.ControlArg = dflt, 0
}

// Kinds of actions: those of this program, and others that tc knows.
var (
	actionKinds = []string{"csum", "ct", "gact", "mirred", "mpls", "pedit", "police", "sample", "skbedit", "tunnel_key", "vlan"}
	otherKinds  = []string{"bpf", "connmark", "ctinfo", "gate", "ife", "ipt", "nat", "simple", "skbmod", "xt"}
)

// kindWords lists the kinds for messages.
var kindWords = strings.Join(actionKinds, ", ")

const actionWords = "ct, mirred, gact, vlan, mpls, pedit, csum, skbedit, police, sample, tunnel_key, or " + controlWords

// actionList reads actions until a word that cannot belong to one, as
// iproute2's parse_action; the word `action` before the first has been read.
// bind: they are a filter's. The papers' forms may stand for two actions.
func (c *cursor) actionList(bind bool) (out []*policy.Action) {
	kindAt := c.i
	defer func() {
		// tc goes on to say which action it was reading when it gave up.
		if r := recover(); r != nil {
			if e, ok := r.(*Error); ok && !e.Kernel && !e.final && e.Msg != incomplete && !strings.HasPrefix(e.Msg, "Error:") && len(e.Detail) == 0 {
				if e.Msg != emptyAction && e.Msg != badParsing {
					e.Detail = append(e.Detail, badParsing)
				}
				name := "(null)"
				if kindAt < len(c.words) {
					name = c.words[kindAt].text
				}
				e.Detail = append(e.Detail, fmt.Sprintf("parse_action: bad value (%d:%s)!", len(c.words)-kindAt, name), `Illegal "action"`)
			}
			panic(r)
		}
	}()
	expect := true
	if !c.more() {
		c.fail(incomplete, actionWords)
	}
	for c.more() {
		w := c.text()
		switch {
		case w == "action":
			expect = true
			c.skip()
			kindAt = c.i
			continue
		case w == "ct_action":
			c.note(c.i, `"ct_action" is the papers' short form`, "action ct")
		case w == "flowid" || w == "classid":
			if expect {
				c.fail(emptyAction, actionWords)
			}
			return out
		case c.is("change", "replace", "delete", "get", "add"):
			// iproute2's new_cmd: the list ends before what may be a command, and
			// so before the letters that abbreviate controls, too.
			return out
		}
		expect = false
		kindAt = c.i
		at := c.place(c.i)
		acts := c.action()
		for _, a := range acts {
			a.Place = at
		}
		c.trailer(acts)
		for _, a := range acts {
			if bind && a.Mirred != nil && a.Mirred.Dev != "" {
				c.s.Policy.Declare(a.Mirred.Dev) // Strict has been seen to
			}
		}
		out = append(out, acts...)
	}
	if expect {
		kindAt = c.i
		c.fail(emptyAction, actionWords)
	}
	return out
}

// emptyAction is what tc says when no action follows the word action.
const emptyAction = "bad action empty 1"

// badParsing is what tc says of an action that said nothing itself.
const badParsing = "bad action parsing"

// noAction is what tc says of the word help in an action's place.
const noAction = `Illegal "action"`

// usage ends the parse where tc prints an action's usage and exits.
func (c *cursor) usage(msg, want string) {
	e := c.errorAt(c.i, msg, want)
	e.code, e.final = 255, true
	panic(e)
}

// action reads one action.
func (c *cursor) action() []*policy.Action {
	w := c.text()
	switch {
	case isControl(w) || c.is("gact") || c.is("index"):
		// What tc knows no kind for it takes for gact's: index with its number,
		// too, which binds or makes a gact.
		return []*policy.Action{c.gact()}
	case w == "help":
		e := c.errorAt(c.i, noAction, actionWords)
		e.final = true
		panic(e)
	case w == "ct" || w == "ct_action":
		return c.ct()
	case w == "mirred" || w == "mirrored":
		if w == "mirrored" {
			c.note(c.i, `"mirrored"`, "mirred")
		}
		return []*policy.Action{c.mirred()}
	case w == "tunnel_key":
		return []*policy.Action{c.tunnelKey()}
	case w == "vlan":
		return []*policy.Action{c.vlan()}
	case w == "mpls":
		return []*policy.Action{c.mpls()}
	case w == "pedit":
		return []*policy.Action{c.pedit()}
	case w == "csum":
		return []*policy.Action{c.csum()}
	case w == "skbedit":
		return []*policy.Action{c.skbedit()}
	case w == "police":
		return []*policy.Action{c.police()}
	case w == "sample":
		return []*policy.Action{c.sample()}
	case slices.Contains(otherKinds, w):
		e := c.errorAt(c.i, fmt.Sprintf("Action %q is not supported", w), actionWords)
		e.Detail = []string{`Illegal "action"`}
		panic(e)
	}
	c.usage("Bad action type "+w, actionWords)
	return nil
}

// trailer reads what may follow any action; it belongs to the last of acts.
func (c *cursor) trailer(acts []*policy.Action) {
	a := acts[len(acts)-1]
	if c.text() == "cookie" {
		s := c.arg("a cookie")
		if len(s) > 32 {
			c.wrong(fmt.Sprintf("%d Max allowed size 32", len(s)), "at most 32 hexadecimal digits")
		}
		b, err := hex.DecodeString(s)
		if err != nil {
			c.wrong("cookie must be a hex string", "an even number of hexadecimal digits")
		}
		a.Cookie = b
		c.skip()
	}
	if c.is("hw_stats") {
		c.arg("immediate, delayed or disabled")
		switch {
		case c.is("immediate"):
			a.HWStats = []string{"immediate"}
		case c.is("delayed"):
			a.HWStats = []string{"delayed"}
		case c.is("disabled"):
			a.HWStats = []string{"disabled"}
		default:
			c.wrong("value is invalid", "immediate, delayed or disabled")
		}
		c.skip()
	}
	if c.text() == "no_percpu" {
		a.NoPercpu = true
		c.skip()
	}
	for range 2 {
		switch c.text() {
		case "skip_sw":
			a.SkipSW, a.SkipSWAt = true, c.place(c.i)
			c.skip()
		case "skip_hw":
			a.SkipHW = true
			c.skip()
		}
	}
}

// index reads `index N`; the present word is index.
func (c *cursor) index(who string) uint32 {
	n, ok := u32(c.arg("a number"), 10)
	if !ok {
		c.fail(who+`Illegal "index"`, "a number of 32 bits")
	}
	c.skip()
	return n
}

// gact reads a generic action, with or without the word gact.
func (c *cursor) gact() *policy.Action {
	a := &policy.Action{Kind: "gact", Control: policy.OK, Gact: &policy.Gact{RandomType: "none"}}
	if !isControl(c.text()) && c.is("gact") {
		c.arg(controlWords)
	}
	if c.is("index") {
		a.Index = c.index("")
		return a
	}
	ctl, arg, ok := c.control()
	if !ok {
		if c.is("help") {
			c.help("gact", 255)
		}
		c.usage("Bad action type "+c.text(), controlWords)
	}
	a.Control, a.ControlArg = ctl, arg
	if c.is("help") {
		c.help("gact", 255)
	}
	if c.is("random") {
		c.arg("netrand or determ")
		switch {
		case c.is("netrand"):
			a.Gact.RandomType = "netrand"
		case c.is("determ"):
			a.Gact.RandomType = "determ"
		default:
			c.fail(`Illegal "random type"`, "netrand or determ")
		}
		c.arg(controlWords)
		ctl, arg, ok := c.control()
		if !ok {
			c.usage("Bad action type "+c.text(), controlWords)
		}
		a.Gact.RandomCtl, a.Gact.RandomArg = ctl, arg
		v, ok := u16(c.text(), 10)
		if !ok { // tc shows memory that it has not written
			c.fail("Illegal probability val 0x1000", "a number from 1 to 10000: one packet in how many")
		}
		if v > 10000 {
			c.fail(fmt.Sprintf("Illegal probability val  0x%x", v), "a number from 1 to 10000: one packet in how many")
		}
		a.Gact.RandomVal = max(v, 1) // act_gact.c tcf_gact_init
		c.skip()
	}
	if c.is("index") && !isControl(c.text()) {
		a.Index = c.index("")
	}
	return a
}

// mirred reads `mirred egress|ingress mirror|redirect dev DEVICE|blockid N`.
func (c *cursor) mirred() *policy.Action {
	const want = "mirred egress|ingress redirect|mirror dev DEVICE"
	m := &policy.Mirred{}
	a := &policy.Action{Kind: "mirred", Mirred: m, Control: policy.OK}
	var direction, verb, index, target bool
	if c.arg(want); c.text() == "help" {
		c.help("mirred", 255)
	}
	if !c.is("egress", "ingress", "index") {
		c.fail("mirred option not supported "+c.text(), want)
	}
	for c.more() && !target {
		switch {
		case c.is("egress"), c.is("ingress"):
			in := c.text()[0] == 'i'
			if direction && m.Ingress != in {
				c.fail(map[bool]string{true: "Can't have both ingress and egress", false: "Can't have both egress and ingress"}[in], "one of them")
			}
			direction, m.Ingress = true, in
			c.arg("redirect or mirror")
			continue
		case c.is("index"):
			a.Index, index = c.index(""), true
			if !direction {
				target = true
			}
			continue
		case c.is("mirror"), c.is("redirect"):
			mirror := c.text()[0] == 'm'
			if verb && m.Mirror != mirror {
				c.fail("Can't have both mirror and redir", "one of them")
			}
			verb, m.Mirror = true, mirror
			a.Control = policy.Stolen
			if mirror {
				a.Control = policy.Pipe
			}
		case verb && c.is("dev"):
			name := c.arg("a device")
			c.device(name)
			m.Dev, target = name, true
		case verb && c.is("blockid"):
			n, ok := u32(c.arg("a block's index"), 0)
			if !ok || n == 0 {
				c.fail("invalid block ID index value "+c.text(), "a number from 1 on")
			}
			m.Block, target = n, true
		default:
			c.fail(fmt.Sprintf("mirred option not supported %s", c.text()), want)
		}
		c.skip()
	}
	if !target {
		c.fail(incomplete, "dev DEVICE")
	}
	if m.Mirror {
		c.controlOr(a, policy.Pipe)
	}
	if c.is("index") {
		if index {
			c.fail("mirred: Illegal double index", "one index")
		}
		a.Index = c.index("mirred: ")
	}
	return a
}
