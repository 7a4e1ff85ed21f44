// Package shop is a brand's site: departments, products, a basket, a checkout. It is also the example of an integration:
// it knows Rapport by its public HTTP doors only, with a source key and a decide token, as any brand's server would.
//
// It promises that every page works without JavaScript and without an answer from Rapport: then it shows the shop's own
// shelves and no recommendations. What is made up about the people in the demo is said on every page.
package shop

import (
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

// Product is one product of the brand's own catalogue.
type Product struct {
	ID, Name, Department, Category, Brand, Size string
	Price                                       float64
}

// Household is somebody the visitor of the demo can sign in as.
type Household struct {
	UserID string
	Words  string // what is public about them in the demo: "household 1364"
}

// Config is what the shop is told.
type Config struct {
	Brand      string
	Base       string            // where Rapport answers
	Transport  http.RoundTripper // how to get there; nil for the network
	SourceKey  string            // write key of the shop's server source
	Token      string            // decide token that may attest a sign-in
	Products   []Product
	Households []Household
	Currency   string
	Footer     page.Footer // what the data is and where it comes from
	Secure     bool        // cookies over TLS only
	Log        *slog.Logger
}

// Shop answers under /shop.
type Shop struct {
	cfg         Config
	doors       *doors
	pages       *page.Set
	visits      *visits
	byID        map[string]*Product
	departments []department
	mux         *http.ServeMux
}

type department struct {
	Name, Slug string
	Products   []*Product
}

// New makes the shop. Products without a name or a price are not shelved.
func New(cfg Config) *Shop {
	s := &Shop{cfg: cfg, byID: map[string]*Product{}, visits: &visits{byID: map[string]*visit{}, clock: time.Now}}
	s.doors = &doors{client: &http.Client{Transport: cfg.Transport, Timeout: 2 * time.Second}, base: strings.TrimSuffix(cfg.Base, "/"), sourceKey: cfg.SourceKey, token: cfg.Token}
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	s.pages = page.NewSet(sub, page.ReadWords(sub), template.FuncMap{"currency": func() string { return cfg.Currency }, "bars": bars}, cfg.Log)
	shelves := map[string]*department{}
	for i := range cfg.Products {
		p := &cfg.Products[i]
		if p.Name == "" || p.Price <= 0 {
			continue
		}
		s.byID[p.ID] = p
		d := shelves[p.Department]
		if d == nil {
			d = &department{Name: p.Department, Slug: slug(p.Department)}
			shelves[p.Department] = d
		}
		d.Products = append(d.Products, p)
	}
	for _, d := range shelves {
		sort.Slice(d.Products, func(i, j int) bool { return d.Products[i].Name < d.Products[j].Name })
		s.departments = append(s.departments, *d)
	}
	sort.Slice(s.departments, func(i, j int) bool { return s.departments[i].Name < s.departments[j].Name })
	s.routes()
	return s
}

// Routes lists the shop's routes, for the table of doors.
func Routes() []string {
	return []string{"GET /shop", "GET /shop/department/{slug}", "GET /shop/product/{id}", "GET /shop/search", "GET /shop/basket", "POST /shop/basket",
		"POST /shop/checkout", "GET /shop/sign-in", "POST /shop/sign-in", "POST /shop/sign-out", "POST /shop/feedback", "POST /shop/your-data"}
}

func (s *Shop) routes() {
	handlers := []http.HandlerFunc{s.home, s.department, s.product, s.search, s.basket, s.putInBasket, s.checkout, s.signInPage, s.signIn, s.signOut, s.feedback, s.yourData}
	s.mux = http.NewServeMux()
	for i, route := range Routes() {
		s.mux.Handle(route, sameOrigin(handlers[i]))
	}
}

func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// sameOrigin refuses forms that another site sent.
func sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
			foreign := site != "" && site != "same-origin" && site != "none"
			if site == "" && origin != "" {
				u, err := url.Parse(origin)
				foreign = err != nil || u.Host != r.Host
			}
			if foreign {
				page.Problem(w, fault.New(fault.Refused, "This form was sent from another site; open the shop's own page and try again."))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Shop) frame(v *visit, r *http.Request, title string, body any) page.Frame {
	f := page.Frame{Title: title, Area: "shop", Brand: s.cfg.Brand, Lang: "en", Path: r.URL.Path, Footer: s.cfg.Footer.In("en"), Body: body, SignOut: "/shop/sign-out"}
	f.Nav = []page.Link{{Text: "Shop", Href: "/shop", Here: r.URL.Path == "/shop"}, {Text: "Basket (" + strconv.Itoa(len(v.lines())) + ")", Href: "/shop/basket", Here: r.URL.Path == "/shop/basket"}}
	if user := v.signedIn(); user != "" {
		f.SignedIn = "Household " + user
	} else {
		f.Nav = append(f.Nav, page.Link{Text: "Sign in", Href: "/shop/sign-in", Here: r.URL.Path == "/shop/sign-in"})
	}
	f.Notice = said[r.URL.Query().Get("said")]
	return f
}

// said are the sentences a form may leave behind for the next page, by a word in its address.
var said = map[string]string{
	"thanks":   "Thank you. It is already in force for what you see below.",
	"ordered":  "Thank you for your order. It is part of your history now, for as long and as far as you allow.",
	"basket":   "It is in your basket.",
	"sorry":    "That could not be done just now; nothing was changed. Try again in a moment.",
	"strange":  "You are a stranger now: nothing personal is used.",
	"signedin": "You are signed in.",
}

// shelf is a row of recommendations with everything that a page shows of it.
type shelf struct {
	Heading  string
	Decision decision
	Offers   []shelfOffer
	Back     string
}

type shelfOffer struct {
	offer
	Product *Product
}

// recommend asks for the placements and tells what is shown. Failing parts leave an empty shelf, never an error.
func (s *Shop) recommend(r *http.Request, v *visit, headings map[string]string, placements ...string) []shelf {
	p := v.person()
	decisions, err := s.doors.decide(r.Context(), p, p.UserID != "", v.gpc, page.Language(r, []string{"en", "fr"}), placements...)
	if err != nil {
		s.cfg.Log.Warn("the shop goes on without recommendations", "error", err)
		return nil
	}
	var shelves []shelf
	for i, d := range decisions {
		if d.Placement == "" && i < len(placements) {
			d.Placement = placements[i]
		}
		row := shelf{Heading: headings[d.Placement], Decision: d, Back: r.URL.Path}
		for _, it := range d.Items {
			if prod := s.byID[it.ID]; prod != nil {
				row.Offers = append(row.Offers, shelfOffer{it, prod})
			}
		}
		if len(d.Items) > 0 {
			if err := s.doors.shown(r.Context(), d); err != nil {
				s.cfg.Log.Warn("what was shown could not be told", "error", err)
			}
		}
		shelves = append(shelves, row)
	}
	return shelves
}

func bars(reasons []part) []page.Bar {
	return page.Bars(len(reasons), func(i int) (string, float64) { return reasons[i].Text, reasons[i].Weight })
}

func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
