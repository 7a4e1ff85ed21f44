package problems

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/docs"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

// declared are the constants of type Code in package fault, as they are written there.
func declared(t *testing.T) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../fault/fault.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, text)
		}
		return true
	})
	slices.Sort(codes)
	return codes
}

// TestEachCodeHasItsPageAndEachPageItsCode compares the constants of package fault, its list of them, and the files.
func TestEachCodeHasItsPageAndEachPageItsCode(t *testing.T) {
	want := declared(t)
	var listed, written []string
	for _, c := range fault.Codes() {
		listed = append(listed, string(c))
	}
	files, err := fs.Glob(docs.Problems, "problems/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		written = append(written, strings.TrimSuffix(strings.TrimPrefix(f, "problems/"), ".md"))
	}
	if !slices.Equal(want, listed) {
		t.Errorf("fault declares %v and lists %v", want, listed)
	}
	if !slices.Equal(want, written) {
		t.Errorf("fault declares %v and docs/problems has %v", want, written)
	}
	for _, code := range want {
		text, err := fs.ReadFile(docs.Problems, "problems/"+code+".md")
		if err != nil {
			continue
		}
		status := strconv.Itoa(page.Status(fault.Code(code)))
		for _, part := range []string{"# " + code + "\n", "HTTP status " + status, "## What it means", "## What to do"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("docs/problems/%s.md does not say %q", code, part)
			}
		}
	}
}

// TestTheTypeOfAProblemLeadsToItsPage follows the reference as a client would.
func TestTheTypeOfAProblemLeadsToItsPage(t *testing.T) {
	mux := http.NewServeMux()
	show := Handler(slog.Default())
	mux.HandleFunc(Door.Key(), func(w http.ResponseWriter, r *http.Request) { show(w, r, access.Principal{}) })
	base, err := url.Parse("https://shop.example/api/decide")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range fault.Codes() {
		w := httptest.NewRecorder()
		page.Problem(w, fault.New(code, "Do something."))
		var p struct {
			Type   string
			Code   string
			Status int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		to, err := base.Parse(p.Type)
		if err != nil {
			t.Fatal(err)
		}
		if to.Host != base.Host || p.Code != string(code) || p.Status != w.Code {
			t.Errorf("%s: %+v leads to %s", code, p, to)
		}
		w = httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", to.Path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<h1>"+string(code)+"</h1>") || !strings.Contains(w.Body.String(), "<h2>What to do</h2>") {
			t.Errorf("the page of %s: %d %s", code, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/problems/nothing-of-ours", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a code that is none: %d", w.Code)
	}
}
