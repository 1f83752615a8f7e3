package bench

import (
	"math/bits"
	"runtime"
	"time"
)

// Machine is what a processor and its memory take for pieces of work that
// nothing in this program ever changes, in ns: with it, figures of different
// machines and days can be compared.
type Machine struct {
	// LineNs is a random cache line that waits for no other; DependentLineNs
	// one whose address is in the line before. Both in huge pages, of a memory
	// that no cache holds.
	LineNs          float64 `json:"line_ns"`
	DependentLineNs float64 `json:"dependent_line_ns"`
	CopyNs          float64 `json:"copy_1500_ns"` // 1500 bytes within the first caches
	HashNs          float64 `json:"hash_40_ns"`   // 40 bytes by multiplying, each hash after the one before
	MiB             int     `json:"mib"`          // the memory that lines are read from
}

// machineMiB is far beyond caches, and beyond what a TLB of huge pages covers.
const machineMiB = 512

// MeasureMachine measures the machine.
func MeasureMachine(o Options) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m, err := newLoops(machineMiB << 20)
	if err != nil {
		return Result{}, err
	}
	defer m.close()
	stop := func() {}
	if o.Profile != nil {
		stop = o.Profile()
	}
	defer func() { stop() }()
	each := func(work func(n int), n int) float64 {
		best := 0.0
		var all time.Duration
		for runs := 0; runs < 3 || all < o.For/4; runs++ {
			t := clock()
			work(n)
			d := clock() - t
			all += d
			if ns := float64(d.Nanoseconds()) / float64(n); best == 0 || ns < best {
				best = ns
			}
		}
		return best
	}
	res := Result{Name: "machine", Machine: &Machine{
		LineNs:          each(m.lines, 1<<20),
		DependentLineNs: each(m.chain, 1<<17),
		CopyNs:          each(m.copies, 1<<18),
		HashNs:          each(m.hashes, 1<<20),
		MiB:             machineMiB,
	}}
	return res, nil
}

// loops are fixed pieces of work over a memory of cache lines.
type loops struct {
	mem   []uint64 // 8 to a line; a line's first is the number of the next
	shift int      // of a random word to a line's number
	free  func()
	from  [16][1500]byte
	to    [16][1500]byte
	at    uint64 // line
	x     uint64 // random
	sink  uint64
}

// Multiplier and increment of a generator whose lowest k bits pass through all
// 2^k values (Knuth, 3.2.1.2, theorem A).
const (
	lcgMul = 6364136223846793005
	lcgAdd = 1442695040888963407
)

// newLoops makes loops over so many bytes, a power of two.
func newLoops(bytes int) (*loops, error) {
	mem, free, err := hugePages(bytes)
	if err != nil {
		return nil, err
	}
	n := uint64(len(mem) / 8)
	for i := range n {
		mem[i*8] = (i*lcgMul + lcgAdd) & (n - 1)
	}
	return &loops{mem: mem, shift: 64 - bits.TrailingZeros64(n), free: free, x: 1, sink: 1}, nil
}

func (m *loops) close() { m.free() }

func (m *loops) lines(n int) {
	x, sum := m.x, uint64(0)
	for range n {
		x = x*lcgMul + lcgAdd
		sum += m.mem[x>>m.shift<<3]
	}
	m.x = x
	m.sink |= sum
}

func (m *loops) chain(n int) {
	at := m.at
	for range n {
		at = m.mem[at*8]
	}
	m.at = at
	m.sink |= at
}

func (m *loops) copies(n int) {
	for i := range n {
		copy(m.to[i&15][:], m.from[i*5&15][:])
	}
	m.sink |= uint64(m.to[3][7])
}

func (m *loops) hashes(n int) {
	h := m.sink
	for i := range uint64(n) {
		for w := range uint64(5) {
			hi, lo := bits.Mul64(h^(i+w), lcgMul)
			h = hi ^ lo
		}
	}
	m.sink |= h
}

// Yardstick is a mixture of those loops over as much memory as a small table
// of connections has, to measure everything else by.
type Yardstick struct{ m *loops }

// NewYardstick makes one.
func NewYardstick() (*Yardstick, error) {
	m, err := newLoops(8 << 20)
	if err != nil {
		return nil, err
	}
	return &Yardstick{m}, nil
}

// Close gives its memory back.
func (y *Yardstick) Close() { y.m.close() }

// Round measures one round, some milliseconds, in ns for a fixed handful of
// work: 10 hashes, 8 lines, one line after another, one copy.
func (y *Yardstick) Round() float64 {
	const n = 20_000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t := clock()
	for range 20 {
		y.m.hashes(n / 20 * 10)
		y.m.lines(n / 20 * 8)
		y.m.chain(n / 20)
		y.m.copies(n / 20)
	}
	return float64((clock() - t).Nanoseconds()) / n
}
