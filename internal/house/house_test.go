package house_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms may import those above them, never those below (docs/architecture.md).
// What is not listed imports whatever it needs and is imported by commands and
// internal packages alone.
var rooms = []string{
	"packet", "packet/frag", "policy", "policy/tc", "conntrack", "offload", "flowtable", "datapath", "workers", "driver/sim", "port", "observe", "lab", "lab/record", "internal/", "cmd/sluice",
}

// apart lists what a room must not know although it stands below it.
var apart = map[string][]string{
	"conntrack": {"policy", "policy/tc"},
	"flowtable": {"policy", "policy/tc"},
	"datapath":  {"policy/tc"},
	"port":      {"policy", "policy/tc", "conntrack", "offload", "flowtable", "datapath"},
	"policy":    {"packet", "packet/frag"},
}

var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "types", "misc"}

func place(pkg string) int {
	for i, r := range rooms {
		if pkg == r || strings.HasSuffix(r, "/") && strings.HasPrefix(pkg, r) {
			return i
		}
	}
	return -1
}

func TestRoomsImportUpwards(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if slices.Contains(forbiddenNames, name) {
				t.Errorf("%s: the name says nothing about what is in it", path)
			}
			if name == "testdata" || strings.HasPrefix(name, ".") && path != root && name != ".." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		if strings.HasSuffix(pkg, "test") {
			return nil // builders and conformance tests of the room they stand in
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		if place(pkg) < 0 {
			t.Errorf("%s: no room of docs/architecture.md; add it to the list here and there", path)
		}
		for _, im := range f.Imports {
			to, ours := strings.CutPrefix(strings.Trim(im.Path.Value, `"`), "sluice/")
			if !ours {
				continue
			}
			if place(to) > place(pkg) {
				t.Errorf("%s imports %s, which is below it", path, to)
			}
			if slices.Contains(apart[pkg], to) {
				t.Errorf("%s imports %s, of which it must know nothing", path, to)
			}
			if strings.HasSuffix(to, "test") {
				t.Errorf("%s imports %s, which is for tests", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("only %d files were looked at", seen)
	}
}
