// Package relationship says how well a brand and a person know each other: Of gives the level by the charter's rules,
// with one sentence that explains it and one that says what would change it.
//
// It is pure: the same evidence at the same time gives the same level and the same words. It judges nothing: whoever calls
// it leaves out the contacts and facts that may not be used, so that neither level nor words give them away.
package relationship

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Evidence is what the level rests on. What is later than the time asked about is left out of account.
type Evidence struct {
	Contacts   []person.Instant // when the person dealt with the brand; any order, many a day
	ToldUs     int              // how many facts the person chose to tell, by the time asked about
	Feedback   []person.Feedback
	Complaints []person.Complaint
	OptOuts    []person.Instant // when the person took back a yes or objected
}

// Standing is a level and what led to it. The zero Standing is a stranger.
type Standing struct {
	Level    person.Level
	Because  string         // one sentence without its full stop: "14 visits over 8 months, the last 6 days ago"
	Next     string         // one sentence without its full stop: what would change it
	Reached  person.Level   // before strain
	Days     int            // distinct days of contact, in the brand's time zone
	First    person.Instant // first contact, zero when there was none
	Last     person.Instant // last contact, zero when there was none
	ToldUs   int
	Strained []Strained // what strains the relationship now; any number of strains lower the level by one
}

// Strained is one strain that is in force.
type Strained struct {
	What  string         // complaint-open, too-personal or opt-out
	Until person.Instant // the last instant of it; zero while nobody can say (an open complaint)
}

// Of gives the level at a time, by the charter's rules: the highest level whose conditions all hold, lowered by one while
// anything strains it. Conditions: distinct days of contact, in the brand's time zone; tenure since the first contact; the last
// contact not longer ago than within; facts told. A level without a rule is never reached, and without a charter everybody is a stranger.
// More contacts or more facts told never lower it. lang is the language of the sentences: fr, or else English.
func Of(c *charter.Charter, e Evidence, at person.Instant, lang string) Standing {
	if c == nil {
		return Standing{}
	}
	return Say(c, Reach(c, e, at), at, lang)
}

// Reach is Of without the sentences, for those who ask more than once.
func Reach(c *charter.Charter, e Evidence, at person.Instant) Standing {
	if c == nil {
		return Standing{}
	}
	st := Standing{ToldUs: e.ToldUs}
	st.contacts(e.Contacts, at, &calendar{place: zone(c.Brand.TimeZone)})
	for l := person.Confidant; l > person.Stranger; l-- {
		if r := rule(c, l); r != nil && st.missing(r, at) == (missing{}) {
			st.Reached = l
			break
		}
	}
	st.Strained = strains(c, e, at)
	st.Level = st.Reached
	if len(st.Strained) > 0 && st.Level > person.Stranger {
		st.Level--
	}
	return st
}

// contacts counts the distinct days up to a time. History comes sorted as a rule, and then costs no memory.
func (st *Standing) contacts(all []person.Instant, at person.Instant, day *calendar) {
	var days []int64 // only when out of order
	last := int64(0)
	sorted := true
	for i, t := range all {
		if t == 0 || t > at {
			continue
		}
		if st.Last == 0 || t > st.Last {
			st.Last = t
		}
		if st.First == 0 || t < st.First {
			st.First = t
		}
		d := day.of(t)
		switch {
		case !sorted:
			days = append(days, d)
		case st.Days == 0 || d > last:
			st.Days, last = st.Days+1, d
		case d < last:
			sorted = false
			days = make([]int64, 0, len(all))
			for _, u := range all[:i+1] {
				if u != 0 && u <= at {
					days = append(days, day.of(u))
				}
			}
		}
	}
	if !sorted {
		st.Days = distinct(days)
	}
}

// missing is what a level still asks for; the zero value is nothing.
type missing struct {
	days   int            // further days of contact
	tenure bool           // the first contact is not long enough ago
	from   person.Instant // when it will be, zero when there was no contact
	again  bool           // the last contact is too long ago
	tell   int            // further facts told
}

func (st *Standing) missing(r *charter.LevelRule, at person.Instant) missing {
	m := missing{days: max(0, r.DaysOfContact-st.Days), tell: max(0, r.ToldUs-st.ToldUs)}
	if !r.Tenure.IsZero() {
		if st.Days == 0 {
			m.tenure = true
		} else if from := r.Tenure.After(st.First); from > at {
			m.tenure, m.from = true, from
		}
	}
	if !r.Within.IsZero() {
		m.again = st.Days == 0 || r.Within.After(st.Last) < at
	}
	return m
}

func rule(c *charter.Charter, l person.Level) *charter.LevelRule {
	switch l {
	case person.Acquaintance:
		return c.Relationship.Acquaintance
	case person.Regular:
		return c.Relationship.Regular
	case person.Confidant:
		return c.Relationship.Confidant
	}
	return nil
}

// strains lists what strains the relationship at a time, in the charter's order.
func strains(c *charter.Charter, e Evidence, at person.Instant) []Strained {
	var out []Strained
	for _, s := range c.Relationship.Strain {
		var last person.Instant
		found := false
		see := func(t person.Instant) {
			if t <= at && (s.Within.IsZero() || s.Within.After(t) >= at) {
				found, last = true, max(last, t)
			}
		}
		switch s.What {
		case "complaint-open":
			for _, k := range e.Complaints {
				if k.Opened <= at && (k.Closed == 0 || k.Closed > at) {
					found = true
				}
			}
		case "too-personal":
			for i := range e.Feedback {
				if e.Feedback[i].Kind == person.TooPersonal {
					see(e.Feedback[i].At)
				}
			}
		case "opt-out":
			for _, t := range e.OptOuts {
				see(t)
			}
		}
		if !found {
			continue
		}
		x := Strained{What: s.What}
		if s.What != "complaint-open" && !s.Within.IsZero() {
			x.Until = s.Within.After(last)
		}
		out = append(out, x)
	}
	return out
}
