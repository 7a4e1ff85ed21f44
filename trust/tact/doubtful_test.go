package tact

import (
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// What came by a doubtful link is held for whoever asks, on either side of it; without the doubt, none of it is.
func TestWhatCameByADoubtfulLinkIsHeld(t *testing.T) {
	s := testSeries(t)
	for _, by := range []string{"a", "d"} {
		for _, doubtful := range []bool{false, true} {
			c := usual(s, 30)
			c.Who = person.Person{Root: id("a"), Also: []person.Join{{ID: id("d"), At: on("2025-01-01"), To: id("a"), Why: "email", Doubtful: doubtful}}, By: id(by)}
			c.Facts[0].Of, c.Facts[3].Of = id("d"), id("d") // email and household
			for i := range c.Choices {
				ch := c.Choices[i]
				ch.Of = id("d")
				c.Choices = append(c.Choices, ch)
			}
			j := Judge(c)
			held := 0
			for what, part := range map[string]struct {
				heads   []person.Head
				reasons []Reason
			}{"fact": {c.Facts, j.FactReasons}, "event": {c.History, j.HistoryReasons}} {
				for i, h := range part.heads {
					switch far := doubtful && h.Of != id(by); {
					case far && part.reasons[i] == "":
						t.Errorf("asked by %s: the %s %s of the other passes", by, what, h.Name)
					case !far && part.reasons[i] == Doubtful:
						t.Errorf("asked by %s, doubtful: %v: their own %s %s is held", by, doubtful, what, h.Name)
					case part.reasons[i] == Doubtful:
						held++
					}
				}
			}
			if (held > 0) != doubtful {
				t.Errorf("asked by %s, doubtful: %v: %d are held as doubtful", by, doubtful, held)
			}
		}
	}
}

// A protective fact of somebody who may be they removes all that its rules could remove.
func TestADoubtfulLinkNeverTakesProtectionAway(t *testing.T) {
	s := testSeries(t)
	c := usual(s, 3)
	c.Who = person.Person{Root: id("a"), Also: []person.Join{{ID: id("d"), At: on("2025-01-01"), To: id("a"), Doubtful: true}}}
	for i := range c.Facts {
		if c.Facts[i].Name == "diet" || c.Facts[i].Name == "age_band" {
			c.Facts[i].Of = id("d")
		}
	}
	j := Judge(c)
	for _, name := range []string{"diet", "age_band"} {
		if sure, there := j.Protective[name]; !there || sure {
			t.Errorf("%s of who may be they: there %v, read for sure %v", name, there, sure)
		}
	}
}

func TestWhereALinkIsDoubtfulNobodySaysYesForAnother(t *testing.T) {
	s := testSeries(t)
	c := s.Current()
	say := func(of string, a consent.Answer, day string) consent.Choice {
		return consent.Choice{Of: id(of), Purpose: "personalise", Answer: a, At: on(day), Received: on(day), Verified: true, Charter: 3}
	}
	now := on("2026-02-01")
	m := person.Moment{At: now, Now: now}
	for name, k := range map[string]struct {
		choices []consent.Choice
		a, d    bool // what stands for who asked by a, and by d
	}{
		"one says yes":                     {[]consent.Choice{say("a", consent.Yes, "2026-01-01")}, true, false},
		"the other says no":                {[]consent.Choice{say("a", consent.Yes, "2026-01-01"), say("d", consent.No, "2026-01-01")}, false, false},
		"a later yes lifts no other's no":  {[]consent.Choice{say("d", consent.No, "2026-01-01"), say("a", consent.Yes, "2026-01-05")}, false, false},
		"a later yes lifts one's own no":   {[]consent.Choice{say("a", consent.No, "2026-01-01"), say("a", consent.Yes, "2026-01-05")}, true, false},
		"both say yes":                     {[]consent.Choice{say("a", consent.Yes, "2026-01-01"), say("d", consent.Yes, "2026-01-02")}, true, true},
		"who is surely they speaks for it": {[]consent.Choice{say("e", consent.Yes, "2026-01-05")}, false, true},
	} {
		who := person.Person{Root: id("a"), Also: []person.Join{{ID: id("d"), At: on("2025-01-01"), To: id("a"), Doubtful: true}, {ID: id("e"), At: on("2025-01-02"), To: id("d")}}}
		for by, want := range map[string]bool{"a": k.a, "d": k.d, "e": k.d} {
			who.By = id(by)
			if got := consent.Both(c, "personalise", who, k.choices, m).Allowed; got != want {
				t.Errorf("%s: allowed for %s: %v", name, by, got)
			}
		}
	}
}
