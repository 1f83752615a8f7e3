package bench

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"time"
)

// Collector is what Go's garbage collector has to do with a table of
// connections, and what it does to the packets meanwhile.
type Collector struct {
	Cycles int `json:"cycles"` // while packets were measured
	// Of a cycle, how long the world stood still in all: of the most, and the
	// median. Where the machine gives the core to somebody else meanwhile,
	// that counts.
	LongestPauseUs float64 `json:"longest_pause_us"`
	MedianPauseUs  float64 `json:"median_pause_us"`
	ScanBytes      uint64  `json:"scan_bytes"`  // what a cycle looks through for pointers: heap, stacks, globals
	TableBytes     uint64  `json:"table_bytes"` // of connections, indices and flow tables
}

// Collection measures packets of established connections in random order while
// one garbage collection follows the other, beside the same packets without.
func Collection(o Options) (Result, error) {
	r, err := newRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	if err := r.warm(o.Conns); err != nil {
		return Result{}, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	work := func() error { return r.random(rng, o.Conns, 100) }
	alone := o
	alone.uncounted = true
	plain, err := r.measure(alone, "gc", work)
	if err != nil {
		return Result{}, err
	}
	c := Collector{ScanBytes: scanBytes(), TableBytes: uint64(r.eng.Tracker().MemoryBytes() + r.eng.Flows().MemoryBytes())}
	var pauses []time.Duration
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		var st debug.GCStats
		for {
			runtime.GC()
			debug.ReadGCStats(&st)
			pauses = append(pauses, st.Pause[0])
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond): // a thousand a second are enough
			}
		}
	})
	res, err := r.measure(o, "gc", work)
	close(stop)
	wg.Wait()
	slices.Sort(pauses)
	c.Cycles = len(pauses)
	c.LongestPauseUs = float64(pauses[len(pauses)-1].Nanoseconds()) / 1e3
	c.MedianPauseUs = float64(pauses[len(pauses)/2].Nanoseconds()) / 1e3
	res.ConnsPerSecond, res.AllocsPerPacket = 0, plain.AllocsPerPacket // the collector's own are not the packets'
	res.PlainNsPerPacket = plain.NsPerPacket
	res.Collector = &c
	return res, err
}

// scanBytes is what a collection has to scan, as of the last one.
func scanBytes() uint64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/gc/scan/total:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
