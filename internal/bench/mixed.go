package bench

import (
	"math"
	"math/rand/v2"
	"slices"

	"sluice/packet"
)

// zipfExponent is how much likelier the n-th busiest connection is than the
// 2n-th: 2 to this.
const zipfExponent = 1.1

// Mixed measures what a server sees: nine packets of ten belong to established
// connections, of which few are busy and most are not; the tenth opens a
// connection, or resets one of those.
func Mixed(o Options) (Result, error) {
	const room = 1 << 16 // of connections that come and go
	r, err := newRig(o.Conns + room)
	if err != nil {
		return Result{}, err
	}
	if err := r.warm(o.Conns); err != nil {
		return Result{}, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	z := newZipf(o.Conns, rng)
	next, open := 0, 0
	res, err := r.measure(o, "mixed", func() error {
		for range 100 {
			for i := range packet.VectorSize {
				x := rng.Uint64()
				if x%10 != 0 {
					side := int(x>>32) & 1
					r.v.Add(r.gen.write(i, z.draw(rng), side, flagACK|flagPSH, 1001, 5001), r.dev[side])
					continue
				}
				n := uint32(o.Conns + next%room)
				if open < room/2 && x>>32&1 == 0 || open == 0 {
					r.v.Add(r.gen.write(i, n, fromClient, flagSYN, 1000, 0), r.dev[fromClient])
					next, open = next+1, open+1
					continue
				}
				n = uint32(o.Conns + (next-open)%room)
				r.v.Add(r.gen.write(i, n, fromClient, flagRST, 1001, 0), r.dev[fromClient])
				open--
			}
			if err := r.flush(); err != nil {
				return err
			}
		}
		return nil
	})
	res.ConnsPerSecond = 0
	return res, err
}

// zipf draws connections; which one is how busy is shuffled.
type zipf struct {
	rank  []float32 // cumulated weights of coarse ranks
	first []uint32  // first connection of each
	order []uint32
}

// newZipf cuts the ranks into pieces that double, within which all are alike:
// a draw is a search among few.
func newZipf(n int, rng *rand.Rand) *zipf {
	z := &zipf{order: make([]uint32, n)}
	for i := range z.order {
		z.order[i] = uint32(i)
	}
	rng.Shuffle(n, func(i, j int) { z.order[i], z.order[j] = z.order[j], z.order[i] })
	sum := 0.0
	for lo := 1; lo <= n; {
		hi := min(lo+max(lo/8, 1), n+1)
		sum += float64(hi-lo) * math.Pow(float64(lo+hi-1)/2, -zipfExponent)
		z.rank, z.first = append(z.rank, float32(sum)), append(z.first, uint32(lo-1))
		lo = hi
	}
	z.first = append(z.first, uint32(n))
	return z
}

func (z *zipf) draw(rng *rand.Rand) uint32 {
	x := rng.Float32() * z.rank[len(z.rank)-1]
	i, _ := slices.BinarySearch(z.rank, x)
	i = min(i, len(z.rank)-1)
	lo, hi := z.first[i], z.first[i+1]
	return z.order[lo+rng.Uint32N(hi-lo)]
}
