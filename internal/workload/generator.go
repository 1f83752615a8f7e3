package workload

import (
	"math/rand/v2"

	"sluice/packet"
)

// tick is the step of time: packets within one have the same time.
const tick = int64(100_000)

// Config is what a generator is made of.
type Config struct {
	Parts    []Part // as Parse returns them
	Duration int64  // ns
	Seed     uint64
	Start    int64    // time of the first tick, ns
	Devs     [2]int32 // where clients' and servers' packets come in
}

// Stats count what a part has sent.
type Stats struct {
	Packets, Bytes uint64 // bytes of whole frames
	Conns          uint64 // connections begun
}

// Generator makes frames. One goroutine owns it.
type Generator struct {
	cfg   Config
	ring  *ring
	parts []part
	now   int64 // since the start
	cur   int   // the part under way
}

// part is a workload under way; exactly one of its shapes is in use.
type part struct {
	Part
	st       Stats
	nth      int
	devs     [2]int32
	server   end
	rng      *rand.PCG
	ring     *ring
	train    *train
	sessions *sessions
	pop      *population
}

// New makes a generator.
func New(cfg Config) *Generator {
	g := &Generator{cfg: cfg, ring: new(ring), parts: make([]part, len(cfg.Parts))}
	for i := range g.parts {
		p := &g.parts[i]
		*p = part{Part: cfg.Parts[i], nth: i, devs: cfg.Devs, ring: g.ring, rng: rand.NewPCG(cfg.Seed, uint64(i))}
		p.server = server(i, p.Port)
		if p.Stop == 0 {
			p.Stop = cfg.Duration
		}
		switch p.Kind {
		case Web:
			p.sessions = newSessions()
		case DNS, SYNFlood, HalfOpen:
			p.train = newTrain(&p.Part)
		default:
			p.pop = newPopulation(&p.Part)
		}
	}
	return g
}

// Next fills a vector with the next packets and sets its time. It reports
// false when the workload is over. Frames are valid until it is called again.
func (g *Generator) Next(v *packet.Vector) bool {
	v.Reset()
	for g.now < g.cfg.Duration {
		for g.cur < len(g.parts) {
			g.parts[g.cur].fill(g.now, v)
			if v.N == packet.VectorSize {
				v.Now = g.cfg.Start + g.now
				return true
			}
			g.cur++
		}
		g.cur = 0
		g.now += tick
		if v.N > 0 {
			v.Now = g.cfg.Start + g.now - tick
			return true
		}
	}
	return false
}

// Now is how far the workload has come, in nanoseconds since its start.
func (g *Generator) Now() int64 { return g.now }

// Stats count what all parts have sent, by part.
func (g *Generator) Stats() []Stats {
	var out []Stats
	for i := range g.parts {
		out = append(out, g.parts[i].st)
	}
	return out
}

// fill adds packets that are due until there are none or the vector is full.
func (p *part) fill(now int64, v *packet.Vector) {
	now -= p.Start
	switch {
	case now < 0:
	case p.sessions != nil:
		p.fillSessions(now, v)
	case p.train != nil:
		p.fillTrain(now, v)
	default:
		p.fillPopulation(now, v)
	}
}

// due is how many of so many a second have come by a time, the first at 0.
func due(rate float64, ns int64) int64 {
	if ns < 0 {
		return 0
	}
	return int64(rate*float64(ns)/1e9) + 1
}

// opened is how many connections have begun a time ago.
func (p *part) opened(rate float64, now int64) int64 { return due(rate, min(now, p.Stop-p.Start-1)) }

// send adds a frame that goes in a direction.
func (p *part) send(v *packet.Vector, dir int, frame []byte) {
	v.Add(frame, p.devs[dir])
	p.st.Packets++
	p.st.Bytes += uint64(len(frame))
}

// tcp sends a segment of the n-th connection.
func (p *part) tcp(v *packet.Vector, n uint32, dir int, seq, ack uint32, flags byte, data int) {
	ends := [2]end{client(p.nth, n), p.server}
	seq += isn(n, dir)
	if flags&flagACK != 0 {
		ack += isn(n, 1-dir)
	}
	p.send(v, dir, p.ring.tcp(v.N, ends[dir], ends[1-dir], seq, ack, flags, data))
}

// udp sends a datagram of the n-th connection.
func (p *part) udp(v *packet.Vector, n uint32, dir int) {
	ends := [2]end{client(p.nth, n), p.server}
	p.send(v, dir, p.ring.udp(v.N, ends[dir], ends[1-dir], udpData(p.Size)))
}

// handshake sends the n-th connection's SYN, SYN-ACK or ACK.
func (p *part) handshake(v *packet.Vector, n uint32, step int) {
	switch step {
	case 0:
		p.tcp(v, n, toServer, 0, 0, flagSYN, 0)
	case 1:
		p.tcp(v, n, toClient, 0, 1, flagSYN|flagACK, 0)
	default:
		p.tcp(v, n, toServer, 1, 1, flagACK, 0)
	}
}
