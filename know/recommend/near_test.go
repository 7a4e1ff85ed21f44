package recommend

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/person"
)

// kitchens are forty people: nearly all take bananas; half take paper, and of these more take towels than of the others; salt has no company.
func kitchens() []History {
	var hs []History
	for i := range 40 {
		var h History
		take := func(id string, yes bool) {
			if yes {
				h.Taken = append(h.Taken, Taken{Item: id, When: make([]person.Instant, 1)})
			}
		}
		take("bananas", i%10 != 9) // 36
		take("paper", i < 20)
		take("towels", i < 11 || i >= 30 && i < 34) // 15, 11 of them with paper
		take("salt", i%2 == 1)                      // 20, 10 of them with paper
		hs = append(hs, h)
	}
	return hs
}

func TestWhatEverybodyTakesGoesWithNothing(t *testing.T) {
	m, _ := learn(t, kitchens(), Options{K: 5, Fixed: &Fixed{Lambda: 1}})
	weight := map[string]float64{}
	for _, other := range []string{"bananas", "towels", "salt"} {
		for _, p := range m.Explain(Input{Taken: []Taken{{Item: "paper", When: make([]person.Instant, 1)}}}, other) {
			weight[other] += p.Weight
		}
	}
	if weight["bananas"] <= weight["towels"] {
		t.Fatalf("the weights are %v, so that this tests nothing", weight)
	}
	got := m.Neighbours("paper")
	// 40 people, 20 and 15, 11 both: (40·11 − 20·15) / √(20·20·15·25), shrunk by 11/(11+5).
	want := 140 / math.Sqrt(20*20*15*25) * 11 / 16
	if len(got) != 1 || got[0].Item != "towels" || math.Abs(got[0].Near-want) > 1e-9 {
		t.Errorf("paper goes with %v, want towels alone at %v: bananas and salt say nothing of it", got, want)
	}
	if of := m.Neighbours("towels"); len(of) == 0 || of[0].Item != "paper" || of[0].Near != got[0].Near {
		t.Errorf("near is not the same from both sides: %v and %v", of, got)
	}
}

func TestFewTogetherSayLessThanMany(t *testing.T) {
	var hs []History
	add := func(n int, items ...string) {
		for range n {
			var h History
			for _, id := range items {
				h.Taken = append(h.Taken, Taken{Item: id, When: make([]person.Instant, 1)})
			}
			hs = append(hs, h)
		}
	}
	add(5, "a", "few") // always together, in few
	add(95, "a", "many")
	add(5, "many")
	add(100, "other")
	m, _ := learn(t, hs, Options{K: 5, Fixed: &Fixed{Lambda: 1}})
	var order []string
	for _, n := range m.Neighbours("a") {
		order = append(order, n.Item)
	}
	if !slices.Equal(order, []string{"many", "few"}) {
		t.Errorf("a goes with %v", order)
	}
	if near := m.Neighbours("few")[0].Near; near > 0.5*phi(5, 100, 5, 205)+1e-9 {
		t.Errorf("what k people took together counts %v: half of it is doubt", near)
	}
}

// TestAModelOfTheFirstVersionIsRead has no count of all people: its most popular item stands for them.
func TestAModelOfTheFirstVersionIsRead(t *testing.T) {
	m, _ := learn(t, kitchens(), Options{K: 5, Fixed: &Fixed{Lambda: 1}})
	raw := bytesOf(t, m)
	old := append([]byte(firstOne), raw[len(magic):len(raw)-5]...) // without the count, one byte, and the sum
	old = sealed(append(old, 0, 0, 0, 0))
	var back Model
	if err := back.UnmarshalBinary(old); err != nil {
		t.Fatal(err)
	}
	if m.all != 40 || back.all != 0 || back.everybody() != 36 {
		t.Errorf("of 40 people the first version has %d, counted as %d", back.all, back.everybody())
	}
	if got := fmt.Sprint(back.Neighbours("paper")[0].Item); got != "towels" {
		t.Errorf("paper goes with %s", got)
	}
	if err := new(Model).UnmarshalBinary(bytesOf(t, &back)); err != nil {
		t.Errorf("written again it is no model: %v", err)
	}
	few := slices.Clone(raw)
	few[len(few)-5] = 3
	if new(Model).UnmarshalBinary(sealed(few)) == nil {
		t.Error("a model is read in which more people took an item than there are")
	}
}
