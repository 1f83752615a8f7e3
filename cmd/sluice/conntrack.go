package main

import (
	"github.com/spf13/cobra"

	"sluice/internal/ctcmd"
)

func newConntrackCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "conntrack -L|-G|-D|-U|-E|-F|-C|-S --state FILE [options]",
		Short: "List, watch, change and delete a saved state's connections, as conntrack(8) does",
		// The options are conntrack(8)'s: some have their argument in the next
		// word or none, and a table may follow the command.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := ctcmd.Run(args, cmd.OutOrStdout(), cmd.ErrOrStderr()); code != 0 {
				return &exitStatus{code: code}
			}
			return nil
		},
	}
}
