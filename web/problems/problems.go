// Package problems shows what an error code means: the page to which the type of every problem leads. It has one page for each
// code of package fault, the same text as docs/problems, and nothing about the request that failed.
package problems

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/rapporthq/rapport/docs"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

// Door is its row in the table of doors.
var Door = access.Door{Method: "GET", Pattern: "/problems/{code}", Roles: []access.Role{access.Anyone}, Says: "what an error code means and what to do"}

var errNoCode = fault.New(fault.NotFound, "There is no such error code; an answer names its own in code.")

// Handler shows the pages. It panics when a page cannot be read, which a test finds.
func Handler(log *slog.Logger) access.Handler {
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	set := page.NewSet(sub, page.Words{}, nil, log)
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table))
	pages := map[string]template.HTML{}
	for _, code := range fault.Codes() {
		text, err := docs.Problems.ReadFile("problems/" + string(code) + ".md")
		if err != nil {
			panic(err)
		}
		var html bytes.Buffer
		if err := markdown.Convert(text, &html); err != nil {
			panic(err)
		}
		pages[string(code)] = template.HTML(html.String())
	}
	return func(w http.ResponseWriter, r *http.Request, _ access.Principal) {
		code := r.PathValue("code")
		body, ok := pages[code]
		if !ok {
			set.Fail(w, r, page.Frame{Area: "problems", Brand: "Rapport", Languages: []string{"en"}}, errNoCode)
			return
		}
		set.Show(w, http.StatusOK, "problem", page.Frame{Title: code, Area: "problems", Brand: "Rapport", Lang: "en", Languages: []string{"en"}, Body: body})
	}
}
