package store

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// index is what the store knows of the generations of blinds. The zero one is a home whose index has never been brought to another key.
type index struct {
	least int                             // changes that were hashed by an older generation are judged again
	from  int                             // the generation that is being lifted
	lift  func(b vault.Blind) vault.Blind // nil: none is
}

// twin has the blind of the next generation lead to the same person, while the index is being lifted: whoever enrols then is found by both.
func (x *index) twin(qs []query, n *vault.Identifier, of person.ID, generation int64) []query {
	if x.lift == nil || generation != int64(x.from) {
		return qs
	}
	next := *n
	next.Blind = x.lift(n.Blind)
	return append(qs, identifierRow(&next, of, generation+1))
}

// ServeIndex says which generation of blinds is served: identifiers that were hashed by an older one are refused as stale from now on. Only where this process is the only writer.
func (s *Store) ServeIndex(generation int) { s.index.Store(&index{least: generation}) }

var errShared = errors.New("an index is lifted only where this process is the only writer: others would go on by the old key")

// LiftIndex has every identifier of a generation be found by its blind of the next one too, and those that come meanwhile. Others read and write between two steps.
// Where other processes may write, it does nothing and gives an error.
func (s *Store) LiftIndex(ctx context.Context, from int, lift func(vault.Blind) vault.Blind, progress func(done int)) error {
	if !s.engine.apart() {
		return errShared
	}
	s.index.Store(&index{least: from, from: from, lift: lift})
	const step = 1000
	var after vault.Blind
	since, done := int64(-1<<62), 0
	for {
		got := 0
		if err := s.update(ctx, func(ctx context.Context, c conn) error {
			got = 0
			at, began := after, since
			var qs []query
			if err := c.do(ctx, query{
				text: "SELECT blind, since, person, verified, bond, led FROM identifier WHERE generation = $1 AND (blind, since) > ($2, $3) ORDER BY blind, since LIMIT $4",
				args: []driver.Value{int64(from), at[:], began, int64(step)},
				scan: func(r row) error {
					got++
					at, began = vault.Blind(r.id(0)), r.int(1)
					n := vault.Identifier{Blind: lift(at), Since: r.at(1), Verified: r.int(3) == 1, Bond: r.bond(4), Led: int(r.int(5))}
					qs = append(qs, identifierRow(&n, r.id(2), int64(from)+1))
					return nil
				},
			}); err != nil {
				return err
			}
			if err := c.do(ctx, qs...); err != nil {
				return err
			}
			after, since = at, began
			return nil
		}); err != nil {
			return err
		}
		if done += got; progress != nil {
			progress(done)
		}
		if got < step {
			return nil
		}
	}
}

// DropIndex removes the identifiers of every generation before this one, which must be served, a little at a time.
func (s *Store) DropIndex(ctx context.Context, before int) error {
	const step = 1000
	for {
		got := 0
		if err := s.update(ctx, func(ctx context.Context, c conn) error {
			got = 0
			return c.do(ctx, query{
				text: "DELETE FROM identifier WHERE (blind, since) IN (SELECT blind, since FROM identifier WHERE generation < $1 LIMIT $2) RETURNING 1",
				args: []driver.Value{int64(before), int64(step)}, scan: func(row) error { got++; return nil },
			})
		}); err != nil || got < step {
			return err
		}
	}
}
