// Package store keeps a home on one of two engines: SQLite files inside the home, or a PostgreSQL that processes share.
// It fills the ports of the nouns (vault.Store, ledger.Store, catalogue.Store, the ports of access and collect) and holds
// no rules: what it keeps about a person is sealed before it comes here.
//
// It promises: what Commit acknowledged is on disk, synced, and is found after any crash; a change is there whole or not
// at all; reads see one state. It does not promise that history is up to date: events are in the journal first, and Fold
// brings them into history unopened. On SQLite Load gives those that wait too; on PostgreSQL it does not.
package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// ErrInUse says that another process has the SQLite home open.
var ErrInUse = errors.New("another rapport has this home open: stop it, or give commands to it while it serves")

// Options say where the home's database is and what the store asks of its surroundings.
type Options struct {
	Dir string // SQLite: the folder for rapport.db, history.db and the lock
	URL string // PostgreSQL: postgres://…; used when it is not empty

	Clock person.Clock // the system's when nil
	// K is how many people must have bought a product that the catalogue does not know before its id is written: the
	// charter's k. nil: no such id is ever written.
	K func() int
	// Window is how long a retried message is recognised, by when it was received; 24 hours when zero.
	Window time.Duration
	Meter  Meter // may be nil

	// Blinds are the keys of the index of identifiers, for who writes while it is brought to a new one. nil: where several processes write, nobody who is
	// new is written meanwhile.
	Blinds Blinds

	synchronous string // SQLite's; tests plant OFF
}

// Blinds are the keys of the index of identifiers. vault.Vault has them.
type Blinds interface {
	// Lifter makes, of a blind of a generation of the index, that of the next.
	Lifter(from int) (func(vault.Blind) vault.Blind, error)
	// ServeIndex has blinds be made of that generation from now on.
	ServeIndex(generation int) error
}

// Meter is told what happens inside. Its methods return at once.
type Meter interface {
	Duplicates(n int)      // events dropped by a fold because they were there already
	Lag(lag time.Duration) // for how long the oldest event waits that a decision does not see yet; where it sees all (SQLite), for how long a fold has been overdue
	Lost(n int)            // receipts that were to be written within 100 ms and could not be
	Looked(role string)    // a look that is in the ledger, once its act is synced
}

type noMeter struct{}

func (noMeter) Duplicates(int)    {}
func (noMeter) Lag(time.Duration) {}
func (noMeter) Lost(int)          {}
func (noMeter) Looked(string)     {}

// Store is an open home. It is safe for many goroutines.
type Store struct {
	engine  engine
	dialect *dialect
	clock   person.Clock
	k       func() int
	window  time.Duration
	meter   Meter

	queue   chan *act
	working sync.WaitGroup
	closing chan struct{}
	once    sync.Once
	seq     int64 // of the last journal row, where we number them; the one writer's

	versions *versions // the one writer's; nil where there are several
	waiting  *waiting  // events that are not in history yet; nil where there are several writers

	index    atomic.Pointer[index]
	blinds   Blinds      // may be nil
	unmarked atomic.Bool // nobody was ever forgotten here; only where this process is the only writer

	schema map[string]int64 // versions that this binary was made for

	keep    keeper
	folding sync.Mutex
	streams streams
}

var _ vault.Store = (*Store)(nil)

// Open opens the home's database, making it or bringing it up to date first. Errors: ErrInUse, ErrNewer, ErrUnavailable,
// or a sentence that says what is wrong with the options.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{clock: o.Clock, k: o.K, window: o.Window, meter: o.Meter, blinds: o.Blinds, queue: make(chan *act, 1024), closing: make(chan struct{}), schema: Schema()}
	s.index.Store(&index{})
	if s.clock == nil {
		s.clock = person.SystemClock
	}
	if s.window == 0 {
		s.window = 24 * time.Hour
	}
	if s.meter == nil {
		s.meter = noMeter{}
	}
	var err error
	switch {
	case o.URL != "" && !strings.HasPrefix(o.URL, "postgres://") && !strings.HasPrefix(o.URL, "postgresql://"):
		return nil, errors.New("the database's URL must begin with postgres://; without one the home's own SQLite is used")
	case o.URL != "":
		s.dialect = &postgresDialect
		s.engine, err = openPostgres(ctx, o.URL, s.clock())
	case o.Dir != "":
		s.dialect = &sqliteDialect
		if o.synchronous == "" {
			o.synchronous = "FULL"
		}
		var l *lite
		if l, err = openLite(o.Dir, o.synchronous); err == nil { // a nil *lite in the engine would not be nil
			s.engine = l
			s.versions, s.waiting = &versions{of: map[person.ID]int64{}}, &waiting{young: newGeneration()}
			err = s.migrateLite(ctx)
		}
	default:
		return nil, errors.New("the store needs a folder or a URL")
	}
	if err != nil {
		if s.engine != nil {
			_ = s.engine.close()
		}
		return nil, err
	}
	for range s.engine.writers() {
		s.working.Add(1)
		go s.work()
	}
	s.keep.start(s)
	return s, nil
}

// migrateLite brings both files up to date and finds where the numbering of the journal goes on.
func (s *Store) migrateLite(ctx context.Context) error {
	now := s.clock()
	var folded int64
	if err := s.engine.fold(ctx, func(c conn) error {
		if err := migrate(ctx, c, s.dialect, "history", now); err != nil {
			return err
		}
		return c.do(ctx, query{text: "SELECT seq FROM folded", scan: func(r row) error { folded = r.int(0); return nil }})
	}); err != nil {
		return err
	}
	return s.engine.transaction(ctx, func(c conn) error {
		if err := migrate(ctx, c, s.dialect, "main", now); err != nil {
			return err
		}
		last, err := s.waiting.recall(ctx, c, folded, now)
		s.seq = max(folded, last)
		if err != nil {
			return err
		}
		s.unmarked.Store(true)
		if err := c.do(ctx, query{text: "SELECT 1 FROM tombstone LIMIT 1", scan: func(row) error { s.unmarked.Store(false); return nil }}); err != nil {
			return err
		}
		return c.do(ctx, query{text: "DELETE FROM journal WHERE seq <= $1", args: []driver.Value{folded}}) // folded before a crash
	})
}

// Close writes what is waiting and leaves the database. Acts that come later get ErrUnavailable.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		s.keep.stop()
		close(s.closing)
		s.working.Wait()
		err = s.engine.close()
	})
	return err
}
