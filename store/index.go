package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// index is what the store knows of the generations of blinds where this process is the only writer. The zero one is a home whose index has never been brought
// to another key. Where others write, what is in the database counts: see indexed.
type index struct {
	least int                             // changes that were hashed by an older generation are judged again
	from  int                             // the generation that is being lifted
	lift  func(b vault.Blind) vault.Blind // nil: none is
}

// The settings that say by which generation people are found, and which one is being made of it; neither is there before the first rotation.
const (
	indexSetting = "index of identifiers"
	liftSetting  = "index of identifiers is being lifted"
)

// IndexAt gives the generation of blinds that is served, and the one that is being made or was made last and whose forerunner may not be removed yet; 0
// when there is none.
func (s *Store) IndexAt(ctx context.Context) (served, lifting int, err error) {
	err = s.engine.ask(ctx, atQuery(&served, &lifting))
	return max(served, 1), lifting, err
}

func atQuery(served, lifting *int) query {
	return query{text: "SELECT name, value FROM setting WHERE name = $1 OR name = $2", args: []driver.Value{indexSetting, liftSetting}, scan: func(r row) error {
		n, err := strconv.Atoi(string(r.bytes(1)))
		if r.text(0) == indexSetting {
			*served = n
		} else {
			*lifting = n
		}
		return err
	}}
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

// indexed judges, where others write too, identifiers that this transaction has just written: from then on whoever changes the state of the index waits for
// it. ErrStale when they were hashed by a generation that is served no more; their twins, while the next one is being made.
func (s *Store) indexed(ctx context.Context, c conn, ch *vault.Change) error {
	var served, lifting int
	if err := c.do(ctx, atQuery(&served, &lifting)); err != nil {
		return err
	}
	x := index{from: max(ch.Blinds, 1)}
	switch {
	case x.from < served:
		if s.blinds != nil { // so that the next try is by the one that is served
			if err := s.blinds.ServeIndex(served); err != nil {
				return unavailable(err)
			}
		}
		return vault.ErrStale
	case lifting != x.from+1:
		return nil
	case s.blinds == nil:
		return unavailable(errors.New("the index of identifiers is being brought to a key that this process does not have"))
	}
	var err error
	if x.lift, err = s.blinds.Lifter(x.from); err != nil {
		return unavailable(err)
	}
	var qs []query
	for i := range ch.Enrol {
		for j := range ch.Enrol[i].Identifiers {
			qs = x.twin(qs, &ch.Enrol[i].Identifiers[j], ch.Enrol[i].ID, int64(x.from))
		}
	}
	for i := range ch.Identifiers {
		qs = x.twin(qs, &ch.Identifiers[i], ch.Identifiers[i].Of, int64(x.from))
	}
	return c.do(ctx, qs...)
}

// settledIndex returns when everybody who was writing identifiers has committed: who writes after it sees the state of the index that was committed before.
func (s *Store) settledIndex(ctx context.Context) error {
	if s.engine.apart() {
		return nil
	}
	return s.engine.transaction(ctx, func(c conn) error { return c.do(ctx, query{text: s.dialect.index}) })
}

// ServeIndex has people be found by a generation: identifiers that were hashed by an older one are refused as stale from now on, whichever process brings them.
// That it is served is on disk before anybody is hashed by it alone.
func (s *Store) ServeIndex(ctx context.Context, generation int) error {
	served, _, err := s.IndexAt(ctx)
	if err == nil && served < generation {
		err = s.PutSetting(ctx, indexSetting, strconv.Itoa(generation))
	}
	if err == nil && s.blinds != nil {
		err = s.blinds.ServeIndex(generation)
	}
	if err != nil {
		return err
	}
	s.index.Store(&index{least: generation})
	return s.settledIndex(ctx)
}

// LiftIndex has every identifier of a generation be found by its blind of the next one too, and those that come meanwhile, of whichever process. Others read between
// two steps, and write. It may be called again after it was cut off.
func (s *Store) LiftIndex(ctx context.Context, from int, lift func(vault.Blind) vault.Blind, progress func(done int)) error {
	s.index.Store(&index{least: from, from: from, lift: lift})
	if err := s.PutSetting(ctx, liftSetting, strconv.Itoa(from+1)); err != nil {
		return err
	}
	if err := s.settledIndex(ctx); err != nil {
		return err
	}
	const step = 1000
	type place struct { // of the last row
		blind vault.Blind
		since int64
		got   int // rows
	}
	last, done := place{since: -1 << 62}, 0
	for {
		next, err := asked(ctx, s, func(ctx context.Context, c conn) (place, error) {
			next := place{last.blind, last.since, 0}
			var qs []query
			if s.dialect.index != "" { // nobody is forgotten between the reading and the writing
				if err := c.do(ctx, query{text: s.dialect.index}); err != nil {
					return next, err
				}
			}
			if err := c.do(ctx, query{
				text: "SELECT blind, since, person, verified, bond, led FROM identifier WHERE generation = $1 AND (blind, since) > ($2, $3) ORDER BY blind, since LIMIT $4",
				args: []driver.Value{int64(from), last.blind[:], last.since, int64(step)},
				scan: func(r row) error {
					next = place{vault.Blind(r.id(0)), r.int(1), next.got + 1}
					n := vault.Identifier{Blind: lift(next.blind), Since: r.at(1), Verified: r.int(3) == 1, Bond: r.bond(4), Led: int(r.int(5))}
					qs = append(qs, identifierRow(&n, r.id(2), int64(from)+1))
					return nil
				},
			}); err != nil {
				return next, err
			}
			return next, c.do(ctx, qs...)
		})
		if err != nil {
			return err
		}
		if done += next.got; progress != nil {
			progress(done)
		}
		if next.got < step {
			return nil
		}
		last = next
	}
}

// DropIndex removes the identifiers of every generation before this one, which must be served, a little at a time.
func (s *Store) DropIndex(ctx context.Context, before int) error {
	const step = 1000
	for got := step; got == step; {
		var err error
		if got, err = asked(ctx, s, func(ctx context.Context, c conn) (got int, err error) {
			err = c.do(ctx, query{
				text: "DELETE FROM identifier WHERE (blind, since) IN (SELECT blind, since FROM identifier WHERE generation < $1 LIMIT $2) RETURNING 1",
				args: []driver.Value{int64(before), int64(step)}, scan: func(row) error { got++; return nil },
			})
			return got, err
		}); err != nil {
			return err
		}
	}
	return s.PutSetting(ctx, liftSetting, "")
}
