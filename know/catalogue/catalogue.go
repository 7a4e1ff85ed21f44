// Package catalogue holds what can be decided on: products, offers, pieces of content, with their attributes.
//
// A Shelf is an immutable snapshot, safe for many goroutines, that has asked the charter's rules about every item once.
// It promises: an item about which a rule could not be decided counts as marked by it, and so does an item that is not
// on the shelf, by every rule. A catalogue is public: nothing about a person is ever in it.
package catalogue

import (
	"context"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/names"
	"github.com/rapporthq/rapport/person"
)

// Item is one thing in the catalogue: what rules see of it (charter.Item), and what the shop needs besides.
type Item struct {
	charter.Item
	Stock *int           `json:",omitempty"` // pieces left; nil: not counted, so there is always one
	From  person.Instant `json:",omitempty"` // valid from; zero: always was
	Until person.Instant `json:",omitempty"` // valid until, not included; zero: for ever
	Bare  bool           `json:",omitempty"` // known by its id alone, because k people have it
	Image string         `json:",omitempty"` // address of a picture
	URL   string         `json:",omitempty"` // address of its page
}

// Available says whether it can be offered at that time: in its valid time, and not out of stock.
func (it *Item) Available(at person.Instant) bool {
	return (it.Stock == nil || *it.Stock > 0) && at >= it.From && (it.Until == 0 || at < it.Until)
}

// Store keeps the catalogue.
type Store interface {
	// PutItems writes the items, each replacing the one of its id, all or none, and gives the new version.
	PutItems(ctx context.Context, items []Item) (version int64, err error)
	// Items gives every item, by id bytewise, and the version they are of.
	Items(ctx context.Context) (items []Item, version int64, err error)
	// ItemsVersion gives the version alone: 0 before the first PutItems, larger after each.
	ItemsVersion(ctx context.Context) (int64, error)
}

// Shelf is the catalogue at one version under one charter.
type Shelf struct {
	items   []Item
	index   *names.Table // of items' ids
	marks   [][]string   // by item: ids of the sensitive rules that mark it
	all     []string     // ids of every sensitive rule: what marks an unknown item
	version int64
	spoken  spoken
}

// NewShelf makes the snapshot. Items are sorted by id; of two with one id the later stands. c may be nil: then there
// are no rules, and nothing is marked.
func NewShelf(items []Item, c *charter.Charter, version int64) *Shelf {
	s := &Shelf{items: slices.Clone(items), version: version}
	slices.SortStableFunc(s.items, func(a, b Item) int { return strings.Compare(a.ID, b.ID) })
	kept := s.items[:0]
	for i := range s.items {
		if i+1 < len(s.items) && s.items[i+1].ID == s.items[i].ID {
			continue
		}
		kept = append(kept, s.items[i])
	}
	s.items = kept
	s.marks = make([][]string, len(kept))
	var rules []*charter.SensitiveRule
	if c != nil {
		rules = c.Sensitive
	}
	for _, r := range rules {
		s.all = append(s.all, r.ID)
	}
	ids := make([]string, len(kept))
	for i := range kept {
		ids[i] = kept[i].ID
		s.marks[i] = marks(rules, &kept[i].Item)
	}
	s.index = names.New(ids)
	return s
}

// marks asks every rule; one that cannot be decided marks, because doubt works for the person.
func marks(rules []*charter.SensitiveRule, it *charter.Item) []string {
	var ids []string
	for _, r := range rules {
		if r.Where == nil {
			ids = append(ids, r.ID)
			continue
		}
		if yes, err := r.Where.Matches(it); yes || err != nil {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Len is how many items are on the shelf.
func (s *Shelf) Len() int { return len(s.items) }

// All gives the items by id. The slice is the shelf's own: do not change it.
func (s *Shelf) All() []Item { return s.items }

// Item gives the item of that id, nil when there is none. Do not change it.
func (s *Shelf) Item(id string) *Item {
	if i, ok := s.index.Find(id); ok {
		return &s.items[i]
	}
	return nil
}

// Index is the item's place in All, and -1 when there is none.
func (s *Shelf) Index(id string) int {
	if i, ok := s.index.Find(id); ok {
		return int(i)
	}
	return -1
}

// Sensitive lists the ids of the charter's rules that mark the item: history about it needs their purposes besides.
// An id that is not on the shelf is marked by every rule. Do not change the slice.
func (s *Shelf) Sensitive(id string) []string {
	if len(s.all) == 0 { // the charter has no such rule
		return nil
	}
	if i, ok := s.index.Find(id); ok {
		return s.marks[i]
	}
	return s.all
}

// Available says whether the i-th item of All can be offered at that time.
func (s *Shelf) Available(i int, at person.Instant) bool {
	return i >= 0 && i < len(s.items) && s.items[i].Available(at)
}

// Version is the catalogue's version of which this is the snapshot.
func (s *Shelf) Version() int64 { return s.version }
