package frag

import (
	"encoding/binary"

	"sluice/packet"
)

// Whole is a packet put together. Its memory is the Reassembler's, good until
// Recycle.
type Whole struct {
	Frame []byte
	L3    int // where the IP header begins
	Split
}

// Split is how a packet that was put together is to be taken apart again. The
// zero value: not at all.
type Split struct {
	// Max is the longest IP packet among the fragments, header included: what
	// Linux calls frag_max_size, and tc the MRU.
	Max   int
	total int      // length of the whole IP packet
	sizes []uint16 // the payloads' lengths, in order
	least int      // the shortest header in front of a payload but the first

	pulled int // bytes of the IP packet, from its header on, that were made one piece, see Pull
}

// Fragments is of how many the packet was put together, duplicates not counted.
func (s *Split) Fragments() int { return len(s.sizes) }

// Reassembler holds fragments of all zones until their packets are whole. One
// goroutine owns it.
type Reassembler struct {
	limits *Limits
	key    [2]uint64
	fam    [2]family
	mem    arena
	random uint64
	cur    uint32 // the queue found last
	stats  Stats
}

// New makes an empty Reassembler. It reads limits again for every fragment, so
// that they may be changed at any time. seed is the key of its hashes and
// where identifications of IPv6 packets come from.
func New(limits *Limits, seed uint64) *Reassembler {
	return &Reassembler{
		limits: limits, random: seed,
		key: [2]uint64{seed*0x9e3779b97f4a7c15 + 0x243f6a8885a308d3, seed*0xd6e8feb86659fd93 + 0x13198a2e03707344},
	}
}

// Stats counts.
func (r *Reassembler) Stats() Stats {
	s := r.stats
	for i := range r.fam {
		s.Waiting[i], s.Queues[i], s.Memory[i] = r.fam[i].waiting, r.fam[i].live, r.fam[i].memory
	}
	return s
}

// Recycle takes back the memory of all packets put together and taken apart so
// far.
func (r *Reassembler) Recycle() { r.mem.reset() }

// Tick gives up packets whose time is over, n of each family at the most. What
// a fragment meets does not depend on it.
func (r *Reassembler) Tick(now int64, n int) {
	for fam := range r.fam {
		f := &r.fam[fam]
		for i := 0; i < n && f.oldest != 0 && f.at(f.oldest).deadline <= now; i++ {
			r.timeOut(f, fam, f.oldest)
		}
	}
}

// next gives 64 random bits (splitmix64).
func (r *Reassembler) next() uint64 {
	r.random += 0x9e3779b97f4a7c15
	z := r.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IsFragment reports whether Add should be asked about a packet: an IPv4
// header with a fragment offset or more to come, or an IPv6 one followed by a
// fragment header. h must be the frame's headers.
func IsFragment(frame []byte, h *packet.Headers) bool {
	if h.EtherType == packet.EtherIPv4 {
		l3 := int(h.L3)
		return l3 != 0 && len(frame) >= l3+20 && (frame[l3+6]&0x3f|frame[l3+7]) != 0
	}
	return h.Flags&packet.IsFrag != 0
}

// Add takes a fragment that came in on device dev at time now (nanoseconds,
// never running backwards) and was tracked in zone. l3 is where its IPv4 or
// IPv6 header, of at least 20 or 40 bytes, begins. It fills in w if the result
// is Complete.
func (r *Reassembler) Add(now int64, frame []byte, l3 int, ipv6 bool, zone uint16, dev int32, w *Whole) Result {
	fam, res := 0, Held
	if ipv6 {
		fam, res = 1, r.add6(now, frame, l3, zone, dev, w)
	} else {
		res = r.add4(now, frame, l3, zone, w)
	}
	r.stats.Results[fam][res]++
	return res
}

// admit checks what Linux and Open vSwitch check before a queue is looked for.
func (r *Reassembler) admit(f *family, fam int, now int64, size int, more bool) Result {
	switch l := r.limits; {
	case l.Disabled[fam]:
		return AsIs
	case more && int64(size) < l.MinFrag[fam]:
		return TooSmall
	}
	r.expire(f, fam, now)
	if r.limits.MaxFrags > 0 { // which counts both
		r.expire(&r.fam[1-fam], 1-fam, now)
	}
	switch l := r.limits; {
	case l.MaxFrags > 0 && int64(r.fam[0].waiting+r.fam[1].waiting) >= l.MaxFrags:
		return TooMany
	case l.HighThresh[fam] <= 0 || f.memory > l.HighThresh[fam]:
		return NoMemory
	}
	return Held
}

// add4 is ip_defrag. The header's total length plays no part: what counts is
// how long the packet is, padding included, since tc has not cut it off.
func (r *Reassembler) add4(now int64, frame []byte, l3 int, zone uint16, w *Whole) Result {
	f, ip := &r.fam[0], frame[l3:]
	if len(ip) > 65535 {
		return Oversize
	}
	bits := binary.BigEndian.Uint16(ip[6:])
	more := bits&0x2000 != 0
	if res := r.admit(f, 0, now, len(ip), more); res != Held {
		return res
	}
	k := key4(ip, zone)
	q := r.find(f, 0, &k, now)
	r.checkDistance(f, q, now)
	ihl := int(ip[0]&15) * 4
	if ihl < 20 || ihl > len(ip) {
		r.discard(f, 0, r.cur)
		return BadHeader
	}
	off := int(bits&0x1fff) * 8
	n := len(ip) - ihl
	if more {
		n &^= 7
	}
	end := off + n
	if !q.stretch(uint32(end), more) {
		r.discard(f, 0, r.cur)
		return BadEnd
	}
	if n == 0 {
		r.discard(f, 0, r.cur)
		return Empty
	}
	switch res := r.hold(f, q, frame, l3+ihl, off, end, n); res {
	case Held:
	case Duplicate:
		return res
	default:
		r.discard(f, 0, r.cur)
		return res
	}
	q.ecn |= 1 << (ip[1] & 3)
	size := uint32(n + ihl)
	q.max = max(q.max, size)
	if bits&0x4000 != 0 {
		q.maxDF = max(q.maxDF, size)
	}
	q.headers(off, l3, ihl, 0)
	if !q.complete() {
		return Held
	}
	return r.finish4(f, q, w)
}

// checkDistance begins a queue anew when its source has sent too many other
// fragments meanwhile: identifications may have come round (ip_frag_too_far,
// ip_frag_reinit). The largest sizes seen stay, as they do there.
func (r *Reassembler) checkDistance(f *family, q *queue, now int64) {
	if q.peer == 0 || r.limits.MaxDist <= 0 {
		return
	}
	p := f.peers.at(q.peer)
	p.rid++
	far := q.tail != 0 && int64(p.rid-q.seen) > r.limits.MaxDist
	q.seen = p.rid
	if !far {
		return
	}
	r.stats.Restarted[0]++
	r.stats.Discarded[0] += uint64(q.n)
	f.empty(q)
	f.unlink(r.cur)
	q.deadline = now + r.limits.Timeout[0]
	f.append(r.cur)
}

// stretch notes how far the packet is known to reach; false if that
// contradicts what is known already.
func (q *queue) stretch(end uint32, more bool) bool {
	if !more {
		if end < q.length || q.haveLast && end != q.length {
			return false
		}
		q.haveLast, q.length = true, end
		return true
	}
	if end > q.length {
		if q.haveLast {
			return false
		}
		q.length = end
	}
	return true
}

// hold stores the bytes from header on of a fragment that reaches from off to
// end, n bytes of which are there; of a first one, all that stands before,
// too.
func (r *Reassembler) hold(f *family, q *queue, frame []byte, header, off, end, n int) Result {
	i, res := q.insert(&f.nodes, uint32(off), uint32(end), uint32(n), uint32(r.next()))
	if res != Held {
		return res
	}
	from := header
	if off == 0 {
		from = 0
	}
	first, last, count := f.chunks.store(frame[from:header+n], q.last)
	if q.chunk == 0 {
		q.chunk = first
	}
	q.last = last
	q.nchunks += int32(count)
	q.n++
	q.meat += uint32(n)
	f.nodes.all[i].chunk, f.nodes.all[i].skip = first, uint32(header-from)
	f.memory += int64(count)*chunkSize + nodeSize
	f.waiting++
	return Held
}

// headers notes where a fragment's headers end: header bytes behind l3. next
// is the place that names the fragment header (IPv6).
func (q *queue) headers(off, l3, header, next int) {
	if off != 0 {
		q.least = min(q.least, uint32(header))
		return
	}
	q.haveFirst = true
	q.l3, q.header, q.next = uint32(l3), uint32(l3+header), uint32(next)
}

func (q *queue) complete() bool { return q.haveFirst && q.haveLast && q.meat == q.length }

// ecnTable says what several fragments' code points come to (RFC 3168, section
// 5.3; inet_fragment.c ip_frag_ecn_table): bits to add to the first one's, or
// 0xff: refuse. Its index has a bit for each code point.
var ecnTable = func() (t [16]uint8) {
	const notECT, ect, ce = 1, 2 | 4, 8
	for i := range t {
		switch {
		case i&notECT != 0 && i&(ect|ce) != 0:
			t[i] = 0xff
		case i&ce != 0:
			t[i] = 3
		}
	}
	return t
}()

// finish4 is ip_frag_reasm.
func (r *Reassembler) finish4(f *family, q *queue, w *Whole) Result {
	header := int(q.header)
	ihl := header - int(q.l3)
	res := Complete
	ecn := ecnTable[q.ecn]
	switch {
	case ecn == 0xff:
		res = MixedECN
	case ihl+int(q.length) > 65535:
		res = Oversize
	}
	if res != Complete {
		r.discard(f, 0, r.cur)
		return res
	}
	frame := r.mem.get(header + int(q.length))
	r.load(f, q, frame, header, w)
	ip := frame[q.l3:]
	binary.BigEndian.PutUint16(ip[2:], uint16(ihl)+uint16(q.length))
	ip[1] |= ecn
	bits := uint16(0)
	if q.maxDF == q.max {
		bits = 0x4000
	}
	binary.BigEndian.PutUint16(ip[6:], bits)
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], packet.Checksum(ip[:ihl]))
	w.Max, w.total = int(max(q.max, q.maxDF)), len(ip)
	r.used(f, 0, q)
	return Complete
}

// load copies a queue's bytes to frame: what stands before the payload, up to
// at, from the first fragment, and then all payloads.
func (r *Reassembler) load(f *family, q *queue, frame []byte, at int, w *Whole) {
	f.chunks.load(frame[:at], f.nodes.all[q.first].chunk, 0)
	sizes := r.mem.words(int(q.n))
	k := 0
	for i := q.first; i != 0; i = f.nodes.all[i].next {
		n := &f.nodes.all[i]
		f.chunks.load(frame[at:at+int(n.len)], n.chunk, int(n.skip))
		at += int(n.len)
		sizes[k] = uint16(n.len)
		k++
	}
	w.Frame, w.L3, w.sizes, w.least = frame, int(q.l3), sizes, int(q.least)
}

// used ends a queue whose fragments have become a packet.
func (r *Reassembler) used(f *family, fam int, q *queue) {
	r.stats.Used[fam] += uint64(q.n)
	r.remove(f, r.cur)
}
