package conntrack

import (
	"iter"

	"sluice/packet"
)

// What has changed in a connection, numbered as the kernel's enum
// ip_conntrack_events.
const (
	EventNew uint16 = 1 << iota
	EventRelated
	EventDestroy
	EventReply
	EventAssured
	EventProtoInfo // the protocol's state
	EventHelper
	EventMark
	EventSeqAdjust
	EventSecmark
	EventLabel
)

// Event is something that happened to a connection, with the connection as it
// was then. A DESTROY carries the final counters.
type Event struct {
	Time  int64 // ns; of an expiry, the deadline
	Start int64 // when the connection was confirmed; 0 without nf_conntrack_timestamp
	Ref   packet.ConnRef
	What  uint16 // Event* bits
	// Expired: the deadline passed, rather than somebody ending it.
	Expired bool
	Device  uint8 // of EventHWOffload and EventBack: DeviceName's; 0: none
	Reason  uint8 // of EventBack: an offload.Reason
	Conn    Conn
	Reply   packet.Tuple
	Helper  Helper
}

// note is what events need of a slot beside its connection.
type note struct {
	start   int64 // Event.Start
	gen     uint32
	pending uint16 // changes that no event has told yet
}

// eventLog keeps the last events in a ring. A tracker without listeners has
// none.
type eventLog struct {
	ring  []Event // grows up to size, then goes round
	size  int
	base  uint64 // number of the event that was first in ring
	total uint64 // ever recorded
	now   int64  // latest time that the tracker has been told
}

// Listen makes the tracker keep the last n events; 0: none. What was kept is
// forgotten.
//
// As in the kernel, what a packet changes is gathered and told together when
// its ct action is done (Tell); what only the flow table sees changes nothing.
func (t *Tracker) Listen(n int) {
	t.events = nil
	if n > 0 {
		t.events = &eventLog{size: n}
	}
}

// Events yields the events kept from number first on, oldest first, with
// their numbers. A reader goes on at the last number plus one; when the first
// it gets is larger than asked for, those between were lost.
func (t *Tracker) Events(first uint64) iter.Seq2[uint64, *Event] {
	return func(yield func(uint64, *Event) bool) {
		l := t.events
		if l == nil {
			return
		}
		first = max(first, l.total-uint64(len(l.ring)))
		for n := first; n < l.total; n++ {
			if !yield(n, &l.ring[(n-l.base)%uint64(l.size)]) {
				return
			}
		}
	}
}

// EventCount is how many events have been recorded, kept or not, and how many
// are kept at most.
func (t *Tracker) EventCount() (total uint64, capacity int) {
	if t.events == nil {
		return 0, 0
	}
	return t.events.total, t.events.size
}

// note returns a slot's note, fresh if the slot has changed hands.
func (t *Tracker) note(slot uint32, c *Conn) *note {
	for int(slot) >= len(t.notes) {
		t.notes = append(t.notes, note{})
	}
	n := &t.notes[slot]
	if n.gen != c.Gen {
		*n = note{gen: c.Gen}
	}
	return n
}

// Started is when a connection was confirmed; 0 if nf_conntrack_timestamp was
// not set then, or if the reference is stale.
func (t *Tracker) Started(ref packet.ConnRef) int64 {
	slot := slotOf(ref)
	if c := t.Conn(ref); c == nil || int(slot) >= len(t.notes) || t.notes[slot].gen != c.Gen {
		return 0
	}
	return t.notes[slot].start
}

// confirmed begins the records of a connection that has become known.
func (t *Tracker) confirmed(now int64, ref packet.ConnRef, c *Conn) {
	if t.set.Timestamp {
		t.note(slotOf(ref), c).start = now
	}
	if t.events != nil {
		what := EventNew
		if c.Status&StatusExpected != 0 {
			what = EventRelated
		}
		if c.Status&StatusHelper != 0 {
			what |= EventHelper
		}
		n := t.note(slotOf(ref), c)
		n.pending |= what
		t.deliver(now, ref, c)
	}
}

// Tell makes an event of what a packet has changed in its connection, if it is
// a known one. Call it when the ct action is done with the packet.
func (t *Tracker) Tell(now int64, ref packet.ConnRef) {
	if t.events != nil {
		t.tell(now, ref)
	}
}

func (t *Tracker) tell(now int64, ref packet.ConnRef) {
	if c := t.Conn(ref); c != nil && c.Status&(StatusConfirmed|StatusDying) == StatusConfirmed {
		t.deliver(now, ref, c)
	}
}

// deliver tells what has changed (nf_ct_deliver_cached_events).
func (t *Tracker) deliver(now int64, ref packet.ConnRef, c *Conn) {
	l := t.events
	if l == nil {
		return
	}
	n := t.note(slotOf(ref), c)
	if n.pending == 0 {
		return
	}
	l.now = max(l.now, now)
	l.record(Event{Time: now, Start: n.start, Ref: ref, What: n.pending, Conn: c.Settled(), Reply: t.reply(slotOf(ref), c), Helper: t.HelperOf(ref)})
	n.pending = 0
}

func (l *eventLog) record(e Event) {
	if len(l.ring) < l.size {
		l.ring = append(l.ring, e)
	} else {
		l.ring[(l.total-l.base)%uint64(l.size)] = e
	}
	l.total++
}

// traits are what In may change of a connection and events tell.
type traits struct {
	status uint16
	state  uint8
}

func (c *Conn) traits() traits { return traits{c.Status, protoState(c)} }

// protoState is the state whose change is an event; 0 for protocols without.
func protoState(c *Conn) uint8 {
	switch c.Orig.Proto {
	case packet.ProtoTCP:
		return c.TCP.State
	case packet.ProtoSCTP:
		return c.SCTP().State
	case packet.ProtoDCCP:
		return c.DCCP().State
	}
	return 0
}

// changed notes what a packet has made of its connection.
func (t *Tracker) changed(now int64, ref packet.ConnRef, was traits) {
	t.events.now = max(t.events.now, now)
	c := t.Conn(ref)
	if c == nil {
		return
	}
	what := uint16(0)
	if set := c.Status &^ was.status; set != 0 {
		if set&StatusSeenReply != 0 {
			what |= EventReply
		}
		if set&StatusAssured != 0 {
			what |= EventAssured
		}
	}
	if protoState(c) != was.state {
		what |= EventProtoInfo
	}
	if what != 0 {
		t.note(slotOf(ref), c).pending |= what
	}
}

// pend notes one change.
func (t *Tracker) pend(ref packet.ConnRef, c *Conn, what uint16) {
	if t.events != nil {
		t.note(slotOf(ref), c).pending |= what
	}
}

// Clock tells the tracker what time it is, before Kill and Flush, which have no
// time of their own: events of what they end carry it. Everything else that
// takes a time does so itself.
func (t *Tracker) Clock(now int64) { t.clock(now) }

// clock tells the event log what time it is.
func (t *Tracker) clock(now int64) {
	if t.events != nil {
		t.events.now = max(t.events.now, now)
	}
}

// ended records the end of a known connection.
func (t *Tracker) ended(slot uint32, c *Conn) {
	l := t.events
	if l == nil {
		return
	}
	n := t.note(slot, c)
	e := Event{Time: l.now, Start: n.start, Ref: t.slab.ref(slot, c), What: EventDestroy, Conn: c.Settled(), Reply: t.reply(slot, c), Helper: t.HelperOf(t.slab.ref(slot, c))}
	if t.expired(c, l.now) {
		e.Time, e.Expired = c.Timeout, true
	}
	e.Conn.Status |= StatusDying
	n.pending = 0
	l.record(e)
}
