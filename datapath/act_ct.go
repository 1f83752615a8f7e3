package datapath

import (
	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
)

// ct sends the packet to the connection tracker (act_ct.c tcf_ct_act).
func (p *pkt) ct(a *action) (policy.Control, int32) {
	p.count(a)
	if a.ct.Clone {
		return p.ctClone(a)
	}
	return p.track(a), a.arg
}

// track is what ct does to the packet itself.
func (p *pkt) track(a *action) policy.Control {
	e, par, ct := p.e, a.ct, &p.m.CT
	if par.Clear {
		p.dropCT()
		ct.PostCT, ct.NAT = false, 0
		p.refreshCT(a, nil)
		return a.control
	}
	if reason := p.ctReady(par.Zone); reason != ReasonNone {
		return p.ctStop(a, reason)
	}
	f := &p.found
	p.known = 0
	cached, hit := p.cached(par), false
	if !cached {
		f.Known = f.Known && f.Conn.Zone == par.Zone
		if hit = par.table.Lookup(p.now, p.h, ct, f); hit {
			p.flowHit = true
			e.tier = max(e.tier, TierFlow)
		} else {
			e.tier = TierTracker
			e.paths.ok = false // only a hit is remembered
			if r := e.tr.InFound(p.now, p.frame, p.h, par.Zone, ct, f); r != conntrack.Accept {
				return p.ctDrop(a, ctReasons[r])
			}
		}
	}
	f.Known = false // the packet's next zone is another, or it is another packet
	ct.NAT = 0
	if ct.Conn == 0 {
		ct.PostCT, ct.Zone = true, par.Zone
		p.refreshCT(a, nil)
		return a.control
	}
	if par.NAT {
		if reason := p.translate(a); reason != ReasonNone {
			return p.ctDrop(a, reason)
		}
	}
	c := e.tr.Conn(ct.Conn)
	if c.Status&conntrack.StatusHelper != 0 || par.help != conntrack.NoHelper {
		if reason := p.help(par, c, cached || hit); reason != ReasonNone {
			return p.ctDrop(a, reason)
		}
	}
	if par.Commit {
		was := ct.Conn
		if r := p.commit(par); r != conntrack.Accept {
			return p.ctDrop(a, ctReasons[r])
		}
		if ct.Conn != was {
			c = e.tr.Conn(ct.Conn) // another has come before it
		}
	}
	e.tr.Tell(p.now, ct.Conn)
	if !hit {
		par.table.Consider(p.now, ct.Conn, c, ct.Info, par.chain)
	}
	if !cached {
		e.cameFrom(ct.Conn, ct.Info.Dir(), p.from)
	}
	if c.Status&conntrack.StatusConfirmed != 0 {
		p.known = ct.Conn
	}
	ct.PostCT, ct.Zone = true, par.Zone
	p.refreshCT(a, c)
	return a.control
}

// help gives a connection that is about to be committed its helper, and lets
// the helper of a connection read the packet, once. It returns the reason if the
// packet cannot go on.
func (p *pkt) help(par *ctParams, c *conntrack.Conn, seen bool) uint8 {
	e, ct := p.e, &p.m.CT
	confirmed := c.Status&conntrack.StatusConfirmed != 0
	if !confirmed && par.Commit && par.help != conntrack.NoHelper {
		e.tr.SetHelper(ct.Conn, par.help, par.fam)
	}
	if c.Status&conntrack.StatusHelper == 0 || confirmed && seen || !confirmed && !par.Commit {
		return ReasonNone
	}
	// What actions count is the packet's length as it came in, whatever
	// becomes of it (qdisc_skb_cb's pkt_len).
	room := e.v.Arena.Alloc(len(p.frame) + conntrack.MaxGrowth)
	if room == nil || !p.own(0) {
		return ReasonNoMemory
	}
	if p.split.Max != 0 && e.tr.HelperReads(p.h, ct) {
		p.pull(len(p.frame) - int(p.h.L3))
	}
	was, helper := p.frame, e.tr.HelperOf(ct.Conn)
	frame, ok := e.tr.Help(p.now, was, room, p.h, ct)
	if &frame[0] != &was[0] {
		p.base, p.front = frame, 0
	}
	p.frame = frame
	if !ok {
		return helperReasons[helper]
	}
	return ReasonNone
}

// translate rewrites the packet as its connection asks for, and gives a new
// connection its translation. It returns the reason if it cannot.
func (p *pkt) translate(a *action) uint8 {
	par := a.ct
	if !p.own(0) {
		return ReasonNoMemory
	}
	done, res := p.e.tr.NAT(p.now, p.frame, p.h, &p.m.CT, &par.nat, par.Commit)
	if p.m.CT.NAT = uint8(done); done != 0 {
		p.pullTranslated()
	}
	if done != 0 && !a.final {
		p.extract(p.e.prog.need)
	}
	return ctReasons[res]
}

// commit writes mark and label and makes the connection known. The kernel
// does both again for a connection that is known already.
func (p *pkt) commit(par *ctParams) conntrack.Result {
	tr, ct := p.e.tr, &p.m.CT
	if par.MarkMask != 0 {
		tr.SetMark(ct.Conn, par.Mark, par.MarkMask)
	}
	if par.LabelMask != ([16]byte{}) {
		tr.SetLabel(ct.Conn, par.Label, par.LabelMask)
	}
	return tr.Confirm(p.now, ct)
}

// cached reports whether the packet already carries its connection of the
// action's zone, so that it need not be tracked twice; otherwise it takes the
// connection off. One that has another helper than the action's is tracked
// again. Force ends a connection that the other side began
// (act_ct.c tcf_ct_skb_nfct_cached).
func (p *pkt) cached(par *ctParams) bool {
	ct := &p.m.CT
	if ct.Conn == 0 {
		return false
	}
	c := p.e.tr.Conn(ct.Conn)
	if c == nil {
		ct.Conn = 0
		return false
	}
	if c.Zone == par.Zone && (par.help == conntrack.NoHelper || !p.e.tr.HasOther(ct.Conn, par.help, par.fam)) {
		if !par.Force || ct.Info.Dir() == 0 {
			return true
		}
		if c.Status&conntrack.StatusConfirmed != 0 {
			p.e.tr.Clock(p.now)
			p.e.tr.Kill(ct.Conn)
			ct.Conn = 0
		}
	}
	p.dropCT()
	return false
}

// ctReady checks that the packet is one that the tracker can be asked about,
// and cuts off what lies behind the IP packet (Ethernet padding), as the
// kernel does before it tracks (nf_ct_skb_network_trim).
func (p *pkt) ctReady(zone uint16) uint8 {
	if h := p.h; h.Flags&^packet.DontFrag == packet.HasL3|packet.HasL4 && h.NVLAN == 0 {
		if end := int(h.End); end < len(p.frame) {
			p.frame, h.Len = p.frame[:end], uint32(end)
		}
		return ReasonNone
	}
	return p.ctReadyOdd(zone)
}

// ctReadyOdd is ctReady for a packet that is not the usual one.
func (p *pkt) ctReadyOdd(zone uint16) uint8 {
	if p.m.CT.Conn == 0 && !p.innerTag() && frag.IsFragment(p.frame, p.h) {
		if reason := p.defrag(zone); reason != ReasonNone {
			return reason
		}
	}
	h := p.h
	switch h.EtherType {
	case packet.EtherIPv4:
		if h.Flags&packet.TruncL3 != 0 || h.L3 == 0 {
			return ReasonCTTruncated
		}
	case packet.EtherIPv6:
		if h.Flags&packet.TruncL3 != 0 || h.L3 == 0 {
			return ReasonCTTruncated
		}
		if h.Flags&packet.BadExt != 0 {
			return ReasonCTExtension
		}
	default:
		return ReasonCTNotIP
	}
	if p.innerTag() {
		return ReasonCTInnerVLAN
	}
	if end := h.IPEnd(p.frame); h.Flags&packet.ShortIP == 0 && end < len(p.frame) {
		p.frame = p.frame[:end]
		h.Len = uint32(end)
	}
	return ReasonNone
}

func (p *pkt) ctDrop(a *action, reason uint8) policy.Control {
	p.e.counters.slots[a.stat].drops++
	p.reason = reason
	return policy.Shot
}

// refreshCT brings the key up to date for the next classification, if there can
// be one. c is the packet's connection, if it is at hand.
func (p *pkt) refreshCT(a *action, c *conntrack.Conn) {
	switch {
	case a.final || p.e.prog.need&needCT == 0:
	case c != nil:
		p.extractConn(c)
	default:
		p.extractCT()
	}
}

// ctClone is the RFC's `ct chain K`: a copy of the packet is tracked and
// judged from chain K on; the packet itself goes on as it was.
func (p *pkt) ctClone(a *action) (policy.Control, int32) {
	n := p.branch(p.dev)
	c := p.child()
	if c == nil {
		p.e.ended(n, packet.Drop, ReasonNest, p.frame)
		p.reason = ReasonNest
		return policy.Shot, 0
	}
	c.key, c.size, c.proto, c.copy = p.key, p.size, p.proto, n
	c.shared = p.m.CT.Conn
	out := outDrop
	switch ctl := c.track(a); {
	case ctl == policy.Shot, c.held:
	default:
		dir := policy.Ingress
		if c.egress {
			dir = policy.Egress
		}
		b := &p.e.prog.blocks[p.e.prog.devs[p.dev].block[dir]]
		out = c.run(b, a.ct.clone)
	}
	c.dropCT()
	fate := packet.Drop
	if c.held {
		fate = packet.Stolen
	}
	switch out {
	case outGone:
		fate = c.fate
	case outMiss, outPass:
		fate, c.reason = packet.Pass, ReasonNone
		if c.egress {
			fate = packet.Forward
		}
		c.leave(c.wire(), c.dev, !c.egress, n)
	}
	p.e.ended(n, fate, c.reason, c.frame)
	return a.control, a.arg
}
