package recommend

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
)

// slowly ranks as one would say it: item by item, by names, a look at every thing taken for each of them.
func slowly(m *Model, in Input) (scored []Scored, parts map[string][]Part) {
	may := func(id string) bool {
		i, ok := m.Index(id)
		if in.Allow != nil {
			return ok && in.Allow.Has(i)
		}
		return ok && !m.marked.Has(i)
	}
	weight := func(source int, item int) float64 {
		for e := m.start[source]; e < m.start[source+1]; e++ {
			if int(m.to[e]) == item {
				return float64(m.weight[e])
			}
		}
		return 0
	}
	var taken []Taken
	for _, t := range plainly(in.Events, in.Counts) {
		if may(t.Item) && !in.Muted[t.Item] {
			taken = append(taken, t)
		}
	}
	slices.SortFunc(taken, func(a, b Taken) int { x, _ := m.Index(a.Item); y, _ := m.Index(b.Item); return x - y })
	parts = map[string][]Part{}
	for i, id := range m.ids {
		candidate, had := i < m.candidates, false
		var ps []Part
		if candidate && !in.Muted[SourceTrend] {
			ps = append(ps, Part{Source: SourceTrend, Weight: m.trends[month(in.At)][i]})
		}
		for _, t := range taken {
			source, _ := m.Index(t.Item)
			if t.Item == id {
				had = true
				again := Part{Source: SourceAgain, Item: id, Event: t.Event, Times: t.Times(), Last: t.Last()}
				if !in.Muted[SourceAgain] {
					again.Weight = m.again(int32(i), t.When, in.At)
				}
				ps = append(ps, again)
			}
			if candidate && source < m.candidates {
				ps = append(ps, Part{Source: t.Item, Item: t.Item, Event: t.Event, Times: t.Times(), Last: t.Last(), Weight: math.Log2(1+float64(t.Times())) * weight(source, i)})
			}
		}
		for c, name := range m.columns {
			fact, _, _ := strings.Cut(name, "=")
			if candidate && slices.Contains(in.Columns, name) && !in.Muted[fact] && !in.Muted[SourceFact(fact)] && !in.Muted[name] {
				ps = append(ps, Part{Source: SourceFact(fact), Fact: fact, Weight: weight(m.candidates+c, i)})
			}
		}
		if !may(id) || !candidate && !had {
			continue
		}
		s := Scored{Item: i, ID: id}
		for _, p := range ps {
			s.Score += p.Weight
		}
		s.Score += 0 // -0 becomes 0
		scored = append(scored, s)
		ps = slices.DeleteFunc(ps, func(p Part) bool { return p.Weight == 0 })
		slices.SortFunc(ps, func(a, b Part) int {
			if x, y := math.Abs(a.Weight), math.Abs(b.Weight); x != y {
				if x > y {
					return -1
				}
				return 1
			}
			return strings.Compare(a.Source, b.Source)
		})
		parts[id] = ps
	}
	slices.SortFunc(scored, best)
	return scored, parts
}

// TestRankingIsPlain compares the ranking of random histories, all of it and the best of it, and the reasons, with the slow way, to the last bit: in one
// room for an input, in none, and in one that another input left.
func TestRankingIsPlain(t *testing.T) {
	m, large := townModel(t), townModel(t)
	large.near = nil // as with very many candidates
	names := append(catalogueOf(20), "unknown", "")
	counts := func(n string) bool { return n == "order" }
	rapid.Check(t, func(t *rapid.T) {
		in := anyInput(m).Draw(t, "input")
		in.Taken, in.Counts = nil, counts
		in.Events = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) person.Event {
			e := person.Event{Head: person.Head{Name: rapid.SampledFrom([]string{"order", "order", "look"}).Draw(t, "name"), At: daysAgo(float64(rapid.IntRange(1, 6).Draw(t, "at")))},
				ID: person.EventID{byte(rapid.IntRange(1, 4).Draw(t, "id"))}}
			for range rapid.IntRange(0, 6).Draw(t, "lines") {
				e.Lines = append(e.Lines, person.Line{Item: rapid.SampledFrom(names).Draw(t, "item"), Quantity: float64(rapid.IntRange(-1, 2).Draw(t, "quantity"))})
			}
			return e
		}), 0, 12).Draw(t, "events")
		want, reasons := slowly(m, in)
		most := rapid.IntRange(1, 25).Draw(t, "most")
		var room Room
		if d := cmp.Diff(want, large.Rank(nil, in)); d != "" {
			t.Fatal("with many candidates", d)
		}
		for _, r := range []*Room{nil, &room} {
			in.Room, in.Most = r, 0
			if d := cmp.Diff(want, m.Rank(nil, in)); d != "" {
				t.Fatal("all", d)
			}
			in.Most = most
			if d := cmp.Diff(want[:min(most, len(want))], m.Rank(nil, in)); d != "" {
				t.Fatal("the best", d)
			}
			var ids []string
			for _, s := range want {
				ids = append(ids, s.ID)
			}
			for i, got := range m.Reasons(in, ids, 3) {
				all := reasons[ids[i]]
				cut := min(3, len(all))
				if d := cmp.Diff(append([]Part{}, all[:cut]...), append([]Part{}, got.Parts...)); d != "" || got.More != len(all)-cut {
					t.Fatal("reasons", ids[i], d, got.More)
				}
			}
		}
		m.Leave(&room)
	})
}

func BenchmarkRankOfEvents(b *testing.B) {
	m := townModel(b)
	in := Input{Events: household(), Counts: func(string) bool { return true }, At: daysAgo(0), Most: 10}
	b.ReportAllocs()
	for b.Loop() {
		m.Rank(nil, in)
	}
}
