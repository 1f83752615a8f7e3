package sim

import (
	"sluice/offload"
	"sluice/policy"
)

// rules are what the card holds of the policy. Each chain and preference is a
// table of its own; the flow tables of zones are one more.
type rules struct {
	held   map[*policy.Filter]*rule
	tables map[Table]int
	zones  map[offload.FlowTable]int // references by ct actions
	order  []offload.FlowTable       // zones, by registration
}

type rule struct {
	table Table
	zones []offload.FlowTable
}

// Table names a table of rules.
type Table struct {
	Dev     string
	Binding policy.Binding
	Chain   uint32
	Prio    uint16
}

func (r *rules) init() {
	r.held = map[*policy.Filter]*rule{}
	r.tables = map[Table]int{}
	r.zones = map[offload.FlowTable]int{}
}

// holds reports whether the card carries packets by a filter now.
func (n *NIC) holds(f *policy.Filter) bool { return !n.crashed && n.rules.held[f] != nil }

// Replace holds a rule or says why not, in which case it does not hold a former
// one of the same filter either.
func (n *NIC) Replace(now int64, r *offload.Rule) error {
	n.advance(now)
	old := n.rules.held[r.Filter]
	if old != nil {
		n.uncount(old)
	}
	if why := n.refuses(r); why != "" {
		delete(n.rules.held, r.Filter)
		if old != nil {
			n.dropZones(now, old)
		}
		n.n.refuse(why)
		return &offload.Refusal{Device: n.Name(), Reason: why}
	}
	fresh := &rule{table: Table{r.Dev, r.Binding, r.Chain, r.Prio}}
	for i, a := range r.Filter.Actions {
		if a.CT != nil && !a.CT.Clear && i < len(r.Tables) && r.Tables[i] != nil {
			fresh.zones = append(fresh.zones, r.Tables[i])
		}
	}
	n.rules.held[r.Filter] = fresh
	n.rules.tables[fresh.table]++
	for _, t := range fresh.zones {
		if n.rules.zones[t]++; n.rules.zones[t] == 1 {
			n.rules.order = append(n.rules.order, t)
			t.Register(now, n)
		}
	}
	if old != nil {
		n.dropZones(now, old)
	}
	return nil
}

// Destroy takes a rule back.
func (n *NIC) Destroy(now int64, r *offload.Rule) {
	n.advance(now)
	if old := n.rules.held[r.Filter]; old != nil {
		delete(n.rules.held, r.Filter)
		n.uncount(old)
		n.dropZones(now, old)
	}
}

func (n *NIC) uncount(r *rule) {
	if n.rules.tables[r.table]--; n.rules.tables[r.table] == 0 {
		delete(n.rules.tables, r.table)
	}
}

// dropZones lets go of a rule's references to flow tables.
func (n *NIC) dropZones(now int64, r *rule) {
	for _, t := range r.zones {
		if n.rules.zones[t]--; n.rules.zones[t] == 0 {
			n.dropZone(now, t)
		}
	}
}

func (n *NIC) dropZone(now int64, t offload.FlowTable) {
	delete(n.rules.zones, t)
	for i, o := range n.rules.order {
		if o == t {
			n.rules.order = append(n.rules.order[:i], n.rules.order[i+1:]...)
			break
		}
	}
	t.Unregister(now, n)
	n.leave(t.Zone())
}

// dropRules forgets everything.
func (n *NIC) dropRules(now int64) {
	for len(n.rules.order) > 0 {
		n.dropZone(now, n.rules.order[0])
	}
	n.rules.init()
}

// refuses says why the card cannot hold a rule; empty: it can.
func (n *NIC) refuses(r *offload.Rule) string {
	switch {
	case n.crashed:
		return "the device does not answer"
	case n.cfg.Rules > 0 && len(n.rules.held) >= n.cfg.Rules && n.rules.held[r.Filter] == nil:
		return noRoom
	}
	t := Table{r.Dev, r.Binding, r.Chain, r.Prio}
	there := n.rules.tables[t]
	switch {
	case n.cfg.Tables > 0 && there == 0 && len(n.rules.tables) >= n.cfg.Tables,
		n.cfg.Table > 0 && there >= n.cfg.Table:
		return noRoom
	}
	if why := refusesAny(r); why != "" {
		return why
	}
	return n.prof.refuses(n, r)
}

const noRoom = string(policy.ENOSPC)
