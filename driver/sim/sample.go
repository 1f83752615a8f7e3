package sim

import "sluice/offload"

// samples are counters as they were when the card sampled them last. One is
// taken when the first packet of an interval is about to be counted, or when
// somebody asks.
type samples struct {
	every int64
	chunk []*[chunkSize]sampleOf
}

type sampleOf struct {
	conn uint64
	at   int64
	s    offload.FlowStats
}

func (s *samples) of(slot uint32) *sampleOf {
	for int(slot>>chunkBits) >= len(s.chunk) {
		s.chunk = append(s.chunk, new([chunkSize]sampleOf))
	}
	return &s.chunk[slot>>chunkBits][slot&(chunkSize-1)]
}

// before brings a flow's sample up to date; its counters have not changed since
// the interval began.
func (n *NIC) before(now int64, f *flow) *sampleOf {
	s := &n.sampled
	o := s.of(f.slot)
	if at := now - now%s.every; o.conn != uint64(f.Conn) || o.at != at {
		o.conn, o.at, o.s = uint64(f.Conn), at, n.stats(f, at)
	}
	return o
}

// sample is what a reading of a flow's counters tells.
func (n *NIC) sample(f *flow) offload.FlowStats {
	if n.cfg.Stats == 0 {
		return n.stats(f, n.now)
	}
	return n.before(n.now, f).s
}
