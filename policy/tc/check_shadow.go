package tc

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/policy"
)

// shadows warns of filters whose packets an earlier filter of the chain takes
// all. Filters are grouped by mask, so that a large chain does not take
// quadratic time: within a group the earlier filter, if any, is looked up.
func (c *checker) shadows(ch *policy.Chain) {
	var groups []*shadowGroup
	for _, x := range inOrder(ch) {
		for _, g := range groups {
			if e := g.covers(x); e != nil {
				c.warn(x.f, WarnShadowed, place(ch, x.pr, x.f), fmt.Sprintf("it never sees a packet: the filter of pref %d handle 0x%x%s takes all that it would match, and does not continue", e.pr.Prio, e.f.Handle, writtenAt(e.f)),
					"give it a lower pref than that one, or make that one narrower")
				break
			}
		}
		if !ends(x.f) || x.f.SkipSW {
			continue
		}
		key := groupKey{protocol: x.pr.Protocol}
		if x.f.Match != nil {
			key.mask = policy.MaskOf(x.f.Match)
			key.mask.SrcRange, key.mask.DstRange = false, false
		}
		i := slices.IndexFunc(groups, func(g *shadowGroup) bool { return g.groupKey == key })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &shadowGroup{groupKey: key, by: map[policy.Key][]ranked{}})
		}
		k := maskKey(x.f.Match, &key.mask.Key)
		groups[i].by[k] = append(groups[i].by[k], x)
	}
}

// ranked is a filter of a chain with its preference.
type ranked struct {
	pr *policy.Proto
	f  *policy.Filter
}

// inOrder lists a chain's filters as the kernel tries them.
func inOrder(ch *policy.Chain) (out []ranked) {
	for _, pr := range ch.Protos {
		rank := map[policy.Mask]int{}
		for i, m := range pr.Masks() {
			rank[m] = i
		}
		fs := slices.Clone(pr.Filters)
		slices.SortStableFunc(fs, func(a, b *policy.Filter) int {
			if a.Match == nil || b.Match == nil {
				return 0
			}
			return cmp.Compare(rank[policy.MaskOf(a.Match)], rank[policy.MaskOf(b.Match)])
		})
		for _, f := range fs {
			out = append(out, ranked{pr, f})
		}
	}
	return out
}

// writtenAt says where a filter was written, with a blank before it.
func writtenAt(f *policy.Filter) string {
	if f.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s:%d:%d)", f.File, f.Line, f.Col)
}

// ends reports that a packet which a filter matched sees no later filter of
// the chain.
func ends(f *policy.Filter) bool {
	for _, a := range f.Actions {
		if a.Control == policy.Continue || a.Gact != nil && randomly(a.Gact) && a.Gact.RandomCtl == policy.Continue ||
			a.Police != nil && a.Police.Conform == policy.Continue {
			return false
		}
	}
	return true
}

type groupKey struct {
	protocol uint16
	mask     policy.Mask // without ranges
}

// shadowGroup are earlier filters with the same protocol and mask.
type shadowGroup struct {
	groupKey
	by map[policy.Key][]ranked // by masked key
}

// covers gives an earlier filter that takes all packets of x.
func (g *shadowGroup) covers(x ranked) *ranked {
	if g.protocol != policy.EtherAll && g.protocol != x.pr.Protocol {
		return nil
	}
	m := x.f.Match
	if m == nil {
		m = &policy.Match{}
	}
	mine := policy.MaskOf(m)
	gw, mw := g.mask.Key.Words(), mine.Key.Words()
	for i := range gw {
		if gw[i]&^mw[i] != 0 {
			return nil
		}
	}
	if g.mask.AddrFamily && !mine.AddrFamily || g.mask.EncAddrFamily && !mine.EncAddrFamily || g.mask.OptsKind != "" && g.mask.OptsKind != mine.OptsKind {
		return nil
	}
	earlier := g.by[maskKey(m, &g.mask.Key)]
	for i := range earlier {
		e := earlier[i].f.Match
		if e == nil || within(m.SrcPorts, m.Key.SrcPort, m.Mask.SrcPort, e.SrcPorts) && within(m.DstPorts, m.Key.DstPort, m.Mask.DstPort, e.DstPorts) &&
			(len(e.EncOpts) == 0 || slices.Equal(e.EncOpts, m.EncOpts) && slices.Equal(e.EncOptsMask, m.EncOptsMask)) {
			return &earlier[i]
		}
	}
	return nil
}

// within reports that a filter's ports, a range or one port, lie within an
// earlier filter's range.
func within(r policy.PortRange, port, mask uint16, outer policy.PortRange) bool {
	switch {
	case outer == policy.PortRange{}:
		return true
	case r != policy.PortRange{}:
		return outer.Min <= r.Min && r.Max <= outer.Max
	}
	return mask == 0xffff && outer.Min <= port && port <= outer.Max
}

func maskKey(m *policy.Match, mask *policy.Key) policy.Key {
	if m == nil {
		return policy.Key{}
	}
	k := m.Key
	kw, w := k.Words(), mask.Words()
	for i := range kw {
		kw[i] &= w[i]
	}
	return k
}
