// Package draft writes a first charter for somebody who has data and no charter yet: from files (CSV, JSON Lines), or from the names and types of what
// arrived and was refused. Types, Fideslang categories and what is sensitive are suggested by names and contents; what only people can decide stands in
// the draft as a comment that begins with DECIDE.
//
// It promises: the same draft from the same input; a draft that charter.Parse takes, whatever the input was; no value of a file in the draft but the few
// words of a column that many rows share, and none at all of what was only observed; passwords, card and government numbers are named and left out. It
// does not promise that a suggestion is right: a draft is read and edited before it is anybody's law.
package draft

import "time"

// The most that is looked at. What is more is said in the draft, not drafted.
const (
	MostColumns = 200     // of one file, and of one event
	MostRows    = 200_000 // of one file
	mostEvents  = 100     // names of events
	mostFacts   = 100     // of a draft: each wants a decision, and a charter with more warnings than 200 is not read
	mostFields  = 2000    // properties of all events of a draft
	mostWords   = 12      // different words of a column that may become an enum
	fewRows     = 20      // fewer tell nothing about which words there are
	fewOfWord   = 5       // a word that fewer rows have may be somebody's own
	longestWord = 40      // bytes of a word of an enum
	longestName = 64      // bytes of a name that a draft may hold
)

// Column is what was seen under one name: how many values of which shape. Words are kept of files only.
type Column struct {
	Name   string
	Seen   int
	Shapes map[Shape]int

	words   map[string]int // nil when there are too many, or none may be kept
	longest int            // bytes
	minus   int            // numbers below zero
	first   time.Time      // of times
	role    role
	fact    string // the name in the charter
	rule    *rule
}

// Table is one file, or the events and facts that arrived.
type Table struct {
	File   string
	Rows   int
	More   bool // the file goes on after MostRows
	Bad    int  // lines that could not be read
	Latin  bool // not UTF-8: read as Windows-1252
	Unread int  // columns beyond MostColumns

	csv     bool // an event's properties are columns of the file, not members of its own
	columns []*Column
	index   map[string]*Column
	events  map[string]*Event // of messages, and of rows with a column event
	order   []string
	kind    kind
}

// Event is what was seen of one name of event.
type Event struct {
	Name       string
	Seen       int
	properties *Table
}

// kind is what the rows of a file are.
type kind uint8

const (
	people kind = iota
	orders      // rows of who took what
	named       // rows or messages with a name of event
	visits      // rows of who was there when
	things      // the catalogue
)

func newTable(file string) *Table {
	return &Table{File: file, index: map[string]*Column{}, events: map[string]*Event{}}
}

func (t *Table) column(name string) *Column {
	if c := t.index[name]; c != nil {
		return c
	}
	if len(t.columns) >= MostColumns {
		t.Unread++
		return nil
	}
	c := &Column{Name: name, Shapes: map[Shape]int{}, words: map[string]int{}}
	t.columns = append(t.columns, c)
	t.index[name] = c
	return c
}

func (t *Table) event(name string) *Event {
	if e := t.events[name]; e != nil {
		return e
	}
	if len(t.events) >= mostEvents {
		t.Unread++
		return nil
	}
	e := &Event{Name: name, properties: newTable(t.File)}
	t.events[name] = e
	t.order = append(t.order, name)
	return e
}

func (t *Table) has(r role) *Column {
	for _, c := range t.columns {
		if c.role == r {
			return c
		}
	}
	return nil
}

// add notes one value as text.
func (c *Column) add(text string) {
	if c == nil || text == "" {
		return
	}
	s := ShapeOf(text)
	c.Seen++
	c.Shapes[s]++
	c.longest = max(c.longest, len(text))
	if text[0] == '-' && (s == Integer || s == Whole || s == Number) {
		c.minus++
	}
	if s == Date || s == Time {
		if at, ok := readTime(text); ok && (c.first.IsZero() || at.Before(c.first)) {
			c.first = at
		}
	}
	if c.words != nil {
		c.words[text]++
		if len(c.words) > mostWords || len(text) > longestWord {
			c.words = nil
		}
	}
}

// note counts a shape without any value.
func (c *Column) note(s Shape, n int) {
	if c != nil {
		c.words = nil
		c.Seen += n
		c.Shapes[s] += n
	}
}

// mostly says whether nearly all values have one of the shapes.
func (c *Column) mostly(shapes ...Shape) bool {
	n := 0
	for _, s := range shapes {
		n += c.Shapes[s]
	}
	return c.Seen > 0 && n*100 >= c.Seen*95
}
