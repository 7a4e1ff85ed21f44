package storetest

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // to plant a newer version
	_ "github.com/mattn/go-sqlite3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// named is a key whose first half says the name and whose second half says the occasion.
func named(name, occasion byte) vault.Key { return vault.Key{name, 7: name, 8: occasion} }

func sweeps(t *testing.T, h *Home) {
	s := h.Open(t)
	const people = 1300 // more than one step
	old, young := Noon-1000, Noon
	var c vault.Change
	for n := range uint64(people) {
		c.Enrol = append(c.Enrol, enrolment(n))
		for i, at := range []person.Instant{old, young} {
			c.Put = append(c.Put,
				vault.Row{Of: id(n), Kind: vault.FactRow, Key: named(1, byte(i)), At: at, Body: []byte("x")},
				vault.Row{Of: id(n), Kind: vault.FactRow, Key: named(2, byte(i)), At: at, Body: []byte("x")},
				vault.Row{Of: id(n), Kind: vault.ChoiceRow, Key: named(1, byte(i)), At: at, Body: []byte("x")})
			for stream := vault.StreamID(1); stream <= 3; stream++ {
				f := frame(n, n*100+uint64(stream)*10+uint64(i), at)
				f.Stream, f.Received = stream, Noon
				c.Frames = append(c.Frames, f)
			}
		}
	}
	must(t, s.Commit(ctx, c))
	foldAll(t, s)
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 1, old, "x"), row(1, vault.ReceiptRow, 2, young, "x")}, true))
	must(t, s.PutSession(ctx, access.Session{Hash: [32]byte{1}, Role: access.Customer, Person: id(1), Expires: old}))
	must(t, s.PutSession(ctx, access.Session{Hash: [32]byte{2}, Role: access.Customer, Person: id(1), Expires: young}))
	must(t, s.PutLink(ctx, access.Link{Hash: [32]byte{3}, Person: id(1), Expires: old}))
	must(t, s.AddRefusals(ctx, []collect.Refusal{{Day: Noon.Day() - 1, Source: "web", Count: 1}, {Day: Noon.Day(), Source: "web", Count: 1}}))
	must(t, s.AcceptCharter(ctx, 0, charter.Accepted{Position: 1, Hash: "1"}))

	if n, err := s.Sweep(ctx, store.SweepRules{}); err != nil || n != (store.Swept{}) {
		t.Fatalf("without a rule: %v %v", n, err)
	}
	rules := store.SweepRules{
		Charter:  1,
		Rows:     []store.RowRule{{Kind: vault.FactRow, Name: name(1), Before: young}},
		Declared: map[vault.Kind]map[store.Name]bool{vault.FactRow: {name(1): true}},
		Streams:  map[vault.StreamID]person.Instant{1: young, 2: store.Everything},
		Receipts: young, ReceiptsEntry: retained, Sessions: young, Refusals: Noon, Count: true,
	}
	want := store.Swept{Rows: 3 * people, Frames: 3 * people, Receipts: 1, Sessions: 2, Refusals: 1}
	for range 2 { // counting changes nothing
		n, err := s.Sweep(ctx, rules)
		must(t, err)
		same(t, want, n)
	}
	rules.Count = false
	rules.Charter = 2
	if _, err := s.Sweep(ctx, store.SweepRules{Charter: 2, Rows: rules.Rows}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("rules of a charter that is not in force: %v", err)
	}
	rules.Charter = 1
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Sweep(stopped, rules); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	before := load(t, s, 5).Version
	n, err := s.Sweep(ctx, rules)
	must(t, err)
	same(t, want, n)
	must(t, s.Each(ctx, look(person.ID{}, "all"), func(l vault.Loaded) error {
		if len(l.Rows) != 3 || len(l.Frames) != 3 {
			t.Fatalf("%d rows and %d events are left", len(l.Rows), len(l.Frames))
		}
		for _, r := range l.Rows {
			if r.Kind == vault.FactRow && (r.Key != named(1, 1) || r.At != young) {
				t.Fatalf("left: %v", r)
			}
		}
		for _, f := range l.Frames {
			if f.Stream == 2 || f.Stream == 1 && f.At != young || len(f.Body) == 0 {
				t.Fatalf("left: %v", f)
			}
		}
		return nil
	}))
	if load(t, s, 5).Version <= before {
		t.Fatal("rows were removed and the version stayed")
	}
	if r, err := s.Receipts(ctx, id(1), 0, 5); err != nil || len(r) != 1 {
		t.Fatal(r, err)
	}
	if _, ok, err := s.SessionByHash(ctx, [32]byte{2}); !ok || err != nil {
		t.Fatal("a session that stands was ended")
	}
	if n, err = s.Sweep(ctx, rules); err != nil || n != (store.Swept{}) {
		t.Fatalf("something was left: %v %v", n, err)
	}
	must(t, s.Rewrite(ctx))
	must(t, s.Commit(ctx, vault.Change{Frames: []vault.Frame{frame(5, 99_999_999, Noon)}}))
	foldAll(t, s)
	if len(load(t, s, 5).Frames) != 4 {
		t.Fatal("history does not go on after a sweep")
	}
}

func newer(t *testing.T, h *Home) {
	s := h.Open(t)
	must(t, s.Close())
	driver, source := "sqlite3", filepath.Join(h.Options.Dir, "rapport.db")
	if h.Options.URL != "" {
		driver, source = "pgx", h.Options.URL
	}
	db, err := sql.Open(driver, source)
	must(t, err)
	_, err = db.Exec("INSERT INTO migration (part, version, name, at) VALUES ('main', 9999, 'later', 0)")
	must(t, err)
	must(t, db.Close())
	if s, err := store.Open(ctx, h.Options); !errors.Is(err, store.ErrNewer) {
		if s != nil {
			_ = s.Close()
		}
		t.Fatalf("opened a newer database: %v", err)
	}
}

func name(n byte) store.Name { k := named(n, 0); return store.Name(k[:8]) }

// retained is the entry about receipts that went.
func retained([]int64) (ledger.Row, error) { return look(person.ID{}, "retention"), nil }
