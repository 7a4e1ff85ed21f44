package tact

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

var finder = Reader{Actor: "match", Role: "job"}

// town is a case of somebody of whom the example's charter keeps everything, for its own purpose or another.
func town(t *testing.T, purpose string) Case {
	t.Helper()
	src, ok := charter.Example("retail")
	if !ok {
		t.Fatal("the example is missing")
	}
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatal(problems)
	}
	c = c.Placed(1, 0)
	c.Identity.Purpose = purpose
	s := charter.NewSeries(c)
	out := Case{Series: &s, Charter: c, Who: person.Person{Root: id("a"), Also: []person.Join{{ID: id("b"), At: on("2025-01-01")}}}, Moment: person.Moment{At: on("2026-02-01"), Now: on("2026-02-01")}}
	for _, name := range c.Order.Data {
		out.Facts = append(out.Facts, person.Head{Of: id("a"), Name: name, Learnt: person.Declared, Source: "signup", Channel: "web", At: on("2026-01-10"), Received: on("2026-01-10"), Charter: 1, Quality: 1, Verified: true})
	}
	out.History = []person.Head{{Of: id("a"), Name: "Order Completed", Event: true, Source: "signup", At: on("2026-01-10"), Received: on("2026-01-10"), Charter: 1, Quality: 1, Verified: true}}
	return out
}

func answered(of, purpose string, a consent.Answer, at string, verified bool) consent.Choice {
	return consent.Choice{Of: id(of), Purpose: purpose, Answer: a, At: on(at), Received: on(at), Verified: verified, Charter: 1}
}

// TestWhatMayBeCompared is what says who somebody is and has the purpose, and nothing else.
func TestWhatMayBeCompared(t *testing.T) {
	for _, c := range []struct {
		name    string
		purpose string
		change  func(c *Case)
		want    string
	}{
		{"what says who they are", "service", func(*Case) {}, "[email name phone]"},
		{"for another purpose, what has that", "email", func(c *Case) { c.Choices = []consent.Choice{answered("a", "email", consent.Yes, "2026-01-01", true)} }, "[birthday email name]"},
		{"no yes where the purpose needs one", "email", func(*Case) {}, "[]"},
		{"the charter has no identity section", "", func(*Case) {}, "[]"},
		{"they restricted all use", "service", func(c *Case) { c.Restricted = true }, "[]"},
		{"they said no, though nobody can switch it off", "service", func(c *Case) { c.Choices = []consent.Choice{answered("b", "service", consent.No, "2026-01-01", true)} }, "[]"},
		{"they said no and then yes", "service", func(c *Case) {
			c.Choices = []consent.Choice{answered("a", "service", consent.No, "2026-01-01", true), answered("a", "service", consent.Yes, "2026-01-02", true)}
		}, "[email name phone]"},
		{"a browser's yes lifts no no", "service", func(c *Case) {
			c.Choices = []consent.Choice{answered("a", "service", consent.No, "2026-01-01", true), answered("a", "service", consent.Yes, "2026-01-02", false)}
		}, "[]"},
		{"a no to something else", "service", func(c *Case) {
			c.Choices = []consent.Choice{answered("a", "personalise", consent.No, "2026-01-01", true)}
		}, "[email name phone]"},
		{"what is doubtful is not compared", "service", func(c *Case) {
			for i := range c.Facts {
				if c.Facts[i].Name == "email" {
					c.Facts[i].Quality = .2
				}
			}
		}, "[name phone]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := town(t, c.purpose)
			c.change(&ask)
			j := JudgeMatching(ask, finder)
			got := j.Permit.Fields()
			if fmt.Sprint(got) != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
			for i := range ask.Facts {
				if name := ask.Facts[i].Name; j.Permit.Fact(i, name) != slices.Contains(got, name) {
					t.Errorf("%s opens: %v", name, j.Permit.Fact(i, name))
				}
			}
			if j.Permit.Event(0, "Order Completed") {
				t.Error("an event opens")
			}
			if LeftOut(ask) != (len(got) == 0) {
				t.Errorf("left out: %v", LeftOut(ask))
			}
		})
	}
	if p := JudgeMatching(town(t, "service"), Reader{Role: "privacy"}).Permit; p.Kind() != None {
		t.Error("nobody in particular reads")
	}
	if p := JudgeMatching(town(t, "service"), Reader{Actor: "ann", Role: "privacy", Team: "care"}).Permit; p.Kind() != Staff || p.Actor() != "ann" || p.Team() != "care" || !p.NeedsLook() || p.Purpose() != "service" {
		t.Errorf("%+v", p)
	}
}

// TestThePermitOfAMatchsLookOpensNothing: it names what each person's own permit may open.
func TestThePermitOfAMatchsLookOpensNothing(t *testing.T) {
	c := town(t, "service")
	p, err := ForMatching(c.Charter, "match", 5, "everybody who may be compared", on("2026-03-01"))
	if err != nil || fmt.Sprint(p.Fields()) != "[email name phone]" || p.Fact(0, "email") || !p.NeedsLook() || p.Kind() != Job {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := ForMatching(town(t, "").Charter, "match", 5, "everybody", on("2026-03-01")); err != ErrPurpose {
		t.Error(err)
	}
}
