package store

import (
	"context"
	"database/sql/driver"
)

// Setting gives the text under a name, empty when there is none. See collect.Settings.
func (s *Store) Setting(ctx context.Context, name string) (text string, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error {
		return c.do(ctx, query{text: "SELECT value FROM setting WHERE name = $1", args: []driver.Value{name}, scan: func(r row) error {
			text = string(r.bytes(0))
			return nil
		}})
	})
	return text, err
}

// PutSetting keeps a text under a name; an empty text removes it. See collect.Settings.
func (s *Store) PutSetting(ctx context.Context, name, text string) error {
	q := query{text: "DELETE FROM setting WHERE name = $1", args: []driver.Value{name}}
	if text != "" {
		q = query{
			text: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
			args: []driver.Value{name, []byte(text)},
		}
	}
	return s.update(ctx, func(ctx context.Context, c conn) error { return c.do(ctx, q) })
}
