package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/bench"
	"sluice/internal/outfile"
)

// benchOptions are the flags of `sluice bench`.
type benchOptions struct {
	conns      int
	seconds    float64
	packets    uint64
	seed       uint64
	json       bool
	workers    int
	workload   string
	cpuProfile string
}

func newBenchCommand() *cobra.Command {
	var o benchOptions
	var names []string
	long := "Measures the datapath through the same calls as replay and live traffic, with\nthe HTTP policy of two ports, on one core.\n\n"
	for _, b := range bench.All {
		names = append(names, b.Name)
		long += fmt.Sprintf("  %-12s %s\n", b.Name, strings.ReplaceAll(b.What, "\n", "\n               "))
	}
	names = append(names, "all")
	long += "  all          every one of these, as a table"
	cmd := &cobra.Command{
		Use:       "bench " + strings.Join(names, "|"),
		Short:     "Measure the datapath, from raw frame to verdict, on one core",
		Long:      long,
		Example:   "  sluice bench established\n  sluice bench new --conns 100000 --seconds 1 --json\n  sluice bench all --conns 10000 --seconds 0.01",
		ValidArgs: names,
		Args:      arguments("what to measure (" + strings.Join(names, ", ") + ")"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(names, args[0]) {
				return fmt.Errorf("bench %q: want one of %s", args[0], strings.Join(names, ", "))
			}
			if args[0] != "workers" {
				for _, flag := range []string{"workers", "workload"} {
					if cmd.Flags().Changed(flag) {
						return fmt.Errorf("--%s is for bench workers alone", flag)
					}
				}
			} else if o.workers < 2 {
				return fmt.Errorf("--workers %d: want 2 or more", o.workers)
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return runBench(ctx, cmd.OutOrStdout(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.conns, "conns", 1_000_000, "connections in the table")
	f.Float64Var(&o.seconds, "seconds", 2, "how long to measure, in seconds of datapath time")
	f.Uint64Var(&o.packets, "packets", 0, "measure this many packets, rounded up to whole rounds, instead of a time; 0: a time")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the order of packets")
	f.IntVar(&o.workers, "workers", 2, "workers: how many, beside one")
	f.StringVar(&o.workload, "workload", "established", "workers: which packets ("+strings.Join(bench.Workloads, ", ")+")")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile to this file")
	cmd.AddCommand(newBenchReplayCommand())
	return cmd
}

func checkSeconds(s float64) error {
	if !(s > 0 && s <= 3600) {
		return fmt.Errorf("--seconds %v: want a number above 0, at most 3600", s)
	}
	return nil
}

func runBench(ctx context.Context, w io.Writer, name string, o benchOptions) error {
	if o.conns < 1 || o.conns > 1<<27 {
		return fmt.Errorf("--conns must be between 1 and %d", 1<<27)
	}
	if err := checkSeconds(o.seconds); err != nil {
		return err
	}
	opt := bench.Options{
		Conns: o.conns, For: time.Duration(o.seconds * float64(time.Second)), Seed: o.seed, Packets: o.packets,
		Workers: o.workers, Workload: o.workload,
	}
	if o.cpuProfile != "" {
		f, err := outfile.Create(o.cpuProfile)
		if err != nil {
			return fmt.Errorf("--cpuprofile: %w", err)
		}
		p := &profile{f: f}
		opt.Profile = p.begin
		return errors.Join(measure(ctx, w, name, o, opt), p.end())
	}
	return measure(ctx, w, name, o, opt)
}

// profile is a CPU profile's file. It holds one profile: the first pass's.
type profile struct {
	f     *outfile.File
	mu    sync.Mutex // a pass that is left alone may still begin
	begun bool
	err   error
}

func (p *profile) begin() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun {
		return func() {}
	}
	p.begun = true
	if p.err = pprof.StartCPUProfile(p.f); p.err != nil {
		return func() {}
	}
	return pprof.StopCPUProfile
}

// end puts the file in its place, also when the pass did not come to its end.
func (p *profile) end() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
	pprof.StopCPUProfile()
	if p.err != nil {
		return fmt.Errorf("write profile: %w", errors.Join(p.err, p.f.Abort()))
	}
	if err := p.f.Commit(false, nil); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

// measure runs what is asked for and prints it. When ctx ends, what has been
// measured by then is printed.
func measure(ctx context.Context, w io.Writer, name string, o benchOptions, opt bench.Options) error {
	results := []bench.Result{}
	var stopped error
	for _, b := range bench.All {
		if name != b.Name && name != "all" {
			continue
		}
		res, err := runOne(ctx, b, opt)
		if ctx.Err() != nil {
			stopped = err
			break
		}
		if err != nil {
			return err
		}
		if name != "all" {
			return writeBench(w, res, o.json)
		}
		results = append(results, res)
		if !o.json {
			writeBenchRow(w, res, len(results) == 1)
		}
	}
	if name != "all" {
		return stopped
	}
	if o.json {
		return errors.Join(indented(w, results), stopped)
	}
	if stopped != nil {
		fmt.Fprintf(w, "INCOMPLETE: %v\n", stopped)
	}
	return stopped
}

// runOne measures, unless ctx ends first; then the measurement is left alone,
// for the program is about to end.
func runOne(ctx context.Context, b bench.Benchmark, opt bench.Options) (bench.Result, error) {
	type outcome struct {
		res bench.Result
		err error
	}
	c := make(chan outcome, 1)
	go func() {
		res, err := b.Run(opt)
		c <- outcome{res, err}
	}()
	select {
	case o := <-c:
		return o.res, o.err
	case <-ctx.Done():
		return bench.Result{}, fmt.Errorf("stopped during %s: %w", b.Name, context.Cause(ctx))
	}
}

func indented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// writeBench prints one measurement.
func writeBench(w io.Writer, res bench.Result, asJSON bool) error {
	if asJSON {
		return indented(w, res)
	}
	if m := res.Machine; m != nil {
		fmt.Fprintf(w, "machine: the best of several runs, in ns\n  %6.1f  a random cache line of %d MiB, waiting for no other\n  %6.1f  one whose address the line before holds\n  %6.1f  a copy of 1500 bytes\n  %6.1f  a hash of 40 bytes\n",
			m.LineNs, m.MiB, m.DependentLineNs, m.CopyNs, m.HashNs)
		return nil
	}
	unit := "packets"
	if res.CoreShare > 0 {
		unit = "ticks"
	}
	fmt.Fprintf(w, "%s: %d connections, %d %s\n", res.Name, res.Conns, res.Packets, unit)
	if res.CoreShare > 0 {
		fmt.Fprintf(w, "  %s\n  %.1f bytes a connection\n", benchMore(res), res.BytesPerConn)
		return nil
	}
	if res.Workers > 0 {
		fmt.Fprintf(w, "  %s: one worker %.2f Mpps (%.1f ns a packet), %d workers %.2f Mpps (%.1f), %.2f times as many\n",
			res.Workload, 1e3/res.PlainNsPerPacket, res.PlainNsPerPacket, res.Workers, res.Mpps, res.NsPerPacket, res.Speedup)
		fmt.Fprintf(w, "  a worker's own core: %.1f ns a packet alone, %.1f beside the others\n", res.PlainCoreNsPerPacket, res.CoreNsPerPacket)
		fmt.Fprintf(w, "  %.1f bytes a connection, %.4f allocations a packet\n", res.BytesPerConn, res.AllocsPerPacket)
		return nil
	}
	fmt.Fprintf(w, "  %.1f ns a packet, %.2f Mpps", res.NsPerPacket, res.Mpps)
	if res.PlainNsPerPacket > 0 {
		fmt.Fprintf(w, " (%.1f ns for the same packets without)", res.PlainNsPerPacket)
	}
	if res.ConnsPerSecond > 0 {
		fmt.Fprintf(w, ", %.2f M connections a second", res.ConnsPerSecond/1e6)
	}
	fmt.Fprintf(w, "\n  %.1f bytes a connection, %.4f allocations a packet\n", res.BytesPerConn, res.AllocsPerPacket)
	if more := benchMore(res); more != "" {
		fmt.Fprintf(w, "  %s\n", more)
	}
	return nil
}

// benchMore is what a measurement has to say besides packets.
func benchMore(r bench.Result) string {
	switch {
	case r.CoreShare > 0:
		return fmt.Sprintf("longest tick %.0f µs, %.2f %% of a core", r.LongestTickUs, 100*r.CoreShare)
	case r.Workers > 0:
		return fmt.Sprintf("%d workers: %.2f times one", r.Workers, r.Speedup)
	case r.LongestVectorUs > 0:
		return fmt.Sprintf("longest tick %.0f µs, longest vector of packets %.0f µs", r.LongestTickUs, r.LongestVectorUs)
	case r.Machine != nil:
		m := r.Machine
		return fmt.Sprintf("line %.1f ns, dependent %.0f ns, copy of 1500 bytes %.1f ns, hash of 40 bytes %.1f ns", m.LineNs, m.DependentLineNs, m.CopyNs, m.HashNs)
	case r.Collector != nil:
		c := r.Collector
		return fmt.Sprintf("%d collections, pauses of %.0f µs, the longest %.0f; %.2f MB of %.0f MB to scan", c.Cycles, c.MedianPauseUs, c.LongestPauseUs, float64(c.ScanBytes)/1e6, float64(c.ScanBytes+c.TableBytes)/1e6)
	}
	return ""
}

// writeBenchRow prints one measurement as a line of a table.
func writeBenchRow(w io.Writer, r bench.Result, head bool) {
	const form = "%-12s %11s %11s %9s %9s %11s %9s  %s\n"
	if head {
		fmt.Fprintf(w, form, "", "connections", "ns/packet", "without", "Mpps", "M conns/s", "B/conn", "")
	}
	number := func(v float64, format string) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf(format, v)
	}
	ns := number(r.NsPerPacket, "%.1f")
	if r.CoreShare > 0 {
		ns = "-"
	}
	fmt.Fprintf(w, form, r.Name, number(float64(r.Conns), "%.0f"), ns, number(r.PlainNsPerPacket, "%.1f"), number(r.Mpps, "%.2f"),
		number(r.ConnsPerSecond/1e6, "%.2f"), number(r.BytesPerConn, "%.0f"), benchMore(r))
}
