package tally

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/rapporthq/rapport/person"
)

type counters struct {
	kept []Count
	err  error
}

func (c *counters) AddTally(_ context.Context, counts []Count) error {
	if c.err == nil {
		c.kept = append(c.kept, counts...)
	}
	return c.err
}

func (c *counters) Tally(_ context.Context, from int64) (out []Count, err error) {
	for _, n := range c.kept {
		if n.Day >= from {
			out = append(out, n)
		}
	}
	return out, c.err
}

func (c *counters) TallyOf(ctx context.Context, kind string, from int64) (out []Count, err error) {
	for _, n := range c.kept {
		if n.Day >= from && n.Kind == kind {
			out = append(out, n)
		}
	}
	return out, c.err
}

// TestABookAddsUpWhatIsWrittenAndWhatWaits loses nothing when a write fails, and counts nothing twice.
func TestABookAddsUpWhatIsWrittenAndWhatWaits(t *testing.T) {
	ctx, day := context.Background(), person.Instant(20_000*86_400_000_000)
	c := &counters{}
	b := NewBook(c, func() person.Instant { return day })
	b.Add(Decisions, "generic", 2)
	b.Add(Decisions, "generic", 0)
	c.err = errors.New("the disk is full")
	if b.Flush(ctx) == nil {
		t.Fatal("a failing write is no error")
	}
	c.err = nil
	b.Add(Decisions, "generic", 1)
	for range 2 {
		if err := b.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	b.Add(Decisions, "generic", 4)
	day += 86_400_000_000
	b.Add(Events, "", 5)
	got, err := b.Since(ctx, 20_000)
	if want := []Count{{20_000, Decisions, "generic", 7}, {20_001, Events, "", 5}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Fatal(got, err)
	}
	if got, err = b.Since(ctx, 20_001); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
}

func TestACountOfPeopleIsRoundedToK(t *testing.T) {
	for _, c := range []struct {
		n    int64
		k    int
		want int64
		ok   bool
	}{{0, 10, 0, false}, {9, 10, 0, false}, {10, 10, 10, true}, {19, 10, 10, true}, {25, 10, 20, true}, {3, 1, 3, true}, {3, 0, 3, true}} {
		if got, ok := Rounded(c.n, c.k); ok != c.ok || ok && got != c.want {
			t.Errorf("%d of k %d: %d, %v", c.n, c.k, got, ok)
		}
	}
}

// TestACountThatIsSetIsWhatItWasSetTo sets a kind's counts twice on a day: the second holds, and other kinds and days are left alone.
func TestACountThatIsSetIsWhatItWasSetTo(t *testing.T) {
	ctx, day := context.Background(), person.Instant(20_000*86_400_000_000)
	c := &counters{}
	b := NewBook(c, func() person.Instant { return day })
	b.Add(Events, "a", 9)
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for _, set := range []map[string]int64{{"a": 5, "b": 2}, {"a": 3, "c": 1}, {"a": 3, "c": 1}} {
		if err := b.Set(ctx, Census, set); err != nil {
			t.Fatal(err)
		}
	}
	day += 86_400_000_000
	if err := b.Set(ctx, Census, map[string]int64{"a": 4}); err != nil {
		t.Fatal(err)
	}
	got, err := b.Since(ctx, 20_000)
	want := []Count{{20_000, Census, "a", 3}, {20_000, Census, "b", 0}, {20_000, Census, "c", 1}, {20_000, Events, "a", 9}, {20_001, Census, "a", 4}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatal(got, err)
	}
}
