package conform

import "testing"

// TestB024: two destinations that are translated to one server, from one port:
// the kernel gives the second connection another port, and drops a third that
// is not translated and would have the first one's reply
// (nf_conntrack_core.c __nf_conntrack_confirm).
func TestB024_clash_at_commit(t *testing.T) {
	c := read(t, "nat_clash_at_commit")
	a, err := Answer(c)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(c, a); d != "" {
		t.Error(d)
	}
	var sent []Step
	for _, s := range a.Steps {
		if s.In != "" {
			sent = append(sent, s)
		}
	}
	for i, want := range []string{"fwd", "fwd", "drop", "fwd", "fwd"} {
		if sent[i].Verdict != want {
			t.Errorf("packet %d, %s: %s, want %s", i+1, sent[i].Note, sent[i].Verdict, want)
		}
	}
	sport := func(i int) string { return sent[i].Out[0].Frame[68:72] }
	if sport(0) != "9c40" || sport(1) == "9c40" || sport(3) != "9c40" || sport(4) == "9c40" {
		t.Errorf("source ports %s, %s, %s, %s: want 9c40 for the first of each protocol, and another for the second", sport(0), sport(1), sport(3), sport(4))
	}
}
