package store

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWhoGivesUpReadsNothing has somebody give up in the middle of a transaction, which goes on: they get no answer, and nothing of what it writes then is theirs to read.
// The race detector sees it when they do.
func TestWhoGivesUpReadsNothing(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	gaveUp := 0
	for range 200 {
		ctx, giveUp := context.WithCancel(t.Context())
		answer, err := asked(ctx, s, func(context.Context, conn) ([]int, error) {
			giveUp() // from here on both go on by themselves
			return []int{1}, nil
		})
		if err != nil {
			gaveUp++
		}
		if (answer == nil) != errors.Is(err, context.Canceled) || (answer == nil) != (err != nil) {
			t.Fatalf("got %v, %v", answer, err)
		}
	}
	if gaveUp == 0 {
		t.Error("nobody gave up, so nothing was shown")
	}
}

// TestATransactionWritesNowhereElse reads the package: a function that is given to update, asked or read, and goes on when its caller has given up, assigns to nothing outside itself.
func TestATransactionWritesNowhereElse(t *testing.T) {
	for where, names := range writesElsewhere(t, nil) {
		t.Errorf("%s: what is given to the group commit writes to %v", where, names)
	}
	for _, planted := range []string{
		"func f() { n := 0; s.update(ctx, func() error { n++; return nil }) }",
		"func f() (err error) { s.update(ctx, func() error { err = nil; return nil }); return }",
		"func f() { var o struct{ a []int }; asked(ctx, s, func() (int, error) { q(func() { o.a[0] = 1 }); return 0, nil }) }",
		"func f() { var l int; asked[int](ctx, s, func() (int, error) { return 0, read(&l) }) }",
		"func f() { var l int; read(ctx, s, looks, func() (int, error) { l = 1; return 0, nil }) }",
	} {
		if len(writesElsewhere(t, "package store\n"+planted)) == 0 {
			t.Errorf("not found: %s", planted)
		}
	}
}

// writesElsewhere names, by place, what such functions of a source, or of the package, assign to or point at outside themselves. asked itself may: it hands the answer over.
func writesElsewhere(t *testing.T, source any) map[string][]string {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	if source != nil {
		f, err := parser.ParseFile(files, "planted.go", source, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	} else {
		names, err := filepath.Glob("*.go")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(files, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
	}
	found := map[string][]string{}
	for _, f := range parsed {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil && (fn.Name.Name == "asked" || fn.Name.Name == "read") {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !slices.Contains([]string{"update", "asked", "read"}, called(call.Fun)) {
					return true
				}
				for _, a := range call.Args {
					if lit, ok := a.(*ast.FuncLit); ok {
						if names := outside(lit); len(names) > 0 {
							found[files.Position(lit.Pos()).String()] = names
						}
					}
				}
				return true
			})
		}
	}
	return found
}

func called(e ast.Expr) string {
	switch f := e.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.IndexExpr:
		return called(f.X)
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// outside names what a function assigns to, or points at as a whole, that was declared outside it.
func outside(lit *ast.FuncLit) (names []string) {
	check := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.SelectorExpr:
				e = x.X
				continue
			case *ast.IndexExpr:
				e = x.X
				continue
			case *ast.StarExpr:
				e = x.X
				continue
			}
			break
		}
		id, ok := e.(*ast.Ident)
		if ok && id.Name != "_" && (id.Obj == nil || id.Obj.Pos() < lit.Pos() || id.Obj.Pos() > lit.End()) {
			names = append(names, id.Name)
		}
	}
	ast.Inspect(lit, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				if x.Tok != token.DEFINE {
					check(l)
				}
			}
		case *ast.IncDecStmt:
			check(x.X)
		case *ast.UnaryExpr:
			if _, whole := x.X.(*ast.Ident); whole && x.Op == token.AND {
				check(x.X)
			}
		}
		return true
	})
	return names
}
