package workload

import (
	"math"
	"math/bits"
)

// alias draws from a fixed distribution in constant time (Walker's alias
// method, in Vose's form): a column for each rank, cut in two.
type alias struct {
	cut   []uint32 // below: the column's own rank; in units of 2^-32
	other []uint32
}

// newZipf is the distribution in which rank r (from 0 on) has a share in
// proportion to (r+1)^-s.
func newZipf(n int, s float64) *alias {
	a := &alias{cut: make([]uint32, n), other: make([]uint32, n)}
	w := make([]float64, n)
	sum := 0.0
	for r := range w {
		w[r] = math.Pow(float64(r+1), -s)
		sum += w[r]
	}
	// Ranks that have less than a column's worth, and those that have more.
	less, more := make([]uint32, 0, n), make([]uint32, 0, n)
	scale := float64(n) / sum
	for r := range w {
		w[r] *= scale
		if w[r] < 1 {
			less = append(less, uint32(r))
		} else {
			more = append(more, uint32(r))
		}
	}
	for len(less) > 0 && len(more) > 0 {
		l, m := less[len(less)-1], more[len(more)-1]
		less = less[:len(less)-1]
		a.cut[l], a.other[l] = uint32(w[l]*math.MaxUint32), m
		if w[m] -= 1 - w[l]; w[m] < 1 {
			more = more[:len(more)-1]
			less = append(less, m)
		}
	}
	for _, rest := range [][]uint32{less, more} { // whole columns, but for rounding
		for _, r := range rest {
			a.cut[r], a.other[r] = math.MaxUint32, r
		}
	}
	return a
}

// pick turns 64 random bits into a rank.
func (a *alias) pick(x uint64) uint64 {
	r, fraction := bits.Mul64(x, uint64(len(a.cut)))
	if uint32(fraction>>32) > a.cut[r] {
		r = uint64(a.other[r])
	}
	return r
}
