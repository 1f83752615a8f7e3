package conform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const embedded = "testdata/cases"

// later are features that cases may need and this program does not have.
var later = []string{}

func needsLater(c *Case) bool {
	return slices.ContainsFunc(c.Needs, func(n string) bool { return slices.Contains(later, n) })
}

// TestRecordedCases runs every case that the repository carries.
func TestRecordedCases(t *testing.T) {
	files, err := Files([]string{embedded})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, f := range files {
		c, err := Read(f)
		if err != nil {
			t.Fatal(err)
		}
		if needsLater(c) {
			continue
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			a, err := Answer(c)
			if err != nil {
				t.Fatal(err)
			}
			if d := Compare(c, a); d != "" {
				t.Error(d)
			}
		})
	}
	if ran < 270 {
		t.Errorf("only %d cases ran", ran)
	}
}

// read gives a fresh copy of a case with connections, hits, refusals and
// listings to disturb.
func read(t *testing.T, name string) *Case {
	t.Helper()
	c, err := Read(embedded + "/" + name + ".json.gz")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestComparerSeesEverything changes one thing in an answer at a time.
func TestComparerSeesEverything(t *testing.T) {
	firstHit := func(c *Case) *Hit {
		for i := range c.Steps {
			if len(c.Steps[i].Hits) > 0 {
				return &c.Steps[i].Hits[0]
			}
		}
		t.Fatal("no hits")
		return nil
	}
	firstTable := func(c *Case) []Entry {
		for i := range c.Steps {
			if tb := c.Steps[i].Conntrack; tb != nil && len(*tb) > 0 {
				return *tb
			}
		}
		t.Fatal("no table")
		return nil
	}
	mutations := map[string]struct {
		change func(*Case)
		want   string
	}{
		"verdict":         {func(c *Case) { c.Steps[0].Verdict = "drop" }, "verdict"},
		"frame changed":   {func(c *Case) { f := &c.Steps[0].Out[0].Frame; *f = "00" + (*f)[2:] }, "frame out"},
		"frame's device":  {func(c *Case) { c.Steps[0].Out[0].Dev = "pass:vf0_rep" }, "frame out"},
		"frame missing":   {func(c *Case) { c.Steps[0].Out = nil }, "missing"},
		"frame too many":  {func(c *Case) { c.Steps[0].Out = append(c.Steps[0].Out, c.Steps[0].Out[0]) }, "unexpected frame"},
		"packets":         {func(c *Case) { firstHit(c).Actions[0].Packets++ }, "counted"},
		"bytes":           {func(c *Case) { firstHit(c).Actions[0].Bytes-- }, "counted"},
		"drops":           {func(c *Case) { firstHit(c).Actions[0].Drops++ }, "counted"},
		"action's kind":   {func(c *Case) { firstHit(c).Actions[0].Kind = "gact" }, "counted"},
		"filter's prio":   {func(c *Case) { firstHit(c).Prio = 77 }, "counted"},
		"filter's handle": {func(c *Case) { firstHit(c).Handle = 77 }, "counted"},
		"hit missing":     {func(c *Case) { c.Steps[0].Hits = c.Steps[0].Hits[1:] }, "counted nothing"},
		"hit too many": {func(c *Case) {
			h := c.Steps[0].Hits[0]
			h.Chain = 9
			c.Steps[0].Hits = append(c.Steps[0].Hits, h)
		}, "expected nothing"},
		"status":          {func(c *Case) { firstTable(c)[0]["status"] = []any{"CONFIRMED", "ASSURED"} }, "status"},
		"tcp state":       {func(c *Case) { firstTable(c)[0]["tcp"].(map[string]any)["state"] = "CLOSE" }, "tcp"},
		"timeout":         {func(c *Case) { firstTable(c)[0]["timeout"] = 110 }, "timeout"},
		"reply tuple":     {func(c *Case) { firstTable(c)[0]["reply"].(map[string]any)["sport"] = 81 }, "reply"},
		"mark":            {func(c *Case) { firstTable(c)[0]["mark"] = 5 }, "mark"},
		"zone":            {func(c *Case) { firstTable(c)[0]["zone"] = 5 }, "missing"},
		"label":           {func(c *Case) { firstTable(c)[0]["labels"] = "01" }, "labels"},
		"connection gone": {func(c *Case) { c.Conntrack = nil }, "missing"},
		"table not given": {func(c *Case) { c.Steps[0].Conntrack = nil }, "missing"},
		"proc line":       {func(c *Case) { c.Proc[0] = strings.Replace(c.Proc[0], "use=", "use=9", 1) }, "/proc"},
		"proc timeout": {func(c *Case) {
			f := strings.Fields(c.Proc[0])
			c.Proc[0] = strings.Replace(c.Proc[0], " "+f[4]+" ", " 40 ", 1)
		}, "timeout"},
		"proc line extra": {func(c *Case) { c.Proc = append(c.Proc, "ipv4 2 udp 17 9 src=1.1.1.1") }, "not expected"},
		"expectation":     {func(c *Case) { c.Expectations = []Entry{{"flags": 0}} }, "expectation"},
		"step missing":    {func(c *Case) { c.Steps = c.Steps[1:] }, "steps"},
		"refusal missing": {func(c *Case) { c.Refused = []Refusal{{3, "File exists"}} }, "policy line 3"},
		"filter listing": {func(c *Case) {
			for d := range c.Filters {
				for x := range c.Filters[d] {
					c.Filters[d][x] = json.RawMessage(strings.Replace(string(c.Filters[d][x]), `"pref":1`, `"pref":2`, 1))
				}
			}
		}, "filter show"},
	}
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			c := read(t, "tcp_fin_then_reopen")
			a, err := Answer(c)
			if err != nil {
				t.Fatal(err)
			}
			if d := Compare(c, a); d != "" {
				t.Fatalf("before the change: %s", d)
			}
			m.change(a)
			if d := Compare(c, a); !strings.Contains(d, m.want) {
				t.Errorf("got %q, want something with %q", d, m.want)
			}
		})
	}
}

// TestLateTables: a table that was read late passes, one of whose timeouts are
// wrong does not.
func TestLateTables(t *testing.T) {
	table := func(timeouts ...int) (es []Entry, proc []string) {
		for i, left := range timeouts {
			es = append(es, Entry{"orig": map[string]any{"sport": i}, "timeout": left})
			proc = append(proc, fmt.Sprintf("ipv4 2 tcp 6 %d SYN_SENT sport=%d", left, i))
		}
		return es, proc
	}
	for _, tc := range []struct {
		name      string
		want, got []int
		same      bool
	}{
		{"as recorded", []int{120, 60, 10}, []int{120, 60, 10}, true},
		{"within the slack", []int{118, 62, 10}, []int{120, 60, 10}, true},
		{"all read 3 s late", []int{117, 57, 7}, []int{120, 60, 10}, true},
		{"3 s late, and within the slack", []int{115, 57, 7}, []int{120, 60, 10}, true},
		{"one is wrong", []int{117, 60, 10}, []int{120, 60, 10}, false},
		{"one is wrong behind 3 s", []int{114, 57, 7}, []int{120, 60, 10}, false},
		{"later than any machine", []int{114, 54, 4}, []int{120, 60, 10}, false},
		{"early", []int{123, 63, 13}, []int{120, 60, 10}, false},
		{"too few to tell", []int{117, 57}, []int{120, 60}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, wp := table(tc.want...)
			g, gp := table(tc.got...)
			if d := compareTables(w, g, true); (d == "") != tc.same {
				t.Errorf("tables: %q", d)
			}
			if d := compareProc(wp, gp); (d == "") != tc.same {
				t.Errorf("/proc: %q", d)
			}
		})
	}
	offloaded := "ipv4 2 tcp 6 sport=9 [OFFLOAD]"
	_, w := table(117, 57, 7)
	_, g := table(120, 60, 10)
	if d := compareProc(append(w, offloaded), append(g, offloaded)); d != "" {
		t.Errorf("with an offloaded one: %s", d)
	}
}

// TestRecordIsStable: an answer, written and read again, answers itself.
func TestRecordIsStable(t *testing.T) {
	for _, name := range []string{"tcp_fin_then_reopen", "icmp_err", "flowtable_timeout", "filter_replace_delete", "flower_plain_21_007"} {
		a, err := Answer(read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Answer(again)
		if err != nil {
			t.Fatal(err)
		}
		if d := Compare(again, c); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestBadCases(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         ``,
		"not a case":    `{"hello": 1}`,
		"unknown field": `{"name":"x","devices":["a"],"frobnicate":1}`,
		"no devices":    `{"name":"x"}`,
		"cut off":       `{"name":"x","devices":["a"`,
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, c := range map[string]*Case{
		"policy":  {Name: "x", Devices: []string{"a"}, Policy: []string{"tc filter add dev a ingress flower frobnicate 1"}},
		"device":  {Name: "x", Devices: []string{"a"}, Steps: []Step{{In: "b", Frame: "00"}}},
		"frame":   {Name: "x", Devices: []string{"a"}, Steps: []Step{{In: "a", Frame: "0x"}}},
		"command": {Name: "x", Devices: []string{"a"}, Steps: []Step{{Run: "reboot"}}},
		"sysctl":  {Name: "x", Devices: []string{"a"}, Sysctl: map[string]any{"net.nothing": 1}},
	} {
		if _, err := Answer(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
