package collect_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/know/quality"
)

// brandsOwn is the example of docs/quality.md as a program has it.
func brandsOwn() (map[string]quality.Augmenter, *collect.Gate) {
	rules := quality.Augmenters()
	rules["own.tier"] = quality.AugmenterFunc(func(card string, _ quality.Setting) (string, float64) {
		if strings.HasPrefix(card, "G") {
			return "gold", 1
		}
		return "", 0 // no answer
	})
	gate := collect.New(collect.Parts{Augmenters: rules /* and the rest */})
	return rules, gate
}

// TestTheDocumentedExampleIsAProgram holds the page to what is compiled here, and runs it.
func TestTheDocumentedExampleIsAProgram(t *testing.T) {
	page, err := os.ReadFile("../../docs/quality.md")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("own_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```go\n")
	block, _, ended := strings.Cut(rest, "```")
	var indented strings.Builder
	for line := range strings.Lines(block) {
		indented.WriteString("\t" + line)
	}
	if !found || !ended || !strings.Contains(string(own), indented.String()) {
		t.Errorf("the page's example is not the one that is compiled:\n%s", block)
	}
	rules, gate := brandsOwn()
	if text, sure := rules["own.tier"].Infer("G-17", quality.Setting{}); text != "gold" || sure != 1 || gate == nil {
		t.Errorf("%q with %v", text, sure)
	}
	if text, sure := rules["own.tier"].Infer("S-17", quality.Setting{}); text != "" || sure != 0 {
		t.Errorf("%q with %v", text, sure)
	}
}
