package charter

import (
	"github.com/rapporthq/rapport/person"
)

// Channels lists the places where a brand and a person meet: the words for channel in sources and placements.
func Channels() []string {
	return []string{"web", "app", "email", "sms", "push", "post", "phone", "call-centre", "store", "kiosk", "social", "advertising", "partner", "import"}
}

func (r *reader) channel(v at) string {
	s, _ := r.word(v, say("channel"), Channels()...)
	return s
}

func (r *reader) placements(a at) {
	r.c.Order.Placements = r.named(a, say("placement"), plainName, plainRule, func(name string, v at) {
		p := &Placement{Name: name, Items: 1, Rungs: map[person.Rung]person.Level{}}
		r.c.Placements[name] = p
		r.mapping(v,
			allow("label", func(v at) { p.Label = r.text(v) }),
			need("purpose", func(v at) { p.Purpose = r.purposeName(v) }),
			need("channel", func(v at) { p.Channel = r.channel(v) }),
			need("tolerates", func(v at) { p.Tolerates = r.number(v, 0, 1) }),
			allow("items", func(v at) { p.Items = r.integer(v, 1, 1000) }),
			allow("rungs", func(v at) {
				r.mapping(v,
					allow("individual", func(v at) { p.Rungs[person.Individual] = r.level(v) }),
					allow("cohort", func(v at) { p.Rungs[person.CohortRung] = r.level(v) }),
					allow("context", func(v at) { p.Rungs[person.Context] = r.level(v) }),
					allow("generic", func(v at) { p.Rungs[person.Generic] = r.level(v) }))
			}),
			allow("holdout", func(v at) { p.Holdout = r.number(v, 0, 1) }),
			allow("caps", func(v at) {
				r.mapping(v,
					allow("per-day", func(v at) { p.Caps.PerDay = r.integer(v, 1, 100_000) }),
					allow("per-week", func(v at) { p.Caps.PerWeek = r.integer(v, 1, 100_000) }),
					allow("per-month", func(v at) { p.Caps.PerMonth = r.integer(v, 1, 100_000) }))
			}),
			allow("not-again-for", func(v at) { p.NotAgainFor = r.span(v) }),
			allow("quiet", func(v at) {
				s, ok := r.str(v)
				if _, good := ParseHours(s); ok && !good {
					r.fail(v, say("%q are no quiet hours", clip(s)), say(`write them as "21:00-08:00"`))
					return
				}
				p.Quiet = s
			}))
	})
}

func (r *reader) terms(a at) {
	r.c.Order.Terms = r.named(a, say("term"), plainName, plainRule, func(name string, v at) {
		t := &Term{Name: name}
		r.c.Terms[name] = t
		r.mapping(v,
			need("fact", func(v at) {
				t.Fact, _ = r.word(v, say("datum of this charter"), r.c.Order.Data...)
				if d := r.c.Data[t.Fact]; d != nil && d.Protective {
					r.fail(v, say("%s is protective: it may only remove offers", t.Fact), say("use another fact, or make it a rule under protect"))
				}
			}),
			need("when", func(v at) { t.When = r.factRule(v, false) }),
			need("items", func(v at) { t.Items = r.itemRule(v) }),
			need("weight", func(v at) { t.Weight = r.number(v, -100, 100) }),
			need("placements", func(v at) { t.Placements = r.words(v, say("placement of this charter"), r.c.Order.Placements) }),
			need("says", func(v at) { t.Says = r.text(v) }))
	})
}

func (r *reader) protect(a at) {
	ids := map[string]bool{}
	r.items(a, func(_ int, v at) {
		p := &ProtectRule{}
		r.mapping(v,
			need("id", func(v at) { p.ID = r.ruleID(v, ids) }),
			allow("label", func(v at) { p.Label = r.text(v) }),
			need("remove", func(v at) { p.Remove = r.itemRule(v) }),
			need("when", func(v at) {
				if p.When = r.factRule(v, true); p.When != nil {
					p.Facts = p.When.Reads
				}
			}))
		r.c.Protect = append(r.c.Protect, p)
	})
}

func (r *reader) sensitive(a at) {
	ids := map[string]bool{}
	r.mapping(a, allow("sensitive", func(v at) {
		r.items(v, func(_ int, v at) {
			s := &SensitiveRule{}
			r.mapping(v,
				need("id", func(v at) { s.ID = r.ruleID(v, ids) }),
				allow("label", func(v at) { s.Label = r.text(v) }),
				need("where", func(v at) { s.Where = r.itemRule(v) }),
				need("purpose", func(v at) {
					s.Purpose = r.purposeName(v)
					if p := r.c.Purposes[s.Purpose]; p != nil && (!p.Explicit || p.Basis != Consent) {
						r.fail(v, say("%s does not ask for explicit consent, and what these items reveal needs it", p.Name), say("say basis: consent and explicit: true at that purpose"))
					}
				}))
			r.c.Sensitive = append(r.c.Sensitive, s)
		})
	}))
}

func (r *reader) ruleID(v at, ids map[string]bool) string {
	s, ok := r.str(v)
	switch {
	case !ok:
	case !plainName.MatchString(s):
		r.fail(v, say("%q cannot be the id of a rule", clip(s)), plainRule)
	case ids[s]:
		r.fail(v, say("the id %q is taken", s), say("give each rule its own"))
	}
	ids[s] = true
	return s
}
