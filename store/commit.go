package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"runtime"
	"sync"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// act is one thing to be done whole or not at all. Acts that wait at the same time share a transaction and a sync.
type act struct {
	ctx    context.Context
	change *vault.Change
	run    func(ctx context.Context, c conn) error // instead of a change
	load   *loading                                // instead of both
	done   chan error
}

// group is the acts of one transaction and what they share.
type group struct {
	acts     []*act
	received person.Instant // of the oldest frame
	frames   []byte
	placed   []placed // where each frame lies in frames
}

// groups keeps their long slices between transactions: nothing holds on to these when a transaction has ended.
var groups = sync.Pool{New: func() any { return new(group) }}

// How much one transaction gathers: enough that a sync is shared by many, little enough that nobody waits long.
const (
	mostActs  = 512
	mostBytes = 4 << 20
)

var errClosed = unavailable(errors.New("the store is closed"))

// Commit does the change whole and returns when it is synced. See vault.Store.
func (s *Store) Commit(ctx context.Context, c vault.Change) error {
	return s.tell(c.Looks, s.submit(&act{ctx: ctx, change: &c, done: make(chan error, 1)}))
}

// tell counts the looks of an act that was done: no other way leads a look into the ledger.
func (s *Store) tell(rows []ledger.Row, err error) error {
	for i := range rows {
		if err == nil && rows[i].Kind == ledger.KindLook {
			s.meter.Looked(rows[i].Role)
		}
	}
	return err
}

// asked runs a transaction that answers. Who gives up waiting gets no answer: the transaction may be under way still, and what it writes nobody may read.
// So what is given to update or asked writes to nothing outside it (TestATransactionWritesNowhereElse).
func asked[T any](ctx context.Context, s *Store, run func(ctx context.Context, c conn) (T, error)) (answer T, err error) {
	var under T
	if err := s.update(ctx, func(ctx context.Context, c conn) (err error) {
		under, err = run(ctx, c)
		return err
	}); err != nil {
		return answer, err
	}
	return under, nil
}

// update runs a transaction of ours through the group commit.
func (s *Store) update(ctx context.Context, run func(ctx context.Context, c conn) error) error {
	return s.submit(&act{ctx: ctx, run: run, done: make(chan error, 1)})
}

func (s *Store) submit(a *act) error {
	select {
	case <-s.closing:
		return errClosed
	default:
	}
	select {
	case s.queue <- a:
	case <-s.closing:
		return errClosed
	case <-a.ctx.Done():
		return a.ctx.Err()
	}
	select {
	case err := <-a.done:
		return err
	case <-a.ctx.Done():
		return a.ctx.Err()
	}
}

// work takes an act as soon as there is one, with all that wait behind it, and commits them together. When nobody waits
// it commits one act at once; while it syncs, the next group gathers.
func (s *Store) work() {
	defer s.working.Done()
	for {
		select {
		case a := <-s.queue:
			s.commit(s.gather(a))
		case <-s.closing:
			for { // what was taken in before closing is still done
				select {
				case a := <-s.queue:
					s.commit(s.gather(a))
				default:
					return
				}
			}
		}
	}
}

func (s *Store) gather(first *act) []*act {
	runtime.Gosched() // whoever is about to hand in an act does so first, and shares the sync
	acts := []*act{first}
	for size := weight(first); len(acts) < mostActs && size < mostBytes; {
		select {
		case a := <-s.queue:
			acts = append(acts, a)
			size += weight(a)
		default:
			return acts
		}
	}
	return acts
}

func weight(a *act) int {
	if a.load != nil {
		return 16 << 10 // about what is read
	}
	if a.change == nil {
		return 1 << 10
	}
	n := 0
	for i := range a.change.Frames {
		n += 64 + len(a.change.Frames[i].Body)
	}
	for i := range a.change.Put {
		n += 64 + len(a.change.Put[i].Head) + len(a.change.Put[i].Body)
	}
	return n
}

// commit does a group. An act's own mistake sinks that act alone; a failing database or commit acknowledges nobody.
func (s *Store) commit(acts []*act) {
	if acts = s.together(acts); len(acts) == 0 {
		return
	}
	results, err := s.attempt(acts)
	var again retry
	if errors.As(err, &again) || (err != nil && !errors.Is(err, vault.ErrUnavailable) && len(acts) > 1) {
		for _, a := range acts { // met somebody else's transaction, or one of them is at fault: each for itself
			for range 8 {
				if results, err = s.attempt([]*act{a}); !errors.As(err, &again) {
					break
				}
			}
			switch {
			case errors.As(err, &again):
				err = vault.ErrStale
			case err == nil:
				err = results[0]
			}
			a.done <- outward(err)
		}
		return
	}
	for i, a := range acts {
		if err != nil {
			a.done <- outward(err)
		} else {
			a.done <- outward(results[i])
		}
	}
}

// outward is an error as the ports name it.
func outward(err error) error {
	if errors.Is(err, errConflict) {
		return vault.ErrStale
	}
	return err
}

// attempt runs one transaction over the acts and gives each act's own result.
func (s *Store) attempt(acts []*act) ([]error, error) {
	results := make([]error, len(acts))
	g := groups.Get().(*group)
	*g = group{acts: acts, frames: g.frames[:0], placed: g.placed[:0]}
	defer func() { g.acts = nil; groups.Put(g) }()
	err := s.engine.transaction(context.Background(), func(c conn) error {
		if err := s.commonly(context.Background(), c, g, acts, results); err != nil {
			return err
		}
		if err := s.loads(context.Background(), c, acts, results); err != nil {
			return err
		}
		for i, a := range acts {
			if a.load != nil || a.change != nil && common(a.change) {
				if results[i] != nil && len(acts) == 1 {
					return results[i]
				}
				continue // done above
			}
			err := s.try(c, g, a)
			var again retry
			if err != nil && (len(acts) == 1 || errors.Is(err, vault.ErrUnavailable) || errors.As(err, &again)) {
				return err
			}
			results[i] = err
		}
		if len(g.frames) == 0 {
			return nil
		}
		return c.do(context.Background(), s.journalRow(g))
	})
	if err == nil && s.waiting != nil && len(g.frames) > 0 {
		s.waiting.add(s.seq, g.received, g.placed, s.clock())
	}
	return results, err
}

func (s *Store) journalRow(g *group) query {
	if !s.dialect.seq {
		return query{text: "INSERT INTO journal (received, body) VALUES ($1, $2)", args: []driver.Value{int64(g.received), g.frames}}
	}
	s.seq++ // a number is not used again when the transaction fails
	return query{text: "INSERT INTO journal (seq, received, body) VALUES ($1, $2, $3)", args: []driver.Value{s.seq, int64(g.received), g.frames}}
}

// try does one act inside the group's transaction, so that a failure of its own leaves nothing behind: its frames join the
// group's as its last step.
func (s *Store) try(c conn, g *group, a *act) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	ctx := context.Background() // from here on it is not cut short: the transaction is shared
	if len(g.acts) == 1 {       // alone: the transaction is its savepoint
		return s.perform(ctx, c, g, a)
	}
	if err := c.do(ctx, query{text: "SAVEPOINT act"}); err != nil {
		return err
	}
	err := s.perform(ctx, c, g, a)
	var again retry
	switch {
	case err == nil:
		return c.do(ctx, query{text: "RELEASE SAVEPOINT act"})
	case errors.Is(err, vault.ErrUnavailable) || errors.As(err, &again):
		return err
	}
	for _, text := range []string{"ROLLBACK TO SAVEPOINT act", "RELEASE SAVEPOINT act"} { // in PostgreSQL the second is not even read before the first is done
		if undone := c.do(ctx, query{text: text}); undone != nil {
			return unavailable(undone) // the whole group: what was half done must not be committed
		}
	}
	return err
}
