package tc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"sluice/policy"
)

// command is one logical line of a batch.
type command struct {
	text string
	line int // of its first physical line, from 1
	last int // of its last one: the number that tc reports
}

// commands cuts a batch into logical lines: a backslash before the end of a
// line joins it with the next, unless a comment stands before it.
func commands(text string) (out []command) {
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		c := command{line: i + 1}
		for {
			l := lines[i]
			c.text += l
			body, _, comment := strings.Cut(l, "#")
			_ = body
			if comment || !strings.HasSuffix(strings.TrimRight(l, "\r\n"), `\`) || i+1 == len(lines) {
				break
			}
			i++
		}
		c.last = i + 1
		out = append(out, c)
	}
	return out
}

// maxLine is the longest line of a batch that is read, in bytes: what is no
// policy is refused before it fills the memory.
const maxLine = 1 << 20

// read reads a batch, without the mark that some editors put in front of
// UTF-8. It stops at the first line that is too long and gives its number and
// its beginning.
func read(r io.Reader) (text string, long int, err error) {
	var b strings.Builder
	br := bufio.NewReaderSize(r, maxLine)
	for line := 1; ; line++ {
		l, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return string(l[:2*maxWord]), line, nil
		}
		b.Write(l)
		if errors.Is(err, io.EOF) {
			return strings.TrimPrefix(b.String(), "\ufeff"), 0, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}

// Batch executes the commands of r as `tc -batch` does. name stands for r in
// messages. It stops at the first error, or goes on with Force and then
// returns all errors joined; each is an *Error and has been printed.
func (s *Session) Batch(name string, r io.Reader) error {
	text, long, err := read(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if long != 0 {
		e := &Error{File: name, Line: long, Col: 1, Word: text, Msg: "line too long", Want: fmt.Sprintf("at most %d bytes in a line", maxLine), code: 1}
		e.plain()
		if s.Err != nil {
			e.Print(s.Err)
		}
		return e
	}
	defer func(f string) { s.file = f }(s.file)
	s.file = name
	var errs []error
	for _, c := range commands(text) {
		words, e := split(c.text, c.line)
		if e == nil {
			e = s.run(words)
		}
		if e == nil {
			continue
		}
		e.File = name
		if s.Err != nil {
			e.Print(s.Err)
			fmt.Fprintf(s.Err, "Command failed %s:%d\n", name, c.last)
		}
		errs = append(errs, e)
		if !s.Force {
			break
		}
	}
	return errors.Join(errs...)
}

// Load reads a policy: a batch of tc commands. Devices are there as soon as
// they are named, and get an ingress (or clsact) qdisc where none is written.
// name stands for r in messages. The first mistake, the kernel's refusals
// included, is the error, an *Error; a device that nothing but indev names is
// one.
func Load(name string, r io.Reader) (*policy.Policy, []Note, error) {
	s := Session{Policy: &policy.Policy{}, quiet: true}
	if err := s.Batch(name, r); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, s.Notes, e
		}
		return nil, s.Notes, err
	}
	if e := s.unnamed(); e != nil {
		e.File = name
		return nil, s.Notes, e
	}
	s.Policy.Settle()
	return s.Policy, s.Notes, nil
}
