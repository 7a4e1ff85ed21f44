// Package tally counts what happens on each day, for the console's charts: events kept, decisions by rung, holds by reason,
// choices by purpose. It promises that a count is about no one: names are the charter's and the program's own, never what a
// person or a caller wrote. It does not promise the last seconds before a crash. What a count of people may show is said by
// whoever shows it: see Rounded.
package tally

import (
	"context"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// The kinds of counts. They are on disk: never change them.
const (
	Events    = "events"    // messages of which something was kept; no name
	Decisions = "decisions" // by rung
	Holds     = "holds"     // what was held back from decisions, by reason
	Yes       = "yes"       // people who said yes, by purpose: each person once a day
	No        = "no"        // people who said no, likewise
	Census    = "census"    // people by how good what is kept of them is, as last counted that day: see quality.Line
)

// Count is how often something happened on a day.
type Count struct {
	Day  int64 // UTC days since 1970, by the server's clock
	Kind string
	Name string
	N    int64
}

// Counters keeps counts by day.
type Counters interface {
	// AddTally adds to the counts of the same day, kind and name, all or none.
	AddTally(ctx context.Context, counts []Count) error
	// Tally gives the counts from that day on but those of the census, which are many; in no order.
	Tally(ctx context.Context, fromDay int64) ([]Count, error)
	// TallyOf gives the counts of one kind from that day on, in no order.
	TallyOf(ctx context.Context, kind string, fromDay int64) ([]Count, error)
}

// Book adds up in memory and writes now and then. It is safe for many goroutines.
type Book struct {
	counters Counters
	clock    person.Clock
	waiting  *Waiting[Count] // keyed with N 0
}

// NewBook makes a Book over counters.
func NewBook(counters Counters, clock person.Clock) *Book {
	return &Book{counters: counters, clock: clock, waiting: NewWaiting[Count]()}
}

// Add counts n more of a kind and name today.
func (b *Book) Add(kind, name string, n int) {
	if n > 0 {
		b.waiting.Add(Count{Day: b.clock().Day(), Kind: kind, Name: name}, int64(n))
	}
}

// Set makes the counts of a kind today what they are counted to be, those of other names nothing. Two who set at the same time may leave
// the sum of both until the next.
func (b *Book) Set(ctx context.Context, kind string, counts map[string]int64) error {
	day := b.clock().Day()
	now, err := b.counters.TallyOf(ctx, kind, day)
	if err != nil {
		return err
	}
	differ := map[string]int64{}
	for name, n := range counts {
		differ[name] = n
	}
	for _, c := range now {
		if c.Day == day {
			differ[c.Name] -= c.N
		}
	}
	var list []Count
	for name, n := range differ {
		if n != 0 {
			list = append(list, Count{Day: day, Kind: kind, Name: name, N: n})
		}
	}
	return b.counters.AddTally(ctx, list)
}

// Of gives the counts of a kind that are on disk, from a day on, in no order.
func (b *Book) Of(ctx context.Context, kind string, fromDay int64) ([]Count, error) {
	return b.counters.TallyOf(ctx, kind, fromDay)
}

// Flush writes what is pending. After an error it stays pending.
func (b *Book) Flush(ctx context.Context) error {
	return b.waiting.Flush(ctx, func(taken map[Count]int64) error {
		list := make([]Count, 0, len(taken))
		for c, n := range taken {
			c.N = n
			list = append(list, c)
		}
		return b.counters.AddTally(ctx, list)
	})
}

// Since gives the counts from a day on, those on disk and this process's pending ones, by day, kind and name.
func (b *Book) Since(ctx context.Context, fromDay int64) ([]Count, error) {
	sum, err := b.waiting.Sum(ctx, func(c Count) bool { return c.Day >= fromDay }, func(add func(Count, int64)) error {
		kept, err := b.counters.Tally(ctx, fromDay)
		for _, c := range kept {
			n := c.N
			c.N = 0
			add(c, n)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Count, 0, len(sum))
	for c, n := range sum {
		c.N = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Count) int {
		if a.Day != b.Day {
			return int(a.Day - b.Day)
		}
		return strings.Compare(a.Kind+"\x00"+a.Name, b.Kind+"\x00"+b.Name)
	})
	return out, nil
}

// Rounded is a count of people as it may be shown: not at all below k, else as the next multiple of k below. A k under two
// shows the count itself.
func Rounded(n int64, k int) (shown int64, ok bool) {
	if k < 2 {
		return n, true
	}
	return n - n%int64(k), n >= int64(k)
}
