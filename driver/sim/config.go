package sim

import (
	"fmt"
	"time"

	"sluice/conntrack"
)

// Config says what a card can do. Zero limits are none, but for Flows.
type Config struct {
	// Tracker lends its keyed hash. It must be the datapath's own.
	Tracker *conntrack.Tracker
	Name    string // in listings; empty: the profile's
	Profile string // one of Profiles; empty: plain
	// Ports are the card's. It refuses to send elsewhere; nil: nothing is
	// elsewhere.
	Ports []string

	Flows     int   // the most flows held
	Rules     int   // the most rules
	Tables    int   // the most tables; each chain and preference is one
	Table     int   // the most rules in one table
	Rate      int64 // insertions a second
	Removals  int64 // removals a second
	Delay     time.Duration
	Stats     time.Duration // how often counters are sampled for Read; 0: they are exact
	Queue     int           // the most requests taken and not answered; removals are always taken
	Labels    int           // different ct labels that flows may have, zero aside
	FromStart bool          // what is not finished is given back as it was received
	Window    bool          // TCP outside of the windows seen is software's
	Seeds     Seeds         // what it takes for a flow's windows first
	Counters  Counters      // what it tells of a flow
	Unchecked bool          // it does not check packets' checksums
	OneWay    bool          // carries connections whose one direction alone is known

	Faults Faults
	Seed   uint64
}

// Faults are what goes wrong. Fractions are between 0 and 1.
type Faults struct {
	Fail   float64       // additions that fail
	Lose   float64       // answers that never come
	Twice  float64       // answers that come twice
	Late   time.Duration // an answer comes up to so much later than its effect
	Forget float64       // packets behind which the card loses the flow
	Slow   float64       // everything takes so many times as long; below 1: as 1

	Crash bool          // once:
	At    time.Duration // after so much of the card's life, it forgets everything
	Down  time.Duration // and takes nothing for so long
}

// Counters are what a card tells of a flow.
type Counters uint8

const (
	// CountPackets: packets, bytes, and when it was last used.
	CountPackets Counters = iota
	// CountUse: when it was last used, and nothing else (mtk_ppe_offload.c
	// mtk_flow_offload_stats, without accounting).
	CountUse
	// CountNothing: nothing. Nobody could tell an idle flow from a busy one, so
	// the card takes none.
	CountNothing

	numCounters
)

var counterNames = [numCounters]string{"on", "used", "off"}

func (c Counters) String() string { return counterNames[c] }

const (
	maxFlows = 16_000_000 // an index entry has 24 bits for a flow
	maxQueue = 700_000
)

// check completes a configuration and says what is wrong with it.
func (c *Config) check() error {
	switch {
	case c.Tracker == nil:
		return fmt.Errorf("sim: a card needs the datapath's tracker")
	case c.profile() == nil:
		return unknownProfile(c.Profile)
	case c.Flows < 1 || c.Flows > maxFlows:
		return fmt.Errorf("sim: flows must be between 1 and %d, not %d", maxFlows, c.Flows)
	case c.Queue < 0 || c.Queue > maxQueue:
		return fmt.Errorf("sim: queue must be between 1 and %d, not %d", maxQueue, c.Queue)
	case c.Rules < 0 || c.Tables < 0 || c.Table < 0 || c.Rate < 0 || c.Removals < 0 || c.Labels < 0 || c.Delay < 0 || c.Stats < 0:
		return fmt.Errorf("sim: a limit or a time is negative")
	case c.Seeds >= numSeeds || c.Counters >= numCounters:
		return fmt.Errorf("sim: no card seeds or counts as numbers %d and %d say", c.Seeds, c.Counters)
	case c.Rate > maxRate || c.Removals > maxRate:
		return fmt.Errorf("sim: no card does more than %d a second", maxRate)
	}
	f := &c.Faults
	for _, p := range [...]float64{f.Fail, f.Lose, f.Twice, f.Forget} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("sim: a fraction must be between 0 and 1, not %v", p)
		}
	}
	if f.Late < 0 || f.At < 0 || f.Down < 0 || !(f.Slow >= 0 && f.Slow <= maxSlow) {
		return fmt.Errorf("sim: a fault's time is negative or out of reason")
	}
	if c.Name == "" {
		c.Name = c.Profile
	}
	if c.Queue == 0 {
		c.Queue = defaultQueue
	}
	return nil
}

const (
	maxRate      = 1_000_000_000
	maxSlow      = 1e6
	maxTime      = 1000 * time.Hour
	defaultQueue = 65536
)
