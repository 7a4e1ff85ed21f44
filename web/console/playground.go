package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
)

// Try is one question of the playground, about one person: a decision, or two to lay beside each other.
type Try struct {
	Level     person.Level // of a made-up person
	Pseudonym string       // of a real one: p_…; or
	UserID    string       // a real one by user id
	Sides     []decide.Side
	Purpose   string // of the look
	Reason    string
}

// Real says whether the question is about a real person.
func (t Try) Real() bool { return t.Pseudonym != "" || t.UserID != "" }

// Playground answers questions without showing anything to the person or counting as shown. It gives a decision for each side.
type Playground interface {
	MadeUp(ctx context.Context, t Try) ([]decide.Decision, error)
	// Real decides for a real person. One look for the question is in the ledger before anything is returned.
	Real(ctx context.Context, s Staff, t Try) ([]decide.Decision, error)
}

// proposed is the choice of the form for a charter that is pasted in.
const proposed = "proposal"

// longestQuestion is how much a question may hold, a pasted charter with it.
const longestQuestion = 1 << 20

var (
	errReal      = fault.New(fault.Refused, "Real people are for the privacy team; choose a made-up person of a level instead.")
	errReason    = fault.New(fault.Invalid, "Say in a few words why you look: the person can read it.")
	errLevel     = fault.New(fault.Invalid, "Choose how well the made-up person and the brand know each other.")
	errPlacement = fault.New(fault.Invalid, "Choose one of the charter's placements.")
	errLong      = fault.New(fault.Invalid, "That is too long; say it in fewer words.")
	errMoment    = fault.New(fault.Invalid, "Write the moment as 2026-05-01T10:00.")
	errNoCharter = fault.New(fault.Invalid, "Choose one of the accepted charters, or paste a proposal.")
	errOff       = fault.New(fault.Invalid, "Choose purposes that people can say no to.")
)

// named is a choice of a form: its value, and what it is called.
type named struct{ Value, Title string }

// sideForm is one side as it was filled in.
type sideForm struct{ Placement, At, Charter, Level string }

// playgroundPage is the form as it was filled in, and the answer when there is one.
type playgroundPage struct {
	Placements []named
	Purposes   []named // of a look
	Can        []named // purposes that people can say no to
	Levels     []string
	Charters   []int // accepted ones, the newest first; the first is in force
	Real       bool  // may this member of staff ask about real people?
	Level      string
	GPC        bool
	First      sideForm
	Second     sideForm
	Off        []string
	Proposal   string
	Flaws      charter.Problems // what is wrong with the proposal
	Compared   bool
	Answers    []answer
	Differs    []difference
	Refused    string
}

// IsOff says whether the what-if puts this purpose off.
func (p playgroundPage) IsOff(purpose string) bool { return slices.Contains(p.Off, purpose) }

func (c *Console) form(r *http.Request, s Staff) playgroundPage {
	ch, lang := c.cfg.Charter(), c.lang(r)
	p := playgroundPage{Real: s.Role == "privacy", Level: person.Regular.String()}
	for l := person.Stranger; l <= person.Confidant; l++ {
		p.Levels = append(p.Levels, l.String())
	}
	for _, name := range ch.Order.Placements {
		p.Placements = append(p.Placements, named{name, ch.Placements[name].Title(lang, &ch.Brand)})
	}
	for _, name := range ch.Order.Purposes {
		if u := ch.Purposes[name]; u.Explicit || u.Basis == charter.Consent || u.Basis == charter.LegitimateInterest {
			p.Can = append(p.Can, named{name, u.Title(lang, &ch.Brand)})
		}
	}
	team := ch.Teams[s.Team]
	if team == nil && p.Real {
		team = ch.Teams["privacy"]
	}
	if team != nil {
		for _, name := range team.Purposes {
			title := name
			if u := ch.Purposes[name]; u != nil {
				title = u.Title(lang, &ch.Brand)
			}
			p.Purposes = append(p.Purposes, named{name, title})
		}
	}
	series := c.cfg.Series()
	for pos := ch.Position; pos > 0; pos-- {
		if series.At(pos) != nil {
			p.Charters = append(p.Charters, pos)
		}
	}
	return p
}

func (c *Console) playground(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	c.pages.Show(w, http.StatusOK, "playground", c.frame(r, s, c.say(r, "play.title"), c.form(r, s)))
}

func (c *Console) tryOut(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = page.ReadForm(w, r, longestQuestion, "off")
	}
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	body := c.form(r, s)
	try, err := c.readTry(r, &body)
	if err == nil {
		var ds []decide.Decision
		switch {
		case !try.Real():
			ds, err = c.cfg.Playground.MadeUp(r.Context(), try)
		case s.Role != "privacy":
			err = errReal
		case len(try.Reason) < 5:
			err = errReason
		default:
			ds, err = c.cfg.Playground.Real(r.Context(), s, try)
		}
		if err == nil {
			body.Answers, body.Differs = beside(ds)
		}
	}
	status := http.StatusOK
	if err != nil {
		code, _ := fault.Of(err)
		status, body.Refused = page.Status(code), c.pages.Sentence(c.lang(r), err)
		if code == fault.Internal {
			c.cfg.Log.ErrorContext(r.Context(), "the playground failed", "error", err)
		}
	}
	f := c.frame(r, s, c.say(r, "play.title"), body)
	f.Charts = true
	c.pages.Show(w, status, "playground", f)
}

// readTry reads the form, and keeps in it what was filled in. Who a real person is, and why somebody looks, is not filled in again:
// each look is meant.
func (c *Console) readTry(r *http.Request, p *playgroundPage) (Try, error) {
	t := Try{Purpose: r.FormValue("purpose"), Reason: strings.TrimSpace(r.FormValue("reason"))}
	if who := strings.TrimSpace(r.FormValue("who")); strings.HasPrefix(who, "p_") {
		t.Pseudonym = who
	} else {
		t.UserID = who
	}
	p.Level, p.GPC, p.Proposal, p.Off = r.FormValue("level"), r.FormValue("gpc") == "yes", r.FormValue("proposal"), r.Form["off"]
	p.First = sideForm{Placement: r.FormValue("placement"), At: strings.TrimSpace(r.FormValue("at")), Charter: r.FormValue("charter")}
	p.Second = sideForm{Placement: r.FormValue("placement2"), At: strings.TrimSpace(r.FormValue("at2")), Charter: r.FormValue("charter2"), Level: r.FormValue("level2")}
	p.Compared = p.Second != sideForm{} || len(p.Off) > 0
	level, ok := person.ParseLevel(p.Level)
	if !ok && !t.Real() {
		return t, errLevel
	}
	t.Level = level
	if len(t.Reason) > 500 || len(t.UserID) > 512 || len(p.Off) > len(p.Can) {
		return t, errLong
	}
	first, err := c.side(r, p, p.First)
	if err != nil {
		return t, err
	}
	t.Sides = []decide.Side{first}
	if !p.Compared {
		return t, nil
	}
	form := p.Second // what is left empty is as on the first side
	if form.Placement == "" {
		form.Placement = p.First.Placement
	}
	if form.At == "" {
		form.At = p.First.At
	}
	if form.Charter == "" {
		form.Charter = p.First.Charter
	}
	second, err := c.side(r, p, form)
	if err != nil {
		return t, err
	}
	if form.Level != "" {
		supposed, ok := person.ParseLevel(form.Level)
		if !ok {
			return t, errLevel
		}
		second.Supposed.Level = &supposed
	}
	for _, off := range p.Off {
		if !slices.ContainsFunc(p.Can, func(n named) bool { return n.Value == off }) {
			return t, errOff
		}
	}
	second.Supposed.Off = p.Off
	t.Sides = append(t.Sides, second)
	return t, nil
}

func (c *Console) side(r *http.Request, p *playgroundPage, f sideForm) (decide.Side, error) {
	s := decide.Side{Placement: f.Placement, GPC: p.GPC, Context: decide.Circumstance{Language: c.lang(r)}}
	if !slices.ContainsFunc(p.Placements, func(n named) bool { return n.Value == f.Placement }) {
		return s, errPlacement
	}
	if f.At != "" {
		at, err := time.ParseInLocation("2006-01-02T15:04", f.At, c.cfg.Charter().Brand.Location())
		if err != nil {
			return s, errMoment
		}
		s.Context.At = person.At(at)
	}
	switch f.Charter {
	case "", strconv.Itoa(c.cfg.Charter().Position):
	case proposed:
		next, problems := charter.Parse([]byte(p.Proposal))
		if next == nil {
			p.Flaws = problems.Errors().In(c.lang(r))
			return s, fault.New(fault.Invalid, "The proposal cannot be used yet: mend what is listed with it.")
		}
		s.Supposed.Charter = next
	default:
		pos, err := strconv.Atoi(f.Charter)
		if err != nil || c.cfg.Series().At(pos) == nil {
			return s, errNoCharter
		}
		s.Supposed.Charter = c.cfg.Series().At(pos)
	}
	return s, nil
}

// Parts are the reasons of an item as they are drawn, those marked that the other side has not.
func (g good) Parts() []chart.Part {
	out := make([]chart.Part, len(g.Because))
	for i, r := range g.Because {
		out[i] = chart.Part{Name: r.Text, Value: r.Weight, New: g.New[r.Text]}
	}
	return out
}
