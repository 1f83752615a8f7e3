package main

import (
	"fmt"
	"io"
	"slices"

	"sluice/internal/bench"
)

const (
	// ratioRounds is how often a benchmark and the yardstick take turns; the
	// median of their ratios counts.
	ratioRounds = 7
	// ratioPackets are enough to take as long as the yardstick's round.
	ratioPackets = 5 * packets
	// ratioLimit is what a ratio may grow by. On a machine that others use it
	// moves by a tenth of its own, and more for a while.
	ratioLimit = 0.25
	// ratioTries is how often what seems slower is measured before it is.
	ratioTries = 3
)

func compareRatios(w io.Writer, kept figures) (comparison, error) {
	c := comparison{unit: "of the yardstick", limit: ratioLimit}
	now := thisBuild()
	switch {
	case now.compiler() != kept.Build.compiler():
		c.foreign = fmt.Sprintf("the figures are of %s, this is %s", kept.Build.compiler(), now.compiler())
	case now.CPU != kept.Build.CPU:
		c.foreign = fmt.Sprintf("the figures are of %s, this is %s", kept.Build.CPU, now.CPU)
	}
	measured := map[string]bool{}
	for _, b := range gated() {
		measured[b.Name] = true
		ratio, err := settle(kept.Figures[b.Name].Ratio, func() (float64, error) { return measureRatio(b, ratioRounds) })
		if err != nil {
			return c, err
		}
		c.add(w, b.Name, kept.Figures[b.Name].Ratio, ratio)
	}
	c.leftOver(kept, measured)
	return c, nil
}

// settle measures until the result is within the limit, ratioTries times at the
// most, and returns the least.
func settle(kept float64, measure func() (float64, error)) (float64, error) {
	best := 0.0
	for range ratioTries {
		r, err := measure()
		if err != nil {
			return 0, err
		}
		if best == 0 || r < best {
			best = r
		}
		if kept == 0 || best <= kept*(1+ratioLimit) {
			break
		}
	}
	return best, nil
}

// measureRatio measures a benchmark between two rounds of the yardstick, again
// and again.
func measureRatio(b bench.Benchmark, rounds int) (float64, error) {
	y, err := bench.NewYardstick()
	if err != nil {
		return 0, err
	}
	defer y.Close()
	y.Round() // what is not in memory yet
	var ratios []float64
	before := y.Round()
	for range rounds {
		res, err := b.Run(bench.Options{Conns: conns, Packets: ratioPackets, Seed: seed})
		if err != nil {
			return 0, err
		}
		after := y.Round()
		ratios = append(ratios, res.NsPerPacket/((before+after)/2))
		before = after
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2], nil
}
