package conntrack

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"sluice/packet"
)

// claims says which tracker has the connection that a tuple in a zone is
// one direction of. A translated connection's reply has another hash than its
// original, so neither can be found by hash, and a port is free only if no
// connection of any tracker has the tuple.
//
// An entry is 24 bytes, for both directions of a tuple: two digests of it,
// under keys that nobody knows, 112 bits of which are compared; whose each
// direction is; and a time before which neither connection can expire. Reading
// takes no lock: a shard's sequence number is odd while it is written, and has
// changed afterwards.
type claims struct {
	key   [2]uint64
	shard [claimShards]claimShard
	ports sharedPorts
}

const claimShards = 64

type claimShard struct {
	mu   sync.Mutex
	seq  atomic.Uint64
	tab  atomic.Pointer[[]claimEntry] // a power of two, at most three quarters full
	used int
	_    [128 - 32]byte
}

// claimEntry is read and written word by word, atomically.
type claimEntry struct {
	a     atomic.Uint64 // first digest; 0: free
	b     atomic.Uint64 // 48 bits of the second, then a tracker's number plus one for each direction
	until atomic.Int64
}

// claimKey is a tuple's place.
type claimKey struct {
	a, b uint64 // b's last 16 bits are zero
	side int    // which of the two directions the tuple is
}

// keyOf digests a tuple and its inverse to the same entry, on different sides.
func (cl *claims) keyOf(tu *packet.Tuple, zone uint16) (k claimKey) {
	t := tu
	if invertible(tu) {
		if inv := invert(tu); less(&inv, tu) {
			t, k.side = &inv, 1
		}
	}
	w := wordsOfTuple(t)
	rest := uint64(t.SPort) | uint64(t.DPort)<<16 | uint64(zone)<<32 | uint64(w.kind)<<48
	digest := func(k0, k1 uint64) uint64 {
		src, dst := mum(w.src[0]^k0, w.src[1]^k1), mum(w.dst[0]^k1, w.dst[1]^k0)
		return mum(src^bits.RotateLeft64(dst, 32)^k1, dst+rest*0x9e3779b97f4a7c15^k0)
	}
	k.a = digest(cl.key[0], cl.key[1]) | 1
	k.b = digest(^cl.key[1], cl.key[0]+0x9fb21c651e98df25) &^ 0xffff
	return k
}

// less orders tuples.
func less(a, b *packet.Tuple) bool {
	x, y := wordsOfTuple(a), wordsOfTuple(b)
	switch {
	case x.src[0] != y.src[0]:
		return x.src[0] < y.src[0]
	case x.src[1] != y.src[1]:
		return x.src[1] < y.src[1]
	case x.dst[0] != y.dst[0]:
		return x.dst[0] < y.dst[0]
	case x.dst[1] != y.dst[1]:
		return x.dst[1] < y.dst[1]
	}
	return uint32(a.SPort)<<16|uint32(a.DPort) < uint32(b.SPort)<<16|uint32(b.DPort)
}

func (cl *claims) of(k *claimKey) *claimShard { return &cl.shard[k.a>>58] }

// get returns whose an entry's directions are, as trackers' numbers plus one.
func (cl *claims) get(k *claimKey) (who [2]uint8, until int64, ok bool) {
	s := cl.of(k)
	for {
		seq := s.seq.Load()
		if seq&1 == 0 {
			b := uint64(0)
			tab := s.tab.Load()
			if tab != nil {
				if e := find(*tab, k); e != nil {
					b, until = e.b.Load(), e.until.Load()
				}
			}
			if s.seq.Load() == seq {
				return [2]uint8{uint8(b), uint8(b >> 8)}, until, b != 0
			}
		}
		runtime.Gosched()
	}
}

// find looks for a key; nil: it is not there. While somebody writes it may miss
// what is there, but it ends.
func find(tab []claimEntry, k *claimKey) *claimEntry {
	mask := uint64(len(tab) - 1)
	for n, i := 0, k.a>>1&mask; n < len(tab); n, i = n+1, (i+1)&mask {
		a := tab[i].a.Load()
		if a == 0 {
			return nil
		}
		if a == k.a && tab[i].b.Load()&^0xffff == k.b {
			return &tab[i]
		}
	}
	return nil
}

// put claims tuples of a key, in a zone, by side (nil: not that one), for a
// tracker; false, and nothing done, when one of them is another connection's.
func (cl *claims) put(k *claimKey, tus [2]*packet.Tuple, zone uint16, me int, until int64) bool {
	s := cl.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	add, mask := uint64(0), uint64(0)
	for d, tu := range tus {
		if tu != nil {
			add |= uint64(me+1) << (8 * d)
			mask |= 0xff << (8 * d)
		}
	}
	if !s.put(k, add, mask, until) {
		return false
	}
	for _, tu := range tus {
		if tu != nil {
			cl.mark(tu, zone, true, until)
		}
	}
	return true
}

// put is claims.put to a shard that is locked.
func (s *claimShard) put(k *claimKey, add, mask uint64, until int64) bool {
	tab := s.tab.Load()
	if tab != nil {
		if e := find(*tab, k); e != nil {
			b := e.b.Load()
			if b&mask != 0 {
				return false
			}
			s.seq.Add(1)
			e.b.Store(b | add)
			e.until.Store(min(e.until.Load(), until))
			s.seq.Add(1)
			return true
		}
	}
	s.seq.Add(1)
	if tab == nil || (s.used+1)*4 > len(*tab)*3 {
		tab = s.grow()
	}
	e := free(*tab, k.a)
	e.b.Store(k.b | add)
	e.until.Store(until)
	e.a.Store(k.a)
	s.used++
	s.seq.Add(1)
	return true
}

// free finds where a new entry goes.
func free(tab []claimEntry, a uint64) *claimEntry {
	mask := uint64(len(tab) - 1)
	i := a >> 1 & mask
	for tab[i].a.Load() != 0 {
		i = (i + 1) & mask
	}
	return &tab[i]
}

// grow doubles a shard's table.
func (s *claimShard) grow() *[]claimEntry {
	n := 16
	old := s.tab.Load()
	if old != nil {
		n = 2 * len(*old)
	}
	tab := make([]claimEntry, n)
	if old != nil {
		for i := range *old {
			if o := &(*old)[i]; o.a.Load() != 0 {
				e := free(tab, o.a.Load())
				e.b.Store(o.b.Load())
				e.until.Store(o.until.Load())
				e.a.Store(o.a.Load())
			}
		}
	}
	s.tab.Store(&tab)
	return &tab
}

// drop gives those tuples of a key back that are a tracker's.
func (cl *claims) drop(k *claimKey, tus [2]*packet.Tuple, zone uint16, me int) {
	s := cl.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	tab := s.tab.Load()
	if tab == nil {
		return
	}
	e := find(*tab, k)
	if e == nil {
		return
	}
	b := e.b.Load()
	for d, tu := range tus {
		if tu != nil && uint8(b>>(8*d)) == uint8(me+1) {
			b &^= 0xff << (8 * d)
			cl.mark(tu, zone, false, 0)
		}
	}
	s.seq.Add(1)
	if e.b.Store(b); b&0xffff == 0 {
		s.remove(*tab, e)
	}
	s.seq.Add(1)
}

// remove takes an entry out and moves those behind it up, so that no search
// ends too early (Knuth, The Art of Computer Programming, 6.4, algorithm R).
func (s *claimShard) remove(tab []claimEntry, e *claimEntry) {
	mask := uint64(len(tab) - 1)
	i := uint64(0)
	for i = e.a.Load() >> 1 & mask; &tab[i] != e; i = (i + 1) & mask {
	}
	for j := i; ; {
		tab[i].a.Store(0)
		for {
			j = (j + 1) & mask
			a := tab[j].a.Load()
			if a == 0 {
				s.used--
				return
			}
			if home := a >> 1 & mask; (j-home)&mask >= (j-i)&mask {
				break
			}
		}
		tab[i].b.Store(tab[j].b.Load())
		tab[i].until.Store(tab[j].until.Load())
		tab[i].a.Store(tab[j].a.Load())
		i = j
	}
}

// expires notes that the connection of a key may expire at a time. Only where
// the entry is one connection's can that be later than before.
func (cl *claims) expires(k *claimKey, at int64, later bool) {
	s := cl.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if tab := s.tab.Load(); tab != nil {
		if e := find(*tab, k); e != nil {
			if b := e.b.Load(); !later || b&0xff != 0 && b&0xff00 != 0 {
				at = min(at, e.until.Load())
			}
			e.until.Store(at)
		}
	}
}

// sides are the keys that a connection claims, and which sides of them: without
// translation one key's, both.
func (t *Tracker) sides(c *Conn, reply *packet.Tuple) (orig, back claimKey, first, second [2]*packet.Tuple) {
	cl := &t.shared.claims
	orig, back = cl.keyOf(&c.Orig, c.Zone), cl.keyOf(reply, c.Zone)
	first[orig.side] = &c.Orig
	if orig.a == back.a && orig.b == back.b {
		first[back.side] = reply
	} else {
		second[back.side] = reply
	}
	return orig, back, first, second
}

// claim takes a connection's tuples; false when one is another's.
func (t *Tracker) claim(c *Conn, reply *packet.Tuple) bool {
	cl := &t.shared.claims
	orig, back, first, second := t.sides(c, reply)
	until := t.mayExpire(c)
	if !cl.put(&orig, first, c.Zone, t.member, until) {
		return false
	}
	if second != ([2]*packet.Tuple{}) && !cl.put(&back, second, c.Zone, t.member, until) {
		cl.drop(&orig, first, c.Zone, t.member)
		return false
	}
	return true
}

// claiming reports whether connections claim their tuples.
func (t *Tracker) claiming() bool { return t.shared != nil && t.shared.translates }

// confirmClaim is claim for a connection that is being committed.
func (t *Tracker) confirmClaim(now int64, slot uint32, c *Conn, reply *packet.Tuple) bool {
	// What has one of the tuples may have expired: a look removes it.
	if !t.claim(c, reply) &&
		(t.takenElsewhere(now, &c.Orig, c.Zone) || t.takenElsewhere(now, reply, c.Zone) || !t.claim(c, reply)) {
		return false
	}
	if n := t.sharedNode(slot, c); n != 0 {
		t.shared.sources.expires(&c.Orig, c.Zone, n, t.mayExpire(c), false)
	}
	return true
}

// unclaim gives them back.
func (t *Tracker) unclaim(c *Conn, reply *packet.Tuple) {
	cl := &t.shared.claims
	orig, back, first, second := t.sides(c, reply)
	cl.drop(&orig, first, c.Zone, t.member)
	if second != ([2]*packet.Tuple{}) {
		cl.drop(&back, second, c.Zone, t.member)
	}
}

// takenElsewhere reports whether a tuple is a connection's of another tracker,
// one that lives at now.
func (t *Tracker) takenElsewhere(now int64, tu *packet.Tuple, zone uint16) bool {
	cl := &t.shared.claims
	k := cl.keyOf(tu, zone)
	who, until, ok := cl.get(&k)
	owner := int(who[k.side]) - 1
	if !ok || owner < 0 || owner == t.member {
		return false
	}
	if now < until {
		return true
	}
	taken := false
	t.visit(owner, func(o *Tracker) {
		_, c, _ := o.Find(tu, o.Hash(tu), zone, now)
		if taken = c != nil; taken {
			cl.expires(&k, o.mayExpire(c), true)
		}
	})
	return taken
}

// claimedSooner notes that a connection may expire earlier than others believe.
func (t *Tracker) claimedSooner(slot uint32, c *Conn) {
	if !t.shared.translates || c.Status&StatusConfirmed == 0 {
		return
	}
	reply := t.reply(slot, c)
	orig, back, _, second := t.sides(c, &reply)
	at := t.mayExpire(c)
	t.shared.claims.expires(&orig, at, false)
	if second != ([2]*packet.Tuple{}) {
		t.shared.claims.expires(&back, at, false)
	}
	for _, tu := range [2]*packet.Tuple{&c.Orig, &reply} {
		if m, _ := t.portMap(tu, c.Zone); m != nil {
			m.expires(at)
		}
	}
	if n := t.sharedNode(slot, c); n != 0 {
		t.shared.sources.expires(&c.Orig, c.Zone, n, at, false)
	}
}

// Check compares the claims with the connections, of which all trackers must be
// stopped.
func (s *Shared) Check() (errs []error) {
	want, have := 0, 0
	for i := range s.parts {
		t := s.parts[i].tracker
		if !s.translates {
			break
		}
		for ref, c := range t.Known() {
			reply := t.reply(slotOf(ref), c)
			for _, tu := range []*packet.Tuple{&c.Orig, &reply} {
				k := s.claims.keyOf(tu, c.Zone)
				who, until, _ := s.claims.get(&k)
				if int(who[k.side]) != i+1 {
					errs = append(errs, fmt.Errorf("%v in zone %d is tracker %d's, and claimed by %d", tu, c.Zone, i, int(who[k.side])-1))
				}
				if c.Status&StatusOffload == 0 && c.Timeout < until {
					errs = append(errs, fmt.Errorf("%v expires at %d, and is believed to live until %d", tu, c.Timeout, until))
				}
			}
			want += 2
			if reply == c.Orig {
				want--
			}
		}
	}
	for i := range s.claims.shard {
		if tab := s.claims.shard[i].tab.Load(); tab != nil {
			for j := range *tab {
				if e := &(*tab)[j]; e.a.Load() != 0 {
					b := e.b.Load()
					have += int(min(b&0xff, 1) + min(b>>8&0xff, 1))
				}
			}
		}
	}
	if want != have {
		errs = append(errs, fmt.Errorf("%d tuples are claimed, want %d", have, want))
	}
	errs = append(errs, s.checkPorts()...)
	room, live := s.deficit.Load(), int64(0)
	for i := range s.parts {
		room -= s.parts[i].room.Load()
		live += int64(s.parts[i].tracker.slab.live)
	}
	if s.set.Max != 0 && live-room != s.set.Max {
		errs = append(errs, fmt.Errorf("%d connections and room for %d more, want %d", live, -room, s.set.Max))
	}
	return errs
}
