package tc

import (
	"strings"
	"testing"

	"sluice/policy"
)

// TestHelp: the usage text comes whole, with tc's exit status (the transcript
// words.txt has it of more commands), and with no place.
func TestHelp(t *testing.T) {
	for _, c := range []struct {
		line, topic string
		code        int
	}{
		{"help", "tc", 0}, {"-h", "tc", 0}, {"filter help", "filter", 0}, {"qdisc help", "qdisc", 0}, {"chain help", "chain", 0},
		{"actions help", "actions", 255}, {"filter add dev d ingress flower help", "flower", 1}, {"filter add dev d ingress matchall help", "matchall", 1},
		{"actions add action ct help", "ct", 255}, {"filter add dev d ingress matchall action mirred help", "mirred", 255},
		{"filter add dev d ingress matchall action tunnel_key help", "tunnel_key", 255},
		{"filter add dev d ingress matchall action gact drop help", "gact", 255}, {"qdisc add dev d help", "qdisc", 2},
	} {
		var out, errs strings.Builder
		s := &Session{Policy: &policy.Policy{}, Out: &out, Err: &errs}
		code := 0
		if err := s.Run(c.line); err != nil {
			_, code = say(err)
		}
		if code != c.code || errs.String() != usages[c.topic]+"\n" || out.Len() != 0 || !strings.HasPrefix(usages[c.topic], "Usage: ") {
			t.Errorf("%s: exit status %d, want %d:\n%s", c.line, code, c.code, errs.String())
		}
	}
}

// TestSince lists actions by when they were used.
func TestSince(t *testing.T) {
	var out strings.Builder
	now := int64(10e9)
	s := &Session{Policy: &policy.Policy{}, Out: &out, Now: func() int64 { return now }}
	s.Stats = func(a *policy.Action) policy.Stats {
		return policy.Stats{Installed: 1e9, LastUsed: int64(a.Index) * 1e9}
	}
	for _, l := range []string{"actions add action drop index 3", "actions add action drop index 9", "actions ls action gact since 1500"} {
		if err := s.Run(l); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); !strings.Contains(got, "total acts 1") || !strings.Contains(got, "index 9") || strings.Contains(got, "index 3") {
		t.Errorf("got %s", got)
	}
}
