package datapath

import (
	"sluice/packet"
	"sluice/policy"
)

// sample takes a copy of one packet in so many (act_sample.c tcf_sample_act).
// The copy has an Ethernet header, but not the tag beside the packet.
func (p *pkt) sample(a *action) (policy.Control, int32) {
	p.count(a)
	if s := &a.edit.sample; p.e.rng.Uint32N(s.Rate) == 0 {
		p.take(s)
	}
	return p.done(a)
}

func (p *pkt) take(s *policy.Sample) {
	at := min(p.at(), len(p.frame))
	mac := p.frame[min(p.strip, at):min(packet.MACLen, at)]
	if p.tag && at == packet.MACLen+packet.TagLen {
		mac = p.frame[:12]
		at -= 2 // the type
	}
	size := len(mac) + len(p.frame) - at
	n := size
	if s.HasTrunc {
		n = min(n, int(s.Trunc))
	}
	b := p.e.v.Arena.Alloc(n)
	if b == nil {
		p.e.lostSamples++
		return
	}
	copy(b[copy(b, mac):], p.frame[at:])
	p.e.samples++
	p.e.v.Samples = append(p.e.v.Samples, packet.Sample{
		Pkt: p.i, Dev: p.dev, Group: s.Group, Rate: s.Rate, Len: uint32(size), Frame: b,
	})
}

// Samples counts the copies that sample actions took, and those for which the
// vector had no memory left.
func (e *Engine) Samples() (taken, lost uint64) { return e.samples, e.lostSamples }
