package main

import (
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
