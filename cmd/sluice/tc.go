package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sluice/datapath"
	"sluice/policy"
	"sluice/policy/tc"
)

// newTCCommand is `sluice tc`: tc(8)'s language without a kernel.
func newTCCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tc [--policy FILE] [-batch FILE [-force]] [OPTIONS] OBJECT COMMAND",
		Short: "Read, check and show policies in tc(8)'s language",
		Long: `Runs tc commands (qdisc, chain, filter, actions) on a policy in memory and
answers as iproute2 and the kernel would: the same words, the same refusals, the
same output, plus the place of a mistake and what was expected there. Devices
are there as soon as they are named, and get an ingress or clsact qdisc when a
filter needs one. Tunnel ports, addresses, routes and neighbours are declared with
ip(8)'s words (ip link add NAME type vxlan external …).

  --policy FILE   start from a policy file instead of an empty policy
  -batch FILE     run the commands of FILE ("-": standard input), as tc -batch
  -force          go on after a command that failed
  OPTIONS         tc's own: -s -d -j -p -br -o

Spellings of the connection tracking offload papers that are not tc's are
accepted; a note shows what tc writes.

Exit status: 0, all well; 1, a command was refused; 2, a file could not be read.`,
		Example: `  sluice tc check policy.tc
  sluice tc -batch policy.tc
  sluice tc --policy policy.tc -s filter show dev uplink_rep ingress
  sluice tc filter add dev eth0 ingress proto ip flower ct_state +trk+new action drop`,
		Args:               cobra.ArbitraryArgs,
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		RunE:               func(cmd *cobra.Command, args []string) error { return runTC(cmd, args) },
	}
	cmd.AddCommand(newTCCheckCommand(), newTCFormatCommand(), newTCExplainCommand())
	return cmd
}

// tcArgs are the arguments of `sluice tc` that are not tc's own.
type tcArgs struct {
	policy, batch string
	force, help   bool
	rest          []string
}

// parseTCArgs takes this program's options from the head of the arguments.
func parseTCArgs(args []string) (a tcArgs, err error) {
	value := func(i int) (string, error) {
		if i+1 >= len(args) {
			return "", fmt.Errorf("%s: a file is expected after it", args[i])
		}
		return args[i+1], nil
	}
	for i := 0; i < len(args); i++ {
		switch w := args[i]; {
		case w == "--policy" || w == "-policy":
			if a.policy, err = value(i); err != nil {
				return a, err
			}
			i++
		case strings.HasPrefix(w, "--policy="):
			a.policy = w[len("--policy="):]
		case w == "-batch" || w == "--batch" || w == "-b":
			if a.batch, err = value(i); err != nil {
				return a, err
			}
			i++
		case w == "-force" || w == "--force":
			a.force = true
		case w == "-h" || w == "--help" || w == "-help" || w == "help":
			a.help = true
			return a, nil
		case strings.HasPrefix(w, "-"):
			a.rest = append(a.rest, w)
		default:
			a.rest = append(a.rest, args[i:]...)
			return a, nil
		}
	}
	return a, nil
}

func runTC(cmd *cobra.Command, args []string) error {
	out, errOut := cmd.OutOrStdout(), cmd.ErrOrStderr()
	a, err := parseTCArgs(args)
	if err != nil {
		fmt.Fprintln(errOut, "sluice tc:", err)
		return &exitStatus{code: exitError}
	}
	if a.help || a.batch == "" && len(a.rest) == 0 {
		return cmd.Help()
	}
	s := &tc.Session{Policy: &policy.Policy{}, Out: out, Err: errOut, Force: a.force}
	if a.policy != "" {
		p, err := loadTC(errOut, a.policy, nil)
		if err != nil {
			return err
		}
		s.Policy = p
	}
	if a.batch == "" {
		if s.Run(quoteTC(a.rest)) != nil {
			return &exitStatus{code: exitFound}
		}
		return nil
	}
	if err := tcOptions(s, a.rest); err != nil {
		fmt.Fprintln(errOut, "sluice tc:", err)
		return &exitStatus{code: exitError}
	}
	name, r, err := openTC(a.batch)
	if err != nil {
		fmt.Fprintln(errOut, "sluice tc:", err)
		return &exitStatus{code: exitError}
	}
	defer r.Close()
	if s.Batch(name, r) != nil {
		return &exitStatus{code: exitFound}
	}
	return nil
}

// tcOptions sets what tc's options mean for a whole batch.
func tcOptions(s *tc.Session, opts []string) error {
	for _, o := range opts {
		switch o {
		case "-s", "-stats", "-statistics":
			s.ShowStats = true
		case "-d", "-details":
			s.Details = true
		case "-j", "-json":
			s.JSON = true
		case "-p", "-pretty":
			s.Pretty = true
		case "-br", "-brief":
			s.Brief = true
		case "-o", "-oneline":
			s.OneLine = true
		default:
			return fmt.Errorf("%s is no option of a batch", o)
		}
	}
	return nil
}

// quoteTC joins arguments so that the session cuts them apart again.
func quoteTC(args []string) string {
	q := make([]string, len(args))
	for i, a := range args {
		q[i] = a
		if strings.ContainsAny(a, " \t\n#") || a == "" {
			q[i] = `"` + a + `"`
		}
	}
	return strings.Join(q, " ")
}

// openTC opens a policy file; "-" is standard input.
func openTC(name string) (string, io.ReadCloser, error) {
	if name == "-" {
		return name, io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(name)
	return name, f, err
}

// readTC loads a policy. A mistake in it is a *tc.Error.
func readTC(file string) (*policy.Policy, []tc.Note, error) {
	name, r, err := openTC(file)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	return tc.Load(name, r)
}

// loadTC is readTC that writes the notes, or the mistake, to errOut. notes, if
// not nil, takes the notes instead.
func loadTC(errOut io.Writer, file string, notes *[]tc.Note) (*policy.Policy, error) {
	p, ns, err := readTC(file)
	if notes != nil {
		*notes = ns
	} else {
		for _, n := range ns {
			fmt.Fprintln(errOut, n)
		}
	}
	var e *tc.Error
	switch {
	case errors.As(err, &e):
		e.Print(errOut)
		return nil, &exitStatus{code: exitError}
	case err != nil:
		fmt.Fprintln(errOut, "sluice tc:", err)
		return nil, &exitStatus{code: exitError}
	}
	return p, nil
}

func newTCCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Warn of filters that can never match, unused chains and states that fall through",
		Long: `Reads a policy and warns of what works as written but is hardly meant: filters
that can never match, that an earlier one shadows or that replay refuses, chains that nothing goes to
or that are empty, ct_state where nothing has been tracked, and states of
connections that reach the end of a chain. Each warning says where, why, and
what to do.

Exit status: 0, nothing found; 1, warnings; 2, a mistake in the policy, or the file
could not be read.`,
		Example:       "  sluice tc check policy.tc --json",
		Args:          arguments("FILE"),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTCCheck(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print warnings and notes as one JSON object")
	return cmd
}

func runTCCheck(out, errOut io.Writer, file string, asJSON bool) error {
	var notes []tc.Note
	if asJSON {
		return checkJSON(out, file)
	}
	p, err := loadTC(errOut, file, &notes)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(out, n)
	}
	warnings := append(tc.Check(p), notHere(p)...)
	for _, w := range warnings {
		fmt.Fprintln(out, w)
	}
	if len(warnings) > 0 {
		return &exitStatus{code: exitFound}
	}
	return nil
}

// checkResult is what `tc check --json` prints.
type checkResult struct {
	Warnings []tc.Warning `json:"warnings"`
	Notes    []checkNote  `json:"notes"`
	Error    *checkError  `json:"error,omitempty"` // a mistake: nothing else was looked at
}

type checkNote struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Col    int    `json:"column"`
	Word   string `json:"word"`
	Msg    string `json:"message"`
	Modern string `json:"modern,omitempty"`
}

type checkError struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column"`
	Word string `json:"word"` // empty: the end of the command
	Msg  string `json:"message"`
	Want string `json:"expected,omitempty"`
}

func checkJSON(out io.Writer, file string) error {
	p, notes, err := readTC(file)
	res := checkResult{Warnings: []tc.Warning{}, Notes: []checkNote{}}
	for _, n := range notes {
		res.Notes = append(res.Notes, checkNote(n))
	}
	var bad *tc.Error
	switch {
	case errors.As(err, &bad):
		res.Error = &checkError{bad.File, bad.Line, bad.Col, bad.Word, bad.Msg, bad.Want}
		err = &exitStatus{code: exitError}
	case err != nil:
		return &exitStatus{exitError, fmt.Errorf("tc check: %w", err)}
	default:
		res.Warnings = append(append(res.Warnings, tc.Check(p)...), notHere(p)...)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	switch e := enc.Encode(res); {
	case e != nil:
		return e
	case len(res.Warnings) > 0:
		return &exitStatus{code: exitFound}
	}
	return err
}

// notHere warns of filters that this program's datapath cannot do justice to.
func notHere(p *policy.Policy) (out []tc.Warning) {
	for _, f := range datapath.Check(p) {
		w := tc.Warning{
			File: f.Filter.File, Line: f.Filter.Line, Col: f.Filter.Col, Kind: tc.WarnNever, Why: f.What, Do: "replay will never see it match",
			Where: fmt.Sprintf("chain %d pref %d handle 0x%x", f.Chain, f.Prio, f.Filter.Handle),
		}
		if f.Refused {
			w.Kind, w.Do = tc.WarnRefused, "replay will refuse the policy for it"
		}
		out = append(out, w)
	}
	return out
}

func newTCFormatCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "format FILE",
		Short: "Write a policy as plain tc commands, with all that tc would choose",
		Long: `Reads a policy and writes it as tc commands in tc's own spelling, with every
preference, handle and index that was left to the kernel.`,
		Example:       "  sluice tc format rfc.tc > modern.tc",
		Args:          arguments("FILE"),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := loadTC(cmd.ErrOrStderr(), args[0], nil)
			if err != nil {
				return err
			}
			return tc.Format(cmd.OutOrStdout(), p)
		},
	}
}

func newTCExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain WORDS...",
		Short: "Show tc's spelling of a fragment from the papers",
		Long: `Reads matches and actions as the connection tracking offload papers print them,
parts left out, and writes what tc's language has for them.`,
		Example:            `  sluice tc explain 'tc .... action ct ct_zone 7 commit ct_label 0x0123456789ABCDEF0000111222'`,
		Args:               cobra.MinimumNArgs(1),
		DisableFlagParsing: true,
		SilenceUsage:       true,
		SilenceErrors:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "--help" || args[0] == "-h" {
				return cmd.Help()
			}
			modern, notes, err := tc.Explain(strings.Join(args, " "))
			for _, n := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), n)
			}
			if err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), err)
				return &exitStatus{code: exitFound}
			}
			fmt.Fprintln(cmd.OutOrStdout(), modern)
			return nil
		},
	}
}
