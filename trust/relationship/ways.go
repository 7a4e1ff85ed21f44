package relationship

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Way is one thing that would change a level.
type Way struct {
	Up   bool
	What string         // reach, strain-over, away, complaint-open, too-personal or opt-out
	To   person.Level   // where it leads
	At   person.Instant // from when at the earliest (up), or when it happens by itself (away); zero when no day can be named
	Says string         // one sentence without its full stop
}

// Ways lists what would change a standing, by the charter's rules: first what would raise it, the nearest level first, then what would
// lower it. at is the time that Of was asked about. It is made of the standing's numbers alone, and so gives nothing away that they do not.
func Ways(c *charter.Charter, st Standing, at person.Instant, lang string) []Way {
	if c == nil {
		return nil
	}
	w := words{lang: lang, place: zone(c.Brand.TimeZone)}
	return append(w.up(c, &st, at), w.down(c, &st, at)...)
}

func (w words) up(c *charter.Charter, st *Standing, at person.Instant) []Way {
	var out []Way
	if st.Level < st.Reached {
		way := Way{Up: true, What: "strain-over", To: st.Reached, Says: w.next(c, st, at)}
		for _, s := range st.Strained {
			way.At = max(way.At, s.Until)
		}
		out = append(out, way)
	}
	for l := st.Reached + 1; l <= person.Confidant; l++ {
		r := rule(c, l)
		if r == nil {
			continue
		}
		m := st.missing(r, at)
		if st.Level < st.Reached && m == (missing{}) {
			continue
		}
		out = append(out, Way{Up: true, What: "reach", To: l, At: m.from, Says: string(w.wanting(nil, l, m, r))})
	}
	return out
}

func (w words) down(c *charter.Charter, st *Standing, at person.Instant) []Way {
	if st.Level == person.Stranger {
		return nil
	}
	var out []Way
	if day, to, ok := st.fall(c, at); ok {
		b := append([]byte(nil), Word(to, w.lang)...)
		b = append(b, w.in(" after ", " après le ")...)
		b = w.date(b, day)
		b = append(b, w.in(", if we do not see you before", ", si nous ne vous revoyons pas d'ici là")...)
		out = append(out, Way{What: "away", To: to, At: day, Says: string(b)})
	}
	if len(st.Strained) > 0 {
		return out // lowered already: any number of strains lower by one
	}
	for _, s := range c.Relationship.Strain {
		to := st.Level - 1
		b := append([]byte(nil), Word(to, w.lang)...)
		switch s.What {
		case "complaint-open":
			b = append(b, w.in(" while a complaint of yours is open", " tant qu'une réclamation de votre part est ouverte")...)
		case "too-personal":
			b = w.forSpan(b, s.Within)
			b = append(b, w.in(" after you say that something was too personal", " après que vous avez dit que quelque chose était trop personnel")...)
		case "opt-out":
			b = w.forSpan(b, s.Within)
			b = append(b, w.in(" after you take back a yes", " après que vous avez retiré un accord")...)
		default:
			continue
		}
		out = append(out, Way{What: s.What, To: to, Says: string(b)})
	}
	return out
}

func (w words) forSpan(b []byte, s charter.Span) []byte {
	if s.IsZero() {
		return b
	}
	return w.spanOf(append(b, w.in(" for ", " pendant ")...), s)
}

// fall says when the level sinks by itself because nobody came, and to which: the last day on which it holds.
func (st *Standing) fall(c *charter.Charter, at person.Instant) (day person.Instant, to person.Level, ok bool) {
	r := rule(c, st.Reached)
	if r == nil || r.Within.IsZero() || st.Last == 0 {
		return 0, 0, false
	}
	day = r.Within.After(st.Last)
	after := day + 1
	for l := person.Confidant; l > person.Stranger; l-- {
		if r := rule(c, l); r != nil && st.missing(r, after) == (missing{}) {
			to = l
			break
		}
	}
	for _, s := range st.Strained { // one that is over by then lowers no more
		if to > person.Stranger && (s.Until == 0 || s.Until > day) {
			to--
			break
		}
	}
	return day, to, day >= at && to < st.Level
}
