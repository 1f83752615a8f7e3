package tc

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Error is a command that did not work.
type Error struct {
	File      string // empty: a command that came from no file
	Line, Col int    // of the offending word, from 1
	Word      string // the offending word; empty at the end of a command
	Msg       string // what iproute2 or the kernel says first
	Want      string // what was expected; may be empty
	Kernel    bool   // refused by the kernel's rules, not by tc's parser
	Detail    []string
	Err       error // the policy's error, if Kernel
	code      int   // tc's exit status
	final     bool  // tc exits at once and says no more
	help      bool  // somebody asked for it
}

// Error gives place, message and expectation in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.place())
	at := e.Word != "" && !strings.Contains(e.Msg, e.Word)
	if at || e.Want != "" {
		b.WriteString(strings.TrimSuffix(e.Msg, "."))
	} else {
		b.WriteString(e.Msg)
	}
	if at {
		fmt.Fprintf(&b, " (at %q)", e.Word)
	}
	if e.Want != "" {
		fmt.Fprintf(&b, "; expected %s", e.Want)
	}
	return b.String()
}

// maxWord is how many bytes of a word messages show.
const maxWord = 40

var longWord = regexp.MustCompile(fmt.Sprintf(`\S{%d,}`, 2*maxWord))

// plain makes an error fit to be printed, whatever the command held: what the
// message cites is short and has no control bytes.
func (e *Error) plain() *Error {
	if w := cut(e.Word); w != e.Word {
		e.Msg = strings.ReplaceAll(e.Msg, e.Word, w)
		e.Word = w
	}
	e.Msg, e.Want = shorten(e.Msg), shorten(e.Want)
	return e
}

// cut leaves the beginning of a long word.
func cut(s string) string {
	if len(s) <= maxWord {
		return s
	}
	return strings.ToValidUTF8(s[:maxWord], "") + "…"
}

// shorten cuts the long words of a message and escapes what does not print.
func shorten(s string) string { return escape(longWord.ReplaceAllStringFunc(s, cut)) }

// escape writes bytes that do not print as Go does.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRune(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// Unwrap gives the policy's error of a refusal.
func (e *Error) Unwrap() error { return e.Err }

// Code is tc's exit status for the error: 1, 2, or 255.
func (e *Error) Code() int { return e.code }

func (e *Error) place() string {
	switch {
	case e.Line == 0:
		return ""
	case e.File == "":
		return fmt.Sprintf("%d:%d: ", e.Line, e.Col)
	}
	return fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Col)
}

// Print writes what tc prints on standard error, then the place, the
// offending word and what was expected.
func (e *Error) Print(w io.Writer) {
	fmt.Fprintln(w, e.Msg)
	for _, d := range e.Detail {
		fmt.Fprintln(w, d)
	}
	at := "at the end of the command"
	if e.Word != "" {
		at = fmt.Sprintf("at %q", e.Word)
	}
	if e.Want != "" {
		at += ": expected " + e.Want
	}
	if e.Line != 0 && !e.help {
		fmt.Fprintf(w, "  %s%s\n", e.place(), at)
	}
}

// Note tells of an accepted spelling that is not tc's, and of what tc or the
// kernel silently does otherwise than the words suggest.
type Note struct {
	File      string
	Line, Col int
	Word      string // what was written
	Msg       string // what about it
	Modern    string // how tc spells it; may be empty
}

func (n Note) String() string {
	e := Error{File: n.File, Line: n.Line, Col: n.Col}
	s := e.place() + "note: " + n.Msg
	if n.Modern != "" {
		s += fmt.Sprintf("; tc writes %q", n.Modern)
	}
	return s
}
