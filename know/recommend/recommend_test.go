package recommend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
)

const testK = 5

var today = person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

func daysAgo(d float64) person.Instant { return today - person.Instant(d*day) }

// town is a made-up town: people of two tastes, and of two sizes of household that have a say too.
func town(people, items int, seed uint64) []History {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := make([]History, people)
	for p := range out {
		h := &out[p]
		size := rng.IntN(2)
		for i := range items {
			chance := 0.06
			if i%2 == p%2 {
				chance = 0.35
			}
			if i%5 == 0 && size == 1 {
				chance += 0.3
			}
			if i == items-1 {
				chance = 0.03 // too rare to be a candidate, as a rule
			}
			if rng.Float64() >= chance {
				continue
			}
			t := Taken{Item: itemName(i)}
			for range 1 + rng.IntN(3) {
				t.When = append(t.When, daysAgo(rng.Float64()*200))
			}
			slices.Sort(t.When)
			rng.Uint64()
			t.Event[0] = byte(i)
			h.Taken = append(h.Taken, t)
		}
		if rng.IntN(4) > 0 {
			h.Columns = append(h.Columns, Column("household", fmt.Sprint(size+1)))
		}
		if p == 0 {
			h.Columns = append(h.Columns, Column("income", "unheard-of"))
		}
	}
	return out
}

func itemName(i int) string { return fmt.Sprintf("item-%02d", (i*37)%100) }

func catalogueOf(items int) []string {
	var ids []string
	for i := range items {
		ids = append(ids, itemName(i))
	}
	return append(ids, "never-taken")
}

var someTerms = &Fixed{Again: 0.3, HalfLife: 60, Rare: 0.05, Trend: 0.1, Lambda: 10, Memory: 60}

func learn(t testing.TB, hs []History, o Options) (*Model, Quality) {
	t.Helper()
	if o.K == 0 {
		o.K = testK
	}
	m, q, err := Learn(context.Background(), slices.Values(hs), o)
	if err != nil {
		t.Fatal(err)
	}
	return m, q
}

func sensitive(id string) bool { return id == itemName(2) || id == itemName(5) }

func townModel(t testing.TB) *Model {
	m, _ := learn(t, town(120, 20, 1), Options{Fixed: someTerms, Items: catalogueOf(20), Sensitive: sensitive})
	return m
}

func bytesOf(t testing.TB, m *Model) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// anyInput draws an input: things known, unknown, muted and withheld.
func anyInput(m *Model) *rapid.Generator[Input] {
	return rapid.Custom(func(t *rapid.T) Input {
		in := Input{At: daysAgo(rapid.Float64Range(-400, 100).Draw(t, "at")), Muted: map[string]bool{}}
		names := append(catalogueOf(20), "unknown", "item-99")
		for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 15, func(s string) string { return s }).Draw(t, "taken") {
			x := Taken{Item: n}
			for range rapid.IntRange(0, 4).Draw(t, "times") {
				x.When = append(x.When, daysAgo(rapid.Float64Range(0, 300).Draw(t, "when")))
			}
			slices.Sort(x.When)
			x.Event[1] = byte(len(in.Taken))
			in.Taken = append(in.Taken, x)
		}
		in.Columns = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"household=1", "household=2", "household=3", "income=unheard-of"}), func(s string) string { return s }).Draw(t, "columns")
		for _, n := range rapid.SliceOfN(rapid.SampledFrom(append(names, SourceAgain, SourceTrend, "household", "income")), 0, 3).Draw(t, "muted") {
			in.Muted[n] = true
		}
		if rapid.Bool().Draw(t, "allow") {
			no := map[string]bool{}
			for _, n := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 5).Draw(t, "not allowed") {
				no[n] = true
			}
			in.Allow = m.Set(func(id string) bool { return !no[id] })
		}
		return in
	})
}

func TestPartsAreTheScore(t *testing.T) {
	m := townModel(t)
	sources := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		in := anyInput(m).Draw(t, "in")
		ranked := m.Rank(nil, in)
		allowed := in.Allow
		if allowed == nil {
			allowed = m.allowed
		}
		for _, in.Most = range []int{1, 2, 3, 7, 100} {
			if d := cmp.Diff(ranked[:min(in.Most, len(ranked))], m.Rank(nil, in), cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("the %d best are not the first of all\n%s", in.Most, d)
			}
		}
		in.Most = 0
		got := map[string]bool{}
		for i, s := range ranked {
			if i > 0 && best(ranked[i-1], s) >= 0 {
				t.Fatalf("%v comes before %v", ranked[i-1], s)
			}
			if m.ID(s.Item) != s.ID || !allowed.Has(s.Item) {
				t.Fatalf("%v should not be here", s)
			}
			got[s.ID] = true
			parts := m.Explain(in, s.ID)
			sum := 0.0
			for k, p := range parts {
				sources[p.Source]++
				sum += p.Weight
				if k > 0 && math.Abs(parts[k-1].Weight) < math.Abs(p.Weight) {
					t.Fatal("the largest part is not first")
				}
				if in.Muted[p.Source] || in.Muted[p.Fact] || (p.Item != "" && in.Muted[p.Item]) {
					t.Fatalf("a muted reason speaks: %+v", p)
				}
				if i, ok := m.Index(p.Item); p.Item != "" && (!ok || !allowed.Has(i)) {
					t.Fatalf("a withheld item is a reason: %+v", p)
				}
			}
			if math.Abs(sum-s.Score) > 1e-9 {
				t.Fatalf("the parts of %s add up to %v, its score is %v", s.ID, sum, s.Score)
			}
			short := m.Reasons(in, []string{s.ID}, 3)[0]
			if d := cmp.Diff(parts[:min(3, len(parts))], short.Parts, cmpopts.EquateEmpty()); d != "" || short.More != max(0, len(parts)-3) {
				t.Fatalf("the reasons are not the first of the parts: %d more\n%s", short.More, d)
			}
			// In the order of adding they give the very bits.
			exact := 0.0
			for _, p := range m.parts(&in, int32(s.Item)) {
				exact += p.Weight
			}
			if exact != s.Score {
				t.Fatalf("%s: %v in order, %v ranked", s.ID, exact, s.Score)
			}
		}
		for i := range m.Candidates() {
			if allowed.Has(i) != got[m.ID(i)] {
				t.Fatalf("candidate %s: allowed %v, ranked %v", m.ID(i), allowed.Has(i), got[m.ID(i)])
			}
		}
		slices.Reverse(in.Taken)
		slices.Reverse(in.Columns)
		if d := cmp.Diff(ranked, m.Rank(nil, in)); d != "" {
			t.Fatal("the order of the input matters", d)
		}
	})
	for _, s := range []string{SourceAgain, SourceTrend, SourceFact("household"), itemName(0), itemName(2)} {
		if sources[s] == 0 {
			t.Errorf("%s was never a reason: the test tests nothing of it", s)
		}
	}
}

func TestWhatWasTakenIsRankedAgainEvenWhenRare(t *testing.T) {
	m := townModel(t)
	rare := itemName(19)
	if i, ok := m.Index(rare); !ok || i < m.Candidates() {
		t.Fatal("the rare item is a candidate: the test tests nothing")
	}
	in := Input{Taken: []Taken{{Item: rare, When: []person.Instant{daysAgo(1)}, Event: person.EventID{9}}}, At: today}
	ranked := m.Rank(nil, in)
	at := slices.IndexFunc(ranked, func(s Scored) bool { return s.ID == rare })
	if at < 0 || !(ranked[at].Score > 0.2) {
		t.Fatal(at)
	}
	if p := m.Explain(in, rare); len(p) != 1 || p[0].Source != SourceAgain || p[0].Item != rare || p[0].Event != (person.EventID{9}) {
		t.Errorf("%+v", p)
	}
	if slices.ContainsFunc(m.Rank(nil, Input{At: today}), func(s Scored) bool { return s.ID == rare || s.ID == "never-taken" }) {
		t.Error("an item that too few took is ranked for somebody who did not")
	}
	in.Allow = m.Set(func(id string) bool { return id != rare })
	if slices.ContainsFunc(m.Rank(nil, in), func(s Scored) bool { return s.ID == rare }) || m.Explain(in, rare) != nil {
		t.Error("a withheld item is ranked")
	}
}

func TestSensitiveItemsAreWithheldUnlessAllowed(t *testing.T) {
	m := townModel(t)
	a, b := itemName(2), itemName(5)
	marked := func(id string) bool { return id == a || id == b }
	with := Input{Taken: []Taken{{Item: a, When: []person.Instant{daysAgo(3)}}, {Item: itemName(4), When: []person.Instant{daysAgo(3)}}}, At: today}
	without := Input{Taken: with.Taken[1:], At: today}
	if d := cmp.Diff(m.Rank(nil, without), m.Rank(nil, with)); d != "" {
		t.Error("having taken a sensitive item shows", d)
	}
	for name, got := range map[string][]Scored{"rank": m.Rank(nil, with), "trend": m.Trend(today), "generic": m.Generic()} {
		if len(got) < 10 || slices.ContainsFunc(got, func(s Scored) bool { return marked(s.ID) }) {
			t.Error(name, got)
		}
	}
	if m.Neighbours(a) != nil {
		t.Error("a sensitive item has neighbours")
	}
	for i := range 20 {
		if slices.ContainsFunc(m.Neighbours(itemName(i)), func(p Neighbour) bool { return marked(p.Item) }) {
			t.Error("a sensitive item is a neighbour")
		}
	}
	with.Allow = m.Set(func(id string) bool { return true })
	if !slices.ContainsFunc(m.Rank(nil, with), func(s Scored) bool { return s.ID == b }) || len(m.Explain(with, itemName(4))) <= len(m.Explain(without, itemName(4))) {
		t.Error("what is allowed plays no part")
	}
}

func TestEveryNumberRestsOnKPeople(t *testing.T) {
	hs := town(120, 20, 1)
	m := townModel(t)
	has := func(h *History, name string) bool {
		return slices.Contains(h.Columns, name) || slices.ContainsFunc(h.Taken, func(x Taken) bool { return x.Item == name })
	}
	weights, counts := 0, 0
	m.Supports(func(i, j string, people int) bool {
		if people < testK {
			t.Errorf("%s → %s rests on %d people", i, j, people)
		}
		if i == SourceTrend {
			counts++
			return true
		}
		weights++
		n := 0
		for p := range hs {
			if has(&hs[p], i) && has(&hs[p], j) {
				n++
			}
		}
		if n != people {
			t.Errorf("%s → %s rests on %d people and says %d", i, j, n, people)
		}
		return true
	})
	if weights != len(m.weight) || counts < 2*m.Candidates()-5 || len(m.Columns()) != 2 {
		t.Error(weights, len(m.weight), counts, m.Columns())
	}
	n := 0
	m.Supports(func(string, string, int) bool { n++; return n < 3 })
	if n != 3 {
		t.Error("told to stop, it went on")
	}
	// The check can fail: a model with one weight on fewer people says so, and cannot be read back.
	broken := townModel(t)
	broken.shared[7] = testK - 1
	found := false
	broken.Supports(func(_, _ string, people int) bool { found = found || people < testK; return true })
	if !found {
		t.Error("the planted weight was not seen")
	}
	if err := new(Model).UnmarshalBinary(bytesOf(t, broken)); !errors.Is(err, ErrModel) {
		t.Error("a model with a weight on too few people was read")
	}
}

func TestSameBytesForAnyOrderAndProcessors(t *testing.T) {
	hs := town(150, 20, 4)
	o := Options{Items: catalogueOf(20), Sensitive: sensitive}
	first, q := learn(t, hs, o)
	want := bytesOf(t, first)
	if q.Judged < leastJudged || q.HeldFrom == 0 {
		t.Fatalf("nothing was chosen: %+v", q)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for _, procs := range []int{1, 3} {
		rng.Shuffle(len(hs), func(i, j int) { hs[i], hs[j] = hs[j], hs[i] })
		for _, h := range hs {
			rng.Shuffle(len(h.Taken), func(i, j int) { h.Taken[i], h.Taken[j] = h.Taken[j], h.Taken[i] })
		}
		before := runtime.GOMAXPROCS(procs)
		m, again := learn(t, hs, o)
		runtime.GOMAXPROCS(before)
		if !bytes.Equal(want, bytesOf(t, m)) {
			t.Fatalf("other bytes on %d processors", procs)
		}
		again.FitSeconds = q.FitSeconds
		if d := cmp.Diff(q, again); d != "" {
			t.Error(d)
		}
	}
}

func TestFactsPlayAPart(t *testing.T) {
	m := townModel(t)
	one := m.Rank(nil, Input{Columns: []string{"household=1"}, At: today})
	two := m.Rank(nil, Input{Columns: []string{"household=2"}, At: today})
	none := m.Rank(nil, Input{At: today})
	if cmp.Equal(one, two) || cmp.Equal(one, none) {
		t.Error("the household's size does not matter")
	}
	if d := cmp.Diff(none, m.Rank(nil, Input{Columns: []string{"household=7", "income=unheard-of"}, At: today})); d != "" {
		t.Error("a column that fewer than k people have matters", d)
	}
	// Every fifth item was made for households of two.
	mean := func(r []Scored) (made, other float64) {
		for _, s := range r {
			if made5(s.ID) {
				made += s.Score / 4
			} else {
				other += s.Score / 14
			}
		}
		return
	}
	m1, o1 := mean(one)
	m2, o2 := mean(two)
	if m2-o2 <= m1-o1 {
		t.Error(m1, o1, m2, o2)
	}
}

func made5(id string) bool {
	for i := 0; i < 20; i += 5 {
		if id == itemName(i) {
			return true
		}
	}
	return false
}

func TestTasteDecides(t *testing.T) {
	m := townModel(t)
	for taste := range 2 {
		in := Input{At: today, Muted: map[string]bool{SourceAgain: true}}
		for _, i := range []int{6, 8, 12} {
			in.Taken = append(in.Taken, Taken{Item: itemName(i + taste), When: []person.Instant{daysAgo(9)}})
		}
		own, other := 0.0, 0.0
		for _, s := range m.Rank(nil, in) {
			for i := range 19 {
				if s.ID == itemName(i) && !made5(s.ID) {
					if i%2 == taste {
						own += s.Score / 8
					} else {
						other += s.Score / 8
					}
				}
			}
		}
		if own < 1.5*other {
			t.Errorf("taste %d: %g for their own, %g for the other", taste, own, other)
		}
	}
}

func TestAgainFades(t *testing.T) {
	m := townModel(t)
	id := itemName(4)
	part := func(days ...float64) float64 {
		x := Taken{Item: id}
		for _, d := range days {
			x.When = append(x.When, daysAgo(d))
		}
		for _, p := range m.Explain(Input{Taken: []Taken{x}, At: today}, id) {
			if p.Source == SourceAgain {
				return p.Weight
			}
		}
		return 0
	}
	now := part(0)
	if r := part(60) / now; math.Abs(r-0.5) > 1e-6 {
		t.Error("after the half-life", r)
	}
	if r := part(0, 0) / now; math.Abs(r-2) > 1e-6 {
		t.Error("twice", r)
	}
	if r := part(-30) / now; math.Abs(r-1) > 1e-6 {
		t.Error("a time to come counts more than now", r)
	}
	i, _ := m.Index(id)
	if math.Abs(now-0.3*float64(m.repeat[i])) > 1e-6 {
		t.Error(now, m.repeat[i])
	}
}

func TestRepeats(t *testing.T) {
	// Of 40 takers in all 10 took twice. The first item is taken again by all, the second by none.
	got := repeats([]int32{10, 30}, []int32{10, 0})
	want := []float32{(10 + 5*.25) / 15 / .25, (5 * .25) / 35 / .25}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := repeats([]int32{10, 30}, []int32{0, 0}); got[0] != 1 || got[1] != 1 {
		t.Error(got)
	}
}

func TestTheGenericAndTheContextRungDependOnNobody(t *testing.T) {
	m := townModel(t)
	g := m.Generic()
	for i, s := range g {
		if i > 0 && g[i-1].Score < s.Score || int(m.people[s.Item]) < testK {
			t.Error(s)
		}
	}
	if g[0].Score > 1 || len(g) != m.Candidates()-2 {
		t.Error(g[0], len(g))
	}
	tr := m.Trend(today)
	for i, s := range tr {
		if i > 0 && tr[i-1].Score < s.Score {
			t.Error(s)
		}
	}
	if !(tr[0].Score > 0) || tr[0].Score > someTerms.Trend*maxLift {
		t.Error(tr[0])
	}
	only := m.Rank(nil, Input{At: today})
	for i, s := range only {
		if s.Score != tr[i].Score {
			t.Error("for nobody known, the ranking is the trend", s, tr[i])
		}
	}
}

func TestSeasons(t *testing.T) {
	// Item a is taken in December, b all the year.
	hs := make([]History, 600)
	for p := range hs {
		at := time.Date(2025, time.Month(1+p%12), 10, 0, 0, 0, 0, time.UTC)
		hs[p].Taken = []Taken{{Item: "b", When: []person.Instant{person.At(at)}}}
		if p%12 == 11 || p%60 == 0 {
			hs[p].Taken = append(hs[p].Taken, Taken{Item: "a", When: []person.Instant{person.At(at)}})
		}
	}
	m, _ := learn(t, hs, Options{Fixed: someTerms})
	lift := func(month int, id string) float32 { i, _ := m.Index(id); return m.season[month].lift[i] }
	if !(lift(11, "a") > 1.2) || lift(0, "a") > lift(11, "a") || math.Abs(float64(lift(11, "b"))-1) > 0.01 {
		t.Error(lift(11, "a"), lift(0, "a"), lift(11, "b"))
	}
	if lift(5, "a") != 1 {
		t.Error("a month of which fewer than k people speak says something", lift(5, "a"))
	}
	december, june := person.At(time.Date(2025, 12, 24, 0, 0, 0, 0, time.UTC)), person.At(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	at := func(r []Scored, id string) float64 {
		return r[slices.IndexFunc(r, func(s Scored) bool { return s.ID == id })].Score
	}
	if !(at(m.Trend(december), "a") > at(m.Trend(june), "a")) || at(m.Trend(december), "b") != at(m.Trend(june), "b") {
		t.Error("the season does not show", m.Trend(december), m.Trend(june))
	}
	for i := range hs {
		hs[i].Taken[0].When[0] = person.At(time.Date(2025, time.Month(1+i%6), 10, 0, 0, 0, 0, time.UTC))
		hs[i].Taken = hs[i].Taken[:1]
	}
	if m, _ := learn(t, hs, Options{Fixed: someTerms}); m.season != nil {
		t.Error("half a year tells seasons")
	}
}

func TestLearningFromLittle(t *testing.T) {
	m, q := learn(t, nil, Options{})
	if m.Items() != 0 || len(m.Rank(nil, Input{At: today})) != 0 || len(m.Trend(today)) != 0 || len(m.Generic()) != 0 || q.People != 0 {
		t.Error("something came of nothing")
	}
	var zero Model
	if len(zero.Rank(nil, Input{Taken: []Taken{{Item: "a", When: []person.Instant{1}}}})) != 0 || zero.Explain(Input{}, "a") != nil || zero.Neighbours("a") != nil ||
		len(zero.Trend(today)) != 0 || len(zero.Generic()) != 0 || zero.Items() != 0 {
		t.Error("the zero model knows something")
	}
	zero.Supports(func(string, string, int) bool { t.Error("a weight of nothing"); return false })
	// Too few people for a candidate.
	m, _ = learn(t, town(testK-1, 20, 1), Options{})
	if m.Candidates() != 0 || len(m.Columns()) != 0 {
		t.Error("fewer than k people made a candidate")
	}
	// Without times: nothing fades, nothing is lately.
	hs := town(200, 20, 2)
	for _, h := range hs {
		for i := range h.Taken {
			clear(h.Taken[i].When)
		}
	}
	m, q = learn(t, hs, Options{})
	if q.HeldFrom != 0 || q.Chosen.Memory != 0 || q.Chosen.HalfLife != 0 || m.Learnt() != 0 || q.NDCG10 != 0 {
		t.Errorf("%+v", q)
	}
	if len(m.Rank(nil, Input{Taken: hs[0].Taken})) == 0 {
		t.Error("nothing is ranked")
	}
}

func TestWhatCannotBeLearnt(t *testing.T) {
	for _, k := range []int{-1, 0, 1} {
		if _, _, err := Learn(t.Context(), slices.Values(town(20, 5, 1)), Options{K: k}); !errors.Is(err, ErrK) {
			t.Error(k, err)
		}
	}
	one := []person.Instant{1}
	for name, h := range map[string]History{
		"no times":      {Taken: []Taken{{Item: "a"}}},
		"falling times": {Taken: []Taken{{Item: "a", When: []person.Instant{2, 1}}}},
		"twice":         {Taken: []Taken{{Item: "a", When: one}, {Item: "a", When: one}}},
		"column twice":  {Taken: []Taken{{Item: "a", When: one}}, Columns: []string{"x=1", "x=1"}},
	} {
		if _, _, err := Learn(t.Context(), slices.Values([]History{h}), Options{K: 2}); !errors.Is(err, ErrHistory) {
			t.Error(name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m, _, err := Learn(ctx, slices.Values(town(50, 10, 1)), Options{K: 2}); err == nil || m != nil {
		t.Error("a learning that was called off gave a model")
	}
}

func TestHistoriesAreCopied(t *testing.T) {
	hs := town(60, 12, 3)
	want, _ := learn(t, hs, Options{Fixed: someTerms})
	m, _, err := Learn(t.Context(), func(yield func(History) bool) {
		var when []person.Instant
		var h History
		for _, o := range hs {
			h.Taken, h.Columns, when = h.Taken[:0], append(h.Columns[:0], o.Columns...), when[:0]
			for _, x := range o.Taken {
				from := len(when)
				when = append(when, x.When...)
				h.Taken = append(h.Taken, Taken{Item: x.Item, When: when[from:]})
			}
			if !yield(h) {
				return
			}
			for i := range when {
				when[i] = -1
			}
		}
	}, Options{K: testK, Fixed: someTerms})
	if err != nil || !bytes.Equal(bytesOf(t, want), bytesOf(t, m)) {
		t.Error("slices used again change what was learnt", err)
	}
}

// Small enough to work out by hand: four people took a, three of them b too, one of these twice; all without times.
func TestByHand(t *testing.T) {
	took := func(id string, n int) Taken { return Taken{Item: id, When: make([]person.Instant, n)} }
	hs := []History{
		{Taken: []Taken{took("a", 1), took("b", 1)}, Columns: []string{"size=s"}},
		{Taken: []Taken{took("b", 1), took("a", 1)}, Columns: []string{"size=s"}},
		{Taken: []Taken{took("a", 1), took("b", 2)}},
		{Taken: []Taken{took("a", 1)}, Columns: []string{"size=l"}},
	}
	m, q := learn(t, hs, Options{K: 2, Items: []string{"c"}, Fixed: &Fixed{Lambda: 1, Drop: 0.5, Again: 0.2, Rare: 0.01}})
	if q.People != 4 || q.Items != 2 || q.Columns != 1 || q.Weights != 4 {
		t.Errorf("%+v", q)
	}
	// b on {a, size=s}: [[4·1.5+1, 2], [2, 2·1.5+1]] w = [3, 2] and a on {b, size=s}: [[3·1.5+1, 2], [2, 4]] w = [3, 2].
	ab, sb := (3*4-2*2)/24.0, (7*2-2*3)/24.0
	ba, sa := (3*4-2*2)/18.0, (5.5*2-2*3)/18.0
	// One of seven took again; a: none of 4, b: 1 of 3.
	repeatA, repeatB := (5/7.0)/9*7, (1+5/7.0)/8*7
	in := Input{Taken: []Taken{took("a", 3), took("c", 1), took("gone", 1)}, Columns: []string{"size=s", "size=l"}}
	ranked := m.Rank(nil, in)
	want := []Scored{{0, "a", 0.2*3*repeatA + sa}, {1, "b", 2*ab + sb}, {2, "c", 0.2 + 0.01}}
	slices.SortFunc(want, best)
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })
	if d := cmp.Diff(want, ranked, near); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Part{{Source: "a", Item: "a", Times: 3, Weight: 2 * ab}, {Source: "fact:size", Fact: "size", Weight: sb}}, m.Explain(in, "b"), near); d != "" {
		t.Error(d)
	}
	if got := m.Neighbours("b"); got != nil {
		t.Errorf("everybody took a, and it goes with %v", got)
	}
	in = Input{Taken: []Taken{took("b", 1)}}
	want = []Scored{{0, "a", ba}, {1, "b", 0.2 * repeatB}}
	slices.SortFunc(want, best)
	if d := cmp.Diff(want, m.Rank(nil, in), near); d != "" {
		t.Error(d)
	}
}

func TestScoresThatHardlyDifferAreInOrder(t *testing.T) {
	m := townModel(t)
	for i := range m.candidates {
		m.trends[0][i] = 1 + 1e-12*float64((i*7)%m.candidates)
	}
	for mo := range m.trends {
		m.trends[mo] = m.trends[0]
	}
	r := m.Rank(nil, Input{At: today})
	if !slices.IsSortedFunc(r, best) || len(r) < 10 {
		t.Error(r)
	}
}

// What is chosen by must be what is ranked: the judge of choices adds up scores in its own way, for speed.
func TestTheJudgeRanksAsTheModelDoes(t *testing.T) {
	c, err := gather(t.Context(), slices.Values(town(150, 20, 6)), mostWork, nil)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{K: testK, Items: catalogueOf(20)}
	v := c.see(daysAgo(28), testK, nil, nil)
	judged := c.futures(v, opts.Items)
	l := learner{v: v, opts: &opts}
	fixed, err := l.build(t.Context(), terms{Lambda: 10, Memory: 60})
	if err != nil {
		t.Fatal(err)
	}
	g := grid{m: fixed, v: v, judged: judged, trend: []float64{0, 0.3}, halfLife: []float64{0, 40}, again: []float64{0, 0.2}, rare: []float64{0, 0.1}}
	outcomes := g.run()
	if len(outcomes) != 16 || len(judged) < 60 {
		t.Fatal(len(outcomes), len(judged))
	}
	for _, o := range outcomes {
		m, err := l.build(t.Context(), terms(o.Fixed))
		if err != nil {
			t.Fatal(err)
		}
		all, fresh := 0.0, 0.0
		for _, f := range judged {
			in := Input{At: v.until}
			had, truth, left := map[string]bool{}, map[string]bool{}, map[string]bool{}
			for e := c.first[f.p]; e < c.first[f.p+1]; e++ {
				if when := v.before(e); len(when) > 0 {
					in.Taken = append(in.Taken, Taken{Item: c.items[c.item[e]], When: when})
					had[c.items[c.item[e]]] = true
				}
			}
			for _, k := range c.col[c.colAt[f.p]:c.colAt[f.p+1]] {
				in.Columns = append(in.Columns, c.columns[k])
			}
			for _, i := range f.truth {
				truth[c.items[i]] = true
				if !had[c.items[i]] {
					left[c.items[i]] = true
				}
			}
			ranked := m.Rank(nil, in)
			all += figuresOf(leave(ranked, nil, 10), truth).NDCG10
			fresh += figuresOf(leave(ranked, had, 10), left).NDCG10
		}
		if math.Abs(all-float64(o.all)/unit) > 1e-6 || math.Abs(fresh-float64(o.fresh)/unit) > 1e-6 {
			t.Errorf("%+v: judged %g and %g, ranked %g and %g", o.Fixed, float64(o.all)/unit, float64(o.fresh)/unit, all, fresh)
		}
	}
}
