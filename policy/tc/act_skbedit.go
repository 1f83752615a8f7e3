package tc

import (
	"fmt"
	"strings"

	"sluice/policy"
)

const skbeditUsage = "Usage: ... skbedit <[QM] [PM] [MM] [PT] [IF]>"

const skbeditWords = "mark MARK[/MASK], priority CLASS, queue_mapping QUEUE, ptype TYPE or inheritdsfield"

var pktTypes = []string{"host", "broadcast", "multicast", "otherhost"} // by PACKET_* number

// skbedit reads a skbedit action (iproute2 tc/m_skbedit.c).
func (c *cursor) skbedit() *policy.Action {
	s := &policy.Skbedit{}
	a := &policy.Action{Kind: "skbedit", Skbedit: s}
	c.arg(skbeditWords)
	any := false
loop:
	for c.more() {
		switch {
		case c.is("queue_mapping"):
			n, ok := u16(c.arg("a queue"), 10)
			if !ok {
				c.fail("Illegal queue_mapping", "a number from 0 to 65535")
			}
			s.Queue, s.HasQueue = n, true
		case c.is("priority"):
			n, ok := splitParent(c.arg("a class"))
			if !ok {
				c.fail("Illegal priority", "a class, MAJOR:MINOR, root or none")
			}
			s.Priority, s.HasPriority = n, true
		case c.is("mark"):
			v, m, has := strings.Cut(c.arg("a mark"), "/")
			n, ok := u32(v, 0)
			if !ok {
				c.fail("Illegal mark", "MARK[/MASK], 32 bits each")
			}
			s.Mark, s.Mask, s.HasMark, s.HasMask = n, 0xffffffff, true, false
			if has {
				if s.Mask, ok = u32(m, 0); !ok {
					c.fail("Illegal mask", "MARK/MASK, 32 bits each")
				}
				s.HasMask = true
			}
		case c.is("ptype"):
			w := c.arg("a type of packet")
			n := -1
			for i, t := range pktTypes {
				if n < 0 && matches(w, t) {
					n = i
				}
			}
			if n < 0 {
				c.fail(fmt.Sprintf("Illegal ptype (%s)", w), strings.Join(pktTypes, ", "))
			}
			s.PType, s.HasPType = uint8(n), true
		case c.is("inheritdsfield"):
			s.InheritDS = true
		case c.is("help"):
			c.usage(skbeditUsage, skbeditWords)
		default:
			break loop
		}
		any = true
		c.skip()
	}
	c.controlOr(a, policy.Pipe)
	if c.is("index") {
		a.Index, any = c.index("skbedit: "), true
	}
	if !any {
		c.explained(skbeditUsage, "", skbeditWords)
	}
	return a
}

func (p *printer) skbedit(a *policy.Action) {
	s := a.Skbedit
	p.str("kind", "%s ", "skbedit")
	if s.HasQueue {
		p.uint("queue_mapping", "queue_mapping %d", uint64(s.Queue))
	}
	if s.HasPriority {
		p.str("priority", " priority %s", className(s.Priority))
	}
	if s.HasMark {
		p.uint("mark", " mark %d", uint64(s.Mark))
	}
	if s.HasMask {
		format := "/0x%s"
		if s.Mask == 0 { // C's %#x
			format = "/%s"
		}
		p.str("mask", format, fmt.Sprintf("%x", s.Mask))
	}
	if s.HasPType {
		p.str("ptype", " ptype %s", pktTypes[s.PType&3])
	}
	if s.InheritDS {
		p.textf(" inheritdsfield")
		p.null("inheritdsfield")
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

func skbeditWordsOf(s *policy.Skbedit) string {
	var b strings.Builder
	if s.HasQueue {
		fmt.Fprintf(&b, " queue_mapping %d", s.Queue)
	}
	if s.HasPriority {
		b.WriteString(" priority " + className(s.Priority))
	}
	if s.HasMark {
		fmt.Fprintf(&b, " mark %d", s.Mark)
	}
	if s.HasMask {
		fmt.Fprintf(&b, "/0x%x", s.Mask)
	}
	if s.HasPType {
		b.WriteString(" ptype " + pktTypes[s.PType&3])
	}
	if s.InheritDS {
		b.WriteString(" inheritdsfield")
	}
	return b.String()
}
