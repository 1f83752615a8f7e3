package datapath

import (
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
)

// mirred sends the packet or a copy out of a device or into its ingress
// (act_mirred.c tcf_mirred_act). A redirect whose control is not the usual
// "stolen" sends a copy, and the packet goes on, as in the kernel.
func (p *pkt) mirred(a *action) (policy.Control, int32) {
	s := &p.e.counters.slots[a.stat]
	if p.nest >= maxNest {
		p.reason = ReasonNest
		return policy.Shot, 0
	}
	s.hit(p.size, p.now)
	ctl, arg := a.control, a.arg
	if a.toBlock >= 0 {
		return p.blockcast(a, s)
	}
	if uint(a.dev) >= uint(len(p.e.prog.devs)) {
		s.overlimits++
		if !a.mirror {
			p.reason = ReasonNoDevice
			return policy.Shot, 0
		}
		return ctl, arg
	}
	p.send(a, a.dev, a.mirror || ctl != policy.Stolen)
	return ctl, arg
}

// blockcast sends a copy to every port of a block but the one that the packet
// came from; the packet itself goes to the last when redirected.
func (p *pkt) blockcast(a *action, s *counter) (policy.Control, int32) {
	sent := false
	for d := range p.e.prog.devs {
		if p.e.prog.devs[d].block[policy.Ingress] != a.toBlock && p.e.prog.devs[d].block[policy.Egress] != a.toBlock {
			continue
		}
		if int32(d) == p.iif {
			continue
		}
		p.send(a, int32(d), true)
		sent, p.fate = true, packet.Forward
	}
	if !sent {
		s.overlimits++
		if !a.mirror {
			p.reason = ReasonNoDevice
			return policy.Shot, 0
		}
	}
	return a.control, a.arg
}

// send hands the frame on. It always travels without connection-tracking
// state: mirred clears it for what it sends (nf_reset_ct).
func (p *pkt) send(a *action, dev int32, copied bool) {
	if !a.ingress && p.split.Needed(p.frame, int(p.h.L3)) {
		p.sendPieces(a, dev, copied)
		return
	}
	if d := &p.e.prog.devs[dev]; !a.ingress && d.block[policy.Egress] < 0 && d.tunnel < 0 {
		// The usual case: straight out of the port.
		p.e.v.Send(p.i, dev, a.mirror, false, p.wire())
		if !copied {
			p.fate, p.reason = packet.Forward, ReasonNone
		}
		return
	}
	c := p.child()
	if c == nil {
		p.reason = ReasonNest
		return
	}
	c.m.CT, c.split = packet.CT{}, frag.Split{}
	c.nest = p.nest + 1
	c.dev = dev
	var verdict packet.Verdict
	if a.ingress {
		if p.egress {
			c.tun, c.set = nil, -1 // skb_dst_drop in tcf_mirred_to_dev
		}
		c.egress = false
		c.iif = dev
		verdict, c.reason = c.ingress()
	} else {
		c.iif = p.dev
		verdict = c.transmit(a.mirror)
	}
	if c.shot {
		p.e.counters.slots[a.stat].overlimits++
	}
	if !copied {
		// A redirected packet shares the fate of what was sent.
		p.fate, p.reason = verdict, c.reason
	}
}

// transmit runs the device's egress block, if it has one, and lets the frame
// out.
func (p *pkt) transmit(mirror bool) packet.Verdict {
	if n := p.e.prog.devs[p.dev].block[policy.Egress]; n >= 0 {
		p.egress = true
		p.begin()
		b := &p.e.prog.blocks[n]
		out := p.run(b, b.zero)
		p.dropCT()
		switch out {
		case outDrop:
			p.shot = true
			if p.reason == ReasonGact {
				p.reason = ReasonEgress
			}
			return packet.Drop
		case outGone:
			return p.fate
		}
	}
	if n := p.e.prog.devs[p.dev].tunnel; n >= 0 {
		return p.wrap(n, mirror)
	}
	p.e.v.Send(p.i, p.dev, mirror, false, p.wire())
	return packet.Forward
}
