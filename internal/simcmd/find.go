package simcmd

import (
	"context"
	"math"
)

// candidates are tried by Find unless others are given: the simplest first.
// Thresholds keep what is short or seldom out of the device; eviction corrects
// what got in all the same.
var candidates = []string{
	"none", "lru", "packets=8", "packets=8,lru", "packets=20,lru", "packets=8,rate", "packets=20,rate", "packets=8,never=dns,state",
}

// searchConns is how many connections the search uses; the policy that it
// finds is then tried with all of them.
const searchConns = 500_000

// find tries policies, at a small scale first, until one reaches the target.
func (p *plan) find(ctx context.Context, r *Result) error {
	conns := 0.0
	for _, part := range p.parts {
		conns += float64(part.Conns)
	}
	small := min(p.Scale, searchConns/math.Max(conns, 1))
	for i := range p.policies {
		c := &p.policies[i]
		for _, scale := range []float64{small, p.Scale} {
			run, err := p.run(ctx, c, scale)
			if run != nil {
				r.Runs = append(r.Runs, run)
			}
			if err != nil {
				return err
			}
			if run.Steady.DeviceShare < p.Target {
				break
			}
			if scale == p.Scale {
				r.Found = c.name
				return nil
			}
		}
	}
	return nil
}
