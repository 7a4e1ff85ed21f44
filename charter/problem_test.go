package charter

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// soundStart is the beginning of the cases that do not stand alone: six lines.
const soundStart = `charter: 1
brand: {name: Ripley Market, controller: Ripley Market Ltd, contact: data@ripley.example, languages: [en, fr], currency: GBP}
k: 25
receipts: {retain: 13mo}
ledger: {retain: 6y}
purposes: {tell: {uses: [essential.service], basis: contract, why: To serve you.}, suit: {uses: [personalize.content], basis: consent, why: To suit you., benefit: Less noise.}, body: {uses: [personalize.content], basis: consent, why: To care., benefit: Care., explicit: true}}
`

type problemCase struct {
	Name  string
	Add   string
	Whole *string
}

func problemCases(t testing.TB) []problemCase {
	t.Helper()
	raw, err := os.ReadFile("testdata/problems.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []problemCase
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (c problemCase) file() []byte {
	if c.Whole != nil {
		return []byte(*c.Whole)
	}
	return []byte(soundStart + c.Add)
}

// TestProblems finds in each case of testdata/problems.yaml exactly what testdata/problems.golden says: the place to
// the column, the path, the words and the mend. A problem more or less is a failure.
func TestProblems(t *testing.T) {
	var got, french strings.Builder
	for _, c := range problemCases(t) {
		charter, problems := Parse(c.file())
		if (charter == nil) != (problems.Err() != nil) {
			t.Errorf("%s: there is a charter: %v, there are errors: %v", c.Name, charter != nil, problems.Err() != nil)
		}
		fmt.Fprintf(&got, "# %s\n", c.Name)
		for _, p := range problems {
			fmt.Fprintln(&got, p)
			if p.What == "" || p.Mend == "" || p.Line < 1 || p.Column < 1 {
				t.Errorf("%s: a problem without its place, words or mend: %+v", c.Name, p)
			}
		}
		fmt.Fprintln(&got)
		fmt.Fprintf(&french, "# %s\n", c.Name)
		for i, p := range problems.In("fr-CA") {
			fmt.Fprintln(&french, p)
			if en := problems[i]; p.Line != en.Line || p.Column != en.Column || p.Path != en.Path || p.Severity != en.Severity || p.What == en.What || p.Mend == en.Mend {
				t.Errorf("%s: in French it is another problem, or it is not in French: %v", c.Name, p)
			}
			if strings.Contains(p.String()+problems[i].String(), "%!") {
				t.Errorf("%s: what goes into it is not what it says: %v", c.Name, p)
			}
		}
		fmt.Fprintln(&french)
		if diff := cmp.Diff(problems.Error(), problems.In("de").Error()); diff != "" {
			t.Errorf("%s: another language gets English:\n%s", c.Name, diff)
		}
	}
	golden(t, "testdata/problems.golden", got.String())
	golden(t, "testdata/problems.fr.golden", french.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; look at it, and run the test with -update when the new one is right (-want +got):\n%s", file, diff)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	for _, c := range []struct{ name, file, what string }{
		{"large", "charter: 1\n#" + strings.Repeat("x", maxFile), "larger than 1 MB"},
		{"deep brackets", "charter: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nests too deeply"},
		{"deep indents", deepIndents(60), "nests too deeply"},
		{"not UTF-8", "charter: 1\nk: \"\xff\"", "UTF-8"},
		{"NUL", "charter: 1\nk: \"\x00\"", "UTF-8"},
		{"alias bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]", "anchors and aliases"},
		{"long rule", soundStart + "items: {sensitive: [{id: a, purpose: body, where: \"" + strings.Repeat("item.id == 'x' || ", 200) + "true\"}]}", "too long"},
		{"deep rule", soundStart + "items: {sensitive: [{id: a, purpose: body, where: \"" + strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200) + "\"}]}", "not valid"},
		{"loops in loops", soundStart + "items: {sensitive: [{id: a, purpose: body, where: \"item.tags.exists(a, item.tags.exists(b, item.tags.exists(c, a == b + c)))\"}]}", "not valid"},
	} {
		charter, problems := Parse([]byte(c.file))
		if charter != nil || problems.Err() == nil || !strings.Contains(problems.Error(), c.what) {
			t.Errorf("%s: %q is expected among %v", c.name, c.what, problems)
		}
	}
}

func deepIndents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestWarningsLeaveTheCharterValid(t *testing.T) {
	c, problems := Parse([]byte("charter: 1\nbrand: {name: X}\nk: 25\n"))
	if c == nil || len(problems.Warnings()) == 0 || problems.Err() != nil {
		t.Fatalf("a charter with warnings only is valid: %v", problems)
	}
	if c.Receipts.Retain.IsZero() || c.Ledger.Retain.IsZero() {
		t.Error("silence about receipts and the ledger must not mean for ever")
	}
	if c.Surprise != usualSurprise {
		t.Error("silence about surprise must not make everything welcome")
	}
}

// FuzzParse looks for a file that stops the house: a panic, or a charter that has errors.
func FuzzParse(f *testing.F) {
	for _, c := range problemCases(f) {
		f.Add(c.file())
	}
	for _, n := range []string{"examples/retail.yaml", "testdata/market.yaml"} {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := Parse(src)
		if (c == nil) != (problems.Err() != nil) {
			t.Fatal("a charter and errors, or neither")
		}
		problems.In("fr")
		if c != nil {
			c.Show("en")
			Diff(nil, c, "fr")
			if changes := Diff(c, c, "en"); len(changes) > 0 {
				t.Fatalf("a charter differs from itself: %v", changes)
			}
		}
	})
}
