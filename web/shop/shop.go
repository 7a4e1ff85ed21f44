// Package shop is a brand's site: departments, search, products, a basket, a checkout. It is also the example of an
// integration: it knows Rapport by its public HTTP doors only, with a source key and a decide token, as any brand's server
// would. doors.go is all of that conversation.
//
// It promises that every page works without JavaScript and without an answer from Rapport: then it shows the shop's own
// shelves and no recommendations. What is made up about the people in the demo is said on every page. With Config.Inside a
// drawer shows what just happened; a shop that sells does without.
package shop

import (
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

// Config is what the shop is told.
type Config struct {
	Brand      string
	Languages  []string          // of the brand, its first first
	Base       string            // where Rapport answers
	Transport  http.RoundTripper // how to get there; nil for the network
	SourceKey  string            // write key of the shop's server source
	Token      string            // decide token that may attest a sign-in; with Inside one that may explain
	Inside     bool              // the drawer that shows what just happened: for a demo
	Products   []Product
	Households []Household // whom a visitor of the demo may be
	Currency   string
	Footer     page.Footer // what the data is and where it comes from
	Secure     bool        // cookies over TLS only
	Log        *slog.Logger
}

// Household is somebody whom a visitor of the demo may be.
type Household struct {
	UserID string
	Level  string // how well it and the brand know each other, as far as the demo can tell beforehand
}

// Shop answers under /shop.
type Shop struct {
	cfg    Config
	doors  *doors
	pages  *page.Set
	visits *visits
	goods  *goods
	mux    *http.ServeMux
	beside beside
}

// New makes the shop. Products without a name or a price are not shelved.
func New(cfg Config) *Shop {
	s := &Shop{cfg: cfg, visits: &visits{byID: map[string]*visit{}, clock: time.Now}, goods: shelve(cfg.Products), mux: http.NewServeMux()}
	s.doors = &doors{client: &http.Client{Transport: cfg.Transport, Timeout: patience}, base: strings.TrimSuffix(cfg.Base, "/"), sourceKey: cfg.SourceKey, token: cfg.Token}
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	funcs := template.FuncMap{"currency": func() string { return cfg.Currency }, "drawings": func() string { return drawingsPath }, "parts": parts}
	s.pages = page.NewSet(sub, page.ReadWords(sub), funcs, cfg.Log)
	handlers := s.handlers()
	for _, route := range Routes() {
		s.mux.Handle(route, http.NewCrossOriginProtection().Handler(handlers[route]))
	}
	return s
}

// Routes lists the shop's routes, for the table of doors.
func Routes() []string {
	var all []string
	for route := range (*Shop)(nil).handlers() {
		all = append(all, route)
	}
	slices.Sort(all)
	return all
}

func (s *Shop) handlers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /shop":                   s.home,
		"GET /shop/department/{slug}": s.department,
		"GET /shop/product/{id}":      s.product,
		"GET /shop/search":            s.search,
		"GET /shop/basket":            s.basket,
		"POST /shop/basket":           s.form(s.putInBasket),
		"GET /shop/checkout":          s.checkout,
		"POST /shop/checkout":         s.form(s.order),
		"GET /shop/thanks":            s.thanks,
		"GET /shop/sign-in":           s.signInPage,
		"POST /shop/sign-in":          s.form(s.signIn),
		"POST /shop/sign-out":         s.form(s.signOut),
		"POST /shop/choice":           s.form(s.choice),
		"POST /shop/feedback":         s.form(s.feedback),
		"POST /shop/your-data":        s.form(s.yourData),
		"GET /shop/inside":            s.insidePage,
		"GET /shop/inside/now":        s.insideNow,
		"POST /shop/inside":           s.form(s.drawer),
		"GET /shop/drawings.svg":      showDrawings,
	}
}

func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// form is a handler of a form: bounded, with the visit that sent it.
func (s *Shop) form(act func(w http.ResponseWriter, r *http.Request, v *visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := page.ReadForm(w, r, 16<<10)
		v := s.visits.of(w, r, s.cfg.Secure)
		if err != nil {
			s.fail(w, r, v, err)
			return
		}
		v.settled(r.Context()) // what was seen before it is told before it
		act(w, r, v)
	}
}

func (s *Shop) language(r *http.Request) string { return page.Language(r, s.cfg.Languages) }

// frame is what stands around a page. The title is by a key, for it stands in histories and tabs: no names, no words of a search.
func (s *Shop) frame(v *visit, r *http.Request, title string, body any) page.Frame {
	lang := s.language(r)
	say := func(key string, args ...any) string { return s.pages.Say(lang, key, args...) }
	f := page.Frame{Title: say(title), Area: "shop", Brand: s.cfg.Brand, Lang: lang, Path: r.URL.RequestURI(), Languages: s.cfg.Languages, Footer: s.cfg.Footer.In(lang), Body: body, SignOut: "/shop/sign-out", Charts: true}
	in := 0
	for _, l := range v.lines() {
		in += l.Quantity
	}
	f.Nav = []page.Link{{Text: say("nav.shop"), Href: "/shop"}, {Text: say("nav.basket", in), Href: "/shop/basket"}}
	if user := v.signedIn(); user != "" {
		f.SignedIn = say("household", user)
	} else {
		f.Nav = append(f.Nav, page.Link{Text: say("nav.signin"), Href: "/shop/sign-in"})
	}
	for i := range f.Nav {
		f.Nav[i].Here = r.URL.Path == f.Nav[i].Href
	}
	if said := r.URL.Query().Get("said"); slices.Contains(notices, said) {
		f.Notice, f.Path = say("said."+said), r.URL.Path
	}
	if s.cfg.Inside {
		aside := &inside{Path: r.URL.Path}
		if v.lookingInside() {
			aside = s.inside(r, v)
			f.Live = true
		}
		f.Aside = aside
	}
	return f
}

// notices are the sentences a form may leave behind for the next page, by a word in its address.
var notices = []string{"useful", "not-for-me", "too-personal", "how-do-you-know", "visit-only", "yes", "no", "basket", "sorry", "stranger", "signed-in"}

// back leads to a page of the shop with one of the notices.
func back(w http.ResponseWriter, r *http.Request, notice string) {
	to := page.Local(r.PostFormValue("back"))
	if to, _, _ = strings.Cut(to, "?"); to != "/shop" && !strings.HasPrefix(to, "/shop/") {
		to = "/shop"
	}
	if notice != "" {
		to += "?said=" + notice
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

var (
	errProduct    = fault.New(fault.NotFound, "We do not have that product; the shop's first page lists what we have.")
	errDepartment = fault.New(fault.NotFound, "There is no such department; the shop's first page lists them all.")
	errInside     = fault.New(fault.NotFound, "Only a demo can be looked into.")
	errHousehold  = fault.New(fault.Invalid, "Choose a household to sign in as.")
)

func (s *Shop) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	s.pages.Fail(w, r, s.frame(v, r, "nav.shop", nil), err)
}

// parts are the reasons of an offer as they are drawn.
func parts(reasons []part) []chart.Part {
	out := make([]chart.Part, len(reasons))
	for i, r := range reasons {
		out[i] = chart.Part{Name: r.Text, Value: r.Weight}
	}
	return out
}
