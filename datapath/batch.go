package datapath

import (
	"math/bits"

	"sluice/conntrack"
	"sluice/packet"
)

// batchSize is how many packets go through together.
const batchSize = conntrack.SeekSize

const _ = uint(-(packet.VectorSize % batchSize)) // a vector is whole batches

// batch is a few packets that go through together: those from lo to hi of the
// sixteen at base.
type batch struct {
	base, lo, hi int
	begin        [batchSize]int32 // the device where each packet's way begins
	seek         conntrack.Seek
	gist         [batchSize]packet.Gist
	ordinary     uint32 // packets that a remembered way may carry, a bit each
	parsed       uint32 // packets whose Headers are there
	whole        uint32 // packets that need all of their connection
}

// processBatches judges a vector. Packets go through in batches, and three
// batches are under way at once: while one is judged, the next one's connections
// are on their way from memory, and the one's after that index. So a million
// connections' cache misses overlap instead of queueing.
func (e *Engine) processBatches(v *packet.Vector) {
	n := (v.N + batchSize - 1) / batchSize
	for g := range n + 2 {
		if g < n {
			b := &e.batches[g%len(e.batches)]
			b.base, b.lo, b.hi = g*batchSize, 0, min(batchSize, v.N-g*batchSize)
			e.aim(v, b)
		}
		if f := g - 1; f >= 0 && f < n {
			b := &e.batches[f%len(e.batches)]
			e.tr.Fetch(&b.seek, b.lo, b.hi, b.whole)
		}
		if j := g - 2; j >= 0 {
			e.judgeBatch(v, &e.batches[j%len(e.batches)])
		}
	}
}

// judgeAlone judges packet i by itself.
func (e *Engine) judgeAlone(v *packet.Vector, i int) {
	b := &e.batches[0]
	n := i % batchSize
	b.base, b.lo, b.hi = i-n, n, n+1
	e.aim(v, b)
	e.tr.Fetch(&b.seek, b.lo, b.hi, b.whole)
	e.judgeBatch(v, b)
}

// aim reads a batch's frames and begins to look for their connections.
func (e *Engine) aim(v *packet.Vector, b *batch) {
	base := b.base
	frames := (*[batchSize][]byte)(v.Frame[base : base+batchSize])
	metas := (*[batchSize]packet.Meta)(v.M[base : base+batchSize])
	begin, lo, hi := &b.begin, b.lo, b.hi
	if len(e.prog.tunnels) > 0 {
		for n := lo; n < hi && n < batchSize; n++ {
			begin[n] = e.unwrapEarly(v, base+n)
		}
	} else {
		for n := lo; n < hi && n < batchSize; n++ {
			begin[n] = metas[n].Dev
		}
	}
	// Short loops keep what they need in registers.
	odd, whole := packet.ReadGists(frames[lo:hi], b.gist[lo:hi])
	odd, whole = odd<<lo, whole<<lo
	b.parsed = odd
	ordinary, aside := ^odd, uint32(0)
	for rest := odd; rest != 0; rest &= rest - 1 {
		n := bits.TrailingZeros32(rest) & (batchSize - 1)
		h := &v.H[base+n]
		if packet.Parse(frames[n], h); b.gist[n].From(h) {
			ordinary |= 1 << n
		}
		if h.Proto == packet.ProtoTCP && h.TCPFlags&(tcpSYN|tcpFIN|tcpRST) != 0 {
			whole |= 1 << n
		}
		if h.Tuple.Family == packet.FamilyNone {
			aside |= 1 << n
		}
	}
	for rest := whole; rest != 0; rest &= rest - 1 {
		if n := bits.TrailingZeros32(rest) & (batchSize - 1); b.gist[n].TCPFlags&(tcpFIN|tcpRST) != 0 {
			ordinary &^= 1 << n // the tracker's
		}
	}
	zones := e.prog.zones
	for n := lo; n < hi && n < batchSize; n++ {
		m, zone := &metas[n], int32(-1)
		if d := uint(begin[n]); d < uint(len(zones)) {
			zone = zones[d]
		}
		if zone < 0 {
			aside |= 1 << n
		}
		b.seek.Zone(n, uint16(zone))
		if m.Chain != 0 || m.CT.PostCT {
			ordinary &^= 1 << n
		}
	}
	b.ordinary, b.whole = ordinary&^aside, (whole|^ordinary)&^aside
	e.tr.Aim(&b.seek, &b.gist, lo, hi, aside)
}

// Flags of TCP segments that the flow table leaves to the tracker, or that
// come before it knows the connection.
const (
	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpRST = 0x04
)

// judgeBatch judges a batch's packets, in order.
func (e *Engine) judgeBatch(v *packet.Vector, b *batch) {
	met, reply := e.tr.Meet(&b.seek, &b.gist, b.lo, b.hi)
	moves, asked := e.tr.Moves(), false
	for n := b.lo; n < b.hi; {
		if moves != e.tr.Moves() {
			met, reply = e.tr.Meet(&b.seek, &b.gist, n, b.hi)
			moves = e.tr.Moves()
		}
		if k := e.follow(v, b, n, met&b.ordinary, reply); k > 0 {
			n += k
			continue
		}
		i := b.base + n
		if e.trace {
			e.first[i], e.firstCopy[i], e.wayOf[i].way = int32(len(e.hits)), int32(len(e.copies)), nil
		}
		if !asked {
			e.tr.FetchRest(&b.seek, met>>n<<n)
			asked = true
		}
		h := &v.H[i]
		if b.parsed>>n&1 == 0 {
			packet.Parse(v.Frame[i], h)
		}
		h.Hash = b.gist[n&(batchSize-1)].Hash
		var f conntrack.Found
		if met>>n&1 != 0 && h.Flags&^packet.DontFrag == packet.HasL3|packet.HasL4 && (h.Proto == packet.ProtoTCP || h.Proto == packet.ProtoUDP) {
			f = e.tr.MetFound(&b.seek, n, int(reply>>n&1))
		}
		v.Verdict[i], v.Reason[i] = e.judge(v, i, b.begin[n&(batchSize-1)], f)
		e.drops[v.Reason[i]]++
		n++
	}
}
