package datapath

import (
	"encoding/binary"

	"sluice/packet"
	"sluice/policy"
)

// Linux keeps a packet's outer VLAN tag beside it, not in it
// (skb_vlan_tag_present). Here it is always in the frame, behind the
// addresses, and pkt.tag says that it counts as taken out: the network header
// begins behind it, and counters leave it out.

// edit is what an editing action does.
type edit struct {
	vlan    policy.VLAN
	mpls    policy.MPLS
	pedit   policy.Pedit
	csum    policy.CsumFlags
	skbedit policy.Skbedit
	police  *policer
	sample  policy.Sample
}

// newEdit compiles an editing action; false for one of another kind.
func (e *Engine) newEdit(a *policy.Action, now int64) (kind actionKind, out *edit, ok bool) {
	out = &edit{}
	switch {
	case a.VLAN != nil:
		kind, out.vlan = actVLAN, *a.VLAN
	case a.MPLS != nil:
		kind, out.mpls = actMPLS, *a.MPLS
	case a.Pedit != nil:
		kind, out.pedit = actPedit, *a.Pedit
	case a.Csum != nil:
		kind, out.csum = actCsum, a.Csum.Flags
	case a.Skbedit != nil:
		kind, out.skbedit = actSkbedit, *a.Skbedit
	case a.Police != nil:
		kind, out.police = actPolice, e.policer(a, now)
	case a.Sample != nil:
		kind, out.sample = actSample, *a.Sample
	default:
		return 0, nil, false
	}
	return kind, out, true
}

// layout notes where the packet's network header is, from its headers as they
// came in.
func (p *pkt) layout() {
	h := p.h
	p.tag, p.typ, p.strip = h.NVLAN > 0, h.EtherType, 0
	if h.NVLAN > 1 {
		p.typ = h.VLAN[1].TPID
	}
	p.base, p.front, p.lent, p.dirty = p.frame, 0, false, false
}

// untag takes the tag in a frame of the packet's own for one beside the
// packet, as when a device receives it (net/core/dev.c
// __netif_receive_skb_core). It is the tag that the packet's protocol says,
// whatever pedit has made of the bytes.
func (p *pkt) untag() {
	if !p.tag && isVLAN(p.typ) && len(p.frame) >= packet.MACLen+packet.TagLen {
		binary.BigEndian.PutUint16(p.frame[12:], p.typ)
		p.tag, p.typ = true, be16(p.frame[16:])
	}
}

// innerTag reports whether there is a tag where the network header should be.
func (p *pkt) innerTag() bool { return p.h.NVLAN > 1 || p.h.NVLAN == 1 && !p.tag }

// tagCut reports whether a device drops a frame that it receives because the
// tag in it is cut off: behind it two bytes must be left (skb_vlan_untag). A
// tag that is beside the packet already is none of that.
func (p *pkt) tagCut() bool {
	in := isVLAN(p.typ) && !p.tag || p.tag && p.depth == 0
	return in && len(p.frame) < packet.MACLen+packet.TagLen+2
}

// at is the offset of the network header as Linux sees it: behind the outer
// tag, at an inner one.
func (p *pkt) at() int {
	if p.tag {
		return packet.MACLen + packet.TagLen
	}
	return packet.MACLen
}

// rewritten brings the headers up to date after a change to a frame that is
// the packet's own. The key follows when somebody asks for it.
func (p *pkt) rewritten() {
	packet.Reparse(p.frame, p.at(), p.typ, p.tag, p.h)
	if p.h.Tuple.Family != packet.FamilyNone {
		p.h.Hash = p.e.tr.Hash(&p.h.Tuple)
	}
	p.dirty = true
	p.found.Known = false
}

// refresh brings the key up to date.
func (p *pkt) refresh() {
	p.dirty = false
	p.proto = p.protocol()
	p.extract(p.e.prog.need)
}

// protocol is what cls_api takes for the packet's (skb_protocol).
func (p *pkt) protocol() uint16 {
	if p.tag {
		return p.h.VLAN[0].TPID
	}
	return p.typ
}

// refused ends an editing action on a packet that it cannot be done to.
func (p *pkt) refused(a *action) (policy.Control, int32) {
	p.e.counters.slots[a.stat].drops++
	if p.reason != ReasonNoMemory {
		p.reason = ReasonEdit
	}
	return policy.Shot, 0
}

// done ends an editing action as its control says.
func (p *pkt) done(a *action) (policy.Control, int32) {
	p.because(a.control)
	return a.control, a.arg
}

// because notes why a control ends a packet.
func (p *pkt) because(ctl policy.Control) {
	switch ctl {
	case policy.Shot:
		p.reason = ReasonGact
	case policy.Trap, policy.Stolen:
		p.reason = ReasonTrap
	}
}

func isVLAN(t uint16) bool { return t == packet.EtherVLAN || t == packet.EtherQinQ }
func isMPLS(t uint16) bool { return t == packet.EtherMPLS || t == packet.EtherMPLSM }

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
