package charter

import (
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
)

func TestSpans(t *testing.T) {
	for s, want := range map[string]Span{"12h": {Hours: 12}, "30d": {Days: 30}, "4w": {Days: 28}, "18mo": {Months: 18}, "5y": {Years: 5}, "100y": {Years: 100}} {
		got, err := ParseSpan(s)
		if err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", s, got, err, want)
		}
		if back, err := ParseSpan(got.String()); err != nil || back != got {
			t.Errorf("%s is written %s", s, got)
		}
	}
	for _, s := range []string{"", "d", "5", "5 y", "-5y", "0d", "5m", "1.5y", "101y", "9999999h", "5y6mo", "５y"} {
		if got, err := ParseSpan(s); err == nil || !got.IsZero() {
			t.Errorf("%q is read as %+v", s, got)
		}
	}
}

func TestSpanByTheCalendar(t *testing.T) {
	day := func(s string) person.Instant {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return person.At(at)
	}
	if got := (Span{Months: 18}).After(day("2026-01-15")); got != day("2027-07-15") {
		t.Errorf("18 months later it is %s", got.Time())
	}
	if got := (Span{Years: 5}).Before(day("2026-01-15")); got != day("2021-01-15") {
		t.Errorf("5 years earlier it is %s", got.Time())
	}
	for _, c := range []struct {
		a, b Span
		want bool
	}{{Span{Months: 13}, Span{Years: 1}, true}, {Span{Months: 12}, Span{Years: 1}, false}, {Span{Days: 31}, Span{Months: 1}, true}, {Span{Hours: 25}, Span{Days: 1}, true}} {
		if got := c.a.Longer(c.b); got != c.want {
			t.Errorf("%s longer than %s: %v", c.a, c.b, got)
		}
	}
}

func TestQuietHours(t *testing.T) {
	london := (&Brand{TimeZone: "Europe/London"}).Location()
	p := &Placement{Quiet: "21:00-08:00"}
	for at, want := range map[string]bool{
		"2026-01-10T20:59:00Z": false, "2026-01-10T21:00:00Z": true, "2026-01-11T07:59:00Z": true, "2026-01-11T08:00:00Z": false,
		"2026-07-10T20:00:00Z": true, "2026-07-10T07:00:00Z": false, // summer time
	} {
		i, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.IsQuiet(person.At(i), london); got != want {
			t.Errorf("quiet at %s: %v", at, got)
		}
	}
	if (&Placement{}).IsQuiet(0, london) {
		t.Error("a placement without quiet hours is never quiet")
	}
	if !(&Placement{Quiet: "late"}).IsQuiet(0, london) {
		t.Error("hours that cannot be read are quiet: doubt withholds")
	}
	day := &Placement{Quiet: "12:00-14:00"}
	if !day.IsQuiet(person.At(time.Date(2026, 1, 1, 13, 0, 0, 0, time.UTC)), london) || day.IsQuiet(person.At(time.Date(2026, 1, 1, 14, 0, 0, 0, time.UTC)), london) {
		t.Error("hours within a day begin and end on that day")
	}
}

func TestSeries(t *testing.T) {
	a, b := &Charter{Position: 1, Hash: "a"}, &Charter{Position: 3, Hash: "b"}
	one := NewSeries(a, nil, &Charter{Hash: "proposal"})
	two := one.Append(b)
	if one.Len() != 1 || one.Current() != a || one.At(3) != nil {
		t.Error("Append changed the series that it was called on")
	}
	if two.Len() != 2 || two.Current() != b || two.At(1) != a || two.At(2) != nil || two.At(0) != nil {
		t.Error("the series does not give what it was made of")
	}
	if again := two.Append(&Charter{Position: 1, Hash: "other"}); again.At(1) != a {
		t.Error("an accepted charter was replaced")
	}
	var none Series
	if none.Current() != nil || none.At(1) != nil || none.Len() != 0 {
		t.Error("the zero series has a charter")
	}
	if p := a.Placed(7, 0); p.Position != 7 || a.Position != 1 {
		t.Error("placing a charter changed it")
	}
}

func TestAllows(t *testing.T) {
	c := retail(t)
	if !c.Allows("birthday", false, "personalise") || !c.Allows("Order Completed", true, "service") {
		t.Error("what the charter gives is refused")
	}
	for _, no := range []struct {
		name    string
		event   bool
		purpose string
	}{{"birthday", false, "measure"}, {"birthday", true, "personalise"}, {"Order Completed", false, "service"}, {"shoe size", false, "service"}, {"birthday", false, ""}} {
		if c.Allows(no.name, no.event, no.purpose) {
			t.Errorf("%s is allowed for %q", no.name, no.purpose)
		}
	}
	var none *Charter
	if none.Allows("birthday", false, "personalise") {
		t.Error("a charter that is not known allows something")
	}
}
