package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Find gives every identifier row of these blinds. See vault.Store.
func (s *Store) Find(ctx context.Context, blinds []vault.Blind) ([]vault.Identifier, error) {
	if len(blinds) == 0 {
		return nil, nil
	}
	var found []vault.Identifier
	qs := identifiers(blinds, &found)
	var err error
	if len(qs) == 1 {
		err = s.engine.ask(ctx, qs[0])
	} else {
		err = s.engine.snapshot(ctx, func(c conn) error { return c.do(ctx, qs...) })
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// identifiers reads the rows of these blinds into found.
func identifiers(blinds []vault.Blind, found *[]vault.Identifier) (qs []query) {
	for _, part := range portions(unique(blinds)) {
		qs = append(qs, query{
			text: "SELECT blind, since, person, verified, bond, led FROM identifier WHERE " + in("blind", 1, len(part)),
			args: pad(nil, part),
			scan: func(r row) error {
				*found = append(*found, identifierOf(vault.Blind(r.id(0)), r.at(1), r.id(2), r.int(3) == 1, r.bond(4), int(r.int(5))))
				return nil
			},
		})
	}
	return qs
}

func identifierOf(blind vault.Blind, since person.Instant, of person.ID, verified bool, bond vault.Bond, led int) vault.Identifier {
	if bond.IsZero() {
		led = 0
	}
	return vault.Identifier{Blind: blind, Since: since, Of: of, Verified: verified, Bond: bond, Led: led}
}

// Load gives everything about a person but receipts; the looks are committed with the read. See vault.Store.
func (s *Store) Load(ctx context.Context, id person.ID, looks ...ledger.Row) (vault.Loaded, error) {
	var l *vault.Loaded
	var err error
	if len(looks) > 0 {
		a := &act{ctx: ctx, load: &loading{of: id, looks: looks}, done: make(chan error, 1)}
		if err = s.tell(looks, s.submit(a)); err == nil {
			l = a.load.l
		}
	} else {
		if l, done, err := s.loadAlone(ctx, id); err != nil || done {
			return l, err
		}
		err = s.engine.snapshot(ctx, func(c conn) (err error) {
			l, err = s.loadOne(ctx, c, id)
			return err
		})
	}
	switch {
	case err != nil:
		return vault.Loaded{}, err
	case l == nil:
		return vault.Loaded{}, vault.ErrNotFound
	}
	return s.shown(l, id), nil
}

// shown is somebody as they are given to who has asked by that pseudonym.
func (s *Store) shown(l *vault.Loaded, by person.ID) vault.Loaded {
	if s.waiting != nil {
		l.Frames = unrepeated(l.Frames, s.window)
	}
	oldestFirst(l.Frames)
	askedBy(l, by)
	return *l
}

// LoadBy gives everything about whom blinds lead to but receipts. See vault.Store.
func (s *Store) LoadBy(ctx context.Context, blinds []vault.Blind, choose func([]vault.Identifier) person.ID) (vault.Loaded, error) {
	if len(blinds) == 0 {
		return vault.Loaded{}, vault.ErrNotFound
	}
	if shared, ok := s.engine.(*postgres); ok {
		if l, done, err := shared.loadLikely(ctx, blinds, choose); err != nil || done {
			return l, err
		}
	}
	var l *vault.Loaded
	var id person.ID
	err := s.engine.snapshot(ctx, func(c conn) error {
		var found []vault.Identifier
		err := c.do(ctx, identifiers(blinds, &found)...)
		if err != nil {
			return err
		}
		if id = choose(found); id.IsZero() {
			return vault.ErrNotFound
		}
		if l, err = s.loadOne(ctx, c, id); err == nil && l == nil {
			err = vault.ErrNotFound
		}
		return err
	})
	if err != nil {
		return vault.Loaded{}, err
	}
	askedBy(l, id)
	return *l, nil
}

// askedBy notes by which of their pseudonyms somebody is read.
func askedBy(l *vault.Loaded, id person.ID) {
	if len(l.Who.Also) > 0 {
		l.Who.By = id
	}
}

// read reads one state. With looks, they are appended by the transaction that reads, so that there is no look without its
// read and no read without its look: what was read is given to nobody before that transaction is synced.
func read[T any](ctx context.Context, s *Store, looks []ledger.Row, what func(ctx context.Context, c conn) (T, error)) (answer T, err error) {
	both := func(ctx context.Context, c conn) (answer T, err error) {
		if answer, err = what(ctx, c); err == nil && len(looks) > 0 {
			err = c.do(ctx, lookRows(looks...)...)
		}
		return answer, err
	}
	shared, ok := s.engine.(*postgres)
	if len(looks) > 0 && !ok { // what the one writer reads is one state, and it shares the sync
		answer, err = asked(ctx, s, both)
		return answer, s.tell(looks, err)
	}
	from := s.engine.snapshot
	if len(looks) > 0 {
		from = shared.observation
	}
	var got T
	if err := s.tell(looks, from(ctx, func(c conn) (err error) {
		got, err = both(ctx, c)
		return err
	})); err != nil {
		return answer, err
	}
	return got, nil
}

// loadAll loads everything but receipts about the people to whom these pseudonyms belong, nil for unknown ones.
func loadAll(ctx context.Context, c conn, ids []person.ID, w *waiting) ([]*vault.Loaded, error) {
	out, of, err := who(ctx, c, ids)
	if err != nil {
		return nil, err
	}
	var late map[person.ID]*vault.Loaded
	if w != nil {
		late = make(map[person.ID]*vault.Loaded, len(of))
		for id := range of {
			late[id] = &vault.Loaded{}
		}
		if err := w.load(ctx, c, late); err != nil {
			return nil, err
		}
	}
	all := pseudonyms(of)
	var qs []query
	for _, part := range portions(all) {
		qs = append(qs, query{
			text: "SELECT person, kind, key, at, head, body FROM sealed WHERE " + in("person", 1, len(part)),
			args: pad(nil, part),
			scan: func(r row) error { return addRow(of, r) },
		}, query{
			text: "SELECT person, heads, body FROM history WHERE " + in("person", 1, len(part)) + " ORDER BY person, chunk",
			args: pad(nil, part),
			scan: func(r row) error { return addFrames(of, r) },
		})
	}
	if err := c.do(ctx, append(qs, position(out))...); err != nil {
		return nil, err
	}
	for id, l := range late {
		of[id].Frames = append(of[id].Frames, l.Frames...)
	}
	for _, l := range out {
		if l != nil {
			oldestFirst(l.Frames)
		}
	}
	return out, nil
}

func oldestFirst(frames []vault.Frame) {
	older := func(a, b vault.Frame) int { return cmp.Compare(a.At, b.At) }
	if !slices.IsSortedFunc(frames, older) {
		slices.SortStableFunc(frames, older)
	}
}

func pseudonyms(of map[person.ID]*vault.Loaded) []person.ID {
	all := make([]person.ID, 0, len(of))
	for id := range of {
		all = append(all, id)
	}
	return all
}

func position(out []*vault.Loaded) query {
	return query{text: "SELECT COALESCE(MAX(position), 0) FROM charter", scan: func(r row) error {
		for _, l := range out {
			if l != nil {
				l.Charter = int(r.int(0))
			}
		}
		return nil
	}}
}

func addRow(of map[person.ID]*vault.Loaded, r row) error {
	id := r.id(0)
	l := of[id]
	l.Rows = append(l.Rows, vault.Row{Of: id, Kind: vault.Kind(r.int(1)), Key: vault.Key(r.id(2)), At: r.at(3), Head: r.bytes(4), Body: r.bytes(5)})
	return nil
}

func addFrames(of map[person.ID]*vault.Loaded, r row) error {
	c := chunk{of: r.id(0), heads: r.bytes(1), body: r.bytes(2)}
	return c.addTo(of[c.of])
}

// who finds the people to whom ids belong: out has one for each id in order, nil for an unknown one, the same for two ids of
// one person; of has one for each of their pseudonyms.
func who(ctx context.Context, c conn, ids []person.ID) (out []*vault.Loaded, of map[person.ID]*vault.Loaded, err error) {
	roots := make(map[person.ID]person.ID, len(ids)) // of each id
	people := make(map[person.ID]*vault.Loaded, len(ids))
	asked := unique(ids)
	of = make(map[person.ID]*vault.Loaded, len(ids))
	own := func(r row) error {
		l := &vault.Loaded{Who: person.Person{Root: r.id(0)}, Wrapped: map[person.ID][]byte{r.id(0): r.bytes(2)}, Version: r.int(1)}
		people[l.Who.Root], of[l.Who.Root] = l, l
		return nil
	}
	var qs []query
	for _, part := range portions(asked) {
		// Most people have one pseudonym and are asked for by it: then this is all there is to read.
		qs = append(qs, query{
			text: "SELECT id, version, wrapped, root FROM person WHERE " + inID(len(part)),
			args: pad(nil, part),
			scan: func(r row) error {
				roots[r.id(0)] = r.id(3)
				if r.id(0) == r.id(3) {
					return own(r)
				}
				return nil
			},
		})
	}
	if err := c.do(ctx, qs...); err != nil {
		return nil, nil, err
	}
	var missing, all []person.ID
	for _, root := range roots {
		if _, ok := people[root]; !ok {
			people[root] = nil
			missing = append(missing, root)
		}
	}
	for root := range people {
		all = append(all, root)
	}
	qs = qs[:0]
	for _, part := range portions(missing) {
		qs = append(qs, query{text: "SELECT id, version, wrapped FROM person WHERE " + inID(len(part)), args: pad(nil, part), scan: own})
	}
	for _, part := range portions(all) {
		qs = append(qs, query{
			text: "SELECT root, id, joined_at, wrapped, parent, why, doubtful FROM person WHERE " + in("root", 1, len(part)) + " AND root <> id ORDER BY root, joined_at, id",
			args: pad(nil, part),
			scan: func(r row) error {
				if l := people[r.id(0)]; l != nil {
					l.Who.Also = append(l.Who.Also, person.Join{ID: r.id(1), At: r.at(2), To: r.id(4), Why: r.text(5), Doubtful: r.int(6) == 1})
					l.Wrapped[r.id(1)] = r.bytes(3)
					of[r.id(1)] = l
				}
				return nil
			},
		})
	}
	if err := c.do(ctx, qs...); err != nil {
		return nil, nil, err
	}
	out = make([]*vault.Loaded, len(ids))
	for i, id := range ids {
		if root, ok := roots[id]; ok {
			out[i] = people[root]
		}
	}
	return out, of, nil
}

// unique is ids without repetitions, in no order; ids itself when there are none.
func unique[T ~[16]byte](ids []T) []T {
	if len(ids) < 2 {
		return ids
	}
	seen := make(map[T]struct{}, len(ids))
	out := make([]T, 0, len(ids))
	for _, id := range ids {
		if _, ok := seen[id]; !ok {
			seen[id] = struct{}{}
			out = append(out, id)
		}
	}
	return out
}

// Gate gives what the gate at collection needs of each. See vault.Store.
func (s *Store) Gate(ctx context.Context, ids []person.ID) ([]vault.Loaded, error) {
	return s.rows(ctx, ids, " AND kind IN (2, 5, 8, 9)")
}

// Rows gives everything about a person but events and receipts. See vault.Store.
func (s *Store) Rows(ctx context.Context, id person.ID) (vault.Loaded, error) {
	l, err := s.rows(ctx, []person.ID{id}, "")
	switch {
	case err != nil:
		return vault.Loaded{}, err
	case l[0].Who.Root.IsZero():
		return vault.Loaded{}, vault.ErrNotFound
	}
	askedBy(&l[0], id)
	return l[0], nil
}

// rows reads people without their events; of is a condition on their rows.
func (s *Store) rows(ctx context.Context, ids []person.ID, of string) ([]vault.Loaded, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out := make([]vault.Loaded, len(ids))
	err := s.engine.snapshot(ctx, func(c conn) error {
		people, known, err := who(ctx, c, ids)
		if err != nil {
			return err
		}
		var qs []query
		for _, part := range portions(pseudonyms(known)) {
			qs = append(qs, query{
				text: "SELECT person, kind, key, at, head, body FROM sealed WHERE " + in("person", 1, len(part)) + of,
				args: pad(nil, part),
				scan: func(r row) error { return addRow(known, r) },
			})
		}
		if err := c.do(ctx, append(qs, position(people))...); err != nil {
			return err
		}
		for i, l := range people {
			if l != nil {
				out[i] = *l
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each walks over everybody, by root, having folded what waits. See vault.Store. A portion of people is one state, and the
// look is committed with the first; between portions others may write, and the engine may tidy up.
func (s *Store) Each(ctx context.Context, look ledger.Row, yield func(vault.Loaded) error) error {
	if err := s.foldAll(ctx); err != nil {
		return err
	}
	looks := []ledger.Row{look}
	var after person.ID
	for {
		people, err := read(ctx, s, looks, func(ctx context.Context, c conn) ([]*vault.Loaded, error) { return portion(ctx, c, after) })
		if err != nil {
			return err
		}
		looks = nil
		if len(people) == 0 {
			return nil
		}
		for _, l := range people {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(*l); err != nil {
				return err
			}
		}
		after = people[len(people)-1].Who.Root
	}
}

// portion loads the people whose roots follow after, a few at a time.
func portion(ctx context.Context, c conn, after person.ID) ([]*vault.Loaded, error) {
	var ids []person.ID
	if err := c.do(ctx, query{
		text: "SELECT id FROM person WHERE id > $1 AND root = id ORDER BY id LIMIT $2",
		args: []driver.Value{after[:], int64(most)},
		scan: func(r row) error { ids = append(ids, r.id(0)); return nil },
	}); err != nil || len(ids) == 0 {
		return nil, err
	}
	return loadAll(ctx, c, ids, nil)
}

// View is one state of the whole home, whatever is written meanwhile.
type View struct {
	s *Store
	c conn
}

// Snapshot commits the look, folds what waits, then runs read on one state of the home: Each within one read transaction. The
// look comes before and not with it, because nobody could write as long as a transaction that does both is open. It keeps
// the engine from tidying up while it runs, so it is for self-checks, not for serving.
func (s *Store) Snapshot(ctx context.Context, look ledger.Row, read func(*View) error) error {
	if err := s.Commit(ctx, vault.Change{Looks: []ledger.Row{look}}); err != nil {
		return err
	}
	if err := s.foldAll(ctx); err != nil {
		return err
	}
	return s.engine.snapshot(ctx, func(c conn) error {
		if err := s.unhurried(ctx, c); err != nil {
			return err
		}
		return read(&View{s, c})
	})
}

// Each walks over everybody in the view, by root, and stops at the first error of yield.
func (v *View) Each(ctx context.Context, yield func(vault.Loaded) error) error {
	var after person.ID
	for {
		people, err := portion(ctx, v.c, after)
		if err != nil || len(people) == 0 {
			return err
		}
		for _, l := range people {
			if err := yield(*l); err != nil {
				return err
			}
		}
		after = people[len(people)-1].Who.Root
	}
}

// Load gives one person of the view.
func (v *View) Load(ctx context.Context, id person.ID) (vault.Loaded, error) {
	p, err := loadAll(ctx, v.c, []person.ID{id}, nil)
	if err != nil {
		return vault.Loaded{}, err
	}
	if p[0] == nil {
		return vault.Loaded{}, vault.ErrNotFound
	}
	return *p[0], nil
}
