package conntrack

import (
	"unsafe"

	"sluice/packet"
)

// chunkConns is how many connections a chunk holds: 6 MiB, three huge pages.
// Growing adds a chunk and moves nothing.
const (
	chunkBits  = 15
	chunkConns = 1 << chunkBits
)

// slab holds all connections, by slot number. Slot 0 is never used.
type slab struct {
	chunks [][]Conn
	wide   [][]wideReply // by the same slot; a chunk is made when the first of its connections needs it
	links  [][]natLinks  // the same
	spare  []Conn        // the next chunk, once it will soon be needed
	due    due           // where some may have expired
	used   uint32        // slots ever used
	free   uint32        // head of the free list, linked through FlowPos
	live   int
	moves  uint64            // slots given back, and chunks that others have replaced
	lines  [SeekSize]uintptr // scratch of askFree
	limit  int               // connections expected at most; a small table starts small
}

func (s *slab) at(slot uint32) *Conn { return &s.chunks[slot>>chunkBits][slot&(chunkConns-1)] }

// sparse returns a slot's element of an array that is made by chunks, where
// they are needed.
func sparse[T any](chunks *[][]T, slot uint32) *T {
	i := int(slot >> chunkBits)
	for i >= len(*chunks) {
		*chunks = append(*chunks, nil)
	}
	if (*chunks)[i] == nil {
		(*chunks)[i] = slice[T](chunkConns)
	}
	return &(*chunks)[i][slot&(chunkConns-1)]
}

// get returns a zeroed connection.
func (s *slab) get() (uint32, *Conn) {
	s.live++
	if n := s.free; n != 0 {
		c := s.at(n)
		s.free = c.FlowPos
		*c = Conn{Gen: c.Gen + 1}
		s.askFree()
		return n, c
	}
	s.used++
	n := s.used
	if i := int(n >> chunkBits); i == len(s.chunks) || int(n&(chunkConns-1)) == len(s.chunks[i]) {
		s.grow(i)
	}
	if n&(chunkConns-1) == chunkConns/2 {
		s.prepare()
	}
	c := s.at(n)
	c.Gen = 1
	return n, c
}

// askFree asks memory for the slot that is next to be used: while there are
// free ones, they lie anywhere.
func (s *slab) askFree() {
	c := uintptr(unsafe.Pointer(s.at(s.free)))
	s.lines[0], s.lines[1] = c, c+128
	prefetch2(&s.lines, 2)
}

// prepare makes the next chunk while there is half of one left.
func (s *slab) prepare() {
	if s.spare == nil && len(s.chunks[len(s.chunks)-1]) == chunkConns {
		s.spare = slice[Conn](chunkConns)
		ready(s.spare)
	}
}

// askAhead asks memory for what Tick looks at of the slots from n on: as many as go
// together.
func (t *Tracker) askAhead(n uint32) {
	if n+SeekSize > t.slab.used {
		return
	}
	c := uintptr(unsafe.Pointer(t.slab.at(n)))
	for i := range t.line {
		t.line[i] = c
		c += unsafe.Sizeof(Conn{})
	}
	prefetch(&t.line, SeekSize)
}

// grow adds chunk i. A table that will hold few connections starts with a
// part of a chunk; should the limit be raised, the whole takes its place.
func (s *slab) grow(i int) {
	if i == len(s.chunks) {
		if s.spare != nil {
			s.due.grow(i, chunkConns)
			s.chunks, s.spare = append(s.chunks, s.spare), nil
			return
		}
		n := chunkConns
		if i == 0 && s.limit+1 < n {
			n = s.limit + 1
		}
		s.chunks = append(s.chunks, slice[Conn](n))
		s.due.grow(i, n)
		return
	}
	whole := slice[Conn](chunkConns)
	copy(whole, s.chunks[i])
	s.moves++
	s.chunks[i] = whole
	s.due.grow(i, chunkConns)
}

func (s *slab) memory() (n int) {
	n = len(s.spare) * int(unsafe.Sizeof(Conn{}))
	for _, c := range s.chunks {
		n += len(c) * int(unsafe.Sizeof(Conn{}))
	}
	n += s.due.memory()
	for _, r := range s.wide {
		n += len(r) * int(unsafe.Sizeof(wideReply{}))
	}
	for _, r := range s.links {
		n += len(r) * int(unsafe.Sizeof(natLinks{}))
	}
	return n
}

// put frees a slot. Its generation becomes even, so that every reference to
// the connection is stale from now on. Its tuple becomes no packet's: a lookup
// under way that has come to the slot must not meet the connection that was
// there, since the next one to take the slot would be taken for it.
func (s *slab) put(slot uint32) {
	s.live--
	s.moves++
	c := s.at(slot)
	c.Gen++
	c.Status, c.Path = 0, 0
	c.Orig.Proto, c.Orig.Family = 0, packet.FamilyNone
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
