// Package prove checks the promises against a home as it is: its real people, its charter, its model, its ledger.
//
// It promises that a check that passed has met cases that could have failed: each says how many it counted, a check without
// cases fails, and no value of anybody is in its words. It changes nothing: people are copied into memory and changed
// there. It does not prove what it did not try; run it again after a change of charter or code.
package prove

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/tact"
)

// The names of the checks.
const (
	Noninterference = "noninterference"
	HoldsExercised  = "holds-exercised"
	ReasonsAddUp    = "reasons-add-up"
	ProtectiveOnly  = "protective-only-removes"
	WeightsOverK    = "weights-over-k"
	Ledger          = "ledger"
	UndeclaredRest  = "nothing-undeclared-at-rest"
	Retention       = "retention"
	ThiefSees       = "thief-sees"
)

// Result is what one check found. Detail holds names and counts, never values.
type Result struct {
	Check  string `json:"check"`
	Cases  int    `json:"cases"`
	Failed int    `json:"failed"`
	Detail string `json:"detail"`
}

// Snapshot is a home in memory: what decisions depend on, and people with everything about them opened.
type Snapshot struct {
	House  *decide.House
	People []*decide.Made
	Now    person.Instant
	Seed   uint64 // of the choices that the checks make among many
}

// Compute is how a decision is made: decide.Compute, or a broken one by which the checks themselves are tested.
type Compute func(h *decide.House, s decide.Subject, a decide.Ask) decide.Result

// Prover runs checks over a snapshot.
type Prover struct {
	snap    Snapshot
	compute Compute
	rng     *rand.Rand
	twin    *decide.House // the same house under a charter that holds nothing back
}

// New makes a prover. compute may be nil: then it is decide.Compute.
func New(s Snapshot, compute Compute) (*Prover, error) {
	if compute == nil {
		compute = decide.Compute
	}
	twin, err := openHanded(s.House)
	if err != nil {
		return nil, fmt.Errorf("a house that holds nothing back cannot be made: %w", err)
	}
	return &Prover{snap: s, compute: compute, rng: rand.New(rand.NewPCG(s.Seed, 0x7072_6f76)), twin: twin}, nil
}

func (p *Prover) ask(placement string) decide.Ask {
	c := p.snap.House.Charter
	return decide.Ask{Moment: person.Moment{Placement: placement, At: p.snap.Now, Now: p.snap.Now, Region: c.Brand.Region, Language: "en"}, Ceiling: person.Individual}
}

// seen is the decision as the page that asked sees it: without what was held, byte for byte.
func (p *Prover) seen(h *decide.House, m *decide.Made, a decide.Ask) (string, decide.Result) {
	res := p.compute(h, m, a)
	d := decide.Read(&res.Receipt, h, decide.Reader{Language: "en", Values: res.Values})
	raw, err := json.Marshal(d)
	if err != nil {
		return "unreadable: " + err.Error(), res
	}
	return string(raw), res
}

// judge asks tact what is held of this person at this placement, by the places of their facts and events.
func (p *Prover) judge(m *decide.Made, a decide.Ask) tact.Judgement {
	h := p.snap.House
	heads := m.Heads()
	return tact.Judge(tact.Case{Series: &h.Series, Charter: h.Charter, Placement: h.Charter.Placements[a.Moment.Placement], Moment: a.Moment, Who: heads.Who,
		Facts: heads.Facts, History: heads.History, Choices: heads.Choices, Restricted: heads.Restricted, Feedback: heads.Feedback, Complaints: heads.Complaints})
}

// copyOf is a copy of which facts, events and their lines can be changed.
func copyOf(m *decide.Made) *decide.Made {
	c := *m
	c.Facts = slices.Clone(m.Facts)
	c.History = slices.Clone(m.History)
	return &c
}

// openHanded is the house under a charter that holds nothing back: every level, source and way of learning will do. Against it
// prove tells a change that plays no part anywhere from one that was held.
func openHanded(h *decide.House) (*decide.House, error) {
	c := *h.Charter
	var all []string
	for name := range c.Purposes {
		all = append(all, name)
	}
	sort.Strings(all)
	c.Data = map[string]*charter.Datum{}
	for name, d := range h.Charter.Data {
		o := *d
		o.Level, o.Learnt, o.Quality = person.Stranger, nil, 0
		if len(o.Benefit) == 0 {
			o.Benefit = charter.Text{"": "said"}
		}
		c.Data[name] = &o
	}
	c.Events = map[string]*charter.Event{}
	for name, e := range h.Charter.Events {
		o := *e
		o.Level = person.Stranger
		if len(o.Benefit) == 0 {
			o.Benefit = charter.Text{"": "said"}
		}
		c.Events[name] = &o
	}
	c.Sources = map[string]*charter.Source{}
	for name, s := range h.Charter.Sources {
		o := *s
		o.Purposes = all
		c.Sources[name] = &o
	}
	c.Placements = map[string]*charter.Placement{}
	for name, pl := range h.Charter.Placements {
		o := *pl
		o.Tolerates, o.Holdout, o.Caps, o.NotAgainFor, o.Quiet = 100, 0, charter.Caps{}, charter.Span{}, ""
		o.Rungs = map[person.Rung]person.Level{person.Individual: person.Stranger, person.CohortRung: person.Stranger}
		c.Placements[name] = &o
	}
	return decide.NewHouse(decide.Parts{Series: charter.NewSeries(&c), Shelf: h.Shelf, Model: h.Model, ModelVersion: h.ModelVersion})
}

// unheld is the person as if nothing were held: yes to everything, expressly, and every fact told, sure and fresh.
func (p *Prover) unheld(m *decide.Made) *decide.Made {
	u := copyOf(m)
	now := p.snap.Now
	u.Restricted, u.Feedback, u.Shown, u.Complaints, u.Lost = false, nil, nil, nil, nil
	u.Who = person.Person{Root: m.Who.Root}
	u.Choices = nil
	for name := range p.snap.House.Charter.Purposes {
		u.Choices = append(u.Choices, yes(m.Who.Root, name, now, p.snap.House.Charter.Position))
	}
	sort.Slice(u.Choices, func(i, j int) bool { return u.Choices[i].Purpose < u.Choices[j].Purpose })
	for i := range u.Facts {
		u.Facts[i].Head = p.fresh(m.Who.Root, u.Facts[i].Head)
	}
	for i := range u.History {
		at := u.History[i].At
		u.History[i].Head = p.fresh(m.Who.Root, u.History[i].Head)
		if e := p.snap.House.Charter.Events[u.History[i].Name]; e != nil && !e.Retain.IsZero() && e.Retain.After(at) > now && at <= now {
			u.History[i].At = at // its own time, unless it is too old
		}
	}
	return u
}

func (p *Prover) fresh(of person.ID, h person.Head) person.Head {
	h.Of, h.Learnt, h.Quality, h.Told, h.Verified, h.Inputs = of, person.Declared, 1, true, true, nil
	h.Charter = p.snap.House.Charter.Position
	h.At, h.Received = p.snap.Now-1, p.snap.Now-1
	return h
}

// tally counts by name and says it in a fixed order: "birthday 12, diet 3".
type tally map[string]int

func (t tally) String() string {
	names := make([]string, 0, len(t))
	for n := range t {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, t[n])
	}
	return strings.Join(names, ", ")
}
