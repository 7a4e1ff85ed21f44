package store

import (
	"context"
	"database/sql/driver"

	"github.com/rapporthq/rapport/person"
)

// What a fold reads and writes of many people on PostgreSQL, as arrays: a statement a person cost more in messages to the server and
// in starting each than in rows.

// lookAll is tail.look for each.
func lookAll(ctx context.Context, c conn, tails []*tail, limit int) error {
	ids, below, of := make([][]byte, len(tails)), make([]int64, len(tails)), make(map[person.ID]*tail, len(tails))
	for i, t := range tails {
		t.read = 0
		ids[i], below[i], of[t.of[0].Of] = t.of[0].Of[:], t.lowest, t
	}
	return c.do(ctx, query{
		text: `SELECT h.person, h.chunk, h.last, h.heads FROM unnest(CAST($1 AS BYTEA[]), CAST($2 AS BIGINT[])) AS p (id, below)
			CROSS JOIN LATERAL (SELECT person, chunk, last, heads FROM history WHERE person = p.id AND chunk < p.below ORDER BY chunk DESC LIMIT $3) AS h
			ORDER BY h.person, h.chunk DESC`,
		args: []driver.Value{ids, below, int64(limit)},
		scan: func(r row) error { return of[r.id(0)].saw(r.int(1), r.at(2), r.bytes(3)) },
	})
}

// merged is of whom rows are merged, and from which row on.
func merged(tails []*tail) (ids [][]byte, from []int64) {
	for _, t := range tails {
		ids, from = append(ids, t.of[0].Of[:]), append(from, t.merge)
	}
	return ids, from
}

// mergeAll is tail.merging for each.
func mergeAll(ctx context.Context, c conn, tails []*tail) error {
	if len(tails) == 0 {
		return nil
	}
	of := make(map[person.ID]*tail, len(tails))
	for _, t := range tails {
		of[t.of[0].Of] = t
	}
	ids, from := merged(tails)
	return c.do(ctx, query{
		text: `SELECT h.person, h.heads, h.body FROM unnest(CAST($1 AS BYTEA[]), CAST($2 AS BIGINT[])) AS p (id, first)
			CROSS JOIN LATERAL (SELECT person, chunk, heads, body FROM history WHERE person = p.id AND chunk >= p.first) AS h ORDER BY h.person, h.chunk`,
		args: []driver.Value{ids, from},
		scan: func(r row) error { of[r.id(0)].merges(r.bytes(1), r.bytes(2)); return nil },
	})
}

func (e *extension) writeAll(ctx context.Context, c conn) error {
	var qs []query
	if len(e.gone) > 0 {
		ids, from := merged(e.gone)
		qs = append(qs, query{text: "DELETE FROM history USING unnest(CAST($1 AS BYTEA[]), CAST($2 AS BIGINT[])) AS p (id, first) WHERE person = p.id AND chunk >= p.first",
			args: []driver.Value{ids, from}})
	}
	if n := len(e.rows); n > 0 {
		ids, heads, bodies := make([][]byte, n), make([][]byte, n), make([][]byte, n)
		numbers, lasts := make([]int64, n), make([]int64, n)
		for i := range e.rows {
			r := &e.rows[i]
			ids[i], numbers[i], lasts[i], heads[i], bodies[i] = r.of[:], r.number, int64(r.last), r.heads, r.body
		}
		qs = append(qs, query{
			text: "INSERT INTO history (person, chunk, last, heads, body) SELECT * FROM unnest(CAST($1 AS BYTEA[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), CAST($4 AS BYTEA[]), CAST($5 AS BYTEA[]))",
			args: []driver.Value{ids, numbers, lasts, heads, bodies},
		})
	}
	return c.do(ctx, qs...)
}
