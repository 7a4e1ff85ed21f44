package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// member is one pseudonym in the tree of what was joined to what.
type member struct {
	id, root, parent person.ID
	at               person.Instant
	why              string
	doubtful         bool
	via              vault.Bond
	source           string
	changed          bool
}

// family is everybody whom a change joins or splits, with all their pseudonyms: by pseudonym, and in a row by root.
type family struct {
	by map[person.ID]*member
	of map[person.ID][]*member

	involved map[person.ID]bool // roots whose person gained or lost somebody
	version  int64              // of those
	parted   []vault.Bearer     // who was split from whom a value had joined them to
}

func (f *family) add(m *member) {
	f.by[m.id] = m
	f.of[m.root] = append(f.of[m.root], m)
}

// joined is a change's splits, and then its joins, worked out. Every person who gained or lost somebody gets a version that nobody has seen. It
// brings roots up to date, and writes nothing.
func (s *Store) joined(ctx context.Context, c conn, ch *vault.Change, held map[person.ID]*root, roots map[person.ID]person.ID, fresh map[person.ID]bool) (*family, error) {
	all := &family{by: map[person.ID]*member{}, of: map[person.ID][]*member{}, involved: map[person.ID]bool{}, version: 1}
	involved := all.involved
	var ids []person.ID
	for id, r := range held {
		all.version = max(all.version, r.version)
		if !r.bump {
			continue
		}
		involved[id] = true
		all.add(&member{id: id, root: id})
		ids = append(ids, id)
	}
	all.version++
	var read []query
	for _, part := range portions(ids) {
		read = append(read, query{
			text: "SELECT id, parent, joined_at, why, doubtful, via, source, root FROM person WHERE " + in("root", 1, len(part)) + " AND root <> id",
			args: pad(nil, part),
			scan: func(r row) error {
				all.add(&member{id: r.id(0), root: r.id(7), parent: r.id(1), at: r.at(2), why: r.text(3), doubtful: r.int(4) == 1, via: r.bond(5), source: r.text(6)})
				return nil
			},
		})
	}
	if err := c.do(ctx, read...); err != nil {
		return nil, err
	}
	for id := range fresh {
		all.add(&member{id: id, root: id})
	}
	for i := range ch.Splits {
		sp := &ch.Splits[i]
		m := all.by[sp.ID]
		if m == nil {
			return nil, vault.ErrStale // it moved between the two reads
		}
		if m.root == m.id {
			continue // stands alone already
		}
		involved[m.root] = true
		if !m.via.IsZero() { // they have the value still
			all.parted = append(all.parted, vault.Bearer{Bond: m.via, Of: m.id, At: m.at, Source: m.source})
		}
		m.parent, m.at, m.why, m.doubtful, m.via, m.source = person.ID{}, sp.At, sp.Why, false, vault.Bond{}, ""
		all.move(m, m.id)
	}
	var joined []person.ID // who came to somebody
	for i := range ch.Joins {
		j := &ch.Joins[i]
		from, to := all.by[j.ID], all.by[j.To]
		switch {
		case from == nil || to == nil:
			return nil, vault.ErrStale
		case from.root != to.root:
			m := all.by[from.root]
			involved[m.id], involved[to.root] = true, true
			m.parent, m.at, m.why, m.doubtful, m.via, m.source = j.To, j.At, j.Why, j.Doubtful, j.Via, j.Source
			all.move(m, to.root)
			if !fresh[m.id] { // nothing can be said yet of who is new
				joined = append(joined, m.id)
			}
		case !j.Doubtful:
			if d := all.doubt(from, to); d != nil {
				d.why, d.doubtful, d.via, d.source, d.changed = j.Why, false, j.Via, j.Source, true
			}
		}
	}
	if err := all.agree(ctx, c, joined, ch.Pairings); err != nil {
		return nil, err
	}
	for _, m := range all.by {
		if m.changed {
			involved[m.root] = true
		}
	}
	for id := range roots {
		if m := all.by[id]; m != nil {
			roots[id] = m.root
		}
	}
	return all, nil
}

// rows writes what changed of people who were there before.
func (f *family) rows(qs []query, fresh map[person.ID]bool) []query {
	for _, m := range f.by {
		switch {
		case fresh[m.id]: // see enrol
		case m.changed:
			qs = append(qs, query{
				text: "UPDATE person SET root = $2, parent = $3, joined_at = $4, why = $5, doubtful = $6, via = $7, source = $8, version = $9 WHERE id = $1",
				args: append(m.columns(), f.version),
			})
		case f.involved[m.id]:
			qs = append(qs, query{text: "UPDATE person SET version = $2 WHERE id = $1", args: []driver.Value{m.id[:], f.version}})
		}
	}
	for i := range f.parted {
		qs = append(qs, bearerRow(&f.parted[i], ignore))
	}
	return qs
}

// columns are id, root, parent, joined_at, why, doubtful, via and source.
func (m *member) columns() []driver.Value {
	var parent driver.Value
	if m.root != m.id {
		parent = m.parent[:]
	}
	return []driver.Value{m.id[:], m.root[:], parent, int64(m.at), m.why, number(m.doubtful), bondOf(m.via), m.source}
}

// move gives a member, and what hangs on it, another root.
func (f *family) move(m *member, to person.ID) {
	var stay, leave []*member
	for _, o := range f.of[m.root] {
		if f.hangs(o, m.id) {
			leave = append(leave, o)
		} else {
			stay = append(stay, o)
		}
	}
	f.of[m.root] = stay
	for _, o := range leave {
		o.root, o.changed = to, true
	}
	f.of[to] = append(f.of[to], leave...)
}

// hangs says whether m is id or was joined to it, directly or through others.
func (f *family) hangs(m *member, id person.ID) bool {
	for range f.by {
		if m.id == id {
			return true
		}
		if m = f.by[m.parent]; m == nil {
			return false
		}
	}
	return false
}

// doubt gives the one doubtful link between two of one person: where there are several, that the ends are one says of none of them that it is right.
func (f *family) doubt(a, b *member) (found *member) {
	var links []*member
	for _, m := range f.of[a.root] {
		if m.doubtful && f.hangs(a, m.id) != f.hangs(b, m.id) {
			links = append(links, m)
		}
	}
	if len(links) == 1 {
		return links[0]
	}
	return nil
}

// agree refuses joins of people of whom a steward said that they are different: in the change itself, or before.
func (f *family) agree(ctx context.Context, c conn, joined []person.ID, said []vault.Pairing) error {
	groups := map[person.ID]bool{}
	for _, id := range joined {
		groups[f.by[id].root] = true
	}
	if len(groups) == 0 {
		return nil
	}
	decided := map[[2]person.ID]vault.PairState{}
	for i := range said {
		if p := said[i].Ordered(); p.State.Decided() {
			decided[[2]person.ID{p.A, p.B}] = p.State
		}
	}
	var ids []person.ID
	for root := range groups {
		for _, m := range f.of[root] {
			ids = append(ids, m.id)
		}
	}
	var qs []query
	for _, part := range portions(ids) {
		qs = append(qs, query{
			text: "SELECT a, b FROM pairing WHERE " + in("a", 1, len(part)) + " AND state = 'different'",
			args: pad(nil, part),
			scan: func(r row) error {
				if pair := [2]person.ID{r.id(0), r.id(1)}; decided[pair] == "" {
					decided[pair] = vault.Different
				}
				return nil
			},
		})
	}
	if err := c.do(ctx, qs...); err != nil {
		return err
	}
	for pair, state := range decided {
		if a, b := f.by[pair[0]], f.by[pair[1]]; state == vault.Different && a != nil && b != nil && a.root == b.root && groups[a.root] {
			return vault.ErrDifferent
		}
	}
	return nil
}

// apart refuses to call two different who are one person when the change is done.
func apart(said []vault.Pairing, roots map[person.ID]person.ID) error {
	for i := range said {
		if p := &said[i]; p.State == vault.Different && roots[p.A] == roots[p.B] {
			return vault.ErrTogether
		}
	}
	return nil
}

func bondOf(b vault.Bond) driver.Value {
	if b.IsZero() {
		return nil
	}
	return b[:]
}

func (r row) bond(i int) vault.Bond { return vault.Bond(r.id(i)) }

// bear notes who else has a value that joins people. When it is one more than such a value may join, every link that it made is doubtful from
// now on; a change that brings somebody by it, and was judged by an older count, is stale.
func (s *Store) bear(ctx context.Context, c conn, bearers []vault.Bearer, joins []vault.Join) error {
	for i := range bearers {
		b := &bearers[i]
		more, led := int64(0), int64(0)
		if b.First {
			more = 1
		} else if err := c.do(ctx, bearerRow(b, func(row) error { more = 1; return nil })); err != nil {
			return err
		}
		by := slices.ContainsFunc(joins, func(j vault.Join) bool { return j.Via == b.Bond && !j.Doubtful })
		if more == 0 && !by {
			continue
		}
		if err := c.do(ctx, query{ // who notes another bearer waits here, and counts this one
			text: "UPDATE identifier SET led = led + $2 WHERE bond = $1 RETURNING led", args: []driver.Value{b.Bond[:], more},
			scan: func(r row) error { led = max(led, r.int(0)); return nil },
		}); err != nil {
			return err
		}
		if led <= int64(b.Most) {
			continue
		}
		if by && led > int64(b.Led)+1 {
			return vault.ErrStale // who joins them did not know of the others
		}
		if err := s.doubtBond(ctx, c, b.Bond); err != nil {
			return err
		}
	}
	return nil
}

// bearerRow notes who has a value; nothing is scanned when that is known.
func bearerRow(b *vault.Bearer, scan func(row) error) query {
	return query{
		text: "INSERT INTO bearer (person, bond, at, source) VALUES ($1, $2, $3, $4) ON CONFLICT (person, bond) DO NOTHING RETURNING 1",
		args: []driver.Value{b.Of[:], b.Bond[:], int64(b.At), b.Source},
		scan: scan,
	}
}

// doubtBond makes every link doubtful that was made by a value which is too many people's.
func (s *Store) doubtBond(ctx context.Context, c conn, bond vault.Bond) error {
	var people []person.ID
	var qs []query
	if err := c.do(ctx, query{
		text: "UPDATE person SET doubtful = 1 WHERE via = $1 AND doubtful = 0 RETURNING root, id, joined_at, source", args: []driver.Value{bond[:]},
		scan: func(r row) error {
			people = append(people, r.id(0))
			// From now on they are no longer known to have it by the link alone: see vault.Bearer.First.
			qs = append(qs, bearerRow(&vault.Bearer{Bond: bond, Of: r.id(1), At: r.at(2), Source: r.text(3)}, ignore))
			return nil
		},
	}); err != nil || len(people) == 0 {
		return err
	}
	people = unique(people)
	s.versions.forget(people)
	for _, part := range portions(people) {
		qs = append(qs, query{text: "UPDATE person SET version = version + 1 WHERE " + inID(len(part)), args: pad(nil, part)})
	}
	return c.do(ctx, qs...)
}

// pair keeps what is said of pairs. What a steward decided is not proposed again, and a proposal about who is gone is dropped.
func (s *Store) pair(ctx context.Context, c conn, qs []query, said []vault.Pairing) ([]query, error) {
	there := map[person.ID]bool{}
	var ids []person.ID
	for i := range said {
		if !said[i].State.Decided() {
			ids = append(ids, said[i].A, said[i].B)
		}
	}
	var read []query
	for _, part := range portions(unique(ids)) {
		read = append(read, query{text: "SELECT id FROM person WHERE " + inID(len(part)), args: pad(nil, part), scan: func(r row) error { there[r.id(0)] = true; return nil }})
	}
	if err := c.do(ctx, read...); err != nil {
		return nil, err
	}
	for i := range said {
		p := said[i].Ordered()
		end := "state = excluded.state, decided_by = excluded.decided_by, at = excluded.at"
		if !p.State.Decided() {
			if p.A == p.B || !there[p.A] || !there[p.B] {
				continue
			}
			end += ", score = excluded.score, weights = excluded.weights WHERE pairing.state = 'proposed'"
		}
		qs = append(qs, query{
			text: "INSERT INTO pairing (a, b, state, score, weights, decided_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (a, b) DO UPDATE SET " + end,
			args: []driver.Value{p.A[:], p.B[:], string(p.State), int64(math.Round(p.Score * 1000)), blob(p.Weights), p.By, int64(p.At)},
		})
	}
	return qs, nil
}

// Pairings lists the pairs in a state, the highest score first. See vault.Pairings.
func (s *Store) Pairings(ctx context.Context, state vault.PairState, from, limit int) ([]vault.Pairing, error) {
	var out []vault.Pairing
	err := s.engine.ask(ctx, query{
		text: "SELECT a, b, state, score, weights, decided_by, at FROM pairing WHERE state = $1 ORDER BY score DESC, a, b LIMIT $2 OFFSET $3",
		args: []driver.Value{string(state), int64(limit), int64(from)},
		scan: func(r row) error { out = append(out, pairing(r)); return nil },
	})
	return out, err
}

// PairingsOf lists what is said of any of these pseudonyms. See vault.Pairings.
func (s *Store) PairingsOf(ctx context.Context, ids []person.ID) ([]vault.Pairing, error) {
	known := map[[2]person.ID]vault.Pairing{}
	var qs []query
	for _, part := range portions(unique(ids)) {
		for _, column := range []string{"a", "b"} {
			qs = append(qs, query{
				text: "SELECT a, b, state, score, weights, decided_by, at FROM pairing WHERE " + in(column, 1, len(part)),
				args: pad(nil, part),
				scan: func(r row) error { p := pairing(r); known[[2]person.ID{p.A, p.B}] = p; return nil },
			})
		}
	}
	if len(qs) == 0 {
		return nil, nil
	}
	if err := s.engine.snapshot(ctx, func(c conn) error { clear(known); return c.do(ctx, qs...) }); err != nil {
		return nil, err
	}
	out := make([]vault.Pairing, 0, len(known))
	for _, p := range known {
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y vault.Pairing) int {
		return cmp.Or(compareIDs(x.A, y.A), compareIDs(x.B, y.B))
	})
	return out, nil
}

// DropProposals removes what was proposed before a time. See vault.Pairings.
func (s *Store) DropProposals(ctx context.Context, before person.Instant) error {
	return s.update(ctx, func(ctx context.Context, c conn) error {
		return c.do(ctx, query{text: "DELETE FROM pairing WHERE state = 'proposed' AND at < $1", args: []driver.Value{int64(before)}})
	})
}

func pairing(r row) vault.Pairing {
	return vault.Pairing{A: r.id(0), B: r.id(1), State: vault.PairState(r.text(2)), Score: float64(r.int(3)) / 1000, Weights: slices.Clone(r.bytes(4)), By: r.text(5), At: r.at(6)}
}
