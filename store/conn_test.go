package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// onBoth runs a test on an empty home of each engine.
func onBoth(t *testing.T, test func(t *testing.T, s *Store)) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			o := Options{Dir: t.TempDir()}
			if name == "postgres" {
				o = Options{URL: pgtest.URL(t)}
			}
			s, err := Open(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			test(t, s)
		})
	}
}

// One common SQLite driver binds $2, $1, $2 in the order in which they appear, and answers wrongly without a word.
func TestParametersAreNumbered(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ask := func(c conn) error {
			var got row
			if err := c.do(ctx, query{
				text: "SELECT CAST($2 AS BIGINT), CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT) WHERE CAST($3 AS BIGINT) > CAST($1 AS BIGINT)",
				args: []driver.Value{int64(10), int64(20), int64(30)},
				scan: func(r row) error { got = append(row(nil), r...); return nil },
			}); err != nil {
				return err
			}
			if len(got) != 4 || got.int(0) != 20 || got.int(1) != 10 || got.int(2) != 20 || got.int(3) != 30 {
				t.Fatalf("got %v", got)
			}
			// Eleven of them: $1 is not the beginning of $11.
			args := make([]driver.Value, 11)
			for i := range args {
				args[i] = int64(i + 1)
			}
			return c.do(ctx, query{text: "SELECT CAST($11 AS BIGINT), CAST($1 AS BIGINT), CAST($10 AS BIGINT), CAST($2 AS BIGINT) + $3 + $4 + $5 + $6 + $7 + $8 + $9", args: args,
				scan: func(r row) error {
					if r.int(0) != 11 || r.int(1) != 1 || r.int(2) != 10 || r.int(3) != 44 {
						t.Fatalf("got %v", r)
					}
					return nil
				}})
		}
		if err := s.engine.snapshot(ctx, ask); err != nil {
			t.Fatal(err)
		}
		if err := s.engine.transaction(ctx, ask); err != nil {
			t.Fatal(err)
		}
	})
}

// SQLite plans a statement anew when a parameter behind LIMIT is bound, which takes longer than to run it.
func TestAStatementIsPlannedOnce(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := enrolMany(t, s, 1)[0]
	for n := range 20 {
		err := s.Commit(ctx, vault.Change{Frames: []vault.Frame{{Of: id, ID: person.EventID{byte(n)}, Received: 1, At: 1, Body: []byte("an event")}}})
		if err != nil {
			t.Fatal(err)
		}
		_, _, folds := s.Fold(ctx, 100)
		_, loads := s.Load(ctx, id)
		_, numbers := s.Ledger().Rows(ctx, 1, 10+n)
		_, pends := s.Ledger().Pending(ctx, 10+n)
		if err := errors.Join(folds, loads, numbers, pends, s.Each(ctx, ledger.Row{}, func(vault.Loaded) error { return nil })); err != nil {
			t.Fatal(err)
		}
	}
	looked := 0
	l := s.engine.(*lite)
	readers := []*liteConn{<-l.readers, <-l.readers, <-l.readers, <-l.readers}
	for _, c := range readers {
		l.readers <- c
	}
	for _, c := range append(readers, l.writer, l.folder) {
		if c == nil { // never wanted
			continue
		}
		for text, st := range c.stmts {
			if strings.HasPrefix(text, "PRAGMA") { // these are always planned anew
				continue
			}
			looked++
			if again := reflect.ValueOf(st.s).Elem().FieldByName("repreps").Int(); again > 2 { // a new schema counts too
				t.Errorf("planned %d times again: %s", again, text)
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d statements were looked at", looked)
	}
}

// Values come back as they went in, and names are compared byte by byte.
func TestValuesComeBackAsTheyWere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		blobs := [][]byte{{}, {0}, {0, 0xff, 0, '\\', '\''}, bytes.Repeat([]byte{0xde, 0}, 100_000)}
		for _, want := range blobs {
			if err := s.PutModel(ctx, "m", "é ' \\ %", person.Instant(-1<<62), want); err != nil {
				t.Fatal(err)
			}
			version, got, err := s.Model(ctx, "m")
			if err != nil || version != "é ' \\ %" || !bytes.Equal(got, want) {
				t.Fatal(version, len(got), err)
			}
		}
		for _, name := range []string{"b", "a", "B", "é", "Z", "a b", "ab"} {
			if err := s.PutModel(ctx, name, "1", 0, nil); err != nil {
				t.Fatal(err)
			}
		}
		var names []string
		if err := s.engine.snapshot(ctx, func(c conn) error {
			return c.do(ctx, query{text: "SELECT name FROM model WHERE name > $1 ORDER BY name", args: []driver.Value{"A"}, scan: func(r row) error {
				names = append(names, r.text(0))
				return nil
			}})
		}); err != nil {
			t.Fatal(err)
		}
		want := []string{"B", "Z", "a", "a b", "ab", "b", "m", "é"}
		for i := range want {
			if i >= len(names) || names[i] != want[i] {
				t.Fatalf("order: %v", names)
			}
		}
	})
}

// A snapshot must not write.
func TestASnapshotOnlyReads(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		err := s.engine.snapshot(ctx, func(c conn) error {
			return c.do(ctx, query{text: "DELETE FROM person"})
		})
		if err == nil {
			t.Fatal("a snapshot wrote")
		}
		if _, err := s.Find(ctx, []vault.Blind{{1}}); err != nil { // and the connection is sound after it
			t.Fatal(err)
		}
	})
}

// A transaction that fails leaves nothing, whatever failed; one that panics leaves nothing and the engine sound.
func TestAFailedTransactionLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		put := query{text: "INSERT INTO setting (name, value) VALUES ($1, $2)", args: []driver.Value{"x", []byte("y")}}
		mine := errors.New("mine")
		if err := s.engine.transaction(ctx, func(c conn) error { return errors.Join(c.do(ctx, put), mine) }); !errors.Is(err, mine) {
			t.Fatal(err)
		}
		if err := s.engine.transaction(ctx, func(c conn) error { return c.do(ctx, put, put) }); !errors.Is(err, errConflict) {
			t.Fatal(err)
		}
		if err := s.engine.transaction(ctx, func(c conn) error {
			return c.do(ctx, put, query{text: "INSERT INTO setting (name, value) VALUES ($1, NULL)", args: []driver.Value{"n"}})
		}); err == nil || errors.Is(err, errConflict) {
			t.Fatal(err)
		}
		if got, err := s.Setting(ctx, "x"); err != nil || got != "" {
			t.Fatal(got, err)
		}
		if err := s.PutSetting(ctx, "x", "z"); err != nil {
			t.Fatal(err)
		}
	})
}
