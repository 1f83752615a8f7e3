package conntrack

import (
	"math"
	"sync"

	"sluice/packet"
)

// sharedSources is natSources for several trackers: a client's connections to
// different servers are different trackers', and yet it keeps its translation.
type sharedSources struct {
	key   [2]uint64
	shard [claimShards]sourceShard
}

type sourceShard struct {
	mu    sync.Mutex
	heads []uint32 // the latest first; 0: none
	nodes []sourceNode
	free  uint32
	used  int
}

// sourceNode is a connection with a translated source, or one that it was
// decided to leave as it is.
type sourceNode struct {
	addr, to      packet.Addr
	ref           packet.ConnRef
	until         int64 // it cannot expire before
	next, prev    uint32
	sport, toPort uint16
	zone          uint16
	proto, family uint8
	member        uint8
}

// of gives a source's shard and the bucket's hash in it.
func (s *sharedSources) of(tu *packet.Tuple, zone uint16) (*sourceShard, uint64) {
	w := wordsOfTuple(tu)
	a := mum(w.src[0]^s.key[0], w.src[1]^s.key[1]) + uint64(tu.SPort)*0x9fb21c651e98df25
	h := mum(a^s.key[1], uint64(w.kind)|uint64(zone)<<16+s.key[0])
	return &s.shard[h>>58], h
}

func (s *sourceShard) head(h uint64) *uint32 { return &s.heads[h&uint64(len(s.heads)-1)] }

// add puts a connection first in its source's list.
func (s *sharedSources) add(tu *packet.Tuple, zone uint16, n sourceNode) uint32 {
	sh, h := s.of(tu, zone)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.used >= len(sh.heads) {
		s.grow(sh)
	}
	i := sh.free
	if i != 0 {
		sh.free = sh.nodes[i].next
	} else {
		if len(sh.nodes) == 0 {
			sh.nodes = append(sh.nodes, sourceNode{})
		}
		sh.nodes = append(sh.nodes, sourceNode{})
		i = uint32(len(sh.nodes) - 1)
	}
	sh.used++
	head := sh.head(h)
	n.next, n.prev = *head, 0
	if *head != 0 {
		sh.nodes[*head].prev = i
	}
	sh.nodes[i], *head = n, i
	return i
}

// grow doubles a shard's buckets. Lists keep their order.
func (s *sharedSources) grow(sh *sourceShard) {
	old := sh.heads
	sh.heads = make([]uint32, max(16, 2*len(old)))
	for _, i := range old {
		last := i
		for n := i; n != 0; n = sh.nodes[n].next {
			last = n
		}
		for i = last; i != 0; { // the oldest first, so that it ends up last
			n := &sh.nodes[i]
			_, h := s.of(&packet.Tuple{Src: n.addr, SPort: n.sport, Proto: n.proto, Family: n.family}, n.zone)
			head, before := sh.head(h), n.prev
			n.next, n.prev = *head, 0
			if *head != 0 {
				sh.nodes[*head].prev = i
			}
			*head = i
			i = before
		}
	}
}

// remove takes a node out.
func (s *sharedSources) remove(tu *packet.Tuple, zone uint16, i uint32) {
	sh, h := s.of(tu, zone)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := &sh.nodes[i]
	if n.prev == 0 {
		*sh.head(h) = n.next
	} else {
		sh.nodes[n.prev].next = n.next
	}
	if n.next != 0 {
		sh.nodes[n.next].prev = n.prev
	}
	*n = sourceNode{next: sh.free}
	sh.free = i
	sh.used--
}

// set says what a node's source has become.
func (s *sharedSources) set(tu *packet.Tuple, zone uint16, i uint32, to packet.Addr, port uint16) {
	sh, _ := s.of(tu, zone)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.nodes[i].to, sh.nodes[i].toPort = to, port
}

// expires notes when a node's connection may expire: earlier than believed, or,
// if its tracker says so, later.
func (s *sharedSources) expires(tu *packet.Tuple, zone uint16, i uint32, at int64, later bool) {
	sh, _ := s.of(tu, zone)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if n := &sh.nodes[i]; later || at < n.until {
		n.until = at
	}
}

// sourceSeen is a node as it was when its shard was locked.
type sourceSeen struct {
	sourceNode
	at uint32
}

// list appends a source's connections to out, the latest first.
func (s *sharedSources) list(tu *packet.Tuple, zone uint16, out []sourceSeen) []sourceSeen {
	sh, h := s.of(tu, zone)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.heads) == 0 {
		return out
	}
	i := *sh.head(h)
	for range maxSourceSteps {
		if i == 0 {
			break
		}
		n := &sh.nodes[i]
		if n.addr == tu.Src && n.sport == tu.SPort && n.proto == tu.Proto && n.family == tu.Family && n.zone == zone {
			out = append(out, sourceSeen{*n, i})
		}
		i = n.next
	}
	return out
}

// sharedNode is a connection's node; 0: none. Its number is where otherwise its
// place in the tracker's own list would be.
func (t *Tracker) sharedNode(slot uint32, c *Conn) uint32 {
	if c.Status&natDoneMask == 0 {
		return 0
	}
	if n := t.slab.link(slot); n.prev == listFirst {
		return n.next
	}
	return 0
}

// shareSource makes a connection's translation known to all trackers, or says
// what has become of it.
func (t *Tracker) shareSource(slot uint32, c *Conn) {
	reply := t.reply(slot, c)
	to := invert(&reply)
	s := &t.shared.sources
	if n := t.sharedNode(slot, c); n != 0 {
		s.set(&c.Orig, c.Zone, n, to.Src, to.SPort)
		return
	}
	n := t.slab.link(slot)
	n.prev = listFirst
	n.next = s.add(&c.Orig, c.Zone, sourceNode{
		addr: c.Orig.Src, to: to.Src, ref: t.slab.ref(slot, c), until: math.MaxInt64,
		sport: c.Orig.SPort, toPort: to.SPort, zone: c.Zone, proto: c.Orig.Proto, family: c.Orig.Family, member: uint8(t.member),
	})
}

func (t *Tracker) unshareSource(slot uint32, c *Conn) {
	if n := t.sharedNode(slot, c); n != 0 {
		t.shared.sources.remove(&c.Orig, c.Zone, n)
		*t.slab.link(slot) = natLinks{}
	}
}

// sameSharedSource is sameSource over all trackers.
func (t *Tracker) sameSharedSource(now int64, tu *packet.Tuple, zone uint16, r *NATRange) (packet.Tuple, bool) {
	t.seen = t.shared.sources.list(tu, zone, t.seen[:0])
	for i := range t.seen {
		n := &t.seen[i]
		to := *tu
		to.Src, to.SPort = n.to, n.toPort
		if inRange(&to, r) && t.sourceLives(now, tu, n) {
			return to, true
		}
	}
	return packet.Tuple{}, false
}

// sourceLives reports whether a node's connection lives, as its tracker says
// unless it must.
func (t *Tracker) sourceLives(now int64, tu *packet.Tuple, n *sourceSeen) (lives bool) {
	ask := func(o *Tracker) {
		c := o.Conn(n.ref)
		if c == nil {
			return
		}
		if lives = c.Status&StatusConfirmed == 0 || !o.gone(now, slotOf(n.ref), c); lives && c.Status&StatusConfirmed != 0 {
			o.shared.sources.expires(tu, n.zone, n.at, o.mayExpire(c), true)
		}
	}
	switch {
	case now < n.until:
		return true
	case int(n.member) == t.member:
		ask(t)
	default:
		t.visit(int(n.member), ask)
	}
	return lives
}
