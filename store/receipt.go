package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// keeper holds receipts that nobody waits for until the next group commit, 50 ms at the most: with the sync that is
// within the 100 ms that vault.Store promises.
type keeper struct {
	mu      sync.Mutex
	waiting []vault.Row
	failed  bool // the last attempt could not write them
	wake    chan struct{}
	stopped chan struct{}
	done    sync.WaitGroup
}

const (
	keepFor  = 50 * time.Millisecond
	mostKept = 100_000 // more than this waiting means that the disk does not follow
)

// Keep writes receipts. See vault.Store. When receipts could not be written in time, or too many wait, it returns
// ErrUnavailable at once and keeps nothing, so that the caller's page falls to a lower rung rather than go unaccounted for.
func (s *Store) Keep(ctx context.Context, receipts []vault.Row, wait bool) error {
	if len(receipts) == 0 {
		return nil
	}
	if wait {
		return s.Commit(ctx, vault.Change{Put: asReceipts(receipts)})
	}
	k := &s.keep
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-s.closing:
		return errClosed
	default:
	}
	if k.failed || len(k.waiting)+len(receipts) > mostKept {
		return vault.ErrUnavailable
	}
	k.waiting = append(k.waiting, receipts...)
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return nil
}

func asReceipts(rows []vault.Row) []vault.Row {
	out := make([]vault.Row, len(rows))
	for i, r := range rows {
		r.Kind = vault.ReceiptRow
		out[i] = r
	}
	return out
}

func (k *keeper) start(s *Store) {
	k.wake, k.stopped = make(chan struct{}, 1), make(chan struct{})
	k.done.Add(1)
	go func() {
		defer k.done.Done()
		for {
			select {
			case <-k.stopped:
				k.flush(s)
				return
			case <-k.wake:
			}
			t := time.NewTimer(keepFor)
			select {
			case <-t.C:
			case <-k.stopped:
				t.Stop()
			}
			for !k.flush(s) {
				t.Reset(time.Second) // the disk may come back
				select {
				case <-t.C:
				case <-k.stopped:
					t.Stop()
					k.mu.Lock()
					lost := len(k.waiting)
					k.mu.Unlock()
					if !k.flush(s) {
						s.meter.Lost(lost)
					}
					return
				}
			}
		}
	}()
}

func (k *keeper) stop() {
	close(k.stopped)
	k.done.Wait()
}

// flush writes what waits, and says whether nothing is left unwritten.
func (k *keeper) flush(s *Store) bool {
	k.mu.Lock()
	rows := k.waiting
	k.waiting = nil
	k.mu.Unlock()
	if len(rows) == 0 {
		return true
	}
	err := s.update(context.Background(), func(ctx context.Context, c conn) error {
		if err := s.outOfTheWay(ctx, c, rows); err != nil {
			return err
		}
		if s.dialect.arrays {
			return c.do(ctx, receiptRows(rows))
		}
		alive, err := s.known(ctx, c, rows)
		if err != nil {
			return err
		}
		qs := make([]query, 0, len(rows))
		for i := range rows {
			if alive[rows[i].Of] { // of who was forgotten meanwhile none is kept
				qs = append(qs, receiptRow(&rows[i]))
			}
		}
		return c.do(ctx, qs...)
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed = err != nil
	if err != nil {
		k.waiting = append(rows, k.waiting...)
	}
	return err == nil
}

// known says which of the rows' people are there.
func (s *Store) known(ctx context.Context, c conn, rows []vault.Row) (map[person.ID]bool, error) {
	ids := make([]person.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Of
	}
	alive := make(map[person.ID]bool, len(ids))
	var qs []query
	for _, part := range portions(unique(ids)) {
		qs = append(qs, query{text: "SELECT id FROM person WHERE " + inID(len(part)), args: pad(nil, part), scan: func(r row) error { alive[r.id(0)] = true; return nil }})
	}
	return alive, c.do(ctx, qs...)
}

const receiptStays = ` ON CONFLICT (key) DO UPDATE SET at = excluded.at, head = excluded.head, body = excluded.body WHERE excluded.at >= receipt.at AND excluded.person = receipt.person`

func receiptRow(r *vault.Row) query {
	return query{
		text: "INSERT INTO receipt (key, person, at, head, body) VALUES ($1, $2, $3, $4, $5)" + receiptStays,
		args: []driver.Value{r.Key[:], r.Of[:], int64(r.At), blob(r.Head), blob(r.Body)},
	}
}

// receiptRows is receiptRow for many as arrays, of the people who are there. The statement has locked its table before it asks who that is: who forgets
// somebody waits for it (dialect.still), or is seen by it.
func receiptRows(rows []vault.Row) query {
	n := len(rows)
	keys, of, ats, heads, bodies := make([][]byte, 0, n), make([][]byte, 0, n), make([]int64, 0, n), make([][]byte, 0, n), make([][]byte, 0, n)
	place := make(map[vault.Key]int, n)
	for i := range rows {
		r := &rows[i]
		at, again := place[r.Key]
		switch {
		case !again:
			place[r.Key] = len(keys)
			keys, of, ats, heads, bodies = append(keys, r.Key[:]), append(of, r.Of[:]), append(ats, int64(r.At)), append(heads, blob(r.Head)), append(bodies, blob(r.Body))
		case int64(r.At) >= ats[at] && bytes.Equal(of[at], r.Of[:]): // the later of two, as one statement after the other would leave it
			ats[at], heads[at], bodies[at] = int64(r.At), blob(r.Head), blob(r.Body)
		}
	}
	return query{
		text: `INSERT INTO receipt (key, person, at, head, body)
			SELECT r.* FROM unnest(CAST($1 AS BYTEA[]), CAST($2 AS BYTEA[]), CAST($3 AS BIGINT[]), CAST($4 AS BYTEA[]), CAST($5 AS BYTEA[])) AS r (key, person, at, head, body)
			WHERE EXISTS (SELECT 1 FROM person WHERE id = r.person)` + receiptStays,
		args: []driver.Value{keys, of, ats, heads, bodies},
	}
}

// Receipts gives some of the person's receipts, newest first; the looks are committed with the read. See vault.Store. Which they
// are is found in the index alone: a person has hundreds, and the bodies of ten are read.
func (s *Store) Receipts(ctx context.Context, id person.ID, from, limit int, looks ...ledger.Row) ([]vault.Row, error) {
	from, limit = max(from, 0), max(limit, 0)
	type place struct {
		at  person.Instant
		seq int64
	}
	return read(ctx, s, looks, func(ctx context.Context, c conn) (rows []vault.Row, err error) {
		_, of, err := who(ctx, c, []person.ID{id})
		if err != nil {
			return nil, err
		}
		var all []place
		if err := s.latest(ctx, c, "receipt", "seq", pseudonyms(of), "at, seq", "", math.MaxInt, func(r row) error {
			all = append(all, place{r.at(0), r.int(1)})
			return nil
		}); err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b place) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.seq, a.seq)) })
		var qs []query
		for _, p := range all[min(from, len(all)):min(from+limit, len(all))] {
			qs = append(qs, query{
				text: "SELECT person, key, at, head, body FROM receipt WHERE seq = $1", args: []driver.Value{p.seq},
				scan: func(r row) error {
					rows = append(rows, vault.Row{Of: r.id(0), Kind: vault.ReceiptRow, Key: vault.Key(r.id(1)), At: r.at(2), Head: r.bytes(3), Body: r.bytes(4)})
					return nil
				},
			})
		}
		err = c.do(ctx, qs...)
		return rows, err
	})
}

// Receipt gives one receipt, and whose it is; the looks are committed with the read. See vault.Store.
func (s *Store) Receipt(ctx context.Context, key vault.Key, looks ...ledger.Row) (vault.Row, vault.Loaded, error) {
	type theirs struct {
		row vault.Row
		of  vault.Loaded
	}
	got, err := read(ctx, s, looks, func(ctx context.Context, c conn) (got theirs, err error) {
		if err := c.do(ctx, query{
			text: "SELECT person, key, at, head, body FROM receipt WHERE key = $1", args: []driver.Value{key[:]},
			scan: func(r row) error {
				got.row = vault.Row{Of: r.id(0), Kind: vault.ReceiptRow, Key: key, At: r.at(2), Head: r.bytes(3), Body: r.bytes(4)}
				return nil
			},
		}); err != nil {
			return got, err
		}
		if got.row.Of.IsZero() {
			return got, vault.ErrNotFound
		}
		people, err := loadAll(ctx, c, []person.ID{got.row.Of}, s.waiting)
		if err != nil {
			return got, err
		}
		if people[0] == nil {
			return got, vault.ErrNotFound
		}
		got.of = *people[0]
		if s.waiting != nil {
			got.of.Frames = unrepeated(got.of.Frames, s.window)
		}
		return got, nil
	})
	if err != nil {
		return vault.Row{}, vault.Loaded{}, err
	}
	askedBy(&got.of, got.row.Of)
	return got.row, got.of, nil
}
