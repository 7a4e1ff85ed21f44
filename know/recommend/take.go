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

// takings is the room in which events are folded.
type takings struct {
	place  map[string]int32 // of an item, in the order in which they are met
	items  []string
	times  []int32 // by item: in how many lines it is; then where its events begin in events
	of     []int32 // by line: the item's place
	from   []int32 // by line: the event
	order  []int32 // items by id
	events []int32 // by item: the events that had it
}

var takingsPool = sync.Pool{New: func() any { return &takings{place: map[string]int32{}} }}

// free gives the room back without what it held.
func (w *takings) free() {
	clear(w.place)
	clear(w.items)
	w.items, w.times, w.of, w.from, w.order, w.events = w.items[:0], w.times[:0], w.of[:0], w.from[:0], w.order[:0], w.events[:0]
	takingsPool.Put(w)
}

// Take folds events to the things taken: one Taken for each item, by item id. An event counts an item once; lines
// with a negative quantity (returns) do not count.
func Take(events []person.Event, counts func(event string) bool) []Taken {
	w := takingsPool.Get().(*takings)
	defer w.free()
	for i := range events {
		if e := &events[i]; counts(e.Name) {
			for j := range e.Lines {
				l := &e.Lines[j]
				if l.Item == "" || l.Quantity < 0 {
					continue
				}
				at, met := w.place[l.Item]
				if !met {
					at = int32(len(w.items))
					w.place[l.Item] = at
					w.items, w.times, w.order = append(w.items, l.Item), append(w.times, 0), append(w.order, at)
				}
				w.times[at]++
				w.of, w.from = append(w.of, at), append(w.from, int32(i))
			}
		}
	}
	slices.SortFunc(w.order, func(a, b int32) int { return strings.Compare(w.items[a], w.items[b]) })
	begin := int32(0)
	for _, at := range w.order {
		begin, w.times[at] = begin+w.times[at], begin
	}
	w.events = slices.Grow(w.events, len(w.of))[:len(w.of)]
	for i, at := range w.of {
		w.events[w.times[at]] = w.from[i]
		w.times[at]++ // at last where the next item's events begin
	}
	sooner := func(a, b int32) int {
		return cmp.Or(cmp.Compare(events[a].At, events[b].At), bytes.Compare(events[a].ID[:], events[b].ID[:]))
	}
	out, when := make([]Taken, 0, len(w.items)), make([]person.Instant, 0, len(w.of))
	begin = 0
	for _, at := range w.order {
		had := w.events[begin:w.times[at]]
		begin = w.times[at]
		if !slices.IsSortedFunc(had, sooner) { // a history comes oldest first
			slices.SortFunc(had, sooner)
		}
		when = when[len(when):]
		for i, e := range had {
			if i == 0 || sooner(had[i-1], e) != 0 { // else a second line of the same event
				when = append(when, events[e].At)
			}
		}
		out = append(out, Taken{Item: w.items[at], When: when[:len(when):len(when)], Event: events[had[len(had)-1]].ID})
	}
	return out
}

// Took says whether Take would give anything.
func Took(events []person.Event, counts func(event string) bool) bool {
	for i := range events {
		if e := &events[i]; counts(e.Name) {
			for j := range e.Lines {
				if e.Lines[j].Item != "" && !(e.Lines[j].Quantity < 0) {
					return true
				}
			}
		}
	}
	return false
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
