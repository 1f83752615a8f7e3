package bench

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"sluice/internal/replay"
)

// ReplayResult is what replaying the same captures again and again took. Every
// pass is a replay of its own, from an empty table, at the captures' own times.
type ReplayResult struct {
	Packets uint64 `json:"packets"` // of one pass
	Bytes   uint64 `json:"bytes"`
	Passes  int    `json:"passes"`
	// Mpps is millions of packets a second by the wall clock, from the first frame's
	// reading to the last one's verdict: the median of all passes, and the best.
	Mpps     float64 `json:"mpps"`
	BestMpps float64 `json:"best_mpps"`
	// CPUNsPerPacket is the processor time of all threads, loading the policy and
	// making the report included.
	CPUNsPerPacket float64 `json:"cpu_ns_per_packet"`
}

// Replay replays until the passes have taken as long as is asked for, at least
// once. The result is of all whole passes, there with an error, too.
func Replay(ctx context.Context, o replay.Options, long time.Duration) (res ReplayResult, err error) {
	for _, in := range o.Inputs {
		if in.File == "-" {
			return res, errors.New("standard input can be read once only: give files")
		}
	}
	if o.Policy == "-" {
		return res, errors.New("standard input can be read once only: give the policy as a file")
	}
	var rates []float64
	var cpu, elapsed time.Duration
	for res.Passes == 0 || elapsed < long {
		runtime.GC() // the last pass's connections go
		before := processClock()
		rep, err := replay.Run(ctx, o)
		if err != nil {
			return res.settle(rates, cpu), err
		}
		if rep.Packets == 0 {
			return res, errors.New("the captures hold no packets: there is nothing to measure")
		}
		cpu += processClock() - before
		elapsed += rep.Elapsed
		res.Passes++
		res.Packets, res.Bytes = rep.Packets, rep.Bytes
		rates = append(rates, float64(rep.Packets)/float64(rep.Elapsed.Nanoseconds())*1e3)
	}
	return res.settle(rates, cpu), nil
}

// settle sums up the passes.
func (res ReplayResult) settle(rates []float64, cpu time.Duration) ReplayResult {
	if res.Passes == 0 {
		return res
	}
	slices.Sort(rates)
	res.Mpps, res.BestMpps = rates[len(rates)/2], rates[len(rates)-1]
	res.CPUNsPerPacket = float64(cpu.Nanoseconds()) / float64(res.Packets) / float64(res.Passes)
	return res
}
