package workload

import "sluice/packet"

// train is connections of a few packets at fixed distances: the n-th
// connection's k-th packet comes at n/rate + lag[k].
type train struct {
	lag  []int64
	sent []int64 // connections whose k-th packet has been sent
}

func newTrain(p *Part) *train {
	t := new(train)
	switch p.Kind {
	case DNS:
		t.lag = []int64{0, max(p.RTT, tick)}
	case HalfOpen:
		t.lag = []int64{0, max(p.RTT/2, tick)}
	default:
		t.lag = []int64{0}
	}
	t.sent = make([]int64, len(t.lag))
	return t
}

// handshakes is the train that opens a population of TCP connections.
func handshakes(p *Part) train {
	half := max(p.RTT/2, tick)
	return train{lag: []int64{0, half, 2 * half}, sent: make([]int64, 3)}
}

func (p *part) fillTrain(now int64, v *packet.Vector) {
	t := p.train
	for k := range t.lag {
		for n := p.opened(p.Rate, now-t.lag[k]); t.sent[k] < n && v.N < packet.VectorSize; t.sent[k]++ {
			c := uint32(t.sent[k])
			if p.Kind == DNS {
				p.udp(v, c, k)
			} else {
				p.handshake(v, c, k)
			}
			if k == 0 {
				p.st.Conns++
			}
		}
	}
}
