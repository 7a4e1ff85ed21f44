// Package frontdoor is the page at /, where somebody who has just started Rapport finds their way, and the page of addresses
// where nobody answers.
package frontdoor

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
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
	Example                    example
}

func (p Page) set() *page.Set {
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	return page.NewSet(pages, page.ReadWords(pages), nil, p.Log)
}

// The two ways to stray: people read these sentences, and programs.
var (
	ErrNowhere = fault.New(fault.NotFound, "Nothing is at this address; check it, or go on from the front door.")
	ErrMethod  = fault.New(fault.WrongMethod, "This address is not opened like this; go to the page itself and start from there.")
)

// Stray shows people who come to an address where nobody answers what is wrong with it.
func (p Page) Stray() func(w http.ResponseWriter, r *http.Request, err error) {
	set := p.set()
	return func(w http.ResponseWriter, r *http.Request, err error) {
		b := p.Charter().Brand
		lang, back := page.Language(r, b.Languages), "/"
		if r.Method == http.MethodGet && err == error(ErrNowhere) {
			back = r.URL.EscapedPath()
		}
		set.Fail(w, r, page.Frame{Area: "front", Brand: b.Name, Lang: lang, Path: back, Languages: b.Languages, Footer: p.Footer.In(lang)}, err)
	}
}

// Handlers stand behind Door and LanguageDoor.
func (p Page) Handlers() map[string]access.Handler {
	set := p.set()
	languages := page.ChooseLanguage(func() []string { return p.Charter().Brand.Languages }, p.Secure)
	return map[string]access.Handler{
		Door.Key(): func(w http.ResponseWriter, r *http.Request, _ access.Principal) {
			c := p.Charter()
			b := c.Brand
			lang := page.Language(r, b.Languages)
			set.Show(w, http.StatusOK, "front", page.Frame{Title: "Rapport", Area: "front", Brand: b.Name, Lang: lang, Path: "/", Languages: b.Languages,
				Footer: p.Footer.In(lang), Body: body{p.Shop, b.Name, b.Controller, b.Contact, exampleOf(c, r.Host, p.Secure)}})
		},
		LanguageDoor.Key(): func(w http.ResponseWriter, r *http.Request, _ access.Principal) { languages.ServeHTTP(w, r) },
	}
}
