package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// Reseal puts other sealed bodies in the place of those of some events of one pseudonym's history, by event: after a charter that
// keeps less of them. The events stay where they are and keep all else. Events that are still in the journal are not found.
func (s *Store) Reseal(ctx context.Context, of person.ID, bodies map[person.EventID][]byte) error {
	if len(bodies) == 0 {
		return nil
	}
	return s.engine.fold(ctx, func(c conn) error {
		if s.dialect.alone != "" {
			if err := c.do(ctx, query{text: s.dialect.alone, scan: ignore}); err != nil {
				return err
			}
		}
		var touched []query
		if err := c.do(ctx, query{
			text: "SELECT chunk, heads, body FROM history WHERE person = $1 ORDER BY chunk", args: []driver.Value{of[:]},
			scan: func(r row) error {
				chunk, old := r.int(0), r.bytes(2)
				heads, body, changed := []byte{}, []byte{}, false
				if err := vault.ParseHeads(r.bytes(1), 0, func(f vault.Frame, length int) error {
					if length > len(old) {
						return fmt.Errorf("history: %w", vault.ErrFrames)
					}
					f.Body, old = old[:length], old[length:]
					if b, ok := bodies[f.ID]; ok {
						f.Body, changed = b, true
					}
					heads = vault.AppendHead(heads, 0, &f)
					body = append(body, f.Body...)
					return nil
				}); err != nil {
					return err
				}
				if changed {
					touched = append(touched, query{
						text: "UPDATE history SET heads = $3, body = $4 WHERE person = $1 AND chunk = $2",
						args: []driver.Value{of[:], chunk, heads, body},
					})
				}
				return nil
			},
		}); err != nil {
			return err
		}
		return c.do(ctx, touched...)
	})
}
