package quality

import (
	"time"

	"github.com/rapporthq/rapport/person"
)

// oldest is an age in years that one person in history passed.
const oldest = 120

// date judges a day. Days on which the clocks of programs begin, and on which forms begin, are nobody's.
func (j *Judged) date(s Setting, born bool) {
	switch j.Value {
	case "1899-12-30", "1899-12-31", "1900-01-01", "1900-01-00", "1901-01-01", "1970-01-01":
		j.Doubts |= person.Placeholder
		return
	}
	if !born {
		return
	}
	t, err := time.Parse(time.DateOnly, j.Value)
	if err != nil {
		j.Doubts |= person.Impossible
		return
	}
	if s.At != 0 {
		now := s.At.Time()
		switch {
		case t.After(now.AddDate(0, 0, 1)): // a day's grace, for the zones
			j.Doubts |= person.Impossible
		case t.Before(now.AddDate(-oldest, 0, 0)):
			j.Doubts |= person.Unlikely
		}
	}
	if j.Value[4:] == "-01-01" {
		j.Doubts |= person.Ambiguous // the first of January, or only the year
	}
}
