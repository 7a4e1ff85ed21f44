package store

import (
	"context"
	"database/sql/driver"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// EndLooks removes up to limit numbered looks from before a time, and appends the ledger's row about their numbers in the same
// transaction: from then on the ledger verifies without them. ErrStale when another process ends them at the same time. account makes that row. It says how many looks went.
func (s *Store) EndLooks(ctx context.Context, before person.Instant, limit int, account func(numbers []int64) (ledger.Row, error)) (ended int, err error) {
	return asked(ctx, s, func(ctx context.Context, c conn) (ended int, err error) {
		var numbers []int64
		if err := c.do(ctx, query{
			text: "SELECT number FROM look WHERE number IS NOT NULL AND kind = $1 AND at < $2 ORDER BY number LIMIT $3",
			args: []driver.Value{ledger.KindLook, int64(before), int64(limit)},
			scan: func(r row) error { numbers = append(numbers, r.int(0)); return nil },
		}); err != nil || len(numbers) == 0 {
			return 0, err
		}
		entry, err := account(numbers)
		if err != nil {
			return 0, err
		}
		qs := lookRows(entry)
		for _, n := range numbers {
			qs = append(qs, query{text: "DELETE FROM look WHERE number = $1 RETURNING id", args: []driver.Value{n}, scan: func(_ row) error { ended++; return nil }})
		}
		if err := c.do(ctx, qs...); err != nil {
			return 0, err
		}
		if ended != len(numbers) { // another process ends them now: what it says of their numbers must not be said twice
			return 0, vault.ErrStale
		}
		return ended, nil
	})
}
