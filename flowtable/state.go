package flowtable

import (
	"fmt"

	"sluice/conntrack"
	"sluice/packet"
)

// Saved is a table with the sweep under way. What a flow is itself stands in
// its connection's record.
type Saved struct {
	ID      uint16 // what FlowTable of its connections says
	Zone    uint16
	Born    int64 // ns
	Swept   int64 // last whole sweep, ns
	Sweep   int64 // the one under way, ns; 0: none
	Cursor  int   // flows below it are still to be looked at
	Due     int   // flows there were when it began
	DyingAt int64 // when it gives its flows back, ns; 0: it lives

	// Slots of the flows in the order of the table's list, and of those torn
	// down since the last sweep; 0: its connection is gone.
	Flows, Stale []uint32
	// Chains are those of the ct actions that gave Flows; nil: all 0.
	Chains []uint32
}

// Lasting are those of a connection's FlowFlags that a state keeps: devices do
// not go with it, and flows in them are software's again when it is read. Of an
// assured connection both directions are the table's from its next reply on,
// which a device may have carried without a word: a state says so at once.
func Lasting(c *conntrack.Conn) uint8 {
	flags := c.FlowFlags & (flowLive | flowBidirectional)
	if flags&flowLive != 0 && c.Status&conntrack.StatusAssured != 0 {
		flags |= flowBidirectional
	}
	return flags
}

// Save returns all tables in the order of their birth, after reading what
// devices have counted.
func (s *Set) Save() []Saved {
	s.Read(s.now)
	var out []Saved
	slot := func(ref packet.ConnRef) uint32 {
		if s.tr.Conn(ref) == nil {
			return 0
		}
		return uint32(ref)
	}
	for _, t := range s.all {
		v := Saved{ID: t.id, Zone: t.zone, Born: t.born, Swept: t.swept, Sweep: t.sweep, Cursor: t.cursor, Due: t.due}
		if t.refs == 0 {
			v.DyingAt = t.dyingAt
		}
		for i := range t.flows.len() {
			v.Flows = append(v.Flows, slot(t.flows.at(i)))
			if ch := t.chains.at(i); ch != 0 {
				if v.Chains == nil {
					v.Chains = make([]uint32, t.flows.len())
				}
				v.Chains[i] = ch
			}
		}
		t.dropStale(t.lastInstant(max(s.now, t.swept)))
		for _, x := range t.stale {
			v.Stale = append(v.Stale, slot(x.ref))
		}
		out = append(out, v)
	}
	return out
}

// Restore takes over the tables of another set, whose connections are in this
// set's tracker already. Call it once, after the policy has been loaded and
// before the first packet. A table whose zone no ct action of the policy
// names gives its flows back at once. Devices that are registered are told of
// the flows as of those that were there before them (Table.Register).
func (s *Set) Restore(now int64, saved []Saved, n Counters) error {
	refs := map[uint32]packet.ConnRef{}
	held := map[uint32]bool{}
	for ref, c := range s.tr.Known() {
		refs[uint32(ref)] = ref
		if c.FlowTable != 0 || c.FlowFlags&flowLive != 0 || c.Status&conntrack.StatusOffload != 0 {
			held[uint32(ref)] = true
		}
	}
	seen := map[uint16]bool{}
	lives := map[*Table]bool{}
	for i := range saved {
		v := &saved[i]
		if v.ID == 0 || seen[v.ID] {
			return fmt.Errorf("flow table %d of zone %d: there is another of this number", v.ID, v.Zone)
		}
		seen[v.ID] = true
		if v.Swept < v.Born || v.Cursor < 0 || v.Cursor > v.Due {
			return fmt.Errorf("flow table %d of zone %d: its sweep cannot be", v.ID, v.Zone)
		}
		if v.Chains != nil && len(v.Chains) != len(v.Flows) {
			return fmt.Errorf("flow table %d of zone %d: %d chains of %d flows", v.ID, v.Zone, len(v.Chains), len(v.Flows))
		}
		t := s.zones[v.Zone]
		if t == nil || v.DyingAt != 0 || lives[t] {
			t = s.orphan(v, now)
		}
		lives[t] = true
		t.born, t.swept, t.sweep, t.cursor, t.due = v.Born, v.Swept, v.Sweep, v.Cursor, v.Due
		for _, slot := range v.Flows {
			if slot != 0 {
				if c := s.tr.Conn(refs[slot]); c == nil || !held[slot] || c.FlowTable != v.ID || c.FlowFlags&flowLive == 0 ||
					c.Status&conntrack.StatusOffload == 0 || c.Zone != v.Zone {
					return fmt.Errorf("flow table %d of zone %d: the connection in slot %d is not in it", v.ID, v.Zone, slot)
				}
				delete(held, slot)
			}
		}
		for i, slot := range v.Flows {
			at, chain := t.flows.add(refs[slot]), uint32(0)
			if v.Chains != nil {
				chain = v.Chains[i]
			}
			t.chains.add(chain)
			if c := s.tr.Conn(refs[slot]); c != nil {
				c.FlowFlags = Lasting(c)
				c.Status &^= conntrack.StatusHWOffload
				c.FlowPos = uint32(at)
			}
		}
		if t.devs != 0 {
			t.replay = t.flows.len() // its devices have registered already
		}
		for _, slot := range v.Stale {
			t.stale = append(t.stale, torn{refs[slot], now})
		}
		s.renumber(t, v)
	}
	for slot := range held {
		return fmt.Errorf("the connection in slot %d says that a flow table holds it, and none does", slot)
	}
	s.n = n
	if s.off {
		s.Disable(now)
	}
	return nil
}

// renumber makes a table's number the saved one, so that what the connections
// say holds.
func (s *Set) renumber(t *Table, v *Saved) {
	for _, other := range s.all {
		if other != t && other.id == v.ID {
			other.id = t.id // one that has no flows yet
		}
	}
	t.id = v.ID
	s.nextID = max(s.nextID, v.ID)
}

// orphan makes a table that no ct action refers to.
func (s *Set) orphan(v *Saved, now int64) *Table {
	at := v.DyingAt
	if at == 0 {
		at = now
	}
	t := &Table{set: s, tr: s.tr, zone: v.Zone, id: s.number(), dyingAt: at}
	s.all = append(s.all, t)
	return t
}
