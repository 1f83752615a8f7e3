package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writers may write files by themselves, and why.
var writers = map[string]string{
	"internal/outfile":  "it is the place",
	"port":              "Create is for programs that have no other place",
	"lab":               "it sets what the kernel has under /proc",
	"internal/mutants":  "changed sources in a directory of its own",
	"internal/benchovs": "a program's source in a directory of its own",
	"packet/packettest": "captures in a test's own directory",
}

// TestFilesAreWrittenInOnePlace: what a command writes goes through
// internal/outfile, so that it is checked before the work and whole or not at
// all after it.
func TestFilesAreWrittenInOnePlace(t *testing.T) {
	root := filepath.Join("..", "..")
	calls := []string{"Create", "CreateTemp", "OpenFile", "WriteFile", "Rename"}
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root && d.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Name != "os" || !slices.Contains(calls, sel.Sel.Name) {
				return true
			}
			seen++
			if writers[filepath.ToSlash(rel)] == "" {
				t.Errorf("%s calls os.%s: files are written by internal/outfile", fset.Position(n.Pos()), sel.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no call was seen: the test says nothing")
	}
}
