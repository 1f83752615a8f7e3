package conntrack

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"sluice/packet"
)

// Shared is what several trackers have in common that each hold a part of the
// connections, one for each worker: how many there may be, and, once
// something is translated, which tuples of all connections are taken
// (claims), whose translation a client keeps (sharedSources), and the source
// of random ports. None of it is touched by a packet of a connection that is
// known already.
//
// A tracker of several is used under its lock (Lock). Looking for a port it may
// have to ask another one whether a connection still lives; while it waits for
// that, its own lock is open.
type Shared struct {
	set     *Settings
	parts   []part
	deficit atomic.Int64 // connections above the limit, after it was lowered
	claims  claims
	sources sharedSources

	// Written while all trackers are locked.
	alone      bool // one goroutine holds all locks
	translates bool // connections claim their tuples

	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

// part is one tracker's share. Nobody writes to another's without need, so
// each has cache lines of its own.
type part struct {
	mu      sync.Mutex
	room    atomic.Int64 // connections that it may begin without asking
	soonest atomic.Int64 // its tracker's due.min
	tracker *Tracker
	_       [128 - 32]byte
}

// MaxShared is how many trackers may have a Shared in common.
const MaxShared = 254

// NewShared prepares for n trackers, 1 to MaxShared. Each is made by New with
// the same seed and settings, Shared, and a Member number of its own.
func NewShared(n int, seed [2]uint64, set *Settings) *Shared {
	s := &Shared{
		set: set, parts: make([]part, n),
		rng: rand.New(rand.NewPCG(seed[0], seed[1]^0x6e6174)),
	}
	s.claims.key = keyOfSeed(seed)
	s.sources.key = s.claims.key
	s.allot(set.Max)
	return s
}

// Lock takes the tracker into use, together with other calls that may not
// happen at the same time. A tracker that shares nothing has no lock.
func (t *Tracker) Lock() {
	if t.shared != nil {
		t.shared.parts[t.member].mu.Lock()
	}
}

// Unlock is the end of what Lock began.
func (t *Tracker) Unlock() {
	if t.shared != nil {
		t.shared.parts[t.member].mu.Unlock()
	}
}

// Stop locks all trackers for one goroutine. Nobody may be using one.
func (s *Shared) Stop() {
	for i := range s.parts {
		s.parts[i].mu.Lock()
	}
	s.alone = true
}

// Resume is the end of Stop.
func (s *Shared) Resume() {
	s.alone = false
	for i := range s.parts {
		s.parts[i].mu.Unlock()
	}
}

// visit uses another tracker. Meanwhile the own one's lock is open, so that
// no two wait for one another: connections of t may have expired and gone
// afterwards, new ones have not come.
func (t *Tracker) visit(other int, do func(*Tracker)) {
	s := t.shared
	o := &s.parts[other]
	if s.alone {
		do(o.tracker)
		return
	}
	t.Unlock()
	o.mu.Lock()
	do(o.tracker)
	o.mu.Unlock()
	t.Lock()
}

// Translate makes all connections claim their tuples from now on, those that
// are there included. All trackers must be stopped.
func (s *Shared) Translate() {
	if s.translates {
		return
	}
	s.translates = true
	for i := range s.parts {
		t := s.parts[i].tracker
		for ref, c := range t.Known() {
			reply := t.reply(slotOf(ref), c)
			t.claim(c, &reply)
		}
	}
}

// Translates reports whether connections claim their tuples.
func (s *Shared) Translates() bool { return s.translates }

// Member says which tracker has a connection with a packet's tuple in a zone,
// or would begin it. It may be called at any time, by anybody.
func (s *Shared) Member(tu *packet.Tuple, zone uint16, claimed bool) int {
	if claimed {
		k := s.claims.keyOf(tu, zone)
		if who, _, ok := s.claims.get(&k); ok && who[k.side] != 0 {
			return int(who[k.side]) - 1
		}
	}
	return s.home(tu)
}

// home is the tracker of an untranslated connection.
func (s *Shared) home(tu *packet.Tuple) int {
	hi, _ := bits.Mul64(digest(s.claims.key[0], s.claims.key[1], tu), uint64(len(s.parts)))
	return int(hi)
}

// random is 32 random bits for a translation.
func (t *Tracker) random() uint32 {
	if t.shared == nil {
		return t.rng.Uint32()
	}
	t.shared.mu.Lock()
	defer t.shared.mu.Unlock()
	return t.shared.rng.Uint32()
}

// The limit of all trackers together is kept as shares. A connection takes one
// out of its tracker's, which is nobody else's business, and gives it back when
// it ends; where there is none left, half of somebody else's comes over. So
// there are never more connections than the limit, and none is refused before.

// allot divides the limit. Nothing may have been taken yet.
func (s *Shared) allot(limit int64) {
	if limit == 0 {
		limit = math.MaxInt64 / 2
	}
	n := int64(len(s.parts))
	for i := range s.parts {
		s.parts[i].room.Store((limit + int64(i)) / n)
	}
}

// Limited makes a changed Settings.Max take effect. All trackers must be
// stopped.
func (s *Shared) Limited() {
	live := int64(0)
	for i := range s.parts {
		live += int64(s.parts[i].tracker.slab.live)
	}
	s.deficit.Store(0)
	if s.set.Max != 0 && live > s.set.Max {
		s.deficit.Store(live - s.set.Max)
		live = s.set.Max
	}
	if s.set.Max == 0 {
		s.allot(0)
	} else if left := s.set.Max - live; left > 0 {
		s.allot(left)
	} else {
		for i := range s.parts {
			s.parts[i].room.Store(0)
		}
	}
}

// take makes room for a connection; false: there is none.
func (s *Shared) take(me int) bool {
	own := &s.parts[me].room
	if own.Add(-1) >= 0 {
		return true
	}
	own.Add(1)
	for i := 1; i < len(s.parts); i++ {
		other := &s.parts[(me+i)%len(s.parts)].room
		for have := other.Load(); have > 0; have = other.Load() {
			if n := (have + 1) / 2; other.CompareAndSwap(have, have-n) {
				own.Add(n - 1)
				return true
			}
		}
	}
	return false
}

// give returns a connection's room.
func (s *Shared) give(me int) {
	if s.deficit.Load() > 0 {
		if s.deficit.Add(-1) >= 0 {
			return
		}
		s.deficit.Add(1)
	}
	s.parts[me].room.Add(1)
}
