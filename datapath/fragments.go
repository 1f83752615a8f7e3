package datapath

import (
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
)

// defrag hands a fragment to those of its zone that wait (act_ct.c
// tcf_ct_handle_fragments). If it was the last one missing, the packet goes on
// in its place, as it would look had it never been taken apart: with ports, at
// its full length for all counters that follow.
func (p *pkt) defrag(zone uint16) uint8 {
	e := p.e
	e.paths.ok = false // filters have seen a fragment; the connection's whole packets may hit others
	res := e.frags.Add(p.now, p.frame, int(p.h.L3), p.h.EtherType == packet.EtherIPv6, zone, p.iif, &e.whole)
	switch res {
	case frag.Held:
		return ReasonFragHeld
	case frag.AsIs:
		return ReasonNone
	case frag.Complete:
	default:
		return ReasonFragDuplicate + uint8(res-frag.Duplicate)
	}
	if p.depth > 0 {
		p.h = &p.headers // the ones so far are the caller's, too
	}
	p.frame, p.split, p.lent = e.whole.Frame, e.whole.Split, false
	p.parse()
	p.begin()
	return ReasonNone
}

// SaveFragments returns what waits at time now. Its devices are the policy's
// by number.
func (e *Engine) SaveFragments(now int64) frag.Saved { return e.frags.Save(now) }

// RestoreFragments goes on with what another engine has held, before the first
// packet.
func (e *Engine) RestoreFragments(s frag.Saved) error { return e.frags.Restore(s) }

// parse finds the headers of a frame that took the packet's place, with the
// same link layer.
func (p *pkt) parse() {
	p.base, p.front = p.frame, 0
	p.rewritten()
}

// ctStop ends a packet that ct will not track. act_ct counts what it could not
// use as drops, but not what nf_ct_frag6_gather takes without complaint: IPv6
// duplicates, and what completes a packet that cannot be.
func (p *pkt) ctStop(a *action, reason uint8) policy.Control {
	if reason == ReasonFragHeld {
		p.held, p.fate, p.reason = true, packet.Stolen, reason
		return policy.Stolen
	}
	if p.h.EtherType == packet.EtherIPv6 && (reason == ReasonFragDuplicate || reason == ReasonFragMixedECN) {
		p.reason = reason
		return policy.Shot
	}
	return p.ctDrop(a, reason)
}

// sendPieces lets a packet that was put together out of a port as fragments
// (sch_frag.c sch_frag_xmit_hook), or its copy n, and tells what became of
// them. An egress block sees the fragments.
func (p *pkt) sendPieces(a *action, dev, n int32, copied bool) (packet.Verdict, uint8) {
	e := p.e
	ip := p.h.EtherType == packet.EtherIPv4 || p.h.EtherType == packet.EtherIPv6
	pieces, ok := frag.Pieces{}, false
	if ip { // not behind a label that was pushed meanwhile
		pieces, ok = e.frags.Cut(p.frame, int(p.h.L3), p.h.EtherType == packet.EtherIPv6, p.split, copied || p.egress)
	}
	if !ok {
		e.counters.slots[a.stat].overlimits++
		return packet.Drop, ReasonFragSplit
	}
	fate, reason := packet.Drop, ReasonNone
	for {
		b, ok := pieces.Next()
		if !ok {
			return fate, reason
		}
		v, why := p.sendPiece(dev, n, b)
		if v != packet.Drop || fate == packet.Drop {
			fate, reason = v, why
		}
	}
}

func (p *pkt) sendPiece(dev, n int32, b []byte) (packet.Verdict, uint8) {
	if d := &p.e.prog.devs[dev]; d.block[policy.Egress] < 0 && d.tunnel < 0 {
		p.leave(b[min(p.strip, len(b)):], dev, false, n)
		return packet.Forward, ReasonNone
	}
	c := p.child()
	if c == nil {
		return packet.Drop, ReasonNest
	}
	c.frame, c.h, c.lent = b, &c.headers, false
	c.m.CT, c.split = packet.CT{}, frag.Split{}
	c.nest = p.nest + 1
	c.dev, c.iif, c.copy = dev, p.dev, n
	c.parse()
	v := c.transmit()
	return v, c.reason
}
