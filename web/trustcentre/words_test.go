package trustcentre

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
	pagetest.Words(t, pages, "title", "shop", "signed-in", "said.*", "doubt.*", "fault.*", "overview.title", "facts.title", "choices.title", "decisions.title", "decision.title", "looks.title",
		"choices.get", "choices.yes", "choices.no", "choices.expressly", "looks.calendar", "looks.calendar.says", "looks.count", "looks.day", "looks.table")
}
