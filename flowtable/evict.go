package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
)

// Eviction is who must go when a device is full and others wait.
type Eviction uint8

const (
	// EvictNone: nobody; who came first stays until it is idle.
	EvictNone Eviction = iota
	// EvictLRU: the one that has been without a packet the longest.
	EvictLRU
	// EvictRate: the one with the fewest packets a second.
	EvictRate
	// EvictState: those of one direction first, then the longest idle.
	EvictState

	numEvictions
)

// EvictionNames are the names that options use.
var EvictionNames = [numEvictions]string{"none", "lru", "rate", "state"}

func (e Eviction) String() string {
	if e < numEvictions {
		return EvictionNames[e]
	}
	return "unknown"
}

const (
	// sampleSize is how many flows are looked at for one victim: the worst of
	// sixteen is among the worst sixth nineteen times out of twenty.
	sampleSize = 16
	// evictShare is how many flows one call evicts at most.
	evictShare = 16
	// evictPause is how long nobody looks for victims once none was found.
	evictPause = second / 100
	// rateMargin is how many times as many packets the newcomer must have, so
	// that two flows of one rate do not push each other out by turns.
	rateMargin = 2
)

// makeRoom evicts flows for those that wait, down to the low water mark.
func (d *device) makeRoom(now int64) {
	if d.set.adm.Eviction == EvictNone || now < d.evictAt || d.room() > 0 {
		return
	}
	limit := d.limit()
	high, low := limit*d.set.adm.High/100, limit*d.set.adm.Low/100
	goal := min(low, high-min(d.waiting, high))
	for range evictShare {
		if d.entries.n-d.leaving <= goal {
			return
		}
		e := d.victim(now)
		if d.dead {
			return
		}
		if e == nil {
			d.evictAt = now + evictPause
			return
		}
		d.evict(e)
	}
}

// evict takes one flow back to make room.
func (d *device) evict(e *entry) {
	s, ref := d.set, e.ref
	d.stats.Evicted++
	d.remove(e, offload.Evicted)
	if x := s.known(ref); x != nil {
		x.next = max(x.next, s.now+s.adm.RetryEvery)
		if c := s.tr.Conn(ref); mine(c) {
			s.settleFlags(c, x)
			x.seen, x.last = packets(c), s.now
		}
	}
}

// victim finds the flow to go, nil if none of those looked at is worse than
// who waits.
func (d *device) victim(now int64) *entry {
	var worst *entry
	var worstScore float64
	for range sampleSize {
		i := int(d.rand() % uint64(max(d.entries.n, 1)))
		if i >= d.entries.n {
			return nil
		}
		e := d.entries.all.at(i)
		c := d.set.tr.Conn(e.ref)
		if !e.held || !mine(c) {
			continue
		}
		if d.prober != nil {
			name := e.ref
			ok := d.probe(e, c)
			if d.dead {
				return nil
			}
			if e = d.entries.of(name); e == nil || !ok {
				continue
			}
			c = d.set.tr.Conn(name)
		}
		if score, ok := d.score(e, c, now); ok && (worst == nil || score > worstScore) {
			worst, worstScore = e, score
		}
	}
	if worst != nil && !worst.held {
		return nil // looked at twice, and forgotten by the device in between
	}
	if worst != nil && d.set.adm.Eviction == EvictRate && d.newcomer() < rateMargin*-worstScore {
		d.turnAway()
		return nil
	}
	return worst
}

// score is the higher the less a flow deserves its room; false if it may not
// be evicted.
func (d *device) score(e *entry, c *conntrack.Conn, now int64) (float64, bool) {
	idle := now - e.base.Used
	switch d.set.adm.Eviction {
	case EvictLRU:
		return float64(idle), idle >= d.set.adm.RetryEvery
	case EvictRate:
		if now-e.asked < d.set.adm.RetryEvery {
			return 0, false // nobody knows its rate yet
		}
		return -min(float64(e.rate), float64(second)*float64(max(c.Packets()[0]+c.Packets()[1], 1))/float64(max(idle, 1))), true
	case EvictState:
		score := float64(idle)
		if c.Status&conntrack.StatusAssured == 0 {
			return score + float64(1<<62), true
		}
		return score, idle >= d.set.adm.RetryEvery
	}
	return 0, false
}

// newcomer is the rate, in packets a second, of the flow that waits longest; 0
// if it is not known yet.
func (d *device) newcomer() float64 {
	for d.pending.len() > 0 {
		if x := d.set.known(d.pending.at(0)); x != nil && x.pending&d.bit != 0 {
			return float64(x.rate)
		}
		d.pending.pop()
	}
	return 0
}

// turnAway takes the flow that waits longest off the pending list.
func (d *device) turnAway() {
	if d.pending.len() == 0 {
		return
	}
	ref := d.pending.pop()
	x := d.set.known(ref)
	if x == nil || x.pending&d.bit == 0 {
		return
	}
	d.unqueue(x)
	d.stats.Unlisted++
	d.set.settleFlags(d.set.tr.Conn(ref), x)
}

// rand is a xorshift* generator: which flows are looked at must be the same
// in every run, and nobody outside can gain by guessing.
func (d *device) rand() uint64 {
	d.random ^= d.random >> 12
	d.random ^= d.random << 25
	d.random ^= d.random >> 27
	return d.random * 0x2545f4914f6cdd1d >> 8
}
