package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/bench"
	"sluice/internal/replay"
)

func newBenchReplayCommand() *cobra.Command {
	var o replay.Options
	var in []string
	var seconds float64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay POLICY --in DEV=FILE [--in DEV=FILE ...]",
		Short: "Measure whole replays, from the capture's file to the last verdict",
		Long: `Replays captures as sluice replay does, again and again, each time from an empty
table, and tells how long that took by the clock and in processor time. Reading
and judging run beside each other, on two cores where there are two.`,
		Example: "  sluice bench replay http.tc --in http.pcap --split initiator=uplink_rep,vf0_rep",
		Args:    arguments("POLICY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			if err := checkSeconds(seconds); err != nil {
				return err
			}
			o.Policy, o.Inputs = args[0], inputs(in)
			return runBenchReplay(ctx, cmd.OutOrStdout(), o, seconds, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&in, "in", nil, "capture and the device its frames came in on, `DEV=FILE` (repeatable)")
	f.StringArrayVar(&o.Split, "split", nil, "how to tell devices apart within a capture, `HOW` as for sluice replay (repeatable)")
	f.Float64Var(&seconds, "seconds", 2, "how long to go on, in seconds of replays' time")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of hashes and random choices")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runBenchReplay(ctx context.Context, w io.Writer, o replay.Options, seconds float64, asJSON bool) error {
	res, err := bench.Replay(ctx, o, time.Duration(seconds*float64(time.Second)))
	if err != nil && res.Passes == 0 {
		return err
	}
	// Whatever stopped it, the passes that were whole are told.
	if asJSON {
		return errors.Join(indented(w, res), err)
	}
	fmt.Fprintf(w, "replay: %d packets, %d bytes, %d times\n", res.Packets, res.Bytes, res.Passes)
	fmt.Fprintf(w, "  %.2f M packets a second, %.2f at best\n  %.1f ns of processor time a packet\n", res.Mpps, res.BestMpps, res.CPUNsPerPacket)
	return err
}
