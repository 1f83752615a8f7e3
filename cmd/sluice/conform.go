package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/conform"
)

// conformOptions are the flags of `sluice conform`.
type conformOptions struct {
	skipNeeds []string
	run       string
	record    string
	json      bool
	verbose   bool
}

func newConformCommand() *cobra.Command {
	var o conformOptions
	cmd := &cobra.Command{
		Use:   "conform FILE|DIR…",
		Short: "Run cases recorded from a real Linux kernel and compare everything",
		Long: `Runs recorded cases: a policy, frames sent in one at a time, and what a real
kernel made of each. Compares verdicts, every byte that comes out, counters, the
connection table after each step, /proc/net/nf_conntrack and tc's own listing.
Each failure prints its first difference.

A file holds one case and nothing behind it. Steps may run tc and conntrack(8)
commands (-D and -U with their filters, -F, -L, -G, -C, -S). Ports have an
ingress qdisc unless the policy, or the case's "qdisc", gives them clsact; then
hits say on which side ("dir"). What the kernel chose at random is named in
"free": nat port, nat id (of ICMP), stack, outer headers.

Exit status: 0, all passed; 1, some failed; 2, a case could not be read.`,
		Example: `  sluice conform internal/conform/testdata/cases
  sluice conform --skip-needs vlan,sctp cases/
  sluice conform --record case.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.record != "" {
				return recordCase(cmd.OutOrStdout(), o.record)
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return runConform(ctx, cmd.OutOrStdout(), args, o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.skipNeeds, "skip-needs", nil, "skip cases that need any of these features")
	f.StringVar(&o.run, "run", "", "run only cases whose name matches this regular expression")
	f.StringVar(&o.record, "record", "", "print a case as it is answered here, in its own format")
	f.BoolVar(&o.json, "json", false, "print a JSON object for each case and one with the totals")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "name the cases that pass and are skipped, too")
	return cmd
}

// recordCase prints Sluice's answer to a case.
func recordCase(w io.Writer, path string) error {
	c, err := conform.Read(path)
	if err != nil {
		return err
	}
	a, err := conform.Answer(c)
	if err != nil {
		return &exitStatus{exitFound, fmt.Errorf("%s: %w", c.Name, err)}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(a)
}

// caseResult is what --json prints of a case.
type caseResult struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Result string `json:"result"` // passed, failed or skipped
	Reason string `json:"reason,omitempty"`
}

func runConform(ctx context.Context, w io.Writer, paths []string, o conformOptions) error {
	if len(paths) == 0 {
		return fmt.Errorf("conform: name at least one case or folder of cases")
	}
	match, err := regexp.Compile(o.run)
	if err != nil {
		return fmt.Errorf("conform: --run: %w", err)
	}
	files, err := conform.Files(paths)
	if err != nil {
		return err
	}
	cases, err := readCases(ctx, files, match, o)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	count := map[string]int{}
	var stopped error
	for i, c := range cases {
		if c == nil {
			continue
		}
		if ctx.Err() != nil {
			stopped = fmt.Errorf("stopped before case %s: %w", c.Name, context.Cause(ctx))
			break
		}
		r := caseResult{Name: c.Name, File: files[i]}
		r.Result, r.Reason = judgeCase(c, o.skipNeeds)
		count[r.Result]++
		switch {
		case o.json:
			if err := enc.Encode(r); err != nil {
				return err
			}
		case r.Result == "failed":
			fmt.Fprintf(w, "FAIL %s: %s\n", r.Name, r.Reason)
		case o.verbose && r.Result == "skipped":
			fmt.Fprintf(w, "skip %s: needs %s\n", r.Name, r.Reason)
		case o.verbose:
			fmt.Fprintf(w, "ok   %s\n", r.Name)
		}
	}
	if o.json {
		totals := map[string]any{"passed": count["passed"], "failed": count["failed"], "skipped": count["skipped"]}
		if stopped != nil {
			totals["incomplete"] = stopped.Error()
		}
		if err := enc.Encode(totals); err != nil {
			return err
		}
	} else {
		if stopped != nil {
			fmt.Fprintf(w, "INCOMPLETE: %v\n", stopped)
		}
		fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", count["passed"], count["failed"], count["skipped"])
	}
	if stopped != nil {
		return stopped
	}
	if count["failed"] > 0 {
		return &exitStatus{code: exitFound}
	}
	return nil
}

// readCases reads all cases; those that are not to be run are nil. It refuses
// to run none, and to skip what no case needs.
func readCases(ctx context.Context, files []string, match *regexp.Regexp, o conformOptions) ([]*conform.Case, error) {
	cases, known, n := make([]*conform.Case, len(files)), slices.Clone(conform.Needs), 0
	for i, f := range files {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("stopped before reading %s: %w", f, context.Cause(ctx))
		}
		c, err := conform.Read(f)
		if err != nil {
			return nil, err
		}
		known = append(known, c.Needs...)
		if match.MatchString(c.Name) {
			cases[i] = c
			n++
		}
	}
	slices.Sort(known)
	for _, s := range o.skipNeeds {
		if !slices.Contains(known, s) {
			return nil, fmt.Errorf("conform: --skip-needs %s: want some of %s", s, strings.Join(slices.Compact(known), ", "))
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("conform: --run %s: no case has such a name; there are %d", o.run, len(files))
	}
	return cases, nil
}

// judgeCase runs a case, unless it needs what is to be skipped.
func judgeCase(c *conform.Case, skip []string) (result, reason string) {
	var needs []string
	for _, n := range c.Needs {
		if slices.Contains(skip, n) {
			needs = append(needs, n)
		}
	}
	if len(needs) > 0 {
		return "skipped", strings.Join(needs, ", ")
	}
	a, err := conform.Answer(c)
	if err != nil {
		return "failed", err.Error()
	}
	if d := conform.Compare(c, a); d != "" {
		return "failed", d
	}
	return "passed", ""
}
