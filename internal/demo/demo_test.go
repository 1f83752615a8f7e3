package demo

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

const golden = "testdata/demo.golden"

func run(t *testing.T, colour bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := Run(&b, colour); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDemo compares the whole demonstration with what a careful reader has
// read and approved.
func TestDemo(t *testing.T) {
	start := time.Now()
	got := run(t, false)
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v; nobody waits for a demo", d)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("demo changed (-want +got); if it is meant: go test ./internal/demo -update\n%s", d)
	}
}

func TestI6_demo_twice(t *testing.T) {
	if a, b := run(t, false), run(t, false); a != b {
		t.Errorf("two runs differ:\n%s", cmp.Diff(a, b))
	}
}

// TestColour checks that colours are all that colours add.
func TestColour(t *testing.T) {
	coloured := run(t, true)
	bare := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(coloured, "")
	if bare == coloured {
		t.Error("no colours")
	}
	if d := cmp.Diff(run(t, false), bare); d != "" {
		t.Error(d)
	}
}

// TestStory checks the demonstration's claims against the use case: what it
// says of the capture is what the golden file must go on saying.
func TestStory(t *testing.T) {
	lines := strings.Split(run(t, false), "\n")
	find := func(pattern string) []string {
		re := regexp.MustCompile(pattern)
		var found []string
		for _, l := range lines {
			if re.MatchString(l) {
				found = append(found, l)
			}
		}
		return found
	}
	t.Run("A072_http_to_the_server_is_allowed", func(t *testing.T) {
		if n := len(find(`:80 SYN .*\+trk\+new +\[1\]\[2\] ▶ vf0_rep`)); n != 2 {
			t.Errorf("%d SYNs let through, want one for each of the client's connections", n)
		}
	})
	t.Run("A073_new_from_the_server_is_dropped", func(t *testing.T) {
		if n := len(find(`192\.0\.2\.80:80 > 203\.0\.113\.66:8080 SYN +\+trk\+new +\[4\]\[6\] ✗ drop`)); n != 4 {
			t.Errorf("%d SYNs of the server dropped, want all four", n)
		}
		if l := find(`^ipv4.*203\.0\.113\.66`); len(l) != 0 {
			t.Errorf("what was dropped is in the table: %q", l)
		}
	})
	t.Run("A063_both_directions_make_established", func(t *testing.T) {
		if l := find(`SYN,ACK +\+trk\+est\+rpl`); len(l) != 2 {
			t.Errorf("answers: %q", l)
		}
	})
	t.Run("A071_fin_goes_to_software", func(t *testing.T) {
		if n := len(find(`FIN: the flow table has given the connection back`)); n != 1 {
			t.Errorf("told %d times that a FIN ends the offload, want once", n)
		}
		if l := find(`^ipv4.*sport=57354.*OFFLOAD`); len(l) != 0 {
			t.Errorf("a closed connection is offloaded: %q", l)
		}
	})
	t.Run("A217_open_connection_is_shown_as_offloaded", func(t *testing.T) {
		if l := find(`^ipv4.*\[OFFLOAD\]`); len(l) != 1 {
			t.Errorf("offloaded connections in the table: %q, want the one left open", l)
		}
	})
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	if err := Save(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{PolicyFile: []byte(policyText), CaptureFile: capture} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %d bytes, want %d", name, err, len(got), len(want))
		}
	}
	if err := Save(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}
