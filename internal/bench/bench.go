// Package bench measures the program through the calls that live traffic and
// replay use: from raw frame to verdict, through the HTTP policy of a server
// behind two ports, on one core.
package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/internal/callgrind"
	"sluice/packet"
	"sluice/policy/tc"
)

// Options say what to measure.
type Options struct {
	Conns int           // connections in the table
	For   time.Duration // how long to measure; at least one pass in any case
	Seed  uint64

	// Packets, if not 0, is how many to measure at the least, instead of For:
	// the same packets in every run, wherever it runs.
	Packets uint64

	// Of workers: how many, 0 for two, and which packets they get, "" for those of
	// established.
	Workers  int
	Workload string

	// Profile, if set, is called when measuring begins; what it returns is
	// called when it ends. Setting up is not measured.
	Profile func() (stop func())

	uncounted bool // of a yardstick: valgrind does not count it
}

// enough reports whether that is all that was asked for.
func (o *Options) enough(packets uint64, busy time.Duration) bool {
	if o.Packets > 0 {
		return packets >= o.Packets
	}
	return packets > 0 && busy >= o.For
}

// once is o for a single pass.
func (o *Options) once() Options {
	one := *o
	one.For, one.Packets = 0, 0
	return one
}

// Result is one measurement.
type Result struct {
	Name            string  `json:"name"`
	Conns           int     `json:"conns"`
	Packets         uint64  `json:"packets"`
	NsPerPacket     float64 `json:"ns_per_packet"`
	Mpps            float64 `json:"mpps"`
	ConnsPerSecond  float64 `json:"conns_per_s"`
	BytesPerConn    float64 `json:"bytes_per_conn"`
	AllocsPerPacket float64 `json:"allocs_per_packet"`

	// PlainNsPerPacket is what the same packets cost without translation, without
	// a tunnel, or without rules.
	PlainNsPerPacket float64 `json:"plain_ns_per_packet,omitempty"`
	// Of aging and new: the longest call of maintenance. Of new: the longest that a
	// vector of packets took. Of aging: what part of a core all maintenance took.
	LongestTickUs   float64 `json:"longest_tick_us,omitempty"`
	LongestVectorUs float64 `json:"longest_vector_us,omitempty"`
	CoreShare       float64 `json:"core_share,omitempty"`

	Machine   *Machine   `json:"machine,omitempty"`   // of machine alone
	Collector *Collector `json:"collector,omitempty"` // of gc alone
	// Of workers: how many, and how many times the packets of one they judge in
	// the same time. NsPerPacket and Mpps are all workers' together then, and
	// Plain those of one alone; core times are of a worker's own thread.
	Workers              int     `json:"workers,omitempty"`
	Speedup              float64 `json:"speedup,omitempty"`
	Workload             string  `json:"workload,omitempty"`
	CoreNsPerPacket      float64 `json:"core_ns_per_packet,omitempty"`
	PlainCoreNsPerPacket float64 `json:"plain_core_ns_per_packet,omitempty"`
}

// Policy is what every benchmark runs: HTTP from uplink_rep to the server
// behind vf0_rep, established connections back, nothing new from there.
const Policy = `
filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2
filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev vf0_rep
filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep
filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp src_port 80 action ct pipe action goto chain 2
filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +est+trk action mirred egress redirect dev uplink_rep
filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +new+trk action drop
`

// start is the virtual time at which measurements begin; any will do.
const start = int64(1_000_000_000)

// vectorTime is how much virtual time a vector takes: 256 packets at 10
// million a second.
const vectorTime = int64(25_600)

// rig is an engine with traffic for it.
type rig struct {
	eng  *datapath.Engine
	gen  generator
	v    *packet.Vector
	dev  [2]int32 // ingress device by side
	now  int64
	busy time.Duration // time spent in the datapath
	n    uint64        // packets judged

	watch                      bool // each call's time, too
	longestTick, longestVector time.Duration
	counted                    bool // valgrind counts what the datapath does
}

func newRig(conns int) (*rig, error) { return newRigWith(Policy, conns) }

func newRigWith(text string, conns int) (*rig, error) {
	p, _, err := tc.Load("bench", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	tr := conntrack.New(conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: conns + conns/8 + 1024})
	r := &rig{eng: datapath.New(datapath.Config{Tracker: tr}), v: new(packet.Vector), now: start}
	if err := r.eng.Load(p, r.now); err != nil {
		return nil, err
	}
	r.dev[fromClient], _ = r.eng.Device("uplink_rep")
	r.dev[fromServer], _ = r.eng.Device("vf0_rep")
	return r, nil
}

// flush judges the vector and counts the time it took.
func (r *rig) flush() error {
	r.now += vectorTime
	r.v.Now = r.now
	if r.counted {
		callgrind.Toggle()
	}
	t := clock()
	r.eng.Tick(r.now)
	ticked := t
	if r.watch {
		ticked = clock()
		r.longestTick = max(r.longestTick, ticked-t)
	}
	r.eng.Process(r.v)
	end := clock()
	r.busy += end - t
	if r.watch {
		r.longestVector = max(r.longestVector, end-ticked)
	}
	if r.counted {
		callgrind.Toggle()
	}
	r.n += uint64(r.v.N)
	for i := range r.v.N {
		if r.v.Verdict[i] != packet.Forward {
			return fmt.Errorf("bench: packet was not forwarded: %v (%s)", r.v.Verdict[i], datapath.ReasonName(r.v.Reason[i]))
		}
	}
	r.v.N = 0 // what left stays to be looked at
	return nil
}

// each sends one frame of every connection, in order.
func (r *rig) each(conns, side int, flags byte, seq, ack uint32) error {
	first := 0
	flush := func(next int) error {
		if err := r.flush(); err != nil {
			return err
		}
		if r.gen.behind != nil && side == fromClient && flags == flagSYN {
			r.learn(first)
		}
		first = next
		return nil
	}
	for n := range conns {
		r.v.Add(r.gen.write(r.v.N, uint32(n), side, flags, seq, ack), r.dev[side])
		if r.v.N == packet.VectorSize {
			if err := flush(n + 1); err != nil {
				return err
			}
		}
	}
	return flush(conns)
}

// speak sends data on every connection, in both directions.
func (r *rig) speak(conns int) error {
	for side := range r.dev {
		if err := r.each(conns, side, flagACK|flagPSH, 1001, 5001); err != nil {
			return err
		}
	}
	return nil
}

// random sends vectors of data packets of any connection, in any direction.
func (r *rig) random(rng *rand.Rand, conns, vectors int) error {
	for range vectors {
		for i := range packet.VectorSize {
			x := rng.Uint64()
			n := uint32(uint64(uint32(x)) * uint64(conns) >> 32)
			side := int(x>>32) & 1
			r.v.Add(r.gen.write(i, n, side, flagACK|flagPSH, 1001, 5001), r.dev[side])
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
	return nil
}

// establish completes the three-way handshake of every connection.
func (r *rig) establish(conns int) error {
	if err := r.each(conns, fromClient, flagSYN, 1000, 0); err != nil {
		return err
	}
	if err := r.each(conns, fromServer, flagSYN|flagACK, 5000, 1001); err != nil {
		return err
	}
	return r.each(conns, fromClient, flagACK, 1001, 5001)
}

// warm establishes every connection, and lets it speak in both directions.
func (r *rig) warm(conns int) error {
	if err := r.establish(conns); err != nil {
		return err
	}
	if n := r.eng.Flows().Len(); n != conns {
		return fmt.Errorf("bench: %d of %d connections reached the flow table", n, conns)
	}
	return r.speak(conns)
}

// beside measures r's packets and the same of a rig without what is measured,
// in turns.
func (r *rig) beside(plain *rig, o Options, name string, work func(*rig, *rand.Rand) error) (Result, error) {
	for _, x := range []*rig{plain, r} {
		if err := x.warm(o.Conns); err != nil {
			return Result{}, err
		}
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	plain.busy, plain.n = 0, 0
	res, err := r.measure(o, name, func() error {
		if err := work(r, rng); err != nil {
			return err
		}
		return work(plain, rng)
	})
	if err != nil {
		return res, err
	}
	res.PlainNsPerPacket = float64(plain.busy.Nanoseconds()) / float64(plain.n)
	return res, nil
}

// Established measures packets of established connections in random order,
// both directions.
func Established(o Options) (Result, error) {
	r, err := newRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	if err := r.warm(o.Conns); err != nil {
		return Result{}, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	res, err := r.measure(o, "established", func() error { return r.random(rng, o.Conns, 100) })
	res.ConnsPerSecond = 0
	return res, err
}

// New measures new TCP connections, from the SYN's frame to the committed
// connection and the frame redirected, into a table that grows to Conns.
func New(o Options) (Result, error) {
	var sum Result
	var busy time.Duration
	for !o.enough(sum.Packets, busy) {
		r, err := newRig(o.Conns)
		if err != nil {
			return Result{}, err
		}
		r.watch = true
		res, err := r.measure(o.once(), "new", func() error { return r.each(o.Conns, fromClient, flagSYN, 1000, 0) })
		if err != nil {
			return Result{}, err
		}
		if n := r.eng.Tracker().Len(); n != o.Conns {
			return Result{}, fmt.Errorf("bench: %d of %d connections were committed", n, o.Conns)
		}
		busy += r.busy
		res.Packets += sum.Packets
		res.AllocsPerPacket = max(res.AllocsPerPacket, sum.AllocsPerPacket)
		res.LongestTickUs = max(microseconds(r.longestTick), sum.LongestTickUs)
		res.LongestVectorUs = max(microseconds(r.longestVector), sum.LongestVectorUs)
		sum = res
	}
	sum.rate(busy)
	sum.ConnsPerSecond = sum.Mpps * 1e6
	return sum, nil
}

// measure repeats work until the time is up and reports on it.
func (r *rig) measure(o Options, name string, work func() error) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	var before, after runtime.MemStats
	r.busy, r.n = 0, 0
	stop := func() {}
	if o.Profile != nil {
		stop = o.Profile()
	}
	defer func() { stop() }()
	runtime.ReadMemStats(&before)
	r.counted = callgrind.Available() && !o.uncounted
	if r.counted {
		callgrind.Begin()
	}
	for !o.enough(r.n, r.busy) {
		if err := work(); err != nil {
			return Result{}, err
		}
	}
	if r.counted {
		callgrind.End()
		r.counted = false
	}
	runtime.ReadMemStats(&after)
	res := Result{Name: name, Conns: o.Conns, Packets: r.n}
	res.AllocsPerPacket = float64(after.Mallocs-before.Mallocs) / float64(r.n)
	res.BytesPerConn = float64(r.eng.Tracker().MemoryBytes()+r.eng.Flows().MemoryBytes()) / float64(max(r.eng.Tracker().Len(), 1))
	res.rate(r.busy)
	return res, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func (r *Result) rate(busy time.Duration) {
	r.NsPerPacket = float64(busy.Nanoseconds()) / float64(r.Packets)
	r.Mpps = 1e3 / r.NsPerPacket
}
