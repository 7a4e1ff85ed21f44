package decide

import (
	"slices"
	"testing"

	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
)

func TestOnlyWhatCanBeHadIsOffered(t *testing.T) {
	none, some := 0, 1
	tomorrow, yesterday := now.Add(days(1)), now.Add(-days(1))
	for _, c := range []struct {
		what   string
		change func(*catalogue.Item)
		at     person.Instant
		gone   bool
	}{
		{"out of stock", func(i *catalogue.Item) { i.Stock = &none }, now, true},
		{"one left", func(i *catalogue.Item) { i.Stock = &some }, now, false},
		{"not yet", func(i *catalogue.Item) { i.From = tomorrow }, now, true},
		{"no longer", func(i *catalogue.Item) { i.Until = now }, now, true},
		{"not yet, asked for a later time", func(i *catalogue.Item) { i.From = tomorrow }, tomorrow, true},
		{"no longer, asked for an earlier time", func(i *catalogue.Item) { i.Until = now }, yesterday, true},
		{"not then, asked for an earlier time", func(i *catalogue.Item) { i.From = now }, yesterday, true},
		{"then and now", func(i *catalogue.Item) { i.From, i.Until = yesterday, tomorrow }, yesterday, false},
	} {
		items := shop()
		i := slices.IndexFunc(items, func(i catalogue.Item) bool { return i.ID == "beer" })
		c.change(&items[i])
		h := houseOf(t, items, newToy())
		a := at("home")
		a.Moment.At = c.at
		r := Compute(h, nil, a).Receipt
		if gone := r.has("beer") == nil; gone != c.gone {
			t.Errorf("%s: gone is %v", c.what, gone)
		}
		for _, x := range r.Items {
			if len(x.Moves) > 0 {
				t.Errorf("%s: what cannot be had moved %s", c.what, x.Item)
			}
		}
	}
}

// A rule about time holds by the moment and by the server's clock: a child is not grown up because somebody asks for next year.
func TestProtectiveRulesHoldThenAndNow(t *testing.T) {
	h := toyHouse(t, `age_band:    {kind: attribute, type: {enum: [child, adult]}`, `age_band:    {kind: attribute, type: date`, `when: "facts.age_band == 'child'"`, `when: "age(facts.age_band) < 18"`)
	for _, c := range []struct {
		born string
		ago  int // of the moment
		want string
	}{
		{"2008-11-19", 0, "fudge bread cake"}, // 18 tomorrow
		{"2008-11-17", 0, "beer fudge wine"},
		{"2008-11-19", -2, "fudge bread cake"},
		{"2008-11-17", 2, "fudge bread cake"},
	} {
		m := somebody(h)
		knows(m, "age_band", c.born, person.Declared)
		a := at("home")
		a.Moment.At = now.Add(-days(c.ago))
		wantsItems(t, Compute(h, m, a).Receipt, c.want)
	}
}

// An item of which only the id is known may be anything: who is protected is not offered it, and for others it comes last.
func TestBareItems(t *testing.T) {
	items := shop()
	items = append(items, catalogue.Item{Bare: true})
	items[len(items)-1].ID = "aaa"
	h := houseOf(t, items, nil)
	r := Compute(h, nil, Ask{Moment: at("home").Moment, Ceiling: person.Individual, Limit: 100}).Receipt
	if got := ids(r); got != "apples beer bread cake fudge milk tea wine aaa" {
		t.Errorf("offered %q", got)
	}
	m := somebody(h)
	knows(m, "age_band", "child", person.Declared)
	r = Compute(h, m, Ask{Moment: at("home").Moment, Ceiling: person.Individual, Limit: 100}).Receipt
	if got := ids(r); got != "apples bread cake fudge milk tea" {
		t.Errorf("a child is offered %q", got)
	}
	if got := h.Removable("no-alcohol-for-minors"); !slices.Equal(got, []string{"aaa", "beer", "wine"}) {
		t.Errorf("the rule could remove %v", got)
	}
}
