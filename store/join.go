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
	changed          bool
}

// family is everybody whom a change joins or splits, with all their pseudonyms.
type family map[person.ID]*member

// join does a change's splits, and then its joins. Every person who gained or lost somebody gets a version that nobody has seen. It brings roots up
// to date.
func (s *Store) join(ctx context.Context, c conn, qs []query, ch *vault.Change, held map[person.ID]*root, roots map[person.ID]person.ID, fresh map[person.ID]bool) ([]query, error) {
	top := int64(1) // the version of those who are new
	all := family{}
	var read []query
	involved := map[person.ID]bool{}
	for id, r := range held {
		top = max(top, r.version)
		if !r.bump {
			continue
		}
		involved[id] = true
		all[id] = &member{id: id, root: id}
		read = append(read, query{
			text: "SELECT id, parent, joined_at, why, doubtful, via FROM person WHERE root = $1 AND root <> id",
			args: []driver.Value{id[:]},
			scan: func(r row) error {
				m := &member{id: r.id(0), root: id, parent: r.id(1), at: r.at(2), why: r.text(3), doubtful: r.int(4) == 1, via: vault.Bond(r.id(5))}
				all[m.id] = m
				return nil
			},
		})
	}
	if err := c.do(ctx, read...); err != nil {
		return nil, err
	}
	for id := range fresh {
		all[id] = &member{id: id, root: id}
	}
	for i := range ch.Splits {
		sp := &ch.Splits[i]
		m := all[sp.ID]
		if m == nil {
			return nil, vault.ErrStale // it moved between the two reads
		}
		if m.root == m.id {
			continue // stands alone already
		}
		involved[m.root] = true
		m.parent, m.at, m.why, m.doubtful, m.via = person.ID{}, sp.At, sp.Why, false, vault.Bond{}
		all.move(m, m.id)
	}
	var joined []person.ID // who came to somebody
	for i := range ch.Joins {
		j := &ch.Joins[i]
		from, to := all[j.ID], all[j.To]
		switch {
		case from == nil || to == nil:
			return nil, vault.ErrStale
		case from.root != to.root:
			m := all[from.root]
			involved[m.id], involved[to.root] = true, true
			m.parent, m.at, m.why, m.doubtful, m.via = j.To, j.At, j.Why, j.Doubtful, j.Via
			all.move(m, to.root)
			if !fresh[m.id] { // nothing can be said yet of who is new
				joined = append(joined, m.id)
			}
		case !j.Doubtful:
			if d := all.doubt(from, to); d != nil {
				d.why, d.doubtful, d.via, d.changed = j.Why, false, j.Via, true
			}
		}
	}
	if err := all.agree(ctx, c, joined, ch.Pairings); err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.changed {
			involved[m.root] = true
		}
	}
	for id := range roots {
		if m := all[id]; m != nil {
			roots[id] = m.root
		}
	}
	return all.rows(qs, involved, top+1), nil
}

// rows writes what changed.
func (all family) rows(qs []query, involved map[person.ID]bool, version int64) []query {
	for _, m := range all {
		switch {
		case m.changed:
			var parent driver.Value
			if m.root != m.id {
				parent = m.parent[:]
			}
			qs = append(qs, query{
				text: "UPDATE person SET root = $2, parent = $3, joined_at = $4, why = $5, doubtful = $6, via = $7, version = $8 WHERE id = $1",
				args: []driver.Value{m.id[:], m.root[:], parent, int64(m.at), m.why, number(m.doubtful), bondOf(m.via), version},
			})
		case involved[m.id]:
			qs = append(qs, query{text: "UPDATE person SET version = $2 WHERE id = $1", args: []driver.Value{m.id[:], version}})
		}
	}
	return qs
}

// move gives a member, and what hangs on it, another root.
func (all family) move(m *member, to person.ID) {
	from := m.root
	for _, o := range all {
		if o.root == from && all.hangs(o, m.id) {
			o.root, o.changed = to, true
		}
	}
}

// hangs says whether m is id or was joined to it, directly or through others.
func (all family) hangs(m *member, id person.ID) bool {
	for range all {
		if m.id == id {
			return true
		}
		if m = all[m.parent]; m == nil {
			return false
		}
	}
	return false
}

// doubt gives the one doubtful link between two of one person: where there are several, that the ends are one says of none of them that it is right.
func (all family) doubt(a, b *member) (found *member) {
	var links []*member
	for _, m := range all {
		if m.doubtful && m.root == a.root && all.hangs(a, m.id) != all.hangs(b, m.id) {
			links = append(links, m)
		}
	}
	if len(links) == 1 {
		return links[0]
	}
	return nil
}

// agree refuses joins of people of whom a steward said that they are different: in the change itself, or before.
func (all family) agree(ctx context.Context, c conn, joined []person.ID, said []vault.Pairing) error {
	groups := map[person.ID]bool{}
	for _, id := range joined {
		groups[all[id].root] = true
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
	for _, m := range all {
		if groups[m.root] {
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
		if a, b := all[pair[0]], all[pair[1]]; state == vault.Different && a != nil && b != nil && a.root == b.root && groups[a.root] {
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
		if err := c.do(ctx, query{
			text: "INSERT INTO bearer (bond, person, at, source) VALUES ($1, $2, $3, $4) ON CONFLICT (bond, person) DO NOTHING RETURNING 1",
			args: []driver.Value{b.Bond[:], b.Of[:], int64(b.At), b.Source},
			scan: func(row) error { more = 1; return nil },
		}); err != nil {
			return err
		}
		by := slices.ContainsFunc(joins, func(j vault.Join) bool { return j.Via == b.Bond && !j.Doubtful })
		if more == 0 && !by {
			continue
		}
		if err := c.do(ctx, query{ // who notes another bearer waits here, and counts this one
			text: "UPDATE identifier SET led = led + $2 WHERE bond = $1 RETURNING led", args: []driver.Value{b.Bond[:], more},
			scan: func(r row) error { led = r.int(0); return nil },
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

// doubtBond makes every link doubtful that was made by a value which is too many people's.
func (s *Store) doubtBond(ctx context.Context, c conn, bond vault.Bond) error {
	var people []person.ID
	if err := c.do(ctx, query{
		text: "UPDATE person SET doubtful = 1 WHERE via = $1 AND doubtful = 0 RETURNING root", args: []driver.Value{bond[:]},
		scan: func(r row) error { people = append(people, r.id(0)); return nil },
	}); err != nil || len(people) == 0 {
		return err
	}
	people = unique(people)
	s.versions.forget(people)
	var qs []query
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
