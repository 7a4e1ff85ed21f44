package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// common says that a change is a common one: events of people who are there, or looks at them, and nothing else.
func common(ch *vault.Change) bool {
	return len(ch.Enrol)+len(ch.Identifiers)+len(ch.Splits)+len(ch.Pairings)+len(ch.Joins)+len(ch.Bearers)+len(ch.Put)+len(ch.Drop)+len(ch.Sightings)+len(ch.Lift)+len(ch.Unless) == 0
}

// commonly does the acts of a group that are only frames and looks: it checks, for all of them in one question, that each was judged, or
// read, by the state that still holds, adds their frames to the group's journal row and appends their looks. Such an act fails before it
// writes, if at all.
func (s *Store) commonly(ctx context.Context, c conn, g *group, acts []*act, results []error) error {
	unsure := make([][]vault.Seen, len(acts))
	var ids []person.ID
	for i, a := range acts {
		if a.change == nil || !common(a.change) {
			continue
		}
		if results[i] = a.ctx.Err(); results[i] != nil {
			continue
		}
		unsure[i], results[i] = s.versions.check(a.change.Seen)
		for j := range unsure[i] {
			ids = append(ids, unsure[i][j].Root)
		}
	}
	held, err := s.hold(ctx, c, s.dialect.share, ids)
	if err != nil {
		return err
	}
	s.versions.learn(held)
	var looks []ledger.Row
	for i, a := range acts {
		if a.change == nil || !common(a.change) || results[i] != nil {
			continue
		}
		if results[i] = agrees(held, unsure[i]); results[i] == nil {
			g.add(a.change.Frames)
			looks = append(looks, a.change.Looks...)
		}
	}
	return c.do(ctx, lookRows(looks...)...)
}

// agrees says whether people are as they were seen.
func agrees(held map[person.ID]*root, seen []vault.Seen) error {
	for i := range seen {
		if r := held[seen[i].Root]; r == nil || r.version != seen[i].Version {
			return vault.ErrStale
		}
	}
	return nil
}

func (g *group) add(frames []vault.Frame) {
	for i := range frames {
		if g.received == 0 {
			g.received = frames[i].Received
		}
		at := len(g.frames)
		g.frames = vault.AppendFrame(g.frames, g.received, &frames[i])
		g.placed = append(g.placed, placed{frames[i].Of, int32(at), int32(len(g.frames) - at)})
	}
}

// root is the state of a person as it is held until the transaction ends.
type root struct {
	version int64
	bump    bool
}

// hold reads the versions of these people and keeps others from changing them until the transaction ends. Those who are
// nobody's root are left out.
func (s *Store) hold(ctx context.Context, c conn, lock string, all []person.ID) (map[person.ID]*root, error) {
	if len(all) == 0 {
		return nil, nil
	}
	slices.SortFunc(all, compareIDs) // one order for everybody, so that two transactions do not wait for each other
	all = slices.Compact(all)
	held := make(map[person.ID]*root, len(all))
	qs := make([]query, 0, 1+len(all)/most)
	for _, ids := range portions(all) {
		qs = append(qs, query{
			text: "SELECT id, version FROM person WHERE " + inID(len(ids)) + " AND root = id ORDER BY id" + lock,
			args: pad(make([]driver.Value, 0, roundUp(len(ids))), ids),
			scan: func(r row) error {
				held[r.id(0)] = &root{version: r.int(1)}
				return nil
			},
		})
	}
	return held, c.do(ctx, qs...)
}

func compareIDs(a, b person.ID) int { return bytes.Compare(a[:], b[:]) }

// bumps says whether a row of this kind changes what may be done with the person, so that who judged before must judge again.
func bumps(k vault.Kind) bool {
	switch k {
	case vault.ChoiceRow, vault.RestrictRow, vault.SuppressedRow:
		return true
	}
	return false
}

// perform does one act that is more than frames.
func (s *Store) perform(ctx context.Context, c conn, g *group, a *act) error {
	if a.run != nil {
		return a.run(ctx, c)
	}
	ch := a.change
	fresh := make(map[person.ID]bool, len(ch.Enrol))
	for i := range ch.Enrol {
		fresh[ch.Enrol[i].ID] = true
	}
	roots, err := s.roots(ctx, c, ch, fresh)
	if err != nil {
		return err
	}
	bump := map[person.ID]bool{}
	mark := func(id person.ID) {
		if !fresh[id] {
			bump[roots[id]] = true
		}
	}
	for i := range ch.Put {
		if bumps(ch.Put[i].Kind) {
			mark(ch.Put[i].Of)
		}
	}
	for i := range ch.Drop {
		mark(ch.Drop[i].Of)
	}
	for i := range ch.Splits {
		mark(ch.Splits[i].ID)
	}
	for i := range ch.Pairings {
		if p := &ch.Pairings[i]; p.State.Decided() { // who joins them meanwhile judges again
			mark(p.A)
			mark(p.B)
		}
	}
	for i := range ch.Joins {
		mark(ch.Joins[i].ID)
		mark(ch.Joins[i].To)
	}
	lock := s.dialect.share
	ids := make([]person.ID, 0, len(bump))
	for id := range bump {
		ids = append(ids, id)
		lock = s.dialect.exclusive
	}
	s.versions.forget(ids)
	unsure, err := s.versions.check(ch.Seen)
	if err != nil {
		return err
	}
	for i := range unsure {
		ids = append(ids, unsure[i].Root)
	}
	held, err := s.hold(ctx, c, lock, ids)
	if err == nil {
		err = agrees(held, unsure)
	}
	if err != nil {
		return err
	}
	for id := range bump {
		if held[id] == nil { // it was joined to somebody between the two reads
			return vault.ErrStale
		}
		held[id].bump = true
	}
	index := s.index.Load()
	if len(ch.Enrol)+len(ch.Identifiers) > 0 && max(ch.Blinds, 1) < index.least {
		return vault.ErrStale // another index is served since they were hashed
	}
	var all *family
	if len(ch.Splits)+len(ch.Joins) > 0 {
		if all, err = s.joined(ctx, c, ch, held, roots, fresh); err != nil {
			return err
		}
	}
	if !s.engine.apart() {
		index = &zeroIndex
	}
	qs := enrol(lift(nil, ch.Lift), ch, index, all)
	if len(ch.Enrol)+len(ch.Identifiers) > 0 && !s.engine.apart() {
		if err := c.do(ctx, qs...); err != nil {
			return err
		}
		qs = qs[:0]
		if err := s.indexed(ctx, c, ch); err != nil {
			return err
		}
	}
	if len(ch.Pairings) > 0 {
		if qs, err = s.pair(ctx, c, qs, ch.Pairings); err != nil {
			return err
		}
	}
	if all != nil {
		qs = all.rows(qs, fresh)
	} else {
		for id, r := range held {
			if r.bump {
				qs = append(qs, query{text: "UPDATE person SET version = $2 WHERE id = $1", args: []driver.Value{id[:], r.version + 1}})
			}
		}
	}
	for i := range ch.Put {
		qs = append(qs, putRow(&ch.Put[i]))
	}
	for i := range ch.Drop {
		qs = append(qs, dropRow(&ch.Drop[i]))
	}
	qs = append(qs, lookRows(ch.Looks...)...)
	if err := apart(ch.Pairings, roots); err != nil {
		return err
	}
	if err := c.do(ctx, qs...); err != nil {
		return err
	}
	if err := s.bear(ctx, c, ch.Bearers, ch.Joins); err != nil {
		return err
	}
	if err := s.bars(ctx, c, ch.Unless); err != nil { // after the identifiers are written: who is being forgotten holds them
		return err
	}
	if err := s.sight(ctx, c, ch.Sightings); err != nil {
		return err
	}
	g.add(ch.Frames)
	return nil
}

// roots finds to whom every pseudonym belongs that the change speaks of and that is not new in it. ErrNotFound when one is
// nobody's: a row without a key to open it must not be kept.
func (s *Store) roots(ctx context.Context, c conn, ch *vault.Change, fresh map[person.ID]bool) (map[person.ID]person.ID, error) {
	roots := make(map[person.ID]person.ID)
	var ids []person.ID
	want := func(id person.ID) {
		if _, ok := roots[id]; !ok && !fresh[id] {
			roots[id] = person.ID{}
			ids = append(ids, id)
		}
	}
	for i := range ch.Put {
		want(ch.Put[i].Of)
	}
	for i := range ch.Drop {
		want(ch.Drop[i].Of)
	}
	for i := range ch.Identifiers {
		want(ch.Identifiers[i].Of)
	}
	for i := range ch.Splits {
		want(ch.Splits[i].ID)
	}
	for i := range ch.Pairings {
		if p := &ch.Pairings[i]; p.State.Decided() {
			want(p.A)
			want(p.B)
		}
	}
	for i := range ch.Joins {
		want(ch.Joins[i].ID)
		want(ch.Joins[i].To)
	}
	for i := range ch.Bearers {
		want(ch.Bearers[i].Of)
	}
	found := 0
	var qs []query
	for _, part := range portions(ids) {
		qs = append(qs, query{
			text: "SELECT id, root FROM person WHERE " + inID(len(part)),
			args: pad(nil, part),
			scan: func(r row) error {
				roots[r.id(0)] = r.id(1)
				found++
				return nil
			},
		})
	}
	if len(qs) > 0 {
		if err := c.do(ctx, qs...); err != nil {
			return nil, err
		}
	}
	if found != len(ids) {
		return nil, vault.ErrNotFound
	}
	for id := range fresh {
		roots[id] = id
	}
	return roots, nil
}

// enrol writes new pseudonyms, as all says that they are joined, and identifiers. A blind that leads to somebody else already is a conflict or ErrStale.
func enrol(qs []query, ch *vault.Change, index *index, all *family) []query {
	generation := int64(max(ch.Blinds, 1))
	for i := range ch.Enrol {
		e := &ch.Enrol[i]
		if all == nil {
			qs = append(qs, query{
				text: "INSERT INTO person (id, root, joined_at, why, version, enrolled_at, wrapped) VALUES ($1, $1, 0, '', 1, $2, $3)",
				args: []driver.Value{e.ID[:], int64(e.At), blob(e.Wrapped)},
			})
		} else {
			m := all.by[e.ID]
			version := int64(1)
			if m.changed || all.involved[m.id] {
				version = all.version
			}
			qs = append(qs, query{
				text: "INSERT INTO person (id, root, parent, joined_at, why, doubtful, via, source, version, enrolled_at, wrapped) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
				args: append(m.columns(), version, int64(e.At), blob(e.Wrapped)),
			})
		}
		if g, ok := vault.GenerationOf(e.Wrapped); ok { // after the row is there: who retires a generation waits for who has written, and is seen by who writes later
			qs = append(qs, query{text: "SELECT 1 FROM setting WHERE name = $1", args: []driver.Value{retired(g)}, scan: func(row) error { return vault.ErrStale }})
		}
		for j := range e.Identifiers {
			n := &e.Identifiers[j]
			qs = append(qs, query{
				text: "INSERT INTO identifier (blind, since, person, verified, generation, bond, led) VALUES ($1, $2, $3, $4, $5, $6, $7)",
				args: []driver.Value{n.Blind[:], int64(n.Since), e.ID[:], number(n.Verified), generation, bondOf(n.Bond), int64(max(n.Led, 1))},
			})
			qs = index.twin(qs, n, e.ID, generation)
		}
	}
	for i := range ch.Identifiers {
		n := &ch.Identifiers[i]
		qs = index.twin(append(qs, identifierRow(n, n.Of, generation)), n, n.Of, generation)
	}
	return qs
}

var zeroIndex index

// identifierRow has an identifier lead to somebody; ErrStale when it leads to somebody else.
func identifierRow(n *vault.Identifier, of person.ID, generation int64) query {
	return query{
		text: `INSERT INTO identifier (blind, since, person, verified, generation, bond, led) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (blind, since) DO UPDATE SET verified = CASE WHEN excluded.verified > identifier.verified THEN excluded.verified ELSE identifier.verified END,
				bond = COALESCE(identifier.bond, excluded.bond), led = CASE WHEN excluded.led > identifier.led THEN excluded.led ELSE identifier.led END
			RETURNING person`,
		args: []driver.Value{n.Blind[:], int64(n.Since), of[:], number(n.Verified), generation, bondOf(n.Bond), int64(max(n.Led, 1))},
		scan: func(r row) error {
			if r.id(0) != of {
				return vault.ErrStale
			}
			return nil
		},
	}
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// blob is b, never nil: the engines tell nothing from an empty value.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func putRow(r *vault.Row) query {
	if r.Kind == vault.ReceiptRow {
		return receiptRow(r)
	}
	return query{
		text: `INSERT INTO sealed (person, kind, key, at, head, body) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (person, kind, key) DO UPDATE SET at = excluded.at, head = excluded.head, body = excluded.body WHERE excluded.at >= sealed.at`,
		args: []driver.Value{r.Of[:], int64(r.Kind), r.Key[:], int64(r.At), blob(r.Head), blob(r.Body)},
	}
}

func dropRow(r *vault.RowID) query {
	if r.Kind == vault.ReceiptRow {
		return query{text: "DELETE FROM receipt WHERE key = $1 AND person = $2", args: []driver.Value{r.Key[:], r.Of[:]}}
	}
	return query{text: "DELETE FROM sealed WHERE person = $1 AND kind = $2 AND key = $3", args: []driver.Value{r.Of[:], int64(r.Kind), r.Key[:]}}
}
