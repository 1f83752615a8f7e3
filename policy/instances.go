package policy

import (
	"maps"
	"slices"
	"strings"
)

// Action instances are numbered per kind. A filter that names no index gets a
// new instance with the lowest free one; a filter that names an index binds
// the instance that is there, whatever parameters it gives beside, or makes
// it (act_api.c tcf_idr_check_alloc). Ref counts the filters that bind an
// instance, and one more if `tc actions` made it; Bind counts the filters
// alone.

// Action gives an instance, or nil.
func (p *Policy) Action(kind string, index uint32) *Action { return p.Actions[kind][index] }

// ActionsOf lists the instances of a kind by ascending index.
func (p *Policy) ActionsOf(kind string) []*Action {
	m := p.Actions[kind]
	out := make([]*Action, 0, len(m))
	for _, i := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[i])
	}
	return out
}

type actionID struct {
	kind  string
	index uint32
}

// lowestIndex gives the lowest index that the kernel would hand out; those of
// dying actions are still in use.
func (p *Policy) lowestIndex(kind string) uint32 {
	if p.free == nil {
		p.free = map[string]uint32{}
	}
	i := max(p.free[kind], 1)
	for p.Actions[kind][i] != nil || p.taken[actionID{kind, i}] > 0 {
		i++
	}
	p.free[kind] = i
	return i
}

func (p *Policy) insert(a *Action) {
	if p.Actions == nil {
		p.Actions = map[string]map[uint32]*Action{}
	}
	if p.Actions[a.Kind] == nil {
		p.Actions[a.Kind] = map[uint32]*Action{}
	}
	p.Actions[a.Kind][a.Index] = a
}

// checkAction is the kernel's validation of an action's parameters; b is the
// block that a goto leads through, nil for an action without a filter.
func (p *Policy) checkAction(a *Action, b *Block) error {
	for _, c := range controls(a) {
		if c.control == GotoChain && b == nil {
			return refuse(EINVAL, "can't goto NULL proto/chain")
		}
	}
	if a.SkipSW && a.SkipHW {
		return refuse(EINVAL, "")
	}
	switch {
	case a.Kind == "mirred":
		m := a.Mirred
		if m == nil || m.Dev == "" && m.Block == 0 {
			return refuse(EINVAL, "act_mirred: Unknown mirred option")
		}
		if m.Dev != "" && m.Block != 0 {
			return refuse(EINVAL, "Cannot specify Block ID and dev simultaneously")
		}
		if m.Dev != "" && p.Device(m.Dev) == nil {
			return refuse(ENODEV, "")
		}
	case a.TunnelKey != nil:
		return checkTunnelKey(a.TunnelKey)
	case a.CT != nil:
		if a.CT.NATSrc && a.CT.NATDst {
			return refuse(EOPNOTSUPP, "dnat and snat can't be enabled at the same time")
		}
		if a.CT.Helper != "" && !knownHelper(a.CT.Helper) {
			return refuse(EINVAL, "act_ct: Failed to add helper")
		}
	default:
		// A shared block is no device's, whoever shares it.
		return a.checkEdit(b != nil && b.Index == 0 && !p.isEgress(b))
	}
	return nil
}

// Helpers are those that a ct action may name, after ipv4- or ipv6-.
var Helpers = []string{"tcp-ftp", "udp-tftp", "udp-sip", "tcp-sip"}

func knownHelper(s string) bool {
	family, helper, _ := strings.Cut(s, "-")
	return (family == "ipv4" || family == "ipv6") && slices.Contains(Helpers, helper)
}

// isEgress reports whether a block is some device's egress.
func (p *Policy) isEgress(b *Block) bool {
	return slices.ContainsFunc(p.Devices, func(d *Device) bool { return d.Block[Egress] == b })
}

// bind gives a filter its instances for the actions it asks for. On an error
// nothing stays bound, but indices that were handed out stay in use until
// Settle, as in the kernel.
func (p *Policy) bind(b *Block, f *Filter) (got []*Action, err error) {
	defer func() {
		if err != nil {
			p.unbind(b, got)
			got = nil
		}
	}()
	made := map[*Action]bool{}
	for _, w := range f.Actions {
		if w.Index != 0 {
			if a := p.Actions[w.Kind][w.Index]; a != nil {
				if made[a] {
					// An instance is not bound twice by the command that
					// makes it: its index is only reserved so far.
					return got, refuse(EAGAIN, "")
				}
				a.Ref++
				a.Bind++
				got = append(got, a)
				if err := a.agree(f); err != nil {
					return got, err
				}
				continue
			}
		}
		if err := p.checkAction(w, b); err != nil {
			return got, err
		}
		a := *w
		a.keepHW, a.keepSW = w.SkipHW, w.SkipSW
		if err := a.agree(f); err != nil {
			return got, err
		}
		if a.Index == 0 {
			a.Index = p.lowestIndex(a.Kind)
		}
		a.Ref, a.Bind = 1, 1
		p.holdChains(&a, b)
		p.insert(&a)
		made[&a] = true
		got = append(got, &a)
	}
	return got, nil
}

// agree holds an action's offload flags against those of a filter that is to
// bind it (act_api.c tcf_action_init). One that `tc actions` made has the
// filter's very flags. One that a filter made has no other flags than the
// filter's, and takes on the filter's.
func (a *Action) agree(f *Filter) error {
	differs := a.keepHW != f.SkipHW || a.keepSW != f.SkipSW
	if !a.standalone {
		differs = a.keepHW && !f.SkipHW || a.keepSW && !f.SkipSW
	}
	if differs {
		return refuse(EINVAL, "Mismatch between action and filter offload flags")
	}
	a.keepHW, a.keepSW = f.SkipHW, f.SkipSW
	return nil
}

// unbind takes a filter's references from its actions.
func (p *Policy) unbind(b *Block, acts []*Action) {
	for _, a := range acts {
		a.Bind--
		p.put(a)
	}
}

// put takes one reference; the instance goes with the last.
func (p *Policy) put(a *Action) {
	if a.Ref--; a.Ref == 0 {
		delete(p.Actions[a.Kind], a.Index)
		p.dying = append(p.dying, a)
		if p.taken == nil {
			p.taken = map[actionID]int{}
		}
		p.taken[actionID{a.Kind, a.Index}]++
	}
}

// Settle lets the kernel's grace period pass: indices and chains that only
// deleted actions held become free. Call it when time has passed since the
// last change; commands of one batch run within one grace period.
func (p *Policy) Settle() {
	for _, a := range p.dying {
		p.releaseChains(a)
		if i, ok := p.free[a.Kind]; ok {
			p.free[a.Kind] = min(i, a.Index)
		}
	}
	p.dying, p.taken = nil, nil
}

// AddActions makes instances, as `tc actions add`: an index that is in use is
// EEXIST. With replace, the parameters of an existing instance are replaced in
// place: filters that bind it follow, its counters stay.
func (p *Policy) AddActions(acts []*Action, replace bool) error {
	var made []*Action
	fail := func(err error) error {
		for _, a := range made {
			p.put(a)
		}
		return err
	}
	for _, w := range acts {
		if err := p.checkAction(w, nil); err != nil {
			return fail(err)
		}
		if w.Index != 0 && p.Actions[w.Kind][w.Index] != nil && !replace {
			return fail(refuse(EEXIST, ""))
		}
		if w.Index != 0 && p.Actions[w.Kind][w.Index] != nil {
			old := p.Actions[w.Kind][w.Index]
			p.releaseChains(old)
			a := *w
			a.Ref, a.Bind, a.Listed = old.Ref, old.Bind, old.Listed
			a.standalone, a.keepHW, a.keepSW = old.standalone, old.keepHW, old.keepSW
			if len(a.Cookie) == 0 {
				a.Cookie = old.Cookie // only another one takes its place
			}
			*old = a
			continue
		}
		a := *w
		if a.Index == 0 {
			a.Index = p.lowestIndex(a.Kind)
		}
		a.Ref = 1
		a.standalone, a.keepHW, a.keepSW = true, a.SkipHW, a.SkipSW
		p.insert(&a)
		made = append(made, &a)
	}
	p.Generation++
	return nil
}

// DeleteAction removes an instance that no filter binds.
func (p *Policy) DeleteAction(kind string, index uint32) error {
	a := p.Actions[kind][index]
	if a == nil {
		return refuse(ENOENT, "TC action with specified index not found")
	}
	if a.Bind > 0 {
		return refuse(EPERM, "Failed to delete TC action")
	}
	p.put(a)
	p.Generation++
	return nil
}

// FlushActions removes the instances of a kind by ascending index up to the
// first that a filter binds (act_api.c tcf_del_walker). all is false if there
// is one; it is an error if nothing went at all.
func (p *Policy) FlushActions(kind string) (all bool, err error) {
	gone := 0
	for _, a := range p.ActionsOf(kind) {
		if a.Bind > 0 {
			if gone == 0 {
				return false, refuse(EPERM, "")
			}
			return false, nil
		}
		p.put(a)
		p.Generation++
		gone++
	}
	return true, nil
}

type controlRef struct {
	control Control
	arg     uint32
}

// controls lists the controls that an action can end in.
func controls(a *Action) []controlRef {
	out := []controlRef{{a.Control, a.ControlArg}}
	if a.Gact != nil && a.Gact.RandomType != "" && a.Gact.RandomType != "none" {
		out = append(out, controlRef{a.Gact.RandomCtl, a.Gact.RandomArg})
	}
	if a.CT != nil && a.CT.Clone {
		out = append(out, controlRef{GotoChain, a.CT.CloneChain})
	}
	return out
}

// holdChains makes the chains that an action goes to, if they are not there,
// and keeps them.
func (p *Policy) holdChains(a *Action, b *Block) {
	for _, c := range controls(a) {
		if c.control == GotoChain {
			ch := p.chainGet(b, c.arg)
			ch.gotos++
			a.holds = append(a.holds, chainHold{b, ch})
		}
	}
}

func (p *Policy) releaseChains(a *Action) {
	for _, h := range a.holds {
		h.chain.gotos--
		h.block.drop(h.chain)
	}
	a.holds = nil
}

// chainHold is a chain that an action keeps alive.
type chainHold struct {
	block *Block
	chain *Chain
}
