package charter

import (
	"time"

	"github.com/rapporthq/rapport/person"
)

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

// Item is what a rule can see of a catalogue item.
type Item struct {
	ID, Name, Category, Type, Brand, Department, Size string
	Tags                                              []string
	Price                                             float64
	Attributes                                        map[string]string
}

// ItemRule is a compiled CEL condition over item.
type ItemRule struct {
	Text    string
	matches func(*Item) (bool, error)
}

// Matches evaluates the rule. An error means that the rule could not be decided; callers take the side of the person.
func (r *ItemRule) Matches(it *Item) (bool, error) { return r.matches(it) }

// FactRule is a compiled CEL condition over facts (by name, typed as the charter declares) and the moment's time.
type FactRule struct {
	Text    string
	Reads   []string // names of the facts it reads
	matches func(facts map[string]string, at person.Instant) (bool, error)
}

// Matches evaluates the rule over facts in canonical text form; a fact that is not there makes it false,
// one that cannot be read makes it an error, and callers take the side of the person.
func (r *FactRule) Matches(facts map[string]string, at person.Instant) (bool, error) {
	return r.matches(facts, at)
}

// Line is what the rule of a trait sees of one line of an event: the item, what was bought of it, and when.
type Line struct {
	Item            *Item
	Quantity, Price float64
	At              person.Instant
}

// LineRule is a compiled CEL condition over item, quantity, price, weekday ("Mon"), hour, month and day, by the
// brand's clock.
type LineRule struct {
	Text    string
	matches func(*Line) (bool, error)
}

// Matches evaluates the rule. An error means that the rule could not be decided; callers take the side of the person.
func (r *LineRule) Matches(l *Line) (bool, error) { return r.matches(l) }
