package simcmd

import (
	"fmt"
	"strings"

	"sluice/internal/report"
	"sluice/internal/workload"
)

// Costs say how many packets a second each tier could carry alone. Software's
// tiers share one host's processor time; the device sees every packet.
type Costs struct {
	Device    float64
	FlowTable float64
	Tracker   float64
}

// TalkCosts are a talk's: with a million connections and packets of 114 bytes
// the card forwarded 23 M a second, and the host 1 M.
var TalkCosts = Costs{Device: 23e6, FlowTable: 1e6, Tracker: 1e6}

// ParseCosts reads device=23M,software=1M, or flowtable= and tracker= in place
// of software=. What is not named is the talk's.
func ParseCosts(text string) (Costs, error) {
	c := TalkCosts
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		v, err := workload.Number(value)
		if !ok || err != nil || !(v >= 1 && v <= 1e12) {
			return c, fmt.Errorf("--cost %s: want NAME=PACKETS a second, such as device=23M", part)
		}
		switch name {
		case "device":
			c.Device = v
		case "flowtable":
			c.FlowTable = v
		case "tracker":
			c.Tracker = v
		case "software":
			c.FlowTable, c.Tracker = v, v
		default:
			return c, fmt.Errorf("--cost: nothing is called %q; there are device, software, flowtable, tracker", name)
		}
		if seen[name] || name != "software" && name != "device" && seen["software"] || name == "software" && (seen["flowtable"] || seen["tracker"]) {
			return c, fmt.Errorf("--cost %s: software= says both flowtable= and tracker=, and each but once", text)
		}
		seen[name] = true
	}
	return c, nil
}

func (c Costs) check() (Costs, error) {
	if c == (Costs{}) {
		return TalkCosts, nil
	}
	if !(c.Device > 0 && c.FlowTable > 0 && c.Tracker > 0) {
		return c, fmt.Errorf("costs must be above 0 packets a second")
	}
	return c, nil
}

// Forward is what a host and its card would carry.
type Forward struct {
	PacketsPerSecond float64 `json:"packets_per_second"`
	Bound            string  `json:"bound"` // who cannot do more: device or software
}

// forward is the most that could be carried of traffic in which tiers have
// these packets. Software carries what the device leaves; the device passes
// all.
func (c Costs) forward(packets [report.NumTiers]uint64, card bool) Forward {
	if packets == ([report.NumTiers]uint64{}) {
		return Forward{}
	}
	time := 0.0 // software's, in seconds for each packet of the traffic
	for t, pps := range map[report.Tier]float64{report.FlowTable: c.FlowTable, report.Tracker: c.Tracker, report.Untracked: c.FlowTable} {
		time += report.Share(packets, t) / pps
	}
	if card && time*c.Device <= 1 {
		return Forward{c.Device, "device"}
	}
	return Forward{1 / time, "software"}
}
