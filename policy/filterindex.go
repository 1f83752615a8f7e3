package policy

// filterIndex finds a preference's filters by handle and by key, so that
// loading many filters does not take quadratic time.
type filterIndex struct {
	byHandle map[uint32]*Filter
	keys     map[maskedMatch]int // filters that have the key
	free     uint32              // no handle below it is free
}

// indexed gives the index, which Filters put in by hand enter here.
func (p *Proto) indexed() *filterIndex {
	if p.index == nil {
		p.index = &filterIndex{byHandle: map[uint32]*Filter{}, keys: map[maskedMatch]int{}, free: 1}
		for _, f := range p.Filters {
			p.index.add(f)
		}
	}
	return p.index
}

func (x *filterIndex) add(f *Filter) {
	x.byHandle[f.Handle] = f
	if f.Match != nil {
		x.keys[masked(f.Match)]++
	}
}

func (x *filterIndex) remove(f *Filter) {
	if x.byHandle[f.Handle] == f {
		delete(x.byHandle, f.Handle)
	}
	x.free = min(x.free, f.Handle)
	if f.Match == nil {
		return
	}
	k := masked(f.Match)
	if x.keys[k]--; x.keys[k] == 0 {
		delete(x.keys, k)
	}
}

func (x *filterIndex) lowestHandle() uint32 {
	for x.byHandle[x.free] != nil {
		x.free++
	}
	return x.free
}

// find gives a filter by handle; 0 is no handle.
func (p *Proto) find(handle uint32) *Filter {
	if handle == 0 {
		return nil
	}
	return p.indexed().byHandle[handle]
}
