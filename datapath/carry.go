package datapath

import (
	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// stopHere is the control of an action that a device does not do.
const stopHere policy.Control = 0xff

// deviceAction prepares an action in a device; false: it is software's.
// Everything that depends on more than the packet, its flow and the rule stays
// with software, whatever rules the device holds.
func (p *pkt) deviceAction(a *action) bool {
	d := p.e.device
	d.why = missAction
	switch a.control {
	case policy.Jump, policy.Trap, policy.Reclassify, policy.Continue:
		return false
	case policy.Stolen:
		if a.kind != actMirred {
			return false
		}
	}
	switch a.kind {
	case actGact:
		if a.random != randomNone {
			return false
		}
	case actMirred:
		if a.ingress || a.toBlock >= 0 || uint(a.dev) >= uint(len(p.e.prog.devs)) || p.nest >= maxNest {
			return false
		}
		if t := &p.e.prog.devs[a.dev]; t.block[policy.Egress] >= 0 || t.tunnel >= 0 {
			return false
		}
	case actCT:
		if !p.carries(a.ct) {
			return false
		}
	case actTunnelKey:
		if a.set >= 0 {
			return false
		}
	case actVLAN, actMPLS, actPedit, actCsum, actSkbedit:
		if !p.own(0) {
			return false
		}
	default:
		return false
	}
	d.journal = append(d.journal, savedCounter{a.stat, p.e.counters.slots[a.stat]})
	d.done++
	return true
}

// carries finds the flow that lets a ct action be done here. What it asks for
// is what makes the flow table answer in the tracker's place, and no more.
func (p *pkt) carries(par *ctParams) bool {
	d, h, ct := p.e.device, p.h, &p.m.CT
	if par.Clear {
		return true
	}
	d.why = missPacket
	if par.Clone || par.help != conntrack.NoHelper || par.Force || p.innerTag() {
		return false
	}
	if h.Flags&^packet.DontFrag != packet.HasL3|packet.HasL4 || h.IPEnd(p.frame) > len(p.frame) {
		return false
	}
	switch h.Proto {
	case packet.ProtoTCP, packet.ProtoUDP:
	case packet.ProtoGRE:
		if h.Tuple.SPort|h.Tuple.DPort != 0 {
			return false
		}
	default:
		return false
	}
	d.again = ct.Conn != 0 && ct.Zone == par.Zone
	if d.again {
		// It has its connection already, and is not looked up anew. Translating
		// it once more is the tracker's.
		d.why = missCommit
		c := &d.carried[len(d.carried)-1]
		return !par.NAT && c.f.Conn == ct.Conn && (!par.Commit || same(par, c.f))
	}
	d.why = missFlow
	f, nat, dir := d.flows.Find(p.now, par.Zone, p.frame, h)
	if f == nil {
		return false
	}
	if !f.Both && (f.Tuple[0] == f.Tuple[1] || !d.blind && !p.e.tr.SoundUDP(p.frame, h)) {
		// Before a connection is assured its packets run through the tracker, too, to
		// which those of a connection with itself are replies.
		d.why = missPacket
		return false
	}
	if par.Commit {
		d.why = missCommit
		if !same(par, f) || par.NAT && f.Info(dir) == packet.CTNew {
			return false
		}
	}
	if !par.NAT || f.Info(dir) == packet.CTNew {
		nat = nil // bare nat leaves a connection without an answer alone
	}
	if nat != nil && !p.own(0) {
		return false
	}
	d.carried = append(d.carried, carriedFlow{f, nat, dir, h.IPBytes()})
	return true
}

// same reports whether a commit would leave mark and label as they are, as
// Tracker.SetMark and SetLabel have it: bits outside of the mask included. A
// label's would change with every packet.
func same(par *ctParams, f *offload.Entry) bool {
	if par.MarkMask != 0 && f.Mark&^par.MarkMask|par.Mark != f.Mark {
		return false
	}
	if par.LabelMask == ([16]byte{}) {
		return true
	}
	for i, m := range par.LabelMask {
		if f.Label[i]&^m^par.Label[i] != f.Label[i] {
			return false
		}
	}
	return true
}

// carry does a ct action with the flow that carries has found.
func (p *pkt) carry(a *action) (policy.Control, int32) {
	p.count(a)
	d, ct := p.e.device, &p.m.CT
	if a.ct.Clear {
		p.dropCT()
		ct.PostCT, ct.NAT = false, 0
		p.refreshCT(a, nil)
		return a.control, a.arg
	}
	if d.again {
		ct.NAT = 0
		p.refreshCT(a, nil)
		return a.control, a.arg
	}
	// What lies behind the IP packet goes, as in ctReady.
	if end := p.h.IPEnd(p.frame); end < len(p.frame) {
		p.frame = p.frame[:end]
		p.h.Len = uint32(end)
	}
	c := &d.carried[len(d.carried)-1]
	f, dir := c.f, c.dir
	ct.Conn, ct.Info, ct.NAT = f.Conn, f.Info(dir), 0
	d.mark, d.label = f.Mark, f.Label
	if c.nat != nil {
		p.rewrite(c.nat)
	}
	ct.PostCT, ct.Zone = true, a.ct.Zone
	p.refreshCT(a, nil)
	return a.control, a.arg
}

// rewrite translates a flow's packet as the device was told.
func (p *pkt) rewrite(r *offload.Rewrite) {
	h := p.h
	to := r.Apply(h.Tuple)
	if r.What&offload.Source != 0 {
		packet.Rewrite(p.frame, h, packet.Source, &to.Src, to.SPort)
		p.m.CT.NAT |= uint8(conntrack.SrcNAT)
	}
	if r.What&offload.Dest != 0 {
		packet.Rewrite(p.frame, h, packet.Dest, &to.Dst, to.DPort)
		p.m.CT.NAT |= uint8(conntrack.DstNAT)
	}
	h.Hash = p.e.tr.Hash(&h.Tuple)
	p.extract(p.e.prog.need)
}
