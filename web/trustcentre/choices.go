package trustcentre

import (
	"slices"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/self"
)

// choices are the charter's purposes in its order, with what follows from the person's answers, and these as history, newest first.
// evidence gives what was kept of the words that were shown with the i-th choice.
func choices(c *charter.Charter, who person.Person, all []consent.Choice, evidence func(i int) consent.Evidence, paused bool, now person.Instant, lang string) []Choice {
	var out []Choice
	for _, name := range c.Order.Purposes {
		p := c.Purposes[name]
		st := consent.Of(c, name, who, all, person.Moment{At: now, Now: now, Session: true}, now)
		out = append(out, Choice{Purpose: name, Why: p.Why.In(lang, &c.Brand), Benefit: p.Benefit.In(lang, &c.Brand), Basis: p.Basis, Answer: st.Answer,
			Allowed: st.Allowed && !(paused && st.Switchable), Switchable: p.Basis.Switchable(), Explicit: p.Explicit, Because: st.Say(lang), Since: local(c, st.Since),
			Uses: uses(c, name, lang), History: said(c, name, who, all, evidence, lang)})
	}
	return out
}

// uses are the titles of what the charter lets a purpose use.
func uses(c *charter.Charter, purpose, lang string) []string {
	var out []string
	for _, n := range c.Order.Data {
		if c.Data[n].HasPurpose(purpose) {
			out = append(out, c.Data[n].Title(lang, &c.Brand))
		}
	}
	for _, n := range c.Order.Events {
		if c.Events[n].HasPurpose(purpose) {
			out = append(out, c.Events[n].Title(lang, &c.Brand))
		}
	}
	return out
}

func said(c *charter.Charter, purpose string, who person.Person, all []consent.Choice, evidence func(i int) consent.Evidence, lang string) []Said {
	var out []Said
	for _, e := range consent.History(c, purpose, who, all) {
		s := Said{When: local(c, e.At), Yes: e.Answer == consent.Yes, Meant: e.Meant.Say(lang), Channel: e.Channel, Self: e.Source == self.Source, Source: e.Source, Charter: e.Charter}
		if i := slices.Index(all, e.Choice); i >= 0 {
			s.Words = evidence(i).Words
		}
		out = append(out, s)
	}
	slices.Reverse(out)
	return out
}
