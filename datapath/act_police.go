package datapath

import (
	"math"

	"sluice/policy"
)

// policer is a token bucket (act_police.c). Tokens are nanoseconds of the rate.
// It lives as long as the action instance does.
type policer struct {
	is      policy.Police
	rate    tokenRate
	peak    tokenRate
	packets tokenRate
	limit   uint32 // largest frame that conforms
	burst   int64
	pburst  int64 // of the peak rate: one largest frame
	kburst  int64 // of packets

	at                   int64 // when tokens were last counted
	toks, ptoks, pkttoks int64
}

// tokenRate turns bytes, or packets, into nanoseconds as the kernel does, by a
// factor of 32 bits (sch_generic.c psched_ratecfg_precompute__).
type tokenRate struct {
	mult     uint64
	shift    uint8
	overhead uint32
	mpu      uint32
	atm      bool
}

func newTokenRate(rate uint64) tokenRate {
	t := tokenRate{mult: 1}
	if rate == 0 {
		return t
	}
	for factor := uint64(1e9); ; factor <<= 1 {
		t.mult = uint64(uint32(factor / rate))
		if t.mult>>31 != 0 || factor>>63 != 0 {
			return t
		}
		t.shift++
	}
}

// cost is psched_l2t_ns.
func (t *tokenRate) cost(n uint32) int64 {
	n = max(n+t.overhead, t.mpu)
	if t.atm {
		n = (n + 47) / 48 * 53
	}
	return int64(uint64(n) * t.mult >> t.shift)
}

// ticksNS is how long the kernel's tick is in which iproute2 gives bursts.
const ticksNS = 64

// policer returns an instance's bucket, a full one for a new instance or for
// new parameters.
func (e *Engine) policer(a *policy.Action, now int64) *policer {
	if p := e.policers[a]; p != nil && p.is == *a.Police {
		return p
	}
	s := a.Police
	p := &policer{is: *s, limit: s.Limit(), at: now}
	on := func(rate uint64) tokenRate {
		t := newTokenRate(rate)
		t.overhead, t.mpu, t.atm = uint32(s.Overhead), uint32(s.MPU), s.ATM
		return t
	}
	p.rate, p.peak, p.packets = on(s.Rate), on(s.Peak), newTokenRate(s.PktRate)
	p.burst = int64(policy.Ticks(s.Rate, uint64(s.Burst))) * ticksNS
	p.kburst = int64(policy.Ticks(s.PktRate, s.PktBurst)) * ticksNS
	if s.Peak != 0 {
		p.pburst = p.peak.cost(p.limit)
	}
	// Packets have none to begin with: they gather from now on.
	p.toks, p.ptoks = p.burst, p.pburst
	e.policers[a] = p
	return p
}

// restore goes on with what another engine's bucket had left.
func (b *policer) restore(s *Bucket) {
	if s.At > b.at { // loaded at the time reached: nothing was counted later
		return
	}
	left := func(tokens, most int64) int64 { return max(0, min(tokens, most)) }
	b.at, b.toks, b.ptoks, b.pkttoks = s.At, left(s.Bytes, b.burst), left(s.Peak, b.pburst), left(s.Packet, b.kburst)
}

// police lets a packet pass as long as there are tokens (tcf_police_act).
func (p *pkt) police(a *action) (policy.Control, int32) {
	s := p.count(a)
	b := a.edit.police
	ctl, arg := a.control, a.arg
	conforms, counted := b.conforms(p.now, p.size, p.macLen())
	if conforms {
		ctl, arg = b.is.Conform, int32(b.is.ConformArg)
	} else {
		s.overlimits++
	}
	if ctl == policy.Shot {
		if counted {
			s.drops++
		}
		p.reason = ReasonGact
		if !conforms {
			p.reason = ReasonPolice
		}
		return ctl, arg
	}
	p.because(ctl)
	return ctl, arg
}

// macLen is what of the link layer counts to a packet's size on ingress.
func (p *pkt) macLen() uint32 {
	if p.egress {
		return 0
	}
	return uint32(p.at()-p.strip) - uint32(boolRef(p.tag))*4
}

// conforms takes a packet's tokens. counted is false for one that only its
// size was looked at of: the kernel counts no drop then.
func (b *policer) conforms(now int64, size, mac uint32) (ok, counted bool) {
	if size+mac > b.limit {
		return false, true
	}
	if b.is.Rate == 0 && b.is.PktRate == 0 {
		return true, false
	}
	var toks, ptoks, pkttoks int64
	since := min(now-b.at, math.MaxInt64/4)
	switch {
	case b.is.Rate != 0:
		toks = min(since, b.burst)
		if b.is.Peak != 0 {
			ptoks = min(toks+b.ptoks, b.pburst) - b.peak.cost(size)
		}
		toks = min(toks+b.toks, b.burst) - b.rate.cost(size)
	default:
		pkttoks = min(min(since, b.kburst)+b.pkttoks, b.kburst) - int64(b.packets.mult>>b.packets.shift)
	}
	if toks|ptoks|pkttoks < 0 {
		return false, true
	}
	b.at, b.toks, b.ptoks, b.pkttoks = now, toks, ptoks, pkttoks
	return true, true
}
