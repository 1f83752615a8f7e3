package sim

import "sluice/offload"

// rewrites are the header rewrites of flows that are translated, by slot. As in
// a card they are objects of their own (mlx5's modify-header contexts): most
// flows have none, and take no room for them.
type rewrites struct {
	chunk []*[chunkSize][2]offload.Rewrite
}

func (r *rewrites) of(slot uint32) *[2]offload.Rewrite {
	for int(slot>>chunkBits) >= len(r.chunk) {
		r.chunk = append(r.chunk, nil)
	}
	if r.chunk[slot>>chunkBits] == nil {
		r.chunk[slot>>chunkBits] = new([chunkSize][2]offload.Rewrite)
	}
	return &r.chunk[slot>>chunkBits][slot&(chunkSize-1)]
}

// setRewrite notes what a flow's packets become.
func (n *NIC) setRewrite(f *flow, want *offload.Flow) {
	f.flags &^= rewritten
	if want.Rewrite[0].What|want.Rewrite[1].What != 0 {
		f.flags |= rewritten
		*n.rewrites.of(f.slot) = want.Rewrite
	}
}

// rewrite is what a flow's packets of a direction become; nil: they stay as
// they are.
func (n *NIC) rewrite(f *flow, dir int) *offload.Rewrite {
	if f.flags&rewritten == 0 {
		return nil
	}
	if r := &n.rewrites.of(f.slot)[dir]; r.What != 0 {
		return r
	}
	return nil
}
