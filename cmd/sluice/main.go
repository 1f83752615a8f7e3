// Command sluice runs tc policies with connection tracking over captures, and
// measures, checks and explains them.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
	ending.watch()
	cmd := newRootCommand()
	cmd.SetArgs(args)
	out := &output{file: os.Stdout}
	cmd.SetOut(out)
	cmd.SetErr(os.Stderr)
	err := cmd.Execute()
	code := exitOK
	if err != nil {
		code = exitError
		var status interface{ ExitCode() int }
		if errors.As(err, &status) {
			code = status.ExitCode()
		}
		if e, ok := err.(*exitStatus); ok {
			err = e.err
		}
	}
	for _, err := range each(err) {
		if out.err == nil || !errors.Is(err, out.err) {
			fmt.Fprintf(os.Stderr, "sluice: %v\n", err)
		}
	}
	if out.err != nil {
		fmt.Fprintf(os.Stderr, "sluice: write standard output: %v\n", out.err)
		return exitError
	}
	return code
}

// each takes joined errors apart: each is told in a line of its own.
func each(err error) (out []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		out = append(out, each(e)...)
	}
	return out
}

// output is standard output, which remembers that writing failed: a result
// that nobody got is an error, whoever wrote it.
type output struct {
	file *os.File
	err  error // the first
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.file.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Stat is the file's: a person may be looking at it.
func (o *output) Stat() (os.FileInfo, error) { return o.file.Stat() }

// Name is the file's.
func (o *output) Name() string { return o.file.Name() }

// arguments checks how many arguments there are and names what is missing.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fmt.Errorf("%s: %s is missing; see %s --help", cmd.Name(), names[len(args)], cmd.CommandPath())
		}
		if len(args) > len(names) {
			return fmt.Errorf("%s: %q is one argument too many; see %s --help", cmd.Name(), args[len(names)], cmd.CommandPath())
		}
		return nil
	}
}

// flagError says of a flag's value what it should have been.
func flagError(_ *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	want := map[string]string{"uint64": "a whole number from 0 on", "int": "a whole number", "float64": "a number", "bool": "true or false", "duration": "a time, such as 20s or 500ms"}[bad.GetFlag().Value.Type()]
	if want == "" {
		return err
	}
	return fmt.Errorf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
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
	root.Version = version()
	root.SetFlagErrorFunc(flagError)
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
		newSimCommand(),
		newWhyCommand(),
	}
}
