package store

import (
	"context"
	"errors"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// loading is somebody to be read with looks.
type loading struct {
	of    person.ID
	looks []ledger.Row
	l     *vault.Loaded
}

// fewLoads is up to how many are read one after the other: reading many by the statements for many is dearer for one, and a third of the price
// for each of a hundred.
const fewLoads = 3

// loads does the acts of a group that read people with looks: it reads them all as one state, and appends their looks in the same transaction, so
// that there is no look without its read and no read without its look. Nobody is given anything before that is committed. Who is not
// there is not looked at.
func (s *Store) loads(ctx context.Context, c conn, acts []*act, results []error) error {
	var due []int
	var ids []person.ID
	for i, a := range acts {
		if a.load == nil {
			continue
		}
		if results[i] = a.ctx.Err(); results[i] == nil {
			due, ids = append(due, i), append(ids, a.load.of)
		}
	}
	var all []*vault.Loaded
	if len(ids) > fewLoads {
		var err error
		if all, err = loadAll(ctx, c, ids, s.waiting); err != nil {
			return err
		}
	}
	var looks []ledger.Row
	given := make(map[*vault.Loaded]bool, len(all)) // nobody is given what another is given too
	for n, i := range due {
		var l *vault.Loaded
		if all != nil {
			l = all[n]
		}
		if all == nil || given[l] {
			var err error
			if l, err = s.loadOne(ctx, c, ids[n]); err != nil {
				return err
			}
		}
		if acts[i].load.l = l; l == nil {
			results[i] = vault.ErrNotFound
			continue
		}
		given[l] = true
		looks = append(looks, acts[i].load.looks...)
	}
	return c.do(ctx, lookRows(looks...)...)
}

// observe does these acts of a group where a transaction does not see one state by itself: in one of their own that does. It gives the acts that
// are left.
func (s *Store) observe(shared *postgres, acts []*act) (left []*act) {
	var loads []*act
	for _, a := range acts {
		if a.load != nil {
			loads = append(loads, a)
		} else {
			left = append(left, a)
		}
	}
	if len(loads) == 0 {
		return left
	}
	if err := s.observed(shared, loads); err != nil { // one of them may be at fault: each for itself
		for i := range loads {
			_ = s.observed(shared, loads[i:i+1])
		}
	}
	return left
}

// observed reads and tells who waits. An error that may be that of one of several is given back, and nobody is told.
func (s *Store) observed(shared *postgres, loads []*act) error {
	results := make([]error, len(loads))
	err := shared.observation(context.Background(), func(c conn) error { return s.loads(context.Background(), c, loads, results) })
	if err != nil && len(loads) > 1 && !errors.Is(err, vault.ErrUnavailable) {
		return err
	}
	for i, a := range loads {
		if err != nil {
			results[i] = err
		}
		a.done <- outward(results[i])
	}
	return nil
}
