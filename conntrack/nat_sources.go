package conntrack

import (
	"unsafe"

	"sluice/packet"
)

// natSources finds translated connections by their source: a client that talks
// to a second server from the same port keeps its translation (nf_nat_core.c
// nf_nat_bysource). Heads of lists that run through the connections' records,
// the latest first, as the kernel looks at them.
type natSources struct {
	heads []uint32 // made with the first translation
	shift uint
}

// natLinks is a connection's place in its list.
type natLinks struct {
	next uint32
	prev uint32 // listFirst: none; 0: in no list
	tag  uint32 // of the source, so that others' connections need not be looked at
}

const listFirst = ^uint32(0)

func (s *slab) link(slot uint32) *natLinks { return sparse(&s.links, slot) }

// sourceHead gives the head of a source's list and the source's tag.
func (t *Tracker) sourceHead(tu *packet.Tuple, zone uint16) (*uint32, uint32) {
	w := wordsOfTuple(tu)
	k0, k1 := t.key[0], t.key[1]
	a := mum(w.src[0]^k0, w.src[1]^k1) + uint64(tu.SPort)*0x9fb21c651e98df25
	h := mum(a^k1, uint64(w.kind)|uint64(zone)<<16+k0)
	return &t.sources.heads[h>>(t.sources.shift&63)], uint32(h)
}

// askSource asks memory for the head of a new connection's list, which a
// translation is going to need.
func (t *Tracker) askSource(c *Conn) {
	if t.sources.heads != nil {
		head, _ := t.sourceHead(&c.Orig, c.Zone)
		t.line[0] = uintptr(unsafe.Pointer(head))
		prefetch(&t.line, 1)
	}
}

// linkSource adds a connection. It needs no translation of its own: one that
// keeps its source counts, too.
func (t *Tracker) linkSource(slot uint32, c *Conn) {
	if t.shared != nil {
		t.shareSource(slot, c)
		return
	}
	if t.sources.heads == nil {
		n, shift := 1024, uint(54)
		for ; n*2 < t.slab.limit; n, shift = n*2, shift-1 {
		}
		t.sources = natSources{heads: slice[uint32](n), shift: shift}
	}
	n := t.slab.link(slot)
	if n.prev != 0 {
		return
	}
	head, tag := t.sourceHead(&c.Orig, c.Zone)
	n.next, n.prev, n.tag = *head, listFirst, tag
	if *head != 0 {
		t.slab.link(*head).prev = slot
	}
	*head = slot
}

func (t *Tracker) unlinkSource(slot uint32, c *Conn) {
	if t.shared != nil {
		t.unshareSource(slot, c)
		return
	}
	n := t.slab.link(slot)
	switch n.prev {
	case 0:
		return
	case listFirst:
		head, _ := t.sourceHead(&c.Orig, c.Zone)
		*head = n.next
	default:
		t.slab.link(n.prev).next = n.next
	}
	if n.next != 0 {
		t.slab.link(n.next).prev = n.prev
	}
	*n = natLinks{}
}

// maxSourceSteps bounds the walk along one list: a client with that many
// connections from one port has tried them all.
const maxSourceSteps = 64

// sameSource looks for a connection from the same address and port and gives
// tu its source, if the range allows it (nf_nat_core.c find_appropriate_src).
func (t *Tracker) sameSource(now int64, tu *packet.Tuple, zone uint16, r *NATRange) (packet.Tuple, bool) {
	if t.shared != nil {
		return t.sameSharedSource(now, tu, zone, r)
	}
	if t.sources.heads == nil {
		return packet.Tuple{}, false
	}
	head, tag := t.sourceHead(tu, zone)
	slot := *head
	for range maxSourceSteps {
		if slot == 0 {
			break
		}
		n := t.slab.link(slot)
		if n.tag == tag {
			if to, ok := t.sourceOf(now, slot, tu, zone); ok && inRange(&to, r) {
				return to, true
			}
		}
		slot = n.next
	}
	return packet.Tuple{}, false
}

// sourceOf gives tu the source that a connection from the same address and
// port has behind the translator. It reports false for any other connection.
func (t *Tracker) sourceOf(now int64, slot uint32, tu *packet.Tuple, zone uint16) (packet.Tuple, bool) {
	c := t.slab.at(slot)
	o := &c.Orig
	if c.Zone != zone || o.Src != tu.Src || o.SPort != tu.SPort || o.Proto != tu.Proto || o.Family != tu.Family {
		return packet.Tuple{}, false
	}
	if c.Status&StatusConfirmed != 0 && t.gone(now, slot, c) {
		return packet.Tuple{}, false
	}
	reply := t.reply(slot, c)
	to := invert(&reply)
	to.Dst, to.DPort = tu.Dst, tu.DPort
	return to, true
}
