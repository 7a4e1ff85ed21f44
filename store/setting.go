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
	return s.update(ctx, func(ctx context.Context, c conn) error { return c.do(ctx, putSetting(name, text)) })
}

func putSetting(name, text string) query {
	if text == "" {
		return query{text: "DELETE FROM setting WHERE name = $1", args: []driver.Value{name}}
	}
	return query{
		text: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		args: []driver.Value{name, []byte(text)},
	}
}

// ChangeSetting puts what change makes of the text that is there in its place; an empty text removes it. Changes come one after the other, of
// whichever process; change may be called again.
func (s *Store) ChangeSetting(ctx context.Context, name string, change func(text string) (string, error)) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		if _, err := next(ctx, c, "mark"); err != nil { // two who change at once meet at the counter's row
			return err
		}
		now := ""
		if err := c.do(ctx, query{text: "SELECT value FROM setting WHERE name = $1", args: []driver.Value{name}, scan: func(r row) error { now = string(r.bytes(0)); return nil }}); err != nil {
			return err
		}
		text, err := change(now)
		if err != nil {
			return err
		}
		return c.do(ctx, putSetting(name, text))
	})
}
