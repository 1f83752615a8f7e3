package datapath

import (
	"cmp"
	"encoding/binary"
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
	Bucket    Bucket
}

// Bucket is what a police action has left: nanoseconds of its rates.
type Bucket struct {
	At                  int64 // when tokens were last counted
	Bytes, Peak, Packet int64
}

// SaveActions returns the counters of all instances by kind and index, what
// devices have counted included: the state says what ActionStats does. homes
// names the command that each belongs to.
func (e *Engine) SaveActions(homes map[*policy.Action]string) []ActionState {
	var out []ActionState
	for a, i := range e.counters.of {
		s := ActionState{Kind: a.Kind, Index: a.Index, Home: homes[a], Stats: e.ActionStats(a), GactTurns: e.counters.slots[i].determ}
		if p := e.policers[a]; p != nil {
			s.Bucket = Bucket{p.at, p.toks, p.ptoks, p.pkttoks}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b ActionState) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// RestoreActions sets the counters of those instances that the policy has
// under the same kind, index and home, and returns those that it has not. What
// the saved devices have counted is kept as that of devices that are gone. A
// bucket that has become smaller is full at the most.
func (e *Engine) RestoreActions(saved []ActionState, homes map[*policy.Action]string) (left []ActionState) {
	type id struct {
		kind  string
		index uint32
		home  string
	}
	action := map[id]*policy.Action{}
	for a := range e.counters.of {
		action[id{a.Kind, a.Index, homes[a]}] = a
	}
	for _, s := range saved {
		a := action[id{s.Kind, s.Index, s.Home}]
		if a == nil {
			left = append(left, s)
			continue
		}
		c := &e.counters.slots[e.counters.of[a]]
		hw := policy.Stats{Packets: min(s.Stats.HWPackets, s.Stats.Packets), Bytes: min(s.Stats.HWBytes, s.Stats.Bytes)}
		if hw != (policy.Stats{}) {
			e.left[a] = hw
		}
		c.packets, c.bytes, c.drops, c.overlimits = s.Stats.Packets-hw.Packets, s.Stats.Bytes-hw.Bytes, s.Stats.Drops, s.Stats.Overlimits
		c.installed, c.first, c.last, c.determ = s.Stats.Installed, s.Stats.FirstUsed, s.Stats.LastUsed, s.GactTurns
		if p := e.policers[a]; p != nil && s.Bucket != (Bucket{}) {
			p.restore(&s.Bucket)
		}
	}
	return left
}

// Choices is the state of what the engine chooses by itself: 20 bytes of random
// numbers, then the last identification of a tunnel's outer IPv4 header, in
// network byte order.
func (e *Engine) Choices() []byte {
	b, err := e.pcg.MarshalBinary()
	if err != nil {
		panic(err) // it writes a constant and two words
	}
	return binary.BigEndian.AppendUint16(b, e.ipID)
}

// SetChoices goes on where Choices was asked.
func (e *Engine) SetChoices(state []byte) error {
	if len(state) < 2 {
		return fmt.Errorf("the engine's choices: %d bytes, expected 22", len(state))
	}
	n := len(state) - 2
	if err := e.pcg.UnmarshalBinary(state[:n]); err != nil {
		return fmt.Errorf("the engine's choices: %w", err)
	}
	e.ipID = binary.BigEndian.Uint16(state[n:])
	return nil
}
