package datapath

import (
	"encoding/binary"

	"sluice/packet"
	"sluice/policy"
)

// mpls changes the label stack (act_mpls.c tcf_mpls_act).
func (p *pkt) mpls(a *action) (policy.Control, int32) {
	p.count(a)
	if !p.relabel(&a.edit.mpls) {
		return p.refused(a)
	}
	return p.done(a)
}

func (p *pkt) relabel(m *policy.MPLS) bool {
	at := p.at()
	if len(p.frame) < at {
		return false
	}
	switch m.Op {
	case policy.MPLSPush:
		return p.pushMPLS(entry(0, m, !isMPLS(p.h.EtherType)), m.Proto)
	case policy.MPLSMACPush:
		if p.strip != 0 {
			return p.pushMPLS(entry(0, m, !isMPLS(p.typ)), m.Proto)
		}
		// The label goes before the whole frame, tag included. What stands
		// for the missing Ethernet header is cut off again by wire.
		const n = packet.MACLen + packet.LSELen
		if !p.own(n) {
			return false
		}
		p.grow(n)
		clear(p.frame[:12])
		binary.BigEndian.PutUint16(p.frame[12:], m.Proto)
		binary.BigEndian.PutUint32(p.frame[14:], entry(0, m, true))
		p.tag, p.typ, p.strip = false, m.Proto, packet.MACLen
	case policy.MPLSPop:
		if !isMPLS(p.typ) {
			return true
		}
		if len(p.frame) < at+packet.LSELen || !p.own(0) {
			return false
		}
		packet.PopMPLS(p.frame, at, m.Proto)
		p.shrink(packet.LSELen)
		p.typ = m.Proto
	case policy.MPLSModify, policy.MPLSDecTTL:
		if !isMPLS(p.typ) || len(p.frame) < at+packet.LSELen {
			return false
		}
		lse := binary.BigEndian.Uint32(p.frame[at:])
		if m.Op == policy.MPLSModify {
			lse = entry(lse, m, false)
		} else {
			ttl := uint8(lse) - 1
			if ttl == 0 {
				return false
			}
			lse = lse&^packet.TTLMask | uint32(ttl)
		}
		if !p.own(0) {
			return false
		}
		binary.BigEndian.PutUint32(p.frame[at:], lse)
	}
	p.rewritten()
	return true
}

// pushMPLS is skb_mpls_push.
func (p *pkt) pushMPLS(lse uint32, proto uint16) bool {
	if !p.own(packet.LSELen) {
		return false
	}
	p.grow(packet.LSELen)
	packet.PushMPLS(p.frame, p.at(), lse, proto)
	p.typ = proto
	p.rewritten()
	return true
}

// entry is tcf_mpls_get_lse: the fields that the action gives, the others from
// the present entry; last is the bottom-of-stack bit if none is given.
func entry(lse uint32, m *policy.MPLS, last bool) uint32 {
	if m.HasLabel {
		lse = lse&^packet.LabelMask | m.Label<<packet.LabelShift
	}
	if m.TTL != 0 {
		lse = lse&^packet.TTLMask | uint32(m.TTL)
	}
	if m.HasTC {
		lse = lse&^packet.TCMask | uint32(m.TC)<<packet.TCShift
	}
	if m.HasBOS {
		lse &^= packet.BOSMask
		last = m.BOS != 0
	}
	if last {
		lse |= packet.BOSMask
	}
	return lse
}
