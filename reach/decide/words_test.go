package decide

import (
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

func TestReasonsInWords(t *testing.T) {
	h := toyHouse(t)
	m := somebody(h)
	says(m, "personalise", consent.Yes, false, now.Add(-days(300)))
	orders(m, "bread", 500, 48)
	orders(m, "tea", 17, 18)
	orders(m, "milk", 2)
	knows(m, "household", "2", person.Declared)
	knows(m, "birthday", "1990-11-20", person.Declared)
	a := at("home")
	a.Limit = 9
	res := Compute(h, m, a)
	text := func(lang string, values bool) map[string]bool {
		as := Reader{Language: lang}
		if values {
			as.Values = res.Values
		}
		got := map[string]bool{}
		for _, i := range Read(&res.Receipt, h, as).Items {
			for _, b := range i.Because {
				got[b.Text] = true
			}
		}
		return got
	}
	for _, c := range []struct {
		lang   string
		values bool
		want   []string
	}{
		{"en", true, []string{
			"You bought Rye bread 2 times, last on 1 October", "You bought Whole milk on 16 November", "You bought this 2 times, last on 1 November", "You bought this on 16 November",
			"Your household size: 2", "Your birthday is near.", "Popular this week",
		}},
		{"en", false, []string{"Your household size"}},
		{"fr-FR", true, []string{
			"Vous avez acheté Rye bread 2 fois, la dernière le 1er octobre", "Vous avez acheté Whole milk le 16 novembre", "Vous avez acheté ceci 2 fois, la dernière le 1er novembre",
			"taille du foyer : 2", "Votre anniversaire approche.", "Très demandé cette semaine",
		}},
		{"de", true, []string{"Popular this week"}},
	} {
		got := text(c.lang, c.values)
		for _, w := range c.want {
			if !got[w] {
				t.Errorf("%s: no reason reads %q; there are %v", c.lang, w, got)
			}
		}
	}
	if got := text("en", false); got["Your household size: 2"] {
		t.Error("a receipt's words hold a value")
	}
}

func TestWordsOfOtherEventsAndYears(t *testing.T) {
	t1, _ := tongueOf("en", nil)
	h := toyHouse(t)
	for _, c := range []struct {
		v     verb
		times int
		ago   int
		want  string
	}{
		{boughtIt, 1, 400, "You bought NAMED on 14 October 2025"},
		{lookedAt, 1, 1, "You looked at NAMED on 17 November"},
		{lookedAt, 3, 1, "You looked at NAMED 3 times, last on 17 November"},
		{didIt, 1, 1, "Looks: NAMED on 17 November"},
		{boughtIt, 0, -1, "You bought NAMED"},
	} {
		last := now.Add(-days(c.ago))
		if c.ago < 0 {
			last = 0
		}
		if got := t1.taken(c.v, "Looks", "NAMED", c.times, last, now, h.place); got != c.want {
			t.Errorf("%q, expected %q", got, c.want)
		}
	}
	if v := verbOf(h.Charter, "Product Viewed"); v != lookedAt {
		t.Errorf("looking is verb %d", v)
	}
	if v := verbOf(h.Charter, "gone"); v != didIt {
		t.Errorf("an unknown event is verb %d", v)
	}
	// A name with the words of a place in it is not filled in again.
	if got := t1.taken(boughtIt, "", "DATE of NAME", 1, now, now, h.place); got != "You bought DATE of NAME on 18 November" {
		t.Errorf("%q", got)
	}
}

func TestEveryTongueSaysEverything(t *testing.T) {
	for lang, w := range tongues {
		for what, s := range map[string]string{
			"popular": w.popular, "fact": w.fact, "factValue": w.factValue, "catalogue": w.catalogue, "rest": w.rest, "seen": w.movedSeen, "elsewhere": w.movedElsewhere,
			"unwanted": w.movedUnwanted, "quiet": w.short(ShortQuiet), "cap": w.short(ShortCap), "already": w.short(ShortAlready), "nothing": w.short(ShortNothing), "fault": w.short(ShortFault),
			"thing": w.thing, "bought": w.boughtTimes, "looked": w.lookedTimes, "did": w.didTimes,
		} {
			if strings.TrimSpace(s) == "" {
				t.Errorf("%s has no words for %s", lang, what)
			}
		}
	}
}
