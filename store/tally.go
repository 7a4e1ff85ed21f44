package store

import (
	"context"
	"database/sql/driver"

	"github.com/rapporthq/rapport/know/tally"
)

var _ tally.Counters = (*Store)(nil)

// AddTally adds to counts by day. See tally.Counters.
func (s *Store) AddTally(ctx context.Context, counts []tally.Count) error {
	if len(counts) == 0 {
		return nil
	}
	return s.update(ctx, func(ctx context.Context, c conn) error {
		qs := make([]query, len(counts))
		for i := range counts {
			n := &counts[i]
			qs[i] = query{
				text: `INSERT INTO tally (day, kind, name, count) VALUES ($1, $2, $3, $4)
					ON CONFLICT (day, kind, name) DO UPDATE SET count = tally.count + excluded.count`,
				args: []driver.Value{n.Day, n.Kind, n.Name, n.N},
			}
		}
		return c.do(ctx, qs...)
	})
}

// Tally gives counts from a day on. See tally.Counters.
func (s *Store) Tally(ctx context.Context, fromDay int64) ([]tally.Count, error) {
	return s.tally(ctx, "SELECT day, kind, name, count FROM tally WHERE day >= $1 AND kind <> $2", fromDay, tally.Census)
}

// TallyOf gives counts of a kind from a day on. See tally.Counters.
func (s *Store) TallyOf(ctx context.Context, kind string, fromDay int64) ([]tally.Count, error) {
	return s.tally(ctx, "SELECT day, kind, name, count FROM tally WHERE day >= $1 AND kind = $2", fromDay, kind)
}

func (s *Store) tally(ctx context.Context, text string, args ...driver.Value) ([]tally.Count, error) {
	var all []tally.Count
	err := s.engine.snapshot(ctx, func(c conn) error {
		all = all[:0]
		return c.do(ctx, query{
			text: text, args: args,
			scan: func(r row) error {
				all = append(all, tally.Count{Day: r.int(0), Kind: r.text(1), Name: r.text(2), N: r.int(3)})
				return nil
			},
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
