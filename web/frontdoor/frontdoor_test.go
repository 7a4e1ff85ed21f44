package frontdoor

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
	pagetest.Words(t, pages, "stray.*")
}
