package prove

import (
	"sort"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
)

// openHanded is the house under a charter that holds nothing back: every purpose, level, source, age and way of learning will do.
// Against it prove tells a change that plays no part anywhere from one that was held. c is the charter to open, the house's own or one
// that declares more.
func openHanded(h *decide.House, from *charter.Charter) (*decide.House, error) {
	c := *from
	all := purposes(from)
	c.Data = map[string]*charter.Datum{}
	for name, d := range from.Data {
		o := *d
		o.Level, o.Learnt, o.Quality, o.Retain, o.Fades, o.OnlyAt = person.Stranger, nil, 0, forever, charter.Span{}, nil
		if !d.Protective {
			o.Purposes = all
		}
		if len(o.Benefit) == 0 {
			o.Benefit = charter.Text{"": "said"}
		}
		c.Data[name] = &o
	}
	c.Events = map[string]*charter.Event{}
	for name, e := range from.Events {
		o := *e
		o.Level, o.Purposes, o.Retain = person.Stranger, all, forever
		c.Events[name] = &o
	}
	c.Sources = map[string]*charter.Source{}
	for name, s := range from.Sources {
		o := *s
		o.Purposes = all
		c.Sources[name] = &o
	}
	c.Placements = map[string]*charter.Placement{}
	for name, pl := range from.Placements {
		o := *pl
		o.Tolerates, o.Holdout, o.Caps, o.NotAgainFor, o.Quiet = 100, 0, charter.Caps{}, charter.Span{}, ""
		o.Rungs = map[person.Rung]person.Level{person.Individual: person.Stranger, person.CohortRung: person.Stranger}
		c.Placements[name] = &o
	}
	return decide.NewHouse(decide.Parts{Series: charter.NewSeries(&c), Shelf: h.Shelf, Model: h.Model, ModelVersion: h.ModelVersion})
}

var forever = charter.Span{Years: 200}

func purposes(c *charter.Charter) []string {
	all := make([]string, 0, len(c.Purposes))
	for name := range c.Purposes {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// unheld is the person as if nothing were held: an express yes to everything, and every fact told, sure and fresh. Facts and events keep
// their places, so that a change fits both, and several facts of one name the order in which they outweigh each other, so that a change to
// one that would not be used in any case does not count.
func (p *Prover) unheld(m *decide.Made, c *charter.Charter) *decide.Made {
	u := copyOf(m)
	u.Restricted, u.Feedback, u.Shown, u.Complaints, u.Lost = false, nil, nil, nil, nil
	u.Who = person.Person{Root: m.Who.Root}
	u.Choices = nil
	for _, name := range purposes(c) {
		u.Choices = append(u.Choices, yes(m.Who.Root, name, p.snap.Now, c.Position))
	}
	for i := range u.Facts {
		u.Facts[i].Head = p.fresh(m.Who.Root, u.Facts[i].Head, c)
		for k := range m.Facts { // of several facts of a name the same one holds here as would if none of them were held
			if m.Facts[k].Name == m.Facts[i].Name && person.Outweighs(&m.Facts[k].Head, &m.Facts[i].Head) {
				u.Facts[i].At--
				u.Facts[i].Received--
			}
		}
	}
	for i := range u.History {
		at := u.History[i].At
		u.History[i].Head = p.fresh(m.Who.Root, u.History[i].Head, c)
		if at > 0 && at <= p.snap.Now {
			u.History[i].At, u.History[i].Received = at, at
		}
	}
	return u
}

// fresh is the head with nothing left to hold against it.
func (p *Prover) fresh(of person.ID, h person.Head, c *charter.Charter) person.Head {
	h.Of, h.Learnt, h.Quality, h.Told, h.Verified, h.Inputs = of, person.Declared, 1, true, true, nil
	h.Source, h.Charter = "self", c.Position
	h.At, h.Received = p.snap.Now-1, p.snap.Now-1
	return h
}

func yes(of person.ID, purpose string, now person.Instant, position int) consent.Choice {
	return consent.Choice{Of: of, Purpose: purpose, Answer: consent.Yes, At: now - 1, Received: now - 1, Explicit: true, Verified: true, Source: "self", Channel: "web", Charter: position}
}
