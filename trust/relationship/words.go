package relationship

import (
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// words makes the sentences. They rest on the numbers of a Standing alone.
type words struct {
	lang  string
	place *time.Location
}

func (w words) french() bool { return w.lang == "fr" || strings.HasPrefix(w.lang, "fr-") }

// in picks the English or the French text.
func (w words) in(en, fr string) string {
	if w.french() {
		return fr
	}
	return en
}

// Word is a level as people read it, with its article: "a regular", "un habitué".
func Word(l person.Level, lang string) string {
	w := words{lang: lang}
	switch l {
	case person.Acquaintance:
		return w.in("an acquaintance", "une connaissance")
	case person.Regular:
		return w.in("a regular", "un habitué")
	case person.Confidant:
		return w.in("a confidant", "un confident")
	}
	return w.in("a stranger", "un inconnu")
}

// because says how the level came about: "14 visits over 8 months, the last 6 days ago; lowered once because a complaint is open".
func (w words) because(c *charter.Charter, st *Standing, first, last, today int64) string {
	b := make([]byte, 0, 128)
	switch {
	case st.Days == 0:
		b = append(b, w.in("no visits yet", "aucune visite encore")...)
	case st.Days == 1:
		b = append(b, w.in("1 visit, ", "1 visite, ")...)
		b = w.ago(b, today-last)
	default:
		b = strconv.AppendInt(b, int64(st.Days), 10)
		if today-first <= 1 {
			b = append(b, w.in(" visits since yesterday", " visites depuis hier")...)
		} else {
			b = append(b, w.in(" visits over ", " visites en ")...)
			b = w.span(b, today-first)
		}
		b = append(b, w.in(", the last ", ", la dernière ")...)
		b = w.ago(b, today-last)
	}
	if r := rule(c, st.Reached); r != nil && r.ToldUs > 0 {
		b = append(b, w.in(", and you told us ", ", et vous nous avez dit ")...)
		b = w.things(b, st.ToldUs)
	}
	if st.Level < st.Reached {
		b = append(b, w.in("; lowered once because ", " ; abaissé une fois parce ")...)
		for i, s := range st.Strained {
			if i > 0 {
				b = append(b, w.in(" and ", " et ")...)
			}
			switch s.What {
			case "complaint-open":
				b = append(b, w.in("a complaint is open", "qu'une réclamation est ouverte")...)
			case "too-personal":
				b = append(b, w.in("something was too personal", "que quelque chose était trop personnel")...)
			case "opt-out":
				b = append(b, w.in("you opted out of something", "que vous avez refusé un usage")...)
			}
		}
	}
	return string(b)
}

// next says what would change the level: "a regular after 3 more visits, not before 3 March 2012".
func (w words) next(c *charter.Charter, st *Standing, at person.Instant) string {
	b := make([]byte, 0, 128)
	if st.Level < st.Reached {
		b = append(b, Word(st.Reached, w.lang)...)
		b = append(b, w.in(" again", " de nouveau")...)
		var until person.Instant
		open := false
		for _, s := range st.Strained {
			open = open || s.What == "complaint-open"
			until = max(until, s.Until)
		}
		if open {
			b = append(b, w.in(" once the complaint is closed", " dès que la réclamation est close")...)
		}
		switch {
		case until > 0 && open:
			b = append(b, w.in(", and not before ", ", et pas avant le ")...)
			b = w.date(b, until)
		case until > 0:
			b = append(b, w.in(" after ", " après le ")...)
			b = w.date(b, until)
		}
		return string(b)
	}
	for l := st.Level + 1; l <= person.Confidant; l++ {
		if r := rule(c, l); r != nil {
			return string(w.wanting(b, l, st.missing(r, at), r))
		}
	}
	r := rule(c, st.Level)
	if r == nil || r.Within.IsZero() || st.Last == 0 {
		return w.in("nothing higher is offered", "il n'y a pas de niveau plus élevé")
	}
	b = append(b, Word(st.Level, w.lang)...)
	b = append(b, w.in(" until ", " jusqu'au ")...)
	b = w.date(b, r.Within.After(st.Last))
	b = append(b, w.in(", and longer with each visit", ", et plus longtemps à chaque visite")...)
	return string(b)
}

// wanting says what a level still asks for.
func (w words) wanting(b []byte, l person.Level, m missing, r *charter.LevelRule) []byte {
	b = append(b, Word(l, w.lang)...)
	sep := w.in(" after ", " après ")
	more := func(n int, en, ens, fr, frs string) {
		if n == 0 {
			return
		}
		b = append(b, sep...)
		sep = w.in(" and ", " et ")
		b = strconv.AppendInt(b, int64(n), 10)
		if n == 1 {
			b = append(b, w.in(en, fr)...)
		} else {
			b = append(b, w.in(ens, frs)...)
		}
	}
	days := m.days
	if m.again && days == 0 {
		days = 1
	}
	more(days, " more visit", " more visits", " visite de plus", " visites de plus")
	more(m.tell, " more thing that you tell us", " more things that you tell us", " chose de plus que vous nous dites", " choses de plus que vous nous dites")
	switch {
	case m.tenure && m.from != 0:
		if m.days == 0 && m.tell == 0 && !m.again {
			b = append(b, w.in(" from ", " à partir du ")...)
		} else {
			b = append(b, w.in(", not before ", ", pas avant le ")...)
		}
		b = w.date(b, m.from)
	case m.tenure:
		b = append(b, w.in(", not before ", ", pas avant ")...)
		b = w.spanOf(b, r.Tenure)
		b = append(b, w.in(" after the first", " après la première")...)
	case m == (missing{}): // a level under one that is strained or without conditions: reached at the next look
		b = append(b, w.in(" at the next visit", " à la prochaine visite")...)
	}
	return b
}

// unit is a length of time in its largest fitting unit, rounded down.
func (w words) unit(days int64) (n int64, word string) {
	switch {
	case days < 14:
		return days, w.in("days", "jours")
	case days < 61:
		return days / 7, w.in("weeks", "semaines")
	case days < 730:
		return int64(float64(days) / 30.4375), w.in("months", "mois")
	}
	return int64(float64(days) / 365.25), w.in("years", "ans")
}

func (w words) span(b []byte, days int64) []byte {
	n, unit := w.unit(days)
	b = strconv.AppendInt(b, max(n, 1), 10)
	b = append(b, ' ')
	return append(b, unit...)
}

func (w words) ago(b []byte, days int64) []byte {
	switch {
	case days <= 0:
		return append(b, w.in("today", "aujourd'hui")...)
	case days == 1:
		return append(b, w.in("yesterday", "hier")...)
	case w.french():
		return w.span(append(b, "il y a "...), days)
	}
	return append(w.span(b, days), " ago"...)
}

func (w words) things(b []byte, n int) []byte {
	b = strconv.AppendInt(b, int64(n), 10)
	if n == 1 {
		return append(b, w.in(" thing", " chose")...)
	}
	return append(b, w.in(" things", " choses")...)
}

// spanOf writes a span of the charter in words.
func (w words) spanOf(b []byte, s charter.Span) []byte {
	sep := ""
	for _, p := range [...]struct {
		n          int
		one, many  string
		un, autres string
	}{
		{s.Years, " year", " years", " an", " ans"}, {s.Months, " month", " months", " mois", " mois"},
		{s.Days, " day", " days", " jour", " jours"}, {s.Hours, " hour", " hours", " heure", " heures"},
	} {
		if p.n == 0 {
			continue
		}
		b = append(b, sep...)
		sep = w.in(" and ", " et ")
		b = strconv.AppendInt(b, int64(p.n), 10)
		if p.n == 1 {
			b = append(b, w.in(p.one, p.un)...)
		} else {
			b = append(b, w.in(p.many, p.autres)...)
		}
	}
	return b
}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// date writes the day of an instant at the brand's place: "3 March 2012".
func (w words) date(b []byte, i person.Instant) []byte {
	y, m, d := i.Time().In(w.place).Date()
	b = strconv.AppendInt(b, int64(d), 10)
	b = append(b, ' ')
	b = append(b, w.in(m.String(), frenchMonths[m-1])...)
	b = append(b, ' ')
	return strconv.AppendInt(b, int64(y), 10)
}
