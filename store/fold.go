package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"math"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// Fold brings events from the journal into their persons' histories, unopened, and drops those that are there already: the
// same EventID of the same pseudonym, received within the window before. It holds about limit events in memory (at least one
// journal row). On SQLite it takes all that wait; on PostgreSQL one portion, and says whether more wait. It may be run by
// several processes and ended at any point: no event is lost, none comes twice.
func (s *Store) Fold(ctx context.Context, limit int) (folded int, more bool, err error) {
	s.folding.Lock()
	defer s.folding.Unlock()
	f := &folding{arrays: s.dialect.arrays}
	if s.waiting != nil {
		err = s.foldApart(ctx, f, max(limit, 1))
	} else {
		err = s.engine.fold(ctx, func(c conn) error {
			if err := c.do(ctx, query{text: s.dialect.alone, scan: ignore}); err != nil {
				return err
			}
			if err := f.read(ctx, c, limit); err != nil {
				return err
			}
			if err := f.write(ctx, c, s.window); err != nil {
				return err
			}
			return c.do(ctx, f.forget()...)
		})
	}
	if err != nil {
		return 0, false, err
	}
	if f.duplicates > 0 {
		s.meter.Duplicates(f.duplicates)
	}
	lag := time.Duration(0)
	if f.more {
		lag = max(0, time.Duration(s.clock()-f.next)*time.Microsecond)
	}
	s.meter.Lag(lag)
	return f.taken, f.more, nil
}

// FoldWhenDue is Fold when it is worth it. On SQLite Load gives events that are still in the journal, so nobody waits for a
// fold, and one that takes many events of each person writes far less: it is due when half a million wait, the oldest has
// waited a minute, or the door has been quiet for two seconds. On PostgreSQL who is decided for waits for it: it is due when few events
// wait, and when the oldest has waited four seconds.
func (s *Store) FoldWhenDue(ctx context.Context, limit int) (folded int, more bool, err error) {
	if s.waiting == nil {
		oldest, due, err := s.foldDue(ctx)
		if err != nil || !due {
			s.meter.Lag(oldest)
			return 0, false, err
		}
	} else {
		now := s.clock()
		s.meter.Lag(s.waiting.overdue(now))
		if !s.waiting.due(now) {
			return 0, false, nil
		}
	}
	return s.Fold(ctx, limit)
}

// When a fold over PostgreSQL is due. A fold writes a row for each person for whom it has something: of twice as many events of the same people
// it has to write hardly more rows. So what comes in numbers gathers; few events are brought in at once, whatever that costs each.
const (
	fewBytes   = 2 << 20 // some 7,000 events
	foldBehind = 4 * time.Second
)

// foldDue says for how long the oldest event in the journal has waited, and whether a fold is due.
func (s *Store) foldDue(ctx context.Context) (oldest time.Duration, due bool, err error) {
	err = s.engine.ask(ctx, query{
		text: "SELECT MIN(received), CAST(COALESCE(SUM(length(body)), 0) AS BIGINT) FROM journal",
		scan: func(r row) error {
			if r[0] != nil {
				oldest = time.Duration(s.clock()-r.at(0)) * time.Microsecond
				due = oldest >= foldBehind || oldest < 0 || r.int(1) <= fewBytes // below nothing: the clock went back
			}
			return nil
		},
	})
	return max(oldest, 0), due, err
}

// foldAll folds until nothing waits that was there when it began: before a walk over everybody, and before a sweep.
func (s *Store) foldAll(ctx context.Context) error {
	for {
		if _, more, err := s.Fold(ctx, portionEvents); err != nil || !more {
			return err
		}
	}
}

// portionEvents is how many events a fold of our own holds in memory.
const portionEvents = 100_000

func ignore(row) error { return nil }

// foldApart folds where history is a database of its own, by passes over the journal, each for a part of the pseudonyms: first
// all is written there, at last with the number of the last journal row; then those rows are deleted here. A crash between the
// two leaves rows that the number says are done; a crash between passes leaves events that the next fold knows by their ids.
func (s *Store) foldApart(ctx context.Context, f *folding, limit int) error {
	old := s.waiting.freeze()
	if old == nil {
		return nil
	}
	passes := (len(old.refs) + limit - 1) / limit
	for pass := range passes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.engine.snapshot(ctx, func(c conn) error { return f.readPart(ctx, c, old, pass, passes) }); err != nil {
			return err
		}
		if err := s.engine.fold(ctx, func(c conn) error {
			if err := f.write(ctx, c, s.window); err != nil {
				return err
			}
			if pass < passes-1 {
				return nil
			}
			return c.do(ctx, query{text: "UPDATE folded SET seq = $1 WHERE one = 1", args: []driver.Value{old.rows[len(old.rows)-1].seq}})
		}); err != nil {
			return err
		}
		f.taken += len(f.frames)
	}
	s.waiting.drop()
	f.frames = nil
	return s.forgetRows(ctx, old)
}

// forgetRows deletes journal rows that are in history, a few at a time so that the door waits little, and without overwriting
// them yet: see settle.
func (s *Store) forgetRows(ctx context.Context, old *generation) error {
	const rows = 32
	for i := rows - 1; i < len(old.rows)+rows-1; i += rows {
		last := old.rows[min(i, len(old.rows)-1)].seq
		if err := s.update(ctx, func(ctx context.Context, c conn) error {
			return lazily(ctx, c, query{text: "DELETE FROM journal WHERE seq <= $1", args: []driver.Value{last}})
		}); err != nil {
			return err
		}
	}
	return nil
}

// lazily deletes without overwriting what is deleted. The next rows take its place, and settle overwrites the rest.
func lazily(ctx context.Context, c conn, q query) error {
	err := c.do(ctx, query{text: "PRAGMA secure_delete=FAST", scan: ignore}, q)
	if on := c.do(ctx, query{text: "PRAGMA secure_delete=ON", scan: ignore}); on != nil {
		return unavailable(on) // the connection goes
	}
	return err
}

// folding is one run.
type folding struct {
	seqs       []int64
	frames     []vault.Frame
	taken      int
	more       bool
	next       person.Instant // when the oldest event that waits was received
	duplicates int
	arena      []byte
	arrays     bool // the engine takes many rows as arrays
}

// read takes journal rows in their order, until they hold limit frames.
func (f *folding) read(ctx context.Context, c conn, limit int) error {
	*f = folding{arrays: f.arrays}
	err := eachInJournal(ctx, c, 0, math.MaxInt64, 64, func(seq int64, r row) (on bool, err error) {
		if len(f.seqs) > 0 && len(f.frames) >= limit {
			f.more, f.next = true, r.at(1)
			return false, nil
		}
		f.seqs = append(f.seqs, seq)
		return true, vault.ParseFrames(r.bytes(2), r.at(1), func(fr vault.Frame) error {
			if !fr.Of.IsZero() { // blanked: somebody was forgotten
				f.frames = append(f.frames, fr)
			}
			return nil
		})
	})
	f.taken = len(f.frames)
	return err
}

// eachInJournal gives the journal's rows behind one number, up to another, in their order: seq, received, body. It reads some at a
// time, and goes on while each wants to.
func eachInJournal(ctx context.Context, c conn, after, last int64, some int, each func(seq int64, r row) (on bool, err error)) error {
	for after < last {
		got, on := 0, true
		if err := c.do(ctx, query{
			text: "SELECT seq, received, body FROM journal WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
			args: []driver.Value{after, last, int64(some)},
			scan: func(r row) (err error) {
				if got++; on {
					after = r.int(0)
					on, err = each(after, r)
				}
				return err
			},
		}); err != nil {
			return err
		}
		if got < some || !on {
			return nil
		}
	}
	return nil
}

// readPart takes from the rows of a generation the frames of one part of the pseudonyms.
func (f *folding) readPart(ctx context.Context, c conn, old *generation, pass, passes int) error {
	f.frames, f.arena = f.frames[:0], f.arena[:0]
	return eachInJournal(ctx, c, old.rows[0].seq-1, old.rows[len(old.rows)-1].seq, 16, func(_ int64, r row) (on bool, err error) {
		return true, vault.ParseFrames(r.bytes(2), r.at(1), func(fr vault.Frame) error {
			if fr.Of.IsZero() || int(binary.BigEndian.Uint16(fr.Of[:]))*passes>>16 != pass {
				return nil
			}
			if len(f.arena)+len(fr.Body) > cap(f.arena) { // what was filled stays with its frames
				f.arena = make([]byte, 0, max(1<<20, len(fr.Body)))
			}
			at := len(f.arena)
			f.arena = append(f.arena, fr.Body...)
			fr.Body = f.arena[at:len(f.arena):len(f.arena)]
			f.frames = append(f.frames, fr)
			return nil
		})
	})
}

// forget deletes the journal rows that were read, and no other: another process may have committed rows with smaller numbers
// since.
func (f *folding) forget() []query {
	var qs []query
	for _, part := range portions(f.seqs) {
		args := make([]driver.Value, roundUp(len(part)))
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		qs = append(qs, query{text: "DELETE FROM journal WHERE " + in("seq", 1, len(part)), args: args})
	}
	return qs
}
