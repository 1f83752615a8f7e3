package frag

import (
	"errors"
	"fmt"
	"math"

	"sluice/packet"
)

// Saved is what a Reassembler holds, for another one to go on with.
type Saved struct {
	Random  uint64        // where identifications of IPv6 packets come from
	Packets []SavedPacket // under way, those that began first first
}

// SavedPacket is a packet under way. Offsets and lengths are in bytes.
type SavedPacket struct {
	IPv6     bool
	Src, Dst packet.Addr
	ID       uint32
	Dev      int32 // IPv6 to a link-local or multicast address: where it came in; otherwise -1
	Zone     uint16
	Proto    uint8 // IPv4
	ECN      uint8 // code points seen, a bit each
	Deadline int64 // nanoseconds
	Length   uint32
	Last     bool   // the last fragment has told Length
	Max      uint32 // the largest fragment
	MaxDF    uint32 // IPv4: the largest one with DF
	Least    uint32 // the shortest header in front of a later fragment's payload

	// Valid iff the first fragment is there.
	L3     uint32 // where the IP header begins
	Header uint32 // bytes before the payload, or before the fragment header
	Next   uint32 // IPv6: of the byte that names the fragment header

	// IPv4 with Limits.MaxDist: how many fragments the source has sent, and had
	// sent when this packet's last one came.
	Counted bool
	Count   uint32
	Seen    uint32

	Fragments []SavedFragment // by offset
}

// SavedFragment is a fragment that waits.
type SavedFragment struct {
	Off  uint32 // of its payload in the packet
	Run  bool   // it does not count as the continuation of the one before it
	Data []byte // its payload; of the first one, all that stands before it in the frame, too
}

// Bounds of what can have come out of a frame.
const (
	maxHeader = 65535
	maxLength = 1 << 17 // an offset of 65528 and a whole packet's payload
)

// Save returns what waits at time now.
func (r *Reassembler) Save(now int64) Saved {
	s := Saved{Random: r.random}
	for fam := range r.fam {
		f := &r.fam[fam]
		r.expire(f, fam, now)
		for i := f.oldest; i != 0; i = f.at(i).newer {
			s.Packets = append(s.Packets, f.save(f.at(i), fam == 1))
		}
	}
	return s
}

func (f *family) save(q *queue, ipv6 bool) SavedPacket {
	s := SavedPacket{
		IPv6: ipv6, Src: q.src, Dst: q.dst, ID: q.id, Dev: q.dev, Zone: q.zone, Proto: q.proto, ECN: q.ecn,
		Deadline: q.deadline, Length: q.length, Last: q.haveLast, Max: q.max, MaxDF: q.maxDF, Least: q.least,
	}
	if q.haveFirst {
		s.L3, s.Header, s.Next = q.l3, q.header, q.next
	}
	if q.peer != 0 {
		s.Counted, s.Count, s.Seen = true, f.peers.at(q.peer).rid, q.seen
	}
	run := uint32(0) // the last fragment of the run under way
	for i := q.first; i != 0; i = f.nodes.all[i].next {
		n := &f.nodes.all[i]
		d := SavedFragment{Off: n.off, Run: run == 0, Data: make([]byte, n.skip+n.len)}
		if run == 0 {
			run = n.last
		}
		if i == run {
			run = 0
		}
		f.chunks.load(d.Data, n.chunk, 0)
		s.Fragments = append(s.Fragments, d)
	}
	return s
}

// Restore takes over what another Reassembler held. This one must be empty.
func (r *Reassembler) Restore(s Saved) error {
	r.random = s.Random
	for i := range s.Packets {
		if err := r.restore(&s.Packets[i]); err != nil {
			return fmt.Errorf("fragments of packet %#x: %w", s.Packets[i].ID, err)
		}
	}
	return nil
}

func (r *Reassembler) restore(s *SavedPacket) error {
	skip, err := s.check()
	if err != nil {
		return err
	}
	fam := 0
	if s.IPv6 {
		fam = 1
	}
	f := &r.fam[fam]
	live := f.live
	q := r.find(f, fam, &key{s.Src, s.Dst, s.ID, s.Dev, s.Zone, s.Proto}, math.MinInt64) // nothing is too old
	if f.live == live {
		return errors.New("they are there twice")
	}
	q.deadline, q.ecn, q.length, q.haveLast = s.Deadline, s.ECN, s.Length, s.Last
	q.max, q.maxDF, q.least = s.Max, s.MaxDF, s.Least
	if skip > 0 {
		q.haveFirst, q.l3, q.header, q.next = true, s.L3, s.Header, s.Next
	}
	switch {
	case s.Counted && q.peer == 0 && fam == 0: // counted no longer
		q.peer = f.findPeer(r.hashAddr(&s.Src), &s.Src, r)
		fallthrough
	case s.Counted && q.peer != 0:
		f.peers.at(q.peer).rid, q.seen = s.Count, s.Seen
	}
	for i := range s.Fragments {
		d := &s.Fragments[i]
		r.put(f, q, d, skip)
		skip = 0
	}
	return nil
}

// put adds a fragment behind those that a queue has.
func (r *Reassembler) put(f *family, q *queue, d *SavedFragment, skip uint32) {
	n := uint32(len(d.Data)) - skip
	first, last, count := f.chunks.store(d.Data, q.last)
	if q.chunk == 0 {
		q.chunk = first
	}
	q.last = last
	q.nchunks += int32(count)
	q.n++
	q.meat += n
	f.memory += int64(count)*chunkSize + nodeSize
	f.waiting++
	i := f.nodes.get()
	// The treap may have another shape than it had: only its speed depends on
	// the priorities.
	prio := uint32(mum(uint64(i)^r.key[0], r.key[1]|1))
	f.nodes.all[i] = node{chunk: first, off: d.Off, len: n, skip: skip, prio: prio, end: d.Off + n, last: i}
	if q.tail == 0 {
		q.runs = runs{i, i, i, i}
		return
	}
	f.nodes.all[q.tail].next = i
	q.tail = i
	if !d.Run {
		run := &f.nodes.all[q.run]
		run.end, run.last = d.Off+n, i
		return
	}
	q.run = i
	q.root = f.nodes.graft(q.root, i)
}

// check refuses what no fragments can have left behind. It returns how many
// bytes stand before the first one's payload; 0 if that one is missing.
func (s *SavedPacket) check() (skip uint32, err error) {
	if s.ECN > 15 || s.Length > maxLength || s.Max > maxLength || s.MaxDF > maxLength || s.Dev < -1 {
		return 0, errors.New("sizes or code points out of range")
	}
	end := uint32(0)
	for i := range s.Fragments {
		d := &s.Fragments[i]
		before := uint32(0)
		if i == 0 && d.Off == 0 {
			if skip = s.Header; s.IPv6 {
				skip += fragHeader
			}
			if !s.headerFits() {
				return 0, errors.New("no IP header stands before the first one")
			}
			before = skip
		}
		switch n := len(d.Data) - int(before); {
		case n <= 0 || n > 65535:
			return 0, fmt.Errorf("the one at %d has a payload of %d bytes", d.Off, max(n, 0))
		case d.Off < end || d.Off > maxLength || !d.Run && (i == 0 || d.Off != end):
			return 0, fmt.Errorf("the one at %d is out of order", d.Off)
		default:
			end = d.Off + uint32(n)
		}
	}
	if end > s.Length {
		return 0, fmt.Errorf("they end at %d, behind the packet's end at %d", end, s.Length)
	}
	return skip, nil
}

func (s *SavedPacket) headerFits() bool {
	if s.Header > maxHeader || s.L3 > s.Header {
		return false
	}
	n := s.Header - s.L3
	if s.IPv6 {
		return n >= 40 && s.Next >= s.L3+6 && s.Next < s.Header
	}
	return n >= 20 && n <= 60
}
