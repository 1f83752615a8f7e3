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
		case c.text() == "skip_hw", c.text() == "skip_sw":
			// Whole words, and something must follow.
			if c.text() == "skip_hw" {
				f.SkipHW = true
			} else {
				f.SkipSW, f.SkipSWAt = true, c.place(c.i)
			}
			c.arg("action …")
			continue
		case c.is("help"):
			c.help("matchall", 1)
		default:
			c.fail(fmt.Sprintf(`What is "%s"?`, c.text()), "action, skip_hw, skip_sw or classid")
		}
		c.skip()
	}
}
