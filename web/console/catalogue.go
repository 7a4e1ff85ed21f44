package console

import (
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/know/catalogue"
)

// mostItems is how many items the catalogue page shows at once.
const mostItems = 40

// cataloguePage is what was found on the shelf.
type cataloguePage struct {
	Search string
	Total  int // on the shelf
	Found  int
	Items  []shelved
}

// shelved is one item with the charter's sensitive rules that mark it.
type shelved struct {
	*catalogue.Item
	Marks []string
	Away  bool // not to be had today
}

func (c *Console) catalogue(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	shelf, now := c.cfg.Shelf(), c.cfg.Clock()
	p := cataloguePage{Search: strings.TrimSpace(r.URL.Query().Get("q")), Total: shelf.Len()}
	if len(p.Search) > 200 {
		p.Search = p.Search[:200]
	}
	var found []*catalogue.Item
	found, p.Found = shelf.Search(p.Search, mostItems)
	for _, it := range found {
		p.Items = append(p.Items, shelved{it, shelf.Sensitive(it.ID), !it.Available(now)})
	}
	c.pages.Show(w, http.StatusOK, "catalogue", c.frame(r, s, c.say(r, "catalogue.title"), p))
}
