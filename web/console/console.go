// Package console is where staff work: the decide playground, the charter in plain words, the ledger's state. Marketers play
// with made-up people; a real person's decision is for the privacy role, with a purpose and a reason, and is a look.
// It works without JavaScript and shows no one's name, address or number.
package console

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
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

// Try is one question of the playground.
type Try struct {
	Level     person.Level // of a made-up person
	Pseudonym string       // of a real one: p_…; or
	UserID    string       // a real one by user id
	Placement string
	At        person.Instant // zero: now
	GPC       bool
	Purpose   string // of the look
	Reason    string
	Language  string
}

// Real says whether the question is about a real person.
func (t Try) Real() bool { return t.Pseudonym != "" || t.UserID != "" }

// Playground answers questions without showing anything to the person or counting as shown.
type Playground interface {
	MadeUp(ctx context.Context, t Try) (decide.Decision, error)
	// Real decides for a real person. The look is in the ledger before anything is returned.
	Real(ctx context.Context, s Staff, t Try) (decide.Decision, error)
}

// Sessions signs staff in by token and keeps their sessions.
type Sessions interface {
	SignIn(w http.ResponseWriter, r *http.Request, token string) error
	Staff(r *http.Request) (Staff, bool)
	Leave(w http.ResponseWriter, r *http.Request)
	SameOrigin(r *http.Request) error
}

// LedgerState is what the overview says of the ledger.
type LedgerState struct {
	Entries int64
	Waiting int64
	Sound   bool
	Says    string // what verify said, in one sentence
}

// Overview is the console's first page.
type Overview struct {
	Charter  *charter.Charter
	Position int
	Models   string
	Refusals []Refusal
	Ledger   LedgerState
}

// Refusal is how often something was refused.
type Refusal struct {
	Day, Source, Reason, Event, Field string
	Count                             int64
}

// Config is what the console is told.
type Config struct {
	Charter    func() *charter.Charter
	Playground Playground
	Sessions   Sessions
	Overview   func(ctx context.Context) (Overview, error)
	Footer     page.Footer
	Log        *slog.Logger
}

// Console answers under /console.
type Console struct {
	cfg   Config
	pages *page.Set
}

// New makes the console.
func New(cfg Config) *Console {
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	funcs := template.FuncMap{"bars": bars, "text": func(t charter.Text, lang string) string { return t.In(lang, &cfg.Charter().Brand) }}
	return &Console{cfg: cfg, pages: page.NewSet(sub, page.ReadWords(sub), funcs, cfg.Log)}
}

// Handlers are the routes with their handlers, for the table of doors.
func (c *Console) Handlers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /console":             c.overview,
		"GET /console/sign-in":     c.signInPage,
		"POST /console/sign-in":    c.signIn,
		"POST /console/sign-out":   c.signOut,
		"GET /console/playground":  c.playground,
		"POST /console/playground": c.tryOut,
		"GET /console/charter":     c.charter,
	}
}

func (c *Console) frame(r *http.Request, s Staff, title string, body any) page.Frame {
	f := page.Frame{Title: title, Area: "console", Brand: c.cfg.Charter().Brand.Name + " console", Lang: "en", Path: r.URL.Path, Footer: c.cfg.Footer.In("en"), Body: body, SignOut: "/console/sign-out"}
	if s.Name != "" {
		f.SignedIn = s.Name + " (" + s.Role + ")"
		for _, l := range []page.Link{{Text: "Overview", Href: "/console"}, {Text: "Playground", Href: "/console/playground"}, {Text: "Charter", Href: "/console/charter"}} {
			l.Here = r.URL.Path == l.Href
			f.Nav = append(f.Nav, l)
		}
	}
	return f
}

// staff gives who is signed in, or sends them to sign in.
func (c *Console) staff(w http.ResponseWriter, r *http.Request) (Staff, bool) {
	s, ok := c.cfg.Sessions.Staff(r)
	if !ok {
		http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
	}
	return s, ok
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	c.pages.Show(w, http.StatusOK, "signin", c.frame(r, Staff{}, "Sign in", ""))
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = c.cfg.Sessions.SignIn(w, r, strings.TrimSpace(r.FormValue("token")))
	}
	if err != nil {
		code, sentence := fault.Of(err)
		c.pages.Show(w, page.Status(code), "signin", c.frame(r, Staff{}, "Sign in", sentence))
		return
	}
	http.Redirect(w, r, "/console", http.StatusSeeOther)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.cfg.Sessions.SameOrigin(r); err != nil {
		c.pages.Fail(w, r, c.frame(r, Staff{}, "", nil), err)
		return
	}
	c.cfg.Sessions.Leave(w, r)
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	view, err := c.cfg.Overview(r.Context())
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	c.pages.Show(w, http.StatusOK, "overview", c.frame(r, s, "Overview", view))
}

func (c *Console) charter(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	ch := c.cfg.Charter()
	body := struct{ Words, Source string }{ch.Show(page.Language(r, ch.Brand.Languages)), string(ch.Source)}
	c.pages.Show(w, http.StatusOK, "charter", c.frame(r, s, "Charter", body))
}

// playgroundPage is the form as it was filled in, and the answer when there is one.
type playgroundPage struct {
	Placements []string
	Purposes   []string
	Levels     []string
	Real       bool // may this member of staff ask about real people?
	Try        Try
	At         string
	Decision   *decide.Decision
	Refused    string
}

func (c *Console) form(s Staff) playgroundPage {
	ch := c.cfg.Charter()
	p := playgroundPage{Placements: ch.Order.Placements, Levels: []string{"stranger", "acquaintance", "regular", "confidant"}, Real: s.Role == "privacy"}
	if team := ch.Teams[s.Team]; team != nil {
		p.Purposes = team.Purposes
	} else if t := ch.Teams["privacy"]; t != nil && s.Role == "privacy" {
		p.Purposes = t.Purposes
	}
	return p
}

func (c *Console) playground(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	c.pages.Show(w, http.StatusOK, "playground", c.frame(r, s, "Playground", c.form(s)))
}

func (c *Console) tryOut(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := c.cfg.Sessions.SameOrigin(r); err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	body := c.form(s)
	try, err := readTry(r, body.Placements)
	body.Try, body.At = try, r.FormValue("at")
	if err == nil {
		var d decide.Decision
		switch {
		case !try.Real():
			d, err = c.cfg.Playground.MadeUp(r.Context(), try)
		case s.Role != "privacy":
			err = fault.New(fault.Refused, "Real people are for the privacy team; choose a made-up person of a level instead.")
		case len(try.Reason) < 5:
			err = fault.New(fault.Invalid, "Say in a few words why you look: the person can read it.")
		default:
			d, err = c.cfg.Playground.Real(r.Context(), s, try)
		}
		if err == nil {
			body.Decision = &d
		}
	}
	status := http.StatusOK
	if err != nil {
		code, sentence := fault.Of(err)
		status, body.Refused = page.Status(code), sentence
		if code == fault.Internal {
			c.cfg.Log.Error("playground failed", "error", err)
		}
	}
	c.pages.Show(w, status, "playground", c.frame(r, s, "Playground", body))
}

func readTry(r *http.Request, placements []string) (Try, error) {
	t := Try{Placement: r.FormValue("placement"), GPC: r.FormValue("gpc") == "yes", Purpose: r.FormValue("purpose"), Reason: strings.TrimSpace(r.FormValue("reason")), Language: "en"}
	if who := strings.TrimSpace(r.FormValue("who")); strings.HasPrefix(who, "p_") {
		t.Pseudonym = who
	} else {
		t.UserID = who
	}
	level, ok := person.ParseLevel(r.FormValue("level"))
	if !ok && !t.Real() {
		return t, fault.New(fault.Invalid, "Choose how well the made-up person and the brand know each other.")
	}
	t.Level = level
	if !slices.Contains(placements, t.Placement) {
		return t, fault.New(fault.Invalid, "Choose one of the charter's placements.")
	}
	if len(t.Reason) > 500 || len(t.UserID) > 512 {
		return t, fault.New(fault.Invalid, "That is too long; say it in fewer words.")
	}
	if at := strings.TrimSpace(r.FormValue("at")); at != "" {
		parsed, err := time.Parse("2006-01-02T15:04", at)
		if err != nil {
			return t, fault.New(fault.Invalid, "Write the moment as 2026-05-01T10:00.")
		}
		t.At = person.At(parsed)
	}
	return t, nil
}

func bars(reasons []decide.Reason) []page.Bar {
	return page.Bars(len(reasons), func(i int) (string, float64) { return reasons[i].Text, reasons[i].Weight })
}
