package store

import (
	"context"
	"database/sql/driver"

	"github.com/rapporthq/rapport/know/collect"
)

var (
	_ collect.Counters = (*Store)(nil)
	_ collect.Settings = (*Store)(nil)
)

// AddRefusals adds to counts by day. See collect.Counters.
func (s *Store) AddRefusals(ctx context.Context, counts []collect.Refusal) error {
	if len(counts) == 0 {
		return nil
	}
	return s.update(ctx, func(ctx context.Context, c conn) error {
		qs := make([]query, len(counts))
		for i := range counts {
			n := &counts[i]
			qs[i] = query{
				text: `INSERT INTO refusal (day, source, event, field, reason, count) VALUES ($1, $2, $3, $4, $5, $6)
					ON CONFLICT (day, source, event, field, reason) DO UPDATE SET count = refusal.count + excluded.count`,
				args: []driver.Value{n.Day, n.Source, n.Event, n.Field, string(n.Reason), n.Count},
			}
		}
		return c.do(ctx, qs...)
	})
}

// Refusals gives counts from a day on. See collect.Counters.
func (s *Store) Refusals(ctx context.Context, source string, fromDay int64) ([]collect.Refusal, error) {
	var all []collect.Refusal
	err := s.engine.snapshot(ctx, func(c conn) error {
		all = all[:0]
		return c.do(ctx, query{
			text: "SELECT day, source, event, field, reason, count FROM refusal WHERE day >= $2 AND ($1 = '' OR source = $1)",
			args: []driver.Value{source, fromDay},
			scan: func(r row) error {
				all = append(all, collect.Refusal{Day: r.int(0), Source: r.text(1), Event: r.text(2), Field: r.text(3), Reason: collect.Reason(r.text(4)), Count: r.int(5)})
				return nil
			},
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
