package datapath

import (
	"sluice/conntrack"
	"sluice/packet"
)

// batch is a few packets that go through together.
type batch struct {
	seek     conntrack.Seek
	gist     [conntrack.SeekSize]packet.Gist
	ordinary uint32 // packets that a remembered way may carry, a bit each
	parsed   uint32 // packets whose Headers are there
	whole    uint32 // packets that need all of their connection
}

// processBatches judges a vector. Packets go through in batches, and three
// batches are under way at once: while one is judged, the next one's connections
// are on their way from memory, and the one's after that index. So a million
// connections' cache misses overlap instead of queueing.
func (e *Engine) processBatches(v *packet.Vector) {
	const size = conntrack.SeekSize
	n := (v.N + size - 1) / size
	for g := range n + 2 {
		if g < n {
			e.aim(v, g*size, min(g*size+size, v.N), &e.batches[g%len(e.batches)])
		}
		if f := g - 1; f >= 0 && f < n {
			b := &e.batches[f%len(e.batches)]
			e.tr.Fetch(&b.seek, min(size, v.N-f*size), uint64(b.whole))
		}
		if j := g - 2; j >= 0 {
			e.judgeBatch(v, j*size, min(j*size+size, v.N), &e.batches[j%len(e.batches)])
		}
	}
}

// aim reads frames lo to hi and begins to look for their connections.
func (e *Engine) aim(v *packet.Vector, lo, hi int, b *batch) {
	devs := e.prog.devs
	tunnels := len(e.prog.tunnels) > 0
	b.ordinary, b.parsed, b.whole = 0, 0, 0
	for i := lo; i < hi; i++ {
		n := (i - lo) & (conntrack.SeekSize - 1)
		g, m, bit := &b.gist[n], &v.M[i], uint32(1)<<n
		b.seek.Skip(n)
		e.begin[i] = m.Dev
		if tunnels {
			e.unwrapEarly(v, i)
		}
		tu := &g.Tuple
		if g.Read(v.Frame[i]) {
			b.ordinary |= bit
			if g.TCPFlags&(tcpSYN|tcpFIN|tcpRST) != 0 {
				b.whole |= bit
			}
		} else {
			h := &v.H[i]
			packet.Parse(v.Frame[i], h)
			b.parsed |= bit
			if h.Tuple.Family == packet.FamilyNone {
				continue
			}
			b.whole |= bit
			if tu = &h.Tuple; g.From(h) {
				b.ordinary |= bit
			}
		}
		g.Hash = e.tr.Hash(tu)
		if b.parsed&bit != 0 {
			v.H[i].Hash = g.Hash
		}
		if d := uint(e.begin[i]); d < uint(len(devs)) && devs[d].hasZone {
			b.seek.Aim(n, e.tr, g.Hash, devs[d].ctZone)
		} else {
			b.ordinary &^= bit
		}
		if m.Chain != 0 || m.CT.PostCT {
			b.ordinary &^= bit
		}
	}
	e.tr.Start(&b.seek, hi-lo)
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
	for i := lo; i < hi; i++ {
		if e.trace {
			e.first[i], e.firstCopy[i] = int32(len(e.hits)), int32(len(e.copies))
		}
		n := i - lo
		if b.ordinary>>n&1 != 0 && e.follow(v, i, b, n) {
			continue
		}
		if b.parsed>>n&1 == 0 {
			packet.Parse(v.Frame[i], &v.H[i])
			v.H[i].Hash = b.gist[n&(conntrack.SeekSize-1)].Hash
		}
		v.Verdict[i], v.Reason[i] = e.judge(v, i)
		e.drops[v.Reason[i]]++
	}
}
