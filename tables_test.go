package house

import (
	"os"
	"strings"
	"testing"
)

// uneven lists the rows of a page's tables that have more or fewer cells than their table's head: a page is shown without what is beyond it.
func uneven(text string) []string {
	var wrong []string
	cells := 0
	for line := range strings.Lines(fenced.ReplaceAllString(text, "")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells == 0 {
			cells = n
		}
		if n != cells {
			wrong = append(wrong, line)
		}
	}
	return wrong
}

func TestTablesAreEven(t *testing.T) {
	for _, p := range pages(t) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range uneven(string(text)) {
			t.Errorf("%s has a row with other cells than its table's head: %s", p, row)
		}
	}
	for text, want := range map[string]int{
		"| a | b |\n|---|---|\n| `x\\|y` | 2 |\n\n| c |\n|---|\n| 1 |\n": 0,
		"| a | b |\n|---|---|\n| 1 | 2 | 3 |\n| 1 |\n":                   2,
		"```\n| a |\n| 1 | 2 |\n```\n":                                   0,
	} {
		if got := uneven(text); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
