package bench

import (
	"math/rand/v2"
	"runtime"
	"time"

	"sluice/flowtable"
	"sluice/internal/callgrind"
	"sluice/packet"
)

// agingTick is how often maintenance is called while aging is measured: as
// often as live traffic of a million packets a second would call it.
const agingTick = int64(256_000)

// Aging measures maintenance over a table whose connections are all in the
// flow table: ticks through twice the flow table's timeout, in which half of
// the connections are used and half are given back for their idleness. The
// flow tables sample, as they should with millions of flows. The work is
// spread; the longest tick is what a packet may have to wait.
func Aging(o Options) (Result, error) {
	r, err := newRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	if err := r.warm(o.Conns); err != nil {
		return Result{}, err
	}
	r.eng.Flows().Age(flowtable.Sample)
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	stop := func() {}
	if o.Profile != nil {
		stop = o.Profile()
	}
	defer func() { stop() }()
	res := Result{Name: "aging", Conns: o.Conns}
	var busy, longest time.Duration
	begin := r.now
	perTick := max(o.Conns/2/int(20e9/agingTick), 1) // each of the used ones every 20 s
	next := 0
	counted := callgrind.Available()
	if counted {
		callgrind.Begin()
		defer callgrind.End()
	}
	for r.now < begin+60e9 {
		r.now += agingTick
		if counted {
			callgrind.Toggle()
		}
		t := clock()
		r.eng.Tick(r.now)
		d := clock() - t
		if counted {
			callgrind.Toggle()
		}
		busy += d
		longest = max(longest, d)
		res.Packets++
		for n := 0; n < perTick; n += packet.VectorSize {
			for i := range min(perTick-n, packet.VectorSize) {
				side := int(rng.Uint32() & 1)
				r.v.Add(r.gen.write(i, uint32(next%max(o.Conns/2, 1)), side, flagACK, 1001, 5001), r.dev[side])
				next++
			}
			r.v.Now = r.now
			r.eng.Process(r.v)
			r.v.N = 0
		}
	}
	res.rate(busy)
	res.Mpps = 0
	res.LongestTickUs = microseconds(longest)
	res.CoreShare = float64(busy.Nanoseconds()) / float64(r.now-begin)
	res.BytesPerConn = float64(r.eng.Tracker().MemoryBytes()+r.eng.Flows().MemoryBytes()) / float64(max(o.Conns, 1))
	return res, nil
}
