// Command sluice runs tc policies with connection tracking over captures, and
// measures, checks and explains them.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:])) }

// Exit statuses of every command.
const (
	exitOK    = 0
	exitFound = 1 // it ran and found something wrong
	exitError = 2 // it could not run
)

// exitStatus carries a status through cobra. A nil err says nothing more.
type exitStatus struct {
	code int
	err  error
}

func (e *exitStatus) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitStatus) Unwrap() error { return e.err }

// ExitCode is the program's exit status.
func (e *exitStatus) ExitCode() int { return e.code }

// run executes one command line and returns the exit status.
func run(args []string) int {
	cmd := newRootCommand()
	cmd.SetArgs(args)
	err := cmd.Execute()
	if err == nil {
		return exitOK
	}
	var status interface{ ExitCode() int }
	if !errors.As(err, &status) {
		fmt.Fprintf(os.Stderr, "sluice: %v\n", err)
		return exitError
	}
	if e, ok := err.(*exitStatus); ok && e.err != nil {
		fmt.Fprintf(os.Stderr, "sluice: %v\n", e.err)
	}
	return status.ExitCode()
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Stateful packet processing in tc's language, offline and on any machine",
		Long: `Sluice runs Linux tc policies with connection tracking (flower, ct and their
flow tables) over captures, without root and without a lab, with the kernel's
result: which filter each packet hits, what the tracker makes of it, what leaves
where.

Exit status: 0, all well; 1, it ran and found something wrong; 2, it could not run.`,
		Example: `  sluice demo
  sluice replay policy.tc --in uplink_rep=in.pcap --in vf0_rep=out.pcap
  sluice tc check policy.tc`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(commands()...)
	return root
}

// commands lists all sub-commands, one file each.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newDemoCommand(),
		newReplayCommand(),
		newConntrackCommand(),
		newTCCommand(),
		newConformCommand(),
		newBenchCommand(),
	}
}
