package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// On PostgreSQL what comes by the door for events is nearly always plain: events and traits of people who are there and were seen. All such acts of
// a group are one statement, which checks and writes or does nothing: one round trip with its sync, where a transaction of several takes four.
//
// Whose traits are written is held until it is done, as by any other act. Whoever only has events is looked at and not held: an act that was
// judged by what was true when the statement began is as if it had come before whatever was said meanwhile. Who forgets somebody waits for
// those statements, so that none of their events comes later: each holds the table sealed, though it may write nothing there, and took it before it
// looked at anybody (dialect.still). A lock on a hundred people for each batch cost more than all else.
const plainly = `WITH held AS MATERIALIZED (SELECT id, version FROM person WHERE id = ANY ($3) AND root = id ORDER BY id FOR SHARE),
	fit AS MATERIALIZED (SELECT
		NOT EXISTS (SELECT 1 FROM unnest(CAST($3 AS BYTEA[]), CAST($4 AS BIGINT[])) AS s (id, version) LEFT JOIN held ON held.id = s.id WHERE held.version IS DISTINCT FROM s.version)
		AND NOT EXISTS (SELECT 1 FROM unnest(CAST($1 AS BYTEA[]), CAST($2 AS BIGINT[])) AS s (id, version)
			WHERE (SELECT p.version FROM person p WHERE p.id = s.id AND p.root = s.id) IS DISTINCT FROM s.version) AS yes),
	put AS (INSERT INTO sealed (person, kind, key, at, head, body)
		SELECT r.* FROM fit, unnest(CAST($5 AS BYTEA[]), CAST($6 AS BIGINT[]), CAST($7 AS BYTEA[]), CAST($8 AS BIGINT[]), CAST($9 AS BYTEA[]), CAST($10 AS BYTEA[])) AS r WHERE fit.yes
		ON CONFLICT (person, kind, key) DO UPDATE SET at = excluded.at, head = excluded.head, body = excluded.body WHERE excluded.at >= sealed.at),
	kept AS (INSERT INTO journal (received, body) SELECT CAST($11 AS BIGINT), CAST($12 AS BYTEA) FROM fit WHERE fit.yes AND length($12) > 0)
	SELECT CAST(yes AS INT) FROM fit`

// plain is what the statement is to do.
type plain struct {
	group
	seen map[person.ID]int64
	rows []*vault.Row
}

// isPlain says that a change is only events and rows that change nothing of what may be done, about people each of whom is their own root.
func isPlain(ch *vault.Change) bool {
	if len(ch.Enrol)+len(ch.Identifiers)+len(ch.Splits)+len(ch.Pairings)+len(ch.Joins)+len(ch.Bearers)+len(ch.Drop)+len(ch.Sightings)+len(ch.Looks)+len(ch.Lift)+len(ch.Unless) > 0 {
		return false
	}
	for i := range ch.Put {
		of := func(seen vault.Seen) bool { return seen.Root == ch.Put[i].Of }
		if bumps(ch.Put[i].Kind) || ch.Put[i].Kind == vault.ReceiptRow || !slices.ContainsFunc(ch.Seen, of) {
			return false
		}
	}
	return true
}

// take takes an act in, if it goes with the others: nobody was seen by it as somebody else than by them.
func (p *plain) take(ch *vault.Change) bool {
	for _, s := range ch.Seen {
		if v, ok := p.seen[s.Root]; ok && v != s.Version {
			return false
		}
	}
	for _, s := range ch.Seen {
		p.seen[s.Root] = s.Version
	}
	for i := range ch.Put {
		p.rows = append(p.rows, &ch.Put[i])
	}
	p.add(ch.Frames)
	return true
}

// statement is plainly over all that was taken in. The rows are sorted, so that two statements do not wait for each other.
func (p *plain) statement(fit *bool) query {
	slices.SortStableFunc(p.rows, compareRows)
	var of, keys, heads, bodies, held, ids [][]byte
	var kinds, ats, heldVersions, versions []int64
	for i, r := range p.rows {
		if n := len(of) - 1; i > 0 && compareRows(p.rows[i-1], r) == 0 { // the later of two, as one statement after the other would leave it
			if int64(r.At) >= ats[n] {
				ats[n], heads[n], bodies[n] = int64(r.At), blob(r.Head), blob(r.Body)
			}
			continue
		}
		if n := len(held); n == 0 || !bytes.Equal(held[n-1], r.Of[:]) {
			held, heldVersions = append(held, r.Of[:]), append(heldVersions, p.seen[r.Of])
			delete(p.seen, r.Of)
		}
		of, kinds, keys, ats, heads, bodies = append(of, r.Of[:]), append(kinds, int64(r.Kind)), append(keys, r.Key[:]), append(ats, int64(r.At)), append(heads, blob(r.Head)), append(bodies, blob(r.Body))
	}
	ids, versions = make([][]byte, 0, len(p.seen)), make([]int64, 0, len(p.seen))
	for id, v := range p.seen {
		ids, versions = append(ids, bytes.Clone(id[:])), append(versions, v)
	}
	return query{text: plainly, args: []driver.Value{ids, versions, held, heldVersions, of, kinds, keys, ats, heads, bodies, int64(p.received), blob(p.frames)},
		scan: func(r row) error { *fit = r.int(0) == 1; return nil }}
}

func compareRows(a, b *vault.Row) int {
	return cmp.Or(compareIDs(a.Of, b.Of), cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Key[:], b.Key[:]))
}

// together does the plain acts of a group where the engine has the statement for it, and gives the acts that are left: those that are
// more than plain, and the plain ones if one of them was judged by what is true no more.
func (s *Store) together(acts []*act) (left []*act) {
	shared, ok := s.engine.(*postgres)
	if !ok {
		return acts
	}
	if acts = s.observe(shared, acts); len(acts) == 0 {
		return nil
	}
	p := &plain{group: *groups.Get().(*group), seen: map[person.ID]int64{}}
	p.frames, p.placed, p.received = p.frames[:0], p.placed[:0], 0
	defer func() { groups.Put(&group{frames: p.frames, placed: p.placed}) }()
	var taken []*act
	for _, a := range acts {
		if a.change != nil && isPlain(a.change) && a.ctx.Err() == nil && p.take(a.change) {
			taken = append(taken, a)
		} else {
			left = append(left, a)
		}
	}
	if len(taken) == 0 {
		return acts
	}
	fit := false
	err := shared.ask(context.Background(), p.statement(&fit)) // one statement is a transaction of its own: without an error it is committed and synced
	if err != nil && !errors.Is(err, vault.ErrUnavailable) || err == nil && !fit {
		return acts
	}
	for _, a := range taken {
		a.done <- outward(err)
	}
	return left
}
