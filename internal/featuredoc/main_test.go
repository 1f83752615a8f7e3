package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUpToDate(t *testing.T) {
	t.Chdir("../..")
	if err := run(true); err != nil {
		t.Error(err)
	}
}

func TestListIsComplete(t *testing.T) {
	fs, err := features()
	if err != nil {
		t.Fatal(err)
	}
	count, seen := map[byte]int{}, map[string]bool{}
	for _, f := range fs {
		if seen[f.id] {
			t.Errorf("%s stands twice", f.id)
		}
		seen[f.id] = true
		count[f.id[0]]++
		if got := ids(f.id); !slices.Equal(got, []string{f.id}) {
			t.Errorf("%q is no ID", f.id)
		}
	}
	for g, want := range map[byte]int{'A': 304, 'B': 102, 'C': 50, 'X': 12, 'F': 7, 'I': 9} {
		if count[g] != want {
			t.Errorf("%d features in group %c, want %d", count[g], g, want)
		}
	}
}

func TestIDs(t *testing.T) {
	for name, want := range map[string][]string{
		"A103_A104_hit":          {"A103", "A104"},
		"F1_head":                {"F.1"},
		"the F.2 list":           {"F.2"},
		"B020":                   {"B020"},
		"I5":                     {"I5"},
		"0xA103f and AB12 CA001": nil,
		"X3: mirrored":           {"X3"},
	} {
		if got := ids(name); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

// source is a test file with each way to name a sub-test, and with strings that
// look like names and are none.
const source = `package p

type row struct {
	n    int
	name string
}

var rows = []row{{1, "A010_row"}, {name: "A011_keyed", n: 2}}

func table() []row { return append([]row{{1, "A012_returned"}}, rows...) }

func helper(t *testing.T, n int, name string) { t.Run(name, nil) }

func TestB030_A001(t *testing.T) {
	t.Run("A002_direct", func(t *testing.T) {
		t.Errorf("A901 is no name")
		for _, id := range []string{"A902"} {
			t.Log(id)
		}
	})
	for _, c := range rows {
		t.Run("with "+c.name, nil)
	}
	for _, c := range table() {
		t.Run(c.name, nil)
	}
	for _, c := range []struct{ name, text string }{{"A013_A014", "A903"}} {
		t.Run(c.name, nil)
	}
	for name, c := range map[string]string{"A015_key": "A904"} {
		t.Run(name, nil)
	}
	for i := range 3 {
		t.Run(fmt.Sprintf("A016_%d", i), nil)
	}
	same := func(name, want string) { t.Run(name, nil) }
	same("A017_closure", "A905")
	helper(t, 1, "A018_helper")
	list := strings.Join([]string{"A906", "A907"}, "_")
	check(t, list)
}

func TestCaptures(t *testing.T) {
	t.Run("A003_A002", func(t *testing.T) { packettest.Capture(t, "x") })
	t.Run("A004", nil)
}

func TestB031(t *testing.T) { packettest.Capture(t, "x") }

func check(t *testing.T, list string) {}
`

func scanned(t *testing.T) []claim {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p_test.go":               source,
		"testdata/script/a.txtar": "# A020 is shown\nexec x\n-- x --\n# A908 is in a file\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	claims, err := scan(dir)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestNamesOfSubTests(t *testing.T) {
	got := map[string]bool{}
	for _, c := range scanned(t) {
		got[c.id+" "+c.String()] = c.needs
	}
	want := map[string]bool{
		"A001 ..TestB030_A001":               false,
		"B030 ..TestB030_A001":               false,
		"A002 ..TestB030_A001/A002_direct":   false,
		"A010 ..TestB030_A001/A010_row":      false,
		"A011 ..TestB030_A001/A011_keyed":    false,
		"A012 ..TestB030_A001/A012_returned": false,
		"A013 ..TestB030_A001/A013_A014":     false,
		"A014 ..TestB030_A001/A013_A014":     false,
		"A015 ..TestB030_A001/A015_key":      false,
		"A016 ..TestB030_A001/A016_":         false,
		"A017 ..TestB030_A001/A017_closure":  false,
		"A018 ..TestB030_A001/A018_helper":   false,
		"A002 ..TestCaptures/A003_A002":      true,
		"A003 ..TestCaptures/A003_A002":      true,
		"A004 ..TestCaptures/A004":           false,
		"B031 ..TestB031":                    true,
		"A020 testdata/script/a.txtar":       false,
	}
	if !maps.Equal(got, want) {
		for k, v := range got {
			if w, ok := want[k]; !ok || w != v {
				t.Errorf("found %s (%v)", k, v)
			}
		}
		for k := range want {
			if _, ok := got[k]; !ok {
				t.Errorf("missed %s", k)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	fs := []feature{{"A001", "a"}, {"A002", "b"}, {"A003", "c"}, {"A004", "d"}}
	for text, want := range map[string]string{
		"A001 open":                      "status.txt:1: expected an ID, one of fact, open and half, and a reason",
		"# c\n\nA001 done x":             "status.txt:3: expected an ID",
		"A009 open x":                    "A009 is not in features.txt",
		"A003-A001 open x":               "A003-A001 is not in features.txt",
		"A001-A003 open x\nA002 fact it": "status.txt:2: A002 has a reason in line 1 already",
	} {
		if _, err := readStatus(text, fs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	s, err := readStatus("A002-A003 open some thing\nA001 half x", fs)
	if want := (map[string]status{"A001": {half, "x", 2}, "A002": {open, "some thing", 1}, "A003": {open, "some thing", 1}}); err != nil || !maps.Equal(s, want) {
		t.Errorf("%v, %v", s, err)
	}
}

// TestJudge: what the document must not say.
func TestJudge(t *testing.T) {
	fs := []feature{{"A001", "a"}}
	sure, needy := claim{id: "A001", pkg: "p", test: "TestX"}, claim{id: "A001", pkg: "p", test: "TestX", needs: true}
	for _, c := range []struct {
		claims []claim
		kind   string
		want   string
	}{
		{nil, "", "A001 has no test that names it"},
		{[]claim{needy}, "", "A001 has no test that names it"},
		{[]claim{sure}, "", ""},
		{[]claim{sure}, open, "A001 is called open, but p.TestX proves it"},
		{[]claim{sure}, fact, "A001 is called fact, but p.TestX proves it"},
		{[]claim{sure}, half, ""},
		{[]claim{needy}, half, "A001 is half proved, but no test names it"},
		{nil, open, ""},
		{[]claim{needy}, fact, ""},
		{[]claim{sure, {id: "A999", pkg: "p", test: "TestY"}}, "", "p.TestY names A999, which is not in features.txt"},
	} {
		reasons := map[string]status{}
		if c.kind != "" {
			reasons["A001"] = status{kind: c.kind, reason: "x"}
		}
		var got string
		for _, err := range judge(fs, c.claims, reasons) {
			got += err.Error()
		}
		if got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%v, %q: %q, want %q", c.claims, c.kind, got, c.want)
		}
	}
}

// TestRan: a claim holds when the test is in the output as passed.
func TestRan(t *testing.T) {
	out := `=== RUN   TestA
--- PASS: TestA (0.00s)
    --- PASS: TestA/A001_x (0.00s)
        --- PASS: TestA/group/A002_y_3 (0.00s)
    --- SKIP: TestA/A003 (0.00s)
ok  	sluice/p	0.1s
--- FAIL: TestB (0.00s)
    --- FAIL: TestB/A005_x (0.00s)
    --- PASS: TestB/own/A007_shared (0.00s)
FAIL	sluice/q/r	0.1s
    --- PASS: TestScript/why (0.00s)
ok  	sluice/cmd	(cached)
`
	r, err := readRuns(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		claim
		want bool
	}{
		{claim{pkg: "p", test: "TestA"}, true},
		{claim{pkg: "p", test: "TestB"}, false},
		{claim{pkg: "q/r", test: "TestB"}, false},
		{claim{pkg: "p", test: "TestA", sub: "A001_x"}, true},
		{claim{pkg: "p", test: "TestA", sub: "A002_y_"}, true},
		{claim{pkg: "p", test: "TestA", sub: "01_x"}, false},
		{claim{pkg: "p", test: "TestA", sub: "x"}, true},
		{claim{pkg: "p", test: "TestA", sub: "y_3"}, true},
		{claim{pkg: "p", test: "TestA", sub: "roup"}, false},
		{claim{pkg: "p", test: "TestA", sub: "A003"}, false},
		{claim{pkg: "q/r", test: "TestB", sub: "A005_x"}, false},
		{claim{pkg: "offload/xtest", test: "Run", sub: "A007_shared"}, true},
		{claim{pkg: "offload/xtest", test: "Run", sub: "A008"}, false},
		{claim{pkg: "cmd/testdata/script/why.txtar"}, true},
		{claim{pkg: "cmd/testdata/script/what.txtar"}, false},
	} {
		if got := r.passed(c.claim); got != c.want {
			t.Errorf("%v: %v", c.claim, got)
		}
		if err := compare([]claim{c.claim}, r); (err == nil) != c.want {
			t.Errorf("%v: %v", c.claim, err)
		}
	}
	if _, err := readRuns(strings.NewReader("ok\n")); err == nil {
		t.Error("an output without packages is taken")
	}
}
