package observe

import (
	"fmt"
	"strings"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
)

// Entry is a connection, or something that happened to one, with all that
// conntrack(8) shows of it.
type Entry struct {
	Conn        *conntrack.Conn
	Reply       packet.Tuple
	Now         int64  // ns
	ID          uint32 // conntrack.ID
	Use         int    // references; 0: not told
	Start, Stop int64  // nf_conntrack_timestamp's, ns; 0: not kept
	What        uint16 // conntrack.Event* bits; 0: it was listed
	Acct        bool   // counters are shown
	Helper      string // name; empty: none, or not told
	Device      string // of KindMoved: which; empty: the flow table
	Reason      string // of KindMoved: why it came back
}

// Listed is a connection as a dump of the table has it.
func Listed(t *conntrack.Tracker, ref packet.ConnRef, c *conntrack.Conn, now int64) Entry {
	return Entry{
		Conn: c, Reply: t.Reply(ref), Now: now, ID: conntrack.ID(ref), Use: 1 + flowtable.Held(c) + t.Children(ref), Start: t.Started(ref), Acct: t.Settings().Acct,
		Helper: conntrack.HelperNames[t.HelperOf(ref)],
	}
}

// Happened is an event; whose Device it was, the tracker's DeviceName says. Only the end of a connection tells counters and times.
func Happened(e *conntrack.Event, acct bool) Entry {
	x := Entry{Conn: &e.Conn, Reply: e.Reply, Now: e.Time, ID: conntrack.ID(e.Ref), What: e.What}
	if e.What&conntrack.EventBack != 0 {
		x.Reason = offload.Reason(e.Reason).String()
	}
	if e.What&conntrack.EventHelper != 0 {
		x.Helper = conntrack.HelperNames[e.Helper]
	}
	if e.What&conntrack.EventDestroy != 0 {
		x.Start, x.Acct = e.Start, acct
		if e.Start != 0 {
			x.Stop = e.Time
		}
	}
	return x
}

// Kind of an event, as a message of ctnetlink has it
// (nf_conntrack_netlink.c ctnetlink_conntrack_event).
type Kind uint8

// Kinds of entries.
const (
	KindListed Kind = iota
	KindNew
	KindUpdate
	KindDestroy
	KindMoved // to or from a flow table or a device; ctnetlink has no such messages

	NumKinds
)

// KindOf sorts an event by its bits.
func KindOf(what uint16) Kind {
	switch {
	case what == 0:
		return KindListed
	case what&conntrack.EventDestroy != 0:
		return KindDestroy
	case what&conntrack.Outside != 0:
		return KindMoved
	case what&(conntrack.EventNew|conntrack.EventRelated) != 0:
		return KindNew
	}
	return KindUpdate
}

// timeout is what is left, in seconds; false where the kernel tells none:
// in a listing of what the flow table holds, and at the end of what expired.
func (e *Entry) timeout() (int64, bool) {
	s := Seconds(e.Conn, e.Now)
	switch KindOf(e.What) {
	case KindListed:
		return s, e.Conn.Status&conntrack.StatusOffload == 0
	case KindDestroy:
		return s, s > 0
	}
	return s, true
}

// state is the protocol's state; empty where the kernel tells none.
func (e *Entry) state() string {
	name := e.Conn.StateName()
	switch KindOf(e.What) {
	case KindListed:
		if e.Conn.Status&conntrack.StatusOffload != 0 {
			return ""
		}
	case KindNew, KindUpdate, KindMoved:
		if e.What&conntrack.EventProtoInfo == 0 {
			return ""
		}
	}
	return name
}

// mark reports whether the mark is told: events tell it if there is one, or
// if it changed.
func (e *Entry) mark() bool {
	return e.What == 0 || e.Conn.Mark != 0 || e.What&conntrack.EventMark != 0
}

// labelled reports whether the label is told.
func (e *Entry) labelled() bool {
	return e.Conn.Label != [16]byte{} && (e.What == 0 || e.What&conntrack.EventLabel != 0)
}

// seconds is how long a connection has lived, in whole seconds of the clock.
func (e *Entry) seconds() int64 {
	stop := e.Stop
	if stop == 0 {
		stop = e.Now
	}
	return stop/1e9 - e.Start/1e9
}

// LabelMap names a label's bits, as connlabel.conf(5) does.
type LabelMap struct {
	bits  map[string]int
	names [128]string
}

// ParseLabelMap reads a connlabel.conf: lines of a bit and its name.
func ParseLabelMap(text string) (*LabelMap, error) {
	m := &LabelMap{bits: map[string]int{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var bit int
		if len(f) != 2 || !parseInt(f[0], len(m.names)-1, &bit) {
			return nil, fmt.Errorf("line %d: want a bit from 0 to 127 and its name, not %q", i+1, strings.TrimSpace(line))
		}
		if m.names[bit] == "" {
			m.names[bit] = f[1]
		}
		if _, ok := m.bits[f[1]]; !ok {
			m.bits[f[1]] = bit
		}
	}
	return m, nil
}

func parseInt(s string, limit int, n *int) bool {
	_, err := fmt.Sscanf(s, "%d", n)
	return err == nil && *n >= 0 && *n <= limit && fmt.Sprint(*n) == s
}

// Bit is the bit of a name.
func (m *LabelMap) Bit(name string) (int, bool) {
	if m == nil {
		return 0, false
	}
	bit, ok := m.bits[name]
	return bit, ok
}

// Names are those of the bits that are set in a label; a bit without one goes
// by its number.
func (m *LabelMap) Names(label *[16]byte) (names []string) {
	for bit := range 128 {
		if !LabelBit(label, bit) {
			continue
		}
		name := fmt.Sprint(bit)
		if m != nil && m.names[bit] != "" {
			name = m.names[bit]
		}
		names = append(names, name)
	}
	return names
}

// LabelBit tells a bit of a label, numbered as the kernel numbers them: words
// of 32 bits in the machine's order, which is little-endian here.
func LabelBit(label *[16]byte, bit int) bool { return label[bit/8]&(1<<(bit%8)) != 0 }
