package tc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/policy"
)

// actions warns of actions that can hardly do what they were written for. in
// are the states that come to the filter.
func (c *checker) actions(ch *policy.Chain, pr *policy.Proto, f *policy.Filter) {
	where := place(ch, pr, f)
	c.loops(ch, f, where)
	c.jumps(f, where)
	for i, a := range f.Actions {
		if a.CT == nil || !reached(f, i) {
			continue
		}
		if a.CT.Helper != "" {
			c.helper(pr, f, a.CT, where)
		}
		c.related(f, i, where)
	}
}

// loops warns of a filter that sends its packets back to where they meet it
// again, as they were (cls_api.c max_reclassify_loop).
func (c *checker) loops(ch *policy.Chain, f *policy.Filter, where string) {
	s := c.at[f]
	if f.Match != nil {
		s &= matching(f.Match)
	}
	for _, a := range f.Actions {
		switch {
		case a.CT != nil && a.CT.Clear:
			s = untracked
		case a.CT != nil && !a.CT.Clone:
			s = tracked
		case a.VLAN != nil, a.MPLS != nil, a.Pedit != nil, a.TunnelKey != nil:
			return // it may be another packet by then
		case a.Gact != nil && randomly(a.Gact), a.Police != nil:
			return // it may end
		}
		back := a.Control == policy.GotoChain && a.ControlArg == ch.Index || a.Control == policy.Reclassify && ch.Index == 0
		if back {
			again := s & c.at[f]
			if f.Match != nil {
				again &= matching(f.Match)
			}
			if again != 0 {
				c.warn(f, WarnLoop, where, fmt.Sprintf("it sends packets back to chain %d, where they meet it again: after 16 rounds they are dropped", ch.Index),
					"send them to another chain, or let the filter match only what has not been here")
			}
			return
		}
		if a.Control != policy.Pipe {
			return
		}
	}
}

// jumps warns of jumps to no action, and of those that go round (act_api.c
// tcf_action_exec: jump N starts over and skips N actions).
func (c *checker) jumps(f *policy.Filter, where string) {
	for i, a := range f.Actions {
		to := []uint32{}
		if a.Control == policy.Jump {
			to = append(to, a.ControlArg)
		}
		if g := a.Gact; g != nil && randomly(g) && g.RandomCtl == policy.Jump {
			to = append(to, g.RandomArg)
		}
		for _, n := range to {
			last := len(f.Actions) - 1
			do := "jump N goes to action N of the filter, counted from 0; "
			if i < last {
				do += fmt.Sprintf("write one from %d to %d", i+1, last)
			} else {
				do += "there is none behind this one"
			}
			switch {
			case n == 0 || int64(n) > int64(last):
				c.warn(f, WarnJump, where, fmt.Sprintf("jump %d leads to no action, of which there are %d: the packet is %s without any of them", n, len(f.Actions), c.exit), do)
			case int64(n) <= int64(i):
				c.warn(f, WarnJump, where, fmt.Sprintf("jump %d goes back to action %d or before: after 32 rounds the packet is %s", n, i, c.exit), do)
			}
		}
	}
}

// helper warns of a helper that will never read a packet of the filter.
func (c *checker) helper(pr *policy.Proto, f *policy.Filter, ct *policy.CTAction, where string) {
	warn := func(why, do string) { c.warn(f, WarnHelper, where, "helper "+ct.Helper+why, do) }
	if !ct.Commit {
		warn(" does nothing without commit: a connection gets its helper when it is committed", "write `ct commit helper …`")
		return
	}
	words := strings.SplitN(ct.Helper, "-", 3)
	family, proto := words[0], helperProtos[words[1]]
	ethType := pr.Protocol
	if f.Match != nil && f.Match.Mask.EthType == 0xffff {
		ethType = f.Match.Key.EthType
	}
	switch {
	case ethType == etherIP && family == "ipv6", ethType == etherIPv6 && family == "ipv4":
		other := map[string]string{"ipv4": "ipv6", "ipv6": "ipv4"}[family]
		warn(" never reads a packet of this filter, which takes "+other+" only", fmt.Sprintf("write helper %s-%s-%s", other, words[1], words[2]))
	case f.Match != nil && f.Match.Mask.IPProto == 0xff && f.Match.Key.IPProto != proto:
		warn(fmt.Sprintf(" never reads a packet of this filter, which takes IP protocol %d only and not %s", f.Match.Key.IPProto, words[1]), "correct ip_proto or the helper's protocol")
	}
}

// related warns of an action that commits announced connections as they are
// although those that announce them are translated: without nat their first
// packets are not (nf_nat_ovs.c nf_ct_nat).
func (c *checker) related(f *policy.Filter, i int, where string) {
	ct := f.Actions[i].CT
	s := c.at[f]
	if f.Match != nil {
		s &= matching(f.Match)
	}
	for _, a := range f.Actions[:i] {
		if a.CT != nil && !a.CT.Clear && s&untracked != 0 {
			s |= tracked
		}
	}
	master, ok := c.translated[ct.Zone]
	if !ok || !ct.Commit || ct.NATSrc || ct.NATDst || s&(stRel|stRelReply) == 0 {
		return
	}
	c.warn(f, WarnRelNAT, where, fmt.Sprintf("it commits +rel without nat, and in zone %d the connections that a helper reads are translated%s: the first packet of each one they announce stays as it is",
		ct.Zone, writtenAt(master)), "write `ct commit nat src addr …` as there: what was announced is translated as its master is, whatever the address")
}

// masters finds the zones in which connections with a helper are translated.
func masters(p *policy.Policy) map[uint16]*policy.Filter {
	out := map[uint16]*policy.Filter{}
	look := func(b *policy.Block) {
		if b == nil {
			return
		}
		each(b, func(_ *policy.Chain, _ *policy.Proto, f *policy.Filter) {
			for _, a := range f.Actions {
				if ct := a.CT; ct != nil && ct.Commit && ct.Helper != "" && (ct.NATSrc || ct.NATDst) && out[ct.Zone] == nil {
					out[ct.Zone] = f
				}
			}
		})
	}
	for _, d := range p.Devices {
		for _, b := range d.Block {
			look(b)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(p.Blocks)) {
		look(p.Blocks[i])
	}
	return out
}
