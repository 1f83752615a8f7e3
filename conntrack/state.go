package conntrack

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"sluice/packet"
)

// Saved is a connection in its place, with what events know of it.
type Saved struct {
	Slot    uint32
	Conn    Conn
	Reply   packet.Tuple
	Start   int64       // Event.Start
	Pending uint16      // Event* bits not yet told
	Extra   *SavedExtra // nil for most
}

// Ledger is a tracker's state beside its connections and settings. With the
// connections in their slots and the free slots in their order, a restored
// tracker hands out the same slots as the one that was saved, and lists them
// in the same order.
type Ledger struct {
	Slots  uint32           // ever used
	Free   []packet.ConnRef // free slots with their generations, the next first
	Cursor uint32           // Tick's place
	Ticked int64            // when Tick ran last, ns
	Credit int64            // removals that time has earned, times 1 s
	Stats  Stats
	// Sources are the slots of connections that NAT has decided on, in the
	// order in which another tracker must come to know them: a client's later
	// connections look for its latest first.
	Sources []uint32
	Random  []byte // of NAT's choices; nil: begin anew

	Expectations []SavedExpectation // by age
	Senders      []SavedSource      // of zones that limit sources
	Zones        []SavedZone        // that have refused connections
	Refused      []uint64           // by Result
}

// Ledger returns the state to save. Connections that no packet has committed
// are their packets' own, and their slots count as free.
func (t *Tracker) Ledger() Ledger {
	l := Ledger{Slots: t.slab.used, Cursor: t.cursor, Ticked: t.ticked, Credit: t.credit, Stats: t.st}
	for n := t.slab.free; n != 0; {
		c := t.slab.at(n)
		l.Free = append(l.Free, t.slab.ref(n, c))
		n = c.FlowPos
	}
	for n := uint32(1); n <= t.slab.used; n++ {
		if c := t.slab.at(n); c.Gen&1 == 1 && c.Status&StatusConfirmed == 0 {
			l.Free = append(l.Free, t.slab.ref(n, c)+1<<32)
		}
	}
	for i := range t.sources.heads {
		from := len(l.Sources)
		for n := t.sources.heads[i]; n != 0; n = t.slab.link(n).next {
			if t.slab.at(n).Status&StatusConfirmed != 0 {
				l.Sources = append(l.Sources, n)
			}
		}
		slices.Reverse(l.Sources[from:])
	}
	l.Random, _ = t.pcg.MarshalBinary() // it cannot fail
	l.Expectations, l.Senders = t.savedExpectations(), t.savedSources()
	for z := range t.ZonesInUse() {
		if z.Refused != 0 {
			l.Zones = append(l.Zones, SavedZone{z.Zone, z.Refused})
		}
	}
	l.Refused = slices.Clone(t.lim.refused[:])
	return l
}

// Saved yields all known connections by slot, those past their deadline
// included that Tick has not come to yet.
func (t *Tracker) Saved() iter.Seq[Saved] {
	return func(yield func(Saved) bool) {
		for n := uint32(1); n <= t.slab.used; n++ {
			c := t.slab.at(n)
			if c.Status&StatusConfirmed == 0 {
				continue
			}
			s := Saved{Slot: n, Conn: c.Settled(), Reply: t.reply(n, c), Extra: t.savedExtra(n, c)}
			if int(n) < len(t.notes) && t.notes[n].gen == c.Gen {
				s.Start, s.Pending = t.notes[n].start, t.notes[n].pending
			}
			if !yield(s) {
				return
			}
		}
	}
}

// Resume fills an empty tracker with what Ledger and Saved gave of another.
// What cannot be is refused, and then nothing may be done with the tracker.
// Connections keep their slots and generations, so that references of the
// other tracker's hold in this one; they have no remembered way.
func (t *Tracker) Resume(l Ledger, conns []Saved) error {
	if t.slab.used != 0 {
		return errors.New("the tracker is not empty")
	}
	if uint64(l.Slots) != uint64(len(conns))+uint64(len(l.Free)) {
		return fmt.Errorf("%d slots hold %d connections and %d are free", l.Slots, len(conns), len(l.Free))
	}
	if l.Cursor > l.Slots {
		return fmt.Errorf("cursor %d lies behind the last of %d slots", l.Cursor, l.Slots)
	}
	if l.Credit < 0 {
		return fmt.Errorf("credit of %d", l.Credit)
	}
	for t.slab.used < l.Slots {
		t.slab.reserve()
	}
	for i := range conns {
		if err := t.put(&conns[i]); err != nil {
			return fmt.Errorf("connection in slot %d: %w", conns[i].Slot, err)
		}
	}
	t.growWhole()
	for i := len(l.Free) - 1; i >= 0; i-- {
		ref := l.Free[i]
		slot, gen := slotOf(ref), uint32(ref>>32)
		if slot == 0 || slot > l.Slots || t.slab.at(slot).Gen != 0 || gen == 0 || gen&1 == 1 {
			return fmt.Errorf("slot %d, generation %d, cannot be free", slot, gen)
		}
		c := t.slab.at(slot)
		c.Gen, c.FlowPos = gen, t.slab.free
		t.slab.free = slot
	}
	for _, slot := range l.Sources {
		if slot == 0 || slot > l.Slots || t.slab.at(slot).Status&natDoneMask == 0 || t.slab.link(slot).prev != 0 {
			return fmt.Errorf("slot %d is no translated connection's, or comes twice", slot)
		}
		t.linkSource(slot, t.slab.at(slot))
	}
	if l.Random != nil {
		if err := t.pcg.UnmarshalBinary(l.Random); err != nil {
			return fmt.Errorf("NAT's random state: %w", err)
		}
	}
	t.adopt()
	if err := t.putExpectations(l.Expectations); err != nil {
		return err
	}
	if err := t.putSources(l.Senders); err != nil {
		return err
	}
	for _, z := range l.Zones {
		t.lim.makeZone(z.Zone).refused = z.Refused
	}
	copy(t.lim.refused[:], l.Refused)
	t.cursor, t.ticked, t.credit, t.st = l.Cursor, l.Ticked, l.Credit, l.Stats
	return nil
}

// reserve takes another slot into use, whatever will be in it.
func (s *slab) reserve() {
	s.used++
	if i := int(s.used >> chunkBits); i == len(s.chunks) || int(s.used&(chunkConns-1)) == len(s.chunks[i]) {
		s.grow(i)
	}
}

// put sets a saved connection into its slot.
func (t *Tracker) put(s *Saved) error {
	c := &s.Conn
	if s.Slot == 0 || s.Slot > t.slab.used {
		return errors.New("no such slot")
	}
	at := t.slab.at(s.Slot)
	if at.Gen != 0 {
		return errors.New("another one is there")
	}
	if err := c.sound(); err != nil {
		return err
	}
	for _, tu := range []*packet.Tuple{&c.Orig, &s.Reply} {
		if ref, other, _ := t.find(tu, t.Hash(tu), c.Zone); other != nil {
			return fmt.Errorf("slot %d has the same tuple", slotOf(ref))
		}
	}
	*at = *c
	at.Path, at.FlowPos = 0, 0
	if c.Status&natMask != 0 {
		t.slab.setReply(s.Slot, at, &s.Reply)
	}
	if reply := t.reply(s.Slot, at); reply != s.Reply {
		return fmt.Errorf("%v does not answer %v", s.Reply, c.Orig)
	}
	if err := t.putExtra(s.Slot, at, s.Extra); err != nil {
		return err
	}
	t.slab.live++
	t.mayEnd(s.Slot, min(at.Timeout, t.end(at)))
	t.lim.count(at)
	t.entered++
	t.enlist(t.Hash(&c.Orig), c.Zone, s.Slot)
	if c.Status&natMask != 0 {
		t.enlist(t.Hash(&s.Reply), c.Zone, s.Slot)
		t.natted++
	}
	if s.Start != 0 || s.Pending != 0 {
		n := t.note(s.Slot, at)
		n.start, n.pending = s.Start, s.Pending
	}
	return nil
}

// find is Find whatever the time is.
func (t *Tracker) find(tu *packet.Tuple, hash uint64, zone uint16) (packet.ConnRef, *Conn, int) {
	const never = -1 << 63
	return t.Find(tu, hash, zone, never)
}

// sound reports what makes a record impossible.
func (c *Conn) sound() error {
	switch {
	case c.Gen&1 == 0:
		return fmt.Errorf("generation %d is a free slot's", c.Gen)
	case c.Orig.Family != packet.IPv4 && c.Orig.Family != packet.IPv6:
		return fmt.Errorf("address family %d", c.Orig.Family)
	case c.Status&StatusConfirmed == 0:
		return errors.New("it was never confirmed")
	case c.Orig.Proto == packet.ProtoTCP && int(c.TCP.State) >= NumTCPStates:
		return fmt.Errorf("TCP state %d", c.TCP.State)
	case c.Orig.Proto == packet.ProtoTCP && (c.TCP.LastDir > 1 || c.TCP.LastIndex > segNone):
		return errors.New("TCP's last segment was of no kind")
	case c.Orig.Proto == packet.ProtoTCP && (c.TCP.Scale[0] > maxWinScale || c.TCP.Scale[1] > maxWinScale || c.TCP.LastWScale > maxWinScale):
		return errors.New("TCP window scale over 14")
	case c.Orig.Proto == packet.ProtoSCTP && (int(c.SCTP().State) >= len(SCTPStateNames) || c.SCTP().LastDir > 1):
		return fmt.Errorf("SCTP state %d", c.SCTP().State)
	case c.Orig.Proto == packet.ProtoDCCP && (int(c.DCCP().State) >= len(DCCPStateNames) || c.DCCP().LastDir > 1 || int(c.DCCP().LastType) >= numDCCPTypes):
		return fmt.Errorf("DCCP state %d", c.DCCP().State)
	case !invertible(&c.Orig):
		return errors.New("nothing can answer it")
	}
	return nil
}

// EventTime is the latest time, in ns, that a listening tracker has been told.
// The end of a connection that no clock accompanies (Kill, early drop) is an
// event of this time.
func (t *Tracker) EventTime() int64 {
	if t.events == nil {
		return 0
	}
	return t.events.now
}

// ResumeEvents makes the tracker listen and takes over the last of total
// events that another has recorded, oldest first, with that one's EventTime.
func (t *Tracker) ResumeEvents(capacity int, total uint64, kept []Event, told int64) error {
	if len(kept) > capacity || uint64(len(kept)) > total || len(kept) < capacity && uint64(len(kept)) != total {
		return fmt.Errorf("%d events kept of %d, in a ring of %d", len(kept), total, capacity)
	}
	t.Listen(capacity)
	if t.events == nil {
		return nil
	}
	t.events.base = total - uint64(len(kept))
	t.events.total = t.events.base
	t.events.now = max(t.ticked, told)
	for i := range kept {
		if err := kept[i].Conn.sound(); err != nil {
			return fmt.Errorf("event %d: %w", t.events.total, err)
		}
		t.events.record(kept[i])
		t.events.now = max(t.events.now, kept[i].Time)
	}
	return nil
}

// ID is a connection's number as conntrack(8) shows it: no two slots share
// one at the same generation.
func ID(ref packet.ConnRef) uint32 {
	// Odd factors keep the map from slots one-to-one.
	return slotOf(ref)*0x9e3779b1 ^ uint32(ref>>32)*0x85ebca6b
}

// StreamAt is when a UDP exchange counts as a stream, ns.
func (c *Conn) StreamAt() int64 { return c.streamAt() }

// SetStreamAt is the inverse of StreamAt.
func (c *Conn) SetStreamAt(t int64) { c.setStreamAt(t) }

// Known yields all known connections by slot, those past their deadline
// included.
func (t *Tracker) Known() iter.Seq2[packet.ConnRef, *Conn] {
	return func(yield func(packet.ConnRef, *Conn) bool) {
		for n := uint32(1); n <= t.slab.used; n++ {
			if c := t.slab.at(n); c.Status&StatusConfirmed != 0 && !yield(t.slab.ref(n, c), c) {
				return
			}
		}
	}
}
