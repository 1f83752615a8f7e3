package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// claim is a test that names a feature.
type claim struct {
	id   string
	pkg  string // directory of the package, or the file of a script
	test string // the test function; empty for a script
	sub  string // the sub-test's own name; empty when the function's names the ID
	// needs: it runs only where captures are that are not part of the repository.
	needs bool
}

func (c claim) String() string {
	s := c.pkg
	if c.test != "" {
		s += "." + c.test
	}
	if c.sub != "" {
		s += "/" + c.sub
	}
	return s
}

// scan collects the claims of all tests and scripts under root.
func scan(root string) ([]claim, error) {
	var claims []claim
	dirs := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		dir := filepath.Dir(rel)
		switch {
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return filepath.SkipDir
		case filepath.ToSlash(dir) == "internal/featuredoc":
			return nil // the IDs in its tests are examples
		case strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".go") && strings.HasSuffix(dir, "test"):
			dirs[dir] = append(dirs[dir], path)
		case strings.HasSuffix(path, ".txtar"):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for l := range strings.SplitSeq(string(b), "\n") {
				if strings.HasPrefix(l, "-- ") {
					break // what follows are the script's files
				}
				if strings.HasPrefix(l, "#") {
					for _, id := range ids(l) {
						claims = append(claims, claim{id: id, pkg: filepath.ToSlash(rel)})
					}
				}
			}
		}
		return nil
	})
	for dir, paths := range dirs {
		if err != nil {
			break
		}
		var found []claim
		found, err = scanPackage(filepath.ToSlash(dir), paths)
		claims = append(claims, found...)
	}
	slices.SortFunc(claims, func(a, b claim) int {
		return strings.Compare(a.id+" "+a.String(), b.id+" "+b.String())
	})
	return slices.Compact(claims), err
}

// scanPackage looks at the names of a package's test functions, and at those
// of their sub-tests. A package whose name ends in test holds tests that other
// packages run: its exported functions count as test functions.
func scanPackage(pkg string, paths []string) ([]claim, error) {
	p := newSources()
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return nil, err
		}
		p.add(f)
	}
	var claims []claim
	for _, fn := range p.funcs {
		name := fn.Name.Name
		bare := strings.TrimPrefix(strings.TrimPrefix(name, "Test"), "Fuzz")
		if fn.Recv != nil || bare == name && !(strings.HasSuffix(pkg, "test") && fn.Name.IsExported()) {
			continue
		}
		needy := needCaptures(fn)
		for _, id := range ids(bare) {
			claims = append(claims, claim{id: id, pkg: pkg, test: name, needs: slices.Contains(needy, ast.Node(fn))})
		}
		for _, n := range p.subTests(fn) {
			within := func(x ast.Node) bool { return x.Pos() <= n.at && n.at < x.End() }
			for _, id := range ids(n.name) {
				claims = append(claims, claim{id, pkg, name, shown(n.name), slices.ContainsFunc(needy, within)})
			}
		}
	}
	return claims, nil
}

// shown is a sub-test's name as go test shows it, up to what is computed.
func shown(name string) string {
	name, _, _ = strings.Cut(name, "%")
	return strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
}

// needCaptures finds the test functions and the sub-tests in fn that call
// packettest.Capture themselves: without captures they are skipped.
func needCaptures(fn *ast.FuncDecl) (needy []ast.Node) {
	var around []ast.Node
	ast.Inspect(fn, func(n ast.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		around = append(around, n)
		call, ok := n.(*ast.CallExpr)
		if !ok || called(call) != "Capture" {
			return true
		}
		for _, a := range slices.Backward(around) {
			c, run := a.(*ast.CallExpr)
			_, whole := a.(*ast.FuncDecl)
			if run && called(c) == "Run" || whole {
				needy = append(needy, a)
				break
			}
		}
		return true
	})
	return needy
}

// called is the name of a called function or method.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}
