package tc

import (
	"strings"

	"sluice/policy"
)

// word is a word of a command and where it stands, from 1.
type word struct {
	text      string
	line, col int
}

// incomplete is what tc says when a command ends too early.
const incomplete = `Command line is not complete. Try option "help"`

// split cuts a command into words as iproute2's makeargs does: white space
// separates, and a word that begins with a quote goes on to the next one of
// its kind. A comment runs from # to the end of its line. A backslash at the
// end of a line joins it with the next. line is the number of the first line.
func split(text string, line int) (words []word, err *Error) {
	i, col := 0, 1
	next := func() {
		if text[i] == '\n' {
			line, col = line+1, 0
		}
		i, col = i+1, col+1
	}
	for i < len(text) {
		switch c := text[i]; {
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				next()
			}
		case isSpace(c) || continues(text[i:]):
			next()
		case c == '\'' || c == '"':
			w := word{line: line, col: col}
			next()
			n := strings.IndexByte(text[i:], c)
			if n < 0 {
				w.text = text[i:]
				e := &Error{Line: w.line, Col: w.col, Word: w.text, Msg: "Unterminated quoted string", Want: "a closing " + string(c), code: 1}
				return nil, e.plain()
			}
			w.text = text[i : i+n]
			for range n + 1 {
				next()
			}
			words = append(words, w)
		default:
			w := word{line: line, col: col}
			start := i
			for i < len(text) && !isSpace(text[i]) && text[i] != '#' && !continues(text[i:]) {
				next()
			}
			w.text = text[start:i]
			words = append(words, w)
		}
	}
	return words, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// continues reports a backslash at the end of a line.
func continues(s string) bool {
	return strings.HasPrefix(s, "\\\n") || strings.HasPrefix(s, "\\\r\n")
}

// matches is iproute2's rule of abbreviation: any prefix of the keyword. Which
// keyword wins is decided by the order in which they are asked for.
func matches(w, keyword string) bool { return w != "" && strings.HasPrefix(keyword, w) }

// cursor walks a command's words. Its methods stop the parse by panicking with
// an *Error, which Session.Run recovers.
type cursor struct {
	s     *Session
	words []word
	i     int
	code  int // exit status of errors: 255 while tc's own parsing would end it, 1 later
}

func (c *cursor) more() bool { return c.i < len(c.words) }
func (c *cursor) left() int  { return len(c.words) - c.i }
func (c *cursor) skip()      { c.i++ }

// text is the present word; empty at the end.
func (c *cursor) text() string {
	if c.i < len(c.words) {
		return c.words[c.i].text
	}
	return ""
}

// is reports whether the present word is a prefix of one of the keywords.
func (c *cursor) is(keywords ...string) bool {
	for _, k := range keywords {
		if c.more() && matches(c.text(), k) {
			return true
		}
	}
	return false
}

// arg steps to the next word, which must be there, and gives it.
func (c *cursor) arg(want string) string {
	c.i++
	if !c.more() {
		c.fail(incomplete, want)
	}
	return c.text()
}

// errorAt makes an error that points at word i.
func (c *cursor) errorAt(i int, msg, want string) *Error {
	e := &Error{Msg: msg, Want: want, code: c.code}
	if e.code == 0 || msg == incomplete {
		e.code = 255
	}
	e.File, e.Line, e.Col, e.Word = c.placeOf(i)
	return e.plain()
}

// place is where word i was written.
func (c *cursor) place(i int) (p policy.Place) {
	p.File, p.Line, p.Col, p.Word = c.placeOf(i)
	return p
}

func (c *cursor) placeOf(i int) (file string, line, col int, text string) {
	file = c.s.file
	if i < len(c.words) {
		w := c.words[i]
		return file, w.line, w.col, w.text
	}
	if n := len(c.words); n > 0 {
		w := c.words[n-1]
		return file, w.line, w.col + len(w.text), ""
	}
	return file, 1, 1, ""
}

// fail ends the parse at the present word.
func (c *cursor) fail(msg, want string) { panic(c.errorAt(c.i, msg, want)) }

// wrong is iproute2's invarg.
func (c *cursor) wrong(why, want string) {
	e := c.errorAt(c.i, `Error: argument "`+c.text()+`" is wrong: `+why, want)
	e.code, e.final = 255, true
	panic(e)
}

// twice is iproute2's duparg.
func (c *cursor) twice(key string) {
	e := c.errorAt(c.i, `Error: duplicate "`+key+`": "`+c.text()+`" is the second value.`, `"`+key+`" only once`)
	e.code = 255
	panic(e)
}

// note records a note at word i.
func (c *cursor) note(i int, msg, modern string) {
	n := Note{Msg: msg, Modern: modern}
	n.File, n.Line, n.Col, n.Word = c.placeOf(i)
	n.Word, n.Msg, n.Modern = cut(n.Word), shorten(n.Msg), escape(n.Modern)
	c.s.addNote(n)
}
