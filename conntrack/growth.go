package conntrack

import "unsafe"

// growth is a larger index on its way to take the present one's place. It is
// made beside it, a bounded share with each Tick, and lookups know nothing of it
// until it is whole: it holds the connections of the slots up to done, and what
// enters or leaves the index at one of these does so in both.
type growth struct {
	ix      index // without buckets: the index does not grow
	ticks   int   // since it began
	touched int   // buckets whose memory is there
	done    uint32
	hashes  [SeekSize]uint64 // scratch of copyTo
	lines   [SeekSize]uintptr
}

const (
	// crowded is how many entries a bucket has on average when the index begins to
	// grow: one in 25 has overflowed.
	crowded = 6

	// growSlots is how many slots a Tick carries over as a rule: eight vectors' packets, so
	// that a table that only ever grows has a third more connections at most by
	// then.
	growSlots = 2048

	// growBuckets is how many buckets a Tick touches, so that their memory is there:
	// a huge page's, one Tick in growPause.
	growBuckets = hugePage / int(unsafe.Sizeof(bucket{}))

	growPause = 64

	// pageBuckets is how many lie in a page where there are no huge ones.
	pageBuckets = 4096 / int(unsafe.Sizeof(bucket{}))
)

// enlist enters a slot into the index.
func (t *Tracker) enlist(hash uint64, zone uint16, slot uint32) {
	t.ix.insert(hash, zone, slot)
	if slot <= t.next.done {
		t.next.ix.insert(hash, zone, slot)
	}
}

// delist takes a slot out of the index.
func (t *Tracker) delist(hash uint64, zone uint16, slot uint32) {
	t.ix.remove(hash, zone, slot)
	if slot <= t.next.done {
		t.next.ix.remove(hash, zone, slot)
	}
}

// relieve lets the index grow when it is crowded and smaller than the limit asks
// for: the limit is beyond indexRoom, or has been raised since, or connections
// are translated and take two entries each. It runs between vectors only, since
// lookups under way hold places in the index.
func (t *Tracker) relieve() {
	if t.next.ix.buckets != nil {
		t.grow()
		return
	}
	n := len(t.ix.buckets)
	if t.slab.live+t.natted > n*crowded {
		if most := t.set.Max << t.twofold(); t.set.Max == 0 || int64(n)*5 < most {
			t.enlarge(n * 2)
		}
		return
	}
	// A table that fills with translated connections is given its room early: there
	// is less to carry over.
	if t.natted >= 1000 {
		t.widen()
	}
}

// twofold is 1 where enough connections are translated for the index to reckon
// with two entries each.
func (t *Tracker) twofold() int {
	if t.natted*4 > t.slab.live {
		return 1
	}
	return 0
}

// widen gives the index room for two entries a connection, if it needs them.
func (t *Tracker) widen() {
	if n := len(t.ix.buckets); t.twofold() == 1 && n*5 < t.slab.limit*2 {
		t.enlarge(n * 2)
	}
}

// enlarge begins to make a larger index.
func (t *Tracker) enlarge(buckets int) {
	x := newIndex(buckets * 5)
	t.next.ix = x
	if len(x.buckets) <= growBuckets {
		t.next.touched = len(x.buckets)
	}
	ready(x.buckets)
}

// grow does a share of the work, and changes over when all of it is done.
func (t *Tracker) grow() {
	g := &t.next
	if n := len(g.ix.buckets); g.touched < n {
		// All of it before anything is carried over, since slots go anywhere; and
		// slowly, so that ready is ahead. When is a question of ticks alone.
		if g.ticks++; g.ticks%growPause != 0 {
			return
		}
		end := min(g.touched+growBuckets, n)
		for i := g.touched; i < end; i += pageBuckets {
			g.ix.buckets[i].next = 0
		}
		g.touched = end
		return
	}
	end := min(g.done+t.growSlots, t.slab.used)
	for g.done < end {
		t.carryOver(min(SeekSize, end-g.done))
	}
	if g.done < t.slab.used {
		return
	}
	old := t.ix.buckets
	t.ix = g.ix
	*g = growth{}
	giveBack(old)
}

// growWhole lets the index grow as far as it would by and by.
func (t *Tracker) growWhole() {
	for t.relieve(); t.next.ix.buckets != nil; t.relieve() {
		for t.next.ix.buckets != nil {
			t.grow()
		}
	}
}

// carryOver enters the next n slots into the larger index, whose lines are asked
// for ahead.
func (t *Tracker) carryOver(n uint32) {
	g := &t.next
	first := g.done + 1
	for i := range n {
		c := t.slab.at(first + i)
		g.hashes[i] = t.Hash(&c.Orig)
		b, _ := g.ix.place(g.hashes[i], c.Zone)
		g.lines[i] = uintptr(unsafe.Pointer(&g.ix.buckets[b]))
	}
	prefetch(&g.lines, int(n))
	for i := range n {
		c := t.slab.at(first + i)
		if c.Status&StatusConfirmed == 0 {
			continue
		}
		g.ix.insert(g.hashes[i], c.Zone, first+i)
		if c.Status&natMask != 0 {
			r := t.reply(first+i, c)
			g.ix.insert(t.Hash(&r), c.Zone, first+i)
		}
	}
	g.done += n
}
