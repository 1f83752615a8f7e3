package policy

// Mask is what cls_flower compares to tell the masks of two filters apart. The
// filters of one mask share a hash table; a packet is tried against the masks
// of a preference one after the other.
type Mask struct {
	Key                       Key
	SrcRange, DstRange        bool // the ports are given as a range
	AddrFamily, EncAddrFamily bool // an address was named, see Match
	OptsKind, Opts            string
}

// MaskOf gives the mask of a filter's match.
func MaskOf(m *Match) Mask {
	return Mask{
		Key:           m.Mask,
		SrcRange:      m.SrcPorts != PortRange{},
		DstRange:      m.DstPorts != PortRange{},
		AddrFamily:    m.AddrFamily != 0,
		EncAddrFamily: m.EncAddrFamily != 0,
		OptsKind:      m.EncOptsKind,
		Opts:          string(m.EncOptsMask),
	}
}

// maskUse is a mask with the number of filters that have it.
type maskUse struct {
	mask Mask
	uses int
}

// Masks lists the masks of the filters in the order in which the kernel tries
// them: that in which they came into use. A mask goes with its last filter,
// and comes back at the end. Filters that were put into the Proto by hand
// count in the order of Filters.
func (p *Proto) Masks() []Mask {
	out := make([]Mask, 0, len(p.masks)+1)
	seen := make(map[Mask]bool, len(p.masks)+1)
	for _, u := range p.masks {
		out = append(out, u.mask)
		seen[u.mask] = true
	}
	for _, f := range p.Filters {
		if f.Match == nil {
			continue
		}
		if m := MaskOf(f.Match); !seen[m] {
			out = append(out, m)
			seen[m] = true
		}
	}
	return out
}

func (p *Proto) useMask(m Mask) {
	for _, u := range p.masks {
		if u.mask == m {
			u.uses++
			return
		}
	}
	p.masks = append(p.masks, &maskUse{m, 1})
}

func (p *Proto) dropMask(m Mask) {
	for i, u := range p.masks {
		if u.mask == m {
			if u.uses--; u.uses == 0 {
				p.masks = append(p.masks[:i:i], p.masks[i+1:]...)
			}
			return
		}
	}
}

// maskedMatch is what the kernel's hash table of one mask compares: the key
// with the mask applied, and the port ranges as they are.
type maskedMatch struct {
	mask                      Mask
	key                       Key
	addrFamily, encAddrFamily uint8
	src, dst                  PortRange
	opts                      string
}

func masked(m *Match) maskedMatch {
	out := maskedMatch{mask: MaskOf(m), key: m.Key, addrFamily: m.AddrFamily, encAddrFamily: m.EncAddrFamily, src: m.SrcPorts, dst: m.DstPorts}
	mask := m.Mask // a copy: Words needs an address
	k, w := out.key.Words(), mask.Words()
	for i := range k {
		k[i] &= w[i]
	}
	opts := make([]byte, len(m.EncOpts))
	for i := range opts {
		opts[i] = m.EncOpts[i]
		if i < len(m.EncOptsMask) {
			opts[i] &= m.EncOptsMask[i]
		}
	}
	out.opts = string(opts)
	return out
}
