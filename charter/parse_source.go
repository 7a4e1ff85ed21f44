package charter

import (
	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/person"
)

func (r *reader) sources(a at) {
	r.c.Order.Sources = r.named(a, say("source"), plainName, plainRule, func(name string, v at) {
		s := &Source{Name: name, LearntFacts: map[string]person.Learnt{}, ConsentCategories: map[string]string{}}
		r.c.Sources[name] = s
		if name == "self" {
			r.fail(v, say(`"self" is the person's own signed session`), say("give the source another name"))
		}
		r.mapping(v,
			need("kind", func(v at) { s.Kind, _ = r.word(v, say("kind of source"), "client", "server") }),
			need("purposes", func(v at) { s.Purposes = r.purposesOf(v) }),
			need("channel", func(v at) { s.Channel = r.channel(v) }),
			allow("learnt", func(v at) { r.learnt(s, v) }),
			allow("dates", func(v at) {
				w, _ := r.word(v, say("order of day and month"), string(DayFirst), string(MonthFirst))
				s.Dates = DateOrder(w)
			}),
			allow("decimals", func(v at) {
				w, _ := r.word(v, say("sign before a fraction"), string(Point), string(Comma))
				s.Decimals = Decimals(w)
			}),
			allow("consent-categories", func(v at) {
				r.named(v, say("consent category"), anyName, anyRule, func(category string, v at) {
					if p := r.purposeName(v); p != "" {
						s.ConsentCategories[category] = p
					}
				})
			}))
		if s.Kind == "client" && (s.LearntDefault == person.Declared || anyDeclared(s.LearntFacts)) {
			r.fail(r.under(v, "learnt"), say("what a browser claims is not declared by the person"), say("leave learnt out: the person's own signed session makes a fact declared"))
		}
	})
}

func anyDeclared(m map[string]person.Learnt) bool {
	for _, l := range m {
		if l == person.Declared {
			return true
		}
	}
	return false
}

// learnt reads one word for all facts of a source, or {default: WORD, fact: WORD}.
func (r *reader) learnt(s *Source, a at) {
	way := func(v at) person.Learnt {
		w, _ := r.word(v, say("way of learning"), learntWords...)
		l, _ := person.ParseLearnt(w)
		return l
	}
	if a.node.Kind != yaml.MappingNode {
		s.LearntDefault = way(a)
		return
	}
	r.entries(a, func(name string, k, v at) {
		switch {
		case !r.hasValue(v):
		case name == "default":
			s.LearntDefault = way(v)
		case r.c.Data[name] == nil:
			r.fail(k, say("%q is no datum of this charter", clip(name)), suggest(name, r.c.Order.Data))
		default:
			s.LearntFacts[name] = way(v)
		}
	})
}

func (r *reader) retention(to *Retention) func(at) {
	return func(a at) { r.mapping(a, need("retain", func(v at) { to.Retain = r.span(v) })) }
}

func (r *reader) identity(a at) {
	i := &r.c.Identity
	i.Join = JoinNobody
	r.mapping(a,
		need("purpose", func(v at) { i.Purpose = r.purposeName(v) }),
		allow("join", func(v at) {
			i.Join, _ = r.word(v, say("answer to who is joined without being asked"), JoinSure, JoinNobody)
		}))
}

func (r *reader) teams(a at) {
	r.c.Order.Teams = r.named(a, say("team"), plainName, plainRule, func(name string, v at) {
		t := &Team{Name: name}
		r.c.Teams[name] = t
		r.mapping(v,
			need("sees", func(v at) { t.Sees, _ = r.word(v, say("view"), "cohorts", "person") }),
			need("purposes", func(v at) { t.Purposes = r.purposesOf(v) }),
			allow("categories", func(v at) {
				r.strings(v, func(s string, v at) {
					r.taxonomy(s, v, say("data category"), fidesCategories)
					t.Categories = append(t.Categories, s)
				})
			}))
		if t.Sees == "cohorts" && len(t.Categories) > 0 {
			r.fail(v, say("a team that sees cohorts sees no category of a person's data"), say("remove categories, or say sees: person"))
		}
	})
}

func (r *reader) committee(a at) {
	c := &r.c.Committee
	r.mapping(a,
		need("functions", func(v at) { r.strings(v, func(s string, _ at) { c.Functions = append(c.Functions, s) }) }),
		need("quorum", func(v at) {
			r.mapping(v,
				need("members", func(v at) { c.Quorum.Members = r.integer(v, 1, 1000) }),
				need("functions", func(v at) { c.Quorum.Functions = r.integer(v, 1, 1000) }))
		}))
	if c.Quorum.Functions > len(c.Functions) {
		r.fail(r.under(a, "quorum"), say("the quorum asks for more functions than the committee has"), say("lower quorum.functions or add functions"))
	}
	if c.Quorum.Functions > c.Quorum.Members {
		r.fail(r.under(a, "quorum"), say("the quorum asks for more functions than members"), say("one member stands for one function: raise quorum.members"))
	}
}

func (r *reader) partners(a at) {
	p := &r.c.Partners
	r.mapping(a,
		allow("privacy-a-year", func(v at) {
			r.mapping(v,
				need("epsilon", func(v at) { p.PrivacyAYear.Epsilon = r.number(v, 1e-6, 100) }),
				need("delta", func(v at) { p.PrivacyAYear.Delta = r.number(v, 0, 0.01) }))
		}),
		allow("minimum-term-notice", func(v at) { p.MinimumTermNotice = r.span(v) }),
		allow("onward-sharing", func(v at) { p.OnwardSharing, _ = r.word(v, say("rule for onward sharing"), "never", "by-agreement") }))
}
