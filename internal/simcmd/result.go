package simcmd

import (
	"sluice/internal/report"
)

// Result is what a simulation found.
type Result struct {
	Workload   []string `json:"workload"`
	Device     string   `json:"device"`
	Card       string   `json:"card"` // what that came to at this scale
	Scale      float64  `json:"scale"`
	Seconds    float64  `json:"seconds"`     // of traffic
	SteadyFrom float64  `json:"steady_from"` // seconds
	Costs      Costs    `json:"costs_packets_per_second"`
	Runs       []*Run   `json:"runs"`
	Target     float64  `json:"target,omitempty"` // of --find
	Found      string   `json:"found,omitempty"`  // the policy that reached it
	Incomplete string   `json:"incomplete,omitempty"`
}

// Tiers are packets and bytes by who carried them.
type Tiers struct {
	Device    Count `json:"device"`
	FlowTable Count `json:"flow_table"`
	Tracker   Count `json:"tracker"`
	Untracked Count `json:"no_ct"`
	// DeviceShare is the device's part of the packets.
	DeviceShare float64 `json:"device_share"`
}

// Count counts frames and their bytes.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Named is a count by name.
type Named struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// Run is what became of the workload under one policy.
type Run struct {
	Policy      string  `json:"policy"`
	Scale       float64 `json:"scale"`
	Seconds     float64 `json:"seconds"` // of traffic that was run
	Packets     uint64  `json:"packets"`
	Bytes       uint64  `json:"bytes"`
	Connections uint64  `json:"connections"` // that the workload began
	Whole       Tiers   `json:"whole"`
	Steady      Tiers   `json:"steady"`
	Forward     Forward `json:"would_forward"` // from Steady

	HeldMost        int     `json:"held_most"`    // flows in the device
	PendingMost     int     `json:"pending_most"` // that waited for room
	QueueMost       int     `json:"queue_most"`   // requests that waited for their turn
	Insertions      uint64  `json:"insertions"`
	InsertionRate   float64 `json:"steady_insertions_per_second"`
	Evictions       uint64  `json:"evictions"`
	Refusals        []Named `json:"refusals"`         // attempts that came to nothing
	NotInDevice     []Named `json:"rules_not_in_hw"`  // by the device's reason
	Dropped         []Named `json:"dropped"`          // packets by reason
	Tracked         int     `json:"tracked"`          // connections that live at the end
	Flows           int     `json:"flows"`            // of them in flow tables
	Expired         int     `json:"expired"`          // connections beside those, past their deadline and not collected yet
	TrackerRefused  uint64  `json:"tracker_refused"`  // new connections for which there was no room
	TrackerReplaced uint64  `json:"tracker_replaced"` // that made room for others before their time
	Memory          int     `json:"memory_bytes"`     // of tracker and flow tables
	Incomplete      bool    `json:"incomplete,omitempty"`

	page report.Run
}

func tiersOf(s *report.Sample) Tiers {
	c := func(t report.Tier) Count { return Count{s.Packets[t], s.Bytes[t]} }
	return Tiers{c(report.Device), c(report.FlowTable), c(report.Tracker), c(report.Untracked), report.Share(s.Packets, report.Device)}
}
