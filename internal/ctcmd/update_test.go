package ctcmd

import (
	"bytes"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/internal/state"
)

// TestUpdate: -U sets the mark of what its other parameters match, toggling
// the value over the bits left by the mask (conntrack.c copy_mark), and writes
// the state back.
func TestUpdate(t *testing.T) {
	marks := func(file string) string {
		s, err := state.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := map[uint32]int{}
		for _, c := range s.Tracker.All(s.Clock.Now) {
			n[c.Mark]++
		}
		var b []string
		for _, m := range []uint32{0, 5, 0x12, 0x15, 0x17} {
			b = append(b, strings.Repeat("x", n[m]))
		}
		return strings.Join(b, "|")
	}
	for _, c := range []struct {
		args, marks, said string
		code              int
	}{
		{"-U -w 7 -m 5", "xxxxx|xx|||", "2 flow entries have been updated", 0},
		{"-U -w 7 -m 5/0xf", "xxxxx|||xx|", "2 flow entries", 0},
		{"-U -w 7 -m 5/0", "xxxxx||||xx", "2 flow entries", 0},
		{"-U -p tcp -m 5", "xxxx|xx|x||", "2 flow entries", 0},
		{"-U -w 7 -m 0x12", "xxxxx||xx||", "0 flow entries", 1},
		{"-U -p tcp", "xxxxx||xx||", "0 flow entries", 1},
		{"-U -s 9.9.9.9 -m 5", "xxxxx||xx||", "0 flow entries", 1},
		{"-U -u ASSURED -m 5", "xxxxx||xx||", "Illegal option `--status'", 2},
		{"-U expect -s 1.1.1.1", "xxxxx||xx||", "expect", 2},
		{"-U -m x", "xxxxx||xx||", "Invalid mark", 2},
	} {
		file := saved(t)
		_, err, code := call(append(strings.Fields(c.args), "--state-file", file)...)
		if code != c.code || !strings.Contains(err, c.said) {
			t.Errorf("%s: %d, %s", c.args, code, err)
		}
		if got := marks(file); got != c.marks {
			t.Errorf("%s: %s, want %s", c.args, got, c.marks)
		}
	}
}

// TestLive: the same commands on a tracker at work, without a file.
func TestLive(t *testing.T) {
	s, err := state.ReadFile(saved(t))
	if err != nil {
		t.Fatal(err)
	}
	live := func(args string) (string, int, error) {
		var out, errs bytes.Buffer
		code, err := Live(s.Tracker, s.Clock.Now, strings.Fields(args), &out, &errs)
		return out.String() + errs.String(), code, err
	}
	count := func() (n int) {
		for range s.Tracker.Select(s.Clock.Now, &conntrack.Match{AnyZone: true}) {
			n++
		}
		return n
	}
	all := count()
	for _, c := range []struct {
		args, said string
		code, gone int
	}{
		{"-L", "flow entries have been shown", 0, 0}, {"-C", "7", 0, 0}, {"-U -w 7 -m 9", "mark=9", 0, 0},
		{"-D -m 18", "0 flow entries", 1, 0}, {"-D -m 9", "2 flow entries have been deleted", 0, 2}, {"-F", "emptied", 0, all - 2},
	} {
		before := count()
		said, code, err := live(c.args)
		if err != nil || code != c.code || !strings.Contains(said, c.said) || before-count() != c.gone {
			t.Errorf("%s: %d, %d gone, %v: %s", c.args, code, before-count(), err, said)
		}
	}
	for _, args := range []string{"", "-h", "-V", "-E", "-L --state-file x", "-D --dport 5", "-I", "-G"} {
		if _, _, err := live(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
