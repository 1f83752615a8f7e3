package bench

import (
	"math/rand/v2"

	"sluice/packet"
)

// floodShare is how many established packets come for each SYN: at ten million
// packets a second, a million SYNs.
const floodShare = 10

// Flood measures packets of established connections while a tenth as many SYNs
// of connections that never get an answer come in, into a table that is full of
// them; beside the same packets without the flood. Only the established
// packets' own time counts: what the SYNs take is what new connections cost.
func Flood(o Options) (Result, error) {
	r, err := newRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	if err := r.warm(o.Conns); err != nil {
		return Result{}, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	alone := o
	alone.uncounted = true
	plain, err := r.measure(alone, "flood", func() error { return r.random(rng, o.Conns, 100) })
	if err != nil {
		return Result{}, err
	}
	next := uint32(o.Conns)
	syn := func() {
		for i := range packet.VectorSize {
			r.v.Add(r.gen.write(i, next, fromClient, flagSYN, 1000, 0), r.dev[fromClient])
			next++
		}
		r.now += vectorTime
		r.v.Now = r.now
		r.eng.Tick(r.now)
		r.eng.Process(r.v) // in a full table some are refused
		r.v.N = 0
	}
	for n := 0; n < o.Conns/8+1024; n += packet.VectorSize { // until it is full
		syn()
	}
	res, err := r.measure(o, "flood", func() error {
		for range 10 {
			syn()
			if err := r.random(rng, o.Conns, floodShare); err != nil {
				return err
			}
		}
		return nil
	})
	res.ConnsPerSecond = 0
	res.PlainNsPerPacket = plain.NsPerPacket
	return res, err
}
