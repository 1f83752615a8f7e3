package flowtable

import "sluice/conntrack"

// Aging is how maintenance comes across idle flows and learns from devices
// which ones are not. What is idle does not depend on it: a flow's end is dated
// at the instant that its deadline says.
type Aging uint8

const (
	// Sweep looks at every flow once a second, as Linux does, and asks devices
	// late: once less than nine tenths of a flow's timeout are left.
	Sweep Aging = iota
	// Sample looks at 2N/K of N flows a second, K being the shorter timeout in
	// seconds, so that each is seen twice within it. Devices are asked twice
	// within a flow's own timeout (RFC part 2, Netfilter changes 4). It costs a
	// fifteenth at thirty seconds' timeout; idle flows stay in memory and in
	// devices up to half of it longer.
	Sample
)

// AgingNames are the names that options use.
var AgingNames = [...]string{"sweep", "sample"}

func (a Aging) String() string { return AgingNames[a] }

// Age selects the way of aging. It may be changed at any time.
func (s *Set) Age(a Aging) {
	if a == s.aging {
		return
	}
	s.aging = a
	for _, t := range s.all {
		t.sweep, t.cursor, t.due = 0, 0, 0
		t.sample, t.credit, t.sampled = 0, 0, s.now
	}
}

// samples does Sample's share of one table.
func (t *Table) samples(now int64, budget int) (work int) {
	g := t.lastInstant(now)
	if g > t.swept {
		t.swept = g
		t.dropStale(g)
	}
	set := t.tr.Settings()
	k := max(min(set.FlowtableTCPTimeout, set.FlowtableUDPTimeout), second)
	t.k = k
	n := t.flows.len()
	t.credit = min(t.credit+2*int64(n)*min(max(now-t.sampled, 0), k), int64(n)*k)
	t.sampled = now
	due := int(t.credit / k)
	if t.rush {
		due, t.sample = n, n
	}
	looked := 0
	for looked < due && work < budget && t.flows.len() > 0 {
		if t.sample == 0 || t.sample > t.flows.len() {
			t.sample = t.flows.len()
			t.pass++
		}
		t.sample--
		if t.look(t.sample, g, now) {
			work += readCost
		}
		looked++
		work++
	}
	t.credit -= int64(looked) * k
	t.credit = max(t.credit, 0)
	return work
}

// turn reports whether a pass of Sample asks devices for the flow at position i.
// One whose timeout is several times the shortest is asked for in one pass of as
// many.
func (t *Table) turn(i int, c *conntrack.Conn) bool {
	every := t.timeout(c) / t.k
	return every <= 1 || (t.pass+int64(i))%every == 0
}
