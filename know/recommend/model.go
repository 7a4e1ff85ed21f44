// Package recommend learns an additive item-item model from permitted histories and ranks with it.
//
// It promises: a score is a plain sum of named parts (a thing the person took, a fact of theirs, "again", the trend),
// and Explain gives exactly the parts that Rank added; no weight, trend or column rests on fewer than k people; the same
// input gives the same bytes, whatever the number of processors; an item that was marked sensitive when the model was
// learnt is withheld from ranking and reasons unless the caller allows it by name of index.
//
// It does not judge: callers hand it only what a permit let them open, and it sees no pseudonyms.
package recommend

import (
	"github.com/rapporthq/rapport/person"
)

// Taken is one item that a person took (bought, as a rule), folded over their permitted history by Take.
type Taken struct {
	Item  string
	When  []person.Instant // time of each event that had it, rising; one event counts once however many lines it has
	Event person.EventID   // the latest of those events: what a reason names
}

// Times is how often it was taken.
func (t Taken) Times() int { return len(t.When) }

// Last is when it was taken last; zero when unknown.
func (t Taken) Last() person.Instant {
	if len(t.When) == 0 {
		return 0
	}
	return t.When[len(t.When)-1]
}

// Input is all that a ranking may depend on.
type Input struct {
	Taken   []Taken         // in any order; an item at most once
	Columns []string        // permitted facts that are columns: "household=2" (see Column)
	Muted   map[string]bool // names of reasons whose weight the person removed ("not for me"): an item's id, a fact's name, "again", "context:trend"
	At      person.Instant  // the time for which it is decided
	Allow   *Set            // items that may be ranked and be reasons; nil: all but those that were marked sensitive when the model was learnt
}

// Column is the name of a fact's column: "household=2".
func Column(fact, value string) string { return fact + "=" + value }

// Sources of parts that are neither an item nor a fact.
const (
	SourceAgain = "again"         // the person took this very item before, so often and so lately
	SourceTrend = "context:trend" // many take it lately, and in this season
)

// SourceFact is the Source of the parts that come from a fact: "fact:household".
func SourceFact(fact string) string { return "fact:" + fact }

// Part is one addend of a score.
type Part struct {
	Source string         // an item's id, "fact:" and a fact's name, SourceAgain or SourceTrend
	Item   string         // the item it comes from: a thing taken; for SourceAgain the ranked item itself
	Event  person.EventID // latest event of that item, zero when none
	Fact   string         // the fact's name, for a fact's part
	Weight float64        // what it adds to the score; may be negative
}

// Scored is one item with its score.
type Scored struct {
	Item  int // index in the model
	ID    string
	Score float64
}

// Set is a set of a model's items, for Input.Allow. It belongs to the model that made it and does not change.
type Set struct{ bits []uint64 }

// Has says whether the item with that index is in the set.
func (s *Set) Has(item int) bool {
	return s != nil && item >= 0 && item>>6 < len(s.bits) && s.bits[item>>6]&(1<<(item&63)) != 0
}

// Model is a learnt model. It is immutable and safe for many goroutines. The zero Model knows no item and ranks nothing.
type Model struct {
	ids   []string // candidates, sorted
	index map[string]int32
}

// Items is how many candidates the model has.
func (m *Model) Items() int { return len(m.ids) }

// ID is the id of the item with that index.
func (m *Model) ID(item int) string { return m.ids[item] }

// Index is the index of an item, and false when it is no candidate.
func (m *Model) Index(id string) (int, bool) { i, ok := m.index[id]; return int(i), ok }

// Set makes the set of the items for which in says yes, for Input.Allow. Make it once for a model and a catalogue.
func (m *Model) Set(in func(id string) bool) *Set { panic("not yet") }

// Rank scores every candidate and appends them to dst[:0], best first, ties by id. What dst holds is overwritten.
func (m *Model) Rank(dst []Scored, in Input) []Scored { panic("not yet") }

// Explain gives the parts of an item's score, largest first by size; they add up to the score that Rank gave for the
// same input (to 1e-9). An item that Rank would not have ranked has none.
func (m *Model) Explain(in Input, item string) []Part { panic("not yet") }

// Trend is the context rung: what many took lately, moved by the season of at; best first. It depends on nobody.
func (m *Model) Trend(at person.Instant) []Scored { panic("not yet") }

// Generic is the lowest rung: what most people took over all time; best first. It depends on nobody and on no time.
func (m *Model) Generic() []Scored { panic("not yet") }

// Neighbours lists what taking an item adds to others, strongest first ("goes with"): Part.Item is the other item.
func (m *Model) Neighbours(item string) []Part { panic("not yet") }

// MinSupport is the k with which the model was learnt: the least number of people behind any weight.
func (m *Model) MinSupport() int { panic("not yet") }

// Supports calls yield for every weight with the number of people on whom it rests: i and j are item ids, or columns as
// Column writes them, or SourceTrend for counts of one item. It is for proving that none rests on fewer than MinSupport.
func (m *Model) Supports(yield func(i, j string, people int) bool) { panic("not yet") }

// MarshalBinary writes the model: compact, versioned, checked by a sum.
func (m *Model) MarshalBinary() ([]byte, error) { panic("not yet") }

// UnmarshalBinary reads what MarshalBinary wrote; anything else is an error and leaves the model empty.
func (m *Model) UnmarshalBinary(data []byte) error { panic("not yet") }
