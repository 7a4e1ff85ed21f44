package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page that names a file names one that exists: `know/collect/gate.go`; and `know/collect/gate.go:Gate.Accept` names something that
// this file declares. A link to another page, a picture or a folder leads there, and one to a part of a page to a heading of it.
// No picture lies about that no page shows, and no page that no other names.

var (
	code     = regexp.MustCompile("`([^`\n]+)`")
	named    = regexp.MustCompile(`^([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\.(?:go|sql|sh|py|tsv|mod|html|css))(?::([A-Za-z_][A-Za-z0-9_.]*))?$`)
	link     = regexp.MustCompile(`!?\[[^\]\n]*\]\(([^)\s]+)\)`)
	fenced   = regexp.MustCompile("(?ms)^```.*?^```[ \t]*$")
	picture  = regexp.MustCompile(`<img[^>]*\bsrc="([^"]+)"`)
	chosen   = regexp.MustCompile(`<source[^>]*\bsrcset="([^"\s]+)"`)
	external = regexp.MustCompile(`^(?:[a-z]+:|//)`)
)

// untrue lists what a page names that is not there. root is the repository's.
func untrue(root fs.FS, page, text string) []string {
	var wrong []string
	prose := fenced.ReplaceAllString(text, "")
	for _, m := range code.FindAllStringSubmatch(prose, -1) {
		n := named.FindStringSubmatch(m[1])
		if n == nil || !strings.Contains(n[1], "/") && n[2] == "" && !strings.HasSuffix(n[1], ".go") {
			continue
		}
		file := n[1]
		if _, err := fs.Stat(root, file); err != nil {
			file = path.Join(path.Dir(page), n[1]) // a page may speak of its own folder
		}
		if _, err := fs.Stat(root, file); err != nil {
			wrong = append(wrong, n[1])
			continue
		}
		if n[2] != "" && !declares(root, file, n[2]) {
			wrong = append(wrong, n[1]+":"+n[2])
		}
	}
	for _, found := range [][][]string{link.FindAllStringSubmatch(prose, -1), picture.FindAllStringSubmatch(prose, -1), chosen.FindAllStringSubmatch(prose, -1)} {
		for _, m := range found {
			target, part, _ := strings.Cut(m[1], "#")
			if external.MatchString(target) {
				continue
			}
			body := text
			if target != "" {
				plain, err := url.PathUnescape(target)
				if err == nil {
					plain = path.Join(path.Dir(page), plain)
					_, err = fs.Stat(root, plain)
				}
				if err == nil && part != "" {
					var raw []byte
					raw, err = fs.ReadFile(root, plain)
					body = string(raw)
				}
				if err != nil {
					wrong = append(wrong, "("+m[1]+")")
					continue
				}
			}
			if part != "" && !anchors(body)[part] {
				wrong = append(wrong, "("+m[1]+")")
			}
		}
	}
	return wrong
}

var (
	heading = regexp.MustCompile("(?m)^#{1,6} +(.+?) *$")
	marks   = regexp.MustCompile("[`*]|\\[([^\\]]*)\\]\\([^)]*\\)")
	letters = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors are the names by which a page's headings can be linked to, as GitHub makes them.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := letters.ReplaceAllString(strings.ToLower(marks.ReplaceAllString(m[1], "$1")), "")
		name = strings.ReplaceAll(name, " ", "-")
		for n, one := 1, name; out[name]; n++ {
			name = fmt.Sprintf("%s-%d", one, n)
		}
		out[name] = true
	}
	return out
}

// declares says whether a Go file declares a function, type, method (Type.Method), variable or constant of that name.
func declares(root fs.FS, file, name string) bool {
	body, err := fs.ReadFile(root, file)
	if err != nil || !strings.HasSuffix(file, ".go") {
		return false
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, body, parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if receiver(d)+d.Name.Name == name {
				return true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.Name == name || method(s, name) {
						return true
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.Name == name {
							return true
						}
					}
				}
			}
		}
	}
	return false
}

// receiver is "Type." of a method, nothing of a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "."
	}
	return "."
}

// method says whether a type is an interface with that method or a struct with that field.
func method(s *ast.TypeSpec, name string) bool {
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.InterfaceType:
		fields = t.Methods
	case *ast.StructType:
		fields = t.Fields
	default:
		return false
	}
	for _, f := range fields.List {
		for _, n := range f.Names {
			if s.Name.Name+"."+n.Name == name {
				return true
			}
		}
	}
	return false
}

// pages lists the pages of the documentation.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "demo/README.md", "demo/sample/ORIGIN.md"}
	err := filepath.WalkDir("docs", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".md") {
			all = append(all, filepath.ToSlash(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("found %d pages only: the walk is broken", len(all))
	}
	return all
}

func TestPagesNameWhatIsThere(t *testing.T) {
	root := os.DirFS(".")
	for _, p := range pages(t) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range untrue(root, p, string(text)) {
			t.Errorf("%s names %s, which is not there: mend the name, or make it (pictures: make screenshots)", p, w)
		}
	}
}

// TestNothingLiesAbout asks that a reader who follows links comes by every picture and every page.
func TestNothingLiesAbout(t *testing.T) {
	led := map[string]bool{"README.md": true, "CONTRIBUTING.md": true, "CHANGELOG.md": true}
	for _, p := range pages(t) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range targets(p, string(text)) {
			led[to] = true
		}
	}
	files := pages(t)
	pictures, err := os.ReadDir("docs/pictures")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range pictures {
		files = append(files, "docs/pictures/"+f.Name())
	}
	for _, f := range files {
		if !led[f] && !led[path.Dir(f)] {
			t.Errorf("no page leads to %s: link to it, or remove it", f)
		}
	}
}

// targets lists the files to which a page's links and pictures lead.
func targets(page, text string) []string {
	var out []string
	prose := fenced.ReplaceAllString(text, "")
	for _, found := range [][][]string{link.FindAllStringSubmatch(prose, -1), picture.FindAllStringSubmatch(prose, -1), chosen.FindAllStringSubmatch(prose, -1)} {
		for _, m := range found {
			if target, _, _ := strings.Cut(m[1], "#"); target != "" && !external.MatchString(target) {
				out = append(out, path.Join(path.Dir(page), target))
			}
		}
	}
	return out
}

func TestAWrongNameIsFound(t *testing.T) {
	root := os.DirFS(".")
	text := "See `person/person.go`, `person/person.go:ID`, `person/joined.go:Person.All`, `trust/vault/store.go:Store.Commit`, `house_test.go` and [the page](attack-model.md#whom-we-do-not-stop), [outside](https://example.org/x.md), [here](#a--b-c).\n## A & `B` [c](attack-model.md)\n" +
		"```\n`in/a/block.go`\n```\n"
	if got := untrue(root, "docs/page.md", text); len(got) != 0 {
		t.Errorf("what is there was called wrong: %v", got)
	}
	text = "See `person/nobody.go`, `person/person.go:Nobody`, `trust/vault/store.go:Store.Nothing`, `nowhere.go`, [a](nowhere.md) and ![b](pictures/none.png) <img alt=\"c\" src=\"../none.jpg\"> [d](#none) [e](attack-model.md#nobody) <source srcset=\"no.png\">\n"
	want := "[person/nobody.go person/person.go:Nobody trust/vault/store.go:Store.Nothing nowhere.go (nowhere.md) (pictures/none.png) (#none) (attack-model.md#nobody) (../none.jpg) (no.png)]"
	if got := fmt.Sprint(untrue(root, "docs/page.md", text)); got != want {
		t.Errorf("found %s, expected %s", got, want)
	}
}
