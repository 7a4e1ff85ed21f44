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

// LanguageDoor is the row of the form at the foot of every page.
var LanguageDoor = access.Door{Method: "POST", Pattern: "/language", Roles: []access.Role{access.Anyone}, Says: "choose the language of the pages"}

// Page is what the front door says.
type Page struct {
	Charter func() *charter.Charter
	Shop    bool // there is a shop, because this is the demo
	Footer  page.Footer
	Secure  bool // cookies over TLS only
	Log     *slog.Logger
}

// body is what the page shows.
type body struct {
	Shop                       bool
	Brand, Controller, Contact string
}

// Handlers stand behind Door and LanguageDoor.
func (p Page) Handlers() map[string]access.Handler {
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	set := page.NewSet(pages, page.ReadWords(pages), nil, p.Log)
	languages := page.ChooseLanguage(func() []string { return p.Charter().Brand.Languages }, p.Secure)
	return map[string]access.Handler{
		Door.Key(): func(w http.ResponseWriter, r *http.Request, _ access.Principal) {
			b := p.Charter().Brand
			lang := page.Language(r, b.Languages)
			set.Show(w, http.StatusOK, "front", page.Frame{Title: "Rapport", Area: "front", Brand: b.Name, Lang: lang, Path: "/", Languages: b.Languages,
				Footer: p.Footer.In(lang), Body: body{p.Shop, b.Name, b.Controller, b.Contact}})
		},
		LanguageDoor.Key(): func(w http.ResponseWriter, r *http.Request, _ access.Principal) { languages.ServeHTTP(w, r) },
	}
}
