//go:build unix

package store

import (
	"context"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/vault"
)

func TestALoadAllocatesLittle(t *testing.T) {
	s, ids := customers(t, 500)
	if n := testing.AllocsPerRun(50, func() {
		if _, err := s.Load(context.Background(), ids[7]); err != nil {
			t.Fatal(err)
		}
	}); n > 52 && !torture.Raced {
		t.Errorf("a person with ten events and two facts makes %.0f allocations", n)
	}
}

// customers is a store of people who have two facts and ten events in history each.
func customers(b testing.TB, n int) (*Store, []person.ID) {
	s, err := Open(context.Background(), Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	ids := enrolMany(b, s, n)
	for from := 0; from < len(ids); from += 500 {
		var c vault.Change
		for _, id := range ids[from : from+500] {
			for k := range 2 {
				c.Put = append(c.Put, vault.Row{Of: id, Kind: vault.FactRow, Key: vault.Key{byte(k)}, At: 1, Head: make([]byte, 60), Body: make([]byte, 60)})
			}
			for k := range 10 {
				c.Frames = append(c.Frames, vault.Frame{Of: id, ID: person.EventID{byte(k)}, Stream: 1, At: person.Instant(k), Received: 1, Body: make([]byte, 150)})
			}
		}
		if err := s.Commit(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
	if _, _, err := s.Fold(context.Background(), 1_000_000); err != nil {
		b.Fatal(err)
	}
	if err := s.engine.settle(context.Background(), false); err != nil { // out of the log
		b.Fatal(err)
	}
	return s, ids
}

// BenchmarkLoad reads one of 20,000 people: in one statement, and in a transaction of several.
func BenchmarkLoad(b *testing.B) {
	s, ids := customers(b, 20_000)
	b.Run("statement", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i += 7919
			if _, _, err := s.loadAlone(context.Background(), ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("transaction", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i += 7919
			if _, err := read(context.Background(), s, nil, func(ctx context.Context, c conn) ([]*vault.Loaded, error) {
				return loadAll(ctx, c, []person.ID{ids[i%len(ids)]}, s.waiting)
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
