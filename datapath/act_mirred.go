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
	if p.nest >= maxNest || p.turns >= maxTurns {
		p.reason = ReasonNest
		return policy.Shot, 0
	}
	s := p.count(a)
	ctl, arg := a.control, a.arg
	if a.toBlock >= 0 {
		return p.blockcast(a, s)
	}
	gone := uint(a.dev) >= uint(len(p.e.prog.devs))
	if gone || p.nest > 0 && !a.ingress && p.under(a.dev) {
		s.overlimits++
		if !a.mirror {
			p.reason = ReasonNest
			if gone {
				p.reason = ReasonNoDevice
			}
			return policy.Shot, 0
		}
		return ctl, arg
	}
	p.send(a, a.dev, a.mirror || ctl != policy.Stolen)
	return ctl, arg
}

// under reports whether a mirred action that has not ended yet sends out of
// the device (tcf_mirred_act, sched_mirred_dev). What goes from an egress
// filter to ingress waits until all of them have ended (netif_rx).
func (p *pkt) under(dev int32) bool {
	for at := p; at.nest > 0; at = &p.e.stack[at.depth-1] {
		if at.named && at.dev == dev {
			return true
		}
	}
	return false
}

// blockcast sends a copy to every port of a block but the one that the packet
// came from; the packet itself goes to the last when redirected.
func (p *pkt) blockcast(a *action, s *counter) (policy.Control, int32) {
	last := int32(-1)
	for d := range p.e.prog.devs {
		dev := int32(d)
		if b := &p.e.prog.devs[d].block; dev == p.iif || b[policy.Ingress] != a.toBlock && b[policy.Egress] != a.toBlock {
			continue
		}
		if last >= 0 {
			p.send(a, last, true)
		}
		last = dev
	}
	if last < 0 {
		s.overlimits++
		if !a.mirror {
			p.reason = ReasonNoDevice
			return policy.Shot, 0
		}
		return a.control, a.arg
	}
	p.send(a, last, a.mirror || a.control != policy.Stolen)
	return a.control, a.arg
}

// send hands the frame on, or a copy of it. It always travels without
// connection-tracking state: mirred clears it for what it sends (nf_reset_ct).
func (p *pkt) send(a *action, dev int32, copied bool) {
	n := p.copy
	if copied {
		n = p.branch(dev)
	}
	if !a.ingress && p.split.Needed(p.frame, int(p.h.L3)) {
		verdict, reason := p.sendPieces(a, dev, n, copied)
		p.sent(n, copied, verdict, reason, p.frame)
		return
	}
	if d := &p.e.prog.devs[dev]; !a.ingress && d.block[policy.Egress] < 0 && d.tunnel < 0 {
		// The usual case: straight out of the port.
		p.leave(p.wire(), dev, false, n)
		if !copied {
			p.fate, p.reason = packet.Forward, ReasonNone
		}
		return
	}
	c := p.child()
	if c == nil {
		p.sent(n, copied, packet.Drop, ReasonNest, p.frame)
		return
	}
	c.m.CT, c.split = packet.CT{}, frag.Split{}
	c.dev, c.copy = dev, n
	var verdict packet.Verdict
	if a.ingress {
		c.turns++
		if p.egress {
			c.nest = 0             // it waits in the backlog (netif_rx in tcf_mirred_forward)
			c.tun, c.set = nil, -1 // skb_dst_drop in tcf_mirred_to_dev
		}
		c.egress = false
		c.iif = dev
		verdict, c.reason = c.ingress()
	} else {
		c.nest++
		c.iif, c.named = p.dev, a.toBlock < 0
		verdict = c.transmit()
	}
	if c.shot && (!a.ingress || !p.egress) {
		p.e.counters.slots[a.stat].overlimits++
	}
	p.sent(n, copied, verdict, c.reason, c.frame)
}

// sent notes what became of what was sent. A redirected packet shares its
// fate, a copied one does not.
func (p *pkt) sent(n int32, copied bool, verdict packet.Verdict, reason uint8, frame []byte) {
	if copied {
		p.e.ended(n, verdict, reason, frame)
		return
	}
	p.fate, p.reason = verdict, reason
}

// transmit runs the device's egress block, if it has one, and lets the frame
// out.
func (p *pkt) transmit() packet.Verdict {
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
		return p.wrap(n)
	}
	p.leave(p.wire(), p.dev, false, p.copy)
	return packet.Forward
}
