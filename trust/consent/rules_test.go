package consent

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

// What must hold of every history of choices, whatever it is.

var switchable = []string{"personalise", "email", "measure", "profile", "sensitive"}

func drawTime(r *rapid.T, what string) person.Instant {
	days := rapid.IntRange(0, 1500).Draw(r, what)
	return person.At(time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days))
}

func drawChoice(r *rapid.T, of []string, purpose string) Choice {
	at := drawTime(r, "at")
	return Choice{
		Of: id(rapid.SampledFrom(of).Draw(r, "of")), Purpose: purpose, Answer: rapid.SampledFrom([]Answer{Unanswered, No, Yes}).Draw(r, "answer"),
		At: at, Received: at.Add(time.Duration(rapid.IntRange(-3, 3).Draw(r, "late")) * 24 * time.Hour), Explicit: rapid.Bool().Draw(r, "explicit"),
		Verified: rapid.Bool().Draw(r, "verified"), Signal: rapid.IntRange(0, 5).Draw(r, "signal") == 0, Charter: rapid.IntRange(0, 4).Draw(r, "charter"),
	}
}

func drawPerson(r *rapid.T, names []string) person.Person {
	p := person.Person{Root: id(names[0])}
	for _, n := range names[1:rapid.IntRange(1, len(names)).Draw(r, "pseudonyms")] {
		p.Also = append(p.Also, person.Join{ID: id(n), At: drawTime(r, "joined")})
	}
	return p
}

func drawMoment(r *rapid.T, names []string) person.Moment {
	return person.Moment{At: drawTime(r, "moment"), Now: drawTime(r, "now"), GPC: rapid.IntRange(0, 4).Draw(r, "gpc") == 0, Device: id(rapid.SampledFrom(append([]string{""}, names...)).Draw(r, "device"))}
}

type drawn struct {
	purpose string
	who     person.Person
	choices []Choice
	moment  person.Moment
}

func draw(r *rapid.T) drawn {
	names := []string{"a", "b", "c", "d"}
	d := drawn{purpose: rapid.SampledFrom(switchable).Draw(r, "purpose"), who: drawPerson(r, names), moment: drawMoment(r, names)}
	for range rapid.IntRange(0, 8).Draw(r, "n") {
		d.choices = append(d.choices, drawChoice(r, names, d.purpose))
	}
	return d
}

func (d drawn) both(c *charter.Charter) Standing {
	return Both(c, d.purpose, d.who, d.choices, d.moment)
}

func TestAddingANoNeverAllowsMore(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		before := d.both(c)
		no := drawChoice(r, []string{"a", "b", "c", "d"}, d.purpose)
		no.Answer = No
		d.choices = append(d.choices, no)
		after := d.both(c)
		if after.Allowed && !before.Allowed {
			r.Fatalf("a no allowed what was not: %+v", no)
		}
		if after.Explicit && !before.Explicit {
			r.Fatalf("a no made it explicit: %+v", no)
		}
		if after.Charter > before.Charter {
			r.Fatalf("a no brought newer words: %+v", no)
		}
	})
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		want := d.both(c)
		d.choices = rapid.Permutation(d.choices).Draw(r, "order")
		if got := d.both(c); got != want {
			r.Fatalf("%+v, in another order %+v", want, got)
		}
	})
}

func TestBothIsBoth(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		at := Of(c, d.purpose, d.who, d.choices, d.moment, d.moment.At)
		now := Of(c, d.purpose, d.who, d.choices, d.moment, d.moment.Now)
		if got := d.both(c); got.Allowed != (at.Allowed && now.Allowed) || got.Explicit && !(at.Explicit && now.Explicit) {
			r.Fatalf("at %+v, now %+v, both %+v", at, now, got)
		}
		if d.moment.Now >= d.moment.At || d.saysNoAfter(d.moment.Now) {
			return // a no from after the clock was said before the clock went back: it stands there, and may be answered by a later yes
		}
		// Swapped, the clock lets more choices be known, but both times are asked about all the same.
		d.moment.At, d.moment.Now = d.moment.Now, d.moment.At
		if d.both(c).Allowed && !now.Allowed {
			r.Fatalf("an earlier clock allowed less at %+v", at)
		}
	})
}

func (d drawn) saysNoAfter(t person.Instant) bool {
	return slices.ContainsFunc(d.choices, func(c Choice) bool { return c.Answer == No && c.when() > t })
}

func TestTimeAloneOnlyTakesAway(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		from, to := d.moment.At, d.moment.Now
		if from > to {
			from, to = to, from
		}
		var kept []Choice
		for _, ch := range d.choices {
			if w := ch.when(); w <= from || w > to {
				kept = append(kept, ch)
			}
		}
		m := d.moment
		m.Now = to
		if Of(c, d.purpose, d.who, kept, m, to).Allowed && !Of(c, d.purpose, d.who, kept, m, from).Allowed {
			r.Fatal("nobody said anything, and yet more is allowed later")
		}
	})
}

func TestClaimsGrantNothingForAKnownPerson(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		if len(d.who.Also) == 0 {
			d.who.Also = []person.Join{{ID: id("b"), At: drawTime(r, "joined")}}
		}
		var verified []Choice
		for _, ch := range d.choices {
			if ch.Verified && !ch.Signal {
				verified = append(verified, ch)
			}
		}
		if d.both(c).Allowed && !Both(c, d.purpose, d.who, verified, d.moment).Allowed {
			r.Fatal("claims allowed what the person's own answers do not")
		}
	})
}

func TestMergingNeverWidens(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		d.choices = nil
		last := drawTime(r, "join")
		for range rapid.IntRange(0, 8).Draw(r, "n") {
			ch := drawChoice(r, []string{"a", "b"}, d.purpose)
			if ch.when() < last && ch.At < last {
				d.choices = append(d.choices, ch)
			}
		}
		one, other := person.Person{Root: id("a")}, person.Person{Root: id("b")}
		d.who = person.Person{Root: id("a"), Also: []person.Join{{ID: id("b"), At: last}}}
		d.moment.Device = rapid.SampledFrom([]person.ID{id("a"), id("b")}).Draw(r, "device")
		// What either forbids on this device, the merged person forbids: what a browser claims or signals binds its own device, so the
		// other device's claims are set aside.
		var here []Choice
		for _, ch := range d.choices {
			if !ch.claim() || ch.Of == d.moment.Device {
				here = append(here, ch)
			}
		}
		for _, at := range []person.Instant{d.moment.At, d.moment.Now} { // one time: over two, each may answer for one
			merged := Of(c, d.purpose, d.who, d.choices, d.moment, at)
			a, b := Of(c, d.purpose, one, here, d.moment, at), Of(c, d.purpose, other, here, d.moment, at)
			if merged.Allowed && (a.Answer == No || b.Answer == No) {
				r.Fatalf("a %+v\nb %+v\nmerged %+v", a, b, merged)
			}
			if merged.Allowed && !a.Allowed && !b.Allowed {
				r.Fatalf("neither allowed, together they do: %+v %+v", a, b)
			}
		}
	})
}

func TestASplitLeavesNoSideWiderThanItSaid(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		d := draw(r)
		d.moment.GPC = false
		d.who = person.Person{Root: id("a"), Also: []person.Join{{ID: id("b"), At: drawTime(r, "joined")}}}
		copies := ForSplit(d.who, []person.ID{id("b")}, d.choices)
		all := append(append([]Choice(nil), d.choices...), copies...)
		for _, side := range []person.ID{id("a"), id("b")} {
			if !Both(c, d.purpose, person.Person{Root: side}, all, d.moment).Allowed {
				continue
			}
			for _, no := range d.choices {
				// Every no given while merged was answered since by this side itself.
				if no.Answer != No || no.claim() || !d.who.Has(no.Of) || no.when() < d.who.Also[0].At || no.when() > min(d.moment.At, d.moment.Now) {
					continue
				}
				answered := false
				for _, yes := range d.choices {
					answered = answered || yes.Answer == Yes && yes.Of == side && !yes.claim() && yes.when() > no.when()
				}
				if !answered {
					r.Fatalf("the side forgot a no given while merged: %+v", no)
				}
			}
		}
	})
}

func TestNothingIsAllowedWithoutAClock(t *testing.T) {
	c := testCharter(t)
	yes := []Choice{{Of: id("a"), Purpose: "personalise", Answer: Yes, At: 1, Received: 1, Verified: true}}
	if Both(c, "personalise", person.Person{Root: id("a")}, yes, person.Moment{}).Allowed {
		t.Error("a yes counted at no time")
	}
	no := []Choice{{Of: id("a"), Purpose: "measure", Answer: No, Verified: true}}
	if Both(c, "measure", person.Person{Root: id("a")}, no, person.Moment{}).Allowed {
		t.Error("a no without a time did not count")
	}
	if Of(nil, "personalise", person.Person{}, yes, person.Moment{Now: 5}, 5).Allowed || (Standing{}).Allowed {
		t.Error("no charter, and yet allowed")
	}
}

func BenchmarkOf(b *testing.B) {
	c := testCharter(b)
	p := person.Person{Root: id("a"), Also: []person.Join{{ID: id("b"), At: 5}, {ID: id("c"), At: 6}}}
	var all []Choice
	for i := range 12 {
		all = append(all, Choice{Of: id(string(rune('a' + i%3))), Purpose: switchable[i%len(switchable)], Answer: Yes, At: person.Instant(10 + i), Verified: true, Explicit: true})
	}
	m := person.Moment{At: 100, Now: 200}
	b.ReportAllocs()
	for b.Loop() {
		Both(c, "personalise", p, all, m)
	}
}

func TestWhoChangesTheirMindIsCountedOnceADay(t *testing.T) {
	day := person.Instant(20_000 * 86_400_000_000)
	yes := Choice{Purpose: "email", Answer: Yes, Received: day}
	for what, c := range map[string]struct {
		c    Choice
		want bool
	}{
		"again":           {Choice{Purpose: "email", Answer: Yes, Received: day + 86_399_999_999}, false},
		"the next day":    {Choice{Purpose: "email", Answer: Yes, Received: day + 86_400_000_000}, true},
		"the other way":   {Choice{Purpose: "email", Answer: No, Received: day}, true},
		"another purpose": {Choice{Purpose: "measure", Answer: Yes, Received: day}, true},
	} {
		if First([]Choice{yes}, c.c) != c.want {
			t.Errorf("%s: not %v", what, c.want)
		}
	}
}

// An answer speaks for another pseudonym only when it was given after the two had become one person: not when each had been joined to somebody before.
func TestAnAnswerSpeaksForThoseWhoWereTheyByThen(t *testing.T) {
	c := testCharter(t)
	who := person.Person{Root: id("a"), Also: []person.Join{{ID: id("c"), At: 10, To: id("b")}, {ID: id("b"), At: 100, To: id("a")}}}
	say := func(of string, a Answer, at person.Instant) Choice {
		return Choice{Of: id(of), Purpose: "personalise", Answer: a, At: at, Received: at, Verified: true, Explicit: true, Charter: 1}
	}
	m := person.Moment{At: 1000, Now: 1000}
	for name, k := range map[string]struct {
		choices []Choice
		want    bool
	}{
		"a yes of somebody else then": {[]Choice{say("c", No, 5), say("a", Yes, 50)}, false},
		"a yes since they are one":    {[]Choice{say("c", No, 5), say("a", Yes, 150)}, true},
		"a yes of who was they":       {[]Choice{say("c", No, 5), say("b", Yes, 50)}, true},
		"a yes before":                {[]Choice{say("c", No, 5), say("b", Yes, 9)}, false},
	} {
		if got := Of(c, "personalise", who, k.choices, m, 1000); got.Allowed != k.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
