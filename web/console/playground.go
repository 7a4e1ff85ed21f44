package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/web/page"
)

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
