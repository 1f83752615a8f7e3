package datapath

import "sluice/policy"

// gact ends, skips or redirects classification (act_gact.c tcf_gact_act).
func (p *pkt) gact(a *action) (policy.Control, int32) {
	s := &p.e.counters.slots[a.stat]
	ctl, arg := a.control, a.arg
	switch a.random {
	case randomNet:
		if a.randomVal != 0 && p.e.rng.Uint32N(uint32(a.randomVal)) == 0 {
			ctl, arg = a.randomCtl, a.randomArg
		}
	case randomDeterm:
		s.determ++
		if a.randomVal != 0 && s.determ%uint32(a.randomVal) == 0 {
			ctl, arg = a.randomCtl, a.randomArg
		}
	}
	p.count(a)
	switch ctl {
	case policy.Shot:
		s.drops++
		p.reason = ReasonGact
	case policy.Trap, policy.Stolen:
		p.reason = ReasonTrap
	}
	return ctl, arg
}
