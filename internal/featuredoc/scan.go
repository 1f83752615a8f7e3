package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed features.txt
var list string

// feature is one line of the list.
type feature struct{ id, text string }

// features reads the list: an ID and one line of text each; lines that begin
// with # are headings.
func features() ([]feature, error) {
	var out []feature
	for i, l := range strings.Split(strings.TrimSpace(list), "\n") {
		id, text, ok := strings.Cut(l, " ")
		if !ok || strings.TrimSpace(text) == "" {
			return nil, fmt.Errorf("features.txt:%d: expected an ID and a line of text", i+1)
		}
		out = append(out, feature{id, strings.TrimSpace(text)})
	}
	return out, nil
}

// idPattern finds IDs in a test's name. In a name a dot cannot stand, so F1_
// is F.1.
var idPattern = regexp.MustCompile(`(?:^|[^A-Za-z0-9])(A\d{3}|B\d{3}|C\d{2}|X\d{1,2}|I\d|F\.?\d)(?:[^0-9A-Za-z]|$)`)

// ids lists the feature IDs in a name. Several may be joined by underscores.
func ids(name string) []string {
	var out []string
	for {
		m := idPattern.FindStringSubmatchIndex(name)
		if m == nil {
			return out
		}
		id := name[m[2]:m[3]]
		if id[0] == 'F' && id[1] != '.' {
			id = "F." + id[1:]
		}
		out = append(out, id)
		name = name[m[3]:] // the separator behind it may begin the next
	}
}

// proof is where an ID is named: package.Test, or a script's file.
type proof struct {
	place string
	needs bool // runs only where captures are that are not part of the repository
}

// tests maps each ID to the places that name it. Those that always run stand
// alone if there are any.
func tests(root string) (map[string][]string, error) {
	proofs := map[string][]proof{}
	err := scan(root, func(id string, p proof) { proofs[id] = append(proofs[id], p) })
	found := map[string][]string{}
	for id, ps := range proofs {
		sure := slices.ContainsFunc(ps, func(p proof) bool { return !p.needs })
		for _, p := range ps {
			switch {
			case slices.Contains(found[id], p.place) || sure && p.needs:
			default:
				found[id] = append(found[id], p.place)
			}
		}
	}
	return found, err
}

// scan looks through all tests and scripts under root.
func scan(root string, add func(id string, p proof)) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		switch {
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return filepath.SkipDir
		case rel == filepath.Join("internal", "featuredoc", "main_test.go"):
			return nil // its IDs are examples
		case strings.HasSuffix(path, "_test.go"):
			return scanGo(path, filepath.Dir(rel), add)
		case strings.HasSuffix(path, ".txtar"):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for l := range strings.SplitSeq(string(b), "\n") {
				if strings.HasPrefix(l, "#") {
					for _, id := range ids(l) {
						add(id, proof{place: filepath.ToSlash(rel)})
					}
				}
			}
		}
		return nil
	})
}

// scanGo looks at test functions' names and at the strings in them that name
// sub-tests.
func scanGo(path, pkg string, add func(id string, p proof)) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Test") && !strings.HasPrefix(fn.Name.Name, "Fuzz") {
			continue
		}
		place := filepath.ToSlash(pkg) + "." + fn.Name.Name
		needy := needCaptures(fn)
		for _, id := range ids(strings.TrimPrefix(strings.TrimPrefix(fn.Name.Name, "Test"), "Fuzz")) {
			add(id, proof{place, slices.ContainsFunc(needy, func(n ast.Node) bool { return n == fn })})
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			s, err := strconv.Unquote(lit.Value)
			if err != nil || len(s) > 200 || strings.Contains(s, "\n") || !startsWithID(s) {
				return true
			}
			within := func(n ast.Node) bool { return n.Pos() <= lit.Pos() && lit.End() <= n.End() }
			for _, id := range ids(s) {
				add(id, proof{place, slices.ContainsFunc(needy, within)})
			}
			return true
		})
	}
	return nil
}

// needCaptures finds the test functions and the t.Run calls in fn that call
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
		if !ok || selector(call) != "Capture" {
			return true
		}
		for _, a := range slices.Backward(around) {
			c, run := a.(*ast.CallExpr)
			_, whole := a.(*ast.FuncDecl)
			if run && selector(c) == "Run" || whole {
				needy = append(needy, a)
				break
			}
		}
		return true
	})
	return needy
}

// selector is the name behind the dot of a called function, if it has one.
func selector(c *ast.CallExpr) string {
	if s, ok := c.Fun.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	return ""
}

// startsWithID tells a sub-test's name from other strings.
func startsWithID(s string) bool {
	m := idPattern.FindStringSubmatchIndex(s)
	return m != nil && m[2] == 0
}

// render makes the document.
func render(root string) (string, error) {
	fs, err := features()
	if err != nil {
		return "", err
	}
	found, err := tests(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	proven := 0
	for _, f := range fs {
		if len(found[f.id]) > 0 {
			proven++
		}
	}
	fmt.Fprintf(&b, "# Features\n\nMade by `go run ./internal/featuredoc` from the tests themselves. %d of %d features have a test that names them.\n", proven, len(fs))
	group := ""
	for _, f := range fs {
		if g := f.id[:1]; g != group {
			group = g
			fmt.Fprintf(&b, "\n## %s\n\n| ID | What | Proved by |\n|---|---|---|\n", groups[g])
		}
		places := slices.Clone(found[f.id])
		slices.Sort(places)
		for i, p := range places {
			places[i] = "`" + p + "`"
		}
		proof := strings.Join(places, ", ")
		if proof == "" {
			proof = "—"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.id, strings.ReplaceAll(f.text, "|", `\|`), proof)
	}
	return b.String(), nil
}

var groups = map[string]string{
	"A": "A. The papers and guides that it all comes from",
	"X": "X. Where they disagree",
	"B": "B. What today's systems have beyond them",
	"C": "C. What users ask for",
	"F": "F. tc syntax and formats",
	"I": "I. What must never break",
}
