package store

import (
	"context"
	"database/sql/driver"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// EndLooks removes up to limit numbered looks from before a time, and appends the ledger's row about their numbers in the same
// transaction: from then on the ledger verifies without them. account makes that row. It says how many looks went.
func (s *Store) EndLooks(ctx context.Context, before person.Instant, limit int, account func(numbers []int64) (ledger.Row, error)) (ended int, err error) {
	err = s.update(ctx, func(ctx context.Context, c conn) error {
		ended = 0
		var numbers []int64
		if err := c.do(ctx, query{
			text: "SELECT number FROM look WHERE number IS NOT NULL AND kind = $1 AND at < $2 ORDER BY number LIMIT $3",
			args: []driver.Value{ledger.KindLook, int64(before), int64(limit)},
			scan: func(r row) error { numbers = append(numbers, r.int(0)); return nil },
		}); err != nil || len(numbers) == 0 {
			return err
		}
		row, err := account(numbers)
		if err != nil {
			return err
		}
		qs := []query{lookRow(&row)}
		for _, n := range numbers {
			qs = append(qs, query{text: "DELETE FROM look WHERE number = $1", args: []driver.Value{n}})
		}
		ended = len(numbers)
		return c.do(ctx, qs...)
	})
	return ended, err
}
