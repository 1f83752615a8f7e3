package tc

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"sluice/policy"
)

// Homes gives each action instance the command that it belongs to: the filter
// that binds it, the first in Format's order, or, for one that only `tc actions`
// holds, that command. Two instances of two policies are the same if kind,
// index and home are; then, and only then, do counters of one mean something
// to the other.
func Homes(p *policy.Policy) map[*policy.Action]string {
	homes := map[*policy.Action]string{}
	set := func(a *policy.Action, line string) {
		if _, ok := homes[a]; !ok {
			homes[a] = line
		}
	}
	for place, b := range blocksOf(p) {
		for _, ch := range b.Chains {
			for _, x := range inOrder(ch) {
				line := newFormatter().filterLine(place, ch, x.pr, x.f)
				for _, a := range x.f.Actions {
					set(a, line)
				}
			}
		}
	}
	for kind := range p.Actions {
		for _, a := range p.ActionsOf(kind) {
			set(a, "actions add action "+newFormatter().action(a))
		}
	}
	return homes
}

// blocksOf gives each block once, with the words that name it.
func blocksOf(p *policy.Policy) iter.Seq2[string, *policy.Block] {
	return func(yield func(string, *policy.Block) bool) {
		for _, d := range p.Devices {
			for i, b := range d.Block {
				if b != nil && b.Index == 0 && !yield(fmt.Sprintf("dev %s %s", d.Name, [2]string{"ingress", "egress"}[i]), b) {
					return
				}
			}
		}
		for _, i := range slices.Sorted(maps.Keys(p.Blocks)) {
			if !yield(fmt.Sprintf("block %d", i), p.Blocks[i]) {
				return
			}
		}
	}
}

func (f *formatter) filterLine(where string, ch *policy.Chain, pr *policy.Proto, x *policy.Filter) string {
	return fmt.Sprintf("filter add %s chain %d pref %d handle 0x%x protocol %s %s%s",
		where, ch.Index, pr.Prio, x.Handle, ProtocolWord(pr.Protocol), pr.Kind, f.filter(pr, x))
}
