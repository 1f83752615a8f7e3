package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/packet"
	"sluice/policy/tc"
	"sluice/workers"
)

// Workloads are what workers may be given to do.
var Workloads = []string{"established", "new", "mixed"}

// batch is how many vectors of frames are written, unmeasured, and then judged
// by all workers at the same time: a few milliseconds' worth.
const batch = 64

// crewRound is how many batches are judged in turn before the other crew's.
const crewRound = 8

// crew is a set of workers with traffic for each.
type crew struct {
	set     *workers.Set
	hands   []*hand
	batches []batchTime // as they were judged
}

// batchTime is how long a batch took: while all worked, and of all workers' own
// threads together.
type batchTime struct{ wall, core time.Duration }

// best takes over what is less.
func (b *batchTime) best(o batchTime) {
	if b.wall == 0 || o.wall < b.wall {
		b.wall = o.wall
	}
	if b.core == 0 || o.core < b.core {
		b.core = o.core
	}
}

// hand feeds one worker, on a thread of its own.
type hand struct {
	w     *workers.Worker
	gen   generator
	ring  [][frameLen]byte
	sides []uint8
	dev   [2]int32
	v     *packet.Vector
	now   int64
	n     int // frames in the ring
	rng   *rand.Rand
	zipf  *zipf
	conns []uint32 // the worker's own
	extra []uint32 // that come and go, in mixed
	next  int      // of extra, or of conns in new
	open  int      // of extra
	times []handTime
	err   error
}

// mixedRoom is how many connections come and go in mixed.
const mixedRoom = 1 << 16

// newCrew makes n workers for a number of connections, of which each gets those
// that steering gives it.
func newCrew(n int, o Options) (*crew, error) {
	p, _, err := tc.Load("bench", strings.NewReader(Policy))
	if err != nil {
		return nil, err
	}
	room := 0
	if o.Workload == "mixed" {
		room = mixedRoom
	}
	s, err := workers.New(workers.Config{
		Workers: n, Tracker: conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: o.Conns + o.Conns/8 + room + 1024},
	})
	if err != nil {
		return nil, err
	}
	if err := s.Load(p, start); err != nil {
		return nil, err
	}
	if len(s.Workers()) != n {
		return nil, fmt.Errorf("bench: one worker only: %s", strings.Join(s.Why(), "; "))
	}
	c := &crew{set: s}
	for i, w := range s.Workers() {
		h := &hand{
			w: w, ring: make([][frameLen]byte, batch*packet.VectorSize), sides: make([]uint8, batch*packet.VectorSize),
			v: new(packet.Vector), now: start, rng: rand.New(rand.NewPCG(o.Seed, uint64(i))),
		}
		h.dev[fromClient], _ = w.Engine().Device("uplink_rep")
		h.dev[fromServer], _ = w.Engine().Device("vf0_rep")
		c.hands = append(c.hands, h)
	}
	var frame [frameLen]byte
	for i := range o.Conns + room {
		h := c.hands[0]
		h.gen.fill(frame[:], uint32(i), fromClient, flagSYN, 1000, 0)
		h = c.hands[s.Steer(frame[:])]
		if i < o.Conns {
			h.conns = append(h.conns, uint32(i))
		} else {
			h.extra = append(h.extra, uint32(i))
		}
	}
	return c, nil
}

// add writes a frame into the ring.
func (h *hand) add(n uint32, side int, flags byte, seq, ack uint32) {
	h.gen.fill(h.ring[h.n][:], n, side, flags, seq, ack)
	h.sides[h.n] = uint8(side)
	h.n++
}

// judge lets the worker judge what is in the ring.
func (h *hand) judge() error {
	for lo := 0; lo < h.n; lo += packet.VectorSize {
		v := h.v
		v.N = 0
		for i := lo; i < min(lo+packet.VectorSize, h.n); i++ {
			v.Add(h.ring[i][:], h.dev[h.sides[i]])
		}
		h.now += vectorTime
		v.Now = h.now
		h.w.Tick(h.now)
		h.w.Process(v)
		for i := range v.N {
			if v.Verdict[i] != packet.Forward {
				return fmt.Errorf("bench: packet was not forwarded: %v (%s)", v.Verdict[i], datapath.ReasonName(v.Reason[i]))
			}
		}
	}
	h.n = 0
	return nil
}

// warm establishes the worker's connections and lets them speak.
func (h *hand) warm() error {
	for _, x := range []struct {
		side     int
		flags    byte
		seq, ack uint32
	}{
		{fromClient, flagSYN, 1000, 0}, {fromServer, flagSYN | flagACK, 5000, 1001}, {fromClient, flagACK, 1001, 5001},
		{fromClient, flagACK | flagPSH, 1001, 5001}, {fromServer, flagACK | flagPSH, 5001, 1001},
	} {
		for _, n := range h.conns {
			h.add(n, x.side, x.flags, x.seq, x.ack)
			if h.n == len(h.ring) {
				if err := h.judge(); err != nil {
					return err
				}
			}
		}
		if err := h.judge(); err != nil {
			return err
		}
	}
	return nil
}

// fills are how a ring is filled.
var fills = map[string]func(h *hand){
	"established": func(h *hand) {
		for h.n < len(h.ring) {
			x := h.rng.Uint64()
			h.add(h.conns[uint64(uint32(x))*uint64(len(h.conns))>>32], int(x>>32)&1, flagACK|flagPSH, 1001, 5001)
		}
	},
	"new": func(h *hand) {
		for h.n < len(h.ring) {
			h.add(h.conns[h.next], fromClient, flagSYN, 1000, 0)
			h.next++
		}
	},
	"mixed": func(h *hand) {
		if h.zipf == nil {
			h.zipf = newZipf(len(h.conns), h.rng)
		}
		room := len(h.extra)
		for h.n < len(h.ring) {
			x := h.rng.Uint64()
			switch {
			case x%10 != 0:
				h.add(h.conns[h.zipf.draw(h.rng)], int(x>>32)&1, flagACK|flagPSH, 1001, 5001)
			case h.open < room/2 && x>>32&1 == 0 || h.open == 0:
				h.add(h.extra[h.next%room], fromClient, flagSYN, 1000, 0)
				h.next, h.open = h.next+1, h.open+1
			default:
				h.add(h.extra[(h.next-h.open)%room], fromClient, flagRST, 1001, 0)
				h.open--
			}
		}
	},
}

// connsPerWorker is how many connections there are at least, for each worker to
// have some.
const connsPerWorker = 1024

// handTime is when a worker was done with a batch, and its thread's time for it.
type handTime struct {
	end  time.Time
	core time.Duration
}

// work lets all workers fill their rings, wait for one another, and judge what
// is in them, a number of times.
func (c *crew) work(fill func(*hand), batches int) error {
	var ready atomic.Int32 // rings filled so far, of all batches
	begun := make([]time.Time, batches)
	done := make([]sync.WaitGroup, batches)
	for i := range done {
		done[i].Add(len(c.hands))
	}
	var all sync.WaitGroup
	for i, h := range c.hands {
		h.times = make([]handTime, batches)
		all.Go(func() {
			pin(i)
			for b := range batches {
				fill(h)
				if ready.Add(1) == int32((b+1)*len(c.hands)) {
					begun[b] = time.Now()
				}
				for i := 0; int(ready.Load()) < (b+1)*len(c.hands); i++ {
					if i > 1<<16 {
						time.Sleep(10 * time.Microsecond) // more workers than processors
					}
				}
				t := clock()
				if err := h.judge(); err != nil {
					h.err = err
				}
				h.times[b] = handTime{time.Now(), clock() - t}
				done[b].Done()
				done[b].Wait() // writing the next ring must not take anybody's time
			}
		})
	}
	all.Wait()
	c.batches = c.batches[:0]
	for b := range batches {
		var t batchTime
		for _, h := range c.hands {
			t.wall = max(t.wall, h.times[b].end.Sub(begun[b]))
			t.core += h.times[b].core
		}
		c.batches = append(c.batches, t)
	}
	for _, h := range c.hands {
		if h.err != nil {
			return h.err
		}
	}
	return nil
}

// Workers measures what several workers judge at the same time beside what one
// alone does, in turns. The best batch of each counts, of those that are alike,
// since other people's load only takes away. Writing the frames is not measured, nor is steering,
// which a NIC's queues or another thread do.
func Workers(o Options) (Result, error) {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Workload == "" {
		o.Workload = "established"
	}
	if o.Workers < 2 || o.Workers > conntrack.MaxShared {
		return Result{}, fmt.Errorf("%d workers: want 2 to %d", o.Workers, conntrack.MaxShared)
	}
	if !slices.Contains(Workloads, o.Workload) {
		return Result{}, fmt.Errorf("workload %q: want one of %s", o.Workload, strings.Join(Workloads, ", "))
	}
	if least := 4 * batch * packet.VectorSize * o.Workers; o.Workload == "new" && o.Conns < least {
		return Result{}, fmt.Errorf("%d connections: want %d, as many as %d workers begin at once", o.Conns, least, o.Workers)
	}
	o.Conns = max(o.Conns, connsPerWorker*o.Workers)
	res := Result{Name: "workers", Conns: o.Conns, Workers: o.Workers, Workload: o.Workload}
	var crews [2]*crew // one worker, and several
	var best [2][]batchTime
	var before, after runtime.MemStats
	allocs := uint64(0)
	stop := func() {}
	defer func() { stop() }()
	for measured := time.Duration(0); crews[0] == nil || !o.enough(res.Packets, measured/2); {
		if crews[0] == nil || o.Workload == "new" {
			var err error
			if crews, err = newCrews(o); err != nil {
				return res, err
			}
			runtime.GC()
			if o.Profile != nil && best[0] == nil {
				stop = o.Profile()
			}
		}
		runtime.ReadMemStats(&before)
		for i, c := range crews {
			batches := crewRound
			if o.Workload == "new" {
				batches = c.rings()
			}
			if err := c.work(fills[o.Workload], batches); err != nil {
				return res, err
			}
			res.Packets += uint64(batches * len(c.hands) * batch * packet.VectorSize)
			for b, t := range c.batches {
				measured += t.wall
				if o.Workload != "new" {
					b = 0 // one is like the other
				}
				if b == len(best[i]) {
					best[i] = append(best[i], t)
				}
				best[i][b].best(t)
			}
		}
		runtime.ReadMemStats(&after)
		allocs += after.Mallocs - before.Mallocs
	}
	many := crews[1]
	res.PlainNsPerPacket, res.PlainCoreNsPerPacket = perPacket(best[0], 1)
	res.NsPerPacket, res.CoreNsPerPacket = perPacket(best[1], o.Workers)
	for _, e := range many.set.Check() {
		return res, fmt.Errorf("bench: %w", e)
	}
	res.Mpps, res.Speedup = 1e3/res.NsPerPacket, res.PlainNsPerPacket/res.NsPerPacket
	res.AllocsPerPacket = float64(allocs) / float64(res.Packets)
	bytes := 0
	many.set.Do(func(engines []*datapath.Engine) {
		for _, e := range engines {
			bytes += e.Tracker().MemoryBytes() + e.Flows().MemoryBytes()
		}
	})
	res.BytesPerConn = float64(bytes) / float64(max(many.set.Len(), 1))
	if o.Workload == "new" {
		res.ConnsPerSecond = res.Mpps * 1e6
	}
	return res, nil
}

// rings is how many rings every worker can fill with its connections.
func (c *crew) rings() int {
	n := len(c.hands[0].conns)
	for _, h := range c.hands {
		n = min(n, len(h.conns))
	}
	return n / (batch * packet.VectorSize)
}

// perPacket is a packet's share of the time of batches: of all workers'
// together, and of its own worker's thread.
func perPacket(times []batchTime, n int) (wall, core float64) {
	for _, t := range times {
		wall += float64(t.wall.Nanoseconds())
		core += float64(t.core.Nanoseconds())
	}
	packets := float64(len(times) * n * batch * packet.VectorSize)
	return wall / packets, core / packets
}

// newCrews makes one worker, and several, with the same connections.
func newCrews(o Options) (crews [2]*crew, err error) {
	for i, n := range []int{1, o.Workers} {
		if crews[i], err = newCrew(n, o); err != nil {
			return crews, err
		}
		if o.Workload == "new" {
			continue
		}
		for _, h := range crews[i].hands {
			if err := h.warm(); err != nil {
				return crews, err
			}
		}
	}
	return crews, nil
}
