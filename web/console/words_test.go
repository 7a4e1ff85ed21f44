package console

import (
	"io/fs"
	"testing"

	"github.com/rapporthq/rapport/web/page/pagetest"
)

func TestWords(t *testing.T) {
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		t.Fatal(err)
	}
	pagetest.Words(t, pages, "console", "signed-in", "role.*", "nav.*", "fault.*", "chart.*", "made.*", "reason.*", "hold.*", "doubt.*", "quality.title", "quality.self", "overview.title", "ledger.title", "ledger.unwalked", "arrivals.title", "refusals.title", "sources.title", "catalogue.title")
}
