package tc

import (
	"fmt"

	"sluice/policy"
)

const sampleUsage = "Usage: sample rate RATE group GROUP [trunc SIZE] [index INDEX]"

const sampleWords = "rate RATE group GROUP [trunc SIZE], index or a control: " + controlWords

// sample reads a sample action (iproute2 tc/m_sample.c). Where iproute2 prints
// its usage it exits at once.
func (c *cursor) sample() *policy.Action {
	s := &policy.Sample{}
	a := &policy.Action{Kind: "sample", Sample: s}
	exit := func(msg, want string) {
		e := c.errorAt(c.i, msg, want)
		e.Detail, e.code = []string{sampleUsage}, 255
		panic(e)
	}
	if c.left() < 2 {
		exit("sample bad argument count 1", sampleWords)
	}
	c.skip()
	var rate, group, index bool
	value := func(msg string) uint32 {
		n, ok := u32(c.arg("a number"), 10)
		if !ok {
			exit(fmt.Sprintf("%s %s", msg, c.text()), "a number of 32 bits")
		}
		return n
	}
loop:
	for c.more() {
		switch {
		case c.is("rate"):
			s.Rate, rate = value("Illegal rate"), true
		case c.is("group"):
			s.Group, group = value("Illegal group num"), true
		case c.is("trunc"):
			s.Trunc, s.HasTrunc = value("Illegal truncation size"), true
		case c.is("help"):
			c.usage(sampleUsage, sampleWords)
		default:
			break loop
		}
		c.skip()
	}
	c.controlOr(a, policy.Pipe)
	if c.is("index") {
		a.Index = c.index("sample: ")
		index = a.Index != 0
	}
	s.Given = rate && group
	switch {
	case !group && !index:
		exit(`param "group" not set`, "group GROUP")
	case !rate && !index:
		exit(`param "rate" not set`, "rate RATE")
	}
	return a
}

func (p *printer) sample(a *policy.Action) {
	s := a.Sample
	p.str("kind", "%s ", "sample")
	p.uint("rate", "rate 1/%d ", uint64(s.Rate))
	p.uint("group", "group %d", uint64(s.Group))
	if s.HasTrunc {
		p.uint("trunc_size", " trunc_size %d", uint64(s.Trunc))
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

func sampleWordsOf(s *policy.Sample) string {
	t := fmt.Sprintf(" rate %d group %d", s.Rate, s.Group)
	if s.HasTrunc {
		t += fmt.Sprintf(" trunc %d", s.Trunc)
	}
	return t
}
