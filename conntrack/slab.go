package conntrack

import "sluice/packet"

// chunkConns is how many connections a chunk holds: 3 MiB of memory without
// pointers, which the collector does not scan. Growing adds a chunk and moves
// nothing.
const (
	chunkBits  = 14
	chunkConns = 1 << chunkBits
)

type chunk [chunkConns]Conn

// slab holds all connections, by slot number. Slot 0 is never used.
type slab struct {
	chunks []*chunk
	used   uint32 // slots ever used
	free   uint32 // head of the free list, linked through FlowPos
	live   int
}

func (s *slab) at(slot uint32) *Conn { return &s.chunks[slot>>chunkBits][slot&(chunkConns-1)] }

// get returns a zeroed connection.
func (s *slab) get() (uint32, *Conn) {
	s.live++
	if n := s.free; n != 0 {
		c := s.at(n)
		s.free = c.FlowPos
		*c = Conn{Gen: c.Gen + 1}
		return n, c
	}
	s.used++
	n := s.used
	if int(n>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new(chunk))
	}
	c := s.at(n)
	c.Gen = 1
	return n, c
}

// put frees a slot. Its generation becomes even, so that every reference to
// the connection is stale from now on.
func (s *slab) put(slot uint32) {
	s.live--
	c := s.at(slot)
	c.Gen++
	c.Status = 0
	c.FlowPos = s.free
	s.free = slot
}

func (s *slab) ref(slot uint32, c *Conn) packet.ConnRef {
	return packet.ConnRef(uint64(c.Gen)<<32 | uint64(slot))
}

func slotOf(r packet.ConnRef) uint32 { return uint32(r) }

// Conn returns the connection of a reference, or nil if it is gone.
func (t *Tracker) Conn(ref packet.ConnRef) *Conn {
	n := slotOf(ref)
	if n == 0 || n > t.slab.used {
		return nil
	}
	c := t.slab.at(n)
	if c.Gen != uint32(ref>>32) {
		return nil
	}
	return c
}
