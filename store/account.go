package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// People counts the people: sets of pseudonyms, not pseudonyms.
func (s *Store) People(ctx context.Context) (n int, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx, query{text: "SELECT COUNT(*) FROM person WHERE root = id", scan: func(r row) error { n = int(r.int(0)); return nil }})
	})
	return n, err
}

// Oldest says when the oldest receipt and the oldest numbered look that are kept were made; 0 for none.
func (s *Store) Oldest(ctx context.Context) (receipt, look person.Instant, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx,
			query{text: "SELECT COALESCE(MIN(at), 0) FROM receipt", scan: func(r row) error { receipt = r.at(0); return nil }},
			query{
				text: "SELECT COALESCE(MIN(at), 0) FROM look WHERE number IS NOT NULL AND kind = $1", args: []driver.Value{ledger.KindLook},
				scan: func(r row) error { look = r.at(0); return nil },
			})
	})
	return receipt, look, err
}

// ReceiptsAfter gives the receipts that were written after the one with number after, up to limit of them, for the ledger. Those of
// the last moments are left for the next time: on PostgreSQL a receipt's number is drawn before its transaction ends, so a later number
// may be seen first. A transaction ends within pgPatience, so what is twice as old is settled; who writes a receipt that has waited for
// long, as after the server was away, keeps out of the way of who accounts. What is dated an hour from now or later was made before the clock
// went back: it keeps nothing back.
func (s *Store) ReceiptsAfter(ctx context.Context, after int64, limit int) (out []ledger.Receipt, err error) {
	now := s.clock()
	before, ahead := now.Add(-s.dialect.settled), now.Add(time.Hour)
	q := accounted("seq >= $1 AND seq < COALESCE((SELECT MIN(seq) FROM receipt WHERE seq >= $1 AND at > $3 AND at <= $4), $5)", after+1, limit,
		func(r ledger.Receipt) { out = append(out, r) })
	q.args = append(q.args, int64(before), int64(ahead), int64(math.MaxInt64))
	read := func(c conn) error {
		out = out[:0]
		return c.do(ctx, q)
	}
	if s.dialect.accounting == "" {
		err = s.engine.snapshot(ctx, read)
		return out, err
	}
	err = s.engine.transaction(ctx, func(c conn) error { // which sees what was committed while it waited
		if err := c.do(ctx, query{text: s.dialect.accounting, scan: ignore}); err != nil {
			return err
		}
		return read(c)
	})
	return out, err
}

// accounted reads receipts as the ledger knows them: up to limit ($2) from a number ($1) on, those of which which says so.
func accounted(which string, from int64, limit int, yield func(ledger.Receipt)) query {
	return query{
		text: "SELECT seq, key, person, at, head, body FROM receipt WHERE " + which + " ORDER BY seq LIMIT $2", args: []driver.Value{from, int64(max(limit, 0))},
		scan: func(r row) error {
			a := ledger.Receipt{Number: r.int(0), At: r.at(3)}
			if a.Emptied = r.id(2) == ledger.Forgotten && len(r.bytes(5)) == len(a.Leaf); a.Emptied {
				copy(a.Leaf[:], r.bytes(5))
			} else {
				a.Leaf = ledger.ReceiptLeaf(r.id(1), r.id(2), a.At, r.bytes(4), r.bytes(5))
			}
			yield(a)
			return nil
		},
	}
}

// Receipts gives receipts as the ledger knows them. See ledger.Store.
func (l looks) Receipts(ctx context.Context, from int64, limit int) (out []ledger.Receipt, err error) {
	err = l.s.engine.snapshot(ctx, func(c conn) error {
		out = out[:0]
		return c.do(ctx, accounted("seq >= $1", from, limit, func(r ledger.Receipt) { out = append(out, r) }))
	})
	return out, err
}

// emptyReceipts leaves of these people's receipts their numbers, their times and what the ledger's batches are compared with: a hash
// that nobody can make again. It gives the numbers.
func (s *Store) emptyReceipts(ctx context.Context, c conn, people []person.ID) (numbers []int64, err error) {
	var all []ledger.Receipt
	if err := s.latest(ctx, c, "receipt", "seq", people, "seq, key, person, at, head, body", "", math.MaxInt, func(r row) error {
		all = append(all, ledger.Receipt{Number: r.int(0), Leaf: ledger.ReceiptLeaf(r.id(1), r.id(2), r.at(3), r.bytes(4), r.bytes(5))})
		return nil
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b ledger.Receipt) int { return cmp.Compare(a.Number, b.Number) })
	nobody := ledger.Forgotten
	qs := make([]query, 0, len(all))
	for i := range all {
		r := &all[i]
		numbers = append(numbers, r.Number)
		qs = append(qs, query{text: "UPDATE receipt SET key = $2, person = $3, head = $4, body = $5 WHERE seq = $1", args: []driver.Value{r.Number, r.Leaf[:16], nobody[:], []byte{}, r.Leaf[:]}})
	}
	return numbers, c.do(ctx, qs...)
}

// outOfTheWay is what a transaction that writes receipts does first when one of them has waited for long.
func (s *Store) outOfTheWay(ctx context.Context, c conn, receipts []vault.Row) error {
	long := s.clock().Add(-s.dialect.settled / 3)
	if s.dialect.late == "" || !slices.ContainsFunc(receipts, func(r vault.Row) bool { return r.At < long }) {
		return nil
	}
	return c.do(ctx, query{text: s.dialect.late, scan: ignore})
}

// PutMark changes a setting from one text to another and appends a row to the ledger, both or neither. ErrStale when the setting
// has another text meanwhile: somebody else was first.
func (s *Store) PutMark(ctx context.Context, name, from, to string, account ledger.Row) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		if _, err := next(ctx, c, "mark"); err != nil { // two who mark at once meet at the counter's row
			return err
		}
		now := ""
		if err := c.do(ctx, query{text: "SELECT value FROM setting WHERE name = $1", args: []driver.Value{name}, scan: func(r row) error { now = string(r.bytes(0)); return nil }}); err != nil {
			return err
		}
		if now != from {
			return vault.ErrStale
		}
		return c.do(ctx, append(lookRows(account), query{
			text: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
			args: []driver.Value{name, []byte(to)},
		})...)
	})
}
