package datapathtest

import (
	"fmt"

	"sluice/datapath"
	"sluice/policy"
)

// Ledger compares what packets' records say with the counters that moved.
type Ledger struct {
	e    *datapath.Engine
	p    *policy.Policy
	last map[*policy.Action]uint64
	Hits int // hits seen so far
}

// NewLedger begins to watch the counters of an engine's policy.
func NewLedger(e *datapath.Engine, p *policy.Policy) *Ledger {
	l := &Ledger{e: e, p: p}
	l.Begin()
	return l
}

// Begin takes the counters as they are.
func (l *Ledger) Begin() {
	l.last = map[*policy.Action]uint64{}
	l.each(func(a *policy.Action) { l.last[a] = l.e.ActionStats(a).Packets })
}

func (l *Ledger) each(do func(*policy.Action)) {
	filters(l.p, func(_ *policy.Chain, _ *policy.Proto, f *policy.Filter) {
		for _, a := range f.Actions {
			do(a)
		}
	})
}

// filters visits every filter of a policy once.
func filters(p *policy.Policy, do func(*policy.Chain, *policy.Proto, *policy.Filter)) {
	seen := map[*policy.Block]bool{}
	for _, d := range p.Devices {
		for _, b := range d.Block {
			if b == nil || seen[b] {
				continue
			}
			seen[b] = true
			for _, c := range b.Chains {
				for _, pr := range c.Protos {
					for _, f := range pr.Filters {
						do(c, pr, f)
					}
				}
			}
		}
	}
}

// Check compares the records of the last vector's n packets with what the
// counters have moved by since the last Check or Begin. Each action's counter
// has moved by the number of hits that say that it counted; only behind a jump,
// which may come to an action twice in one hit, may it be more.
func (l *Ledger) Check(n int) error {
	want, jumps := map[*policy.Action]uint64{}, map[*policy.Action]bool{}
	for i := range n {
		for _, h := range l.e.Trace(i) {
			l.Hits++
			for k, a := range h.Filter.Actions {
				if h.Counted>>k&1 != 0 {
					want[a]++
				}
			}
			if h.Counted>>len(h.Filter.Actions) != 0 {
				return fmt.Errorf("packet %d: handle %#x counted by actions %b of %d", i, h.Filter.Handle, h.Counted, len(h.Filter.Actions))
			}
		}
	}
	filters(l.p, func(_ *policy.Chain, _ *policy.Proto, f *policy.Filter) {
		jump := false
		for _, a := range f.Actions {
			jump = jump || a.Control == policy.Jump || a.Gact != nil && a.Gact.RandomCtl == policy.Jump
		}
		for k, a := range f.Actions {
			jumps[a] = jumps[a] || jump && k > 0
		}
	})
	var err error
	filters(l.p, func(c *policy.Chain, pr *policy.Proto, f *policy.Filter) {
		for k, a := range f.Actions {
			moved := l.e.ActionStats(a).Packets - l.last[a]
			if moved != want[a] && !(jumps[a] && moved > want[a]) && err == nil {
				err = fmt.Errorf("chain %d prio %d handle %#x action %d (%s): its counter moved by %d, the records say %d", c.Index, pr.Prio, f.Handle, k, a.Kind, moved, want[a])
			}
		}
	})
	l.Begin()
	return err
}
