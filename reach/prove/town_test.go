package prove

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
)

// now is the clock of these tests: a Friday at noon.
var now = person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

func ago(days int) person.Instant { return now.Add(-time.Duration(days) * 24 * time.Hour) }

// retail is the charter of the examples with a lower floor, changed by pairs of old and new text.
func retail(t testing.TB, change ...string) *charter.Charter {
	t.Helper()
	raw, ok := charter.Example("retail")
	if !ok {
		t.Fatal("there is no retail charter")
	}
	text := string(raw)
	for i, change := 0, append([]string{"k: 25 ", "k: 5 "}, change...); i+1 < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			t.Fatalf("the charter has no %q to change", change[i])
		}
		text = strings.ReplaceAll(text, change[i], change[i+1])
	}
	c, problems := charter.Parse([]byte(text))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return c.Placed(1, 0)
}

// aisles are the categories of the shelf; each has items numbered from 0.
var aisles = []string{"alcohol", "baking", "dairy", "fruit", "health", "sweets"}

func shelf(each int) []catalogue.Item {
	var items []catalogue.Item
	for _, category := range aisles {
		for i := range each {
			it := catalogue.Item{Item: charter.Item{ID: fmt.Sprintf("%s-%d", category, i), Name: fmt.Sprintf("The %s %d", category, i), Category: category, Type: strings.ToUpper(category)}}
			switch {
			case category == "health" && i%2 == 0:
				it.Type = "CONTRACEPTIVES"
			case category == "sweets":
				it.Tags = []string{"sweets"}
			case category == "baking" && i%3 == 0:
				it.Tags = []string{"cake"}
			}
			items = append(items, it)
		}
	}
	return items
}

// town makes houses and people by a fixed seed.
type town struct {
	t    testing.TB
	r    *rand.Rand
	each int // items of an aisle
}

func newTown(t testing.TB) *town {
	return &town{t: t, r: rand.New(rand.NewPCG(7, 7)), each: 10}
}

// house learns a model of made histories with the floor k.
func (w *town) house(c *charter.Charter, k int) *decide.House {
	w.t.Helper()
	on := catalogue.NewShelf(shelf(w.each), c, 1)
	var histories []recommend.History
	for range 240 {
		m := w.body(person.ID{'l'})
		w.orders(m, 2+w.r.IntN(8), 3)
		household := []string{"1", "3", "5+"}[w.r.IntN(3)]
		m.History = slices.DeleteFunc(m.History, func(e person.Event) bool { return e.Name != "Order Completed" })
		for i := range m.History { // big households bake
			if household == "5+" {
				m.History[i].Lines = append(m.History[i].Lines, person.Line{Item: fmt.Sprintf("baking-%d", w.r.IntN(w.each)), Quantity: 1})
			}
		}
		columns := []string{recommend.Column("household", household), recommend.Column("income_band", []string{"low", "high"}[w.r.IntN(2)])}
		slices.Sort(columns)
		histories = append(histories, recommend.History{Taken: recommend.Take(m.History, recommend.Counts(c)), Columns: columns})
	}
	var all []string
	for _, it := range on.All() {
		all = append(all, it.ID)
	}
	model, _, err := recommend.Learn(context.Background(), slices.Values(histories), recommend.Options{
		K: k, Items: all, Sensitive: func(id string) bool { return len(on.Sensitive(id)) > 0 },
		Clock: func() person.Instant { return now }, Fixed: &recommend.Fixed{Again: 0.4, HalfLife: 60, Trend: 0.2, Lambda: 20, Memory: 60},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := decide.NewHouse(decide.Parts{Series: charter.NewSeries(c), Shelf: on, Model: model, ModelVersion: "linear.1", Salt: []byte("salt")})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *town) body(id person.ID) *decide.Made {
	return &decide.Made{Who: person.Person{Root: id}}
}

func head(of person.ID, name string, learnt person.Learnt, source, channel string, at person.Instant) person.Head {
	return person.Head{Of: of, Name: name, Learnt: learnt, Source: source, Channel: channel, At: at, Received: at, Charter: 1, Quality: 1, Told: learnt == person.Declared, Verified: true}
}

// orders adds n orders over the last two years, of a taste of two aisles, and a look at something now and then.
func (w *town) orders(m *decide.Made, n, lines int) {
	one, two := aisles[w.r.IntN(len(aisles))], aisles[w.r.IntN(len(aisles))]
	for i := range n {
		days := 1 + w.r.IntN(60)
		if i > 2 {
			days = w.r.IntN(700)
		}
		h := head(m.Who.Root, "Order Completed", person.Observed, "tills", "web", ago(days))
		h.Event = true
		e := person.Event{Head: h, ID: w.eventID(), Properties: map[string]any{"order_id": fmt.Sprint(i)}}
		for range lines {
			aisle := one
			if w.r.IntN(3) == 0 {
				aisle = two
			}
			e.Lines = append(e.Lines, person.Line{Item: fmt.Sprintf("%s-%d", aisle, w.r.IntN(w.each)), Quantity: 1})
		}
		m.History = append(m.History, e)
	}
	slices.SortStableFunc(m.History, func(a, b person.Event) int { return int(a.At/1e6 - b.At/1e6) })
}

func (w *town) eventID() (id person.EventID) {
	for i := range id {
		id[i] = byte(w.r.UintN(256))
	}
	return id
}

func say(m *decide.Made, purpose string, a consent.Answer, explicit bool) {
	m.Choices = append(m.Choices, consent.Choice{Of: m.Who.Root, Purpose: purpose, Answer: a, At: ago(200), Received: ago(200), Verified: true, Explicit: explicit, Source: "self", Channel: "web", Charter: 1})
}

func know(m *decide.Made, name, value string, learnt person.Learnt) *person.Fact {
	source, channel := "signup", "web"
	if learnt == person.Acquired {
		source, channel = "bureau", "post"
	}
	m.Facts = append(m.Facts, person.Fact{Head: head(m.Who.Root, name, learnt, source, channel, ago(40)), Value: value})
	return &m.Facts[len(m.Facts)-1]
}

// person is somebody of the town: about seven in ten said yes, some no, some nothing; facts told and bought; a few complaints.
func (w *town) person(i, orders int, marks func(string) []string) *decide.Made {
	m := w.body(person.ID{'t', byte(i >> 8), byte(i)})
	m.Marks = marks
	r := w.r
	switch {
	case i%10 < 7:
		say(m, "personalise", consent.Yes, false)
	case i%10 < 9:
		say(m, "personalise", consent.No, false)
	}
	if i%3 == 0 {
		say(m, "email", consent.Yes, false)
	}
	if i%4 == 0 {
		say(m, "protect", consent.Yes, true)
	}
	if i%8 == 1 {
		say(m, "sensitive", consent.Yes, true)
	}
	w.orders(m, orders, 4)
	learnt := []person.Learnt{person.Declared, person.Acquired, person.Acquired}[i%3]
	know(m, "household", []string{"1", "3", "5+"}[r.IntN(3)], learnt)
	know(m, "income_band", []string{"low", "high"}[r.IntN(2)], learnt)
	know(m, "email", fmt.Sprintf("somebody%d@nowhere.example", i), person.Declared)
	if learnt == person.Acquired { // another source says it too, from the shop, and may be used
		other := know(m, "income_band", []string{"low", "high"}[i%2], person.Declared)
		other.At, other.Received = ago(300), ago(300)
	}
	if i%2 == 0 {
		know(m, "birthday", ago(30*365).Time().AddDate(0, 0, r.IntN(9)).Format(time.DateOnly), person.Declared)
	}
	if i%4 < 2 {
		f := know(m, "diet", []string{"none", "vegan", "diabetic"}[r.IntN(3)], person.Declared)
		if i%5 == 0 {
			f.Quality = 0.5
		}
	}
	if i%6 == 0 {
		know(m, "age_band", []string{"child", "adult"}[r.IntN(2)], person.Declared)
	}
	switch i % 12 {
	case 5:
		m.Restricted = true
	case 6:
		m.Complaints = []person.Complaint{{Of: m.Who.Root, ID: "c", Opened: ago(5)}}
	case 7:
		m.Feedback = []person.Feedback{{Of: m.Who.Root, Kind: person.NotForMe, Placement: "home", Item: "fruit-1", Sources: []string{"fruit-2"}, At: ago(3)}}
	case 8:
		m.Shown = []person.Shown{{Of: m.Who.Root, Decision: "d", Placement: "letter", Items: []string{"fruit-3"}, At: ago(2)}}
	case 9:
		m.Feedback = []person.Feedback{{Of: m.Who.Root, Kind: person.TooPersonal, Placement: "basket", Item: "fruit-1", At: ago(3)}}
	}
	if i%7 == 0 { // an order that is kept for too long, and one whose source may not serve
		m.History[0].At, m.History[0].Received = ago(6*365), ago(6*365)
		m.History[1].Source = "nobody knows"
	}
	return m
}

// ours is the house of most tests, made once: it is immutable.
var ours *decide.House

func (w *town) ours() *decide.House {
	if ours == nil {
		ours = newTown(w.t).house(retail(w.t), 5)
	}
	return ours
}

// snapshot is the town's house with so many people of so many orders.
func (w *town) snapshot(people, orders int) Snapshot {
	h := w.ours()
	if w.each != 10 {
		h = w.house(retail(w.t), 5)
	}
	s := Snapshot{House: h, Now: now, Seed: 1}
	for i := range people {
		s.People = append(s.People, w.person(i, orders, h.Shelf.Sensitive))
	}
	return s
}

func prover(t testing.TB, s Snapshot, compute Compute) *Prover {
	t.Helper()
	p, err := New(s, compute)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
