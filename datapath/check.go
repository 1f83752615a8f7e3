package datapath

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sluice/conntrack"
	"sluice/policy"
)

// Finding is a filter that the datapath cannot do justice to.
type Finding struct {
	Filter *policy.Filter
	Chain  uint32
	Prio   uint16
	What   string
	// Refused: Load refuses the whole policy for it. Otherwise the filter is
	// there and no packet matches it.
	Refused bool
}

// Check says of each filter what Load would refuse, and whether no packet can
// match it here. It compiles them one by one, so that one refusal does not
// hide the next.
func Check(p *policy.Policy) (found []Finding) {
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	c := e.compiler(p, 0)
	for _, d := range p.Devices {
		c.p.devs = append(c.p.devs, devProg{name: d.Name})
	}
	c.ports(p)
	type entry struct {
		Finding
		pr *policy.Proto
	}
	var all []entry
	seen := map[*policy.Block]bool{}
	look := func(b *policy.Block) {
		if b == nil || seen[b] {
			return
		}
		seen[b] = true
		for _, ch := range b.Chains {
			for _, pr := range ch.Protos {
				for _, f := range pr.Filters {
					x := entry{Finding{Filter: f, Chain: ch.Index, Prio: pr.Prio}, pr}
					if err := c.actions(&block{}, &filter{}, f); err != nil {
						x.What, x.Refused = err.Error(), true
						var u *UnsupportedError
						if errors.As(err, &u) {
							x.What = u.What + " is not supported by this datapath" // the place is the filter's
						}
					}
					all = append(all, x)
				}
			}
		}
	}
	for _, d := range p.Devices {
		for _, b := range d.Block {
			look(b)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(p.Blocks)) {
		look(p.Blocks[i])
	}
	// Only now it is known what all the actions are.
	for _, x := range all {
		if !x.Refused {
			x.What = c.unmatchable(x.pr, x.Filter)
		}
		if x.What != "" {
			found = append(found, x.Finding)
		}
	}
	return found
}

// absent are the parts of a key that no packet has here, with a word for each.
var absent = []struct {
	match policy.Key
	what  string
}{
	// The first holds only without tunnels.
	{policy.Key{EncSrcIP: ones, EncDstIP: ones, EncKeyID: ^uint64(0), EncSrcPort: 0xffff, EncDstPort: 0xffff, EncTOS: 0xff, EncTTL: 0xff, EncFlags: 0xff, EncCtl: 0xffffffff}, "a tunnel that the packet came out of, and the policy has no device for tunnels"},
	{policy.Key{PPPoESID: 0xffff, PPPProto: 0xffff}, "PPPoE, which is not looked into here"},
	{policy.Key{L2TPv3SID: 0xffffffff}, "L2TP, which is not looked into here"},
	{policy.Key{CFM: 0xffff}, "CFM, which is not looked into here"},
	{policy.Key{L2Miss: 0xff}, "a bridge's miss, and there are no bridges here"},
}

var ones = [16]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}

// unmatchable says why no packet matches a filter; empty if one may.
func (c *compiler) unmatchable(pr *policy.Proto, f *policy.Filter) string {
	k, _, _ := maskedKey(pr, f)
	if f.Match != nil && len(f.Match.EncOpts) > 0 {
		if _, ok := compileOpts(f.Match); !ok {
			return fmt.Sprintf("it asks for %s_opts, which no tunnel has here", f.Match.EncOptsKind)
		}
	}
	for i, a := range absent {
		if i == 0 && c.tunnelled() {
			continue
		}
		for j, w := range pack(&a.match, 0) {
			if k[j]&w != 0 {
				return fmt.Sprintf("it asks for %s", a.what)
			}
		}
	}
	return ""
}

// tunnelled reports whether packets may have come out of a tunnel, or be
// meant for one.
func (c *compiler) tunnelled() bool {
	return len(c.p.tunnels) > 0 || slices.ContainsFunc(c.p.actions, func(a action) bool { return a.kind == actTunnelKey })
}
