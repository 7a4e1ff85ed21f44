package quality

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

func TestACensusCountsEachPersonOnceInALine(t *testing.T) {
	c := &charter.Charter{
		Data:    map[string]*charter.Datum{"email": {Name: "email", Quality: 0.5}, "postcode": {Name: "postcode", Quality: 0.5, Fades: charter.Span{Years: 1}}, "region": {Name: "region", Quality: 0.5}},
		Sources: map[string]*charter.Source{"tills": {}, "bureau": {}},
	}
	now := person.At(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	head := func(name, source string, quality float64, doubts person.Doubts, years int) person.Head {
		return person.Head{Name: name, Source: source, Quality: quality, Doubts: doubts, Learnt: person.Declared, At: person.At(now.Time().AddDate(-years, 0, -1))}
	}
	inferred := head("region", "tills", 0.4, person.Guessed, 0)
	inferred.Learnt = person.Inferred
	lost := head("email", "tills", 0, 0, 0)
	lost.Unreadable = true
	s := NewCensus(c, now)
	values := [][]string{{"a", "a", "b"}, {"a", "b", "x"}, {"a"}, {"x", "y"}, {"z"}}
	for k, facts := range [][]person.Head{
		{head("email", "tills", 1, 0, 0), head("email", "tills", 0.3, person.Misspelt, 0), head("email", "bureau", 1, 0, 0)},
		{head("email", "tills", 0.1, person.Bounced, 0), head("email", "self", 1, 0, 0), head("shoe", "tills", 0, person.Role, 0)},
		{head("postcode", "bureau", 1, 0, 2)},
		{inferred, head("region", "bureau", 1, 0, 0)},
		{lost},
	} {
		s.Add(facts, func(i, j int) bool { return values[k][i] == values[k][j] })
	}
	want := map[Line]int64{
		{"tills", "email", Kept}: 2, {"tills", "email", Held}: 2, {"tills", "email", "misspelt"}: 1, {"tills", "email", "bounced"}: 1, {"tills", "email", Contradicted}: 2,
		{"bureau", "email", Kept}: 1, {"bureau", "email", Contradicted}: 1, {"self", "email", Kept}: 1, {"self", "email", Contradicted}: 1,
		{"bureau", "postcode", Kept}: 1, {"bureau", "postcode", Held}: 1, {"bureau", "postcode", Faded}: 1,
		{"tills", "region", Kept}: 1, {"tills", "region", Held}: 1, {"tills", "region", "guessed"}: 1, {"bureau", "region", Kept}: 1,
	}
	if d := cmp.Diff(want, s.Counts()); d != "" {
		t.Error(d)
	}
	for l := range want {
		if back, ok := ParseLine(l.String()); !ok || back != l {
			t.Errorf("%q is read as %v", l, back)
		}
	}
	if _, ok := ParseLine("tills"); ok {
		t.Error("a name that is no line is read as one")
	}
}
