package console

import (
	"net/http"

	"github.com/rapporthq/rapport/web/page"
)

func (c *Console) charter(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	ch := c.cfg.Charter()
	body := struct{ Words, Source string }{ch.Show(page.Language(r, ch.Brand.Languages)), string(ch.Source)}
	c.pages.Show(w, http.StatusOK, "charter", c.frame(r, s, "Charter", body))
}
