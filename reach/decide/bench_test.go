package decide

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/consent"
)

// grocer is a shop of a real one's size: 4,000 products that can be ranked, of which some hundred go together.
type grocer struct {
	items []catalogue.Item
	model *recommend.Model
}

var theGrocer = sync.OnceValue(func() *grocer {
	r := rand.New(rand.NewPCG(1, 2))
	g := &grocer{}
	for i := range 4000 {
		it := catalogue.Item{Item: charter.Item{ID: fmt.Sprintf("%05d", i), Name: fmt.Sprintf("Product %d", i), Category: "dry goods"}}
		switch i % 50 {
		case 0:
			it.Category = "alcohol"
		case 1:
			it.Tags = []string{"sweets"}
		case 2:
			it.Type = "PREGNANCY TEST KITS"
		case 3:
			it.Tags = []string{"cake"}
		}
		g.items = append(g.items, it)
	}
	shelf := catalogue.NewShelf(g.items, nil, 1)
	people := func(yield func(recommend.History) bool) {
		for range 300 {
			var h recommend.History
			taken := map[int]bool{}
			aisle := r.IntN(20)
			for range 120 {
				i := int(r.ExpFloat64()*200) % 4000
				if r.IntN(3) == 0 {
					i = aisle*200 + r.IntN(200)
				}
				if taken[i] {
					continue
				}
				taken[i] = true
				h.Taken = append(h.Taken, recommend.Taken{Item: g.items[i].ID, When: []person.Instant{0}})
			}
			h.Columns = []string{recommend.Column("household", fmt.Sprint(1+r.IntN(3)))}
			if !yield(h) {
				return
			}
		}
	}
	m, _, err := recommend.Learn(context.Background(), people, recommend.Options{K: 5, Candidate: func(id string) bool { return shelf.Index(id) >= 0 }})
	if err != nil {
		panic(err)
	}
	g.model = m
	return g
})

func grocerHouse(b testing.TB) *House {
	g := theGrocer()
	c := testCharter(b).Placed(1, 0)
	h, err := NewHouse(Parts{Series: charter.NewSeries(c), Shelf: catalogue.NewShelf(g.items, c, 1), Model: g.model, ModelVersion: "bench.1", Salt: []byte("salt")})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// shopper came on 100 days and bought eight things each time.
func shopper(h *House) *Made {
	r := rand.New(rand.NewPCG(3, 4))
	m := somebody(h)
	says(m, "personalise", consent.Yes, false, now.Add(-days(300)))
	says(m, "protect", consent.Yes, true, now.Add(-days(300)))
	for day := range 100 {
		basket := ""
		for range 8 {
			basket += fmt.Sprintf("%05d ", int(r.ExpFloat64()*60)%4000)
		}
		orders(m, basket, 1+2*day)
	}
	knows(m, "household", "2", person.Declared)
	knows(m, "birthday", "1990-11-20", person.Declared)
	knows(m, "diet", "diabetic", person.Declared)
	return m
}

func BenchmarkComputeInMemory(b *testing.B) {
	h := grocerHouse(b)
	m := shopper(h)
	a := at("home")
	a.Limit = 5
	if r := Compute(h, m, a).Receipt; r.Rung != person.Individual || len(r.Items) != 5 {
		b.Fatalf("%s with %d items", r.Rung, len(r.Items))
	}
	b.ReportAllocs()
	for b.Loop() {
		a.Moment.Now++
		a.Moment.At++
		Compute(h, m, a)
	}
}

// The same with sealed rows: heads are open, values are opened by the permit.
func BenchmarkComputeSealed(b *testing.B) {
	x, s := sealedShopper(b)
	a := at("home")
	a.Limit = 5
	b.ReportAllocs()
	for b.Loop() {
		a.Moment.Now++
		a.Moment.At++
		if r := Compute(x.house, s, a).Receipt; len(r.Items) != 5 {
			b.Fatal(r.Rung)
		}
	}
}

func BenchmarkComputeStranger(b *testing.B) {
	h := grocerHouse(b)
	a := at("home")
	b.ReportAllocs()
	for b.Loop() {
		Compute(h, nil, a)
	}
}

// A whole decision on SQLite: find, load, heads, judge, open, rank, guard, receipt, words.
func BenchmarkDecide(b *testing.B) {
	x, _ := sealedShopper(b)
	req := Request{Person: Ref{UserID: "shopper"}, Placements: []string{"home"}, Limit: 5}
	b.ReportAllocs()
	for b.Loop() {
		x.time.Add(1)
		if out, err := x.Decide(context.Background(), req, explaining); err != nil || len(out[0].Items) != 5 {
			b.Fatal(err, out[0].Rung, out[0].Degraded)
		}
	}
}

func sealedShopper(b testing.TB) (*home, Subject) {
	x := newHome(b)
	h := grocerHouse(b)
	h.salt = x.house.salt
	x.house = h
	x.live.now.Store(h)
	id := x.enrol(shopper(h), "shopper", "d9", "s@example.com")
	l, err := x.db.Load(context.Background(), id)
	if err != nil {
		b.Fatal(err)
	}
	r, _, err := x.record(context.Background(), l)
	if err != nil {
		b.Fatal(err)
	}
	return x, Of(r)
}

// The counts are of a shopper with 84 orders of a dozen lines: what they bought hardly counts, what is said does.
func TestADecisionAllocatesLittle(t *testing.T) {
	x, s := sealedShopper(t)
	a := at("home")
	a.Limit = 5
	if n := testing.AllocsPerRun(50, func() { Compute(x.house, s, a) }); n > 70 && !torture.Raced {
		t.Errorf("Compute makes %.0f allocations", n)
	}
	req := Request{Person: Ref{UserID: "shopper"}, Placements: []string{"home"}, Limit: 5}
	if n := testing.AllocsPerRun(50, func() {
		x.time.Add(1)
		if _, err := x.Decide(context.Background(), req, explaining); err != nil {
			t.Fatal(err)
		}
	}); n > 318 && !torture.Raced {
		t.Errorf("Decide makes %.0f allocations", n)
	}
}
