package datapath

import (
	"sluice/conntrack"
	"sluice/packet"
)

// batchSize is how many packets go through together.
const batchSize = conntrack.SeekSize

// batch is a few packets that go through together.
type batch struct {
	seek     conntrack.Seek
	gist     [batchSize]packet.Gist
	ordinary uint32 // packets that a remembered way may carry, a bit each
	parsed   uint32 // packets whose Headers are there
	whole    uint32 // packets that need all of their connection
}

// processBatches judges a vector. Packets go through in batches, and three
// batches are under way at once: while one is judged, the next one's connections
// are on their way from memory, and the one's after that index. So a million
// connections' cache misses overlap instead of queueing.
func (e *Engine) processBatches(v *packet.Vector) {
	n := (v.N + batchSize - 1) / batchSize
	for g := range n + 2 {
		if g < n {
			e.aim(v, g*batchSize, min(g*batchSize+batchSize, v.N), &e.batches[g%len(e.batches)])
		}
		if f := g - 1; f >= 0 && f < n {
			b := &e.batches[f%len(e.batches)]
			e.tr.Fetch(&b.seek, min(batchSize, v.N-f*batchSize), uint64(b.whole))
		}
		if j := g - 2; j >= 0 {
			e.judgeBatch(v, j*batchSize, min(j*batchSize+batchSize, v.N), &e.batches[j%len(e.batches)])
		}
	}
}

// aim reads frames lo to hi and begins to look for their connections.
func (e *Engine) aim(v *packet.Vector, lo, hi int, b *batch) {
	if len(e.prog.tunnels) > 0 {
		for i := lo; i < hi; i++ {
			e.begin[i] = v.M[i].Dev
			e.unwrapEarly(v, i)
		}
	} else {
		for i := lo; i < hi; i++ {
			e.begin[i] = v.M[i].Dev
		}
	}
	var ordinary, parsed, whole, want uint32
	devs, frames, metas, begin := e.prog.devs, v.Frame[lo:hi], v.M[lo:hi], e.begin[lo:hi]
	for n := 0; n < len(frames) && n < batchSize; n++ {
		g, m := &b.gist[n], &metas[n]
		is, sought := uint32(1), uint32(1)
		if !g.Read(frames[n]) {
			h := &v.H[lo+n]
			packet.Parse(frames[n], h)
			parsed |= 1 << n
			if h.Tuple.Family == packet.FamilyNone {
				sought = 0
			}
			if !g.From(h) {
				is = 0
			}
		}
		if is == 0 || g.TCPFlags&(tcpSYN|tcpFIN|tcpRST) != 0 {
			whole |= 1 << n
		}
		if d := uint(begin[n]); d < uint(len(devs)) && devs[d].hasZone {
			b.seek.Zone(n, devs[d].ctZone)
		} else {
			is, sought = 0, 0
		}
		if m.Chain != 0 || m.CT.PostCT {
			is = 0
		}
		ordinary |= is << n
		want |= sought << n
	}
	b.ordinary, b.parsed, b.whole = ordinary, parsed, whole&want
	e.tr.Aim(&b.seek, &b.gist, hi-lo, want)
}

// Flags of TCP segments that the flow table leaves to the tracker, or that
// come before it knows the connection.
const (
	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpRST = 0x04
)

// judgeBatch judges packets lo to hi, in order.
func (e *Engine) judgeBatch(v *packet.Vector, lo, hi int, b *batch) {
	met, reply := e.tr.Meet(&b.seek, &b.gist, 0, hi-lo)
	met &= b.ordinary
	ended := e.tr.Ended()
	for n := 0; n < hi-lo && n < batchSize; n++ {
		i := lo + n
		if e.trace {
			e.first[i], e.firstCopy[i] = int32(len(e.hits)), int32(len(e.copies))
		}
		if ended != e.tr.Ended() {
			// A connection that was met may be gone, and another in its slot.
			m, r := e.tr.Meet(&b.seek, &b.gist, n, n+1)
			met, reply = met&^(1<<n)|m&b.ordinary, reply&^(1<<n)|r
		}
		if met>>n&1 != 0 && e.follow(v, i, b, n, reply>>n&1) {
			continue
		}
		h := &v.H[i]
		if b.parsed>>n&1 == 0 {
			packet.Parse(v.Frame[i], h)
		}
		h.Hash = b.gist[n].Hash
		v.Verdict[i], v.Reason[i] = e.judge(v, i)
		e.drops[v.Reason[i]]++
	}
}
