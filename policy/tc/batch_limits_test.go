package tc

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"sluice/policy"
)

// endless is a file of lines that has no end.
type endless struct{ line string }

func (e endless) Read(b []byte) (int, error) {
	n := 0
	for n+len(e.line) <= len(b) {
		n += copy(b[n:], e.line)
	}
	return n, nil
}

// TestEndlessBatch: what has no end is refused with its place, and takes no
// more memory than the longest batch.
func TestEndlessBatch(t *testing.T) {
	for _, c := range []struct {
		name, want string
		in         io.Reader
	}{
		{"lines", `p.tc:4194305:1: batch too long (at "# a comment 01"); expected at most 33554432 bytes`, endless{"# a comment 01\n\n"}},
		{"joined lines", "batch too long", endless{"filter \\\n"}}, // the whole is looked at first
		{"joined lines that end", "p.tc:3:1: line too long", io.MultiReader(strings.NewReader("\n\n"), strings.NewReader(strings.Repeat("filter \\\n", 1<<18)))},
		{"one line", "p.tc:1:1: line too long", endless{"\x00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s := Session{Policy: &policy.Policy{}}
			err := s.Batch("p.tc", c.in)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 8*MaxBatch {
				t.Errorf("%d MB were taken", n>>20)
			}
		})
	}
}

// TestCommands: joined lines keep the numbers of their first and last.
func TestCommands(t *testing.T) {
	var got []command
	for c := range commands("a \\\nb\n\nc # \\\nd\\\r\ne") {
		got = append(got, c)
	}
	want := []command{{"a \\\nb\n", 1, 2}, {"\n", 3, 3}, {"c # \\\n", 4, 4}, {"d\\\r\ne", 5, 6}}
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}
