// Package page is what the HTML doors share: the frame of a page, its words and formats in each language, the stylesheet and
// icons, security headers, and the one mapping from faults to HTTP. It promises that a page works without JavaScript, loads
// nothing from elsewhere, runs no script and no style of its own text, and shows no internal error; it knows nothing of people,
// charters or decisions.
//
// # How a door makes its pages
//
// A door embeds a folder: one file for each page, which defines "main"; parts/*.html, which every page may use; words.yaml.
//
//	//go:embed pages
//	var files embed.FS
//
//	pages, _ := fs.Sub(files, "pages")
//	set := page.NewSet(pages, page.ReadWords(pages), nil, log)
//	set.Show(w, http.StatusOK, "basket", page.Frame{Title: set.Say(lang, "basket.title"), Lang: lang, Path: r.URL.Path, …, Body: body})
//
// words.yaml holds every text, in every language of [Languages]:
//
//	basket.title: {en: Basket, fr: Panier}
//	basket.lines.one:  {en: "{0} product", fr: "{0} produit"}
//	basket.lines.many: {en: "{0} products", fr: "{0} produits"}
//
// In a template, in the language of the page:
//
//	{{t "basket.title"}}  {{t "hello" .Name}}  {{t (print "rung." .Rung)}}  {{tn "basket.lines" 3}}
//	{{day .At}}  {{when .At}}  {{num .Count}}  {{dec .Score 2}}  {{percent .Share}}  {{money .Price "GBP"}}
//	{{icon "basket"}}  {{language}}
//	{{sum "why-1" .Name .Score .Reasons}}: why an item has its score, drawn; the frame says that there are Charts
//
// Package pagetest holds a door to it: every key in every language, none unused, no bare prose in a template.
//
// # What a page may hold
//
// The policy of [Secure] runs scripts and styles from /assets/ only: no style attribute, no onclick. Widths of bars are SVG
// attributes. Frame.Live adds htmx, for comfort: every form and link works without it.
//
// The four states of a page: empty is <p class="empty">, which says what would fill it; loading is what htmx marks with
// .htmx-request, shown by class="busy"; an error, and a page that is not for this role, is [Set.Fail], with one sentence that
// says what to do. A stop inside a page is <p class="error" role="alert">.
//
// The classes of the stylesheet are listed at its head.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/chart"
)

//go:embed frame.html words.yaml assets icons
var files embed.FS

// Frame is what every page shows around its own part.
type Frame struct {
	Title     string // never holds personal data: titles are in histories and tabs
	Area      string // front, shop, trust, console: a class of the body
	Brand     string
	Lang      string
	Path      string   // where the form for the language goes back to; empty for /
	Languages []string // to choose from; empty for Languages
	Nav       []Link
	SignedIn  string // who is signed in, in words for themselves; empty for nobody
	SignOut   string // where the sign-out form posts
	Notice    string // one sentence above the page: done, refused, made-up data
	Footer    []string
	Live      bool // the page uses htmx
	Charts    bool // the page has pictures of web/chart
	Body      any  // the page's own data
	Aside     any  // what the block "aside" shows beside the page, where a page defines one
}

// Link is one entry of the navigation.
type Link struct {
	Text, Href string
	Here       bool
}

// Footer are sentences at the foot of every page, by language; English where a language has none.
type Footer map[string][]string

// In is the footer in a language.
func (f Footer) In(lang string) []string {
	if s, ok := f[lang]; ok {
		return s
	}
	return f["en"]
}

// Choice is one language of the form at the foot.
type Choice struct {
	Tag, Name string
	Here      bool
}

// Choices are the languages that the reader may choose, none where there is no choice.
func (f Frame) Choices() []Choice {
	tags := f.Languages
	if len(tags) == 0 {
		tags = Languages
	}
	if len(tags) < 2 {
		return nil
	}
	var all []Choice
	for _, tag := range tags {
		name := names[tag]
		if name == "" {
			name = tag
		}
		all = append(all, Choice{tag, name, tag == f.Lang})
	}
	return all
}

// Set is the pages of one door, parsed once for each language.
type Set struct {
	pages map[string]map[string]*template.Template // language → page
	words Words
	log   *slog.Logger
}

// NewSet parses every *.html of pages into the frame, once for each of Languages. A page defines the block "main"; what is in
// parts/ every page may use. funcs may add to the functions of the package. It panics on a template that does not parse, which
// a test of the door finds.
func NewSet(pages fs.FS, words Words, funcs template.FuncMap, log *slog.Logger) *Set {
	s := &Set{pages: map[string]map[string]*template.Template{}, words: ReadWords(files).with(words), log: log}
	names, err := fs.Glob(pages, "*.html")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("no pages found: %v", err))
	}
	shared, _ := fs.Glob(pages, "parts/*.html")
	for _, lang := range Languages {
		frame := template.Must(template.New("frame.html").Funcs(s.builtins(lang)).Funcs(funcs).ParseFS(files, "frame.html"))
		if len(shared) > 0 {
			template.Must(frame.ParseFS(pages, shared...))
		}
		s.pages[lang] = map[string]*template.Template{}
		for _, name := range names {
			t := template.Must(template.Must(frame.Clone()).ParseFS(pages, name))
			s.pages[lang][strings.TrimSuffix(name, ".html")] = t
		}
		s.pages[lang][failed] = template.Must(template.Must(frame.Clone()).Parse(`{{define "main"}}{{template "failed" .}}{{end}}{{define "aside"}}{{end}}`))
	}
	return s
}

// failed is the page of Fail; no file has this name.
const failed = "*failed"

// builtins are the functions every page has, bound to its language.
func (s *Set) builtins(lang string) template.FuncMap {
	return template.FuncMap{
		"t":        func(key string, args ...any) string { return s.words.Say(lang, key, args...) },
		"tn":       func(key string, n int, args ...any) string { return s.words.Count(lang, key, n, args...) },
		"day":      func(v any) string { return Day(lang, v) },
		"when":     func(v any) string { return When(lang, v) },
		"num":      func(v any) string { return number(lang, v) },
		"dec":      func(v float64, digits int) string { return Decimal(lang, v, digits) },
		"percent":  func(v float64) string { return Percent(lang, v) },
		"money":    func(v float64, currency string) string { return Money(lang, v, currency) },
		"language": func() string { return lang },
		"icon":     icon,
		"asset":    asset,
		"join":     strings.Join,
		"sum": func(id, title string, score float64, reasons []chart.Part) template.HTML {
			return s.sum(lang, id, title, score, reasons)
		},
	}
}

// written is the language in which the pages are written for somebody who reads lang.
func (s *Set) written(lang string) string {
	if slices.Contains(Languages, lang) {
		return lang
	}
	return "en"
}

// Say is a text of this door, for titles and notices.
func (s *Set) Say(lang, key string, args ...any) string {
	return s.words.Say(s.written(lang), key, args...)
}

// Sentence is the fault's one sentence in a language, for a stop inside a page. Of one that the door's words do not have readers of
// another language than English see the general sentence of its code.
func (s *Set) Sentence(lang string, err error) string {
	code, sentence := fault.Of(err)
	if sentence = s.words.sentence(s.written(lang), sentence); sentence == "" {
		sentence = s.Say(lang, "frame.failed.general."+string(code))
	}
	return sentence
}

// Show writes the page. Personal pages are never stored by browsers or proxies.
func (s *Set) Show(w http.ResponseWriter, status int, name string, f Frame) {
	s.write(w, status, name, "frame.html", f)
}

// ShowPart writes one part of a page alone, for htmx to put in its place. data is what the part is given on the whole page.
func (s *Set) ShowPart(w http.ResponseWriter, status int, name, part string, f Frame) {
	s.write(w, status, name, part, f)
}

func (s *Set) write(w http.ResponseWriter, status int, name, part string, f Frame) {
	t, ok := s.pages[s.written(f.Lang)][name]
	f.Lang = s.written(f.Lang)
	var buf bytes.Buffer
	if !ok {
		s.log.Error("no such page", "page", name)
	} else if err := t.ExecuteTemplate(&buf, part, f); err != nil {
		s.log.Error("a page did not render", "page", name, "error", err)
		ok = false
	}
	if !ok {
		http.Error(w, s.Say(f.Lang, "frame.unshown"), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", f.Lang)
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}

// Failure is the body of the page that Fail shows.
type Failure struct {
	Code     fault.Code
	Sentence string
}

// Fail shows the fault as a page, in the frame given, with the status of its code: a title by code and the fault's one
// sentence. A sentence that the door's words have in the reader's language is shown in it; of another one readers of that
// language see the general sentence of its code.
func (s *Set) Fail(w http.ResponseWriter, r *http.Request, f Frame, err error) {
	code, _ := fault.Of(err)
	if code == fault.Internal {
		s.log.ErrorContext(r.Context(), "a request failed", "door", r.Pattern, "error", err)
	}
	f.Title, f.Body, f.Notice = s.Say(f.Lang, "frame.failed."+string(code)), Failure{code, s.Sentence(f.Lang, err)}, ""
	s.Show(w, Status(code), failed, f)
}
