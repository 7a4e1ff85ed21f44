package tact

import (
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// usual is a case of the usual size: a history of n events and ten facts, in a charter of three positions.
func usual(s *charter.Series, n int) Case {
	c := Case{Series: s, Charter: s.Current(), Placement: s.Current().Placements["home"], Who: person.Person{Root: id("a"), Also: []person.Join{{ID: id("d"), At: on("2025-01-01")}}}}
	c.Moment = person.Moment{At: on("2026-02-01"), Now: on("2026-02-01")}
	for _, p := range []string{"personalise", "sensitive", "protect", "email", "measure"} {
		c.Choices = append(c.Choices, consent.Choice{Of: id("a"), Purpose: p, Answer: consent.Yes, At: on("2026-01-01"), Received: on("2026-01-01"), Verified: true, Explicit: true, Charter: 3})
	}
	c.History = orders(n, "2025-02-03", "2026-01-26")
	for i := range c.History {
		if i%3 == 0 {
			c.History[i].Name, c.History[i].Source, c.History[i].Channel, c.History[i].Of = "Product Viewed", "web", "web", id("d")
		}
	}
	for _, name := range []string{"email", "name", "birthday", "household", "taste", "nickname", "tier", "allergy", "diet", "age_band"} {
		c.Facts = append(c.Facts, person.Head{Of: id("a"), Name: name, Learnt: person.Declared, Source: "signup", Channel: "web", At: on("2026-01-10"), Received: on("2026-01-10"), Charter: 3, Quality: 1, Verified: true})
	}
	return c
}

// BenchmarkJudge: a decision may spend 10 µs here with a history of a hundred.
func BenchmarkJudge(b *testing.B) {
	s := testSeries(b)
	for _, n := range []int{0, 100, 5000} {
		c := usual(s, n)
		b.Run(map[int]string{0: "none", 100: "hundred", 5000: "thousands"}[n], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Judge(c)
			}
		})
	}
}

// A longer history costs no more pieces of memory, only larger ones.
func TestJudgeAllocatesNothingForEachHead(t *testing.T) {
	s := testSeries(t)
	few, many := usual(s, 100), usual(s, 5000)
	a := testing.AllocsPerRun(20, func() { Judge(few) })
	b := testing.AllocsPerRun(20, func() { Judge(many) })
	if a > 40 || b > a+4 {
		t.Errorf("%v pieces of memory for a hundred, %v for five thousand", a, b)
	}
}
