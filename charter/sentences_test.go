package charter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
)

// saidAt is where a call writes its English: the place of the format among the arguments of the methods, and of the function say,
// that say one.
var saidAt = map[string]int{".phrase": 0, ".add": 2, "say": 0}

// englishSentences are the sentences that the package says: those written in it, and the words of the file that it says.
func englishSentences(t *testing.T) []string {
	t.Helper()
	said := []string{string(Consent), string(Contract), string(LegitimateInterest), string(LegalObligation), string(VitalInterest), string(PublicTask)}
	for _, l := range []person.Learnt{person.Declared, person.Observed, person.Inferred, person.Acquired} {
		said = append(said, l.String())
	}
	for _, r := range []person.Rung{person.Individual, person.CohortRung, person.Context, person.Generic} {
		said = append(said, r.String())
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, phrasesOf(t, file)...)
	}
	slices.Sort(said)
	return slices.Compact(said)
}

func phrasesOf(t *testing.T, file *ast.File) []string {
	t.Helper()
	var said []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = "." + f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		at, ok := saidAt[name]
		if !ok || len(call.Args) <= at {
			return true
		}
		if s, ok := call.Args[at].(*ast.BasicLit); ok && s.Kind == token.STRING {
			text, err := strconv.Unquote(s.Value)
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, text)
		} else if name == "say" {
			t.Errorf("a sentence is said that is not written where it is said, so that nobody can tell whether it has French")
		}
		return true
	})
	return said
}

func TestEverySentenceIsSaidInFrenchToo(t *testing.T) {
	said := englishSentences(t)
	if len(said) < 400 {
		t.Fatalf("only %d sentences are found", len(said))
	}
	for _, s := range said {
		f, ok := french[s]
		if !ok || f == "" {
			t.Errorf("%q has no French: add it to french", s)
			continue
		}
		if got, want := verb.FindAllString(f, -1), verb.FindAllString(s, -1); !slices.Equal(got, want) {
			t.Errorf("%q has %v in English and %v in French: %q", s, want, got, f)
		}
	}
	for s := range french {
		if _, ok := slices.BinarySearch(said, s); !ok {
			t.Errorf("nothing says %q: remove it from french", s)
		}
	}
}
