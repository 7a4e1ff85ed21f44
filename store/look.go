package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// Ledger is the store as the ledger needs it. See ledger.Store.
func (s *Store) Ledger() ledger.Store { return looks{s} }

type looks struct{ s *Store }

// lookRows appends looks without numbers, in their order: the sequencer gives them theirs. So many as one statement takes at once: what a statement
// costs besides its rows is most of what one row costs.
func lookRows(rows ...ledger.Row) []query {
	qs := make([]query, 0, 1)
	for _, n := range [...]int{64, 16, 4, 1} {
		for len(rows) >= n {
			args := make([]driver.Value, 0, n*lookValues)
			for i := range rows[:n] {
				r := &rows[i]
				args = append(args, r.Of[:], int64(r.At), r.Kind, r.Actor, r.Role, r.Team, r.Purpose, r.Fields, int64(r.Count), r.Filter, blob(r.Reason), r.Leaf[:])
			}
			qs = append(qs, query{text: lookInserts[n], args: args})
			rows = rows[n:]
		}
	}
	return qs
}

// lookValues is how many values a look is written with.
const lookValues = 12

// lookInserts append so many looks.
var lookInserts = map[int]string{1: lookInsert(1), 4: lookInsert(4), 16: lookInsert(16), 64: lookInsert(64)}

func lookInsert(n int) string {
	b := []byte("INSERT INTO look (person, at, kind, actor, role, team, purpose, fields, count, filter, reason, leaf) VALUES ")
	before := "("
	for i := range n * lookValues {
		b = fmt.Appendf(b, "%s$%d", before, i+1)
		if before = ", "; i%lookValues == lookValues-1 {
			before = "), ("
		}
	}
	return string(append(b, ')'))
}

const lookColumns = "id, COALESCE(number, 0), person, at, kind, actor, role, team, purpose, fields, count, filter, reason, leaf"

func scanLook(r row) (w ledger.Waiting) {
	w.ID = r.int(0)
	w.Row = ledger.Row{
		Number: r.int(1), Of: r.id(2), At: r.at(3), Kind: r.text(4), Actor: r.text(5), Role: r.text(6), Team: r.text(7),
		Purpose: r.text(8), Fields: r.text(9), Count: int(r.int(10)), Filter: r.text(11), Reason: r.bytes(12),
	}
	copy(w.Row.Leaf[:], r.bytes(13))
	return w
}

// Pending gives rows that have no number yet. See ledger.Store.
func (l looks) Pending(ctx context.Context, limit int) ([]ledger.Waiting, error) {
	var out []ledger.Waiting
	err := l.s.engine.snapshot(ctx, func(c conn) error {
		out = out[:0]
		return c.do(ctx, query{
			text: "SELECT " + lookColumns + " FROM look WHERE number IS NULL ORDER BY id LIMIT $1", args: []driver.Value{int64(max(limit, 0))},
			scan: func(r row) error { out = append(out, scanLook(r)); return nil },
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// lastEntry is the highest number. Without its condition, which goes without saying, SQLite does not take the index of numbers and reads every look.
const lastEntry = "SELECT COALESCE(MAX(number), 0) FROM look WHERE number IS NOT NULL"

// Fold numbers rows and extends the tree. See ledger.Store.
func (l looks) Fold(ctx context.Context, f ledger.Folding) error {
	return l.s.update(ctx, func(ctx context.Context, c conn) error {
		// The counter's row is what two sequencers would meet at.
		if _, err := next(ctx, c, "ledger"); err != nil {
			return err
		}
		var last int64
		if err := c.do(ctx, query{text: lastEntry, scan: func(r row) error { last = r.int(0); return nil }}); err != nil {
			return err
		}
		if last != f.First-1 {
			return ledger.ErrMoved
		}
		numbered := 0
		qs := make([]query, 0, 8)
		count := func(row) error { numbered++; return nil }
		for i := 0; i < len(f.Rows); { // rows that were committed one after the other are numbered by one statement
			j := i + 1
			for j < len(f.Rows) && f.Rows[j].ID == f.Rows[j-1].ID+1 {
				j++
			}
			qs = append(qs, query{
				text: "UPDATE look SET number = id + $3 WHERE id BETWEEN $1 AND $2 AND number IS NULL RETURNING id",
				args: []driver.Value{f.Rows[i].ID, f.Rows[j-1].ID, f.Rows[i].Row.Number - f.Rows[i].ID}, scan: count,
			})
			i = j
		}
		for i := 0; i < len(f.Hashes); { // so are hashes of a run of indexes stored
			j := i + 1
			for j < len(f.Hashes) && f.Hashes[j].Index == f.Hashes[j-1].Index+1 {
				j++
			}
			run := make([]byte, 0, (j-i)*tlog.HashSize)
			for k := i; k < j; k++ {
				run = append(run, f.Hashes[k].Hash[:]...)
			}
			qs = append(qs, query{
				text: `WITH RECURSIVE k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i + 1 < $3)
					INSERT INTO tree (idx, hash) SELECT CAST($1 AS BIGINT) + i, substr(` + l.s.dialect.bytes + `, i * 32 + 1, 32) FROM k`,
				args: []driver.Value{f.Hashes[i].Index, run, int64(j - i)},
			})
			i = j
		}
		qs = append(qs, query{
			text: "INSERT INTO head (one, signed) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET signed = excluded.signed",
			args: []driver.Value{blob(f.Head)},
		})
		if err := c.do(ctx, qs...); err != nil {
			return err
		}
		if numbered != len(f.Rows) {
			return ledger.ErrMoved
		}
		return nil
	})
}

// Head gives the signed head. See ledger.Store.
func (l looks) Head(ctx context.Context) (head []byte, err error) {
	err = l.s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx, query{text: "SELECT signed FROM head", scan: func(r row) error { head = r.bytes(0); return nil }})
	})
	return head, err
}

// Hashes gives hashes of the tree in the order asked. See ledger.Store.
func (l looks) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	err := l.s.engine.snapshot(ctx, func(c conn) error {
		missing := 0
		var qs []query
		for i := 0; i < len(indexes); {
			j := i + 1
			for j < len(indexes) && indexes[j] == indexes[j-1]+1 {
				j++
			}
			run := out[i:j]
			qs = append(qs, query{ // as one value: a row for each hash takes twice as long
				text: "SELECT " + l.s.dialect.joined + " FROM (SELECT idx, hash FROM tree WHERE idx BETWEEN $1 AND $2 ORDER BY idx) AS run", args: []driver.Value{indexes[i], indexes[j-1]},
				scan: func(r row) error {
					all := r.bytes(0)
					if len(all) != len(run)*tlog.HashSize {
						missing++
						return nil
					}
					for k := range run {
						copy(run[k][:], all[k*tlog.HashSize:])
					}
					return nil
				},
			})
			i = j
		}
		if err := c.do(ctx, qs...); err != nil {
			return err
		}
		if missing > 0 {
			return fmt.Errorf("of %d hashes some are not there: %w", len(indexes), ledger.ErrTree)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Rows gives numbered rows. See ledger.Store.
func (l looks) Rows(ctx context.Context, from int64, limit int) ([]ledger.Row, error) {
	var out []ledger.Row
	err := l.s.engine.snapshot(ctx, func(c conn) error {
		out = out[:0]
		return c.do(ctx, query{
			text: "SELECT " + lookColumns + " FROM look WHERE number >= $1 ORDER BY number LIMIT $2", args: []driver.Value{from, int64(max(limit, 0))},
			scan: func(r row) error { out = append(out, scanLook(r).Row); return nil },
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Looks gives the latest looks at any of these pseudonyms and at populations, newest first. See ledger.Store.
func (l looks) Looks(ctx context.Context, of []person.ID, limit int) ([]ledger.Row, error) {
	of = unique(append([]person.ID{{}}, of...))
	var found []ledger.Waiting
	err := l.s.engine.snapshot(ctx, func(c conn) error {
		found = found[:0]
		return l.s.latest(ctx, c, "look", "id", of, lookColumns, " AND kind = 'look'", max(limit, 0), func(r row) error { found = append(found, scanLook(r)); return nil })
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b ledger.Waiting) int { return cmp.Compare(b.ID, a.ID) })
	found = found[:min(len(found), max(limit, 0))]
	out := make([]ledger.Row, len(found))
	for i := range found {
		out[i] = found[i].Row
	}
	return out, nil
}
