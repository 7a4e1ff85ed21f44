package quality

import (
	"slices"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Line names a count of people: those of whom a source says a fact, and what is the matter with it.
type Line struct {
	Source string // of the charter, or "self"
	Fact   string // of the charter
	What   string // Kept, Held, Contradicted, or the name of a doubt
}

// What is counted beside the doubts.
const (
	Kept         = "kept"         // there is a value
	Held         = "held"         // it is less sure than the charter's floor, today
	Contradicted = "contradicted" // another source says otherwise
	Faded        = "faded"        // it would not be held, had it come today
)

// String is the line as one name, for where counts are kept.
func (l Line) String() string { return l.Source + "\x1f" + l.Fact + "\x1f" + l.What }

// ParseLine reads what String wrote.
func ParseLine(s string) (Line, bool) {
	parts := strings.Split(s, "\x1f")
	if len(parts) != 3 {
		return Line{}, false
	}
	return Line{parts[0], parts[1], parts[2]}, true
}

// Census counts people by how good what is kept of them is. It is told heads and never values, and knows nobody: each person is counted
// once in a line, whatever their pseudonyms. What the charter does not name is not counted.
type Census struct {
	charter *charter.Charter
	at      person.Instant
	counts  map[Line]int64
	once    []Line // of the person at hand
}

// NewCensus begins a count by the charter in force at a time.
func NewCensus(c *charter.Charter, at person.Instant) *Census {
	return &Census{charter: c, at: at, counts: map[Line]int64{}}
}

// Counts are the people in each line. The map is the census's own.
func (c *Census) Counts() map[Line]int64 { return c.counts }

// Add counts one person by the heads of their facts. same says whether two of the facts have the same value.
func (c *Census) Add(facts []person.Head, same func(i, j int) bool) {
	c.once = c.once[:0]
	for i := range facts {
		h := &facts[i]
		d := c.charter.Data[h.Name]
		if d == nil || h.Event || h.Unreadable || h.Source != "self" && c.charter.Sources[h.Source] == nil {
			continue
		}
		line := func(what string) {
			if l := (Line{h.Source, h.Name, what}); !slices.Contains(c.once, l) {
				c.once = append(c.once, l)
				c.counts[l]++
			}
		}
		line(Kept)
		if d.Sure(h, c.at) < d.Quality {
			line(Held)
			if h.Quality >= d.Quality {
				line(Faded)
			}
		}
		for one := range h.Doubts.Each {
			line(one.String())
		}
		for j := range facts {
			if facts[j].Name == h.Name && facts[j].Source != h.Source && !facts[j].Unreadable && facts[j].Learnt != person.Inferred && h.Learnt != person.Inferred && !same(i, j) {
				line(Contradicted)
				break
			}
		}
	}
}
