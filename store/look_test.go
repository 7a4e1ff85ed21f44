package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// scatter appends looks at people in turn, their rows numbered as given, and then as the ledger numbers them from 1 on.
func scatter(t *testing.T, s *Store, ids []int64, people ...person.ID) {
	t.Helper()
	err := s.update(context.Background(), func(ctx context.Context, c conn) error {
		for i, id := range ids {
			r := ledger.Row{Of: people[i%len(people)], At: 1, Kind: ledger.KindLook, Actor: "ann", Role: "agent", Purpose: "service", Fields: "name", Count: 1, Reason: fmt.Append(nil, id)}
			if err := c.do(ctx, append(lookRows(r), query{text: "UPDATE look SET id = $1, number = $2 WHERE number IS NULL", args: []driver.Value{id, int64(i) + 1}})...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLooksAreFoundInWhicheverPartTheyLie has them at both edges of parts, with parts between in which there are none, and far more parts than are read at once.
func TestLooksAreFoundInWhicheverPartTheyLie(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ids := enrolMany(t, s, 3)
		joined := vault.Join{ID: ids[1], To: ids[0], At: 2, Why: "sign-in"}
		if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{joined}}); err != nil {
			t.Fatal(err)
		}
		const part = 4096
		rows := []int64{2*part - 1, 2 * part, 2*part + 1, 3*part - 1, 3 * part, 700*part - 1, 700 * part, 989*part + 5, 990*part + 5, 1500 * part, 1500*part + 1, 1500*part + 2, 1500*part + 3, 1501 * part}
		scatter(t, s, rows, ids[0], ids[1], ids[2], person.ID{})
		seen := func(limit int) (out []string) {
			t.Helper()
			found, err := s.Ledger().Looks(ctx, ids[:2], limit)
			if err != nil {
				t.Fatal(err)
			}
			for i := range found {
				out = append(out, string(found[i].Reason))
			}
			return out
		}
		var want []string
		for i := len(rows) - 1; i >= 0; i-- {
			if i%4 != 2 {
				want = append(want, fmt.Sprint(rows[i]))
			}
		}
		for limit := range len(want) + 2 {
			if got := seen(limit); len(got) != min(limit, len(want)) || len(got) > 0 && !reflect.DeepEqual(got, want[:len(got)]) {
				t.Errorf("the latest %d are %v, want the first of %v", limit, got, want)
			}
		}
		var emptied []int64
		l, err := s.Load(ctx, ids[0])
		if err != nil {
			t.Fatal(err)
		}
		f := rights.Forgetting{ID: [16]byte{1}, People: ids[:2], Seen: []vault.Seen{{Root: l.Who.Root, Version: l.Version}}, At: 9,
			Entry: func(numbers, _ []int64) (ledger.Row, error) {
				emptied = numbers
				return ledger.Row{At: 9, Kind: ledger.KindErasure}, nil
			}}
		if _, err := s.ForgetPerson(ctx, f); err != nil {
			t.Fatal(err)
		}
		var of []int64
		for i := range rows {
			if i%4 < 2 {
				of = append(of, int64(i)+1)
			}
		}
		if len(emptied) != len(of) {
			t.Errorf("the erasure names %v, want %v", emptied, of)
		}
		left, err := s.Ledger().Rows(ctx, 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		for i := range left {
			if gone := left[i].Of == ledger.Forgotten && len(left[i].Reason) == 0; gone != (i%4 < 2) {
				t.Errorf("look %d has lost its person: %v", left[i].Number, gone)
			}
		}
	})
}

// TestLooksOfAnOlderHomeAreFound opens a home that was made when the index of looks went by person alone.
func TestLooksOfAnOlderHomeAreFound(t *testing.T) {
	t.Cleanup(func() { schema = embedded })
	files := fstest.MapFS{}
	if err := fs.WalkDir(embedded, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !(strings.HasPrefix(path, "schema/main_") && path >= "schema/main_0007") {
			b, err := embedded.ReadFile(path)
			files[path] = &fstest.MapFile{Data: b}
			return err
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	schema = files
	ctx, o := context.Background(), Options{Dir: t.TempDir()}
	s, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	who := person.ID{7}
	scatter(t, s, []int64{1, 5000, 9000}, who, person.ID{8})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	schema = embedded
	if s, err = Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := s.Ledger().Looks(ctx, []person.ID{who}, 10)
	if err != nil || len(rows) != 2 || rows[0].Number != 3 || rows[1].Number != 1 {
		t.Errorf("%d looks are found: %v, %v", len(rows), rows, err)
	}
	var plan []string
	if err := s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx, query{text: "EXPLAIN QUERY PLAN SELECT id FROM look WHERE (look.id >> 12) = $1 AND " + in("person", 2, 1), args: []driver.Value{int64(0), who[:]}, scan: func(r row) error { plan = append(plan, r.text(3)); return nil }},
			query{text: "SELECT name FROM sqlite_schema WHERE name = 'look_person'", scan: func(r row) error { t.Error("the old index is there still"); return nil }})
	}); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(plan, "\n"); !strings.Contains(all, "look_part (<expr>=? AND person=?)") {
		t.Errorf("the index of people in parts is not used: %s", all)
	}
}
