package conntrack

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// source is what is remembered of a sender in a zone that limits sources.
type source struct {
	addr   packet.Addr
	last   int64  // when rate was brought up to date
	rate   uint32 // connections begun of late, in thousandths
	conns  uint32 // committed connections
	next   uint32 // in the same bucket; 0: none
	older  uint32 // among the idle ones
	newer  uint32
	zone   uint16
	family uint8
	idle   bool // in the idle list: no connections, but a rate to remember
}

const _ = uint(48 - unsafe.Sizeof(source{}))

const (
	sourceChunkBits = 12
	sourceChunk     = 1 << sourceChunkBits
)

// sources finds sources by zone and address. Memory is bounded: a source is
// kept while it has connections, so that there are never more of those than
// connections, or while its rate matters, which is a list of limited length:
// whoever was quiet for longest is forgotten first.
type sources struct {
	key     [2]uint64
	heads   []uint32 // buckets; 0: empty
	chunks  [][]source
	used    uint32 // nodes ever used; node 0 never is
	free    uint32
	live    int
	idle    int
	maxIdle int
	oldest  uint32 // of the idle list
	newest  uint32
}

// reset forgets everything and prepares for up to n connections.
func (s *sources) reset(n int) {
	size := 64
	for size*4 < n {
		size *= 2
	}
	if len(s.heads) < size {
		s.heads = slice[uint32](size)
	} else {
		clear(s.heads)
	}
	for _, c := range s.chunks {
		clear(c)
	}
	s.used, s.free, s.live, s.idle, s.oldest, s.newest = 0, 0, 0, 0, 0, 0
	s.maxIdle = max(n/4, 1024)
}

func (s *sources) at(n uint32) *source { return &s.chunks[n>>sourceChunkBits][n&(sourceChunk-1)] }

// bucket mixes address, zone and family with the tracker's key.
func (s *sources) bucket(tu *packet.Tuple, zone uint16) *uint32 {
	w := (*[2]uint64)(unsafe.Pointer(&tu.Src))
	h := mum(w[0]^s.key[0], w[1]^s.key[1])
	h = mum(h^s.key[1], uint64(zone)<<8+uint64(tu.Family)+s.key[0])
	return &s.heads[h&uint64(len(s.heads)-1)]
}

// find returns a tuple's source in a zone, 0 if nothing is known of it.
func (s *sources) find(tu *packet.Tuple, zone uint16) uint32 {
	if len(s.heads) == 0 {
		return 0
	}
	for n := *s.bucket(tu, zone); n != 0; {
		e := s.at(n)
		if e.addr == tu.Src && e.zone == zone && e.family == tu.Family {
			return n
		}
		n = e.next
	}
	return 0
}

// add makes a source known; it is idle until enter.
func (s *sources) add(now int64, tu *packet.Tuple, zone uint16) uint32 {
	if s.idle >= s.maxIdle {
		s.drop(s.oldest)
	}
	n := s.free
	if n != 0 {
		s.free = s.at(n).next
	} else {
		s.used++
		n = s.used
		if int(n>>sourceChunkBits) == len(s.chunks) {
			s.chunks = append(s.chunks, slice[source](sourceChunk))
		}
	}
	head := s.bucket(tu, zone)
	*s.at(n) = source{addr: tu.Src, zone: zone, family: tu.Family, last: now, next: *head}
	*head = n
	s.live++
	s.link(n)
	return n
}

// link makes a node the newest idle one.
func (s *sources) link(n uint32) {
	e := s.at(n)
	e.idle, e.older, e.newer = true, s.newest, 0
	if s.newest != 0 {
		s.at(s.newest).newer = n
	} else {
		s.oldest = n
	}
	s.newest = n
	s.idle++
}

func (s *sources) unlink(n uint32) {
	e := s.at(n)
	if e.older != 0 {
		s.at(e.older).newer = e.newer
	} else {
		s.oldest = e.newer
	}
	if e.newer != 0 {
		s.at(e.newer).older = e.older
	} else {
		s.newest = e.older
	}
	e.idle, e.older, e.newer = false, 0, 0
	s.idle--
}

// touch makes an idle node the newest.
func (s *sources) touch(n uint32) {
	if s.at(n).idle {
		s.unlink(n)
		s.link(n)
	}
}

// drop forgets an idle source.
func (s *sources) drop(n uint32) {
	s.unlink(n)
	e := s.at(n)
	p := s.bucket(&packet.Tuple{Src: e.addr, Family: e.family}, e.zone)
	for *p != n {
		p = &s.at(*p).next
	}
	*p = e.next
	*e = source{next: s.free}
	s.free = n
	s.live--
}

// enter counts a connection of the source.
func (s *sources) enter(n uint32) {
	e := s.at(n)
	if e.idle {
		s.unlink(n)
	}
	e.conns++
}

// leave takes one away.
func (s *sources) leave(n uint32) {
	e := s.at(n)
	if e.conns--; e.conns > 0 {
		return
	}
	if s.idle >= s.maxIdle {
		s.drop(s.oldest)
	}
	s.link(n)
}

// begin counts an attempt and reports whether it is within the rate. The count
// fades linearly to nothing over r.Per (pf.c pf_add_threshold), so that a
// source that never rests stays out.
func (e *source) begin(now int64, r *SourceLimit) bool {
	if d := now - e.last; d >= r.Per {
		e.rate = 0
	} else if d > 0 {
		hi, lo := bits.Mul64(uint64(e.rate), uint64(d))
		q, _ := bits.Div64(hi, lo, uint64(r.Per)) // d < Per, so it fits
		e.rate -= uint32(q)
	}
	e.last = now
	e.rate = uint32(min(uint64(e.rate)+1000, math.MaxUint32))
	return uint64(e.rate) <= uint64(r.New)*1000
}

func (s *sources) memory() int {
	return len(s.heads)*4 + len(s.chunks)*sourceChunk*int(unsafe.Sizeof(source{}))
}

// check reports inconsistencies; busy is how many sources have connections.
func (s *sources) check(busy int) (errs []error) {
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	found, withConns := 0, 0
	for _, n := range s.heads {
		for ; n != 0; n = s.at(n).next {
			found++
			e := s.at(n)
			if e.conns != 0 {
				withConns++
			}
			if e.idle != (e.conns == 0) {
				bad("source %d has %d connections, idle %v", n, e.conns, e.idle)
			}
		}
	}
	if found != s.live || withConns != busy || found-withConns != s.idle || s.idle > s.maxIdle {
		bad("%d sources found, %d with connections; %d counted, %d idle of %d, %d busy", found, withConns, s.live, s.idle, s.maxIdle, busy)
	}
	n := 0
	for i, last := s.oldest, uint32(0); i != 0; last, i = i, s.at(i).newer {
		if n++; !s.at(i).idle || s.at(i).older != last || n > s.idle {
			bad("the list of idle sources is broken at %d", i)
			break
		}
	}
	return errs
}
