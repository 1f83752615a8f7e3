package sim

import (
	"cmp"
	"slices"

	"sluice/datapath"
	"sluice/offload"
)

// Stats are what a card counts.
type Stats struct {
	Done      [3][4]uint64               // completions by offload.Op and offload.Result
	Reasons   [offload.NumReasons]uint64 // of completions that did not succeed
	Misses    [numMisses]uint64          // packets at ct, by MissNames
	Turned    uint64                     // requests that Submit has not taken
	Lost      uint64                     // answers that never came
	Twice     uint64                     // answers that came twice
	Forgotten uint64                     // flows that the card has lost
	Carried   uint64                     // times that a flow has carried a packet through ct

	refused []Count // rules, by reason
	other   uint64  // of reasons beyond those
}

// MissNames name Stats.Misses.
var MissNames = missNames

// Count is how often something happened.
type Count struct {
	What string
	N    uint64
}

// maxReasons is the most reasons told apart; a policy may not make the list grow
// for ever.
const maxReasons = 64

func (s *Stats) refuse(why string) {
	for i := range s.refused {
		if s.refused[i].What == why {
			s.refused[i].N++
			return
		}
	}
	if len(s.refused) == maxReasons {
		s.other++
		return
	}
	s.refused = append(s.refused, Count{why, 1})
}

// Refusals counts refused rules by reason, the most frequent first.
func (n *NIC) Refusals() []Count {
	out := slices.Clone(n.n.refused)
	if n.n.other > 0 {
		out = append(out, Count{"other reasons", n.n.other})
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(b.N, a.N) })
	return out
}

// Stats are the counts so far.
func (n *NIC) Stats() Stats { return n.n }

// TableRules is a table with how many rules it holds.
type TableRules struct {
	Table
	Rules int
}

// Tables lists the tables of rules in use, by device, chain and preference.
func (n *NIC) Tables() []TableRules {
	var out []TableRules
	for t, k := range n.rules.tables {
		out = append(out, TableRules{t, k})
	}
	slices.SortFunc(out, func(a, b TableRules) int {
		return cmp.Or(cmp.Compare(a.Dev, b.Dev), cmp.Compare(a.Binding, b.Binding), cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Prio, b.Prio))
	})
	return out
}

// Zones are those whose flow tables the card has registered with, in order.
func (n *NIC) Zones() []uint16 {
	var out []uint16
	for _, t := range n.rules.order {
		out = append(out, t.Zone())
	}
	return out
}

// Held and Inserting are how many flows the card holds, and how many requests
// to hold one are under way.
func (n *NIC) Held() int      { return n.held }
func (n *NIC) Inserting() int { return n.adding }

// Packets are what has become of the packets that came to the card.
func (n *NIC) Packets() datapath.PipelineStats { return n.pl.Stats() }

// Counters lists what a card counts about flows by name. The first two are
// called as mlx5's debugfs calls them.
func (n *NIC) Counters() []Count {
	out := []Count{
		{"ct/offloaded", uint64(n.held)},
		{"ct/rx_dropped", 0}, // by a miss that cannot be put back: there is none here
		{"ct entries", uint64(n.entries)},
		{"inserting", uint64(n.adding)},
		{"labels", uint64(len(n.labels))},
		{"ct carried", n.n.Carried},
	}
	for i, k := range n.n.Misses {
		out = append(out, Count{"ct missed: " + missNames[i], k})
	}
	p := n.pl.Stats()
	out = append(out, Count{"packets finished", p.Packets}, Count{"bytes finished", p.Bytes}, Count{"given back from the start", p.Start}, Count{"given back in the middle", p.Middle})
	for i, k := range p.Miss {
		out = append(out, Count{"missed: " + datapath.MissNames[i], k})
	}
	return out
}
