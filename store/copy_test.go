package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/store/pgtest"
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
