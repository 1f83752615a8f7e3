package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		out  string
		want time.Duration
		ok   bool
	}{
		{"conntrack:   2060 ms\n", 2060 * time.Millisecond, true},
		{"note\nconntrack:  0 ms\n", 0, true},
		{"", 0, false},
		{"conntrack: many ms\n", 0, false},
		{"conntrack: 12345678901234567890 ms\n", 0, false},
	} {
		if got, err := parseTime(c.out); got != c.want || (err == nil) != c.ok {
			t.Errorf("%q: %v, %v", c.out, got, err)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("conntrack:   2060 ms\n")
	f.Fuzz(func(t *testing.T, out string) {
		if d, err := parseTime(out); d < 0 || err == nil && !strings.Contains(out, "conntrack:") {
			t.Errorf("%q: %v, %v", out, d, err)
		}
	})
}

func TestParseMany(t *testing.T) {
	if e, f, err := parseMany("established: 411.5 ns new: 522.2 ns\n"); e != 411.5 || f != 522.2 || err != nil {
		t.Errorf("%v, %v, %v", e, f, err)
	}
	for _, out := range []string{"", "established: x ns new: 1 ns", "established: 0 ns new: 1 ns", "established: 1 ns", "established: NaN ns new: 1 ns", "established: 1 ns new: -1 ns"} {
		if e, f, err := parseMany(out); err == nil {
			t.Errorf("%q: %v, %v", out, e, f)
		}
	}
}

func FuzzParseMany(f *testing.F) {
	f.Add("established: 411.5 ns new: 522.2 ns\n")
	f.Fuzz(func(t *testing.T, out string) {
		if e, n, err := parseMany(out); err == nil && !(e > 0 && n > 0) {
			t.Errorf("%q: %v, %v", out, e, n)
		}
	})
}

// pretend makes a tree in which ovstest and the compiler are scripts.
func pretend(t *testing.T, ovstest, many string) string {
	tree, bin := t.TempDir(), t.TempDir()
	for path, script := range map[string]string{
		filepath.Join(tree, "tests", "ovstest"): ovstest,
		filepath.Join(bin, "many"):              many,
		// The last argument is where to.
		filepath.Join(bin, "cc"): `for a; do :; done; cp "$(dirname "$0")/many" "$a"`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return tree
}

const (
	goodOVS  = `[ "$1 $2 $3 $4 $5" = "test-conntrack benchmark 1 3200 32" ] && echo "conntrack:     4 ms"`
	goodMany = `[ "$1 $2" = "1000 3200" ] && echo "established: 411.5 ns new: 522.2 ns"`
)

func TestRun(t *testing.T) {
	tree := pretend(t, goodOVS, goodMany)
	var b bytes.Buffer
	if err := run(&b, tree, 2, 3200, []int{1000}); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{"established (ovstest)                      1 ", "established (ovstest)                     32 ", "established, random order               1000     411.5 ", "new                                     1000     522.2 "} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("printed\n%s, want %q in it", got, want)
		}
	}
}

func TestRunErrors(t *testing.T) {
	for _, c := range []struct {
		name          string
		ovs, many     string
		runs, packets int
		err           string
	}{
		{"something else", "echo hello", goodMany, 1, 3200, `answered "hello\n", want "conntrack: N ms"`},
		{"fails", "exit 3", goodMany, 1, 3200, "exit status 3"},
		{"ours fails", goodOVS, "exit 3", 1, 3200, "exit status 3"},
		{"ours says something else", goodOVS, "echo hello", 1, 3200, `answered "hello\n", want "established: N ns`},
		{"no runs", goodOVS, goodMany, 0, 3200, "-runs 0"},
		{"too few packets", goodOVS, goodMany, 1, 31, "want at least one run of 32 packets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := run(new(bytes.Buffer), pretend(t, c.ovs, c.many), c.runs, c.packets, []int{1000}); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
	for _, tree := range []string{"", t.TempDir()} {
		if err := run(new(bytes.Buffer), tree, 1, 3200, nil); err == nil || !strings.Contains(err.Error(), "apt-get download openvswitch-source") {
			t.Errorf("no tree in %q: error %v", tree, err)
		}
	}
	t.Run("it cannot be built", func(t *testing.T) {
		tree := pretend(t, goodOVS, goodMany)
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "cc"), []byte("#!/bin/sh\necho no such header; exit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		if err := run(new(bytes.Buffer), tree, 1, 3200, nil); err == nil || !strings.Contains(err.Error(), "no such header") {
			t.Errorf("error %v", err)
		}
	})
}
