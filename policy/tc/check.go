package tc

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/policy"
)

// Warning is something in a policy that works as written and is hardly meant.
type Warning struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"` // 0: unknown
	Col   int    `json:"column,omitempty"`
	Kind  string `json:"kind"`  // one of the Warn constants
	Where string `json:"where"` // block, chain, preference and handle
	Why   string `json:"why"`
	Do    string `json:"do"`
}

// Kinds of warnings.
const (
	WarnNever     = "never-matches"        // no packet can match the filter
	WarnUntracked = "untracked"            // it matches on tracking that no ct action has done
	WarnChain     = "chain-unused"         // nothing goes to the chain
	WarnEmpty     = "chain-empty"          // something goes to a chain without filters
	WarnShadowed  = "shadowed"             // an earlier filter takes all its packets
	WarnFalls     = "falls-through"        // some states meet no filter
	WarnEndsInCT  = "ends-in-ct"           // nothing decides after the last ct action
	WarnLoop      = "loop"                 // a filter sends packets back to itself
	WarnJump      = "jump"                 // a jump to no action, or backwards
	WarnHelper    = "helper"               // a helper that will never read a packet
	WarnRelNAT    = "related-untranslated" // announced by translated connections, and committed as they are
	WarnDevice    = "needs-device"         // skip_sw: only a device may run it
	WarnRefused   = "refused"              // what runs policies does not take it; Check itself finds none
)

func (w Warning) String() string {
	place := ""
	if w.Line != 0 {
		place = fmt.Sprintf("%s:%d:%d: ", w.File, w.Line, w.Col)
	}
	return fmt.Sprintf("%s%s: %s; %s", place, w.Where, w.Why, w.Do)
}

// Check looks for filters that can never match, chains that nothing reaches or
// that are empty, filters that an earlier one shadows, and states of
// connections that fall through a chain. It follows what may be known of a
// packet's tracking from chain to chain; where it cannot know it keeps silent.
func Check(p *policy.Policy) []Warning {
	c := &checker{translated: masters(p)}
	for _, d := range p.Devices {
		for i, b := range d.Block {
			if b == nil || b.Index != 0 {
				continue
			}
			indev := d.Name
			if policy.Binding(i) == policy.Egress {
				indev = ""
			}
			c.exit = exits[i]
			c.block(fmt.Sprintf("%s %s", d.Name, [2]string{"ingress", "egress"}[i]), indev, b)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(p.Blocks)) {
		c.exit = exitOf(p, p.Blocks[i])
		c.block(fmt.Sprintf("block %d", i), "", p.Blocks[i])
	}
	for _, e := range NeedsDevice(p) {
		c.out = append(c.out, Warning{File: e.File, Line: e.Line, Col: e.Col, Kind: WarnDevice, Where: "skip_sw",
			Why: "it keeps the filter or action from software, and the kernel refuses it (Operation not supported) unless the device holds it", Do: "drop skip_sw, or use it where the device offloads"})
	}
	slices.SortStableFunc(c.out, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return c.out
}

// exits are what becomes of a packet that reaches a block's end, by binding.
var exits = [2]string{"handed up to the stack", "let out of the device"}

// exitOf is a shared block's exit; both where it is bound both ways.
func exitOf(p *policy.Policy, b *policy.Block) string {
	var bound [2]bool
	for _, d := range p.Devices {
		for i := range d.Block {
			bound[i] = bound[i] || d.Block[i] == b
		}
	}
	switch bound {
	case [2]bool{true, true}:
		return exits[0] + " or " + exits[1]
	case [2]bool{false, true}:
		return exits[1]
	}
	return exits[0]
}

type checker struct {
	out        []Warning
	translated map[uint16]*policy.Filter // by zone: one that translates connections with a helper

	// Of the block at hand:
	exit  string // what becomes of a packet that no filter takes
	name  string
	indev string // the device, if there is only one
	b     *policy.Block
	in    map[uint32]states         // what may enter a chain
	at    map[*policy.Filter]states // what may come to a filter
	end   map[uint32]states         // what may reach a chain's end if no filter takes it
	zones map[uint16]bool           // of all its ct actions
}

func (c *checker) warn(f *policy.Filter, kind, where, why, do string) {
	w := Warning{Kind: kind, Where: c.name + " " + where, Why: why, Do: do}
	if f != nil {
		w.File, w.Line, w.Col = f.File, f.Line, f.Col
	}
	c.out = append(c.out, w)
}

func place(ch *policy.Chain, pr *policy.Proto, f *policy.Filter) string {
	return fmt.Sprintf("chain %d pref %d %s handle 0x%x", ch.Index, pr.Prio, pr.Kind, f.Handle)
}

func (c *checker) block(name, indev string, b *policy.Block) {
	c.name, c.indev, c.b = name, indev, b
	c.zones = map[uint16]bool{}
	each(b, func(_ *policy.Chain, _ *policy.Proto, f *policy.Filter) {
		for _, a := range f.Actions {
			if a.CT != nil {
				c.zones[a.CT.Zone] = true
			}
		}
	})
	c.flow()
	c.chains()
	for _, ch := range b.Chains {
		if _, reached := c.in[ch.Index]; reached {
			c.filters(ch)
			c.shadows(ch)
			c.fallThrough(ch)
		}
	}
}

// each visits a block's filters in the order in which they are tried.
func each(b *policy.Block, f func(*policy.Chain, *policy.Proto, *policy.Filter)) {
	for _, ch := range b.Chains {
		for _, pr := range ch.Protos {
			for _, x := range pr.Filters {
				f(ch, pr, x)
			}
		}
	}
}

// gotos lists the chains that a filter's actions lead to.
func gotos(f *policy.Filter) (out []uint32) {
	for _, a := range f.Actions {
		if a.Control == policy.GotoChain {
			out = append(out, a.ControlArg)
		}
		if g := a.Gact; g != nil && randomly(g) && g.RandomCtl == policy.GotoChain {
			out = append(out, g.RandomArg)
		}
		if a.CT != nil && a.CT.Clone {
			out = append(out, a.CT.CloneChain)
		}
	}
	return out
}

func randomly(g *policy.Gact) bool { return g.RandomType == "netrand" || g.RandomType == "determ" }

// chains warns of chains that nothing leads to, and of leading to empty ones.
func (c *checker) chains() {
	targets := map[uint32]bool{}
	each(c.b, func(ch *policy.Chain, pr *policy.Proto, f *policy.Filter) {
		for _, t := range gotos(f) {
			targets[t] = true
			if to := c.b.Chain(t); to == nil || len(to.Protos) == 0 {
				c.warn(f, WarnEmpty, place(ch, pr, f), fmt.Sprintf("it leads to chain %d, which has no filters: the packet is %s there", t, c.exit),
					fmt.Sprintf("add filters with `chain %d`, or correct the number", t))
			}
		}
	})
	for _, ch := range c.b.Chains {
		if _, ok := c.in[ch.Index]; ok || len(ch.Protos) == 0 || len(ch.Protos[0].Filters) == 0 {
			continue
		}
		f := ch.Protos[0].Filters[0]
		why := fmt.Sprintf("nothing goes to chain %d, so none of its filters ever sees a packet: packets start in chain 0", ch.Index)
		do := fmt.Sprintf("send packets there with `action goto chain %d`, or write its filters to chain 0", ch.Index)
		if targets[ch.Index] {
			why = fmt.Sprintf("only filters that themselves are never reached go to chain %d: packets start in chain 0", ch.Index)
			do = "make a way to it from chain 0"
		}
		c.warn(f, WarnChain, fmt.Sprintf("chain %d", ch.Index), why, do)
	}
}

// filters warns of filters of a chain that cannot match.
func (c *checker) filters(ch *policy.Chain) {
	for _, pr := range ch.Protos {
		for _, f := range pr.Filters {
			where := place(ch, pr, f)
			if f.Match != nil {
				if why, do := impossible(f.Match); why != "" {
					c.warn(f, WarnNever, where, "it can never match: "+why, do)
					continue
				}
				if c.states(ch, f, c.at[f], where) {
					continue
				}
				if c.indev != "" && f.Match.InDev != "" && f.Match.InDev != c.indev {
					c.warn(f, WarnNever, where, fmt.Sprintf("it can never match: indev %s, but every packet here came in on %s", f.Match.InDev, c.indev), "drop indev")
				}
			}
			if n := len(f.Actions); n > 0 && f.Actions[n-1].CT != nil && f.Actions[n-1].Control == policy.Pipe && reached(f, n-1) {
				c.warn(f, WarnEndsInCT, where, "its last action is ct and ends in pipe: nothing decides on the packet, which is "+c.exit+" without seeing another filter",
					"add what comes next, such as `action goto chain 2`")
			}
			c.actions(ch, pr, f)
		}
	}
}

// reached reports whether a filter's action n may run: nothing ahead of it
// ends the filter in any case.
func reached(f *policy.Filter, n int) bool {
	for _, a := range f.Actions[:n] {
		if g := a.Gact; g != nil && randomly(g) {
			continue
		}
		if a.Control != policy.Pipe && a.Control != policy.Jump {
			return false
		}
	}
	return true
}

// states warns of a filter whose ct matches fit no packet that comes here.
func (c *checker) states(ch *policy.Chain, f *policy.Filter, in states, where string) bool {
	want := matching(f.Match)
	k, w := &f.Match.Key, &f.Match.Mask
	switch {
	case want == 0 && w.CTState != 0 && matchingState(k.CTState, w.CTState) == 0:
		c.warn(f, WarnNever, where, fmt.Sprintf("it can never match: no packet has ct_state %s", ctStateText(k.CTState, w.CTState)),
			"a tracked packet is exactly one of new, est, rel and inv, and only est and rel have rpl; ask for one of them")
		return true
	case want == 0:
		c.warn(f, WarnNever, where, "it can never match: its ct_state asks for untracked packets, its ct_zone, ct_mark or ct_label for tracked ones", "drop one of them")
		return true
	case want&in == 0 && in == untracked:
		c.warn(f, WarnUntracked, where, fmt.Sprintf("it can never match: it asks for tracked packets, and no packet comes to chain %d by way of a ct action", ch.Index),
			fmt.Sprintf("let an earlier filter send packets here with `action ct pipe action goto chain %d`", ch.Index))
		return true
	case want&in == 0:
		c.warn(f, WarnNever, where, fmt.Sprintf("it can never match: packets come to chain %d as %s only", ch.Index, in), "correct its ct_state, or the ct actions before it")
		return true
	}
	if zone := k.CTZone & w.CTZone; zone != 0 && w.CTZone == 0xffff && !c.zones[zone] {
		c.warn(f, WarnNever, where, fmt.Sprintf("it can never match: no ct action of %s uses zone %d", c.name, zone), fmt.Sprintf("write `ct zone %d` in the action before it, or correct the match", zone))
		return true
	}
	return false
}

// impossible looks for matches that exclude each other.
func impossible(m *policy.Match) (why, do string) {
	k, w := &m.Key, &m.Mask
	frag := k.IPFlags & w.IPFlags & policy.IPFlagFrag
	first := k.IPFlags & w.IPFlags & policy.IPFlagFirstFrag
	ports := k.SrcPort&w.SrcPort|k.DstPort&w.DstPort != 0 || m.SrcPorts != policy.PortRange{} || m.DstPorts != policy.PortRange{}
	upper := ports || w.TCPFlags&k.TCPFlags != 0 || k.ICMPType&w.ICMPType|k.ICMPCode&w.ICMPCode != 0
	switch {
	case w.EthType == 0xffff && k.EthType == 0:
		return "it asks for EtherType 0", "name the protocol before flower"
	case first != 0 && frag == 0 && w.IPFlags&policy.IPFlagFrag != 0:
		return "the first fragment of a packet is a fragment", "write ip_flags frag/firstfrag"
	case frag|first != 0 && upper:
		return "flower sees no ports, TCP flags or ICMP type in fragments", "match fragments by their addresses, or use ct, which puts them together"
	case w.NumVLANs != 0 && k.NumVLANs == 0 && w.VLANTPID|w.VLANTCI|w.VLANEthType != 0:
		return "it asks for no VLAN tag and for one", "drop num_of_vlans"
	case w.NumVLANs != 0 && k.NumVLANs == 1 && w.CVLANTPID|w.CVLANTCI|w.CVLANEthType != 0:
		return "it asks for one VLAN tag and for a second", "write num_of_vlans 2"
	}
	return "", ""
}

// fallThrough warns of tracked states for which a chain that looks at states
// has no filter at all.
func (c *checker) fallThrough(ch *policy.Chain) {
	var covered states
	var last *policy.Filter
	looks := false
	for _, pr := range ch.Protos {
		for _, f := range pr.Filters {
			last = f
			if f.Match == nil {
				covered = everything
				continue
			}
			looks = looks || f.Match.Key.CTState&f.Match.Mask.CTState&policy.CTTracked != 0
			covered |= matching(f.Match)
		}
	}
	rest := c.end[ch.Index] & tracked &^ covered
	if !looks || rest == 0 {
		return
	}
	c.warn(last, WarnFalls, fmt.Sprintf("chain %d", ch.Index), fmt.Sprintf("no filter of the chain takes packets that are %s: they reach its end and are %s", rest, c.exit),
		"add a filter for them; usually `ct_state +trk+inv action drop` and one for +trk+rel")
}

// states is a set of what tracking can say of a packet, as bits.
type states uint8

const (
	stUntracked states = 1 << iota
	stNew
	stEst
	stEstReply
	stRel
	stRelReply
	stInv

	untracked  = stUntracked
	tracked    = stNew | stEst | stEstReply | stRel | stRelReply | stInv
	everything = untracked | tracked
)

// stateFlags are the ct_state flags of each state, as flower sees them
// (include/net/flow_offload.h and tc_skb_cb: one kind, with or without reply).
var stateFlags = []struct {
	s     states
	flags uint16
	name  string
}{
	{stUntracked, 0, "-trk"},
	{stNew, policy.CTTracked | policy.CTNew, "+trk+new"},
	{stEst, policy.CTTracked | policy.CTEstablished, "+trk+est-rpl"},
	{stEstReply, policy.CTTracked | policy.CTEstablished | policy.CTReply, "+trk+est+rpl"},
	{stRel, policy.CTTracked | policy.CTRelated, "+trk+rel-rpl"},
	{stRelReply, policy.CTTracked | policy.CTRelated | policy.CTReply, "+trk+rel+rpl"},
	{stInv, policy.CTTracked | policy.CTInvalid, "+trk+inv"},
}

func (s states) String() string {
	var names []string
	for _, f := range stateFlags {
		if s&f.s != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

// matchingState gives the states that ct_state lets through. Translation may
// go with any tracked state but inv.
func matchingState(key, mask uint16) (out states) {
	const nat = policy.CTSNAT | policy.CTDNAT
	for _, f := range stateFlags {
		if f.flags&mask&^nat != key&mask&^nat {
			continue
		}
		if key&mask&nat != 0 && (f.s == stUntracked || f.s == stInv) {
			continue
		}
		out |= f.s
	}
	return out
}

// matching gives the states that a filter lets through. A zone, mark or label
// other than zero is one of a tracked packet.
func matching(m *policy.Match) states {
	k, w := &m.Key, &m.Mask
	out := matchingState(k.CTState, w.CTState)
	value := k.CTZone&w.CTZone != 0 || k.CTMark&w.CTMark != 0
	for i := range k.CTLabel {
		value = value || k.CTLabel[i]&w.CTLabel[i] != 0
	}
	if value {
		out &^= untracked
	}
	return out
}

// flow works out which states may enter each chain, from chain 0 on.
func (c *checker) flow() {
	c.in = map[uint32]states{0: untracked}
	c.at, c.end = map[*policy.Filter]states{}, map[uint32]states{}
	work := []uint32{0}
	for len(work) > 0 {
		index := work[0]
		ch := c.b.Chain(index)
		now := c.in[index]
		work = work[1:]
		if ch == nil {
			continue
		}
		send := func(chain uint32, s states) {
			old, seen := c.in[chain]
			if s != 0 && (!seen || old|s != old) {
				c.in[chain] = old | s
				work = append(work, chain)
			}
		}
		for _, pr := range ch.Protos {
			for _, f := range pr.Filters {
				s := now
				c.at[f] |= now
				if f.Match != nil {
					s &= matching(f.Match)
				}
				now |= through(f, s, send)
			}
		}
		c.end[index] |= now
	}
}

// through follows a filter's actions from the states s. It gives what goes on
// with the chain's next filter, and reports what goes to other chains.
func through(f *policy.Filter, s states, send func(uint32, states)) (on states) {
	if s == 0 {
		return 0
	}
	for _, a := range f.Actions {
		if a.CT != nil {
			switch {
			case a.CT.Clone:
				send(a.CT.CloneChain, tracked) // the packet itself stays as it is
			case a.CT.Clear:
				s = untracked
			default:
				s = tracked
			}
		}
		end := func(ctl policy.Control, arg uint32) {
			switch ctl {
			case policy.GotoChain:
				send(arg, s)
			case policy.Reclassify:
				send(0, s)
			case policy.Continue:
				on |= s
			}
		}
		end(a.Control, a.ControlArg)
		if g := a.Gact; g != nil && randomly(g) {
			end(g.RandomCtl, g.RandomArg)
		} else if a.Police != nil {
			end(a.Police.Conform, a.Police.ConformArg)
			if goesOn(a.Police.Conform) || goesOn(a.Control) {
				continue
			}
			break
		} else if !goesOn(a.Control) {
			break
		}
	}
	return on
}

// goesOn reports that a control leads to another action of the filter.
func goesOn(c policy.Control) bool { return c == policy.Pipe || c == policy.Jump }
