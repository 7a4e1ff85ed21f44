package charter

import (
	"strings"
)

func (r *reader) relationship(a at) {
	rel := &r.c.Relationship
	rule := func(to **LevelRule) func(at) {
		return func(v at) {
			l := &LevelRule{}
			*to = l
			r.mapping(v,
				allow("days-of-contact", func(v at) { l.DaysOfContact = r.integer(v, 1, 10_000) }),
				allow("tenure", func(v at) { l.Tenure = r.span(v) }),
				allow("within", func(v at) { l.Within = r.span(v) }),
				allow("told-us", func(v at) { l.ToldUs = r.integer(v, 1, 1000) }))
			if *l == (LevelRule{}) && len(v.node.Content) == 0 {
				r.note(Warning, v, say("the level has no condition: everybody has it from the first moment"), say("say what it takes, such as days-of-contact: 2"))
			}
		}
	}
	r.mapping(a,
		allow("acquaintance", rule(&rel.Acquaintance)), allow("regular", rule(&rel.Regular)), allow("confidant", rule(&rel.Confidant)),
		allow("strain", func(v at) {
			r.strings(v, func(s string, v at) {
				if st, ok := r.strain(s, v); ok {
					rel.Strain = append(rel.Strain, st)
				}
			})
		}))
}

var strainWords = []string{"complaint-open", "too-personal", "opt-out"}

// strain reads "complaint-open", "too-personal in 90d" or "opt-out in 90d".
func (r *reader) strain(s string, v at) (Strain, bool) {
	what, span, timed := strings.Cut(s, " in ")
	if !has(strainWords, what) {
		r.fail(v, say("%q is no strain that Rapport knows", clip(what)), suggest(what, strainWords))
		return Strain{}, false
	}
	st := Strain{What: what}
	switch {
	case what == "complaint-open" && timed:
		r.fail(v, say("an open complaint strains as long as it is open"), say("write complaint-open alone"))
		return Strain{}, false
	case what == "complaint-open":
		return st, true
	case !timed:
		r.fail(v, say("%q does not say for how long", what), say("write it as %s in 90d", what))
		return Strain{}, false
	}
	var err error
	if st.Within, err = ParseSpan(span); err != nil {
		r.fail(v, say("%q is no length of time", clip(span)), say("write a number and d, w, mo, y or h, such as 90d"))
		return Strain{}, false
	}
	return st, true
}

// usualSurprise stands where the charter says nothing: silence must not make everything welcome.
var usualSurprise = Surprise{Declared: 0, Observed: 0.2, Inferred: 0.6, Acquired: 0.9, OtherChannel: 0.2, ToldFactor: 0.5}

func (r *reader) surprise(a at) {
	s := &r.c.Surprise
	set := func(to *float64) func(at) {
		return func(v at) { *to = r.number(v, 0, 1) }
	}
	r.mapping(a,
		allow("declared", set(&s.Declared)), allow("observed", set(&s.Observed)), allow("inferred", set(&s.Inferred)), allow("acquired", set(&s.Acquired)),
		allow("other-channel", set(&s.OtherChannel)), allow("told-factor", set(&s.ToldFactor)))
	if s.Declared > s.Observed || s.Observed > s.Inferred || s.Inferred > s.Acquired {
		r.note(Warning, a, say("what others say surprises less than what the person said"), say("let declared, observed, inferred and acquired rise in this order"))
	}
}
