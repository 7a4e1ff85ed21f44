package store

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Acquire takes or renews a lease for ttl from now, and says whether holder has it: of many processes one does. A lease that
// has run out is anybody's, and so is one that would last an hour longer than any taken now: its holder's clock was wrong.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration, now person.Instant) (held bool, err error) {
	return asked(ctx, s, func(ctx context.Context, c conn) (held bool, err error) {
		err = c.do(ctx, query{
			text: `INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
				ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE lease.holder = excluded.holder OR lease.until <= $4 OR lease.until > $5
				RETURNING holder`,
			args: []driver.Value{name, holder, int64(now.Add(ttl)), int64(now), int64(now.Add(ttl + time.Hour))},
			scan: func(r row) error { held = r.text(0) == holder; return nil },
		})
		return held, err
	})
}

// Release gives a lease back, if holder has it.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{text: "DELETE FROM lease WHERE name = $1 AND holder = $2", args: []driver.Value{name, holder}})
	})
}
