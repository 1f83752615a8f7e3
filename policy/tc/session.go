package tc

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/policy"
)

// Session runs tc commands on a policy. The zero value of every field but
// Policy is useful. It is not safe for concurrent use.
type Session struct {
	Policy *policy.Policy
	Out    io.Writer // what tc prints on standard output; nil: nothing
	Err    io.Writer // notes and errors; nil: nothing

	// Stats gives an action's counters; nil: all zero.
	Stats func(*policy.Action) policy.Stats
	// InHW gives how many devices hold a filter, and the words of those that do
	// not; nil: there is none.
	InHW func(*policy.Filter) (count int, refusals []string)
	// Now is the packets' clock in nanoseconds, for the ages that -s shows
	// and for the kernel's grace period; nil: it stands still.
	Now func() int64

	// What tc's options set; options at the head of a command add to them.
	JSON, ShowStats, Pretty, Details, Brief, OneLine bool

	// Force: a batch goes on after an error.
	Force bool
	// Strict: devices must have been declared in the policy, and qdiscs be
	// added, before filters. Otherwise a device is there as soon as it is
	// named, with an ingress or clsact qdisc as a filter needs it.
	Strict bool

	// Notes are all that came up so far.
	Notes []Note

	file string
	// indevs are the devices that nothing but a flower filter's indev has named,
	// with what there is to say if it stays so.
	indevs  map[string]*Error
	lastNow int64
	quiet   bool // notes are kept, not printed
}

// grace is how long the kernel takes to free deleted actions, in nanoseconds:
// an RCU grace period and a work queue.
const grace = 50e6

// Run executes one command, with or without the word tc before it. An empty
// one does nothing. The error, which has been printed to Err, is an *Error.
func (s *Session) Run(line string) error {
	words, e := split(line, 1)
	if e != nil {
		return s.report(e)
	}
	if err := s.run(words); err != nil {
		return s.report(err)
	}
	return nil
}

func (s *Session) report(e *Error) error {
	e.File = s.file
	if s.Err != nil {
		e.Print(s.Err)
	}
	return e
}

func (s *Session) addNote(n Note) {
	if slices.Contains(s.Notes, n) {
		return
	}
	s.Notes = append(s.Notes, n)
	if s.Err != nil && !s.quiet {
		fmt.Fprintln(s.Err, n)
	}
}

// options are those of one command.
type options struct {
	json, stats, pretty, details, brief, oneLine bool
}

// run executes a command's words. Options at its head hold for it alone.
func (s *Session) run(words []word) (err *Error) {
	c := &cursor{s: s, words: words}
	defer func() {
		switch r := recover().(type) {
		case nil, finished:
		case *Error:
			err = r
		default:
			panic(r)
		}
	}()
	if s.Now != nil {
		if now := s.Now(); now-s.lastNow >= grace {
			s.Policy.Settle()
			s.lastNow = now
		}
	}
	if c.text() == "ip" {
		c.skip()
		s.ip(c)
		return nil
	}
	if c.text() == "tc" {
		c.skip()
	}
	o := options{s.JSON, s.ShowStats, s.Pretty, s.Details, s.Brief, s.OneLine}
	c.options(&o)
	if !c.more() {
		return nil
	}
	const objects = "qdisc, chain, filter or actions"
	switch {
	case c.is("qdisc"):
		c.skip()
		s.qdisc(c, o)
	case matches(c.text(), "filter"):
		c.skip()
		s.filter(c, o)
	case c.is("chain"):
		c.skip()
		s.chain(c, o)
	case c.is("actions"):
		c.skip()
		s.actions(c, o)
	case c.is("help"):
		c.help("tc", 0)
	case c.text() == "class", c.text() == "monitor", c.text() == "exec":
		c.fail(fmt.Sprintf("Object %q is not part of this program", c.text()), objects)
	default:
		c.fail(fmt.Sprintf(`Object "%s" is unknown, try "tc help".`, c.text()), "qdisc, chain, filter, actions, or ip for devices and routes")
	}
	return nil
}

// options reads tc's options at the head of a command.
func (c *cursor) options(o *options) {
	for c.more() && strings.HasPrefix(c.text(), "-") {
		w := c.text()
		if strings.HasPrefix(w, "--") {
			w = w[1:]
		}
		is := func(k string) bool { return len(w) > 1 && matches(w, k) }
		switch {
		case is("-stats"), is("-statistics"):
			o.stats = true
		case is("-details"):
			o.details = true
		case is("-raw"), is("-iec"), is("-graph"), is("-Numeric"), is("-color"), w == "-n", w == "-nm", is("-names"), is("-timestamp"), is("-tshort"), w == "-ts":
			// They change nothing in what is printed here.
		case is("-pretty"):
			o.pretty = true
		case w != "-b" && is("-Version"):
			if c.s.Out != nil {
				fmt.Fprintln(c.s.Out, version)
			}
			panic(finished{})
		case is("-help"):
			c.help("tc", 0)
		case is("-force"):
			c.s.Force = true
		case is("-json"):
			o.json = true
		case is("-oneline"):
			o.oneLine = true
		case w != "-b" && is("-brief"):
			o.brief = true
		default:
			c.fail(fmt.Sprintf(`Option "%s" is unknown, try "tc -help".`, w), "-s, -d, -j, -p, -br, -o or a command")
		}
		c.skip()
	}
}

// kernel ends the command with the policy's refusal.
func (c *cursor) kernel(i int, err error, tail string, code int) {
	panic(c.refusal(i, err, tail, code))
}

// refusal turns the policy's refusal into tc's error at word i.
func (c *cursor) refusal(i int, err error, tail string, code int) *Error {
	var pe *policy.Error
	want := ""
	if errors.As(err, &pe) && pe.Key != "" {
		i, want = c.valueOf(i, pe), pe.Want
	}
	e := c.errorAt(i, "", want)
	e.Kernel, e.Err, e.code = true, err, code
	switch {
	case errors.As(err, &pe) && pe.Msg != "":
		e.Msg = "Error: " + strings.TrimSuffix(pe.Msg, ".") + "."
	case errors.As(err, &pe):
		e.Msg = "RTNETLINK answers: " + string(pe.Errno)
	default:
		e.Msg = "Error: " + err.Error()
	}
	if tail != "" {
		e.Detail = append(e.Detail, tail)
	}
	return e
}

// valueOf finds the value that a refusal is about, behind word i; i itself if it
// is not there.
func (c *cursor) valueOf(i int, e *policy.Error) int {
	for n := i; n+1 < len(c.words); n++ {
		if v, ok := u32(c.words[n+1].text, 0); ok && v == e.Value && matches(c.words[n].text, e.Key) {
			return n + 1
		}
	}
	return i
}

// noDevice is cls_api.c tcf_change_indev's.
const noDevice = "Error: Network device not found."

// indevOnly notes that indev names a device that nothing else has named yet.
func (s *Session) indevOnly(name string, e *Error) {
	if s.indevs == nil {
		s.indevs = map[string]*Error{}
	}
	if s.indevs[name] == nil {
		e.Kernel, e.code = true, 2
		s.indevs[name] = e
	}
}

// unnamed gives the first complaint, by place, about a device that only indev
// has named; nil: there is none.
func (s *Session) unnamed() *Error {
	var first *Error
	for _, e := range s.indevs {
		if first == nil || e.Line < first.Line || e.Line == first.Line && e.Col < first.Col {
			first = e
		}
	}
	return first
}

const talking = "We have an error talking to the kernel"

// device reads the name of a device that must be there (Strict) or is there
// from now on.
func (c *cursor) device(name string) {
	if !deviceName(name) {
		c.wrong("not a valid ifname", "a device's name: at most 15 characters, no / or :")
	}
	delete(c.s.indevs, name)
	if c.s.Policy.Device(name) != nil {
		return
	}
	if c.s.Strict {
		var names []string
		for _, d := range c.s.Policy.Devices {
			names = append(names, d.Name)
		}
		want := "a declared device"
		if len(names) > 0 {
			want = "one of " + strings.Join(names, ", ")
		}
		e := c.errorAt(c.i, fmt.Sprintf(`Cannot find device "%s"`, name), want)
		e.code = max(1, c.code)
		panic(e)
	}
	c.s.Policy.Declare(name)
}
