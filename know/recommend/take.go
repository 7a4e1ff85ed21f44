package recommend

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"

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

// taking is an item of an event, while they are sorted.
type taking struct {
	item  string
	event *person.Event
}

var takings = sync.Pool{New: func() any { return new([]taking) }}

// Take folds events to the things taken: one Taken for each item, by item id. An event counts an item once; lines
// with a negative quantity (returns) do not count.
func Take(events []person.Event, counts func(event string) bool) []Taken {
	scratch := takings.Get().(*[]taking)
	lines := (*scratch)[:0]
	defer func() {
		clear(lines)
		*scratch = lines
		takings.Put(scratch)
	}()
	for i := range events {
		if e := &events[i]; counts(e.Name) {
			for j := range e.Lines {
				if l := &e.Lines[j]; l.Item != "" && l.Quantity >= 0 {
					lines = append(lines, taking{l.Item, e})
				}
			}
		}
	}
	slices.SortFunc(lines, func(a, b taking) int {
		if c := strings.Compare(a.item, b.item); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.event.At, b.event.At), bytes.Compare(a.event.ID[:], b.event.ID[:]))
	})
	items := 0
	for i := range lines {
		if i == 0 || lines[i].item != lines[i-1].item {
			items++
		}
	}
	out, when := make([]Taken, 0, items), make([]person.Instant, 0, len(lines))
	for i, l := range lines {
		switch {
		case i == 0 || l.item != lines[i-1].item:
			when = when[len(when):]
			out = append(out, Taken{Item: l.item})
		case l.event.ID == lines[i-1].event.ID && l.event.At == lines[i-1].event.At:
			continue // a second line of the same event
		}
		when = append(when, l.event.At)
		t := &out[len(out)-1]
		t.When, t.Event = when[:len(when):len(when)], l.event.ID
	}
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
