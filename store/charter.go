package store

import (
	"context"
	"database/sql/driver"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Charters gives the series of accepted charters, by position from 1.
func (s *Store) Charters(ctx context.Context) ([]charter.Accepted, error) {
	var all []charter.Accepted
	err := s.engine.snapshot(ctx, func(c conn) error {
		all = all[:0]
		return c.do(ctx, query{text: "SELECT position, hash, source, at, by FROM charter ORDER BY position", scan: func(r row) error {
			all = append(all, charter.Accepted{Position: int(r.int(0)), Hash: r.text(1), Source: r.bytes(2), At: r.at(3), By: r.text(4)})
			return nil
		}})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// CharterPosition gives the position of the charter in force, 0 before the first: what processes poll to follow it.
func (s *Store) CharterPosition(ctx context.Context) (position int, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx, query{text: "SELECT COALESCE(MAX(position), 0) FROM charter", scan: func(r row) error { position = int(r.int(0)); return nil }})
	})
	return position, err
}

// AcceptCharter puts a charter at the end of the series: after is the position that its proposer saw last (0 for the first),
// a.Position must be after+1. The ledger's rows about it are appended in the same transaction. ErrStale when another was accepted meanwhile.
func (s *Store) AcceptCharter(ctx context.Context, after int, a charter.Accepted, account ...ledger.Row) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		var last int64
		if err := c.do(ctx, query{text: "SELECT COALESCE(MAX(position), 0) FROM charter", scan: func(r row) error { last = r.int(0); return nil }}); err != nil {
			return err
		}
		if last != int64(after) || a.Position != after+1 {
			return vault.ErrStale
		}
		qs := []query{{ // of two at once the key lets one in
			text: "INSERT INTO charter (position, hash, source, at, by) VALUES ($1, $2, $3, $4, $5)",
			args: []driver.Value{int64(a.Position), a.Hash, blob(a.Source), int64(a.At), a.By},
		}}
		return c.do(ctx, append(qs, lookRows(account...)...)...)
	})
}
