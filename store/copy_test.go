package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestACopyHoldsEveryTableAndColumn fails when a migration adds what the list in copy.go does not name.
func TestACopyHoldsEveryTableAndColumn(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there := map[string][]string{}
	read := func(c conn) error {
		for _, db := range []string{"main", "past"} {
			if err := c.do(t.Context(), query{
				text: "SELECT m.name, p.name FROM " + db + ".sqlite_schema m, pragma_table_info(m.name, '" + db + "') p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
				scan: func(r row) error { there[r.text(0)] = append(there[r.text(0)], r.text(1)); return nil },
			}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.engine.snapshot(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, c := range copied {
		names, _ := c.columns()
		named[c.name] = true
		slices.Sort(names)
		slices.Sort(there[c.name])
		if fmt.Sprint(names) != fmt.Sprint(there[c.name]) {
			t.Errorf("%s: the copy has the columns %v, the schema %v", c.name, names, there[c.name])
		}
	}
	for name := range there {
		if !named[name] && !slices.Contains(notCopied, name) {
			t.Errorf("the table %s is not in a copy: name it in copied, or in notCopied with its reason", name)
		}
	}
	if len(there) < 20 {
		t.Errorf("only %d tables were found", len(there))
	}
}

// taken is a copy as text, a row a line.
func taken(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	if err := s.Copy(t.Context(), func(r CopyRow) error {
		out = append(out, fmt.Sprintf("%s %v %#v", r.Table, r.Columns, r.Values))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// rows are one of each table, with what is awkward: a missing value, an empty one, a NUL in bytes, the largest numbers.
func rows() []CopyRow {
	var out []CopyRow
	for _, t := range copied {
		names, kinds := t.columns()
		for n := range 3 {
			values := make([]any, len(names))
			for i, kind := range kinds {
				switch {
				case strings.HasSuffix(kind, "?") && n == 1:
				case kind[0] == 'i':
					values[i] = int64(n) + 1
					if names[i] == "at" || names[i] == "expires" {
						values[i] = int64(1<<63 - 1)
					}
				case kind[0] == 't':
					values[i] = fmt.Sprintf("é%d", n)
				default:
					values[i] = []byte{0, 255, byte(n)}
					if strings.Contains("head body", names[i]) && n == 2 {
						values[i] = []byte{}
					}
				}
			}
			out = append(out, CopyRow{t.name, names, values})
		}
	}
	for i, name := range []string{"receipt", "look"} {
		out = append(out, CopyRow{lastNumbers, []string{"name", "number"}, []any{name, int64(1000 + i)}})
	}
	return out
}

func from(all []CopyRow) func() (CopyRow, bool, error) {
	return func() (CopyRow, bool, error) {
		if len(all) == 0 {
			return CopyRow{}, false, nil
		}
		r := all[0]
		all = all[1:]
		return r, true, nil
	}
}

// TestACopyIsTheSameOnBothEngines writes rows into SQLite, copies them to PostgreSQL, and back: nothing changes on the way, and numbers that were given
// once are not given again.
func TestACopyIsTheSameOnBothEngines(t *testing.T) {
	ctx := context.Background()
	var first []string
	for i, o := range []Options{{Dir: t.TempDir()}, {URL: pgtest.URL(t)}, {Dir: t.TempDir()}} {
		s, err := Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Fill(ctx, from(rows())); err != nil {
			t.Fatal(err)
		}
		got := taken(t, s)
		if i == 0 {
			first = got
			if want := len(copied)*3 + 2; len(got) != want {
				t.Errorf("%d rows, want %d", len(got), want)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(first) {
			for n := range got {
				if n >= len(first) || got[n] != first[n] {
					t.Fatalf("engine %d: row %d is\n%s\nand was\n%s", i, n, got[n], first[min(n, len(first)-1)])
				}
			}
		}
		if err := s.Fill(ctx, from(rows())); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("a copy is put over a home: %v", err)
		}
		var receipt, look, stream int64
		if err := s.engine.transaction(ctx, func(c conn) error {
			return c.do(ctx,
				query{text: "INSERT INTO receipt (key, person, at, head, body) VALUES ($1, $1, 1, $1, $1) RETURNING seq", args: []driver.Value{[]byte{9}}, scan: func(r row) error { receipt = r.int(0); return nil }},
				query{text: "INSERT INTO look (person, at, kind, actor, role, team, purpose, fields, count, filter, reason, leaf) VALUES ($1, 1, '', '', '', '', '', '', 1, '', $1, $1) RETURNING id", args: []driver.Value{[]byte{9}}, scan: func(r row) error { look = r.int(0); return nil }},
				query{text: "INSERT INTO stream (event, source, charter) VALUES ('a', 'b', 1) RETURNING id", scan: func(r row) error { stream = r.int(0); return nil }})
		}); err != nil {
			t.Fatal(err)
		}
		if receipt != 1001 || look != 1002 || stream != 4 {
			t.Errorf("engine %d goes on with receipt %d, look %d, stream %d", i, receipt, look, stream)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatHasNoPlaceIsNotFilledIn plants rows that no home has: nothing of the copy stays.
func TestWhatHasNoPlaceIsNotFilledIn(t *testing.T) {
	ctx := context.Background()
	for what, bad := range map[string]CopyRow{
		"a table":              {"sqlite_schema", []string{"name"}, []any{"x"}},
		"a column":             {"setting", []string{"name", "value) --"}, []any{"x", []byte("y")}},
		"a kind":               {"setting", []string{"name", "value"}, []any{"x", "y"}},
		"a column twice":       {"setting", []string{"name", "name"}, []any{"x", "y"}},
		"nothing where needed": {"setting", []string{"name", "value"}, []any{"x", nil}},
		"a foreign number":     {lastNumbers, []string{"name", "number"}, []any{"person", int64(3)}},
	} {
		s, err := Open(ctx, Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Fill(ctx, from(append(rows()[:10], bad))); !errors.Is(err, ErrForeignCopy) {
			t.Errorf("%s: %v", what, err)
		}
		if got := taken(t, s); len(got) != 2 {
			t.Errorf("%s: %d rows are left", what, len(got))
		}
		_ = s.Close()
	}
}

// TestACopyHasEachEventOnceWhileFoldsMoveThem copies a SQLite home while events arrive and are folded from the one file into the other: each that was
// acknowledged before is in the copy exactly once.
func TestACopyHasEachEventOnceWhileFoldsMoveThem(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var people [16]person.ID // spread out, so that a fold takes several passes
	for n := range people {
		people[n] = person.ID{byte(n*16 + 1)}
		if err := s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{{ID: people[n], Wrapped: []byte{1}, At: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	var acknowledged, folds atomic.Int64
	stop, due, ended := make(chan struct{}), make(chan struct{}, 1), sync.WaitGroup{}
	ended.Add(2)
	defer ended.Wait()
	defer close(stop)
	go func() {
		defer ended.Done()
		for n := byte(0); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			var id person.EventID
			binary.BigEndian.PutUint64(id[:], uint64(acknowledged.Load())+1)
			if err := s.Commit(ctx, vault.Change{Frames: []vault.Frame{{Of: people[n%16], ID: id, Stream: 1, At: 1, Received: s.clock(), Body: []byte{n}}}}); err != nil {
				t.Error(err)
				return
			}
			if acknowledged.Add(1)%64 == 0 { // enough for a fold of several passes
				select {
				case due <- struct{}{}:
				default:
				}
			}
		}
	}()
	go func() {
		defer ended.Done()
		for {
			select {
			case <-stop:
				return
			case <-due:
			}
			if _, _, err := s.Fold(ctx, 4); err != nil {
				t.Error(err)
				return
			}
			folds.Add(1)
		}
	}()
	inBoth := [2]int{}
	for copies := 0; copies < 200 || folds.Load() < 8; copies++ {
		sure := acknowledged.Load()
		seen := map[person.EventID]int{}
		count := func(f vault.Frame) error { seen[f.ID]++; return nil }
		if err := s.Copy(ctx, func(r CopyRow) error {
			switch r.Table {
			case "journal":
				inBoth[0]++
				return vault.ParseFrames(r.Values[2].([]byte), person.Instant(r.Values[1].(int64)), count)
			case "history":
				inBoth[1]++
				return vault.ParseHeads(r.Values[3].([]byte), 0, func(f vault.Frame, _ int) error { return count(f) })
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if int64(len(seen)) < sure {
			t.Fatalf("a copy has %d events, and %d were acknowledged before it", len(seen), sure)
		}
		for id, n := range seen {
			if n != 1 {
				t.Fatalf("a copy has event %x %d times", id, n)
			}
		}
	}
	if inBoth[0] == 0 || inBoth[1] == 0 {
		t.Errorf("nothing was in one of the files (%v): this proves nothing", inBoth)
	}
}
