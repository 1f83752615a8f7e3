package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// TestNeedsCaptures: a sub-test that is skipped in a fresh clone proves
// nothing where another always runs.
func TestNeedsCaptures(t *testing.T) {
	dir := t.TempDir()
	src := "package p\n\nfunc TestB030(t *testing.T) {\n\tpath := packettest.Capture(t, \"x\")\n\tt.Run(\"A001_whole\", f)\n}\n" +
		"func TestSome(t *testing.T) {\n\tt.Run(\"A001_A002\", func(t *testing.T) { packettest.Capture(t, \"x\") })\n\tt.Run(\"A003\", nil)\n}\n" +
		"func TestA001(t *testing.T) {}\n"
	if err := os.WriteFile(filepath.Join(dir, "p_test.go"), []byte(src), 0o666); err != nil {
		t.Fatal(err)
	}
	needs := map[string]bool{}
	if err := scan(dir, func(id string, p proof) { needs[id+" "+p.place] = p.needs }); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"B030 ..TestB030": true, "A001 ..TestB030": true, "A001 ..TestSome": true, "A002 ..TestSome": true, "A003 ..TestSome": false, "A001 ..TestA001": false}
	if !maps.Equal(needs, want) {
		t.Errorf("got %v\nwant %v", needs, want)
	}
	found, err := tests(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := found["A001"]; !slices.Equal(got, []string{"..TestA001"}) {
		t.Errorf("A001 is proved by %v", got)
	}
}
