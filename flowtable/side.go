package flowtable

import (
	"math/bits"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// maxDevices is how many devices a set tells of its flows at most: a bit each.
const maxDevices = 8

// side is what a flow needs once there are devices. It lies beside the
// connection, by slot, and is made when the first device registers.
type side struct {
	gen   uint32  // of the connection
	epoch uint32  // refused holds for this one
	seen  uint32  // packets there were at the latest attempt
	rate  float32 // packets a second in software between the latest two

	// By device, a bit each.
	queued  uint8 // waiting to be handed over
	pending uint8 // waiting for room
	in      uint8 // asked for or held
	held    uint8
	refused uint8 // never again

	sort uint8 // sort(c) when devices were told
	home bool  // moved back for good
	calm uint8 // attempts in a row that the device could do nothing about

	why   [maxDevices]offload.Reason // why the device does not hold it
	next  int64                      // not to be tried before
	since int64                      // when it was first looked at
	last  int64                      // when it was tried last
}

// side returns a live connection's record.
func (s *Set) side(ref packet.ConnRef) *side {
	x := s.sides.at(int(uint32(ref)))
	if gen := uint32(ref >> 32); x.gen != gen {
		*x = side{gen: gen, epoch: s.epoch, since: s.now}
	}
	if x.epoch != s.epoch {
		x.epoch, x.refused, x.next, x.calm = s.epoch, 0, 0, 0
		x.why = [maxDevices]offload.Reason{}
	}
	return x
}

// known returns a connection's record, nil if it has none.
func (s *Set) known(ref packet.ConnRef) *side {
	x := s.sides.peek(int(uint32(ref)))
	if x == nil || x.gen != uint32(ref>>32) {
		return nil
	}
	return x
}

// each yields the devices of a mask.
func (s *Set) each(mask uint8) func(func(*device) bool) {
	return func(yield func(*device) bool) {
		for ; mask != 0; mask &= mask - 1 {
			if d := s.devs[bits.TrailingZeros8(mask)]; d != nil && !yield(d) {
				return
			}
		}
	}
}

// entry is a flow that a device was asked to hold. Entries of a device lie
// dense, so that a victim can be found by looking at a few of them at random.
type entry struct {
	ref   packet.ConnRef
	base  offload.FlowStats // what has been added to the connection; Used: last known use; At: up to when it is known
	asked int64             // when the latest request was handed over
	rate  float32           // packets a second between the last two readings
	mark  int64             // last use by the latest attempt, ns
	zone  uint16

	adds, removes, reads uint8 // unanswered
	held                 bool
	gone                 bool // a removal was asked for after the latest Add
	again                bool // ask once more when everything is answered
}

func (e *entry) open() bool { return e.adds|e.removes|e.reads != 0 }

// entries are a device's, dense, with their positions by slot.
type entries struct {
	all pages[entry]
	n   int
	pos pages[uint32] // by slot: position plus one
}

// of returns a connection's entry, nil if there is none.
func (es *entries) of(ref packet.ConnRef) *entry {
	p := es.pos.peek(int(uint32(ref)))
	if p == nil || *p == 0 {
		return nil
	}
	if e := es.all.at(int(*p - 1)); e.ref == ref {
		return e
	}
	return nil
}

// taken reports whether an earlier connection's entry is still in the slot.
func (es *entries) taken(ref packet.ConnRef) bool {
	p := es.pos.peek(int(uint32(ref)))
	return p != nil && *p != 0
}

// add makes a connection's entry; its slot has none.
func (es *entries) add(ref packet.ConnRef) *entry {
	e := es.all.at(es.n)
	*e = entry{ref: ref}
	es.n++
	*es.pos.at(int(uint32(ref))) = uint32(es.n)
	return e
}

// drop removes an entry; the last one takes its place.
func (es *entries) drop(e *entry) {
	p := es.pos.at(int(uint32(e.ref)))
	i := int(*p - 1)
	*p = 0
	es.n--
	if last := es.all.at(es.n); i != es.n {
		*e = *last
		*es.pos.at(int(uint32(e.ref))) = uint32(i + 1)
	}
	*es.all.at(es.n) = entry{}
}

// mine reports whether a table of this set holds the connection.
func mine(c *conntrack.Conn) bool { return c != nil && c.FlowFlags&flowLive != 0 }
