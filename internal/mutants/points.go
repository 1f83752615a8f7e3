package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant is one change of one file.
type mutant struct {
	file       string // slash-separated, from the project's root
	line, col  int
	start, end int    // bytes that are replaced
	with       string // what replaces them
	was        string
	text       string // the line as it stands
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %s -> %s\t%s", m.file, m.line, m.col, oneLine(m.was), oneLine(m.with), m.text)
}

// key names a mutant in equivalent.txt: lines may move, so their numbers are
// no part of it.
func (m mutant) key() string {
	return fmt.Sprintf("%s\t%s\t%s -> %s", m.file, m.text, oneLine(m.was), oneLine(m.with))
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "(nothing)"
	}
	return s
}

// pkg is the package's folder, as go test wants it.
func (m mutant) pkg() string { return "./" + filepath.ToSlash(filepath.Dir(m.file)) }

// points lists every mutant of the folders and files in, under root. What is
// not built on this machine, and packages that serve tests, have none.
func points(root string, in []string) ([]mutant, error) {
	var out []mutant
	for _, top := range in {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			switch name := filepath.Base(path); {
			case err != nil:
				return err
			case d.IsDir() && (name == "testdata" || strings.HasSuffix(name, "test")):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			if built, err := build.Default.MatchFile(filepath.Dir(path), filepath.Base(path)); err != nil || !built {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			ms, err := mutate(filepath.ToSlash(rel), src)
			out = append(out, ms...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no Go code in %s", strings.Join(in, ", "))
	}
	return out, nil
}

// swaps gives each operator the one that it is mistaken for.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND,
	token.XOR: token.AND, token.AND_NOT: token.AND, token.INC: token.DEC, token.DEC: token.INC,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN,
	token.OR_ASSIGN: token.AND_ASSIGN, token.AND_ASSIGN: token.OR_ASSIGN, token.AND_NOT_ASSIGN: token.OR_ASSIGN,
	token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

// mutate lists the mutants of one file.
func mutate(file string, src []byte) ([]mutant, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(f) {
		return nil, nil
	}
	w := &walker{file: file, src: src, fset: fset, lines: bytes.Split(src, []byte("\n"))}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, w.visit)
	}
	return w.out, nil
}

type walker struct {
	file  string
	src   []byte
	fset  *token.FileSet
	lines [][]byte
	out   []mutant
}

func (w *walker) add(from, to token.Pos, with string) {
	p, e := w.fset.Position(from), w.fset.Position(to)
	w.out = append(w.out, mutant{file: w.file, line: p.Line, col: p.Column, start: p.Offset, end: e.Offset,
		with: with, was: string(w.src[p.Offset:e.Offset]), text: strings.TrimSpace(string(w.lines[p.Line-1]))})
}

func (w *walker) swap(at token.Pos, op token.Token) {
	if to, ok := swaps[op]; ok {
		w.add(at, at+token.Pos(len(op.String())), to.String())
	}
}

func (w *walker) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ArrayType, *ast.StructType, *ast.InterfaceType:
		return false // sizes and tags: what they break, the compiler says
	case *ast.CallExpr:
		return !quiet(n)
	case *ast.BinaryExpr:
		w.swap(n.OpPos, n.Op)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			w.add(n.OpPos, n.OpPos+1, "")
		}
	case *ast.IncDecStmt:
		w.swap(n.TokPos, n.Tok)
	case *ast.BranchStmt:
		if n.Label == nil {
			w.swap(n.TokPos, n.Tok)
		}
	case *ast.AssignStmt:
		w.swap(n.TokPos, n.Tok)
		if blank(n) {
			return false
		}
	case *ast.Ident:
		switch n.Name {
		case "true":
			w.add(n.Pos(), n.End(), "false")
		case "false":
			w.add(n.Pos(), n.End(), "true")
		}
	case *ast.BasicLit:
		if n.Kind == token.INT {
			w.number(n)
		}
	case *ast.IfStmt:
		cond := string(w.src[w.fset.Position(n.Cond.Pos()).Offset:w.fset.Position(n.Cond.End()).Offset])
		w.add(n.Cond.Pos(), n.Cond.End(), "false && ("+cond+")")
	case *ast.ReturnStmt:
		return !failure(n)
	case *ast.BlockStmt:
		w.statements(n.List)
	case *ast.CaseClause:
		w.statements(n.Body)
	}
	return true
}

// number makes a constant one larger.
func (w *walker) number(n *ast.BasicLit) {
	v, err := strconv.ParseUint(n.Value, 0, 64)
	if err != nil || v == 1<<64-1 {
		return
	}
	with := strconv.FormatUint(v+1, 10)
	if strings.HasPrefix(n.Value, "0x") {
		with = "0x" + strconv.FormatUint(v+1, 16)
	}
	w.add(n.Pos(), n.End(), with)
}

// statements leaves out a call or an assignment.
func (w *walker) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if c, ok := s.X.(*ast.CallExpr); ok && !quiet(c) {
				w.add(s.Pos(), s.End(), "")
			}
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE && !blank(s) {
				w.add(s.Pos(), s.End(), "")
			}
		}
	}
}

// blank tells an assignment to nothing: a hint to the compiler.
func blank(a *ast.AssignStmt) bool {
	for _, l := range a.Lhs {
		if id, ok := l.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

// quiet tells calls in which no change can matter to a packet: room that is
// made ahead, and panics, which only a fault elsewhere reaches.
func quiet(c *ast.CallExpr) bool {
	id, ok := c.Fun.(*ast.Ident)
	return ok && (id.Name == "panic" || id.Name == "make")
}

// failure tells a return of a new error: the values beside it mean nothing.
func failure(r *ast.ReturnStmt) bool {
	if len(r.Results) < 2 {
		return false
	}
	c, ok := r.Results[len(r.Results)-1].(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	in, ok := f.X.(*ast.Ident)
	return ok && (in.Name == "fmt" && f.Sel.Name == "Errorf" || in.Name == "errors" && f.Sel.Name == "New")
}
