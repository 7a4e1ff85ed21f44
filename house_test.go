// Package house holds the house to its plan: imports run downward, no dumping grounds, every exported name says what it is,
// and whatever returns a value about a person takes a permit.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/rapporthq/rapport/"

// floors is the table of architecture.md: a package may import packages of its own floor or of a lower one.
// The longest prefix decides. The adapters (store, lake) and the doors (web) have rules of their own below.
var floors = []struct {
	prefix string
	floor  int
}{
	{"person", 0},
	{"job", 0},
	{"fault", 0},
	{"fresh", 0},
	{"reference", 0}, // the rules told a second time: it imports nothing of ours, and only tests import it
	{"torture", 0},   // how hard tests try: only tests import it
	{"docs", 0},      // pages that a home shows itself: a leaf of text
	{"charter", 1},
	{"demo", 1}, // data and its generator: a leaf that only cmd uses
	{"trust", 2},
	{"know", 3},
	{"reach", 4},
	{"store", 5},
	{"lake", 5},
	{"web", 5},
	{"cmd", 6},
}

// neverImports are the rules that floors alone do not say.
var neverImports = []struct{ who, whom, why string }{
	{"web", "store", "a door speaks to nouns; only cmd knows which store fills their ports"},
	{"store", "web", "an adapter knows nothing of doors"},
	{"web", "lake", "a door speaks to nouns; only cmd knows which lake fills their ports"},
	{"web/shop", "trust", "the shop is a brand's site: it uses the public doors only"},
	{"web/shop", "know", "the shop is a brand's site: it uses the public doors only"},
	{"web/shop", "reach", "the shop is a brand's site: it uses the public doors only"},
	{"charter", "job", "the charter is pure"},
	{"trust/consent", "trust/vault", "consent is pure"},
	{"trust/tact", "trust/vault", "tact sees heads, never values"},
}

// pure packages do no input or output: same input, same output.
var pure = map[string]bool{
	"person": true, "fault": true, "charter": true, "charter/draft": true, "trust/consent": true, "trust/relationship": true, "trust/tact": true, "know/recommend/linear": true,
	"know/identity": true, "know/identity/similar": true,
	"person/phone": true, "know/quality": true,
}

var impure = []string{"os", "net", "net/http", "database/sql", "math/rand", "math/rand/v2", "log/slog", "log"}

var dumps = regexp.MustCompile(`(^|/)(util|utils|common|misc|helper|helpers|shared|lib|base|core)(/|$|\.go$)`)

func floorOf(pkg string) int {
	best, floor := -1, -1
	for _, f := range floors {
		if (pkg == f.prefix || strings.HasPrefix(pkg, f.prefix+"/")) && len(f.prefix) > best {
			best, floor = len(f.prefix), f.floor
		}
	}
	return floor
}

func under(pkg, prefix string) bool { return pkg == prefix || strings.HasPrefix(pkg, prefix+"/") }

// importFault says why pkg may not import target, or nothing.
func importFault(pkg, target string) string {
	from, to := floorOf(pkg), floorOf(target)
	switch {
	case from < 0:
		return "has no floor in house_test.go: give it one"
	case to < 0:
		return fmt.Sprintf("imports %s, which has no floor in house_test.go", target)
	case to > from:
		return fmt.Sprintf("imports %s, which stands above it: imports run downward only", target)
	case from == 5 && to == 5 && strings.SplitN(pkg, "/", 2)[0] != strings.SplitN(target, "/", 2)[0]:
		return fmt.Sprintf("imports %s: adapters and doors do not know each other", target)
	}
	for _, n := range neverImports {
		if under(pkg, n.who) && under(target, n.whom) {
			return fmt.Sprintf("imports %s: %s", target, n.why)
		}
	}
	return ""
}

type source struct {
	path, pkg string
	lines     int
	file      *ast.File
	set       *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, path, body, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{path, filepath.ToSlash(filepath.Dir(path)), strings.Count(string(body), "\n"), file, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("found %d Go files only: the walk is broken", len(all))
	}
	return all
}

func TestImportsRunDownward(t *testing.T) {
	for _, s := range sources(t) {
		if s.pkg == "." {
			continue
		}
		test := strings.HasSuffix(s.path, "_test.go")
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			if !strings.HasPrefix(path, module) {
				if pure[s.pkg] && !test {
					for _, bad := range impure {
						if path == bad {
							t.Errorf("%s is pure and imports %s", s.path, path)
						}
					}
				}
				continue
			}
			// A test may stand on a real store: only its package proper must not.
			if test {
				continue
			}
			if fault := importFault(s.pkg, strings.TrimPrefix(path, module)); fault != "" {
				t.Errorf("%s %s", s.path, fault)
			}
		}
	}
}

func TestImportRulesCatchWhatTheyAreFor(t *testing.T) {
	for _, c := range []struct {
		pkg, target string
		fault       bool
	}{
		{"person", "charter", true}, {"charter", "person", false}, {"charter", "trust/tact", true},
		{"trust/tact", "know/collect", true}, {"know/collect", "trust/tact", false}, {"reach/decide", "store", true},
		{"store", "reach/decide", false}, {"web/console", "store", true}, {"store", "web/page", true},
		{"web/shop", "reach/decide", true}, {"web/shop", "web/page", false}, {"cmd/rapport", "store", false}, {"web/page", "nowhere", true},
	} {
		if got := importFault(c.pkg, c.target); (got != "") != c.fault {
			t.Errorf("%s importing %s: fault %q, expected one: %v", c.pkg, c.target, got, c.fault)
		}
	}
}

func TestNoDumpingGrounds(t *testing.T) {
	for _, s := range sources(t) {
		if dumps.MatchString(s.path) {
			t.Errorf("%s: a name that says nothing; name the subject", s.path)
		}
		if s.lines > 700 {
			t.Errorf("%s has %d lines: one subject a file, under 700", s.path, s.lines)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	documented := map[string]bool{} // packages with a package comment
	packages := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") || s.pkg == "." {
			continue
		}
		packages[s.pkg] = true
		if s.file.Doc != nil {
			documented[s.pkg] = true
		}
		for _, name := range undocumented(s.file) {
			t.Errorf("%s: exported %s has no comment that says what it promises", s.path, name)
		}
	}
	for pkg := range packages {
		if !documented[pkg] {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func undocumented(file *ast.File) []string {
	var names []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() || d.Doc != nil || (d.Recv != nil && !exportedReceiver(d.Recv)) || wellKnown[d.Name.Name] {
				continue
			}
			names = append(names, d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch sp := spec.(type) {
				case *ast.TypeSpec:
					if sp.Name.IsExported() && d.Doc == nil && sp.Doc == nil && sp.Comment == nil {
						names = append(names, sp.Name.Name)
					}
				case *ast.ValueSpec:
					for _, n := range sp.Names {
						if n.IsExported() && d.Doc == nil && sp.Doc == nil && sp.Comment == nil {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
	}
	return names
}

// wellKnown methods mean what their interfaces say.
var wellKnown = map[string]bool{"String": true, "Error": true, "Unwrap": true, "Len": true, "Less": true, "Swap": true, "Is": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true, "ServeHTTP": true, "Close": true}

func exportedReceiver(recv *ast.FieldList) bool {
	typ := recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func TestUndocumentedIsFound(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc Bare() {}\n// Told says.\nfunc Told() {}\ntype T int\nvar V int\n", parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	got := undocumented(file)
	sort.Strings(got)
	if want := "Bare T V"; strings.Join(got, " ") != want {
		t.Errorf("found %v, expected %s", got, want)
	}
}

// valueTypes are the types in which values about a person travel once they are opened.
var valueTypes = map[string]bool{"Fact": true, "Event": true, "Opened": true, "Evidence": true, "Claimed": true}

// unpermitted lists the ports (interface methods) and exported functions of a file that give a value about a person and take no permit.
// A function that takes such values has been given them by somebody who had one.
func unpermitted(file *ast.File) []string {
	var names []string
	check := func(name string, f *ast.FuncType) {
		if mentions(f.Results, valueTypes) && !mentions(f.Params, map[string]bool{"Permit": true}) && !mentions(f.Params, valueTypes) {
			names = append(names, name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch d := n.(type) {
		case *ast.TypeSpec:
			if i, ok := d.Type.(*ast.InterfaceType); ok {
				for _, m := range i.Methods.List {
					if f, ok := m.Type.(*ast.FuncType); ok && len(m.Names) == 1 {
						check(d.Name.Name+"."+m.Names[0].Name, f)
					}
				}
			}
		case *ast.FuncDecl:
			if d.Name.IsExported() {
				check(d.Name.Name, d.Type)
			}
			return false
		}
		return true
	})
	return names
}

func mentions(fields *ast.FieldList, names map[string]bool) bool {
	found := false
	if fields == nil {
		return false
	}
	for _, f := range fields.List {
		ast.Inspect(f.Type, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && names[id.Name] {
				found = true
			}
			return !found
		})
	}
	return found
}

// notPersonal are packages whose types of these names are no opened values, and why.
var notPersonal = map[string]string{"relationship": "Evidence is when things happened, from heads that passed"}

func TestReadingAValueTakesAPermit(t *testing.T) {
	looked := 0
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") || !under(s.pkg, "trust") && !under(s.pkg, "know") && !under(s.pkg, "reach") && !under(s.pkg, "store") || under(s.pkg, "reach/prove") {
			continue
		}
		if notPersonal[s.file.Name.Name] != "" {
			continue
		}
		looked++
		for _, name := range unpermitted(s.file) {
			t.Errorf("%s: %s gives a value about a person and takes no tact.Permit", s.path, name)
		}
	}
	if looked < 20 {
		t.Errorf("only %d files were looked at", looked)
	}
}

func TestUnpermittedIsFound(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
type Port interface {
	Facts(id ID) ([]person.Fact, error)
	Good(p tact.Permit, id ID) ([]person.Event, error)
	Ids() []person.EventID
}
func Open(r *Record) (*Opened, error) { return nil, nil }
func Fine(p tact.Permit) *Opened { return nil }
func Columns(f []person.Fact) []string { return nil }
`, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(unpermitted(file), " "); got != "Port.Facts Open" {
		t.Errorf("found %q", got)
	}
}

// TestWhatDrawsDrawsTheSame holds that a test package that draws at random does so from a known seed: see person/seedtest.
func TestWhatDrawsDrawsTheSame(t *testing.T) {
	draws, seeded := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || path == "house_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		draws[dir] = draws[dir] || strings.Contains(string(text), `"pgregory.net/rapid"`)
		seeded[dir] = seeded[dir] || strings.Contains(string(text), `"github.com/rapporthq/rapport/person/seedtest"`)
		if strings.Contains(string(text), "rand.Uint64()") && strings.Contains(string(text), "seed := rand.") || strings.Contains(string(text), "time.Now().UnixNano()") {
			t.Errorf("%s draws its own seed: take seedtest.Seed()", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, yes := range draws {
		if yes && !seeded[dir] {
			t.Errorf("%s draws with rapid and does not import person/seedtest", dir)
		}
	}
}
