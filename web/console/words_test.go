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
	pagetest.Words(t, pages, "console", "signed-in", "role.*", "nav.*", "fault.*", "chart.*", "made.*", "reason.*", "hold.*", "doubt.*", "identity.part", "field.*", "agree.*", "link.*", "state.*", "band.*", "pair.*", "identity.title", "identity.sizes", "identity.sizes.says", "identity.sizes.empty", "identity.records", "identity.people", "quality.title", "quality.self", "overview.title", "ledger.title", "ledger.unwalked", "arrivals.title", "refusals.title", "sources.title", "catalogue.title")
}
