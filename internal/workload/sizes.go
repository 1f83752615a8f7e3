package workload

import "math/bits"

// Sizes counts connections by how many packets they had: exactly below 64,
// and in sixteenths of an octave above.
type Sizes struct {
	bins [sizeBins]SizeBin
}

// SizeBin are connections of about one size.
type SizeBin struct{ Conns, Packets uint64 }

const (
	exactBins = 64
	fineBits  = 4
	sizeBins  = exactBins + (64-6)<<fineBits
)

// Add counts a connection.
func (s *Sizes) Add(packets uint64) {
	b := &s.bins[sizeBin(packets)]
	b.Conns++
	b.Packets += packets
}

func sizeBin(n uint64) int {
	if n < exactBins {
		return int(n)
	}
	octave := bits.Len64(n) - 7 // 0: from 64 on
	fine := n >> (bits.Len64(n) - 1 - fineBits) & (1<<fineBits - 1)
	return exactBins + octave<<fineBits + int(fine)
}

// addMany counts connections of one size.
func (s *Sizes) addMany(packets, conns uint64) {
	b := &s.bins[sizeBin(packets)]
	b.Conns += conns
	b.Packets += packets * conns
}

func (s *Sizes) merge(o *Sizes) {
	for i := range s.bins {
		s.bins[i].Conns += o.bins[i].Conns
		s.bins[i].Packets += o.bins[i].Packets
	}
}

// Falling yields connections from the largest to the smallest.
func (s *Sizes) Falling(yield func(SizeBin) bool) {
	for i := sizeBins - 1; i > 0; i-- {
		if s.bins[i].Conns > 0 && !yield(s.bins[i]) {
			return
		}
	}
}

// Sizes are the sizes of all connections so far.
func (g *Generator) Sizes() *Sizes {
	s := new(Sizes)
	for i := range g.parts {
		p := &g.parts[i]
		switch {
		case p.sessions != nil:
			s.merge(&p.sessions.sizes)
			for _, c := range p.sessions.all {
				if c.sent > 0 {
					s.Add(uint64(c.sent))
				}
			}
		case p.train != nil:
			for k, n := range p.train.sent {
				next := int64(0)
				if k+1 < len(p.train.sent) {
					next = p.train.sent[k+1]
				}
				s.addMany(uint64(k+1), uint64(n-next))
			}
		default:
			q := p.pop
			for c := range q.open.sent[0] {
				n := uint64(q.sent[c])
				for _, opened := range q.open.sent {
					if c < opened {
						n++
					}
				}
				s.Add(n)
			}
		}
	}
	return s
}
