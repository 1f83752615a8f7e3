package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"sluice/internal/bench"
	"sluice/internal/callgrind"
)

// growthLimit is what instructions may grow by. Two runs of one binary differ by
// less than 0.1 %; ten changes of a hundredth each are a tenth that no gate of a
// tenth sees.
const growthLimit = 0.01

func compareInstructions(w io.Writer, kept figures, valgrind string) (comparison, error) {
	c := comparison{unit: "instructions", limit: growthLimit}
	now := thisBuild()
	if now.CPU = kept.Build.CPU; now != kept.Build { // a processor counts like any other
		c.foreign = fmt.Sprintf("the figures are of %s, this is %s", kept.Build.compiler(), now.compiler())
	}
	list := gated()
	counted, err := countAll(list, valgrind)
	if err != nil {
		return c, err
	}
	measured := map[string]bool{}
	for _, b := range list {
		measured[b.Name] = true
		c.add(w, b.Name, kept.Figures[b.Name].Instructions, counted[b.Name])
	}
	c.leftOver(kept, measured)
	return c, nil
}

func (b build) compiler() string {
	return strings.TrimRight(b.Go+" "+b.GOARCH+" "+b.GOAMD64, " ")
}

// countAll counts the benchmarks' instructions a packet, several at a time.
func countAll(list []bench.Benchmark, valgrind string) (map[string]float64, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "benchgate")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	counted := make(map[string]float64)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	slots := make(chan struct{}, min(runtime.NumCPU(), 4))
	for _, b := range list {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			n, err := countUnder(valgrind, self, b.Name, filepath.Join(dir, b.Name))
			mu.Lock()
			defer mu.Unlock()
			if err != nil && failed == nil {
				failed = err
			}
			counted[b.Name] = n
		})
	}
	wg.Wait()
	return counted, failed
}

// countUnder runs one benchmark under valgrind.
func countUnder(valgrind, self, name, out string) (float64, error) {
	cmd := exec.Command(valgrind, "--quiet", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no", "--callgrind-out-file="+out, self, "-count", name)
	// Nothing that comes when it likes may run in between.
	cmd.Env = append(os.Environ(), "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s under valgrind: %w\n%s", name, err, stderr.String())
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	return perPacket(name, answer, string(text))
}

// perPacket divides what callgrind wrote by the packets that the benchmark
// answered.
func perPacket(name string, answer []byte, out string) (float64, error) {
	var res bench.Result
	if err := json.Unmarshal(answer, &res); err != nil {
		return 0, fmt.Errorf("%s: answer: %w", name, err)
	}
	total, err := callgrind.Total(out)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if total == 0 || res.Packets == 0 {
		return 0, fmt.Errorf("%s: %d instructions for %d packets: valgrind did not hear where to count", name, total, res.Packets)
	}
	return float64(total) / float64(res.Packets), nil
}

// countOne is what runs under valgrind.
func countOne(w io.Writer, name string) error {
	for _, b := range gated() {
		if b.Name == name {
			res, err := b.Run(bench.Options{Conns: conns, Packets: packets, Seed: seed})
			if err != nil {
				return err
			}
			return json.NewEncoder(w).Encode(res)
		}
	}
	return fmt.Errorf("-count %q: no such benchmark", name)
}
