package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// Rule is what a command says of one filter: where it goes and what it is.
// For ChangeFilter, DeleteFilter and GetFilter the zero values of Prio,
// Protocol, Kind and Filter.Handle mean "not given".
type Rule struct {
	Chain    uint32
	Prio     uint16 // 0: chosen by the kernel
	Protocol uint16
	Kind     string
	Filter   *Filter
}

// MaxActions is how many actions a filter may have (TCA_ACT_MAX_PRIO).
const MaxActions = 32

// firstAutoPrio is the preference of the first filter that names none; later
// ones go down from the lowest that was chosen (cls_api.c tcf_auto_prio).
const (
	firstAutoPrio = 0xc000
	autoPrioFrom  = 0x8000 // preferences from here on are the automatic ones
)

// AddFilter is `tc filter add`: the filter must be new.
func (p *Policy) AddFilter(w Where, r Rule) (*Filter, error) { return p.newFilter(w, r, true, true) }

// ChangeFilter is `tc filter change`: the filter must be there.
func (p *Policy) ChangeFilter(w Where, r Rule) (*Filter, error) {
	return p.newFilter(w, r, false, false)
}

// ReplaceFilter is `tc filter replace`: the filter is made or, if its handle
// is there, replaced.
func (p *Policy) ReplaceFilter(w Where, r Rule) (*Filter, error) {
	return p.newFilter(w, r, true, false)
}

// newFilter follows cls_api.c tc_new_tfilter; the order of its checks decides
// which of several mistakes is reported.
func (p *Policy) newFilter(w Where, r Rule, create, excl bool) (*Filter, error) {
	const both = "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter"
	if r.Prio == 0 && !create {
		return nil, refuse(ENOENT, "Invalid filter command with priority of zero")
	}
	b, err := p.Find(w, false)
	if err != nil {
		return nil, err
	}
	b.Parent = w.Parent
	if r.Chain > MaxChain {
		return nil, refuse(EINVAL, "Specified chain index exceeds upper limit")
	}
	c := b.Chain(r.Chain)
	pr, err := c.find(r.Prio, r.Protocol)
	if err != nil {
		return nil, err
	}
	created := pr == nil
	if created {
		if r.Kind == "" || r.Protocol == 0 {
			return nil, refuse(EINVAL, "Filter kind and protocol must be specified")
		}
		if !create {
			return nil, refuse(ENOENT, both)
		}
		pr = &Proto{Prio: r.Prio, Protocol: r.Protocol, Kind: r.Kind}
		if pr.Prio == 0 {
			pr.Prio = c.autoPrio()
		}
	} else if r.Kind != "" && r.Kind != pr.Kind {
		return nil, refuse(EINVAL, "Specified filter kind does not match existing one")
	}
	old := pr.find(r.Filter.Handle)
	switch {
	case old == nil && !create:
		return nil, refuse(ENOENT, both)
	case old != nil && excl:
		return nil, &Error{Errno: EEXIST, Msg: "Filter already exists", Other: old}
	}
	if c != nil && c.Template != nil && pr.Kind != "flower" {
		return nil, refuse(EINVAL, "Chain template is set to a different filter kind")
	}
	if len(r.Filter.Actions) > MaxActions {
		return nil, refuse(EINVAL, fmt.Sprintf("Only %d actions supported per filter", MaxActions))
	}

	if r.Kind == "" || pr.Kind == "flower" && r.Filter.Match == nil {
		return nil, refuse(EINVAL, "") // without a kind there are no options
	}
	if r.Filter.SkipHW && r.Filter.SkipSW {
		return nil, refuse(EINVAL, "")
	}

	// From here on as the classifier's change operation. The chain exists
	// while it runs, so it comes before the chains its actions go to.
	c = p.chainGet(b, r.Chain)
	var f *Filter
	if pr.Kind == "matchall" {
		f, err = p.changeMatchall(b, pr, r.Filter)
	} else {
		f, err = p.changeFlower(b, c, pr, old, r.Filter)
	}
	if err != nil {
		b.drop(c)
		return nil, err
	}
	if created {
		c.insert(pr)
	}
	if old != nil {
		pr.Filters[slices.Index(pr.Filters, old)] = f
		pr.indexed().remove(old)
		p.unbind(b, old.Actions)
	} else {
		pr.Filters = append(pr.Filters, f)
	}
	pr.indexed().add(f)
	p.Generation++
	p.counted(f, old == nil)
	return f, nil
}

// changeMatchall follows cls_matchall.c mall_change: one filter, never
// replaced.
func (p *Policy) changeMatchall(b *Block, pr *Proto, in *Filter) (*Filter, error) {
	if len(pr.Filters) > 0 {
		return nil, &Error{Errno: EEXIST, Other: pr.Filters[0]}
	}
	f := *in
	if f.Handle == 0 {
		f.Handle = 1
	}
	f.Match = nil
	acts, err := p.bind(b, in)
	if err != nil {
		return nil, err
	}
	f.Actions = acts
	return &f, nil
}

// changeFlower follows cls_flower.c fl_change: handles go up from 1, a mask
// and masked key may be there once, and a filter keeps its mask for life.
func (p *Policy) changeFlower(b *Block, c *Chain, pr *Proto, old, in *Filter) (*Filter, error) {
	f := *in
	m := *in.Match
	f.Match = &m
	acts, err := p.bind(b, in)
	if err != nil {
		return nil, err
	}
	f.Actions = acts
	fail := func(err error) (*Filter, error) {
		p.unbind(b, acts)
		return nil, err
	}
	if m.InDev != "" {
		i := slices.IndexFunc(p.Devices, func(d *Device) bool { return d.Name == m.InDev })
		if i < 0 {
			return fail(refuse(EINVAL, "Network device not found"))
		}
		m.Key.InDev, m.Mask.InDev = uint32(i)+1, ^uint32(0)
	}
	if err := Validate(&m); err != nil {
		return fail(err)
	}
	mask := MaskOf(&m)
	if c.Template != nil && !fits(&m, c.Template) {
		return fail(refuse(EINVAL, "cls_flower: Mask does not fit the template"))
	}
	if old != nil && MaskOf(old.Match) != mask {
		return fail(&Error{Errno: EINVAL, Other: old})
	}
	// A replacement may have the key of any other filter: the kernel lets
	// overwriting pass (fl_ht_insert_unique).
	if key := masked(&m); old == nil && pr.indexed().keys[key] > 0 {
		i := slices.IndexFunc(pr.Filters, func(o *Filter) bool { return masked(o.Match) == key })
		return fail(&Error{Errno: EEXIST, Other: pr.Filters[i]})
	}
	if old != nil {
		f.Handle = old.Handle
		pr.dropMask(mask)
	} else if f.Handle == 0 {
		f.Handle = pr.indexed().lowestHandle()
	}
	pr.useMask(mask)
	return &f, nil
}

// fits reports whether a match's mask lies within a template's
// (fl_mask_fits_tmplt).
func fits(m, template *Match) bool {
	mask, tmpl := m.Mask, template.Mask
	mw, tw := mask.Words(), tmpl.Words()
	for i := range mw {
		if mw[i]&^tw[i] != 0 {
			return false
		}
	}
	return (m.AddrFamily == 0 || template.AddrFamily != 0) &&
		(m.EncAddrFamily == 0 || template.EncAddrFamily != 0) &&
		(m.SrcPorts == PortRange{} || template.SrcPorts != PortRange{}) &&
		(m.DstPorts == PortRange{} || template.DstPorts != PortRange{})
}

// find looks a preference up; nil if there is none. Prio 0 asks for a new one.
func (c *Chain) find(prio, protocol uint16) (*Proto, error) {
	if c == nil {
		return nil, nil
	}
	want := prio
	if prio == 0 {
		want = autoPrioFrom
	}
	i, ok := c.search(want)
	if !ok {
		return nil, nil
	}
	if pr := c.Protos[i]; prio != 0 && (protocol == 0 || pr.Protocol == protocol) {
		return pr, nil
	}
	return nil, refuse(EINVAL, "Filter with specified priority/protocol not found")
}

// search gives the place of the first preference from prio on, and whether it
// is prio.
func (c *Chain) search(prio uint16) (int, bool) {
	return slices.BinarySearchFunc(c.Protos, prio, func(x *Proto, prio uint16) int { return cmp.Compare(x.Prio, prio) })
}

// autoPrio is one below the lowest of the automatic preferences.
func (c *Chain) autoPrio() uint16 {
	if c != nil {
		if i, _ := c.search(autoPrioFrom); i < len(c.Protos) {
			return c.Protos[i].Prio - 1
		}
	}
	return firstAutoPrio
}

func (c *Chain) insert(pr *Proto) {
	i, _ := c.search(pr.Prio)
	c.Protos = slices.Insert(c.Protos, i, pr)
}

// ByHandle lists the filters as the kernel dumps them.
func (p *Proto) ByHandle() []*Filter {
	out := slices.Clone(p.Filters)
	slices.SortStableFunc(out, func(x, y *Filter) int { return cmp.Compare(x.Handle, y.Handle) })
	return out
}

// DeleteFilter is `tc filter del` (cls_api.c tc_del_tfilter). Without a
// preference it flushes the chain; without a handle it removes the whole
// preference.
func (p *Policy) DeleteFilter(w Where, r Rule) error {
	if r.Prio == 0 && (r.Protocol != 0 || r.handle() != 0 || r.Kind != "") {
		return refuse(ENOENT, "Cannot flush filters with protocol, handle or kind set")
	}
	b, err := p.Find(w, false)
	if err != nil {
		return err
	}
	if r.Chain > MaxChain {
		return refuse(EINVAL, "Specified chain index exceeds upper limit")
	}
	c := b.Chain(r.Chain)
	if r.Prio == 0 {
		if c != nil {
			p.flush(b, c)
			p.Generation++
		}
		return nil
	}
	pr, err := c.mustFind(r)
	if err != nil {
		return err
	}
	gone := pr.Filters
	if h := r.handle(); h != 0 {
		f := pr.find(h)
		if f == nil {
			return refuse(ENOENT, "Specified filter handle not found")
		}
		gone = []*Filter{f}
	}
	for _, f := range gone {
		if f.Match != nil {
			pr.dropMask(MaskOf(f.Match))
		}
		pr.indexed().remove(f)
	}
	if len(gone) == len(pr.Filters) {
		c.Protos = slices.DeleteFunc(c.Protos, func(x *Proto) bool { return x == pr })
	} else {
		pr.Filters = slices.DeleteFunc(pr.Filters, func(f *Filter) bool { return f == gone[0] })
	}
	for _, f := range gone {
		p.unbind(b, f.Actions)
	}
	p.uncounted(len(gone))
	b.drop(c)
	p.Generation++
	return nil
}

// GetFilter finds one filter (cls_api.c tc_get_tfilter).
func (p *Policy) GetFilter(w Where, r Rule) (*Proto, *Filter, error) {
	if r.Prio == 0 {
		return nil, nil, refuse(ENOENT, "Invalid filter command with priority of zero")
	}
	b, err := p.Find(w, false)
	if err != nil {
		return nil, nil, err
	}
	if r.Chain > MaxChain {
		return nil, nil, refuse(EINVAL, "Specified chain index exceeds upper limit")
	}
	pr, err := b.Chain(r.Chain).mustFind(r)
	if err != nil {
		return nil, nil, err
	}
	f := pr.find(r.handle())
	if f == nil {
		return nil, nil, refuse(ENOENT, "Specified filter handle not found")
	}
	return pr, f, nil
}

func (r Rule) handle() uint32 {
	if r.Filter == nil {
		return 0
	}
	return r.Filter.Handle
}

func (c *Chain) mustFind(r Rule) (*Proto, error) {
	if c == nil {
		return nil, refuse(EINVAL, "Cannot find specified filter chain")
	}
	pr, err := c.find(r.Prio, r.Protocol)
	if err != nil {
		return nil, err
	}
	if pr == nil {
		return nil, refuse(ENOENT, "Filter with specified priority/protocol not found")
	}
	if r.Kind != "" && r.Kind != pr.Kind {
		return nil, refuse(EINVAL, "Specified filter kind does not match existing one")
	}
	return pr, nil
}
