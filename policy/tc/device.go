package tc

import "sluice/policy"

// NeedsDevice lists what software may not run: filters and actions with
// skip_sw. Without a device that holds them the kernel refuses them with
// EOPNOTSUPP (cls_flower.c fl_hw_replace_filter, act_api.c
// tcf_action_offload_add). Each error points at the word.
func NeedsDevice(p *policy.Policy) (out []*Error) {
	seen := map[*policy.Action]bool{}
	need := func(at policy.Place, what string) {
		out = append(out, &Error{
			File: at.File, Line: at.Line, Col: at.Col, Word: at.Word,
			Msg:    "RTNETLINK answers: Operation not supported: " + what + " with skip_sw needs a device that offloads it, and there is none",
			Want:   "no skip_sw",
			Kernel: true, Err: &policy.Error{Errno: policy.EOPNOTSUPP}, code: 2,
		})
	}
	blocks := map[*policy.Block]bool{}
	look := func(b *policy.Block) {
		if b == nil || blocks[b] {
			return
		}
		blocks[b] = true
		each(b, func(_ *policy.Chain, _ *policy.Proto, f *policy.Filter) {
			if f.SkipSW {
				need(f.SkipSWAt, "a filter")
			}
			for _, a := range f.Actions {
				if a.SkipSW && !seen[a] {
					seen[a] = true
					need(a.SkipSWAt, "an action")
				}
			}
		})
	}
	for _, d := range p.Devices {
		for _, b := range d.Block {
			look(b)
		}
	}
	for _, b := range p.Blocks {
		look(b)
	}
	return out
}
