package store

import (
	"context"
	"database/sql/driver"
	"maps"
	"sync"

	"github.com/rapporthq/rapport/trust/vault"
)

// streams remembers numbers that were given: they never change.
type streams struct {
	mu sync.RWMutex
	of map[vault.Stream]vault.StreamID
}

// Intern gives the number of a stream, the same for ever. See vault.Store.
func (s *Store) Intern(ctx context.Context, st vault.Stream) (vault.StreamID, error) {
	s.streams.mu.RLock()
	id, ok := s.streams.of[st]
	s.streams.mu.RUnlock()
	if ok {
		return id, nil
	}
	id, err := asked(ctx, s, func(ctx context.Context, c conn) (id vault.StreamID, err error) {
		err = c.do(ctx, query{
			text: `INSERT INTO stream (event, source, charter) VALUES ($1, $2, $3)
				ON CONFLICT (event, source, charter) DO UPDATE SET event = excluded.event RETURNING id`,
			args: []driver.Value{st.Event, st.Source, int64(st.Charter)},
			scan: func(r row) error { id = vault.StreamID(r.int(0)); return nil },
		})
		return id, err
	})
	if err != nil {
		return 0, err
	}
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	if s.streams.of == nil {
		s.streams.of = map[vault.Stream]vault.StreamID{}
	}
	s.streams.of[st] = id
	return id, nil
}

// Streams gives all streams that are known. See vault.Store.
func (s *Store) Streams(ctx context.Context) (map[vault.StreamID]vault.Stream, error) {
	all := map[vault.StreamID]vault.Stream{}
	err := s.engine.snapshot(ctx, func(c conn) error {
		clear(all)
		return c.do(ctx, query{text: "SELECT id, event, source, charter FROM stream", scan: func(r row) error {
			all[vault.StreamID(r.int(0))] = vault.Stream{Event: r.text(1), Source: r.text(2), Charter: int(r.int(3))}
			return nil
		}})
	})
	if err != nil {
		return nil, err
	}
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	known := make(map[vault.Stream]vault.StreamID, len(all))
	for id, st := range maps.All(all) {
		known[st] = id
	}
	s.streams.of = known
	return all, nil
}
