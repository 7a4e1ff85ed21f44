package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// A test that sleeps is either slow or wrong, on some machine both: it waits for what it wants to see, or is told. A wait that something else
// may end is one with a bound; a ticker sets a pace.
func TestNoTestSleeps(t *testing.T) {
	looked := 0
	for _, s := range sources(t) {
		if !strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		looked++
		for _, at := range sleeps(s.file) {
			t.Errorf("%s sleeps: wait for a condition, or pass a clock in", s.set.Position(at))
		}
	}
	if looked < 30 {
		t.Errorf("only %d tests were looked at", looked)
	}
}

// sleeps are the places of a file where time itself is waited for, and nothing else: time.Sleep, and a channel or timer of package time that is
// received from outside a select, or in one that has no other case.
func sleeps(file *ast.File) (at []token.Pos) {
	for _, d := range file.Decls {
		late := map[string]bool{}      // variables that hold a channel or a timer of package time
		bounded := map[ast.Node]bool{} // what is received in a select that has another case
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, value := range n.Rhs {
					if name, ok := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident); ok && tells(value, late) {
						late[name.Name] = true
					}
				}
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if tells(value, late) {
						late[n.Names[min(i, len(n.Names)-1)].Name] = true
					}
				}
			case *ast.SelectStmt:
				if len(n.Body.List) < 2 {
					break
				}
				for _, c := range n.Body.List {
					if comm := c.(*ast.CommClause).Comm; comm != nil {
						ast.Inspect(comm, func(n ast.Node) bool { bounded[n] = true; return true })
					}
				}
			case *ast.CallExpr:
				if ofTime(n, "Sleep") {
					at = append(at, n.Pos())
				}
			case *ast.UnaryExpr:
				if n.Op == token.ARROW && !bounded[n] && tells(n.X, late) {
					at = append(at, n.Pos())
				}
			}
			return true
		})
	}
	return at
}

// tells says whether the expression is a channel or a timer that tells nothing but that time has passed.
func tells(e ast.Expr, late map[string]bool) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return late[e.Name]
	case *ast.ParenExpr:
		return tells(e.X, late)
	case *ast.SelectorExpr:
		return e.Sel.Name == "C" && tells(e.X, late)
	case *ast.CallExpr:
		return ofTime(e, "After") || ofTime(e, "NewTimer")
	}
	return false
}

func ofTime(call *ast.CallExpr, name string) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	return ok && pkg.Name == "time"
}

func TestSleepsAreFound(t *testing.T) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", `package x
func sleeping() {
	time.Sleep(d)
	<-time.After(d)
	timer := time.NewTimer(d)
	<-timer.C
	<-time.NewTimer(d).C
	late := time.After(d)
	_ = <-late
	select { case <-late: }
	defer func() { <-(time.After(d)) }()
	select { case <-done: <-late
	default: }
}
func waiting(timer *alarm) {
	late := time.NewTimer(d)
	select {
	case <-done:
	case <-late.C:
	}
	select {
	case at := <-time.After(d):
	default:
	}
	<-timer.C
	<-time.NewTicker(d).C
	<-done
}
`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, at := range sleeps(file) {
		lines = append(lines, strconv.Itoa(set.Position(at).Line))
	}
	if got := strings.Join(lines, " "); got != "3 4 6 7 9 10 11 12" {
		t.Errorf("found in lines %s", got)
	}
}
