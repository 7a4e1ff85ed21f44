package decide

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
)

// named is how many reasons an item names; the rest is one line.
const named = 4

// PartKind says where a part of a score comes from. The numbers are in receipts: never renumber.
type PartKind uint8

// The kinds of parts.
const (
	PartTaken     PartKind = 1 // something the person took: Name is the item
	PartAgain     PartKind = 2 // they took this very item before
	PartTrend     PartKind = 3 // many take it lately
	PartFact      PartKind = 4 // a fact of theirs: Name is the fact
	PartTerm      PartKind = 5 // a declared term: Name is the term
	PartCatalogue PartKind = 6 // the catalogue's own order
	PartRest      PartKind = 7 // what is too small to be named
)

// Part is one addend of a score, as a receipt keeps it: names, times and the weight, no words and no values of facts.
type Part struct {
	Kind   PartKind
	Name   string
	Event  person.EventID // the latest event that it rests on, zero when none
	Of     string         // that event's name in the charter
	Times  int            // how often, for something taken
	Last   person.Instant // when last, for something taken
	Weight float64
}

// Source is the part's name for machines.
func (p Part) Source() string {
	switch p.Kind {
	case PartTaken, PartAgain:
		if p.Event != (person.EventID{}) {
			return p.Event.String()
		}
		return "item:" + p.Name
	case PartTrend:
		return recommend.SourceTrend
	case PartFact:
		return recommend.SourceFact(p.Name)
	case PartTerm:
		return termSource(p.Name)
	case PartCatalogue:
		return "catalogue"
	}
	return "rest"
}

func termSource(name string) string { return "term:" + name }

// mutes is what the person's "not for me" takes away from the part, in recommend's words; empty when nothing: what many
// take, and what the person themselves takes again, are no reasons to unlearn.
func (p Part) mutes() string {
	switch p.Kind {
	case PartTaken, PartFact:
		return p.Name
	case PartTerm:
		return termSource(p.Name)
	}
	return ""
}

// ranking is what one rung gives: every item it could offer, best first, and how to explain one.
type ranking struct {
	rung    person.Rung
	scored  []recommend.Scored
	all     func() []recommend.Scored // the same from the beginning to the end; nil when scored is all there is
	place   func(i int) int           // the i-th scored item's place on the shelf, -1 when it is not there
	explain func(items []recommend.Scored) [][]Part
}

// values is what a permit opened of a person, made ready for ranking.
type values struct {
	events []person.Event
	taken  bool              // whether any of them took anything
	facts  map[string]string // one value for each permitted fact that is not protective
	cols   []string
}

// permittedValues keeps, of several values of one fact, the one that outweighs the others (person.InUse). Only facts that passed are among
// them, so that nothing held can move the choice.
func permittedValues(c *charter.Charter, counts func(string) bool, facts []person.Fact, events []person.Event) values {
	chosen := person.InUse(facts)
	v := values{events: events, taken: recommend.Took(events, counts), facts: make(map[string]string, len(chosen))}
	for i := range chosen {
		if d := c.Data[chosen[i].Name]; d != nil && !d.Protective && d.Kind != charter.Identifier {
			v.facts[chosen[i].Name] = chosen[i].Value
		}
	}
	v.cols = recommend.Columns(c, chosen) // sorted
	return v
}

// scratch keeps the room of rankings between decisions.
type scratch struct {
	scored []recommend.Scored
	room   recommend.Room
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// enough is how many of the best are ranked at first: guards rarely leave out so many that it needs all. Tests make it few.
var enough = 32

// individual ranks by what the person's permit opened, and adds the declared terms that apply. It is nil when there is
// nothing to rank by. done gives the long slice back.
func (h *House) individual(v values, muted map[string]bool, allow *recommend.Set, placement string, limit int, at person.Instant) (r *ranking, done func()) {
	if h.ranker == nil || !v.taken && len(v.cols) == 0 {
		return nil, func() {}
	}
	buf := scratches.Get().(*scratch)
	in := recommend.Input{Events: v.events, Counts: h.counts, Columns: v.cols, Muted: muted, At: at, Allow: allow, Room: &buf.room}
	terms := h.applies(v.facts, muted, placement, at)
	if len(terms) == 0 { // a term may raise any item
		in.Most = max(enough, 4*limit)
	}
	scored := h.ranker.Rank(buf.scored[:0], in)
	done = func() {
		h.ranker.Leave(&buf.room)
		buf.scored = scored[:0]
		scratches.Put(buf)
	}
	if len(terms) > 0 {
		h.add(terms, scored)
	}
	if len(scored) == 0 {
		return nil, done
	}
	r = &ranking{rung: person.Individual, scored: scored}
	if in.Most > 0 && len(scored) >= in.Most {
		r.all = func() []recommend.Scored {
			in.Most = 0
			return h.ranker.Rank(nil, in)
		}
	}
	r.place = func(i int) int { return h.onShelf(r.scored[i].Item) }
	r.explain = func(items []recommend.Scored) [][]Part {
		ids := make([]string, len(items))
		for i := range items {
			ids[i] = items[i].ID
		}
		out := make([][]Part, len(items))
		most := named + 1 + len(terms)
		slab := make([]Part, most*len(items))
		for i, reasons := range h.ranker.Reasons(in, ids, named+1) {
			parts := appendParts(slab[i*most:i*most:(i+1)*most], reasons.Parts)
			for _, t := range terms {
				if t.items.has(h.onShelf(items[i].Item)) {
					parts = append(parts, Part{Kind: PartTerm, Name: t.Name, Weight: t.Weight})
				}
			}
			out[i] = shorten(parts, reasons.More, items[i].Score)
		}
		return out
	}
	return r, done
}

// add adds the terms to the items that they are for, and puts these in their new places. The others keep their order.
func (h *House) add(terms []declaredTerm, scored []recommend.Scored) {
	n := 0
	var raised []recommend.Scored
	for _, s := range scored {
		k, more := h.onShelf(s.Item), 0.0
		for _, t := range terms {
			if t.items.has(k) {
				more += t.Weight
			}
		}
		if more == 0 {
			scored[n] = s
			n++
			continue
		}
		s.Score += more
		raised = append(raised, s)
	}
	slices.SortFunc(raised, best)
	// Merge from the back, in place: both parts are in order.
	i, j := n-1, len(raised)-1
	for at := len(scored) - 1; j >= 0; at-- {
		if i >= 0 && best(scored[i], raised[j]) > 0 {
			scored[at] = scored[i]
			i--
		} else {
			scored[at] = raised[j]
			j--
		}
	}
}

// best orders by score, highest first, then by id.
func best(a, b recommend.Scored) int {
	if a.Score != b.Score {
		return cmp.Compare(b.Score, a.Score)
	}
	return strings.Compare(a.ID, b.ID)
}

func (h *House) onShelf(item int) int {
	if item < 0 || item >= len(h.shelf) {
		return -1
	}
	return int(h.shelf[item])
}

// applies lists the declared terms of the placement whose condition holds over the permitted facts. One that cannot be
// decided does not apply.
func (h *House) applies(facts map[string]string, muted map[string]bool, placement string, at person.Instant) []declaredTerm {
	var out []declaredTerm
	for _, t := range h.terms {
		if !slices.Contains(t.Placements, placement) || muted[termSource(t.Name)] || muted[t.Fact] {
			continue
		}
		if _, ok := facts[t.Fact]; !ok {
			continue
		}
		if yes, err := t.When.Matches(facts, at); yes && err == nil {
			out = append(out, t)
		}
	}
	return out
}

// appendParts turns the model's parts into a receipt's.
func appendParts(out []Part, from []recommend.Part) []Part {
	for _, p := range from {
		part := Part{Weight: p.Weight, Event: p.Event}
		switch {
		case p.Source == recommend.SourceTrend:
			part.Kind = PartTrend
		case p.Fact != "":
			part.Kind, part.Name = PartFact, p.Fact
		default:
			part.Kind, part.Name = PartTaken, p.Item
			if p.Source == recommend.SourceAgain {
				part.Kind = PartAgain
			}
			part.Times, part.Last = p.Times, p.Last
		}
		out = append(out, part)
	}
	return out
}

// shorten keeps the largest parts by size, negative ones too, and puts the rest into one line, so that they add up to the
// score. more is how many parts there are besides.
func shorten(parts []Part, more int, score float64) []Part {
	slices.SortStableFunc(parts, func(a, b Part) int {
		if x, y := math.Abs(a.Weight), math.Abs(b.Weight); x != y {
			return cmp.Compare(y, x)
		}
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	if more == 0 && len(parts) <= named+1 {
		return parts
	}
	rest := score
	for _, p := range parts[:named] {
		rest -= p.Weight
	}
	return append(parts[:named], Part{Kind: PartRest, Weight: rest})
}

// nameEvents fills in the names of the events that the parts rest on.
func nameEvents(parts []Part, events []person.Event) {
	for i := range parts {
		if parts[i].Event == (person.EventID{}) {
			continue
		}
		for j := range events {
			if events[j].ID == parts[i].Event {
				parts[i].Of = events[j].Name
				break
			}
		}
	}
}

// context ranks by what many take lately and in this season: it depends on nobody. Nil without a model.
func (h *House) context(at person.Instant) *ranking {
	if h.ranker == nil {
		return nil
	}
	scored := h.trending(at)
	if len(scored) == 0 {
		return nil
	}
	return &ranking{
		rung: person.Context, scored: scored,
		place: func(i int) int { return h.onShelf(scored[i].Item) },
		explain: func(items []recommend.Scored) [][]Part {
			out := make([][]Part, len(items))
			for i, s := range items {
				out[i] = []Part{{Kind: PartTrend, Weight: s.Score}}
			}
			return out
		},
	}
}

// generic is the catalogue in its own order, which is by id: it needs no model and depends on nobody. Bare items come last.
func (h *House) generic() *ranking {
	h.shelved.once.Do(func() {
		items := h.Shelf.All()
		h.shelved.order = make([]recommend.Scored, 0, len(items))
		for _, bare := range [2]bool{false, true} {
			for i := range items {
				if items[i].Bare == bare {
					h.shelved.order = append(h.shelved.order, recommend.Scored{Item: i, ID: items[i].ID})
				}
			}
		}
	})
	scored := h.shelved.order
	return &ranking{
		rung: person.Generic, scored: scored,
		place: func(i int) int { return scored[i].Item },
		explain: func(items []recommend.Scored) [][]Part {
			out := make([][]Part, len(items))
			for i := range items {
				out[i] = []Part{{Kind: PartCatalogue}}
			}
			return out
		},
	}
}
