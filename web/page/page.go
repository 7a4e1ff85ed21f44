// Package page is what the HTML doors share: the frame of a page, the stylesheet, security headers, and the one mapping
// from faults to HTTP. It promises that a page works without JavaScript, loads nothing from elsewhere, and shows no
// internal error; it knows nothing of people, charters or decisions.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/fault"
)

//go:embed frame.html assets
var files embed.FS

// Frame is what every page shows around its own part.
type Frame struct {
	Title    string // never holds personal data: titles are in histories and tabs
	Area     string // shop, trust, console: picks the heading and the navigation
	Brand    string
	Lang     string
	Nav      []Link
	SignedIn string // who is signed in, in words for themselves; empty for nobody
	SignOut  string // where the sign-out form posts
	Notice   string // one sentence above the page: done, refused, made-up data
	Footer   []string
	Body     any // the page's own data
}

// Link is one entry of the navigation.
type Link struct {
	Text, Href string
	Here       bool
}

// Set is the pages of one door, parsed once.
type Set struct {
	pages map[string]*template.Template
	log   *slog.Logger
}

// NewSet parses every *.html of pages into the frame. A page defines the block "main". It panics on a template that does
// not parse, which a test of the door finds.
func NewSet(pages fs.FS, funcs template.FuncMap, log *slog.Logger) *Set {
	s := &Set{pages: map[string]*template.Template{}, log: log}
	names, err := fs.Glob(pages, "*.html")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("no pages found: %v", err))
	}
	for _, name := range names {
		t := template.Must(template.New("frame.html").Funcs(builtins).Funcs(funcs).ParseFS(files, "frame.html"))
		template.Must(t.ParseFS(pages, name))
		if shared, _ := fs.Glob(pages, "parts/*.html"); len(shared) > 0 {
			template.Must(t.ParseFS(pages, "parts/*.html"))
		}
		s.pages[strings.TrimSuffix(name, ".html")] = t
	}
	return s
}

// builtins are the functions every page has.
var builtins = template.FuncMap{
	"join": strings.Join,
}

// Show writes the page. Personal pages are never stored by browsers or proxies.
func (s *Set) Show(w http.ResponseWriter, status int, name string, f Frame) {
	t, ok := s.pages[name]
	if !ok {
		s.log.Error("no such page", "page", name)
		http.Error(w, "This page is missing.", http.StatusInternalServerError)
		return
	}
	if f.Lang == "" {
		f.Lang = "en"
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, "frame.html", f); err != nil {
		s.log.Error("page did not render", "page", name, "error", err)
		http.Error(w, "This page could not be shown; nothing was changed. Try again.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}

// Fail shows the fault as a page, in the frame given, with the status of its code. The door's set needs no page for it.
func (s *Set) Fail(w http.ResponseWriter, r *http.Request, f Frame, err error) {
	code, sentence := fault.Of(err)
	if code == fault.Internal {
		s.log.Error("request failed", "path", r.URL.Path, "error", err)
	}
	f.Title, f.Body = "That did not work", sentence
	t := template.Must(template.New("frame.html").Funcs(builtins).ParseFS(files, "frame.html"))
	template.Must(t.Parse(`{{define "main"}}<h1>That did not work</h1><p class="lead">{{.Body}}</p><p><a href="/">To the front door</a></p>{{end}}`))
	var buf bytes.Buffer
	if t.ExecuteTemplate(&buf, "frame.html", f) != nil {
		http.Error(w, sentence, Status(code))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(Status(code))
	_, _ = w.Write(buf.Bytes())
}

// Assets serves the stylesheet and icons under /assets/.
func Assets() http.Handler {
	sub, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err)
	}
	server := http.StripPrefix("/assets/", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		server.ServeHTTP(w, r)
	})
}

// Secure puts the security headers on every answer of next: nothing from elsewhere, no framing, no sniffing, no referrer.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}

// Language picks the first of the brand's languages that the browser asks for, else the brand's first.
func Language(r *http.Request, languages []string) string {
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag := strings.ToLower(strings.TrimSpace(strings.SplitN(part, ";", 2)[0]))
		for _, l := range languages {
			if tag == l || strings.HasPrefix(tag, l+"-") {
				return l
			}
		}
	}
	if len(languages) > 0 {
		return languages[0]
	}
	return "en"
}
