// Package console is where staff work: the decide playground, the charter in plain words, the ledger's state. Marketers play
// with made-up people; a real person's decision is for the privacy role, with a purpose and a reason, and is a look.
// It works without JavaScript and shows no one's name, address or number.
package console

import (
	"cmp"
	"context"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

// Staff is who is signed in.
type Staff struct {
	Name string
	Role string // marketer, agent, privacy, admin
	Team string
}

// Sessions signs staff in by token and keeps their sessions.
type Sessions interface {
	SignIn(w http.ResponseWriter, r *http.Request, token string) error
	Staff(r *http.Request) (Staff, bool)
	Leave(w http.ResponseWriter, r *http.Request)
	SameOrigin(r *http.Request) error
}

// Config is what the console is told.
type Config struct {
	Charter    func() *charter.Charter
	Series     func() charter.Series // the accepted ones
	Charters   func(ctx context.Context) (Charters, error)
	Playground Playground
	Sessions   Sessions
	Provider   Provider                                           // nil: staff sign in by token only
	Everywhere func(w http.ResponseWriter, r *http.Request) error // ends all sessions of who asks
	Home       Home
	Quality    Quality
	Identity   Identity
	Tokens     Tokens
	Shelf      func() *catalogue.Shelf
	Clock      person.Clock
	Footer     page.Footer
	Log        *slog.Logger
}

// Console answers under /console.
type Console struct {
	cfg    Config
	pages  *page.Set
	papers papers
}

// New makes the console.
func New(cfg Config) *Console {
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	funcs := template.FuncMap{"split": func(names string) []string { return strings.Split(names, ",") }, "text": func(t charter.Text, lang string) string { return t.In(lang, &cfg.Charter().Brand) }}
	return &Console{cfg: cfg, pages: page.NewSet(sub, page.ReadWords(sub), funcs, cfg.Log)}
}

// Route is a page or an act of the console: its row in the table of doors, and what stands behind it.
type Route struct {
	Key    string // as in "GET /console"
	Roles  []access.Role
	Handle http.HandlerFunc
	nav    string // its word in the navigation; empty: it is not there
}

var (
	everybody = []access.Role{access.Marketer, access.Agent, access.Privacy, access.Admin}
	keepers   = []access.Role{access.Privacy, access.Admin} // names as sources spelt them may be personal, and who looked is theirs to watch
	admins    = []access.Role{access.Admin}
	stewards  = []access.Role{access.Privacy} // who decide who is who, and see whom they decide about
	stranger  = append([]access.Role{access.Anyone}, everybody...)
)

// Routes are everything that the console answers, in the order of the navigation.
func (c *Console) Routes() []Route {
	return []Route{
		{"GET /console", everybody, c.overview, "nav.overview"},
		{"GET /console/playground", everybody, c.playground, "nav.playground"},
		{"POST /console/playground", everybody, c.tryOut, ""},
		{"GET /console/charter", everybody, c.charter, "nav.charter"},
		{"GET /console/catalogue", everybody, c.catalogue, "nav.catalogue"},
		{"GET /console/sources", everybody, c.sources, "nav.sources"},
		{"POST /console/tokens", admins, c.makeToken, ""},
		{"POST /console/tokens/revoke", admins, c.revokeToken, ""},
		{"GET /console/events", keepers, c.arrivals, "nav.events"},
		{"GET /console/refusals", keepers, c.refusals, "nav.refusals"},
		{"GET /console/quality", everybody, c.quality, "nav.quality"},
		{"GET /console/identity", keepers, c.identity, "nav.identity"},
		{"GET /console/identity/{pair}", keepers, c.pair, ""},
		{"POST /console/identity/{pair}", stewards, c.decidePair, ""},
		{"POST /console/identity/{pair}/values", stewards, c.lookAtPair, ""},
		{"GET /console/ledger", keepers, c.ledgerPage, "nav.ledger"},
		{"POST /console/ledger/verify", keepers, c.verify, ""},
		{"GET /console/sign-in", stranger, c.signInPage, ""},
		{"POST /console/sign-in", stranger, c.signIn, ""},
		{"POST /console/sign-out", everybody, c.signOut, ""},
		{"GET /console/sign-in/openid", stranger, c.toProvider, ""},
		{"GET /console/sign-in/callback", stranger, c.fromProvider, ""},
		{"GET /console/you", everybody, c.you, "nav.you"},
		{"POST /console/sign-out-everywhere", everybody, c.signOutEverywhere, ""},
	}
}

func (c *Console) lang(r *http.Request) string {
	return page.Language(r, c.cfg.Charter().Brand.Languages)
}

// say is a text of the console in the reader's language.
func (c *Console) say(r *http.Request, key string, args ...any) string {
	return c.pages.Say(c.lang(r), key, args...)
}

// answered are the pages that answer forms which are sent elsewhere: there is nothing to come back to where a form was sent.
var answered = map[string]string{"/console/tokens": "/console/sources", "/console/tokens/revoke": "/console/sources", "/console/ledger/verify": "/console/ledger"}

// frame is what stands around every page: the navigation holds what this role may open and nothing else.
func (c *Console) frame(r *http.Request, s Staff, title string, body any) page.Frame {
	brand, lang, path := c.cfg.Charter().Brand, c.lang(r), cmp.Or(answered[r.URL.Path], r.URL.Path)
	f := page.Frame{Title: title, Area: "console", Brand: c.say(r, "console", brand.Name), Lang: lang, Path: path, Languages: brand.Languages, Footer: c.cfg.Footer.In(lang), Body: body, SignOut: "/console/sign-out"}
	if s.Name == "" {
		return f
	}
	f.SignedIn = c.say(r, "signed-in", s.Name, c.say(r, "role."+s.Role))
	for _, route := range c.Routes() {
		if route.nav != "" && slices.Contains(route.Roles, access.Role(s.Role)) {
			href := strings.TrimPrefix(route.Key, "GET ")
			f.Nav = append(f.Nav, page.Link{Text: c.say(r, route.nav), Href: href, Here: path == href || href != "/console" && strings.HasPrefix(path, href+"/")})
		}
	}
	return f
}

var errNotYours = fault.New(fault.Refused, "This page is not for your role; choose another one above, or ask an admin.")

// Refused tells a member of staff that a page is not for their role, with the way to those that are.
func (c *Console) Refused(w http.ResponseWriter, r *http.Request) {
	s, _ := c.cfg.Sessions.Staff(r)
	c.pages.Fail(w, r, c.frame(r, s, "", nil), errNotYours)
}

// staff gives who is signed in, or sends them to sign in.
func (c *Console) staff(w http.ResponseWriter, r *http.Request) (Staff, bool) {
	s, ok := c.cfg.Sessions.Staff(r)
	if !ok {
		http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
	}
	return s, ok
}
