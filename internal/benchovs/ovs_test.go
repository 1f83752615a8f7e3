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

// pretend writes a program in ovstest's place.
func pretend(t *testing.T, script string) string {
	path := filepath.Join(t.TempDir(), "ovstest")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	ovstest := pretend(t, `[ "$1 $2 $3 $4 $5" = "test-conntrack benchmark 1 3200 32" ] && echo "conntrack:     4 ms"`)
	var b bytes.Buffer
	if err := run(&b, ovstest, 2, 3200); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 5 || !strings.HasPrefix(strings.TrimSpace(lines[3]), "1 ") || !strings.HasPrefix(strings.TrimSpace(lines[4]), "32 ") || !strings.Contains(lines[4], "(1250.0)") {
		t.Errorf("printed %s", b.String())
	}
}

func TestRunErrors(t *testing.T) {
	for _, c := range []struct {
		name, path    string
		runs, packets int
		err           string
	}{
		{"not there", filepath.Join(t.TempDir(), "none"), 1, 3200, "apt-get download openvswitch-source"},
		{"something else", pretend(t, "echo hello"), 1, 3200, `answered "hello\n", want "conntrack: N ms"`},
		{"fails", pretend(t, "exit 3"), 1, 3200, "exit status 3"},
		{"no runs", "ovstest", 0, 3200, "-runs 0"},
		{"too few packets", "ovstest", 1, 31, "want at least one run of 32 packets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := run(new(bytes.Buffer), c.path, c.runs, c.packets); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}
