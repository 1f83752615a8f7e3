package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/state"
	"sluice/internal/why"
)

func newWhyCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why --state FILE TUPLE...",
		Short: "Tell a connection's life, and why a device carries it or not",
		Long: `Tells what happened to a connection in order, where it is now (in a device, in the
flow table, or with the tracker alone), and why it is no further, out of a state that
sluice replay --state has saved.

TUPLE is a protocol, one or two ends (ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, :PORT),
and zone N, as far as they are known, in any order; or a line, or a part of one, as the
connection table prints it. Connections fit in either direction, translated or not.
Times are seconds after the first event that was kept.`,
		Example: `  sluice why --state replay.state tcp 192.0.2.10:57354 192.0.2.80:80
  sluice why --state replay.state src=192.0.2.10 dst=192.0.2.80 sport=57354 dport=80
  sluice why --state replay.state --json :53`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("why: TUPLE is missing; see %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runWhy(cmd.OutOrStdout(), file, asJSON, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "state", "", "the saved state, `FILE`; - is standard input")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runWhy(w io.Writer, file string, asJSON bool, args []string) error {
	if file == "" {
		return errors.New("which state? say --state FILE, which sluice replay --state has written")
	}
	var words []string
	for _, a := range args {
		words = append(words, strings.Fields(a)...)
	}
	q, err := why.Parse(words)
	if err != nil {
		return err
	}
	st, err := state.ReadFile(file)
	if err != nil {
		return err
	}
	if err := st.Sync(); err != nil {
		return fmt.Errorf("read state %s: %w", file, err)
	}
	lives := why.Find(st, q)
	if asJSON {
		if err := indented(w, lives); err != nil {
			return err
		}
	} else {
		why.WriteText(w, lives, why.First(st))
	}
	if len(lives) == 0 {
		return &exitStatus{code: 1, err: fmt.Errorf("no connection of the state fits %s", strings.Join(words, " "))}
	}
	return nil
}
