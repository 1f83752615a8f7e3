// Command benchgate fails when the datapath has become slower than the figures
// that are kept beside it.
//
// Where there is valgrind it counts the instructions that the datapath takes
// for the packets of each benchmark (`sluice bench`): the same number whatever
// else the machine does. Elsewhere it measures time by a yardstick, a fixed loop
// that runs in turns with the benchmark, and is content with less.
//
//	go run ./internal/benchgate          compare
//	go run ./internal/benchgate -write   keep today's figures
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"sluice/internal/bench"
)

const figuresPath = "internal/benchgate/testdata/figures.json"

// The size of each measurement. A pass of a benchmark may take more packets
// than asked for; that is a fixed number too.
const (
	conns   = 20_000
	packets = 20_000
	seed    = 1
)

func main() {
	method := flag.String("method", "auto", "instructions (needs valgrind), ratio (time by a yardstick), or auto: instructions where there is valgrind")
	path := flag.String("figures", figuresPath, "the file of figures")
	write := flag.Bool("write", false, "write the figures anew, both kinds, instead of comparing")
	count := flag.String("count", "", "run this benchmark once, for valgrind to count (the gate does so itself)")
	flag.Parse()
	if err := run(os.Stdout, *method, *path, *write, *count); err != nil {
		fmt.Fprintf(os.Stderr, "benchgate: %v\n", err)
		if errors.Is(err, errSlower) {
			os.Exit(1)
		}
		os.Exit(2)
	}
}

func run(w io.Writer, method, path string, write bool, count string) error {
	if count != "" {
		return countOne(w, count)
	}
	valgrind, missing := exec.LookPath("valgrind")
	switch method {
	case "auto":
		if missing != nil {
			fmt.Fprintln(w, "valgrind is not installed (Debian: apt-get install valgrind): time by a yardstick instead, which finds less")
			method = "ratio"
		} else {
			method = "instructions"
		}
	case "instructions":
		if missing != nil {
			return fmt.Errorf("-method instructions needs valgrind (Debian: apt-get install valgrind)")
		}
	case "ratio":
	default:
		return fmt.Errorf("-method %q: want instructions, ratio or auto", method)
	}
	if write {
		if missing != nil {
			return fmt.Errorf("-write needs valgrind (Debian: apt-get install valgrind)")
		}
		return writeFigures(w, path, valgrind)
	}
	kept, err := readFigures(path)
	if err != nil {
		return err
	}
	begin := time.Now()
	var c comparison
	if method == "instructions" {
		c, err = compareInstructions(w, kept, valgrind)
	} else {
		c, err = compareRatios(w, kept)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d benchmarks in %.0f s\n", len(gated()), time.Since(begin).Seconds())
	return c.verdict(w)
}

// gated are the benchmarks whose work is the program's own, on one thread.
func gated() []bench.Benchmark {
	var list []bench.Benchmark
	for _, b := range bench.All {
		if b.Name != "machine" && b.Name != "gc" && b.Name != "workers" {
			list = append(list, b)
		}
	}
	return list
}

func writeFigures(w io.Writer, path, valgrind string) error {
	f := figures{Build: thisBuild(), Figures: map[string]figure{}}
	counted, err := countAll(gated(), valgrind)
	if err != nil {
		return err
	}
	for _, b := range gated() {
		ratio, err := measureRatio(b, ratioRounds)
		if err != nil {
			return err
		}
		f.Figures[b.Name] = figure{Instructions: round(counted[b.Name], 10), Ratio: round(ratio, 1000)}
		fmt.Fprintf(w, "%-12s %8.1f instructions a packet, %6.3f of the yardstick\n", b.Name, counted[b.Name], ratio)
	}
	if err := f.write(path); err != nil {
		return err
	}
	fmt.Fprintf(w, "wrote %s\n", strings.TrimPrefix(path, "./"))
	return nil
}
