package datapath

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/policy"
)

// ActionState is an action instance's counters, as another engine goes on
// with them.
type ActionState struct {
	Kind      string
	Index     uint32
	Home      string // the command that it belongs to, as the caller names it
	Stats     policy.Stats
	GactTurns uint32 // gact determ: packets so far
}

// SaveActions returns the counters of all instances by kind and index. homes
// names the command that each belongs to.
func (e *Engine) SaveActions(homes map[*policy.Action]string) []ActionState {
	var out []ActionState
	for a, i := range e.counters.of {
		out = append(out, ActionState{a.Kind, a.Index, homes[a], e.counters.stats(a), e.counters.slots[i].determ})
	}
	slices.SortFunc(out, func(a, b ActionState) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// RestoreActions sets the counters of those instances that the policy has
// under the same kind, index and home, and returns those that it has not.
func (e *Engine) RestoreActions(saved []ActionState, homes map[*policy.Action]string) (left []ActionState) {
	type id struct {
		kind  string
		index uint32
		home  string
	}
	slot := map[id]uint32{}
	for a, i := range e.counters.of {
		slot[id{a.Kind, a.Index, homes[a]}] = i
	}
	for _, s := range saved {
		i, ok := slot[id{s.Kind, s.Index, s.Home}]
		if !ok {
			left = append(left, s)
			continue
		}
		c := &e.counters.slots[i]
		c.packets, c.bytes, c.drops, c.overlimits = s.Stats.Packets, s.Stats.Bytes, s.Stats.Drops, s.Stats.Overlimits
		c.installed, c.first, c.last, c.determ = s.Stats.Installed, s.Stats.FirstUsed, s.Stats.LastUsed, s.GactTurns
	}
	return left
}

// Random is the state of the engine's random choices.
func (e *Engine) Random() []byte {
	b, err := e.pcg.MarshalBinary()
	if err != nil {
		panic(err) // it writes a constant and two words
	}
	return b
}

// SetRandom goes on with random choices where Random was asked.
func (e *Engine) SetRandom(state []byte) error {
	if err := e.pcg.UnmarshalBinary(state); err != nil {
		return fmt.Errorf("random state: %w", err)
	}
	return nil
}
