package ctcmd

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"sluice/conntrack"
	"sluice/internal/outfile"
	"sluice/internal/state"
	"sluice/observe"
	"sluice/packet"
)

// banner begins what conntrack(8) says to people.
const banner = "conntrack v1.4.7 (conntrack-tools)"

// Exit statuses of conntrack(8).
const (
	exitOK     = 0
	exitFailed = 1 // nothing was found or deleted, or the state is no use
	exitUsage  = 2
)

// Run executes one command line and returns the exit status.
func Run(args []string, stdout, stderr io.Writer) int {
	r, err := parse(args)
	if err != nil {
		return complain(stderr, err)
	}
	out := bufio.NewWriter(stdout)
	switch r.command {
	case 0, 'h':
		out.WriteString(help)
		return finish(out, stderr, exitOK)
	case 'V':
		out.WriteString(banner + "\n")
		return finish(out, stderr, exitOK)
	}
	for _, n := range r.notes {
		fmt.Fprintln(stderr, n)
	}
	if r.noBits {
		fmt.Fprintln(stderr, banner+": Operation failed: invalid parameters")
		return exitFailed
	}
	if r.changes() {
		if err := outfile.CheckUpdate(r.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return complain(stderr, fmt.Errorf("write state: %w", err))
		}
	}
	s, err := state.ReadFile(r.file)
	if err != nil {
		return complain(stderr, err)
	}
	if err := s.Sync(); err != nil {
		return complain(stderr, fmt.Errorf("read state %s: %w", r.file, err))
	}
	c := &caller{request: r, s: s, t: s.Tracker, out: out, err: stderr}
	return finish(out, stderr, c.do())
}

// changes reports whether the command changes the table.
func (r *request) changes() bool {
	return r.command == 'D' || r.command == 'F' || r.command == 'U' || r.zero
}

// do carries the command out.
func (c *caller) do() int {
	return map[byte]func() int{
		'L': c.list, 'G': c.get, 'D': c.delete, 'U': c.update, 'E': c.events, 'F': c.flush, 'C': c.count, 'S': c.stats,
	}[c.command]()
}

func finish(out *bufio.Writer, stderr io.Writer, code int) int {
	if err := out.Flush(); err != nil {
		return complain(stderr, err)
	}
	return code
}

// complain prints an error as conntrack(8) does.
func complain(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s: %v\n", banner, err)
	var usage *usageError
	if !errors.As(err, &usage) {
		return exitFailed
	}
	fmt.Fprintln(stderr, "Try `sluice conntrack -h' or 'sluice conntrack --help' for more information.")
	return exitUsage
}

// caller carries out a command.
type caller struct {
	*request
	s   *state.State
	t   *conntrack.Tracker
	out *bufio.Writer
	err io.Writer
	buf []byte
}

func (c *caller) say(format string, a ...any) { fmt.Fprintf(c.err, banner+": "+format+"\n", a...) }

// print prints an entry in the format asked for.
func (c *caller) print(e *observe.Entry) {
	switch {
	case c.json:
		c.buf = c.format.AppendJSON(c.buf[:0], e)
	case c.xml:
		c.buf = c.format.AppendXML(c.buf[:0], e)
	case c.save:
		c.buf = observe.AppendSave(c.buf[:0], e)
	default:
		c.buf = c.format.AppendLine(c.buf[:0], e)
	}
	c.out.Write(append(c.buf, '\n'))
}

// selected yields what the command line asks for.
func (c *caller) selected(yield func(packet.ConnRef, *conntrack.Conn) bool) {
	if !c.nothing {
		c.t.Select(c.s.Clock.Now, &c.match)(yield)
	}
}

func (c *caller) list() int {
	switch c.table {
	case "expect":
		list := c.t.Expectations(c.s.Clock.Now)
		for i := range list {
			c.buf = observe.AppendExpect(c.buf[:0], &list[i], c.s.Clock.Now)
			c.out.Write(append(c.buf, '\n'))
		}
		c.say("%d expectations have been shown.", len(list))
		return exitOK
	case "dying", "unconfirmed": // none outlive their packet
		c.say("0 flow entries have been shown.")
		return exitOK
	}
	if c.xml && !c.json {
		c.out.WriteString(observe.XMLHead)
	}
	n := 0
	for ref, conn := range c.selected {
		e := observe.Listed(c.t, ref, conn, c.s.Clock.Now)
		c.print(&e)
		n++
		if c.zero {
			conn.ZeroCounters()
		}
	}
	if c.xml && !c.json {
		c.out.WriteString(observe.XMLTail)
	}
	c.say("%d flow entries have been shown.", n)
	if c.zero {
		return c.write(exitOK)
	}
	return exitOK
}

// write puts the changed state back; a tracker at work has no file.
func (c *caller) write(code int) int {
	if c.live {
		return code
	}
	if err := c.s.WriteFile(c.file); err != nil {
		return complain(c.err, err)
	}
	return code
}

func (c *caller) get() int {
	m := &c.match
	tuple := packet.Tuple{
		Src: m.Orig.Src.Addr, Dst: m.Orig.Dst.Addr, SPort: m.Orig.SPort.Value, DPort: m.Orig.DPort.Value,
		Proto: uint8(c.proto), Family: c.family,
	}
	ref, conn, dir := c.t.Find(&tuple, c.t.Hash(&tuple), m.Zone, c.s.Clock.Now)
	if conn == nil {
		c.say("Operation failed: such conntrack doesn't exist")
		return exitFailed
	}
	// The kernel finds it by either tuple; the program then shows only what
	// its own arguments match.
	if reply := c.t.Reply(ref); dir != 0 || !m.Matches(conn, &reply) {
		c.say("0 flow entries have been shown.")
		return exitFailed
	}
	if c.xml && !c.json {
		c.out.WriteString(observe.XMLHead)
	}
	e := observe.Listed(c.t, ref, conn, c.s.Clock.Now)
	e.Use++ // the look-up's own
	c.print(&e)
	if c.xml && !c.json {
		c.out.WriteString(observe.XMLTail)
	}
	c.say("1 flow entries have been shown.")
	return exitOK
}

func (c *caller) delete() int {
	n := 0
	if !c.nothing {
		n = c.t.Delete(c.s.Clock.Now, &c.match, func(ref packet.ConnRef, conn *conntrack.Conn) {
			e := observe.Listed(c.t, ref, conn, c.s.Clock.Now)
			c.print(&e)
		})
	}
	if n > 0 {
		if code := c.write(exitOK); code != exitOK {
			return code
		}
	}
	c.say("%d flow entries have been deleted.", n)
	if n == 0 {
		return exitFailed
	}
	return exitOK
}

// update sets marks (conntrack.c update_cb and copy_mark: the bits under the
// mask are cleared, and the value is toggled). An entry that would stay as it
// is does not count.
func (c *caller) update() int {
	n := 0
	for ref, conn := range c.selected {
		mark := conn.Mark&^c.setMask ^ c.setMark
		if !c.seen["mark"] || mark == conn.Mark {
			continue
		}
		c.t.SetMark(ref, mark, ^uint32(0))
		c.t.Tell(c.s.Clock.Now, ref)
		e := observe.Listed(c.t, ref, conn, c.s.Clock.Now)
		c.print(&e)
		n++
	}
	if n > 0 {
		if code := c.write(exitOK); code != exitOK {
			return code
		}
	}
	c.say("%d flow entries have been updated.", n)
	if n == 0 {
		return exitFailed
	}
	return exitOK
}

func (c *caller) flush() int {
	if c.table == "expect" {
		c.t.FlushExpectations()
		if code := c.write(exitOK); code != exitOK {
			return code
		}
		c.say("expectation table has been emptied.")
		return exitOK
	}
	c.t.Delete(c.s.Clock.Now, &conntrack.Match{AnyZone: true}, nil)
	if code := c.write(exitOK); code != exitOK {
		return code
	}
	c.say("connection tracking table has been emptied.")
	return exitOK
}

func (c *caller) count() int {
	n := 0
	switch c.table {
	case "expect":
		n = len(c.t.Expectations(c.s.Clock.Now))
	case "conntrack":
		all, _ := c.t.Count(c.s.Clock.Now)
		n = all.Live
	}
	fmt.Fprintln(c.out, n)
	return exitOK
}

func (c *caller) stats() int {
	st := c.t.Stats()
	if c.table == "expect" {
		fmt.Fprintf(c.out, "cpu=%-4d\texpect_new=%d expect_create=%d expect_delete=%d \n", 0, st.ExpectNew, st.ExpectCreate, st.ExpectDelete)
		return exitOK
	}
	fmt.Fprintf(c.out, "cpu=%-4d\tfound=%d invalid=%d insert=%d insert_failed=%d drop=%d early_drop=%d error=%d search_restart=%d clash_resolve=%d chaintoolong=%d ",
		0, st.Found, st.Invalid, st.Insert, st.InsertFailed, st.Drop, st.EarlyDrop, st.ICMPError, st.SearchRestart, st.ClashRes, st.ChainLength)
	if st.NATExhausted > 0 { // Linux has no such column
		fmt.Fprintf(c.out, "nat_exhausted=%d ", st.NATExhausted)
	}
	fmt.Fprintln(c.out)
	return exitOK
}

// events prints what was recorded, and the ends that nobody has noticed yet:
// connections past their deadline that lie in the table until a packet or
// maintenance comes to them.
func (c *caller) events() int {
	if c.table == "expect" {
		c.say("0 expectation events have been shown.")
		return exitOK
	}
	var all []*conntrack.Event
	first := uint64(0)
	for n, e := range c.t.Events(0) {
		if len(all) == 0 {
			first = n
		}
		all = append(all, e)
	}
	if first > 0 {
		fmt.Fprintf(c.err, "WARNING: %d older events were not kept; sluice replay --events N keeps more.\n", first)
	}
	_, capacity := c.t.EventCount()
	if capacity == 0 {
		fmt.Fprintln(c.err, "WARNING: the state keeps no events; sluice replay --events N keeps them.")
	} else {
		for ref, conn := range c.t.Known() {
			if c.t.Expired(conn, c.s.Clock.Now) {
				e := &conntrack.Event{
					Time: conn.Timeout, Start: c.t.Started(ref), Ref: ref, What: conntrack.EventDestroy, Expired: true, Conn: *conn,
					Reply: c.t.Reply(ref),
				}
				all = append(all, e)
			}
		}
	}
	// An expiry is told when it is noticed and carries its deadline's time; at
	// the same time it comes before what others did.
	slices.SortStableFunc(all, func(a, b *conntrack.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), -compareBool(a.Expired, b.Expired))
	})
	if c.xml && !c.json {
		c.out.WriteString(observe.XMLHead)
	}
	n := 0
	for _, e := range all {
		if c.nothing || !c.kinds[observe.KindOf(e.What)] || !c.match.Matches(&e.Conn, &e.Reply) {
			continue
		}
		entry := observe.Happened(e, c.t.Settings().Acct)
		entry.Device = c.t.DeviceName(e.Device)
		c.print(&entry)
		n++
	}
	if c.xml && !c.json {
		c.out.WriteString(observe.XMLTail)
	}
	c.say("%d flow events have been shown.", n)
	return exitOK
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
