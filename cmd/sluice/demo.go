package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sluice/internal/demo"
)

func newDemoCommand() *cobra.Command {
	var save string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a stateful policy at work on a recorded HTTP exchange",
		Long: `Runs a tc policy with connection tracking over a capture, both part of the
program, and explains what happens as it happens: which filters each packet
hits, when the connection becomes established and moves to the flow table, what
is dropped and why, and what the tables look like in the end.`,
		Example: "  sluice demo\n  sluice demo --save .",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if save != "" {
				if err := demo.Save(save); err != nil {
					return fmt.Errorf("save: %w", err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "wrote %s and %s to %s; from there:\n  %s\n", demo.PolicyFile, demo.CaptureFile, save, demo.ReplayCommand)
				return nil
			}
			out := cmd.OutOrStdout()
			// https://no-color.org
			return demo.Run(out, isTerminal(out) && os.Getenv("NO_COLOR") == "")
		},
	}
	cmd.Flags().StringVar(&save, "save", "", "write the demo's policy and capture to `DIR` instead")
	return cmd
}
