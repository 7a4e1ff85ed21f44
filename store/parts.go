package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/rapporthq/rapport/person"
)

// Looks and receipts come by chance about whomever: in an index by person each has a page of its own, which is written twice. On SQLite the index is by
// person within a part of the table, of 4,096 rows that came one after the other (dialect.part), so that those of one commit share pages. PostgreSQL has
// one part.

// partsAtOnce is in how many parts of the table one statement looks for people.
const partsAtOnce = 512

// latest reads columns of a table's rows about these people, of the latest parts first, until there are as many as the limit: then of those with the
// largest numbers none is missing. That takes a look-up for each part and pseudonym: some milliseconds for a person where there are ten million rows.
func (s *Store) latest(ctx context.Context, c conn, table, number string, of []person.ID, columns, condition string, limit int, scan func(row) error) error {
	var first, last int64
	if err := c.do(ctx, query{text: fmt.Sprintf("SELECT COALESCE((SELECT MIN(%[1]s) FROM %[2]s), 0), COALESCE((SELECT MAX(%[1]s) FROM %[2]s), 0)", number, table), scan: func(r row) error {
		first, last = r.int(0)>>s.dialect.part, r.int(1)>>s.dialect.part
		return nil
	}}); err != nil {
		return err
	}
	found := 0
	count := func(r row) error { found++; return scan(r) }
	for ; last >= first && found < limit; last -= partsAtOnce {
		var qs []query
		for _, some := range portions(of) {
			qs = append(qs, query{
				text: "WITH RECURSIVE part (n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n - 1 FROM part WHERE n > $2) SELECT " + columns +
					fmt.Sprintf(" FROM part CROSS JOIN %[1]s WHERE (%[1]s.%[2]s >> %[3]d) = part.n AND ", table, number, s.dialect.part) + in("person", 4, len(some)) + condition + " ORDER BY " + number + " DESC LIMIT $3",
				args: pad([]driver.Value{last, max(first, last-partsAtOnce+1), int64(limit)}, some),
				scan: count,
			})
		}
		if err := c.do(ctx, qs...); err != nil {
			return err
		}
	}
	return nil
}
