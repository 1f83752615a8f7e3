package workload

import (
	"math"
	"math/bits"

	"sluice/packet"
)

// population is connections that are there to stay. The n-th is opened n/open
// after the start; then packets choose among them.
type population struct {
	open  train // handshakes
	sent  []uint32
	asked int64 // packets that were due so far, those of unopened ones included
	beats int64 // of idle connections, likewise
	alias *alias
	step  uint64 // rank r is connection r*step mod the number of connections
	back  uint64 // the inverse: connection c has rank c*back mod the number
}

func newPopulation(p *Part) *population {
	q := &population{sent: make([]uint32, p.Conns)}
	q.open = handshakes(p)
	if p.Kind == UDPOneWay {
		q.open = train{lag: []int64{0}, sent: make([]int64, 1)} // the first packet opens it
	}
	// Ranks are scattered over the order of opening: by a golden section of
	// the number of connections, or the next one that is prime to it.
	n := uint64(p.Conns)
	q.step = uint64(float64(n)*(math.Sqrt(5)-1)/2) | 1
	for {
		if q.back = inverse(q.step, n); q.back != 0 || n == 1 {
			break
		}
		q.step++
	}
	if p.Kind == Zipf {
		q.alias = newZipf(int(p.Conns), p.S)
	}
	return q
}

// inverse is x with a*x = 1 modulo n, or 0 if there is none (Euclid).
func inverse(a, n uint64) uint64 {
	r0, r1 := int64(n), int64(a%n)
	t0, t1 := int64(0), int64(1)
	for r1 != 0 {
		q := r0 / r1
		r0, r1 = r1, r0-q*r1
		t0, t1 = t1, t0-q*t1
	}
	if r0 != 1 {
		return 0
	}
	if t0 < 0 {
		t0 += int64(n)
	}
	return uint64(t0)
}

// ready is how many connections are open.
func (q *population) ready() int64 { return q.open.sent[len(q.open.sent)-1] }

func (p *part) fillPopulation(now int64, v *packet.Vector) {
	q := p.pop
	for k := range q.open.lag {
		opened := min(p.opened(p.Open, now-q.open.lag[k]), p.Conns)
		for ; q.open.sent[k] < opened && v.N < packet.VectorSize; q.open.sent[k]++ {
			c := uint32(q.open.sent[k])
			if p.Kind == UDPOneWay {
				p.udp(v, c, toServer)
			} else {
				p.handshake(v, c, k)
			}
			if k == 0 {
				p.st.Conns++
			}
		}
	}
	if now >= p.Stop-p.Start || v.N == packet.VectorSize {
		return
	}
	p.choose(now, v)
	if p.Kind == Idle && p.Beat > 0 && v.N < packet.VectorSize {
		p.beat(now, v)
	}
}

// choose sends packets of connections that are due. Those of connections that
// are not open yet are left out, so that the rate grows with their number.
func (p *part) choose(now int64, v *packet.Vector) {
	q := p.pop
	n := due(p.Rate, now)
	ready := uint32(q.ready())
	var picks [packet.VectorSize]struct{ conn, nth uint32 }
	for q.asked < n && v.N < packet.VectorSize {
		// Choosing first lets the memory accesses overlap.
		k := int(min(n-q.asked, int64(packet.VectorSize-v.N)))
		q.asked += int64(k)
		m := 0
		for range k {
			if c := p.pick(); c < ready {
				picks[m].conn, picks[m].nth = c, q.sent[c]
				q.sent[c]++
				m++
			}
		}
		for _, c := range picks[:m] {
			p.data(v, c.conn, c.nth)
		}
	}
}

// pick chooses a connection.
func (p *part) pick() uint32 {
	q := p.pop
	x := p.rng.Uint64()
	var rank uint64
	switch {
	case q.alias != nil:
		rank = q.alias.pick(x)
	case p.Kind == Idle:
		rank, _ = bits.Mul64(x, uint64(p.Active))
	default:
		rank, _ = bits.Mul64(x, uint64(p.Conns))
	}
	return uint32(rank * q.step % uint64(p.Conns))
}

// beat lets idle connections say that they are still there, one after the
// other.
func (p *part) beat(now int64, v *packet.Vector) {
	q := p.pop
	n := due(float64(p.Conns)*float64(second)/float64(p.Beat), now)
	for ; q.beats < n && v.N < packet.VectorSize; q.beats++ {
		c := uint64(q.beats) % uint64(p.Conns)
		if c*q.back%uint64(p.Conns) >= uint64(p.Active) && int64(c) < q.ready() {
			p.data(v, uint32(c), q.sent[c])
			q.sent[c]++
		}
	}
}

// data sends a connection's n-th data packet, from 0 on, which also says its
// sequence numbers.
func (p *part) data(v *packet.Vector, c, n uint32) {
	size := uint32(tcpData(p.Size))
	switch p.Kind {
	case UDPOneWay:
		p.udp(v, c, toServer)
	case Elephants: // two of data, and the client's acknowledgement
		done := n / 3 * 2
		if n%3 == 2 {
			p.tcp(v, c, toServer, 1, 1+(done+2)*size, flagACK, 0)
			return
		}
		p.tcp(v, c, toClient, 1+(done+n%3)*size, 1, flagPSH|flagACK, int(size))
	default: // question and answer
		turn := n / 2
		if n%2 == 0 {
			p.tcp(v, c, toServer, 1+turn*size, 1+turn*size, flagPSH|flagACK, int(size))
			return
		}
		p.tcp(v, c, toClient, 1+turn*size, 1+(turn+1)*size, flagPSH|flagACK, int(size))
	}
}
