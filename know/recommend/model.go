// Package recommend learns an additive item-item model from permitted histories and ranks with it.
//
// It promises: a score is a plain sum of named parts (a thing the person took, a fact of theirs, "again", the trend),
// and Explain gives exactly the parts that Rank added; no weight, trend or column rests on fewer than k people; the same
// input gives the same bytes, whatever the number of processors; an item that was marked sensitive when the model was
// learnt is withheld from ranking and reasons unless the caller allows it (Input.Allow).
//
// It does not judge: callers hand it only what a permit let them open, and it sees no pseudonyms.
package recommend

import (
	"sync"

	"github.com/rapporthq/rapport/know/names"
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
	Taken   []Taken                 // in any order; an item at most once
	Events  []person.Event          // instead of Taken: the events that it is folded from, as Take does it, without making it
	Counts  func(event string) bool // which of Events count: see Counts
	Columns []string                // permitted facts that are columns: "household=2" (see Column); in any order
	Muted   map[string]bool         // reasons whose weight the person removed ("not for me"): an item's id, a fact's name, SourceAgain, SourceTrend
	At      person.Instant          // the time for which it is decided
	Most    int                     // how many of the best are wanted; 0: all
	Allow   *Set                    // items that may be ranked and be reasons; nil: all but those that were marked sensitive when the model was learnt
	Room    *Room                   // keeps what a model made of this input, for who asks it about the same one again: nothing in it but Most may change meanwhile, and Leave ends it; nil: nothing is kept
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
	Times  int            // how often that item was taken
	Last   person.Instant // and when last
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

func newSet(n int) *Set { return &Set{bits: make([]uint64, (n+63)/64)} }

func (s *Set) add(item int) { s.bits[item>>6] |= 1 << (item & 63) }

// Has says whether the item with that index is in the set.
func (s *Set) Has(item int) bool {
	return s != nil && item >= 0 && item>>6 < len(s.bits) && s.bits[item>>6]&(1<<(item&63)) != 0
}

// Model is a learnt model. It is immutable and safe for many goroutines. The zero Model knows no item and ranks nothing.
//
// Its items are of two sorts: candidates, which at least k people took, with weights and trend; and after them the rest
// of the catalogue, which a person who took one may be shown again, on nobody's account but their own.
type Model struct {
	k          int
	learnt     person.Instant // the latest time in the histories; zero when they had none
	candidates int
	ids        []string // candidates by id, then the others by id
	columns    []string // facts' columns, by name
	marked     *Set     // items that were marked sensitive when it was learnt

	// Weights by source: candidates first, then columns.
	start  []int32
	to     []int32   // targets, rising
	weight []float32 //
	shared []int32   // people who have both, at least k

	all    int32     // people who took any candidate; 0: not known
	people []int32   // by candidate: who ever took it, at least k
	repeat []float32 // by candidate: how apt it is to be taken again, 1 for the average item; rests on people
	lately []float32 // by candidate: its trend in [0,1], 0 when fewer than k took it lately
	recent []int32   // by candidate: who took it lately; 0 when fewer than k
	season []season  // by month, 12 of them; none when the histories are too short to know
	terms  terms

	near    []uint16     // to again, in half the room, for Rank, which goes through hundreds of rows; nil with too many candidates for it
	index   *names.Table // of ids
	column  map[string]int32
	allowed *Set          // what Allow nil means
	trends  [12][]float64 // by month: what the trend adds, by candidate
	byTrend []int32       // candidates by people, most first
	scratch sync.Pool
}

// season says how much more of an item is taken in one month of the year than in the average month.
type season struct {
	lift   []float32 // by candidate; 1: as ever
	people []int32   // by candidate: on whom it rests, at least k; 0: on nobody, and the lift is 1
}

// terms are the model's few numbers beside the weights.
type terms Fixed

// Items is how many items the model knows: candidates first, then what is only ranked for who took it.
func (m *Model) Items() int { return len(m.ids) }

// Candidates is how many items have weights: indexes below it.
func (m *Model) Candidates() int { return m.candidates }

// ID is the id of the item with that index.
func (m *Model) ID(item int) string { return m.ids[item] }

// Index is the index of an item, and false when the model does not know it.
func (m *Model) Index(id string) (int, bool) { i, ok := m.index.Find(id); return int(i), ok }

// Learnt is the latest time in the histories it was learnt from; zero when they had no times.
func (m *Model) Learnt() person.Instant { return m.learnt }

// Set makes the set of the items for which in says yes, for Input.Allow. Make it once for a model and a catalogue.
func (m *Model) Set(in func(id string) bool) *Set {
	s := newSet(len(m.ids))
	for i, id := range m.ids {
		if in(id) {
			s.add(i)
		}
	}
	return s
}

// Columns lists the facts' columns that the model has, by name.
func (m *Model) Columns() []string { return append([]string(nil), m.columns...) }

// MinSupport is the k with which the model was learnt: the least number of people behind any weight, trend or column.
func (m *Model) MinSupport() int { return m.k }

// Supports calls yield for every learnt number with how many people it rests on, until yield says no. For a weight i and
// j are item ids, i perhaps a column as Column writes it; for counts of one item (trend, season, people) i is SourceTrend.
func (m *Model) Supports(yield func(i, j string, people int) bool) {
	for s := range len(m.start) - 1 {
		for e := m.start[s]; e < m.start[s+1]; e++ {
			if !yield(m.sourceName(s), m.ids[m.to[e]], int(m.shared[e])) {
				return
			}
		}
	}
	for j := range m.candidates {
		if !yield(SourceTrend, m.ids[j], int(m.people[j])) {
			return
		}
		if m.lately[j] != 0 && !yield(SourceTrend, m.ids[j], int(m.recent[j])) {
			return
		}
		for _, s := range m.season {
			if s.lift[j] != 1 && !yield(SourceTrend, m.ids[j], int(s.people[j])) {
				return
			}
		}
	}
}

func (m *Model) sourceName(s int) string {
	if s < m.candidates {
		return m.ids[s]
	}
	return m.columns[s-m.candidates]
}

// ready makes the look-ups of a model whose learnt numbers are set.
func (m *Model) ready() {
	m.index = names.New(m.ids)
	if m.candidates <= 1<<16 {
		m.near = make([]uint16, len(m.to))
		for e, t := range m.to {
			m.near[e] = uint16(t)
		}
	}
	m.column = make(map[string]int32, len(m.columns))
	for i, c := range m.columns {
		m.column[c] = int32(m.candidates + i)
	}
	m.allowed = newSet(len(m.ids))
	for i := range m.ids {
		if !m.marked.Has(i) {
			m.allowed.add(i)
		}
	}
	m.readyTrends()
}
