package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name      string
		kept, now float64
		foreign   string
		slower    bool
		says      string
	}{
		{name: "the same", kept: 600, now: 600},
		{name: "a little more", kept: 600, now: 605.9},
		{name: "more than a hundredth", kept: 600, now: 607, slower: true, says: "+1.2 %  slower"},
		{name: "less by more than a hundredth", kept: 600, now: 593, says: "faster by more than 1 %: new; make figures"},
		{name: "no figure", kept: 0, now: 600, says: "no figure yet for new"},
		{name: "another compiler", kept: 600, now: 900, foreign: "the figures are of go1 amd64, this is go2 amd64", says: "this is go2 amd64: nothing is held against them; make figures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			x := comparison{unit: "instructions", limit: growthLimit, foreign: c.foreign}
			x.add(&b, "new", c.kept, c.now)
			err := x.verdict(&b)
			if errors.Is(err, errSlower) != c.slower || errors.Is(err, errIncomplete) != (c.kept == 0) {
				t.Errorf("error %v", err)
			}
			if c.slower && (!strings.Contains(err.Error(), "make figures") || !strings.Contains(err.Error(), "sluice bench new")) {
				t.Errorf("the error does not say what to do: %v", err)
			}
			if !strings.Contains(b.String(), c.says) {
				t.Errorf("printed %q, want %q in it", b.String(), c.says)
			}
		})
	}
}

func TestForgotten(t *testing.T) {
	var b bytes.Buffer
	x := comparison{limit: growthLimit}
	x.leftOver(figures{Figures: map[string]figure{"gone": {1, 1}, "new": {1, 1}}}, map[string]bool{"new": true})
	if err := x.verdict(&b); !errors.Is(err, errIncomplete) || !strings.Contains(b.String(), "no such benchmark any more: gone;") {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// What is measured again was slow by chance; what stays slow is slow.
func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name  string
		kept  float64
		runs  []float64
		want  float64
		asked int
	}{
		{"well at once", 1, []float64{1.1}, 1.1, 1},
		{"well at last", 1, []float64{2, 1.5, 1.2}, 1.2, 3},
		{"never well", 1, []float64{2, 1.4, 1.5}, 1.4, 3},
		{"nothing to compare with", 0, []float64{7}, 7, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			got, err := settle(c.kept, func() (float64, error) { n++; return c.runs[n-1], nil })
			if err != nil || got != c.want || n != c.asked {
				t.Errorf("%v after %d, %v; want %v after %d", got, n, err, c.want, c.asked)
			}
		})
	}
}

func TestFiguresFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.json")
	want := figures{Build: thisBuild(), Figures: map[string]figure{"new": {Instructions: 12.5, Ratio: 0.25}}}
	if err := want.write(path); err != nil {
		t.Fatal(err)
	}
	got, err := readFigures(path)
	if err != nil || got.Build != want.Build || got.Figures["new"] != want.Figures["new"] {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, c := range []struct{ name, text, err string }{
		{"not JSON", "12 apples", "f: invalid character"},
		{"none", "{}", "f: no figures in it; make them anew: make figures"},
		{"nothing a packet", `{"figures":{"new":{"instructions":0,"ratio":1}}}`, "f: new: want instructions and ratio above 0"},
	} {
		if _, err := parseFigures("f", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
	if _, err := readFigures(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "make figures") {
		t.Errorf("no file: error %v", err)
	}
}

func FuzzFigures(f *testing.F) {
	f.Add([]byte(`{"figures":{"new":{"instructions":5,"ratio":1}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseFigures("f", text)
		for name, v := range got.Figures {
			if err == nil && !(v.Instructions > 0 && v.Ratio > 0) {
				t.Errorf("%s: %+v was taken", name, v)
			}
		}
	})
}

// The file in the repository has a figure for every benchmark.
func TestFiguresKept(t *testing.T) {
	f, err := readFigures(filepath.Join("testdata", "figures.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range gated() {
		if f.Figures[b.Name].Instructions == 0 {
			t.Errorf("%s: no figure; make figures", b.Name)
		}
	}
	if f.Build.Go == "" || f.Build.GOARCH == "" {
		t.Errorf("it does not say what it was had with: %+v", f.Build)
	}
}

func TestPerPacket(t *testing.T) {
	const answer = `{"name":"new","packets":200}`
	if n, err := perPacket("new", []byte(answer), "totals: 1000\n"); err != nil || n != 5 {
		t.Errorf("%v, %v; want 5", n, err)
	}
	for _, c := range []struct{ answer, out, err string }{
		{"oops", "totals: 1\n", "new: answer: "},
		{answer, "", "cut short"},
		{answer, "totals: 0\n", "0 instructions for 200 packets: valgrind did not hear where to count"},
		{`{"packets":0}`, "totals: 5\n", "5 instructions for 0 packets"},
	} {
		if _, err := perPacket("new", []byte(c.answer), c.out); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q, %q: error %v, want %q", c.answer, c.out, err, c.err)
		}
	}
}

func TestWrongWords(t *testing.T) {
	for _, c := range []struct{ method, count, err string }{
		{"guess", "", `-method "guess": want instructions, ratio or auto`},
		{"ratio", "nothing", `-count "nothing": no such benchmark`},
	} {
		if err := run(new(bytes.Buffer), c.method, "none", false, c.count); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("error %v, want %q", err, c.err)
		}
	}
}

// Without valgrind the gate goes by time, and says so; with -write it cannot.
func TestNoValgrind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var b bytes.Buffer
	path := filepath.Join(t.TempDir(), "none")
	if err := run(&b, "auto", path, false, ""); err == nil || !strings.Contains(b.String(), "apt-get install valgrind") {
		t.Errorf("%q, %v", b.String(), err)
	}
	for _, c := range []struct {
		method string
		write  bool
	}{{"instructions", false}, {"auto", true}} {
		if err := run(&b, c.method, path, c.write, ""); err == nil || !strings.Contains(err.Error(), "needs valgrind") {
			t.Errorf("%v: error %v", c, err)
		}
	}
}

// One binary counts the same twice.
func TestRepeats(t *testing.T) {
	if os.Getenv("SLUICE_SLOW") == "" {
		t.Skip("valgrind takes seconds; SLUICE_SLOW=1 runs it")
	}
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		t.Skip("valgrind is not installed")
	}
	gate := filepath.Join(t.TempDir(), "gate")
	if out, err := exec.Command("go", "build", "-o", gate, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var n [2]float64
	for i := range n {
		if n[i], err = countUnder(valgrind, gate, "new", filepath.Join(t.TempDir(), "out")); err != nil {
			t.Fatal(err)
		}
	}
	if d := n[0]/n[1] - 1; d > 0.005 || d < -0.005 {
		t.Errorf("%v and %v instructions a packet", n[0], n[1])
	}
}
