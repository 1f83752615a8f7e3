package datapath

import (
	"sluice/packet"
	"sluice/policy"
)

// skbedit changes what travels beside the packet (act_skbedit.c
// tcf_skbedit_act).
func (p *pkt) skbedit(a *action) (policy.Control, int32) {
	p.count(a)
	s := &a.edit.skbedit
	if s.HasPriority {
		p.m.Priority = s.Priority
	}
	if s.InheritDS {
		b := p.frame[min(int(p.h.L3), len(p.frame)):]
		switch p.h.EtherType {
		case packet.EtherIPv4:
			if len(b) < 20 {
				return p.refused(a)
			}
			p.m.Priority = uint32(b[1] >> 2)
		case packet.EtherIPv6:
			if len(b) < 40 {
				return p.refused(a)
			}
			p.m.Priority = uint32((b[0]<<4 | b[1]>>4) >> 2)
		}
	}
	if s.HasQueue {
		p.m.Queue = s.Queue
	}
	if s.HasMark {
		p.m.Mark = p.m.Mark&^s.Mask | s.Mark&s.Mask
	}
	if s.HasPType {
		p.m.PktType = packet.PktType(s.PType)
	}
	return p.done(a)
}
