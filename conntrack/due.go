package conntrack

import (
	"math"
	"sync/atomic"
	"unsafe"

	"sluice/packet"
)

// due says where connections may have expired, without a look at those that
// have not: for every eight slots a time before which none of them ends, and
// over these times, by chunks of the slab, a tree of minima that has eight
// children to a node. A packet that prolongs its connection touches none of it:
// then the time is too early, and the next look corrects it. What makes an end
// sooner says so (Tracker.sooner).
type due struct {
	chunks []dueChunk
	// min is no later than any end.
	min int64
	// told is where other workers' trackers see min; nil: there are none.
	told *atomic.Int64
	// idle are the flow table's timeouts that the ends were reckoned with.
	idle [2]int64
}

// dueChunk is a chunk's tree: the root, its children, theirs; from base on the
// leaves.
type dueChunk struct {
	node []int64
	base uint32
}

const (
	groupBits = 3 // of a slot, within its group
	never     = math.MaxInt64
)

// grow makes the tree of chunk i, which has n slots, or a larger one in its place.
func (d *due) grow(i, n int) {
	leaves, base := 1, 0
	for ; leaves<<groupBits < n; leaves *= 8 {
		base = base*8 + 1
	}
	k := dueChunk{node: slice[int64](base + leaves), base: uint32(base)}
	for j := range k.node {
		k.node[j] = never
	}
	if i < len(d.chunks) {
		old := d.chunks[i]
		d.chunks[i] = k
		for j, at := range old.node[old.base:] {
			d.lower(uint32(i<<chunkBits|j<<groupBits), at)
		}
		return
	}
	d.chunks = append(d.chunks, k)
}

// lower notes that a slot's connection may end at a time.
func (d *due) lower(slot uint32, at int64) {
	k := &d.chunks[slot>>chunkBits]
	if i := k.base + slot&(chunkConns-1)>>groupBits; at < k.node[i] {
		d.sink(k, i, at)
	}
}

// sink makes a node and those above it no later than a time.
func (d *due) sink(k *dueChunk, i uint32, at int64) {
	for ; at < k.node[i]; i = (i - 1) >> groupBits {
		if k.node[i] = at; i == 0 {
			d.tell(min(d.min, at))
			return
		}
	}
}

// tell sets min.
func (d *due) tell(at int64) {
	if d.min = at; d.told != nil {
		d.told.Store(at)
	}
}

// raise sets a group's time to a later one.
func (d *due) raise(group uint32, at int64) {
	k := &d.chunks[group>>(chunkBits-groupBits)]
	i := k.base + group&(chunkConns>>groupBits-1)
	for i != 0 {
		was := k.node[i]
		k.node[i] = at
		if i = (i - 1) >> groupBits; k.node[i] != was {
			return // another child's
		}
		soonest := int64(never)
		for _, t := range k.node[8*i+1 : 8*i+9] {
			soonest = min(soonest, t)
		}
		at = soonest
	}
	k.node[0] = at
}

// first finds a chunk's first leaf from one on whose time has come.
func (k *dueChunk) first(now int64, leaf uint32) (uint32, bool) {
	for i := k.base + leaf; ; i++ {
		if k.node[i] <= now {
			for i < k.base {
				for i = 8*i + 1; k.node[i] > now; i++ {
				}
			}
			return i - k.base, true
		}
		for i&7 == 0 { // the last child
			if i == 0 {
				return 0, false
			}
			i = (i - 1) >> groupBits
		}
	}
}

// next finds the first group from a slot's on, round the slab, whose time has
// come.
func (d *due) next(now int64, from uint32) (group uint32, ok bool) {
	if now < d.min {
		return 0, false
	}
	at := func(chunk int, leaf uint32) uint32 { return uint32(chunk)<<(chunkBits-groupBits) | leaf }
	own := int(from >> chunkBits)
	if leaf, ok := d.chunks[own].first(now, from&(chunkConns-1)>>groupBits); ok {
		return at(own, leaf), true
	}
	for n := range d.chunks {
		i := (own + 1 + n) % len(d.chunks)
		if d.chunks[i].node[0] <= now {
			leaf, _ := d.chunks[i].first(now, 0)
			return at(i, leaf), true
		}
	}
	soonest := int64(never)
	for i := range d.chunks {
		soonest = min(soonest, d.chunks[i].node[0])
	}
	d.tell(soonest)
	return 0, false
}

// reset makes all groups due: how ends are reckoned has changed.
func (d *due) reset() {
	for i := range d.chunks {
		for j := range d.chunks[i].node {
			d.chunks[i].node[j] = math.MinInt64
		}
	}
	d.tell(math.MinInt64)
}

func (d *due) memory() (n int) {
	for i := range d.chunks {
		n += len(d.chunks[i].node) * 8
	}
	return n
}

// end is no later than a known connection's end, until sooner is called.
func (t *Tracker) end(c *Conn) int64 {
	if c.Status&StatusOffload == 0 {
		return c.Timeout
	}
	if t.offloadExpires && c.Status&StatusAssured == 0 {
		return min(c.Timeout, c.FlowDeadline)
	}
	return c.FlowDeadline
}

// dueGrain is what packets round their connections' ends down to. Connections
// that begin at about the same time then change one leaf and no node above it; a
// look that comes too early for that sets the exact time.
const dueGrain = 1 << 29

// mayEnd notes that a slot's connection may end at a time.
func (t *Tracker) mayEnd(slot uint32, at int64) { t.slab.due.lower(slot, at&^(dueGrain-1)) }

// calm reports whether nothing has expired by a time, as far as a look at min
// tells: no, where it cannot.
func (t *Tracker) calm(now int64) bool {
	d := &t.slab.due
	return now < d.min && t.set.FlowtableTCPTimeout == d.idle[0] && t.set.FlowtableUDPTimeout == d.idle[1]
}

// nextDue finds a group of slots in which a connection may have expired by a time.
func (t *Tracker) nextDue(now int64) (uint32, bool) {
	d := &t.slab.due
	if idle := [2]int64{t.set.FlowtableTCPTimeout, t.set.FlowtableUDPTimeout}; idle != d.idle {
		if idle[0] < d.idle[0] || idle[1] < d.idle[1] {
			d.reset() // flows' deadlines have come forward, which no packet says
		}
		d.idle = idle
	}
	return d.next(now, t.cursor)
}

// reap removes a group's expired connections, at most so many, and returns how
// many they were.
func (t *Tracker) reap(now int64, group uint32, most int) (n int) {
	t.clock(now)
	first := max(group<<groupBits, 1)
	last := min(group<<groupBits|(1<<groupBits-1), t.slab.used)
	if first > last {
		t.slab.due.raise(group, never) // no slot of it was ever used
		return 0
	}
	conns := t.slab.chunks[first>>chunkBits][first&(chunkConns-1) : last&(chunkConns-1)+1]
	at := uintptr(unsafe.Pointer(unsafe.SliceData(conns)))
	for i := range conns {
		t.line[2*i&(SeekSize-1)], t.line[(2*i+1)&(SeekSize-1)] = at, at+unsafe.Offsetof(Conn{}.Timeout)
		at += unsafe.Sizeof(Conn{})
	}
	prefetch(&t.line, 2*len(conns))
	soonest := int64(never)
	for i := range conns {
		c := &conns[i]
		if c.Status&StatusConfirmed == 0 {
			continue
		}
		at := t.end(c)
		if at <= now {
			at = t.settledEnd(now, first+uint32(i), c)
		}
		if at > now {
			soonest = min(soonest, at)
			continue
		}
		if n == most {
			return n // what is left stays due
		}
		// What was looked at in vain leaves no trace: a restored tracker knows
		// better where to look.
		t.cursor = group << groupBits
		t.destroy(first+uint32(i), c)
		n++
	}
	t.slab.due.raise(group, soonest)
	return n
}

// settledEnd is end after its owner has given a flow back that is overdue; not
// above now: it has expired.
func (t *Tracker) settledEnd(now int64, slot uint32, c *Conn) int64 {
	next := int64(never)
	if c.Status&StatusOffload != 0 && now >= c.FlowDeadline {
		for _, o := range t.owners {
			next = min(next, o.Overdue(now, t.slab.ref(slot, c), c))
		}
	}
	switch {
	case now >= c.Timeout && t.expired(c, now):
		return now
	case c.Status&StatusOffload == 0:
		return c.Timeout
	case t.offloadExpires && c.Status&StatusAssured == 0:
		next = min(next, c.Timeout)
	}
	if now < c.FlowDeadline {
		next = min(next, c.FlowDeadline)
	}
	return max(next, now+1)
}

const _ = uint(SeekSize - 2<<groupBits)

// makeRoom removes expired connections if there are any: some, not all. What a
// limit refuses, or ends, must not depend on whether maintenance has come by.
func (t *Tracker) makeRoom(now int64) bool {
	for {
		group, ok := t.nextDue(now)
		if !ok {
			return false
		}
		if t.reap(now, group, 1<<groupBits) > 0 {
			return true
		}
	}
}

// collect removes all that have expired.
func (t *Tracker) collect(now int64) {
	for !t.calm(now) && t.makeRoom(now) {
	}
}

// makeRoomElsewhere is makeRoom for the other trackers of several.
func (t *Tracker) makeRoomElsewhere(now int64) (made bool) {
	parts := t.shared.parts
	for i := 1; i < len(parts) && !made; i++ {
		if o := (t.member + i) % len(parts); parts[o].soonest.Load() <= now {
			t.visit(o, func(o *Tracker) { made = o.makeRoom(now) })
		}
	}
	return made
}

// collectElsewhere is collect for the other trackers of several.
func (t *Tracker) collectElsewhere(now int64) {
	parts := t.shared.parts
	for i := range parts {
		if i != t.member && parts[i].soonest.Load() <= now {
			t.visit(i, func(o *Tracker) { o.collect(now) })
		}
	}
}

// Sooner says that a known connection may end before what was said last: its
// Timeout has been brought forward, or a flow table holds it or has given it back.
// Owners call it.
func (t *Tracker) Sooner(ref packet.ConnRef, c *Conn) { t.sooner(slotOf(ref), c) }
