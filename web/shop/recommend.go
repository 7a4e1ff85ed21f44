package shop

import (
	"context"
	"net/http"
)

// row is a row of recommendations with everything that a page shows of it.
type row struct {
	Heading  string // a key of the words
	Decision decision
	Offers   []rowOffer
	Back     string // where a form of it leads back to
	Ask      ask
}

type rowOffer struct {
	offer
	Product *Product
}

// ask is the question whether the shop may personalise, where the benefit is.
type ask struct {
	Now    bool   // ask now
	Answer string // what was answered in this visit
	GPC    bool   // the browser has said no for them: it is heeded, and nobody is asked
	Back   string
}

// recommend asks for a placement and tells what is shown: nothing that stands on the page or lies in the basket already. What
// fails leaves no row, never an error. Visits settle before.
func (s *Shop) recommend(r *http.Request, v *visit, placement, heading string, onPage ...string) []row {
	p := v.person()
	answer, already, gpc := v.said()
	for _, l := range v.lines() {
		already = append(already, l.ID)
	}
	q := question{person: p, attested: p.UserID != "", gpc: gpc, language: s.language(r), already: append(already, onPage...)}
	decisions, err := s.doors.decide(r.Context(), q, placement)
	if err != nil || len(decisions) != 1 {
		s.cfg.Log.Warn("the shop goes on without recommendations", "placement", placement, "error", err)
		return nil
	}
	d := decisions[0]
	d.Placement = placement
	out := row{Heading: heading, Decision: d, Back: r.URL.Path}
	for _, it := range d.Items {
		if known := s.goods.byID[it.ID]; known != nil {
			out.Offers = append(out.Offers, rowOffer{it, known})
		}
	}
	if len(d.Items) > 0 {
		s.beside.send(v, func(ctx context.Context) {
			if err := s.doors.shown(ctx, d); err != nil {
				s.cfg.Log.Warn("what was shown could not be told", "error", err)
			}
		})
	}
	// Only strangers are asked here: who signs in has answered before, and finds the switch in their data.
	out.Ask = ask{Now: p.UserID == "" && answer == "" && !gpc, Answer: answer, GPC: gpc && p.UserID == "", Back: r.URL.Path}
	v.decided(d)
	return []row{out}
}

// feedback passes on what the person said of one offer. It acts on the next page: for who may be remembered everywhere, for
// everybody else in this visit.
func (s *Shop) feedback(w http.ResponseWriter, r *http.Request, v *visit) {
	kind, item := r.PostFormValue("kind"), r.PostFormValue("item")
	remembered, err := s.doors.feedback(r.Context(), r.PostFormValue("decision"), item, kind)
	if err != nil {
		s.cfg.Log.Warn("feedback was not taken", "error", err)
		back(w, r, "sorry")
		return
	}
	if kind == "not-for-me" {
		v.refuse(item)
	}
	v.answered(kind, remembered)
	notice := kind
	if !remembered && kind == "not-for-me" {
		notice = "visit-only"
	}
	back(w, r, notice)
}

// choice passes on a yes or a no. Nothing else depends on it: the shop is the same for both.
func (s *Shop) choice(w http.ResponseWriter, r *http.Request, v *visit) {
	answer := r.PostFormValue("answer")
	if answer != "yes" && answer != "no" {
		back(w, r, "")
		return
	}
	if _, err := s.doors.choose(r.Context(), v.person(), answer == "yes"); err != nil {
		s.cfg.Log.Warn("a choice was not taken", "error", err)
		back(w, r, "sorry")
		return
	}
	v.say(answer)
	v.answered("choice-"+answer, true)
	back(w, r, answer)
}
