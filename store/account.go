package store

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"slices"

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

// ReceiptsAfter gives the account of the receipts that were written after the one with number after, up to limit of them: the last
// one's number, how many they are, and a hash over their keys and sealed bodies in their order. Those of the last moments are left
// for the next time: on PostgreSQL a receipt's number is drawn before its transaction ends, so a later number may be seen first. A
// transaction ends within pgPatience, so what is twice as old is settled; who writes a receipt that has waited for long, as after
// the server was away, keeps out of the way of who accounts.
func (s *Store) ReceiptsAfter(ctx context.Context, after int64, limit int) (last int64, n int, hash [32]byte, err error) {
	before := int64(s.clock().Add(-s.dialect.settled))
	read := func(c conn) error {
		last, n = after, 0
		sum := sha256.New()
		fresh := false
		err := c.do(ctx, query{
			text: "SELECT seq, key, at, body FROM receipt WHERE seq > $1 ORDER BY seq LIMIT $2", args: []driver.Value{after, int64(limit)},
			scan: func(r row) error {
				if fresh = fresh || r.int(2) > before; fresh {
					return nil
				}
				body := sha256.Sum256(r.bytes(3))
				sum.Write(r.bytes(1))
				sum.Write(body[:])
				last = r.int(0)
				n++
				return nil
			},
		})
		sum.Sum(hash[:0])
		return err
	}
	if s.dialect.accounting == "" {
		err = s.engine.snapshot(ctx, read)
		return last, n, hash, err
	}
	err = s.engine.transaction(ctx, func(c conn) error { // which sees what was committed while it waited
		if err := c.do(ctx, query{text: s.dialect.accounting, scan: ignore}); err != nil {
			return err
		}
		return read(c)
	})
	return last, n, hash, err
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
		return c.do(ctx, query{
			text: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
			args: []driver.Value{name, []byte(to)},
		}, lookRow(&account))
	})
}
