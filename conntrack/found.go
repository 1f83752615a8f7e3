package conntrack

import (
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// Found is what a search for a packet's connection has come to. The zero value
// says that nobody has searched.
type Found struct {
	Conn  *Conn // nil: there is none
	Ref   packet.ConnRef
	Dir   int  // of the packet
	Known bool // somebody has searched
}

// Search is Find, remembered.
func (t *Tracker) Search(tu *packet.Tuple, hash uint64, zone uint16, now int64) Found {
	ref, c, dir := t.Find(tu, hash, zone, now)
	return Found{Conn: c, Ref: ref, Dir: dir, Known: true}
}

// MetFound is the connection that lookup i of a group has met, in direction dir.
// It is not for ICMP, see Meet. Of a connection that is not committed nothing is
// known.
func (t *Tracker) MetFound(s *Seek, i, dir int) Found {
	slot := s.slot[i&(SeekSize-1)]
	c := t.slab.at(slot)
	if c.Status&StatusConfirmed == 0 {
		return Found{}
	}
	return Found{Conn: c, Ref: t.slab.ref(slot, c), Dir: dir, Known: true}
}

// FetchRest asks memory for what Fetch has left out of the connections in met
// that have no remembered way: their packets need all of it.
func (t *Tracker) FetchRest(s *Seek, met uint32) {
	n := 0
	for ; met != 0; met &= met - 1 {
		c := t.slab.at(s.slot[bits.TrailingZeros32(met)&(SeekSize-1)])
		t.line[n&(SeekSize-1)] = uintptr(unsafe.Pointer(&c.Timeout))
		if c.Path == 0 {
			n++
		}
	}
	prefetch2(&t.line, n)
}

// Ask asks memory for what the tracker and the flow table know of a connection
// that is going to be needed.
func (t *Tracker) Ask(ref packet.ConnRef) {
	t.line[0] = uintptr(unsafe.Pointer(&t.slab.at(slotOf(ref)).Timeout))
	prefetch2(&t.line, 1)
}

// Lives reports whether what was found is there at now, as Find would have it:
// a connection past its deadline is removed. No connection with the tuple may
// have become known since.
func (t *Tracker) Lives(f *Found, now int64) bool {
	c := f.Conn
	if c != nil && c.Gen == uint32(f.Ref>>32) && now < c.Timeout && (c.Status&StatusOffload == 0 || now < c.FlowDeadline) {
		return true
	}
	return t.lives(f, now)
}

func (t *Tracker) lives(f *Found, now int64) bool {
	c := f.Conn
	if c == nil || c.Gen != uint32(f.Ref>>32) {
		return false
	}
	if t.gone(now, slotOf(f.Ref), c) {
		t.clock(now)
		t.destroy(slotOf(f.Ref), c)
		return false
	}
	return true
}

// fresh is the connection that was begun last. Nobody has its tuple as long as
// nothing has entered the index since, and no rival need be looked for.
type fresh struct {
	ref     packet.ConnRef
	hash    uint64 // Hash of its tuple
	entered uint64 // Tracker.entered when it was begun
}

// isFresh reports whether no other connection can have a connection's original tuple.
func (t *Tracker) isFresh(ref packet.ConnRef) bool {
	return t.fresh.ref == ref && t.fresh.entered == t.entered
}
