package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/driver/sim"
	"sluice/flowtable"
	"sluice/internal/admission"
	"sluice/internal/outfile"
	"sluice/internal/simcmd"
	"sluice/internal/workload"
)

// simFlags are the flags of `sluice sim`.
type simFlags struct {
	workloads []string
	cost      string
	target    float64
	json      bool
	report    string
	opts      simcmd.Options
}

func newSimCommand() *cobra.Command {
	var o simFlags
	names, words := sim.Profiles()
	var devices strings.Builder
	for i := range names {
		fmt.Fprintf(&devices, "  %-11s %s\n", names[i], words[i])
	}
	var keys []string
	for _, k := range sim.Keys() {
		keys = append(keys, k.Form())
	}
	cmd := &cobra.Command{
		Use:   "sim --workload WORDS [--device WORDS] [--policy WORDS ...]",
		Short: "Run workloads against a model of a network card, and compare offload policies",
		Long: `Runs traffic of up to millions of connections through the datapath and a model of
a network card, in virtual time, once for each offload policy, and prints what
became of it side by side: who carried the packets, how full the card was, what
was inserted, evicted and refused, and what a host with such a card would
forward. The same words and seed give the same numbers. Ten million connections
take about 4 GB and minutes; --scale 0.01 shows the same at a hundredth.

Workloads (--workload KIND[,KEY=VALUE…]; repeated or joined by + they run together):
` + workload.Help() + `
Devices (--device PROFILE[,KEY=VALUE…]):
` + devices.String() + `
  keys: ` + strings.Join(keys, ", ") + `

Policies (--policy WORD[,WORD…], repeated to compare several; "off": no device):
` + admission.Help(),
		Example: `  sluice sim --workload web,rate=500/s --device mlx5,flows=1k --policy none --policy packets=20,lru --duration 10s
  sluice sim --workload idle,conns=1M,active=1M --device mlx5,flows=2M --policy off --policy none --scale 0.005
  sluice sim --workload idle,conns=10M,active=2M --device mlx5,flows=2M --find --scale 0.001 --report offload.html
  sluice sim --workload zipf,conns=1M --workload synflood,rate=1M/s,start=30s --device mlx5,flows=100k --policy rate --scale 0.001`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			o.opts.Target = o.target / 100
			return runSim(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.workloads, "workload", nil, "the traffic, `WORDS` as above (repeatable)")
	f.StringVar(&o.opts.Device, "device", "plain", "the network card, `WORDS` as above")
	f.StringArrayVar(&o.opts.Policies, "policy", nil, "what goes into the card, `WORDS` as above (repeatable; default none,\nwith --find a list of common ones)")
	f.StringVar(&o.opts.TC, "tc", "", "a `FILE` of tc commands in place of the built-in policy of two ports,\nwhich forwards TCP and UDP that clients begin")
	f.StringVar(&o.opts.Clients, "clients", "", "with --tc: clients' packets come in on `DEV` (default the policy's first)")
	f.StringVar(&o.opts.Servers, "servers", "", "with --tc: servers' packets come in on `DEV` (default the policy's second)")
	f.DurationVar(&o.opts.Duration, "duration", 60*time.Second, "how much `TIME` of traffic to run")
	f.DurationVar(&o.opts.Settle, "settle", 0, "count as steady what comes after this `TIME` (default half of --duration)")
	f.Float64Var(&o.opts.Scale, "scale", 1, "multiply connections, rates and the card's figures by `F`")
	f.StringVar(&o.opts.Aging, "aging", flowtable.AgingNames[0], "how flow tables look for idle flows, `HOW`: "+strings.Join(flowtable.AgingNames[:], ", "))
	f.StringVar(&o.cost, "cost", "device=23M,software=1M", "packets a second that each could carry, `LIST`: device=, software= (or flowtable=,\ntracker=)")
	f.BoolVar(&o.opts.Find, "find", false, "try policies, the simplest first, until one reaches --target")
	f.Float64Var(&o.target, "target", 95, "with --find: `PERCENT` of packets that the card shall carry")
	f.StringArrayVar(&o.opts.Sysctls, "sysctl", nil, "set a sysctl of conntrack, `NAME=VALUE` (repeatable)")
	f.Uint64Var(&o.opts.Seed, "seed", 1, "seed of traffic, hashes and random choices")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.StringVar(&o.report, "report", "", "write a page with plots to `FILE` (HTML, nothing else needed)")
	return cmd
}

func runSim(ctx context.Context, stdout, stderr io.Writer, o simFlags) (err error) {
	if len(o.workloads) == 0 {
		return errors.New("no workload: say --workload KIND, such as web or idle; see sluice sim --help")
	}
	o.opts.Workload = strings.Join(o.workloads, "+")
	if o.opts.Costs, err = simcmd.ParseCosts(o.cost); err != nil {
		return err
	}
	var files outfile.Set
	files.Writes("--report", o.report)
	files.Reads(o.opts.TC)
	if err := files.Check(); err != nil {
		return err
	}
	if o.opts.Scale == 0 {
		return errors.New("--scale 0: want a number above 0")
	}
	if !(o.target >= 0 && o.target <= 100) {
		return fmt.Errorf("--target %v: want a share from 0 to 100 percent", o.target)
	}
	o.opts.Notes = stderr
	if isTerminal(stderr) {
		o.opts.Progress = stderr
	}
	began := time.Now()
	r, err := simcmd.Simulate(ctx, o.opts)
	if r == nil {
		return err
	}
	// Whatever stopped it, what was done before is reported.
	told := reportSim(r, stdout, stderr, o, time.Since(began))
	if err != nil {
		return errors.Join(told, err)
	}
	return told
}

func reportSim(r *simcmd.Result, stdout, stderr io.Writer, o simFlags, took time.Duration) error {
	var errs []error
	if o.report != "" {
		if err := outfile.Write(o.report, r.Page().Write); err != nil {
			errs = append(errs, fmt.Errorf("write page: %w", err))
		}
	}
	write := r.WriteText
	if o.json {
		write = r.WriteJSON
	}
	if err := write(stdout); err != nil {
		errs = append(errs, fmt.Errorf("write results: %w", err))
	}
	packets := uint64(0)
	for _, n := range r.Runs {
		packets += n.Packets
	}
	fmt.Fprintf(stderr, "%d packets in %.1f s, %.2f M packets/s\n", packets, took.Seconds(), float64(packets)/took.Seconds()/1e6)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if r.Target > 0 && r.Found == "" && r.Incomplete == "" {
		return &exitStatus{code: exitFound}
	}
	return nil
}
