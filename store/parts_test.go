package store

import (
	"context"
	"database/sql/driver"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestReceiptsAreFoundInWhicheverPartTheyLie has receipts of three people, two of them one, at both edges of parts, with far more parts between
// than are read at once, and one whose time is not that of its place: the clock went back.
func TestReceiptsAreFoundInWhicheverPartTheyLie(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ids := enrolMany(t, s, 3)
		if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: ids[1], To: ids[0], At: 2, Why: "sign-in"}}}); err != nil {
			t.Fatal(err)
		}
		const part = 4096
		seqs := []int64{2*part - 1, 2 * part, 2*part + 1, 3*part - 1, 3 * part, 700*part - 1, 700 * part, 989 * part, 1500 * part, 1500*part + 1, 1501 * part}
		at := func(i int) person.Instant {
			if i == 8 {
				return 1_000 // before all others
			}
			return 2_000 + person.Instant(i)
		}
		var rows []vault.Row
		for i, seq := range seqs {
			r := vault.Row{Of: ids[i%3], Kind: vault.ReceiptRow, Key: vault.Key{byte(i + 1)}, At: at(i), Body: []byte{byte(i)}}
			rows = append(rows, r)
			if err := s.Keep(ctx, []vault.Row{r}, true); err != nil {
				t.Fatal(err)
			}
			if err := s.update(ctx, func(ctx context.Context, c conn) error {
				return c.do(ctx, query{text: "UPDATE receipt SET seq = $1 WHERE key = $2", args: []driver.Value{seq, r.Key[:]}})
			}); err != nil {
				t.Fatal(err)
			}
		}
		want := slices.DeleteFunc(slices.Clone(rows), func(r vault.Row) bool { return r.Of == ids[2] })
		slices.SortFunc(want, func(a, b vault.Row) int { return int(b.At - a.At) })
		for from := range len(want) + 1 {
			for limit := range 4 {
				got, err := s.Receipts(ctx, ids[1], from, limit)
				if err != nil {
					t.Fatal(err)
				}
				if w := want[from:min(from+limit, len(want))]; len(got) != len(w) || len(w) > 0 && !slices.EqualFunc(got, w, func(a, b vault.Row) bool { return a.Key == b.Key && a.Of == b.Of && a.At == b.At }) {
					t.Errorf("%d from %d on are %v, want %v", limit, from, got, w)
				}
			}
		}
		l, err := s.Load(ctx, ids[0])
		if err != nil {
			t.Fatal(err)
		}
		var emptied []int64
		f := rights.Forgetting{ID: [16]byte{1}, People: ids[:2], Seen: []vault.Seen{{Root: l.Who.Root, Version: l.Version}}, At: 9, Entry: func(_, receipts []int64) (ledger.Row, error) {
			emptied = receipts
			return ledger.Row{At: 9, Kind: ledger.KindErasure}, nil
		}}
		if _, err := s.ForgetPerson(ctx, f); err != nil {
			t.Fatal(err)
		}
		var of []int64
		for i := range seqs {
			if i%3 < 2 {
				of = append(of, seqs[i])
			}
		}
		if !reflect.DeepEqual(emptied, of) {
			t.Errorf("the erasure empties %v, want %v", emptied, of)
		}
		if got, err := s.Receipts(ctx, ids[2], 0, 9); err != nil || len(got) != 3 {
			t.Errorf("of who is still there %d are left (%v)", len(got), err)
		}
		if !s.engine.apart() {
			return
		}
		var plan []string
		if err := s.engine.snapshot(ctx, func(c conn) error {
			return c.do(ctx, query{text: "EXPLAIN QUERY PLAN SELECT at, seq FROM receipt WHERE (receipt.seq >> 12) = $1 AND " + in("person", 2, 1), args: []driver.Value{int64(0), ids[0][:]}, scan: func(r row) error { plan = append(plan, r.text(3)); return nil }})
		}); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(plan, "\n"); !strings.Contains(all, "COVERING INDEX receipt_part (<expr>=? AND person=?)") {
			t.Errorf("the index of people in parts is not used alone: %s", all)
		}
	})
}
