package tc

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/policy"
)

// recorded is what these tests use of a case recorded from a real kernel.
type recorded struct {
	Name    string
	Devices []string
	Qdisc   string
	Policy  []string
	Refused []struct {
		Line  int
		Error string
	}
	Steps []struct {
		Run string
	}
	Filters map[string]map[string][]map[string]any
}

// recordedCases reads the cases that come with the conformance checker.
func recordedCases(t *testing.T) (out []recorded) {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join("..", "..", "internal", "conform", "testdata", "cases", "*.json.gz"))
	if len(names) == 0 {
		t.Skip("no recorded cases in internal/conform/testdata/cases")
	}
	for _, n := range names {
		f, err := os.Open(n)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		var c recorded
		if err := json.NewDecoder(z).Decode(&c); err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		f.Close()
		out = append(out, c)
	}
	return out
}

// strip takes actions away that the language does not have, and reports
// whether there were any. What the kernel refuses in these cases does not
// depend on actions, so it must stay the same.
func (c *recorded) strip() (stripped bool) {
	for i, l := range c.Policy {
		head, acts, has := strings.Cut(l, " action ")
		if !has {
			continue
		}
		for _, a := range strings.Split(acts, " action ") {
			if kind, _, _ := strings.Cut(a, " "); slices.Contains(otherKinds, kind) {
				stripped = true
				continue
			}
			head += " action " + a
		}
		c.Policy[i] = head
	}
	return stripped
}

// play runs a case's policy and its later commands, and gives the lines that
// were refused.
func (c *recorded) play(t *testing.T) (*Session, map[int]string) {
	t.Helper()
	s := &Session{Policy: &policy.Policy{}}
	for _, d := range c.Devices {
		s.Policy.Declare(d)
		if c.Qdisc != "" { // what each port has in the case's own words
			if err := s.Run("qdisc add dev " + d + " " + c.Qdisc); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := map[int]string{}
	for i, l := range c.Policy {
		err := s.Run(l)
		var e *Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Kernel:
			var pe *policy.Error
			if !errors.As(err, &pe) {
				t.Fatalf("line %d: %v has no kernel error in it", i, err)
			}
			refused[i] = strings.TrimPrefix(e.Msg, "RTNETLINK answers: ")
		default:
			t.Fatalf("line %d: %s\n%v", i, l, err)
		}
	}
	for _, st := range c.Steps {
		s.Policy.Settle() // a packet's time has passed: what was dying is gone
		for _, cmd := range strings.Split(st.Run, ";") {
			if cmd = strings.TrimSpace(cmd); strings.HasPrefix(cmd, "tc ") {
				// A case does not record what the kernel says to a step: what it
				// refuses shows in the filters at the end.
				var e *Error
				if err := s.Run(cmd); err != nil && !(errors.As(err, &e) && e.Kernel) {
					t.Fatalf("%s: %v", cmd, err)
				}
			}
		}
	}
	return s, refused
}

// TestConformancePolicies loads every recorded policy: the kernel's refusals
// must be the same, line by line, and the filters that `tc -s -j filter show`
// printed at the end must be the same but for counters and times.
func TestConformancePolicies(t *testing.T) {
	for _, c := range recordedCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			stripped := c.strip()
			s, refused := c.play(t)
			want := map[int]string{}
			for _, r := range c.Refused {
				want[r.Line] = r.Error
			}
			if d := cmp.Diff(want, refused); d != "" {
				t.Errorf("refused lines (-kernel +here):\n%s", d)
			}
			if stripped {
				return // the listing has actions that were taken away
			}
			for dev, dirs := range c.Filters {
				for dir, want := range dirs {
					var out bytes.Buffer
					s.Out, s.JSON, s.ShowStats = &out, true, true
					s.Stats = func(a *policy.Action) policy.Stats { return policy.Stats{} }
					if err := s.Run("filter show dev " + dev + " " + dir); err != nil {
						t.Fatal(err)
					}
					var got []map[string]any
					if err := json.Unmarshal(out.Bytes(), &got); err != nil {
						t.Fatalf("%v in %s", err, out.Bytes())
					}
					for i := range want {
						still(want[i])
					}
					for i := range got {
						still(got[i])
					}
					if len(c.Refused) > 0 {
						// The kernel may or may not have freed a refused
						// filter's indices when the next came.
						renumber(want)
						renumber(got)
					}
					if len(want) == 0 && len(got) == 0 {
						continue
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%s %s (-kernel +here):\n%s", dev, dir, d)
					}
				}
			}
		})
	}
}

// still removes what depends on traffic and time.
func still(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range []string{"installed", "last_used", "first_used", "rule_hit", "stats"} {
			delete(v, k)
		}
		for _, x := range v {
			still(x)
		}
	case []any:
		for _, x := range v {
			still(x)
		}
	}
}

// renumber gives actions the number of their first appearance of their kind.
func renumber(filters []map[string]any) {
	seen := map[string]map[any]int{}
	for _, f := range filters {
		opts, _ := f["options"].(map[string]any)
		acts, _ := opts["actions"].([]any)
		for _, x := range acts {
			a := x.(map[string]any)
			kind := a["kind"].(string)
			if seen[kind] == nil {
				seen[kind] = map[any]int{}
			}
			if seen[kind][a["index"]] == 0 {
				seen[kind][a["index"]] = len(seen[kind]) + 1
			}
			a["index"] = seen[kind][a["index"]]
		}
	}
}
