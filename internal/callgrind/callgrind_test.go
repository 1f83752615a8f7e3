package callgrind

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTotal(t *testing.T) {
	const head = "# callgrind format\nversion: 1\nevents: Ir\nsummary: 573718682\n\nfn=(3646) sluice/internal/bench.newRigWith\n15 97236361\n\n"
	for _, c := range []struct {
		name, out string
		want      uint64
		err       string
	}{
		{name: "whole", out: head + "totals: 573718682\n", want: 573718682},
		{name: "of several events the first is Ir", out: head + "totals: 12 3 4\n", want: 12},
		{name: "nothing was counted", out: head + "totals: 0\n", want: 0},
		{name: "cut short", out: head, err: "cut short"},
		{name: "empty", out: "", err: "cut short"},
		{name: "no number", out: head + "totals: many\n", err: `"totals: many": want a number of instructions`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Total(c.out)
			if c.err == "" && (err != nil || got != c.want) {
				t.Errorf("%d, %v; want %d", got, err, c.want)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func FuzzTotal(f *testing.F) {
	f.Add("totals: 12\n")
	f.Add("totals:\n")
	f.Fuzz(func(t *testing.T, out string) {
		n, err := Total(out)
		if n != 0 && (err != nil || !strings.Contains(out, "totals:")) {
			t.Errorf("%d out of %q, %v", n, out, err)
		}
	})
}

var sink uint64

//go:noinline
func loop(n int) {
	for range n {
		sink++
	}
}

// Ten times as much between the toggles counts ten times as much, and what is
// outside of them not at all.
func TestCounts(t *testing.T) {
	const rounds = "CALLGRIND_TEST_ROUNDS"
	switch os.Getenv(rounds) {
	case "1":
		counting(1)
		return
	case "10":
		counting(10)
		return
	}
	if testing.Short() {
		t.Skip("valgrind takes seconds")
	}
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		t.Skip("valgrind is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	count := func(times string) uint64 {
		out := filepath.Join(t.TempDir(), "out")
		cmd := exec.Command(valgrind, "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no", "--callgrind-out-file="+out, self, "-test.run=^TestCounts$")
		cmd.Env = append(os.Environ(), rounds+"="+times, "GOGC=off", "GODEBUG=asyncpreemptoff=1")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Total(string(text))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	one, ten := count("1"), count("10")
	if one < 100_000 || ten < 9*one || ten > 11*one {
		t.Errorf("%d and %d instructions", one, ten)
	}
}

func counting(rounds int) {
	if !Available() {
		panic("valgrind does not answer")
	}
	loop(1_000_000)
	Begin()
	for range rounds {
		Toggle()
		loop(100_000)
		Toggle()
		loop(100_000)
	}
	End()
}

func TestNoValgrind(t *testing.T) {
	if Available() {
		t.Skip("the tests run under valgrind")
	}
	Begin() // and nothing comes of it
	Toggle()
	Toggle()
	End()
}
