// Package frontdoor is the page at /: where somebody who has just started Rapport finds their way.
package frontdoor

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

// Door is its row in the table of doors.
var Door = access.Door{Method: "GET", Pattern: "/{$}", Roles: []access.Role{access.Anyone}, Says: "where to go"}

// Page is what the front door says.
type Page struct {
	Charter func() *charter.Charter
	Shop    bool // there is a shop, because this is the demo
	Footer  []string
	Log     *slog.Logger
}

// Handler shows the page.
func (p Page) Handler() access.Handler {
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	set := page.NewSet(sub, nil, p.Log)
	return func(w http.ResponseWriter, _ *http.Request, _ access.Principal) {
		c := p.Charter()
		set.Show(w, http.StatusOK, "front", page.Frame{Title: "Rapport", Area: "front", Brand: c.Brand.Name, Lang: "en", Footer: p.Footer,
			Body: struct {
				Shop       bool
				Brand      string
				Controller string
				Contact    string
			}{p.Shop, c.Brand.Name, c.Brand.Controller, c.Brand.Contact}})
	}
}
