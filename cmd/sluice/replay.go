package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sluice/conntrack"
	"sluice/driver/sim"
	"sluice/flowtable"
	"sluice/internal/outfile"
	"sluice/internal/replay"
)

// replayFlags are the flags of `sluice replay`.
type replayFlags struct {
	in        []string
	conntrack string
	stat      string
	flowStat  string
	json      bool
	show      bool
	timing    bool
	page      string
	lines     int
	opts      replay.Options
}

func newReplayCommand() *cobra.Command {
	var o replayFlags
	cmd := &cobra.Command{
		Use:   "replay POLICY --in DEV=FILE [--in DEV=FILE ...]",
		Short: "Put captures through a policy and report what becomes of every packet",
		Long: `Puts captures through a policy of tc commands, as if their frames came in on the
policy's devices, at the captures' own time. Prints packets by verdict and by
ct_state, drops by reason, filters with their counters, and the connection table.
No root, no kernel: the same input gives the same output, byte for byte.

POLICY is a file of tc(8) commands (qdisc, chain, filter, actions), one a line.
Captures are pcap or pcapng, gzipped or not; several are merged by time. "-" is
standard input, for POLICY or one FILE.

One capture with the traffic of two devices is told apart by --split:
  --split src=PREFIX:DEV      frames from these addresses came in on DEV
  --split mac=MAC:DEV         frames from this MAC address came in on DEV
  --split initiator=DEV,DEV   who opened a connection is behind the first device,
                              the other end behind the second
Addresses are looked at first, in the order given, then the initiator; the rest
came in on --in's device.`,
		Example: `  sluice replay http.tc --in uplink_rep=http.pcap --split src=192.0.2.80:vf0_rep
  sluice replay http.tc --in http.pcap.gz --split initiator=uplink_rep,vf0_rep --out seen
  sluice replay http.tc --in uplink_rep=a.pcap --in vf0_rep=b.pcapng \
      --sysctl nf_conntrack_tcp_be_liberal=1 --conntrack table.txt --json`,
		Args: arguments("POLICY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"seed", "events"} {
				if cmd.Flags().Changed("from-state") && cmd.Flags().Changed(name) {
					return fmt.Errorf("--%s beside --from-state: a state brings its own %s", name, name)
				}
			}
			ctx, arm, stop := laterInterruptible(cmd.Context())
			defer stop()
			o.opts.Policy, o.opts.Ready = args[0], arm
			return runReplay(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.in, "in", nil, "capture and the device its frames came in on, `DEV=FILE` (repeatable)")
	f.StringArrayVar(&o.opts.Split, "split", nil, "how to tell devices apart within a capture, `HOW` as above (repeatable)")
	f.StringVar(&o.opts.OutDir, "out", "", "write frames to `DIR`: DEV.pcapng for each device, pass.pcapng, drop.pcapng,\neach frame with a comment that says why; fragments that ct holds are in drop.pcapng,\nand what it puts together of them leaves under the last one's number")
	f.StringArrayVar(&o.opts.Sysctls, "sysctl", nil, "set a sysctl of conntrack or fragments, `NAME=VALUE` (repeatable)")
	f.StringVar(&o.opts.Profile, "timeout-profile", "", "start from another set of timeouts, `NAME`: "+strings.Join(conntrack.Profiles, ", ")+"\n(ovs: Open vSwitch's; paper: the offload RFC's, UDP 180 s and flows 180 s and 3600 s; rfc: the IETF's on NAT)")
	f.StringArrayVar(&o.opts.TimeoutPolicies, "timeout-policy", nil, "give a zone timeouts of its own, `zone=N,tcp_established=60,…` (repeatable)")
	f.StringArrayVar(&o.opts.ZoneLimits, "zone-limit", nil, "bound a zone's connections, `zone=N,limit=L` or default=L (repeatable)")
	f.StringArrayVar(&o.opts.SourceLimits, "source-limit", nil, "bound what a source may have in a zone,\n`zone=N,states=S,new=C/SECONDS` (repeatable)")
	f.StringArrayVar(&o.opts.ZoneChecks, "zone-checks", nil, "judge a zone's TCP otherwise, `zone=N,tcp=CHECKS`: strict; liberal: without windows;\none-way: without states, too, where one direction alone passes (repeatable)")
	f.StringVar(&o.conntrack, "conntrack", "", "write the connection table at the end to `FILE`, as /proc/net/nf_conntrack has it")
	f.StringVar(&o.opts.StateOut, "state", "", "write connections, flow tables, counters, events and the time at the end to `FILE`,\nfor sluice conntrack and --from-state")
	f.StringVar(&o.opts.FromState, "from-state", "", "go on from the state in `FILE` instead of an empty table")
	f.IntVar(&o.opts.Events, "events", replay.DefaultEvents, "with --state: keep the last `N` connection events; 0: none")
	f.BoolVar(&o.opts.NoFlowTable, "no-flow-table", false, "keep connections out of flow tables, as on machines that have none: the tracker\njudges every packet, and checks every TCP window")
	f.StringArrayVar(&o.opts.Devices, "device", nil, "put ports behind a model of a network card that carries what it can,\n`[DEV[+DEV]:]PROFILE[,KEY=VALUE]…` (repeatable; docs/devices.md):\n"+profiles())
	f.StringVar(&o.opts.Admit, "admit", "", "with --device: which established connections it is asked to take, `WORDS`, such as\npackets=20,lru (sluice sim --help lists them; default: all)")
	f.StringVar(&o.opts.Aging, "aging", "", "with --device: how flow tables look for idle flows, `HOW`: "+strings.Join(flowtable.AgingNames[:], " (default), "))
	f.StringVar(&o.page, "report", "", "write a page with plots of who carried what over time to `FILE` (HTML, nothing else needed)")
	f.StringArrayVar(&o.opts.Reloads, "reload", nil, "run the tc commands in FILE on the policy under way, whole or not at all,\n`SECONDS=FILE` after the first packet (repeatable)")
	f.StringVar(&o.opts.OnReload, "on-reload", "", "what becomes of established connections then, `HOW`: keep (default): their packets\nmeet the new policy; recheck: those that it drops end; kill: all end;\ndry-run: only tell what recheck would end")
	f.StringVar(&o.stat, "stat", "", "write the tracker's counters at the end to `FILE`, as /proc/net/stat/nf_conntrack has them")
	f.StringVar(&o.flowStat, "flowtable-stat", "", "write how much waits for devices at the end to `FILE`, as /proc/net/stat/nf_flowtable has it")
	f.Uint64Var(&o.opts.Until, "until", 0, "stop after `N` packets; 0: never")
	f.Uint64Var(&o.opts.Seed, "seed", 1, "seed of hashes and random choices")
	f.IntVar(&o.lines, "connections", 10, "print so many connections; -1: all")
	f.BoolVar(&o.json, "json", false, "print JSON, with all connections")
	f.BoolVar(&o.show, "show", false, "print tc's own listing of all filters, with the replay's counters, instead of the report")
	f.BoolVar(&o.timing, "timing", false, "with --json: add how long it took, which no two runs have in common")
	return cmd
}

// timing is what --timing adds to the JSON.
type timing struct {
	Seconds          float64 `json:"seconds"`
	PacketsPerSecond float64 `json:"packets_per_second"`
}

func runReplay(ctx context.Context, stdout, stderr io.Writer, o replayFlags) error {
	if o.timing && !o.json {
		return errors.New("--timing is for --json; without it standard error tells the time")
	}
	if o.lines < -1 {
		return fmt.Errorf("--connections %d: want a number from 0 on, or -1 for all", o.lines)
	}
	o.opts.NoEvents = o.opts.Events == 0
	o.opts.Inputs = inputs(o.in)
	o.opts.Notes, o.opts.Table, o.opts.Page = stderr, o.conntrack, o.page != ""
	o.opts.Others = []replay.Other{{Flag: "--report", Path: o.page}, {Flag: "--stat", Path: o.stat}, {Flag: "--flowtable-stat", Path: o.flowStat}}
	if isTerminal(stderr) {
		o.opts.Progress = stderr
	}
	rep, err := replay.Run(ctx, o.opts)
	if rep == nil {
		return err
	}
	// Whatever stopped the replay, what was done before is reported.
	return errors.Join(reportReplay(rep, stdout, stderr, o), err)
}

// inputs reads --in's arguments.
func inputs(args []string) (out []replay.Input) {
	for _, in := range args {
		dev, file, ok := strings.Cut(in, "=")
		if !ok {
			dev, file = "", in
		}
		out = append(out, replay.Input{Device: dev, File: file})
	}
	return out
}

func reportReplay(rep *replay.Report, stdout, stderr io.Writer, o replayFlags) error {
	var t timing
	if t.Seconds = rep.Elapsed.Seconds(); t.Seconds > 0 {
		t.PacketsPerSecond = float64(rep.Packets) / t.Seconds
	}
	var errs []error
	tell := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", what, err))
		}
	}
	// One that cannot be written takes no other with it: files come first, since
	// the reader of a pipe may have gone.
	for _, f := range []struct {
		what, path string
		write      func(io.Writer) error
	}{
		{"connection table", o.conntrack, rep.WriteConntrack},
		{"page", o.page, rep.WritePage},
		{"flow tables' counters", o.flowStat, rep.WriteFlowtableStat},
		{"tracker's counters", o.stat, rep.WriteStat},
	} {
		if f.path != "" {
			tell(f.what, outfile.Write(f.path, f.write))
		}
	}
	switch {
	case o.show:
		tell("report", rep.WriteShow(stdout, o.json))
	case o.json && o.timing:
		tell("report", rep.WriteJSON(stdout, "timing", t))
	case o.json:
		tell("report", rep.WriteJSON(stdout, "", nil))
	default:
		tell("report", rep.WriteText(stdout, o.lines))
	}
	fmt.Fprintf(stderr, "%d packets in %.3f s, %.2f M packets/s\n", rep.Packets, t.Seconds, t.PacketsPerSecond/1e6)
	return errors.Join(errs...)
}

// profiles names the models of cards.
func profiles() string {
	names, _ := sim.Profiles()
	return strings.Join(names, ", ")
}

// isTerminal reports whether w is a terminal, or another device that a person
// may be looking at.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface {
		Stat() (os.FileInfo, error)
		Name() string
	})
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
