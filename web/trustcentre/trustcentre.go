// Package trustcentre is the customer's own page: what the brand knows and why, choices with one click, decisions with
// their arithmetic, who has looked. It works without JavaScript, shows a person to themselves only, and stores nothing
// in browsers.
package trustcentre

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

// Known is one fact as its person reads it, from one source. Several may have one name: they come together, the one in use first, and the
// remove form takes them all away.
type Known struct {
	Name     string // the charter's name, for the remove form
	Title    string // in words
	Value    string
	Learnt   string // declared, observed, inferred, acquired
	Source   string
	When     person.Instant
	Why      []string // the purposes' whys
	Benefit  string
	Until    person.Instant // when it is dropped
	Waiting  string         // why it is not used now, empty when it may be
	Category string

	Outweighed bool // it may be used, and another source's word on the same thing is used instead
	Several    bool // other sources say something of the same thing: it goes with this one
}

// History is one kind of event as its person reads it.
type History struct {
	Title  string
	Count  int
	First  person.Instant
	Last   person.Instant
	Why    []string
	Recent []string // the latest few in plain words
}

// Choice is one purpose with what follows from the person's choices.
type Choice struct {
	Purpose    string
	Why        string
	Benefit    string
	Basis      charter.Basis
	Allowed    bool
	Switchable bool
	Explicit   bool
	Because    string // one sentence
	Since      person.Instant
}

// Look is one access to the person's data.
type Look struct {
	At      person.Instant
	Who     string // role and team, and the staff name
	Purpose string
	Reason  string
	Fields  string
	Many    int // people covered, when it was a job over many
}

// View is everything the page shows of one person.
type View struct {
	Level      person.Level
	Because    string
	Next       string
	Restricted bool
	Facts      []Known
	History    []History
	Choices    []Choice
	Decisions  []decide.Decision
	Looks      []Look
}

// Self is what a signed-in person may see and do about themselves. Each call is for the person of that pseudonym only.
type Self interface {
	// View gathers everything, and remembers that the person has seen it.
	View(ctx context.Context, id person.ID, lang string) (View, error)
	// Choose records a yes or a no with the words that were shown; it is in force for the next decision.
	Choose(ctx context.Context, id person.ID, purpose string, yes bool, lang string) error
	// Remove drops a fact and keeps imports from bringing it back.
	Remove(ctx context.Context, id person.ID, fact string) error
	// Restrict stops all use, or lets it go on.
	Restrict(ctx context.Context, id person.ID, on bool) error
	// Feedback answers one item of one decision.
	Feedback(ctx context.Context, id person.ID, decision, item string, kind person.FeedbackKind) error
}

// Sessions says who is signed in here.
type Sessions interface {
	// Enter turns a single-use link into a session cookie.
	Enter(w http.ResponseWriter, r *http.Request, link string) error
	// Begin signs that person in.
	Begin(w http.ResponseWriter, r *http.Request, id person.ID) error
	// Person is the person of the request's session.
	Person(r *http.Request) (person.ID, bool)
	// Leave ends the session.
	Leave(w http.ResponseWriter, r *http.Request)
	// SameOrigin refuses a form that another site sent.
	SameOrigin(r *http.Request) error
}

// Config is what the trust centre is told.
type Config struct {
	Charter  func() *charter.Charter // the one in force
	Self     Self
	Sessions Sessions
	Footer   page.Footer
	Token    func(ctx context.Context, token string) (person.ID, error) // who the brand's signed token vouches for; nil: the home takes none
	Hold     func(r *http.Request) bool                                 // too many tries to come in from there; nil: no limit
	SignIn   string                                                     // where a person signs in: the brand's own site
	Log      *slog.Logger
}

// Centre answers under /trust.
type Centre struct {
	cfg   Config
	pages *page.Set
}

// New makes the trust centre.
func New(cfg Config) *Centre {
	sub, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err)
	}
	return &Centre{cfg: cfg, pages: page.NewSet(sub, page.ReadWords(sub), template.FuncMap{"bars": bars, "learnt": learnt}, cfg.Log)}
}

// Handlers are the routes with their handlers, for the table of doors. All but the first two need a person's session and answer nothing without.
func (c *Centre) Handlers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /trust":              c.overview,
		"GET /trust/enter/{link}": c.enter,
		"POST /trust/enter":       c.enterByToken,
		"POST /trust/choose":      c.form(c.choose),
		"POST /trust/remove":      c.form(c.remove),
		"POST /trust/restrict":    c.form(c.restrict),
		"POST /trust/feedback":    c.form(c.feedback),
		"POST /trust/sign-out":    c.signOut,
	}
}

func (c *Centre) frame(r *http.Request, body any) page.Frame {
	ch := c.cfg.Charter()
	lang := page.Language(r, ch.Brand.Languages)
	return page.Frame{Title: "Your data", Area: "trust", Brand: ch.Brand.Name, Lang: lang, Path: "/trust", Languages: ch.Brand.Languages, Footer: c.cfg.Footer.In(lang), Body: body,
		Nav: []page.Link{{Text: "Your data", Href: "/trust", Here: true}, {Text: "Back to the shop", Href: c.cfg.SignIn}}, SignOut: "/trust/sign-out",
		Notice: said[r.URL.Query().Get("said")]}
}

// said are the sentences that a form leaves behind for the next page.
var said = map[string]string{
	"yes":      "Thank you. That is allowed from now on; you can change it here at any time.",
	"no":       "Done. That is not allowed from now on, here and everywhere.",
	"removed":  "Removed. It is not used any more, and no import brings it back.",
	"paused":   "Paused. Nothing about you is used until you let it go on.",
	"resumed":  "It goes on as you had chosen.",
	"feedback": "Thank you. It is in force for the next decision.",
}

func (c *Centre) overview(w http.ResponseWriter, r *http.Request) {
	id, ok := c.cfg.Sessions.Person(r)
	if !ok {
		f := c.frame(r, struct {
			SignIn  string
			Charter string
		}{c.cfg.SignIn, c.cfg.Charter().Show(page.Language(r, c.cfg.Charter().Brand.Languages))})
		c.pages.Show(w, http.StatusOK, "stranger", f)
		return
	}
	lang := page.Language(r, c.cfg.Charter().Brand.Languages)
	view, err := c.cfg.Self.View(r.Context(), id, lang)
	f := c.frame(r, view)
	if err != nil {
		c.pages.Fail(w, r, f, err)
		return
	}
	f.SignedIn = "Signed in"
	c.pages.Show(w, http.StatusOK, "overview", f)
}

// enter uses up a link. What only asks for the head of the page, as mail programs do to look what is there, does not.
func (c *Centre) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := c.held(r); err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	if err := c.cfg.Sessions.Enter(w, r, r.PathValue("link")); err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	http.Redirect(w, r, "/trust", http.StatusSeeOther)
}

// enterByToken lets somebody in whom the brand's own page sent here with a form: the token in it is good once, so the form may
// come from another site.
func (c *Centre) enterByToken(w http.ResponseWriter, r *http.Request) {
	if err := c.byToken(w, r); err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	http.Redirect(w, r, "/trust", http.StatusSeeOther)
}

func (c *Centre) byToken(w http.ResponseWriter, r *http.Request) error {
	if c.cfg.Token == nil {
		return fault.New(fault.NotFound, "Nobody can come in this way here; go back to the shop and come in again from there.")
	}
	if err := c.held(r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if r.ParseForm() != nil {
		return ErrEntry
	}
	id, err := c.cfg.Token(r.Context(), r.PostForm.Get("token"))
	if err != nil {
		return err
	}
	return c.cfg.Sessions.Begin(w, r, id)
}

func (c *Centre) held(r *http.Request) error {
	if c.cfg.Hold != nil && c.cfg.Hold(r) {
		return fault.New(fault.TooMany, "Too many tried to come in from there; wait a moment and try again.")
	}
	return nil
}

func (c *Centre) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.cfg.Sessions.SameOrigin(r); err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	c.cfg.Sessions.Leave(w, r)
	http.Redirect(w, r, c.cfg.SignIn, http.StatusSeeOther)
}

// form runs one of the person's own acts: only from this site, only in their session. The answer is the page again, with one sentence.
func (c *Centre) form(act func(r *http.Request, id person.ID) (word string, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		id, ok := c.cfg.Sessions.Person(r)
		err := c.cfg.Sessions.SameOrigin(r)
		if err == nil && !ok {
			err = fault.New(fault.Unauthorised, "Your session has ended; sign in again to go on.")
		}
		word := ""
		if err == nil {
			word, err = act(r, id)
		}
		if err != nil {
			c.pages.Fail(w, r, c.frame(r, nil), err)
			return
		}
		http.Redirect(w, r, "/trust?said="+word, http.StatusSeeOther)
	}
}

func (c *Centre) choose(r *http.Request, id person.ID) (string, error) {
	answer := r.FormValue("answer")
	if answer != "yes" && answer != "no" {
		return "", fault.New(fault.Invalid, "Say yes or no.")
	}
	return answer, c.cfg.Self.Choose(r.Context(), id, r.FormValue("purpose"), answer == "yes", page.Language(r, c.cfg.Charter().Brand.Languages))
}

func (c *Centre) remove(r *http.Request, id person.ID) (string, error) {
	return "removed", c.cfg.Self.Remove(r.Context(), id, r.FormValue("fact"))
}

func (c *Centre) restrict(r *http.Request, id person.ID) (string, error) {
	on := r.FormValue("on") == "yes"
	if on {
		return "paused", c.cfg.Self.Restrict(r.Context(), id, true)
	}
	return "resumed", c.cfg.Self.Restrict(r.Context(), id, false)
}

func (c *Centre) feedback(r *http.Request, id person.ID) (string, error) {
	return "feedback", c.cfg.Self.Feedback(r.Context(), id, r.FormValue("decision"), r.FormValue("item"), person.FeedbackKind(r.FormValue("kind")))
}

func bars(reasons []decide.Reason) []page.Bar {
	return page.Bars(len(reasons), func(i int) (string, float64) { return reasons[i].Text, reasons[i].Weight })
}

// learnt says in plain words how a fact was come by.
func learnt(word string) string {
	switch word {
	case "declared":
		return "You told us"
	case "observed":
		return "We saw it in what you did with us"
	case "inferred":
		return "We worked it out"
	}
	return "Somebody else told us"
}
