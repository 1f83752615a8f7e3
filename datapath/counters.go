package datapath

import "sluice/policy"

// counter is one action instance's statistics.
type counter struct {
	packets, bytes    uint64
	drops, overlimits uint64
	first, last       int64
	installed         int64
	determ            uint32 // gact determ: packets so far
	generation        uint32 // the last program that used the slot
}

// count counts the packet before the action acts, as tcf_action_update_bstats
// does, and notes that in the packet's record. Bytes are the packet's length from
// the network header on. Only settleWays counts beside it.
func (p *pkt) count(a *action) *counter {
	c := &p.e.counters.slots[a.stat]
	c.add(1, uint64(p.size), p.now)
	if p.e.trace {
		p.e.hits[p.hit].Counted |= 1 << a.nth
	}
	return c
}

// add counts several packets of one vector.
func (c *counter) add(packets, bytes uint64, now int64) {
	c.packets += packets
	c.bytes += bytes
	c.last = now
	if c.first == 0 {
		c.first = now
	}
}

// counterSet gives every action instance a slot that it keeps as long as a
// program refers to it.
type counterSet struct {
	slots []counter
	of    map[*policy.Action]uint32
	free  []uint32
}

// slot returns the instance's slot, a fresh one for a new instance.
func (s *counterSet) slot(a *policy.Action, generation uint32, now int64) uint32 {
	i, ok := s.of[a]
	if !ok {
		if n := len(s.free); n > 0 {
			i = s.free[n-1]
			s.free = s.free[:n-1]
			s.slots[i] = counter{}
		} else {
			i = uint32(len(s.slots))
			s.slots = append(s.slots, counter{})
		}
		s.slots[i].installed = now
		s.of[a] = i
	}
	s.slots[i].generation = generation
	return i
}

// sweep frees the slots of instances that the current program does not know.
func (s *counterSet) sweep(generation uint32) {
	for a, i := range s.of {
		if s.slots[i].generation != generation {
			delete(s.of, a)
			s.free = append(s.free, i)
		}
	}
}

func (s *counterSet) stats(a *policy.Action) policy.Stats {
	i, ok := s.of[a]
	if !ok {
		return policy.Stats{}
	}
	c := &s.slots[i]
	return policy.Stats{
		Packets: c.packets, Bytes: c.bytes, Drops: c.drops, Overlimits: c.overlimits,
		Installed: c.installed, FirstUsed: c.first, LastUsed: c.last,
	}
}
