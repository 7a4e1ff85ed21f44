package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// SweepRules say what is to go. They come from the charter; the store knows none. What no rule names stays.
type SweepRules struct {
	// Charter is the position of the charter that the rules were made from: when another one is in force, the sweep stops
	// with ErrStale, so that it never removes what has just been declared. 0: not asked.
	Charter int
	// Rows removes rows about people by kind, first half of their key (the name) and age.
	Rows []RowRule
	// Declared lists, for each kind in it, the first halves of the keys that the charter still declares: rows with another go.
	Declared map[vault.Kind]map[Name]bool
	// Streams gives for each stream the instant before which its events go, by when they happened; Everything for a stream
	// that is not declared any more. Streams that are not in it stay: they may be newer than the rules.
	Streams map[vault.StreamID]person.Instant
	// Receipts, Sessions and Refusals remove receipts made, sessions, links and spent tokens that ended, and counts of days, before these.
	// 0: they stay.
	Receipts, Sessions, Refusals person.Instant
	// ReceiptsEntry makes the ledger's row of the numbers of receipts that go, which is committed with their going.
	ReceiptsEntry func(numbers []int64) (ledger.Row, error)
	// Retained removes what a law obliged to keep of forgotten people until before this. 0: it stays.
	Retained person.Instant
	// Count only counts what would go: what is pending.
	Count bool
}

// Name is the first half of a vault.Key.
type Name [8]byte

// RowRule removes rows of a kind and name that are older than Before.
type RowRule struct {
	Kind   vault.Kind
	Name   Name
	Before person.Instant
}

// Everything is later than any event.
const Everything person.Instant = 1<<63 - 1

// Swept counts what went, or would go.
type Swept struct {
	Rows, Frames, Receipts, Sessions, Refusals, Retained int
}

// sweepStep is how many rows one transaction looks at, so that others wait little.
const sweepStep = 1000

// Sweep removes what the rules name, a little at a time; others read and write meanwhile. Ended early (by ctx or an error),
// it says what went so far, and the next one finds the rest. It begins with a fold. On SQLite what is removed is overwritten at once, and the write-ahead logs are emptied at the end.
func (s *Store) Sweep(ctx context.Context, rules SweepRules) (Swept, error) {
	var n Swept
	if rules.Receipts != 0 && !rules.Count && rules.ReceiptsEntry == nil {
		return n, errors.New("receipts are swept with an entry in the ledger only")
	}
	if err := s.foldAll(ctx); err != nil {
		return n, err
	}
	err := errors.Join(
		s.sweepRows(ctx, &rules, &n.Rows),
		s.sweepFrames(ctx, &rules, &n.Frames),
		s.sweepReceipts(ctx, &rules, &n.Receipts),
		s.sweepOld(ctx, &rules, rules.Sessions, &n.Sessions, "session", "hash", "expires"),
		s.sweepOld(ctx, &rules, rules.Sessions, &n.Sessions, "link", "hash", "expires"),
		s.sweepOld(ctx, &rules, rules.Sessions, &n.Sessions, "spent", "hash", "until"),
		s.sweepOld(ctx, &rules, rules.Retained, &n.Retained, "retained", "id", "until"),
		s.sweepRefusals(ctx, &rules, &n.Refusals),
	)
	if n != (Swept{}) && !rules.Count {
		err = errors.Join(err, s.settle(ctx))
	}
	return n, err
}

// settle overwrites what was deleted lazily from the journal and empties the logs.
func (s *Store) settle(ctx context.Context) error {
	if s.waiting == nil {
		return nil
	}
	return errors.Join(s.blank(ctx), s.engine.settle(ctx, false))
}

// blank fills the free pages of the main file with zeros: rows of zeros take them all, and are deleted again.
func (s *Store) blank(ctx context.Context) error {
	zeros := make([]byte, 4<<20)
	for n := 0; ; n++ {
		free, err := asked(ctx, s, func(ctx context.Context, c conn) (free int64, err error) {
			if err := c.do(ctx, query{text: "PRAGMA freelist_count", scan: func(r row) error { free = r.int(0); return nil }}); err != nil || free < 2 {
				return free, err
			}
			return free, c.do(ctx, query{text: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
				args: []driver.Value{fmt.Sprintf("blank:%d", n), zeros[:min(int64(len(zeros)), (free-1)*(page-4))]}})
		})
		if err != nil {
			return err
		}
		if free < 2 {
			break
		}
	}
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return lazily(ctx, c, query{text: "DELETE FROM setting WHERE name LIKE 'blank:%'"})
	})
}

// Rewrite writes every page of a SQLite home anew, so that nothing removed is left in the slack of any page. It stops
// writers while it runs and needs as much free space as the home takes. On PostgreSQL it does nothing: there what is removed
// is unreadable because its key is, not because its bytes are gone.
func (s *Store) Rewrite(ctx context.Context) error { return s.engine.settle(ctx, true) }

// current refuses rules of another charter than the one in force.
func (r *SweepRules) current(ctx context.Context, c conn) error {
	if r.Charter == 0 {
		return nil
	}
	return c.do(ctx, query{text: "SELECT COALESCE(MAX(position), 0) FROM charter", scan: func(row row) error {
		if row.int(0) != int64(r.Charter) {
			return vault.ErrStale
		}
		return nil
	}})
}

type sweptRow struct {
	id vault.RowID
	at person.Instant
}

func (s *Store) sweepRows(ctx context.Context, rules *SweepRules, n *int) error {
	if len(rules.Rows) == 0 && len(rules.Declared) == 0 {
		return nil
	}
	type named struct {
		kind vault.Kind
		name Name
	}
	before := make(map[named]person.Instant, len(rules.Rows))
	for _, r := range rules.Rows {
		k := named{r.Kind, r.Name}
		before[k] = max(before[k], r.Before)
	}
	var after vault.RowID
	for {
		got := 0
		var gone []sweptRow
		step := func(ctx context.Context, c conn) error {
			return c.do(ctx, query{
				text: "SELECT person, kind, key, at FROM sealed WHERE (person, kind, key) > ($1, $2, $3) ORDER BY person, kind, key LIMIT $4",
				args: []driver.Value{after.Of[:], int64(after.Kind), after.Key[:], int64(sweepStep)},
				scan: func(r row) error {
					got++
					w := sweptRow{vault.RowID{Of: r.id(0), Kind: vault.Kind(r.int(1)), Key: vault.Key(r.id(2))}, r.at(3)}
					after = w.id
					k := named{kind: w.id.Kind, name: Name(w.id.Key[:8])}
					declared, limited := rules.Declared[w.id.Kind]
					if w.at < before[k] || limited && !declared[k.name] {
						gone = append(gone, w)
					}
					return nil
				},
			})
		}
		if err := s.engine.snapshot(ctx, func(c conn) error { return step(ctx, c) }); err != nil {
			return err
		}
		if len(gone) > 0 && !rules.Count {
			if err := s.update(ctx, func(ctx context.Context, c conn) error { return s.removeRows(ctx, c, rules, gone) }); err != nil {
				return err
			}
		}
		*n += len(gone)
		if got < sweepStep {
			return nil
		}
	}
}

// removeRows deletes rows unless they were written anew meanwhile, and raises the versions of their people.
func (s *Store) removeRows(ctx context.Context, c conn, rules *SweepRules, gone []sweptRow) error {
	if err := rules.current(ctx, c); err != nil {
		return err
	}
	s.versions.doubt()
	var qs []query
	var last person.ID
	for i := range gone {
		w := &gone[i].id
		qs = append(qs, query{
			text: "DELETE FROM sealed WHERE person = $1 AND kind = $2 AND key = $3 AND at = $4",
			args: []driver.Value{w.Of[:], int64(w.Kind), w.Key[:], int64(gone[i].at)},
		})
		if w.Of != last {
			last = w.Of
			qs = append(qs, query{
				text: "UPDATE person SET version = version + 1 WHERE id = (SELECT root FROM person WHERE id = $1)", args: []driver.Value{w.Of[:]},
			})
		}
	}
	return c.do(ctx, qs...)
}

func (s *Store) sweepFrames(ctx context.Context, rules *SweepRules, n *int) error {
	if len(rules.Streams) == 0 {
		return nil
	}
	var after person.ID
	chunk := int64(-1)
	for {
		got := 0
		step := func(c conn) error {
			got = 0
			var touched []query
			removed := 0
			at, from := after, chunk
			if err := c.do(ctx, query{
				text: "SELECT person, chunk, heads, body FROM history WHERE (person, chunk) > ($1, $2) ORDER BY person, chunk LIMIT $3",
				args: []driver.Value{after[:], chunk, int64(sweepStep)},
				scan: func(r row) error {
					got++
					at, from = r.id(0), r.int(1)
					q, gone, err := without(rules.Streams, at, from, r.bytes(2), r.bytes(3))
					if gone > 0 {
						removed += gone
						touched = append(touched, q)
					}
					return err
				},
			}); err != nil {
				return err
			}
			if !rules.Count {
				if err := c.do(ctx, touched...); err != nil {
					return err
				}
			}
			after, chunk = at, from
			*n += removed
			return nil
		}
		var err error
		if rules.Count {
			err = s.engine.snapshot(ctx, step)
		} else {
			err = s.engine.fold(ctx, func(c conn) error {
				if s.dialect.alone != "" {
					if err := c.do(ctx, query{text: s.dialect.alone, scan: ignore}); err != nil {
						return err
					}
				}
				return step(c)
			})
		}
		if err != nil || got < sweepStep {
			return err
		}
	}
}

// without is a chunk's statement when the frames that the cutoffs name are taken out, and how many they are.
func without(cutoffs map[vault.StreamID]person.Instant, of person.ID, chunk int64, heads, body []byte) (q query, gone int, err error) {
	var last person.Instant
	keptHeads, keptBody := []byte{}, []byte{}
	err = vault.ParseHeads(heads, 0, func(f vault.Frame, length int) error {
		if length > len(body) {
			return fmt.Errorf("history: %w", vault.ErrFrames)
		}
		f.Body, body = body[:length], body[length:]
		if f.At < cutoffs[f.Stream] {
			gone++
			return nil
		}
		last = max(last, f.Received)
		keptHeads = vault.AppendHead(keptHeads, 0, &f)
		keptBody = append(keptBody, f.Body...)
		return nil
	})
	if len(keptHeads) == 0 {
		return query{text: "DELETE FROM history WHERE person = $1 AND chunk = $2", args: []driver.Value{of[:], chunk}}, gone, err
	}
	return query{
		text: "UPDATE history SET last = $3, heads = $4, body = $5 WHERE person = $1 AND chunk = $2",
		args: []driver.Value{of[:], chunk, int64(last), keptHeads, keptBody},
	}, gone, err
}

// sweepOld deletes rows of a table whose time is before a cutoff.
func (s *Store) sweepOld(ctx context.Context, rules *SweepRules, before person.Instant, n *int, table, key, column string) error {
	if before == 0 {
		return nil
	}
	if rules.Count {
		return s.engine.snapshot(ctx, func(c conn) error {
			return c.do(ctx, query{text: "SELECT COUNT(*) FROM " + table + " WHERE " + column + " < $1", args: []driver.Value{int64(before)},
				scan: func(r row) error { *n += int(r.int(0)); return nil }})
		})
	}
	for {
		gone, err := asked(ctx, s, func(ctx context.Context, c conn) (gone int, err error) {
			err = c.do(ctx, query{
				text: "DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + column + " < $1 ORDER BY " + column + " LIMIT $2) RETURNING 1",
				args: []driver.Value{int64(before), int64(sweepStep)},
				scan: func(row) error { gone++; return nil },
			})
			return gone, err
		})
		if err != nil {
			return err
		}
		*n += gone
		if gone < sweepStep {
			return nil
		}
	}
}

func (s *Store) sweepReceipts(ctx context.Context, rules *SweepRules, n *int) error {
	if rules.Receipts == 0 || rules.Count {
		return s.sweepOld(ctx, rules, rules.Receipts, n, "receipt", "key", "at")
	}
	for {
		gone, err := asked(ctx, s, func(ctx context.Context, c conn) (gone []int64, err error) {
			if err := c.do(ctx, query{
				text: "DELETE FROM receipt WHERE seq IN (SELECT seq FROM receipt WHERE at < $1 ORDER BY at LIMIT $2) RETURNING seq",
				args: []driver.Value{int64(rules.Receipts), int64(sweepStep)},
				scan: func(r row) error { gone = append(gone, r.int(0)); return nil },
			}); err != nil || len(gone) == 0 {
				return gone, err
			}
			entry, err := rules.ReceiptsEntry(gone)
			if err != nil {
				return gone, err
			}
			return gone, c.do(ctx, lookRows(entry)...)
		})
		if err != nil {
			return err
		}
		*n += len(gone)
		if len(gone) < sweepStep {
			return nil
		}
	}
}

func (s *Store) sweepRefusals(ctx context.Context, rules *SweepRules, n *int) error {
	if rules.Refusals == 0 {
		return nil
	}
	day := driver.Value(rules.Refusals.Day())
	if rules.Count {
		return s.engine.snapshot(ctx, func(c conn) error {
			return c.do(ctx, query{text: "SELECT COUNT(*) FROM refusal WHERE day < $1", args: []driver.Value{day}, scan: func(r row) error { *n = int(r.int(0)); return nil }})
		})
	}
	gone, err := asked(ctx, s, func(ctx context.Context, c conn) (gone int, err error) {
		err = c.do(ctx, query{text: "DELETE FROM refusal WHERE day < $1 RETURNING day", args: []driver.Value{day}, scan: func(row) error { gone++; return nil }},
			query{text: "DELETE FROM tally WHERE day < $1", args: []driver.Value{day}})
		return gone, err
	})
	*n = gone
	return err
}
