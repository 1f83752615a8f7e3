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
	if e.trace {
		e.hits[p.hit].Fragments = uint16(p.split.Fragments())
	}
	p.parse()
	p.begin()
	p.pullHeader()
	return ReasonNone
}

// pull notes that the first n bytes from the network header on were read or
// written as one piece. It shows when the packet is taken apart again.
func (p *pkt) pull(n int) {
	if p.split.Max != 0 {
		p.split.Pull(n)
	}
}

// pullHeader is what ct itself reads as one piece of a packet that it has put
// together: for its flow table a TCP header (act_ct.c
// tcf_ct_flow_table_fill_tuple_ipv4 and its twin), and for the checksum SCTP's
// (nf_conntrack_proto_sctp.c sctp_error).
func (p *pkt) pullHeader() {
	h := p.h
	switch l4 := int(h.L4) - int(h.L3); {
	case h.L4 == 0:
	case h.Proto == packet.ProtoTCP && h.Flags&(packet.IPOptions|packet.TTLLow) == 0:
		p.pull(l4 + 20)
	case h.Proto == packet.ProtoSCTP && p.e.tr.Settings().Checksum:
		p.pull(l4 + 12)
	}
}

// pullTranslated is what translation writes (nf_nat_proto.c): the transport
// header, and of an ICMP error the quoted packet's, too.
func (p *pkt) pullTranslated() {
	h := p.h
	if p.split.Max == 0 || h.L4 == 0 {
		return
	}
	ip := p.frame[h.L3:]
	at := int(h.L4) - int(h.L3)
	p.pull(at + manipSize(h.Proto))
	if p.m.CT.Info != packet.CTRelated && p.m.CT.Info != packet.CTRelatedReply || len(ip) < at+8 {
		return
	}
	var in packet.Headers
	packet.ParseInner(ip[at+8:], h.Tuple.Family, &in)
	if in.L4 != 0 && (h.Proto == packet.ProtoICMP || h.Proto == packet.ProtoICMPv6) {
		at += 8 + int(in.L4)
		p.pull(at) // as much as is there of the quoted header
		p.pull(at + 8)
		p.pull(at + manipSize(in.Proto))
	}
}

// manipSize is how much of a transport header is written to.
func manipSize(proto uint8) int {
	switch proto {
	case packet.ProtoTCP:
		return 20
	case packet.ProtoSCTP, packet.ProtoDCCP:
		return 12
	}
	return 8
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
		v, why := p.sendPiece(dev, n, b, a.toBlock < 0)
		if v != packet.Drop || fate == packet.Drop {
			fate, reason = v, why
		}
	}
}

func (p *pkt) sendPiece(dev, n int32, b []byte, named bool) (packet.Verdict, uint8) {
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
	c.dev, c.iif, c.copy, c.named = dev, p.dev, n, named
	c.parse()
	v := c.transmit()
	return v, c.reason
}
