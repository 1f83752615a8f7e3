package tc

import (
	"fmt"

	"sluice/policy"
)

// matchall parses a matchall filter.
func (s *Session) matchall(c *cursor, h *head, f *policy.Filter) {
	h.parseHandle(c, f)
	for c.more() {
		switch {
		case c.is("classid"), c.is("flowid"):
			id, ok := splitParent(c.arg("a class"))
			c.must(ok, "classid", "MAJOR:MINOR in hexadecimal")
			f.ClassID = id
		case c.text() == "action" || c.is("action"):
			c.skip()
			f.Actions = append(f.Actions, c.actionList(true)...)
			continue
		case c.is("skip_hw"):
			f.SkipHW = true
		case c.is("skip_sw"):
			f.SkipSW, f.SkipSWAt = true, c.place(c.i)
		case c.is("help"):
			c.help("matchall", 1)
		default:
			c.fail(fmt.Sprintf(`What is "%s"?`, c.text()), "action, skip_hw, skip_sw or classid")
		}
		c.skip()
	}
}
