package store

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// PutModel keeps the bytes of a learnt model under its name, in place of the former one, unless that was begun later: at is when
// the learning began. ErrStale then: of two processes that learn, the one that knows more stays. One that was begun an hour from now, or
// later, is from before the clock went back, and gives way.
func (s *Store) PutModel(ctx context.Context, name, version string, at person.Instant, body []byte) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		kept := false
		err := c.do(ctx, query{
			text: `INSERT INTO model (name, version, at, body) VALUES ($1, $2, $3, $4)
				ON CONFLICT (name) DO UPDATE SET version = excluded.version, at = excluded.at, body = excluded.body WHERE excluded.at >= model.at OR model.at > $5 RETURNING 1`,
			args: []driver.Value{name, version, int64(at), blob(body), int64(s.clock().Add(time.Hour))},
			scan: func(row) error { kept = true; return nil },
		})
		if err == nil && !kept {
			err = vault.ErrStale
		}
		return err
	})
}

// Model gives a model; ErrNotFound before the first PutModel of that name.
func (s *Store) Model(ctx context.Context, name string) (version string, body []byte, err error) {
	found := false
	err = s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx, query{text: "SELECT version, body FROM model WHERE name = $1", args: []driver.Value{name}, scan: func(r row) error {
			version, body, found = r.text(0), r.bytes(1), true
			return nil
		}})
	})
	if err == nil && !found {
		err = vault.ErrNotFound
	}
	return version, body, err
}
