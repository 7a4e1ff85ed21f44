package store

import (
	"context"
	"database/sql/driver"
	"math"
	"sync"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// waiting is an index, in memory, of the events that are in the journal and not yet in history: by pseudonym, where each
// lies. Only where this process is the database's only writer. With it Load gives an event as soon as it is acknowledged,
// and folds can be rare and large. It holds 16 bytes for an event and some 40 for a
// person, no content.
type waiting struct {
	mu    sync.RWMutex
	young *generation // what is committed now goes here
	old   *generation // what is being folded; nil when nothing is
	last  person.Instant
	folds int // how many generations were frozen
}

// generation is a stretch of the journal.
type generation struct {
	refs []ref
	of   map[person.ID]int32 // the latest of a pseudonym: its place in refs plus one
	rows []journalRef
	at   person.Instant // when its first row was committed
}

// ref is where a frame lies.
type ref struct {
	row    int32 // in rows
	offset int32 // in the row's body
	size   int32
	before int32 // the one before of the same pseudonym: its place plus one, 0 for none
}

type journalRef struct {
	seq      int64
	received person.Instant
}

// placed is a frame's place in a group's journal row.
type placed struct {
	of           person.ID
	offset, size int32
}

// When a fold is due: see FoldWhenDue.
const (
	foldAt    = 500_000
	foldAfter = time.Minute
	foldQuiet = 2 * time.Second
)

func newGeneration() *generation { return &generation{of: map[person.ID]int32{}} }

// add notes a journal row that has been committed, before anybody is told.
func (w *waiting) add(seq int64, received person.Instant, frames []placed, now person.Instant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.young
	if len(g.rows) == 0 {
		g.at = now
	}
	w.last = now
	g.rows = append(g.rows, journalRef{seq, received})
	for i := range frames {
		g.refs = append(g.refs, ref{row: int32(len(g.rows) - 1), offset: frames[i].offset, size: frames[i].size, before: g.of[frames[i].of]})
		g.of[frames[i].of] = int32(len(g.refs))
	}
}

// freeze gives the generation to fold: the one whose fold failed before, if any, else what has gathered. nil: nothing.
func (w *waiting) freeze() *generation {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.old == nil && len(w.young.rows) > 0 {
		w.old, w.young = w.young, newGeneration()
		w.folds++
	}
	return w.old
}

// drop forgets what has been folded.
func (w *waiting) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.old = nil
}

func (w *waiting) due(now person.Instant) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	g := w.young
	return w.old != nil || len(g.rows) > 0 && (len(g.refs) >= foldAt || now >= g.at.Add(foldAfter) || now < g.at || now >= w.last.Add(foldQuiet)) // before g.at: the clock went back
}

// overdue is for how long a fold has been due that the oldest of what waits ought to have had: nothing while folds keep up.
func (w *waiting) overdue(now person.Instant) time.Duration {
	w.mu.RLock()
	defer w.mu.RUnlock()
	oldest := now
	for _, g := range []*generation{w.old, w.young} {
		if g != nil && len(g.rows) > 0 {
			oldest = min(oldest, g.at)
		}
	}
	return max(0, time.Duration(now-oldest)*time.Microsecond-foldAfter)
}

// mark is a state of the index: which rows there were, and whether frames were on their way into history.
type mark struct {
	last  int64 // number of the latest row
	folds int
	calm  bool // nothing is being folded
}

func (w *waiting) mark() mark {
	w.mu.RLock()
	defer w.mu.RUnlock()
	m := mark{folds: w.folds, calm: w.old == nil}
	if n := len(w.young.rows); n > 0 {
		m.last = w.young.rows[n-1].seq
	}
	return m
}

// since says whether no frame can have moved into history since m.
func (w *waiting) since(m mark) (unmoved bool) {
	now := w.mark()
	return m.calm && now.calm && now.folds == m.folds
}

type found struct {
	journalRef
	ref
}

// find gives where the waiting frames of a pseudonym lie, in the order in which they came.
func (w *waiting) find(id person.ID) (all []found) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, g := range []*generation{w.young, w.old} {
		if g == nil {
			continue
		}
		for at := g.of[id]; at > 0; at = g.refs[at-1].before {
			r := g.refs[at-1]
			all = append(all, found{g.rows[r.row], r})
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// load adds to each person the frames that wait. It must be called after the snapshot of the main file has begun and before
// the one of history does: a frame that is folded meanwhile is then in one of the two, or in both, which unrepeated mends; one
// that is committed meanwhile is in neither, as if it had come later.
func (w *waiting) load(ctx context.Context, c conn, of map[person.ID]*vault.Loaded) error {
	if w == nil {
		return nil
	}
	var qs []query
	for id, l := range of {
		for _, at := range w.find(id) {
			qs = append(qs, at.read(id, l))
		}
	}
	return c.do(ctx, qs...)
}

// read adds the frame to those of its pseudonym.
func (at found) read(id person.ID, l *vault.Loaded) query {
	return query{
		text: "SELECT SUBSTR(body, $2, $3) FROM journal WHERE seq = $1",
		args: []driver.Value{at.seq, int64(at.offset) + 1, int64(at.size)},
		scan: func(r row) error {
			return vault.ParseFrames(r.bytes(0), at.received, func(f vault.Frame) error {
				if f.Of != id {
					return vault.ErrFrames
				}
				l.Frames = append(l.Frames, f)
				return nil
			})
		},
	}
}

// unrepeated leaves of frames those that a fold would leave: of the same event received twice within the window the first.
func unrepeated(frames []vault.Frame, window time.Duration) []vault.Frame {
	type event struct {
		of person.ID
		id person.EventID
	}
	seen := make(map[event]person.Instant, len(frames))
	out := frames[:0]
	for i := range frames {
		e := event{frames[i].Of, frames[i].ID}
		before, ok := seen[e]
		if ok && frames[i].Received <= before.Add(window) {
			continue
		}
		seen[e] = frames[i].Received
		out = append(out, frames[i])
	}
	return out
}

// recall fills the index from the journal when a home is opened: rows up to done are in history already.
func (w *waiting) recall(ctx context.Context, c conn, done int64, now person.Instant) (last int64, err error) {
	var scratch []byte
	err = eachInJournal(ctx, c, 0, math.MaxInt64, 64, func(seq int64, r row) (on bool, err error) {
		if last = seq; seq <= done {
			return true, nil
		}
		var frames []placed
		offset := int32(0)
		err = vault.ParseFrames(r.bytes(2), r.at(1), func(f vault.Frame) error {
			scratch = vault.AppendFrame(scratch[:0], r.at(1), &f)
			frames = append(frames, placed{f.Of, offset, int32(len(scratch))})
			offset += int32(len(scratch))
			return nil
		})
		w.add(seq, r.at(1), frames, now)
		return true, err
	})
	return last, err
}

// forget drops where the frames of these pseudonyms lie.
func (w *waiting) forget(ids []person.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range []*generation{w.young, w.old} {
		for _, id := range ids {
			if g != nil {
				delete(g.of, id)
			}
		}
	}
}
