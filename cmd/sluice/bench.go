package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/bench"
)

// benchOptions are the flags of `sluice bench`.
type benchOptions struct {
	conns      int
	seconds    float64
	seed       uint64
	json       bool
	cpuProfile string
}

func newBenchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench established|new|nat|snat|vxlan",
		Short: "Measure the datapath, from raw frame to verdict, on one core",
		Long: `Measures the datapath through the same calls as replay and live traffic, with
the HTTP policy of two ports, on one core.

  established  packets of established connections in random order, both directions
  new          TCP connections from the SYN's frame to the committed connection
  nat          like established, with every client's address translated, beside the
               same without
  snat         like new, translated to one address of which nine of ten ports are
               taken (--conns is 58060)
  vxlan        packets of established connections that come out of a tunnel, beside
               the same without`,
		Example:   "  sluice bench established\n  sluice bench new --conns 100000 --seconds 1 --json",
		ValidArgs: []string{"established", "new", "nat", "snat", "vxlan"},
		Args:      cobra.MatchAll(arguments("what to measure (established, new, nat, snat or vxlan)"), cobra.OnlyValidArgs),
		RunE:      func(cmd *cobra.Command, args []string) error { return runBench(cmd.OutOrStdout(), args[0], o) },
	}
	f := cmd.Flags()
	f.IntVar(&o.conns, "conns", 1_000_000, "connections in the table")
	f.Float64Var(&o.seconds, "seconds", 2, "how long to measure, in seconds of datapath time")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the order of packets")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile to this file")
	return cmd
}

func runBench(w io.Writer, name string, o benchOptions) error {
	if o.conns < 1 || o.conns > 1<<27 {
		return fmt.Errorf("--conns must be between 1 and %d", 1<<27)
	}
	if !(o.seconds > 0 && o.seconds <= 3600) {
		return fmt.Errorf("--seconds %v: want a number above 0, at most 3600", o.seconds)
	}
	opt := bench.Options{Conns: o.conns, For: time.Duration(o.seconds * float64(time.Second)), Seed: o.seed}
	if o.cpuProfile != "" {
		f, err := os.Create(o.cpuProfile)
		if err != nil {
			return fmt.Errorf("create profile: %w", err)
		}
		defer f.Close()
		opt.Profile = func() func() {
			if err := pprof.StartCPUProfile(f); err != nil {
				return func() {}
			}
			return pprof.StopCPUProfile
		}
	}
	run := map[string]func(bench.Options) (bench.Result, error){"established": bench.Established, "new": bench.New, "nat": bench.NAT, "snat": bench.SNAT, "vxlan": bench.VXLAN}[name]
	res, err := run(opt)
	if err != nil {
		return err
	}
	if o.json {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(res)
	}
	fmt.Fprintf(w, "%s: %d connections, %d packets\n", res.Name, res.Conns, res.Packets)
	fmt.Fprintf(w, "  %.1f ns a packet, %.2f Mpps", res.NsPerPacket, res.Mpps)
	if res.PlainNsPerPacket > 0 {
		fmt.Fprintf(w, " (%.1f ns for the same packets without)", res.PlainNsPerPacket)
	}
	if res.ConnsPerSecond > 0 {
		fmt.Fprintf(w, ", %.2f M connections a second", res.ConnsPerSecond/1e6)
	}
	fmt.Fprintf(w, "\n  %.1f bytes a connection, %.4f allocations a packet\n", res.BytesPerConn, res.AllocsPerPacket)
	return nil
}
