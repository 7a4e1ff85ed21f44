package recommend

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/torture"
)

// plainly is Take as one would say it: item by item, all its events, each once.
func plainly(events []person.Event, counts func(string) bool) []Taken {
	by := map[string][]person.Event{}
	for _, e := range events {
		for _, l := range e.Lines {
			if counts(e.Name) && l.Item != "" && l.Quantity >= 0 {
				by[l.Item] = append(by[l.Item], e)
			}
		}
	}
	out := []Taken{}
	for item, es := range by {
		slices.SortFunc(es, func(a, b person.Event) int {
			if a.At != b.At {
				return int(a.At - b.At)
			}
			return bytes.Compare(a.ID[:], b.ID[:])
		})
		es = slices.CompactFunc(es, func(a, b person.Event) bool { return a.At == b.At && a.ID == b.ID })
		t := Taken{Item: item, Event: es[len(es)-1].ID}
		for _, e := range es {
			t.When = append(t.When, e.At)
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Taken) int { return bytes.Compare([]byte(a.Item), []byte(b.Item)) })
	return out
}

func TestFoldingIsPlain(t *testing.T) {
	counts := func(n string) bool { return n == "order" }
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) person.Event {
			e := person.Event{Head: person.Head{Name: rapid.SampledFrom([]string{"order", "order", "look"}).Draw(t, "name"), At: person.Instant(rapid.IntRange(1, 6).Draw(t, "at"))},
				ID: person.EventID{byte(rapid.IntRange(1, 4).Draw(t, "id"))}}
			for range rapid.IntRange(0, 6).Draw(t, "lines") {
				e.Lines = append(e.Lines, person.Line{Item: rapid.SampledFrom([]string{"", "a", "b", "c", "cc", "d"}).Draw(t, "item"), Quantity: float64(rapid.IntRange(-1, 2).Draw(t, "quantity"))})
			}
			return e
		}), 0, 12).Draw(t, "events")
		if d := cmp.Diff(plainly(events, counts), Take(events, counts)); d != "" {
			t.Fatal(d)
		}
	})
}

// household is somebody with 84 orders of a dozen lines, oldest first.
func household() []person.Event {
	rng := rand.New(rand.NewPCG(84, 12))
	var out []person.Event
	for n := range 84 {
		e := person.Event{Head: person.Head{Name: "order", At: daysAgo(200 - float64(n))}, ID: person.EventID{byte(n)}}
		for range 12 {
			e.Lines = append(e.Lines, person.Line{Item: fmt.Sprintf("sku-%d", int(rng.ExpFloat64()*80)), Quantity: 1})
		}
		out = append(out, e)
	}
	return out
}

func BenchmarkTake(b *testing.B) {
	events := household()
	b.ReportAllocs()
	for b.Loop() {
		Take(events, func(string) bool { return true })
	}
}

func TestFoldingTakesTwoPiecesOfMemory(t *testing.T) {
	events := household()
	if n := testing.AllocsPerRun(100, func() { Take(events, func(string) bool { return true }) }); n > 2 && !torture.Raced {
		t.Errorf("%v allocations", n)
	}
}
