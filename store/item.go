package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/trust/vault"
)

var _ catalogue.Store = (*Store)(nil)

// The counters of what changes the catalogue: somebody who puts items, and the store itself.
const catalogueCounter, sightedCounter = "catalogue", "sighted"

// PutItems writes items and raises the catalogue's version by one. See catalogue.Store.
func (s *Store) PutItems(ctx context.Context, items []catalogue.Item) (version int64, err error) {
	bodies := make([][]byte, len(items))
	for i := range items {
		if bodies[i], err = json.Marshal(&items[i]); err != nil {
			return 0, err
		}
	}
	return asked(ctx, s, func(ctx context.Context, c conn) (int64, error) {
		version, err := next(ctx, c, catalogueCounter)
		if err != nil {
			return 0, err
		}
		qs := make([]query, len(items))
		for i := range items {
			qs[i] = query{
				text: `INSERT INTO item (id, version, body) VALUES ($1, $2, $3)
					ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body`,
				args: []driver.Value{items[i].ID, version, bodies[i]},
			}
		}
		return version, c.do(ctx, qs...)
	})
}

// next raises a counter and gives its new value; transactions that raise the same one come one after the other.
func next(ctx context.Context, c conn, name string) (n int64, err error) {
	err = c.do(ctx, query{
		text: "INSERT INTO counter (name, n) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET n = counter.n + 1 RETURNING n",
		args: []driver.Value{name},
		scan: func(r row) error { n = r.int(0); return nil },
	})
	return n, err
}

func itemsVersion(version *int64) query {
	return query{
		text: "SELECT COALESCE(MAX(n), 0) FROM counter WHERE name = $1", args: []driver.Value{catalogueCounter},
		scan: func(r row) error { *version = r.int(0); return nil },
	}
}

// Items gives every item, by id bytewise. See catalogue.Store.
func (s *Store) Items(ctx context.Context) (items []catalogue.Item, version int64, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error {
		items = items[:0]
		return c.do(ctx, itemsVersion(&version), query{text: "SELECT body FROM item ORDER BY id", scan: func(r row) error {
			var it catalogue.Item
			if err := json.Unmarshal(r.bytes(0), &it); err != nil {
				return err
			}
			items = append(items, it)
			return nil
		}})
	})
	if err != nil {
		return nil, 0, err
	}
	return items, version, nil
}

// ItemsVersion gives the catalogue's version alone. See catalogue.Store.
func (s *Store) ItemsVersion(ctx context.Context) (version int64, err error) {
	err = s.engine.snapshot(ctx, func(c conn) error { return c.do(ctx, itemsVersion(&version)) })
	return version, err
}

// sight counts people who bought products that the catalogue does not know, and writes a bare item, its id alone, for each
// that k people have. It raises a counter of its own, not the catalogue's version: other processes may learn of it within a second. Until then the id is written nowhere; from then on the sightings of it are not needed and go.
func (s *Store) sight(ctx context.Context, c conn, sightings []vault.Sighting) error {
	if len(sightings) == 0 || s.k == nil {
		return nil
	}
	k := int64(s.k())
	if k <= 0 {
		return nil
	}
	for i := range sightings {
		g := &sightings[i]
		var people int64
		if err := c.do(ctx,
			query{text: "INSERT INTO sighting (item, person) VALUES ($1, $2) ON CONFLICT (item, person) DO NOTHING", args: []driver.Value{g.Item[:], g.Person[:]}},
			query{text: "SELECT COUNT(*) FROM sighting WHERE item = $1", args: []driver.Value{g.Item[:]}, scan: func(r row) error { people = r.int(0); return nil }},
		); err != nil {
			return err
		}
		if people < k {
			continue
		}
		body, err := json.Marshal(&catalogue.Item{Item: charter.Item{ID: g.ItemID}, Bare: true})
		if err != nil {
			return err
		}
		if _, err := next(ctx, c, sightedCounter); err != nil {
			return err
		}
		if err := c.do(ctx,
			query{text: "INSERT INTO item (id, version, body) VALUES ($1, 0, $2) ON CONFLICT (id) DO NOTHING", args: []driver.Value{g.ItemID, body}},
			query{text: "DELETE FROM sighting WHERE item = $1", args: []driver.Value{g.Item[:]}},
		); err != nil {
			return err
		}
	}
	return nil
}
