package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// alone reads somebody who has one pseudonym, as nearly everybody has, in one statement: it sees one state on both engines, and a
// decision waits for it. Its parts: the person with the position of the charter in force, the sealed rows, history, and whoever
// was joined to them. (With a table of pseudonyms in it, which would serve everybody, SQLite takes three times as long.)
const alone = `SELECT 0, id, version, (SELECT COALESCE(MAX(position), 0) FROM charter), root, wrapped, NULL FROM person WHERE id = $1
	UNION ALL SELECT 1, person, kind, at, key, head, body FROM sealed WHERE person = $1
	UNION ALL SELECT 2, person, chunk, 0, heads, body, NULL FROM history WHERE person = $1
	UNION ALL SELECT 3, id, 0, 0, NULL, NULL, NULL FROM person WHERE root = $1 AND root <> id`

// chunk is a row of history.
type chunk struct {
	of          person.ID
	number      int64
	last        person.Instant // of what is written only
	heads, body []byte
}

// addTo adds the chunk's frames.
func (c *chunk) addTo(l *vault.Loaded) error {
	bodies := c.body
	const head = 28 // bytes, about
	l.Frames = slices.Grow(l.Frames, len(c.heads)/head+1)
	return vault.ParseHeads(c.heads, 0, func(f vault.Frame, length int) error {
		if length > len(bodies) {
			return vault.ErrFrames
		}
		f.Of, f.Body = c.of, bodies[:length:length]
		bodies = bodies[length:]
		l.Frames = append(l.Frames, f)
		return nil
	})
}

// lone is what the statement alone gives.
type lone struct {
	of            person.ID
	l             vault.Loaded
	chunks        []chunk
	known, joined bool
}

func (p *lone) query() query {
	return query{text: alone, args: []driver.Value{p.of[:]}, scan: p.scan}
}

func (p *lone) scan(r row) error {
	switch of := r.id(1); r.int(0) {
	case 0:
		p.known, p.joined = true, p.joined || r.id(4) != of
		p.l.Who.Root, p.l.Version, p.l.Charter = of, r.int(2), int(r.int(3))
		p.l.Wrapped = map[person.ID][]byte{of: r.bytes(5)}
	case 1:
		p.l.Rows = append(p.l.Rows, vault.Row{Of: of, Kind: vault.Kind(r.int(2)), Key: vault.Key(r.id(4)), At: r.at(3), Head: r.bytes(5), Body: r.bytes(6)})
	case 2:
		p.chunks = append(p.chunks, chunk{of: of, number: r.int(2), heads: r.bytes(4), body: r.bytes(5)})
	case 3:
		p.joined = true
	}
	return nil
}

// whole puts the chunks of history in their order.
func (p *lone) whole() (vault.Loaded, error) {
	slices.SortFunc(p.chunks, func(a, b chunk) int { return cmp.Compare(a.number, b.number) })
	for i := range p.chunks {
		if err := p.chunks[i].addTo(&p.l); err != nil {
			return vault.Loaded{}, err
		}
	}
	return p.l, nil
}

// loadOne is loadAll for one, inside a transaction, with their events in order and each once: what waits is read before history, as there.
// nil when nobody is known by that pseudonym.
func (s *Store) loadOne(ctx context.Context, c conn, id person.ID) (*vault.Loaded, error) {
	var late vault.Loaded
	if err := s.waiting.load(ctx, c, map[person.ID]*vault.Loaded{id: &late}); err != nil {
		return nil, err
	}
	p := lone{of: id}
	if err := c.do(ctx, p.query()); err != nil {
		return nil, err
	}
	if !p.known {
		return nil, nil
	}
	if p.joined {
		all, err := loadAll(ctx, c, []person.ID{id}, s.waiting)
		if err != nil {
			return nil, err
		}
		l := all[0]
		if l != nil && s.waiting != nil {
			l.Frames = unrepeated(l.Frames, s.window)
		}
		return l, nil
	}
	l, err := p.whole()
	if err != nil {
		return nil, err
	}
	if len(late.Frames) > 0 { // else a fold has left out what came twice
		l.Frames = unrepeated(append(l.Frames, late.Frames...), s.window)
	}
	oldestFirst(l.Frames)
	return &l, nil
}

// likely reads the rows of some blinds and, as alone does, the person to whom the latest of them leads: the one who is meant, unless two of the
// blinds lead to different people. Who is meant is not said here: it is one statement, one state and one round trip where the guess is right.
var likely = `WITH met AS MATERIALIZED (SELECT blind, since, person, verified, bond, led FROM identifier WHERE blind = ANY ($1))
	SELECT rows.* FROM (SELECT person AS id FROM met ORDER BY since DESC LIMIT 1) AS likely CROSS JOIN LATERAL (` + strings.ReplaceAll(alone, "$1", "likely.id") + `) AS rows
	UNION ALL SELECT 4, person, since, led * 2 + verified, blind, bond, NULL FROM met`

// loadLikely is LoadBy where whom the latest row leads to is meant and has one pseudonym, or nobody is. done is false otherwise: then a
// transaction must do it.
func (e *postgres) loadLikely(ctx context.Context, blinds []vault.Blind, choose func([]vault.Identifier) person.ID) (l vault.Loaded, done bool, err error) {
	list := make([][]byte, len(blinds))
	for i := range blinds {
		list[i] = blinds[i][:]
	}
	var found []vault.Identifier
	p := lone{}
	q := query{text: likely, args: []driver.Value{list}, scan: func(r row) error {
		if r.int(0) < 4 {
			return p.scan(r)
		}
		found = append(found, identifierOf(vault.Blind(r.id(4)), r.at(2), r.id(1), r.int(3)&1 == 1, r.bond(5), int(r.int(3)>>1)))
		return nil
	}}
	if err := e.ask(ctx, q); err != nil {
		return l, false, err
	}
	switch id := choose(found); {
	case id.IsZero():
		return l, false, vault.ErrNotFound
	case id != p.l.Who.Root || p.joined:
		return l, false, nil
	}
	if l, err = p.whole(); err != nil {
		return vault.Loaded{}, false, err
	}
	oldestFirst(l.Frames)
	return l, true, nil
}

// loadAlone is Load without looks for somebody who has one pseudonym. done is false for everybody else, and when events were being
// folded meanwhile and it may have missed them on their way: then a transaction must do it.
func (s *Store) loadAlone(ctx context.Context, id person.ID) (l vault.Loaded, done bool, err error) {
	var before mark
	if s.waiting != nil {
		if before = s.waiting.mark(); !before.calm {
			return l, false, nil
		}
	}
	p := lone{of: id}
	if err := s.engine.ask(ctx, p.query()); err != nil || p.joined {
		return vault.Loaded{}, false, err
	}
	if !p.known {
		return vault.Loaded{}, false, vault.ErrNotFound
	}
	if l, err = p.whole(); err != nil {
		return vault.Loaded{}, false, err
	}
	if s.waiting != nil {
		folded := len(l.Frames)
		if err := s.loadWaiting(ctx, &l, before.last); err != nil {
			return vault.Loaded{}, false, err
		}
		if !s.waiting.since(before) {
			return vault.Loaded{}, false, nil
		}
		if len(l.Frames) > folded { // else a fold has left out what came twice
			l.Frames = unrepeated(l.Frames, s.window)
		}
	}
	oldestFirst(l.Frames)
	return l, true, nil
}

// loadWaiting adds the frames that are in the journal and not yet in history, of rows up to last.
func (s *Store) loadWaiting(ctx context.Context, l *vault.Loaded, last int64) error {
	var qs []query
	for _, id := range l.Who.All() {
		for _, at := range s.waiting.find(id) {
			if at.seq <= last { // a later row is not of the state that was read
				qs = append(qs, at.read(id, l))
			}
		}
	}
	if len(qs) == 0 {
		return nil
	}
	return s.engine.snapshot(ctx, func(c conn) error { return c.do(ctx, qs...) })
}
