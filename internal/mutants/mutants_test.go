package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sample = `package p

import "fmt"

type t struct{ b [4]byte }

func f(a, b int) (int, error) {
	_ = a + 1
	for a <= b && !ok() {
		a++
		b -= 2
		note(a)
		if a == b {
			break
		}
	}
	if a < 0x10 {
		return 7, fmt.Errorf("%d", 3)
	}
	x := make([]int, 0, 9)
	g = true
	return 5 << len(x), nil
}
`

// TestMutate holds the changes that are made, and where none is.
func TestMutate(t *testing.T) {
	ms, err := mutate("p.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range ms {
		got = append(got, oneLine(m.was)+" -> "+oneLine(m.with))
		if string(sample[m.start:m.end]) != m.was {
			t.Errorf("%s: the bytes %d to %d are %q", m, m.start, m.end, sample[m.start:m.end])
		}
	}
	slices.Sort(got)
	want := []string{
		"! -> (nothing)", "&& -> ||", "++ -> --", "-= -> +=", "0x10 -> 0x11", "2 -> 3", "5 -> 6", "< -> <=", "<< -> >>", "<= -> <", "== -> !=",
		"a < 0x10 -> false && (a < 0x10)", "a == b -> false && (a == b)", "b -= 2 -> (nothing)", "break -> continue",
		"g = true -> (nothing)", "note(a) -> (nothing)", "true -> false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("mutants:\n%s\nexpected:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPointsLeaveOutWhatServesTests(t *testing.T) {
	ms, err := points(filepath.Join("..", ".."), strings.Split(rooms, ","))
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) < 10_000 {
		t.Errorf("only %d mutants", len(ms))
	}
	for _, m := range ms {
		if strings.HasSuffix(m.file, "_test.go") || strings.Contains(m.file, "packettest") || strings.Contains(m.file, "testdata") {
			t.Fatalf("%s: serves tests", m)
		}
	}
	if _, err := points("..", []string{"nowhere"}); err == nil {
		t.Error("a folder that is not there gives no error")
	}
}

// TestEquivalents holds each argued mutant to the code: where the line has
// gone, the argument goes too.
func TestEquivalents(t *testing.T) {
	argued, err := equivalents()
	if err != nil {
		t.Fatal(err)
	}
	ms, err := points(filepath.Join("..", ".."), strings.Split(rooms, ","))
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, m := range ms {
		have[m.key()] = true
	}
	for k := range argued {
		if !have[k] {
			t.Errorf("equivalent.txt argues %q, which is no mutant of the code", k)
		}
	}
	for text, want := range map[string]string{
		"a.go\tx\n":                        "expected FILE",
		"a.go\tx\t1 -> 2\n":                "no argument",
		"\twhy\n":                          "expected FILE",
		"a.go\tx\t1 -> 2\na.go\tx\t1 -> 3": "expected FILE",
	} {
		if _, err := parseEquivalents(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected %q", text, err, want)
		}
	}
	if got, err := parseEquivalents("# x\n\na.go\tx\t1 -> 2\n\twhy\n"); err != nil || got["a.go\tx\t1 -> 2"] != "why" {
		t.Errorf("a sound list is read as %v, %v", got, err)
	}
}

// TestTry runs the tool's whole way over a project of one package: a mutant
// that its test notices, one that it does not, and one that does not build.
func TestTry(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command several times")
	}
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                      "module p\n\ngo 1.26\n",
		"a/a.go":                      "package a\n\nfunc Less(a, b int) bool { return a < b }\n\nfunc Idle(a int) int { return a * 1 }\n\nfunc Text() string { return \"a\" + \"b\" }\n",
		"a/a_test.go":                 "package a\n\nimport \"testing\"\n\nfunc TestLess(t *testing.T) {\n\tif Less(1, 1) {\n\t\tt.Fatal()\n\t}\n}\n",
		"internal/conform/c.go":       "package conform\n",
		"internal/conform/c_test.go":  "package conform\n\nimport \"testing\"\n\nfunc TestNothing(t *testing.T) {}\n",
		"internal/second/second.go":   "package second\n\nimport \"p/a\"\n\nvar Two = a.Idle(2)\n",
		"internal/second/two_test.go": "package second\n\nimport \"testing\"\n\nfunc TestTwo(t *testing.T) {\n\tif Two > 2 {\n\t\tt.Fatal()\n\t}\n}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("git", "-C", root, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out) // the tool asks git which files are the project's
	}
	l, err := newLab(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if got, want := l.witnesses("./a"), []string{"./a", "./internal/conform", "./internal/second"}; !slices.Equal(got, want) {
		t.Errorf("witnesses of a: %v, expected %v", got, want)
	}
	l.near = true
	if got, want := l.witnesses("./a"), []string{"./a", "./internal/conform"}; !slices.Equal(got, want) {
		t.Errorf("nearest witnesses of a: %v, expected %v", got, want)
	}
	l.near = false
	ms, err := points(root, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	fates := map[string]fate{"< -> <=": killed, "* -> /": survived, "1 -> 2": killed, "+ -> -": unbuilt}
	seen := 0
	for _, m := range ms {
		want, ok := fates[m.was+" -> "+m.with]
		if !ok {
			t.Fatalf("unexpected mutant %s", m)
		}
		seen++
		if got, err := l.try(t.Context(), m); err != nil || got != want {
			t.Errorf("%s: fate %d, %v; expected %d", m, got, err, want)
		}
	}
	if seen != len(fates) {
		t.Errorf("%d mutants, expected %d", seen, len(fates))
	}
	b, err := os.ReadFile(filepath.Join(root, "a", "a.go"))
	if err != nil || !bytes.Contains(b, []byte("a < b")) {
		t.Errorf("the project itself was changed: %s, %v", b, err)
	}
}
