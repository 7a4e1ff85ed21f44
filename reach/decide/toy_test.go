package decide

import (
	"cmp"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// now is the server's clock of these tests: a Wednesday at noon.
var now = person.At(time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC))

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// testCharter is testdata/charter.yaml, changed by what from and to say: pairs of old and new text.
func testCharter(t testing.TB, change ...string) *charter.Charter {
	t.Helper()
	raw, err := os.ReadFile("testdata/charter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i+1 < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			t.Fatalf("the charter has no %q to change", change[i])
		}
		text = strings.ReplaceAll(text, change[i], change[i+1])
	}
	c, problems := charter.Parse([]byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// shop is the catalogue: by id a name, category, type and tags.
func shop() []catalogue.Item {
	item := func(id, name, category, typ string, tags ...string) catalogue.Item {
		return catalogue.Item{Item: charter.Item{ID: id, Name: name, Category: category, Type: typ, Tags: tags}}
	}
	return []catalogue.Item{
		item("apples", "Apples", "fruit", "FRUIT"),
		item("beer", "Brown ale", "alcohol", "BEER"),
		item("bread", "Rye bread", "baking", "BREAD"),
		item("cake", "Lemon cake", "baking", "CAKE", "cake", "sweets"),
		item("fudge", "Fudge", "sweets", "SWEETS", "sweets"),
		item("milk", "Whole milk", "dairy", "MILK"),
		item("tea", "Breakfast tea", "drinks", "TEA"),
		item("test", "Pregnancy test", "health", "PREGNANCY TEST KITS"),
		item("wine", "House red", "alcohol", "WINE"),
	}
}

// toy is a ranker whose arithmetic a reader can do in their head: each thing taken adds its weight once for each time, a
// column adds its own, and everything has a trend. Items that were marked sensitive when it was learnt are left out.
type toy struct {
	weights map[string]map[string]float64 // item or column → candidate → weight
	trend   map[string]float64
	ids     []string
	marked  map[string]bool
	broken  string // the method that panics
	hung    string // the method that goes on when wakes is closed
	wakes   chan struct{}
}

func newToy() *toy {
	t := &toy{
		weights: map[string]map[string]float64{
			"bread":       {"milk": 0.4, "cake": 0.3, "tea": -0.1},
			"milk":        {"tea": 0.5, "bread": 0.2},
			"tea":         {"cake": 0.35, "fudge": 0.2, "milk": 0.1},
			"apples":      {"cake": 0.05},
			"beer":        {"wine": 0.6, "cake": 0.02},
			"wine":        {"beer": 0.5, "cake": -0.04},
			"fudge":       {"cake": 0.7},
			"test":        {"apples": 0.9},
			"household=2": {"apples": 0.25},
			"household=3": {"wine": 0.25},
			"income_band=high": {
				"wine": 0.8,
			},
		},
		trend:  map[string]float64{"apples": 0.05, "beer": 0.2, "bread": 0.15, "cake": 0.12, "fudge": 0.18, "milk": 0.1, "tea": 0.09, "test": 0.01, "wine": 0.17},
		marked: map[string]bool{"test": true},
	}
	for id := range t.trend {
		t.ids = append(t.ids, id)
	}
	slices.Sort(t.ids)
	return t
}

func (t *toy) breaks(method string) {
	if t.hung == method {
		<-t.wakes
	}
	if t.broken == method {
		panic("the toy is broken in " + method)
	}
}

func (t *toy) Items() int         { return len(t.ids) }
func (t *toy) ID(item int) string { return t.ids[item] }

// Set is nil, which leaves out what is marked, unless the marked may be used.
func (t *toy) Set(in func(id string) bool) *recommend.Set {
	t.breaks("Set")
	if in("test") {
		return &recommend.Set{}
	}
	return nil
}

func (t *toy) Rank(dst []recommend.Scored, in recommend.Input) []recommend.Scored {
	t.breaks("Rank")
	for i, id := range t.ids {
		s := recommend.Scored{Item: i, ID: id}
		for _, p := range t.parts(in, id) {
			s.Score += p.Weight
		}
		dst = append(dst, s)
	}
	sortScored(dst)
	if in.Most > 0 && len(dst) > in.Most {
		dst = dst[:in.Most]
	}
	return dst
}

func (t *toy) Leave(*recommend.Room) {}

func (t *toy) Neighbours(item string) []recommend.Neighbour {
	t.breaks("Neighbours")
	var out []recommend.Neighbour
	for id, w := range t.weights[item] {
		if w > 0 {
			out = append(out, recommend.Neighbour{Item: id, Near: w})
		}
	}
	slices.SortFunc(out, func(a, b recommend.Neighbour) int { return cmp.Compare(b.Near, a.Near) })
	return out
}

func sortScored(s []recommend.Scored) {
	slices.SortFunc(s, func(a, b recommend.Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID))
	})
}

func (t *toy) Reasons(in recommend.Input, items []string, n int) []recommend.Reasons {
	t.breaks("Reasons")
	out := make([]recommend.Reasons, len(items))
	for i, id := range items {
		parts := t.parts(in, id)
		slices.SortStableFunc(parts, func(a, b recommend.Part) int { return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)) })
		cut := min(n, len(parts))
		out[i] = recommend.Reasons{Parts: parts[:cut], More: len(parts) - cut}
	}
	return out
}

func (t *toy) parts(in recommend.Input, item string) []recommend.Part {
	var out []recommend.Part
	for _, x := range recommend.Take(in.Events, in.Counts) {
		if t.marked[x.Item] && in.Allow == nil || in.Muted[x.Item] {
			continue
		}
		if w := t.weights[x.Item][item]; w != 0 {
			out = append(out, recommend.Part{Source: x.Item, Item: x.Item, Event: x.Event, Times: x.Times(), Last: x.Last(), Weight: w * float64(x.Times())})
		}
		if x.Item == item {
			out = append(out, recommend.Part{Source: recommend.SourceAgain, Item: item, Event: x.Event, Times: x.Times(), Last: x.Last(), Weight: 0.02 * float64(x.Times())})
		}
	}
	for _, c := range in.Columns {
		fact, _, _ := strings.Cut(c, "=")
		if w := t.weights[c][item]; w != 0 && !in.Muted[fact] {
			out = append(out, recommend.Part{Source: recommend.SourceFact(fact), Fact: fact, Weight: w})
		}
	}
	return append(out, recommend.Part{Source: recommend.SourceTrend, Weight: t.trend[item]})
}

func (t *toy) Trend(person.Instant) []recommend.Scored {
	t.breaks("Trend")
	var out []recommend.Scored
	for i, id := range t.ids {
		out = append(out, recommend.Scored{Item: i, ID: id, Score: t.trend[id]})
	}
	sortScored(out)
	return out
}

// toyHouse is a house with the toy for its model.
func toyHouse(t testing.TB, change ...string) *House {
	t.Helper()
	return houseOf(t, shop(), newToy(), change...)
}

func houseOf(t testing.TB, items []catalogue.Item, r ranker, change ...string) *House {
	t.Helper()
	c := testCharter(t, change...)
	series := charter.NewSeries(c.Placed(1, 0))
	h, err := NewHouse(Parts{Series: series, Shelf: catalogue.NewShelf(items, series.Current(), 1), Salt: []byte("a salt")})
	if err != nil {
		t.Fatal(err)
	}
	if r != nil {
		h.rankBy(r)
		h.ModelVersion = "toy.1"
	}
	return h
}

// somebody is a made-up person with a fixed pseudonym.
func somebody(h *House) *Made {
	return &Made{Who: person.Person{Root: person.ID{7}}, Marks: h.Shelf.Sensitive}
}

func says(m *Made, purpose string, a consent.Answer, explicit bool, at person.Instant) {
	m.Choices = append(m.Choices, consent.Choice{
		Of: m.Who.Root, Purpose: purpose, Answer: a, At: at, Received: at, Verified: true, Explicit: explicit, Source: "self", Channel: "web", Charter: 1,
	})
}

// orders adds one order on each of the days ago, of these items, and an id for each.
func orders(m *Made, items string, ago ...int) {
	for _, n := range ago {
		e := person.Event{Head: person.Head{
			Of: m.Who.Root, Name: "Order Completed", Event: true, Learnt: person.Observed, Source: "tills", Channel: "web", At: now.Add(-days(n)), Received: now.Add(-days(n)),
			Charter: 1, Quality: 1, Verified: true,
		}, ID: person.EventID{byte(len(m.History) + 1), 1}}
		for _, id := range strings.Fields(items) {
			e.Lines = append(e.Lines, person.Line{Item: id, Quantity: 1})
		}
		m.History = append(m.History, e)
	}
	slices.SortStableFunc(m.History, func(a, b person.Event) int { return cmp.Compare(a.At, b.At) })
}

func knows(m *Made, name, value string, learnt person.Learnt) {
	source := "signup"
	if learnt == person.Acquired {
		source = "bureau"
	}
	m.Facts = append(m.Facts, person.Fact{Head: person.Head{
		Of: m.Who.Root, Name: name, Learnt: learnt, Source: source, Channel: "web", At: now.Add(-days(30)), Received: now.Add(-days(30)),
		Charter: 1, Quality: 1, Told: learnt == person.Declared, Verified: true,
	}, Value: value})
}

// regular is somebody who said yes and came on five days: bread thrice, milk twice.
func regular(h *House) *Made {
	m := somebody(h)
	says(m, "personalise", consent.Yes, false, now.Add(-days(200)))
	orders(m, "bread", 60, 40, 20)
	orders(m, "milk", 30, 10)
	return m
}

func at(placement string) Ask {
	return Ask{Moment: person.Moment{Placement: placement, At: now, Now: now, Language: "en"}, Ceiling: person.Individual}
}

func ids(r Receipt) string {
	var out []string
	for _, c := range r.Items {
		out = append(out, c.Item)
	}
	return strings.Join(out, " ")
}
