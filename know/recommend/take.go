package recommend

import (
	"slices"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Counts says which events of a charter are things taken: those with a property of type items (an order's lines); where a
// charter has none, those with a property of type item (things looked at). Events that take something back never count.
func Counts(c *charter.Charter) func(event string) bool {
	orders, looks := map[string]bool{}, map[string]bool{}
	for name, e := range c.Events {
		if e.TakesBack {
			continue
		}
		for _, p := range e.Properties {
			switch p.Type.Name {
			case charter.TItems:
				orders[name] = true
			case charter.TItem:
				looks[name] = true
			}
		}
	}
	if len(orders) == 0 {
		orders = looks
	}
	return func(event string) bool { return orders[event] }
}

// Take folds events to the things taken: one Taken for each item, by item id. An event counts an item once; lines
// with a negative quantity (returns) do not count.
func Take(events []person.Event, counts func(event string) bool) []Taken {
	at := map[string]int{}
	var out []Taken
	order := make([]int, 0, len(events))
	for i := range events {
		if counts(events[i].Name) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &events[a], &events[b]
		switch {
		case x.At != y.At:
			if x.At < y.At {
				return -1
			}
			return 1
		default:
			return strings.Compare(string(x.ID[:]), string(y.ID[:]))
		}
	})
	for _, i := range order {
		e := &events[i]
		for _, l := range e.Lines {
			if l.Item == "" || l.Quantity < 0 {
				continue
			}
			k, ok := at[l.Item]
			if !ok {
				k = len(out)
				at[l.Item] = k
				out = append(out, Taken{Item: l.Item})
			}
			t := &out[k]
			if len(t.When) > 0 && t.Event == e.ID && t.Last() == e.At {
				continue // a second line of the same event
			}
			t.When = append(t.When, e.At)
			t.Event = e.ID
		}
	}
	slices.SortFunc(out, func(a, b Taken) int { return strings.Compare(a.Item, b.Item) })
	return out
}

// Columns names the columns of a person's facts: those whose type the charter makes a column (enum, band), protective
// facts and identifiers left out. Facts come in any order, one for each name (see person.InUse); the answer is sorted.
func Columns(c *charter.Charter, facts []person.Fact) []string {
	var out []string
	for _, f := range facts {
		d := c.Data[f.Name]
		if d == nil || d.Protective || d.Kind == charter.Identifier || !d.Type.IsColumn() || f.Value == "" {
			continue
		}
		out = append(out, Column(f.Name, f.Value))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
