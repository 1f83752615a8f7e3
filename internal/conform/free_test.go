package conform

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestFreeChoices: a port that the kernel chose at random may be another, and
// nothing else may.
func TestFreeChoices(t *testing.T) {
	want := read(t, "nat_src_collision_udp")
	a, err := Answer(want)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(want, a); d != "" {
		t.Fatal(d)
	}
	replace := func(old, new string) *Case {
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var c Case
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(b), old, new)), &c); err != nil {
			t.Fatal(err)
		}
		return &c
	}
	ours := choices(want.Conntrack, a.Conntrack, want.Free)
	if len(ours) == 0 {
		t.Fatal("no port was chosen freely: nothing is tested")
	}
	p, err := json.Marshal(ours[0].got.DPort)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, says string }{
		"another class":      {`"dport":` + string(p), `"dport":5000`, "out of range"},
		"one that is taken":  {`"dport":` + string(p), `"dport":1000`, ""},
		"in the table alone": {`"dport":` + string(p), `"dport":1001`, ""},
		"another address":    {"192.168.9.9", "192.168.9.8", "but for the port"},
	} {
		if d := Compare(want, replace(c.old, c.new)); d == "" || !strings.Contains(d, c.says) {
			t.Errorf("%s: %q", name, d)
		}
	}
}

// TestFreeChoicesInFrames: frames recorded on their way to the kernel's port
// arrive at ours, and what leaves is expected from ours.
func TestFreeChoicesInFrames(t *testing.T) {
	want := read(t, "nat_src_collision_udp")
	a, err := Answer(want)
	if err != nil {
		t.Fatal(err)
	}
	all := choices(want.Conntrack, a.Conntrack, want.Free)
	out := want.Steps[1].Out[0].Frame
	if got := leaving(out, all); got == out || got != a.Steps[1].Out[0].Frame {
		t.Errorf("leaves as %s, ours is %s", got, a.Steps[1].Out[0].Frame)
	}
	// Its answer: addresses and ports change places, checksums stay.
	answer := out[:52] + out[60:68] + out[52:60] + out[72:76] + out[68:72] + out[76:]
	if got := arriving(answer, all); got == answer || len(got) != len(answer) {
		t.Errorf("arrives as %s", got)
	}
}
