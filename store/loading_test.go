package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// reading is an act that reads somebody with a look whose reason is why.
func reading(ctx context.Context, of person.ID, why string) *act {
	row := ledger.Row{Of: of, At: 1, Kind: ledger.KindLook, Actor: "ann", Role: "agent", Purpose: "service", Fields: "name", Count: 1, Reason: []byte(why)}
	return &act{ctx: ctx, load: &loading{of: of, looks: []ledger.Row{row}}, done: make(chan error, 1)}
}

// whys are the reasons of the looks that wait, in their order.
func whys(t *testing.T, s *Store) (out []string) {
	t.Helper()
	rows, err := s.Ledger().Pending(context.Background(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		out = append(out, string(rows[i].Row.Reason))
	}
	return out
}

func TestReadsOfOneGroupAreGivenWhatEachWouldBeGivenAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ids := enrolMany(t, s, 90) // more than one statement of looks
		event := func(of person.ID, n byte) {
			t.Helper()
			f := vault.Frame{Of: of, ID: person.EventID{n}, Stream: 1, At: person.Instant(100 - int(n)), Received: 5, Body: []byte{n}}
			if err := s.Commit(ctx, vault.Change{Frames: []vault.Frame{f, f}, Put: []vault.Row{{Of: of, Kind: vault.FactRow, Key: vault.Key{n}, At: 1, Head: []byte{n}, Body: []byte("fact")}}}); err != nil {
				t.Fatal(err)
			}
		}
		for i, id := range ids {
			event(id, byte(i))
		}
		if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: ids[1], To: ids[0], At: 2, Why: "sign-in"}}}); err != nil {
			t.Fatal(err)
		}
		if err := s.foldAll(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range ids[:10] { // and some that wait
			event(ids[i], byte(100+i))
		}
		given, stop := context.WithCancel(ctx)
		stop()
		acts := []*act{reading(ctx, person.NewID(), "nobody"), reading(given, ids[2], "given up")}
		who := map[*act]person.ID{}
		var want []string
		for i, id := range append(append([]person.ID{}, ids...), ids[0], ids[5], ids[5]) { // the first ones are one person by two pseudonyms
			a := reading(ctx, id, fmt.Sprint("look ", i))
			who[a], acts, want = id, append(acts, a), append(want, fmt.Sprint("look ", i))
		}
		before := map[person.ID]vault.Loaded{}
		for _, id := range ids {
			var err error
			if before[id], err = s.Load(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		choice := vault.Row{Of: ids[3], Kind: vault.ChoiceRow, Key: vault.Key{1}, At: 9, Head: []byte{1}, Body: []byte("no")}
		other := &act{ctx: ctx, change: &vault.Change{Put: []vault.Row{choice}}, done: make(chan error, 1)} // comes after all that are read
		s.commit(append([]*act{other}, acts...))
		if err := <-other.done; err != nil {
			t.Error(err)
		}
		if err := <-acts[0].done; !errors.Is(err, vault.ErrNotFound) || acts[0].load.l != nil {
			t.Errorf("nobody was found: %v", err)
		}
		if err := <-acts[1].done; !errors.Is(err, context.Canceled) || acts[1].load.l != nil {
			t.Errorf("whoever had given up was given somebody: %v", err)
		}
		frames := map[*vault.Frame]bool{}
		for _, a := range acts[2:] {
			if err := <-a.done; err != nil {
				t.Fatal(err)
			}
			if f := &a.load.l.Frames[0]; frames[f] {
				t.Error("two were given one memory")
			} else {
				frames[f] = true
			}
		}
		for _, a := range acts[2:] {
			if got := s.shown(a.load.l, who[a]); !reflect.DeepEqual(got, before[who[a]]) && s.waiting != nil {
				t.Errorf("read among others, somebody is %+v, alone %+v", got, before[who[a]])
			} else if len(got.Rows) != len(before[who[a]].Rows) || len(got.Frames) != len(before[who[a]].Frames) || got.Version != before[who[a]].Version {
				t.Errorf("read among others, somebody has %d rows, %d events, version %d; alone %d, %d, %d", len(got.Rows), len(got.Frames), got.Version, len(before[who[a]].Rows), len(before[who[a]].Frames), before[who[a]].Version)
			}
		}
		if got := whys(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("the looks are %q, want %q", got, want)
		}
	})
}

func TestAReadThatFailsFailsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ids := enrolMany(t, s, 8)
		if err := s.engine.fold(ctx, func(c conn) error { // damaged
			return c.do(ctx, query{text: "INSERT INTO history (person, chunk, last, heads, body) VALUES ($1, 1, 1, $2, $2)", args: []driver.Value{ids[4][:], []byte{255}}})
		}); err != nil {
			t.Fatal(err)
		}
		var acts []*act
		for i, id := range ids {
			acts = append(acts, reading(ctx, id, fmt.Sprint(i)))
		}
		s.commit(acts)
		var want []string
		for i, a := range acts {
			err := <-a.done
			if (err != nil) != (i == 4) {
				t.Errorf("reading %d ended with %v", i, err)
			}
			if i != 4 {
				want = append(want, fmt.Sprint(i))
			}
		}
		if got := whys(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("the looks are %q, want %q", got, want)
		}
	})
}

// A sequencer that reads every entry for the number of the last one takes longer with each that it adds.
func TestTheSequencerFindsTheLastNumberByItsIndex(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		explain := "EXPLAIN "
		if s.waiting != nil {
			explain = "EXPLAIN QUERY PLAN "
		}
		var plan []string
		if err := s.engine.snapshot(context.Background(), func(c conn) error {
			return c.do(context.Background(), query{text: explain + lastEntry, scan: func(r row) error { plan = append(plan, r.text(len(r)-1)); return nil }})
		}); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "\n"); !strings.Contains(all, "look_number") {
			t.Errorf("the index of numbers is not used: %s", all)
		}
	})
}
