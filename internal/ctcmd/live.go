package ctcmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"sluice/conntrack"
	"sluice/internal/state"
)

// Live executes one command line, the words behind conntrack, on a tracker at
// work at the time now, as conntrack(8) does on a running kernel's table. It
// returns conntrack(8)'s exit status. A command line that is wrong, or waits
// for events, is an error. The caller owns the tracker; flows that offload its
// connections are told as after any other end of a connection.
func Live(t *conntrack.Tracker, now int64, args []string, stdout, stderr io.Writer) (int, error) {
	r, err := parseFor(args, true)
	if err != nil {
		return exitUsage, err
	}
	switch r.command {
	case 0, 'h', 'V', 'E':
		return exitUsage, errors.New("expected one of -L, -G, -D, -U, -F, -C and -S")
	}
	if r.noBits {
		return exitFailed, nil
	}
	for _, n := range r.notes {
		fmt.Fprintln(stderr, n)
	}
	out := bufio.NewWriter(stdout)
	c := &caller{request: r, s: &state.State{Tracker: t}, t: t, out: out, err: stderr}
	c.s.Clock.Now = now
	return finish(out, stderr, c.do()), nil
}
