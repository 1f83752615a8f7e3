package policy

// Tracking is that connections are tracked, and since when. It matters to
// filters with skip_sw: where a device and software track together, each needs
// every filter (RFC part 2, TC command-line interface).
type Tracking struct {
	// Since is the Generation with which the first ct action or match came in; 0:
	// none has. Filters with a lower Born were there before.
	Since uint64
	At    Place // where that was written
}

// Tracking tells whether connections are tracked. It stays so until all filters
// are gone, whichever of them asked for it.
func (p *Policy) Tracking() Tracking { return p.tracking }

// counted notes a filter that has come in.
func (p *Policy) counted(f *Filter, fresh bool) {
	if f.Born = p.Generation; fresh {
		p.filters++
	}
	if p.tracking.Since != 0 {
		return
	}
	for _, a := range f.Actions {
		if a.CT != nil {
			p.tracking = Tracking{p.Generation, a.Place}
			return
		}
	}
	if m := f.Match; m != nil && (m.Mask.CTState|m.Mask.CTZone != 0 || m.Mask.CTMark != 0 || m.Mask.CTLabel != [16]byte{}) {
		p.tracking = Tracking{p.Generation, Place{File: f.File, Line: f.Line, Col: f.Col}}
	}
}

// uncounted notes that filters are gone.
func (p *Policy) uncounted(n int) {
	if p.filters -= n; p.filters == 0 {
		p.tracking = Tracking{}
	}
}
