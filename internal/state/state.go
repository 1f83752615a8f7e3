// Package state keeps what a replay has come to in a file: connections, flow
// tables, counters, events and the time, so that it can be looked at, changed,
// and gone on with.
//
// The file is lines of JSON. The first names format and version, each other
// one has a kind, and the last counts the lines and their checksum, so that a
// file that was cut off or damaged is noticed. The same state gives the same
// bytes. Times are nanoseconds since the epoch on the captures' clock.
//
// Readers ignore fields and kinds that they do not know; the version changes
// only when that would be wrong. docs/conntrack.md describes the lines.
package state

import (
	"net/netip"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/flowtable"
	"sluice/packet/frag"
)

// State is all that is needed to go on.
type State struct {
	Clock   Clock
	Tracker *conntrack.Tracker
	Tables  []flowtable.Saved
	Flows   flowtable.Counters
	Actions []datapath.ActionState
	Random  []byte // of the engine; nil: begin anew
	// Fragments wait for the others of their packets; nil: none did. Their
	// devices are Devices by number.
	Fragments *frag.Saved
	Devices   []string
	Split     []SplitFlow
	MACs      []SplitMAC
	Cards     []Card
	Places    []Place // of connections, when there were devices
	// Origins are where connections' packets have come in: a change of policy is
	// judged by it.
	Origins []datapath.Origins

	flows *flowtable.Set // after Sync: the tables' owner
}

// Clock is where the time stands.
type Clock struct {
	Now    int64  `json:"now_ns"`          // of the last packet
	Vector int64  `json:"vector_ns"`       // at which the last packets were judged together
	Empty  bool   `json:"empty,omitempty"` // there was no packet, and there is no time
	Seed   uint64 `json:"seed"`
	Policy string `json:"policy,omitempty"` // the file's name
	// NoFlowTable: connections were kept out of flow tables. What goes on from
	// the state says again whether it has any.
	NoFlowTable bool `json:"no_flow_table,omitempty"`
}

// SplitFlow is what --split initiator knows of two ends: whether the first of
// them, the lesser one, spoke first.
type SplitFlow struct {
	A     netip.Addr `json:"a"`
	B     netip.Addr `json:"b"`
	APort uint16     `json:"a_port,omitempty"`
	BPort uint16     `json:"b_port,omitempty"`
	Proto uint8      `json:"proto,omitempty"`
	Hosts bool       `json:"hosts,omitempty"` // the two hosts, whatever they speak
	First bool       `json:"b_spoke_first"`
	Old   bool       `json:"old,omitempty"` // it is forgotten next
}

// SplitMAC is the device behind which --split initiator has seen a station.
type SplitMAC struct {
	MAC    string `json:"mac"`
	Device string `json:"device"`
	Old    bool   `json:"old,omitempty"` // it is forgotten next
}

// Sync finishes the flow tables' maintenance that is due at the clock's time,
// so that what the connections' records say is exact. Connections may be
// deleted afterwards.
func (s *State) Sync() error {
	set := flowtable.New(s.Tracker)
	for i := range s.Tables {
		if v := &s.Tables[i]; v.DyingAt == 0 {
			set.Acquire(v.Zone, v.Born)
		}
	}
	if err := set.Restore(s.Clock.Now, s.Tables, s.Flows); err != nil {
		return err
	}
	set.Sync(s.Clock.Now)
	s.flows = set
	return nil
}
