// Package callgrind lets a program say what callgrind shall count: valgrind
// recognizes a sequence of instructions that does nothing on a processor.
// Options by function (--toggle-collect) follow the stack pointer, which Go
// moves as it likes; these requests do not.
package callgrind

import (
	"fmt"
	"strings"
)

// Request numbers of valgrind.h and callgrind.h.
const (
	runningOnValgrind = 0x1001
	base              = 'C'<<24 | 'T'<<16
	toggleCollect     = base + 2
	startInstr        = base + 4
	stopInstr         = base + 5
)

// Available reports whether the program runs under valgrind.
func Available() bool { return request(runningOnValgrind) != 0 }

// Begin makes Toggle work from here on. A program run with --instr-atstart=no is
// fast until then.
func Begin() { request(startInstr) }

// End makes the program fast again; counts stay.
func End() { request(stopInstr) }

// Toggle begins to count instructions of this thread (with
// --collect-atstart=no), or ceases to.
func Toggle() { request(toggleCollect) }

// Total is the count that a callgrind output file ends with.
func Total(out string) (uint64, error) {
	const want = "callgrind's output: "
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(line, "totals:")
		if !ok {
			continue
		}
		var n uint64
		if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
			return 0, fmt.Errorf(want+"%q: want a number of instructions", strings.TrimSpace(line))
		}
		return n, nil
	}
	return 0, fmt.Errorf(want + "no line \"totals:\"; the run was cut short")
}
