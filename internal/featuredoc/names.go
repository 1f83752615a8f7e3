package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
)

// sources are the files of one package's tests, by what is looked up in them.
type sources struct {
	funcs  []*ast.FuncDecl
	vars   map[string][]ast.Expr // package-level values
	fields map[string][]string   // of struct types, by the type's name
	// names: the parameters whose values become sub-tests' names, by function.
	names map[string][]int
}

func newSources() *sources {
	return &sources{vars: map[string][]ast.Expr{}, fields: map[string][]string{}, names: map[string][]int{}}
}

func (p *sources) add(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.funcs = append(p.funcs, d)
			p.namers(d.Name.Name, d.Type, d.Body)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.ValueSpec); ok {
					for i, v := range s.Values {
						p.vars[s.Names[i].Name] = append(p.vars[s.Names[i].Name], v)
					}
				}
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			if st, ok := n.Type.(*ast.StructType); ok {
				p.fields[n.Name.Name] = fieldNames(st)
			}
		case *ast.AssignStmt: // same := func(name string) { t.Run(name, …) }
			for i, v := range n.Rhs {
				if lit, ok := v.(*ast.FuncLit); ok && i < len(n.Lhs) {
					if id, ok := n.Lhs[i].(*ast.Ident); ok {
						p.namers(id.Name, lit.Type, lit.Body)
					}
				}
			}
		}
		return true
	})
}

// namers notes which of a function's parameters it uses as a sub-test's name.
func (p *sources) namers(name string, typ *ast.FuncType, body *ast.BlockStmt) {
	if body == nil {
		return
	}
	var params []string
	for _, f := range typ.Params.List {
		for _, n := range f.Names {
			params = append(params, n.Name)
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && called(c) == "Run" && len(c.Args) == 2 {
			ast.Inspect(c.Args[0], func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if i := slices.Index(params, id.Name); i >= 0 && !slices.Contains(p.names[name], i) {
						p.names[name] = append(p.names[name], i)
					}
				}
				return true
			})
		}
		return true
	})
}

func fieldNames(st *ast.StructType) (names []string) {
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			names = append(names, "") // embedded
		}
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

// subTest is a name that a test function gives a sub-test, and the call of Run
// that does (or the call of a function that calls it).
type subTest struct {
	name string
	at   token.Pos
}

// subTests lists the sub-tests of fn as far as their names can be read from
// the source: a string in the call of Run, or in the table or the map that a
// loop goes over, in the very field or key whose value becomes the name.
func (p *sources) subTests(fn *ast.FuncDecl) (out []subTest) {
	ast.Inspect(fn, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		var args []int
		if called(c) == "Run" && len(c.Args) == 2 {
			args = []int{0}
		} else if _, method := c.Fun.(*ast.SelectorExpr); !method {
			args = p.names[called(c)]
		}
		for _, i := range args {
			if i < len(c.Args) {
				for _, name := range p.strings(fn, c.Args[i], 0) {
					out = append(out, subTest{name, c.Pos()})
				}
			}
		}
		return true
	})
	return out
}

// strings lists the strings that an expression in fn may be or begin with.
func (p *sources) strings(fn *ast.FuncDecl, e ast.Expr, depth int) (out []string) {
	if depth > 8 {
		return nil
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return []string{s}
		}
	case *ast.BinaryExpr:
		left, right := p.strings(fn, e.X, depth+1), p.strings(fn, e.Y, depth+1)
		if len(left) == 0 {
			return right
		}
		if _, literal := e.X.(*ast.BasicLit); literal || len(right) == 0 {
			return left
		}
		return append(left, right...)
	case *ast.CallExpr: // fmt.Sprintf("A001_%d", n), strings.ReplaceAll(c.name, …)
		for _, a := range e.Args {
			out = append(out, p.strings(fn, a, depth+1)...)
		}
	case *ast.ParenExpr:
		return p.strings(fn, e.X, depth+1)
	case *ast.Ident:
		p.values(fn, e.Name, func(v ast.Expr, ranged bool, key bool) {
			if !ranged {
				out = append(out, p.strings(fn, v, depth+1)...)
				return
			}
			for _, t := range p.tables(fn, v, depth+1) {
				_, isMap := t.Type.(*ast.MapType)
				for _, el := range t.Elts {
					kv, keyed := el.(*ast.KeyValueExpr)
					switch {
					case keyed && key && isMap:
						out = append(out, p.strings(fn, kv.Key, depth+1)...)
					case !keyed && !key:
						out = append(out, p.strings(fn, el, depth+1)...)
					}
				}
			}
		})
	case *ast.SelectorExpr:
		id, ok := e.X.(*ast.Ident)
		if !ok {
			return nil
		}
		p.values(fn, id.Name, func(v ast.Expr, ranged, key bool) {
			if !ranged || key {
				return
			}
			for _, t := range p.tables(fn, v, depth+1) {
				for _, el := range t.Elts {
					if kv, ok := el.(*ast.KeyValueExpr); ok {
						el = kv.Value // of a map or an indexed slice
					}
					out = append(out, p.field(fn, t, el, e.Sel.Name, depth+1)...)
				}
			}
		})
	}
	return out
}

// field is the value of a field in one row of a table.
func (p *sources) field(fn *ast.FuncDecl, table *ast.CompositeLit, row ast.Expr, name string, depth int) []string {
	if u, ok := row.(*ast.UnaryExpr); ok {
		row = u.X
	}
	lit, ok := row.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	typ := lit.Type
	if typ == nil {
		switch t := table.Type.(type) {
		case *ast.ArrayType:
			typ = t.Elt
		case *ast.MapType:
			typ = t.Value
		}
	}
	if s, ok := typ.(*ast.StarExpr); ok {
		typ = s.X
	}
	var fields []string
	switch t := typ.(type) {
	case *ast.StructType:
		fields = fieldNames(t)
	case *ast.Ident:
		fields = p.fields[t.Name]
	}
	for i, el := range lit.Elts {
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			if k, ok := kv.Key.(*ast.Ident); ok && k.Name == name {
				return p.strings(fn, kv.Value, depth+1)
			}
		} else if i < len(fields) && fields[i] == name {
			return p.strings(fn, el, depth+1)
		}
	}
	return nil
}

// values calls f with what is assigned to a variable in fn or in the package:
// the expression, or that of the loop that ranges over it.
func (p *sources) values(fn *ast.FuncDecl, name string, f func(v ast.Expr, ranged, key bool)) {
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if is(l) && i < len(n.Rhs) {
					f(n.Rhs[i], false, false)
				}
			}
		case *ast.ValueSpec:
			for i, l := range n.Names {
				if l.Name == name && i < len(n.Values) {
					f(n.Values[i], false, false)
				}
			}
		case *ast.RangeStmt:
			if n.Key != nil && is(n.Key) {
				f(n.X, true, true)
			}
			if n.Value != nil && is(n.Value) {
				f(n.X, true, false)
			}
		}
		return true
	})
	for _, v := range p.vars[name] {
		f(v, false, false)
	}
}

// tables lists the composite literals that an expression stands for.
func (p *sources) tables(fn *ast.FuncDecl, e ast.Expr, depth int) (out []*ast.CompositeLit) {
	if depth > 8 {
		return nil
	}
	switch e := e.(type) {
	case *ast.CompositeLit:
		return []*ast.CompositeLit{e}
	case *ast.Ident:
		p.values(fn, e.Name, func(v ast.Expr, ranged, _ bool) {
			if !ranged {
				out = append(out, p.tables(fn, v, depth+1)...)
			}
		})
	case *ast.CallExpr: // append(table, rows...), slices.Concat(…), a function that returns one
		for _, a := range e.Args {
			out = append(out, p.tables(fn, a, depth+1)...)
		}
		for _, d := range p.funcs {
			if id, ok := e.Fun.(*ast.Ident); ok && d.Name.Name == id.Name && d.Body != nil {
				ast.Inspect(d.Body, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok {
						for _, v := range r.Results {
							out = append(out, p.tables(d, v, depth+1)...)
						}
					}
					return true
				})
			}
		}
	}
	return out
}
