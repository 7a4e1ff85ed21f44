// Package trustcentre is the customer's own pages: what the brand knows and why, choices with one click and with their history,
// decisions with their arithmetic, who has looked, and a file of that which proves itself. They work without JavaScript, show a
// person to themselves only, and store nothing in browsers.
//
// It also holds the ways in: a link that the brand's server asks for, and a token that the brand signs (package brandtoken).
package trustcentre

import (
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/web/page"
)

//go:embed pages
var pageFiles embed.FS

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
	Ledger   Publisher                                                  // nil: nothing is published
	SignIn   string                                                     // where a person signs in: the brand's own site
	Log      *slog.Logger
}

// Publisher is what anybody may have of the ledger: it names nobody.
type Publisher interface {
	Public() string
	Signed(ctx context.Context) ([]byte, error)
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
	c := &Centre{cfg: cfg}
	c.pages = page.NewSet(sub, page.ReadWords(sub), template.FuncMap{"with_id": withID, "calendar": c.calendar, "parts": parts}, cfg.Log)
	return c
}

// Handlers are the routes with their handlers, for the table of doors. Pages show a stranger where to sign in; forms answer nothing
// without a person's session.
func (c *Centre) Handlers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /trust":                c.own("overview", c.overview),
		"GET /trust/facts":          c.own("facts", c.facts),
		"GET /trust/choices":        c.own("choices", c.choices),
		"GET /trust/decisions":      c.own("decisions", c.decisions),
		"GET /trust/decisions/{id}": c.own("decision", c.decision),
		"GET /trust/looks":          c.own("looks", c.looks),
		"GET /trust/looks.json":     c.extract,
		"GET /trust/ledger/{what}":  c.published,
		"GET /trust/enter/{link}":   c.enter,
		"POST /trust/enter":         c.enterByToken,
		"POST /trust/choose":        c.form("/trust/choices", c.choose),
		"POST /trust/correct":       c.form("/trust/facts", c.correct),
		"POST /trust/judge":         c.form("/trust/facts", c.judge),
		"POST /trust/remove":        c.form("/trust/facts", c.remove),
		"POST /trust/restrict":      c.form("/trust", c.restrict),
		"POST /trust/feedback":      c.form("/trust/decisions", c.feedback),
		"POST /trust/sign-out":      c.signOut,
	}
}

// tabs are the pages in their order, by the names of their files.
var tabs = []struct{ page, path string }{{"overview", "/trust"}, {"facts", "/trust/facts"}, {"choices", "/trust/choices"}, {"decisions", "/trust/decisions"}, {"looks", "/trust/looks"}}

// Sheet is what every one of a person's own pages is made of.
type Sheet struct {
	Tabs   []page.Link
	Now    any // the page's own
	SignIn string
	Pause  bool
}

func (c *Centre) lang(r *http.Request) string {
	return page.Language(r, c.cfg.Charter().Brand.Languages)
}

func (c *Centre) frame(r *http.Request, body any) page.Frame {
	ch, lang := c.cfg.Charter(), c.lang(r)
	f := page.Frame{Title: c.pages.Say(lang, "title"), Area: "trust", Brand: ch.Brand.Name, Lang: lang, Path: "/trust", Languages: ch.Brand.Languages, Footer: c.cfg.Footer.In(lang), Body: body,
		Nav: []page.Link{{Text: c.pages.Say(lang, "title"), Href: "/trust", Here: true}, {Text: c.pages.Say(lang, "shop"), Href: c.cfg.SignIn}}, SignOut: "/trust/sign-out"}
	if word := r.URL.Query().Get("said"); saidWords[word] {
		f.Notice = c.pages.Say(lang, "said."+word)
	}
	return f
}

// saidWords are the sentences that a form leaves behind for the next page.
var saidWords = map[string]bool{"yes": true, "no": true, "removed": true, "corrected": true, "paused": true, "resumed": true, "feedback": true, "ended": true}

// own is a page of the person's: a stranger is shown where to sign in.
func (c *Centre) own(name string, gather func(r *http.Request, id person.ID, lang string) (body any, after func(), err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := c.cfg.Sessions.Person(r)
		if !ok {
			c.stranger(w, r)
			return
		}
		lang := c.lang(r)
		body, after, err := gather(r, id, lang)
		sheet := Sheet{Now: body, SignIn: c.cfg.SignIn}
		for _, t := range tabs {
			sheet.Tabs = append(sheet.Tabs, page.Link{Text: c.pages.Say(lang, t.page+".title"), Href: t.path, Here: t.page == name || name == "decision" && t.page == "decisions"})
		}
		f := c.frame(r, sheet)
		f.SignedIn, f.Charts = c.pages.Say(lang, "signed-in"), name == "looks" || name == "decision"
		if err != nil {
			c.pages.Fail(w, r, f, err)
			return
		}
		if f.Title = c.pages.Say(lang, name+".title"); name == "overview" {
			f.Title = c.pages.Say(lang, "title")
		} else {
			f.Path = r.URL.Path
		}
		c.pages.Show(w, http.StatusOK, name, f)
		if after != nil {
			after()
		}
	}
}

// Stranger is what somebody reads who is not signed in: where to, and what the brand may do, which is no secret.
type Stranger struct {
	SignIn   string
	Purposes []Choice
}

func (c *Centre) stranger(w http.ResponseWriter, r *http.Request) {
	ch, lang := c.cfg.Charter(), c.lang(r)
	s := Stranger{SignIn: c.cfg.SignIn}
	for _, name := range ch.Order.Purposes {
		p := ch.Purposes[name]
		s.Purposes = append(s.Purposes, Choice{Why: p.Why.In(lang, &ch.Brand), Benefit: p.Benefit.In(lang, &ch.Brand), Basis: p.Basis, Uses: uses(ch, name, lang)})
	}
	status := http.StatusOK
	if r.URL.Path != "/trust" {
		status = http.StatusUnauthorized
	}
	c.pages.Show(w, status, "stranger", c.frame(r, s))
}

// Overview is the first page: four questions, answered for somebody in a hurry.
type Overview struct {
	View
	Looks
	Allowed  []Choice // what it is used for
	Refused  []Choice // what the person has not allowed
	Benefits []string // what they get from it
	Events   int
}

func (c *Centre) overview(r *http.Request, id person.ID, lang string) (any, func(), error) {
	v, l, err := c.cfg.Self.Overview(r.Context(), id, lang)
	if err != nil {
		return nil, nil, err
	}
	o := Overview{View: v, Looks: l}
	for _, p := range v.Choices {
		if !p.Allowed {
			o.Refused = append(o.Refused, p)
			continue
		}
		o.Allowed = append(o.Allowed, p)
		if p.Benefit != "" {
			o.Benefits = append(o.Benefits, p.Benefit)
		}
	}
	for _, f := range v.Facts {
		if f.InUse && f.Benefit != "" {
			o.Benefits = append(o.Benefits, f.Benefit)
		}
	}
	for _, h := range v.History {
		o.Events += h.Count
	}
	return o, nil, nil
}

func (c *Centre) facts(r *http.Request, id person.ID, lang string) (any, func(), error) {
	v, err := c.cfg.Self.View(r.Context(), id, lang)
	// Whoever has the page before them has been told.
	return v, func() { c.cfg.Self.Shown(context.WithoutCancel(r.Context()), id, v) }, err
}

// Choices is the page of choices: the charter's position is sent along, so that an answer is to the words that were shown.
type Choices struct {
	View
	Charter int
}

func (c *Centre) choices(r *http.Request, id person.ID, lang string) (any, func(), error) {
	position := c.cfg.Charter().Position
	v, err := c.cfg.Self.View(r.Context(), id, lang)
	return Choices{v, position}, nil, err
}

// Decided is a decision as the list has it.
type Decided struct {
	decide.Decision
	Place string // the placement's title
}

func (c *Centre) decided(d decide.Decision, lang string) Decided {
	ch := c.cfg.Charter()
	out := Decided{Decision: d, Place: d.Placement}
	if p := ch.Placements[d.Placement]; p != nil {
		out.Place = p.Title(lang, &ch.Brand)
	}
	return out
}

// Decisions is a page of the list.
type Decisions struct {
	List         []Decided
	Newer, Older string // where the pages beside it are; empty: there is none
}

func (c *Centre) decisions(r *http.Request, id person.ID, lang string) (any, func(), error) {
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 || from > mostPages*mostDecisions {
		from = 0
	}
	list, more, err := c.cfg.Self.Decisions(r.Context(), id, from, lang)
	var out Decisions
	for _, d := range list {
		out.List = append(out.List, c.decided(d, lang))
	}
	if from > 0 {
		out.Newer = "/trust/decisions?from=" + strconv.Itoa(max(from-mostDecisions, 0))
	}
	if more {
		out.Older = "/trust/decisions?from=" + strconv.Itoa(from+mostDecisions)
	}
	return out, nil, err
}

func (c *Centre) decision(r *http.Request, id person.ID, lang string) (any, func(), error) {
	d, err := c.cfg.Self.Decision(r.Context(), id, r.PathValue("id"), lang)
	return c.decided(d, lang), nil, err
}

func (c *Centre) looks(r *http.Request, id person.ID, lang string) (any, func(), error) {
	l, err := c.cfg.Self.Looks(r.Context(), id, lang)
	return l, nil, err
}

// extract answers with the person's looks and their proofs, as a file.
func (c *Centre) extract(w http.ResponseWriter, r *http.Request) {
	id, ok := c.cfg.Sessions.Person(r)
	if !ok {
		c.stranger(w, r)
		return
	}
	x, err := c.cfg.Self.Extract(r.Context(), id)
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	raw, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="looks.json"`)
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(raw)
}

// published is what anybody may have of the ledger: its public key, and its signed head, to keep and compare.
func (c *Centre) published(w http.ResponseWriter, r *http.Request) {
	var text string
	var err error
	switch what := r.PathValue("what"); {
	case c.cfg.Ledger != nil && what == "key":
		text = c.cfg.Ledger.Public() + "\n"
	case c.cfg.Ledger != nil && what == "head":
		var signed []byte
		if signed, err = c.cfg.Ledger.Signed(r.Context()); err != nil {
			err = fault.Wrap(fault.Unavailable, "The ledger cannot be read just now; try again in a moment.", err)
		}
		text = string(signed)
	default:
		err = fault.New(fault.NotFound, "Of the ledger there is a key and a head here: /trust/ledger/key and /trust/ledger/head.")
	}
	if err != nil {
		page.Problem(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text))
}

// enter uses up a link. What only asks for the head of the page, as mail programs do to look what is there, does not.
func (c *Centre) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	err := c.held(r)
	if err == nil {
		err = c.cfg.Sessions.Enter(w, r, r.PathValue("link"))
	}
	c.entered(w, r, err)
}

// enterByToken lets somebody in whom the brand's own page sent here with a form: the token in it is good once, so the form may
// come from another site.
func (c *Centre) enterByToken(w http.ResponseWriter, r *http.Request) {
	c.entered(w, r, c.byToken(w, r))
}

func (c *Centre) entered(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, nil), err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/trust", http.StatusSeeOther)
}

func (c *Centre) byToken(w http.ResponseWriter, r *http.Request) error {
	if c.cfg.Token == nil {
		return fault.New(fault.NotFound, "Nobody can come in this way here; go back to the shop and come in again from there.")
	}
	if err := c.held(r); err != nil {
		return err
	}
	if page.ReadForm(w, r, mostForm) != nil {
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

// mostForm is how many bytes a form may have.
const mostForm = 16 << 10

// form runs one of the person's own acts: only from this site, only in their session. The answer is a page again, with one sentence.
func (c *Centre) form(back string, act func(r *http.Request, id person.ID) (word string, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := c.cfg.Sessions.Person(r)
		err := c.cfg.Sessions.SameOrigin(r)
		if err == nil && !ok {
			err = fault.New(fault.Unauthorised, "Your session has ended; sign in again to go on.")
		}
		if err == nil {
			err = page.ReadForm(w, r, mostForm)
		}
		word := ""
		if err == nil {
			word, err = act(r, id)
		}
		if err != nil {
			f := c.frame(r, nil)
			f.Path = back
			c.pages.Fail(w, r, f, err)
			return
		}
		to := back
		if d := r.PostForm.Get("decision"); d != "" {
			to += "/" + url.PathEscape(d)
		}
		http.Redirect(w, r, to+"?said="+word, http.StatusSeeOther)
	}
}

// choose records an answer with the very words that the page has for it.
func (c *Centre) choose(r *http.Request, id person.ID) (string, error) {
	answer, purpose, ch, lang := r.PostForm.Get("answer"), r.PostForm.Get("purpose"), c.cfg.Charter(), c.lang(r)
	if answer != "yes" && answer != "no" {
		return "", fault.New(fault.Invalid, "Say yes or no.")
	}
	if at := r.PostForm.Get("charter"); at != "" && at != strconv.Itoa(ch.Position) {
		return "", fault.New(fault.Conflict, "The words have changed since you read them; read them again and choose.")
	}
	e := consent.Evidence{Notice: ch.Hash, Language: lang, Channel: "web"}
	if p := ch.Purposes[purpose]; p != nil {
		words := []string{p.Why.In(lang, &ch.Brand)}
		if b := p.Benefit.In(lang, &ch.Brand); b != "" {
			words = append(words, c.pages.Say(lang, "choices.get", b))
		}
		button := "choices.no"
		switch {
		case answer == "yes" && p.Explicit:
			button = "choices.expressly"
		case answer == "yes":
			button = "choices.yes"
		}
		e.Words = strings.Join(append(words, "["+c.pages.Say(lang, button)+"]"), " ")
	}
	return answer, c.cfg.Self.Choose(r.Context(), id, purpose, answer == "yes", e)
}

// correct takes the person's own word. A form that tells something for the first time may bring the yes with it that this needs.
func (c *Centre) correct(r *http.Request, id person.ID) (string, error) {
	if r.PostForm.Get("purpose") != "" {
		if _, err := c.choose(r, id); err != nil {
			return "", err
		}
	}
	return "corrected", c.cfg.Self.Correct(r.Context(), id, r.PostForm.Get("fact"), r.PostForm.Get("value"))
}

func (c *Centre) judge(r *http.Request, id person.ID) (string, error) {
	says := r.PostForm.Get("says")
	if says != "right" && says != "wrong" {
		return "", fault.New(fault.Invalid, "Say yes or no.")
	}
	return says, c.cfg.Self.Judge(r.Context(), id, r.PostForm.Get("fact"), r.PostForm.Get("value"), says == "right")
}

func (c *Centre) remove(r *http.Request, id person.ID) (string, error) {
	return "removed", c.cfg.Self.Remove(r.Context(), id, r.PostForm.Get("fact"))
}

func (c *Centre) restrict(r *http.Request, id person.ID) (string, error) {
	on := r.PostForm.Get("on")
	if on != "yes" && on != "no" {
		return "", fault.New(fault.Invalid, "Say yes or no.")
	}
	return map[string]string{"yes": "paused", "no": "resumed"}[on], c.cfg.Self.Restrict(r.Context(), id, on == "yes")
}

func (c *Centre) feedback(r *http.Request, id person.ID) (string, error) {
	return "feedback", c.cfg.Self.Feedback(r.Context(), id, r.PostForm.Get("decision"), r.PostForm.Get("item"), person.FeedbackKind(r.PostForm.Get("kind")))
}

// input is a field with the id by which its label finds it.
type input struct {
	Field
	ID string
}

func withID(f *Field, id string) input { return input{*f, id} }
