package relationship

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Say makes the sentences of a standing anew from its numbers, for a receipt that is read later or in another language: at is
// the time that Of was asked about, and with the same lang the sentences are Of's own.
func Say(c *charter.Charter, st Standing, at person.Instant, lang string) Standing {
	if c == nil {
		st.Because, st.Next = "", ""
		return st
	}
	day := calendar{place: zone(c.Brand.TimeZone)}
	w := words{lang: lang, place: day.place}
	st.Because = w.because(c, &st, day.of(st.First), day.of(st.Last), day.of(at))
	st.Next = w.next(c, &st, at)
	return st
}
