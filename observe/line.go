package observe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/conntrack"
)

// Format says which of the parts that are not always shown a listing has.
type Format struct {
	Extended   bool // the network protocol
	Timestamp  bool // when an event happened
	KTimestamp bool // when a connection began and ended
	ID         bool
	Labels     bool
	LabelMap   *LabelMap // names for Labels; nil: numbers
}

// AppendLine appends an entry as conntrack(8) prints it
// (libnetfilter_conntrack's default format), without a line feed. Times of
// day are UTC's.
func (f *Format) AppendLine(b []byte, e *Entry) []byte {
	c := e.Conn
	kind := KindOf(e.What)
	if kind != KindListed && f.Timestamp {
		b = fmt.Appendf(b, "[%d.%06d]\t", e.Now/1e9, e.Now%1e9/1e3)
	}
	b = append(b, [...]string{"", "    [NEW] ", " [UPDATE] ", "[DESTROY] ", moveTag(e.What)}[kind]...)
	orig, reply := c.Orig, e.Reply
	if f.Extended {
		b = strconv.AppendUint(append(appendPadded(b, familyName(orig.Family)), ' '), uint64(orig.Family), 10)
		b = append(b, ' ')
	}
	b = strconv.AppendUint(append(appendPadded(b, ProtoName(orig.Proto)), ' '), uint64(orig.Proto), 10)
	b = append(b, ' ')
	if s, ok := e.timeout(); ok {
		b = append(strconv.AppendInt(b, s, 10), ' ')
	}
	if s := e.state(); s != "" {
		b = append(append(b, s...), ' ')
	}
	b = appendShortTuple(b, &orig)
	if e.Acct {
		b = appendCounters(b, c, 0)
	}
	if c.Status&conntrack.StatusSeenReply == 0 {
		b = append(b, "[UNREPLIED] "...)
	}
	b = appendShortTuple(b, &reply)
	if e.Acct {
		b = appendCounters(b, c, 1)
	}
	b = append(b, owner(c)...)
	if e.mark() {
		b = fmt.Appendf(b, "mark=%d ", c.Mark)
	}
	if c.Zone != 0 {
		b = fmt.Appendf(b, "zone=%d ", c.Zone)
	}
	if e.Start != 0 {
		b = fmt.Appendf(b, "delta-time=%d ", e.seconds())
		if f.KTimestamp {
			b = fmt.Appendf(b, "[start=%s] ", ctime(e.Start))
			if e.Stop != 0 {
				b = fmt.Appendf(b, "[stop=%s] ", ctime(e.Stop))
			}
		}
	}
	if e.Helper != "" {
		b = fmt.Appendf(b, "helper=%s ", e.Helper)
	}
	if e.Use > 0 {
		b = fmt.Appendf(b, "use=%d ", e.Use)
	}
	if f.ID {
		b = fmt.Appendf(b, "id=%d ", e.ID)
	}
	if f.Labels && e.labelled() {
		b = fmt.Appendf(b, "labels=%s ", strings.Join(f.LabelMap.Names(&c.Label), ","))
	}
	if e.Device != "" {
		b = fmt.Appendf(b, "device=%s ", e.Device)
	}
	if e.Reason != "" {
		b = fmt.Appendf(b, "reason=%q ", e.Reason)
	}
	return b[:len(b)-1] // every part ends in a blank
}

// moveTag is what stands before an event that the kernel does not have.
func moveTag(what uint16) string {
	switch {
	case what&conntrack.EventHWOffload != 0:
		return "[HW_OFFLOAD] "
	case what&conntrack.EventOffload != 0:
		return "[OFFLOAD] "
	}
	return "   [BACK] "
}

// owner says who judges a connection's packets, or that it is assured.
func owner(c *conntrack.Conn) string {
	switch {
	case c.Status&conntrack.StatusHWOffload != 0:
		return "[HW_OFFLOAD] "
	case c.Status&conntrack.StatusOffload != 0:
		return "[OFFLOAD] "
	case c.Status&conntrack.StatusAssured != 0:
		return "[ASSURED] "
	}
	return ""
}

func ctime(ns int64) string { return time.Unix(0, ns).UTC().Format(time.ANSIC) }
