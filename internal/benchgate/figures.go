package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"sluice/internal/outfile"
)

// figures is the file of what each benchmark cost when it was last looked at.
type figures struct {
	Build   build             `json:"build"`
	Figures map[string]figure `json:"figures"`
}

// build is what figures depend on besides the program. Another compiler or
// architecture has figures of its own.
type build struct {
	Go      string `json:"go"`
	GOARCH  string `json:"goarch"`
	GOAMD64 string `json:"goamd64,omitempty"`
	CPU     string `json:"cpu"` // of ratios alone
}

type figure struct {
	Instructions float64 `json:"instructions"` // a packet; of aging, a tick
	Ratio        float64 `json:"ratio"`        // time of a packet by the yardstick's round
}

func thisBuild() build {
	b := build{Go: runtime.Version(), GOARCH: runtime.GOARCH, CPU: cpuModel()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOAMD64" {
				b.GOAMD64 = s.Value
			}
		}
	}
	return b
}

// cpuModel is the processor's name, as Linux has it.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

// readFigures reads what write wrote.
func readFigures(path string) (figures, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return figures{}, fmt.Errorf("%w; run it from the repository's root, or make the figures anew: make figures", err)
	}
	return parseFigures(path, text)
}

func parseFigures(path string, text []byte) (figures, error) {
	var f figures
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	if len(f.Figures) == 0 {
		return f, fmt.Errorf("%s: no figures in it; make them anew: make figures", path)
	}
	for name, v := range f.Figures {
		if !(v.Instructions > 0 && v.Ratio > 0) {
			return f, fmt.Errorf("%s: %s: want instructions and ratio above 0", path, name)
		}
	}
	return f, nil
}

func (f figures) write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ") // a map's keys are sorted
	if err != nil {
		return err
	}
	return outfile.Bytes(path, append(text, '\n'))
}

// round keeps 1/of.
func round(v, of float64) float64 { return math.Round(v*of) / of }

// errSlower is the gate's reason to fail.
var errSlower = errors.New("slower than the figures kept")

// errIncomplete: a benchmark without a figure would never fail.
var errIncomplete = errors.New("the figures kept are not those of the benchmarks that there are")

// comparison collects what differs.
type comparison struct {
	unit      string
	limit     float64  // the growth that is borne, 0.01 for a hundredth
	foreign   string   // why the figures kept cannot be held against today's; "": they can
	slower    []string // benchmarks
	unknown   []string // without a figure
	faster    []string // by more than the limit
	forgotten []string // figures without a benchmark
}

// add compares one benchmark and prints it.
func (c *comparison) add(w io.Writer, name string, kept, now float64) {
	if kept == 0 {
		c.unknown = append(c.unknown, name)
		fmt.Fprintf(w, "  %-12s %10s → %8.2f %s\n", name, "-", now, c.unit)
		return
	}
	mark := ""
	switch change := now/kept - 1; {
	case change > c.limit:
		c.slower, mark = append(c.slower, name), "  slower"
	case change < -c.limit:
		c.faster, mark = append(c.faster, name), "  faster"
	}
	fmt.Fprintf(w, "  %-12s %10.2f → %8.2f %s  %+6.1f %%%s\n", name, kept, now, c.unit, 100*(now/kept-1), mark)
}

// verdict says what follows, and fails if the program is slower.
func (c *comparison) verdict(w io.Writer) error {
	if len(c.forgotten) > 0 {
		fmt.Fprintf(w, "no such benchmark any more: %s; make figures\n", strings.Join(c.forgotten, ", "))
	}
	if len(c.unknown) > 0 {
		fmt.Fprintf(w, "no figure yet for %s: it is not held against anything; make figures\n", strings.Join(c.unknown, ", "))
	}
	if c.foreign != "" {
		fmt.Fprintf(w, "%s: nothing is held against them; make figures keeps today's\n", c.foreign)
		return nil
	}
	if len(c.faster) > 0 {
		fmt.Fprintf(w, "faster by more than %.0f %%: %s; make figures, so that it stays so\n", 100*c.limit, strings.Join(c.faster, ", "))
	}
	if len(c.slower) == 0 {
		if len(c.forgotten)+len(c.unknown) > 0 {
			return errIncomplete
		}
		return nil
	}
	return fmt.Errorf("%w by more than %.0f %%: %s\n  see where: valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no sluice bench %s --conns %d --packets %d, then callgrind_annotate\n  if it is worth it: make figures, and say why in the commit",
		errSlower, 100*c.limit, strings.Join(c.slower, ", "), c.slower[0], conns, packets)
}

// leftOver notes figures that nobody measures.
func (c *comparison) leftOver(kept figures, measured map[string]bool) {
	for name := range kept.Figures {
		if !measured[name] {
			c.forgotten = append(c.forgotten, name)
		}
	}
}
