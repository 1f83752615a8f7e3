package tc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
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
// line joins it with the next, unless a comment stands before it. One that has
// become longer than maxLine is joined no further.
func commands(text string) iter.Seq[command] {
	return func(yield func(command) bool) {
		for n := 1; text != ""; n++ {
			c := command{line: n}
			end := 0
			for {
				l := text[end:]
				if i := strings.IndexByte(l, '\n'); i >= 0 {
					l = l[:i+1]
				}
				end += len(l)
				joins := !strings.Contains(l, "#") && strings.HasSuffix(strings.TrimRight(l, "\r\n"), `\`)
				if !joins || end == len(text) || end > maxLine {
					break
				}
				n++
			}
			c.text, c.last = text[:end], n
			if text = text[end:]; !yield(c) {
				return
			}
		}
	}
}

// maxLine is the longest line of a batch that is read, in bytes: what is no
// policy is refused before it fills the memory.
const maxLine = 1 << 20

// MaxBatch is the longest batch, a policy's file, that is read, in bytes. A filter takes some 50
// bytes of memory for each of its text.
const MaxBatch = 32 << 20

// read reads a batch, without the mark that some editors put in front of
// UTF-8. It stops at the first line that is too long, or too much, and says
// where.
func read(r io.Reader) (text string, long *Error, err error) {
	var b strings.Builder
	br := bufio.NewReaderSize(r, maxLine)
	for line := 1; ; line++ {
		l, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return "", tooLong(line, string(l[:2*maxWord])), nil
		}
		if b.Len()+len(l) > MaxBatch {
			return "", &Error{Line: line, Col: 1, Word: strings.TrimRight(string(l[:min(len(l), 2*maxWord)]), "\r\n"), Msg: "batch too long", Want: fmt.Sprintf("at most %d bytes", MaxBatch), code: 1}, nil
		}
		b.Write(l)
		if errors.Is(err, io.EOF) {
			return strings.TrimPrefix(b.String(), "\ufeff"), nil, nil
		}
		if err != nil {
			return "", nil, err
		}
	}
}

func tooLong(line int, begin string) *Error {
	return &Error{Line: line, Col: 1, Word: begin, Msg: "line too long", Want: fmt.Sprintf("at most %d bytes in a line", maxLine), code: 1}
}

// Batch executes the commands of r as `tc -batch` does. name stands for r in
// messages. It stops at the first error, or goes on with Force and then
// returns all errors joined; each is an *Error and has been printed.
func (s *Session) Batch(name string, r io.Reader) error {
	text, long, err := read(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if long != nil {
		long.File = name
		long.plain()
		if s.Err != nil {
			long.Print(s.Err)
		}
		return long
	}
	defer func(f string) { s.file = f }(s.file)
	s.file = name
	var errs []error
	for c := range commands(text) {
		var words []word
		var e *Error
		if len(c.text) > maxLine {
			e = tooLong(c.line, c.text[:2*maxWord])
			e.plain()
		} else if words, e = split(c.text, c.line); e == nil {
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
