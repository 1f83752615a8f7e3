package datapath

import (
	"encoding/binary"

	"sluice/packet"
	"sluice/policy"
)

// vlan changes tags and the Ethernet header (act_vlan.c tcf_vlan_act).
func (p *pkt) vlan(a *action) (policy.Control, int32) {
	p.count(a)
	if !p.retag(&a.edit.vlan) {
		return p.refused(a)
	}
	return p.done(a)
}

func (p *pkt) retag(v *policy.VLAN) bool {
	if len(p.frame) < p.at() {
		return false
	}
	switch v.Op {
	case policy.VLANPop:
		if !p.tag && !isVLAN(p.typ) {
			return true
		}
		return p.popVLAN()
	case policy.VLANPush:
		return p.pushVLAN(packet.VLANTag{TPID: v.Proto, TCI: uint16(v.Prio)<<13 | v.ID})
	case policy.VLANModify:
		if !p.tag && !isVLAN(p.typ) {
			return true
		}
		return p.modifyVLAN(v)
	case policy.VLANPopEth:
		// skb_eth_pop: neither a tagged packet nor one without the header.
		if p.tag || isVLAN(p.typ) || p.strip != 0 || !p.own(0) {
			return false
		}
		p.strip = packet.MACLen
		p.rewritten()
	case policy.VLANPushEth:
		// skb_eth_push: only where there is no header.
		if p.strip == 0 || p.tag || !p.own(0) {
			return false
		}
		copy(p.frame, v.Dst[:])
		copy(p.frame[6:], v.Src[:])
		binary.BigEndian.PutUint16(p.frame[12:], p.typ)
		p.strip = 0
		p.rewritten()
	}
	return true
}

// popVLAN is skb_vlan_pop: the next tag takes the outer one's place.
func (p *pkt) popVLAN() bool {
	const two = packet.MACLen + packet.TagLen
	if !p.tag {
		if len(p.frame) < two {
			return false
		}
		p.typ = be16(p.frame[16:])
	}
	if isVLAN(p.typ) && len(p.frame) < two+packet.TagLen || !p.own(0) {
		return false
	}
	packet.PopVLAN(p.frame)
	p.shrink(packet.TagLen)
	p.tag = false
	p.untag()
	p.rewritten()
	return true
}

// pushVLAN is skb_vlan_push: a tag that was beside the packet goes into it. A
// packet without an Ethernet header has no place for a tag.
func (p *pkt) pushVLAN(t packet.VLANTag) bool {
	if p.strip != 0 || !p.own(packet.TagLen) {
		return false
	}
	if p.tag {
		p.typ = be16(p.frame[12:])
	}
	p.grow(packet.TagLen)
	packet.PushVLAN(p.frame, t)
	p.tag = true
	p.rewritten()
	return true
}

func (p *pkt) modifyVLAN(v *policy.VLAN) bool {
	if len(p.frame) < packet.MACLen+packet.TagLen || !p.own(0) {
		return false
	}
	p.untag()
	tci := be16(p.frame[14:])&^0x0fff | v.ID
	if v.HasPrio {
		tci = tci&0x1fff | uint16(v.Prio)<<13
	}
	packet.SetVLAN(p.frame, packet.VLANTag{TPID: v.Proto, TCI: tci})
	p.rewritten()
	return true
}
