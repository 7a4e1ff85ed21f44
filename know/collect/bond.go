package collect

import (
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// Joins by value. Two users whom server sources sent with one value, an e-mail address or a card, are one person when the charter says so of that
// identifier (joins), up to as many as it says. A value first leads to one user; who comes with it later is joined to them. One more than may be, and
// the value is held to be a family's or a shop's: it joins nobody further, and the links that it made become doubtful, in the store, in the act
// that brings the one too many. What is uncertain joins nobody: a value of which there is any doubt, one that a browser sent, one that leads to a device.

// met is a value by which the user of a message may be somebody whom we know.
type met struct {
	ident vault.Identifier // as it was before this message
	blind vault.Blind
	most  int
	kind  vault.IdentifierKind
}

// leads lets a verified value lead to the pseudonym that came with it, when it leads to nobody, and notes whom else it leads to. user says that a
// verified user id came along.
func (st *state) leads(t *trait, p place, user bool, doubts person.Doubts) {
	if t.kind == "" || doubts.Has(person.Placeholder) {
		return
	}
	most := t.plan.datum.Joins
	if !user || doubts&^person.Mended != 0 {
		most = 0
	}
	list := st.idents[t.blind]
	switch {
	case len(list) == 0:
		ident := vault.Identifier{Blind: t.blind, Of: p.id, Verified: true}
		if most > 0 {
			ident.Bond, ident.Led = vault.NewBond(), 1
		}
		if ident.Bond.IsZero() && joining(t.kind) {
			return // nobody is found by it but to be joined
		}
		st.identifier(ident)
	case most == 0:
	case list[0].Of == p.id:
		if list[0].Bond.IsZero() { // kept before the charter let it join
			ident := list[0]
			ident.Bond, ident.Led = vault.NewBond(), 1
			st.idents[t.blind] = []vault.Identifier{ident}
			st.keep(p)
			st.change.Identifiers = append(st.change.Identifiers, ident)
		}
	case !list[0].Bond.IsZero():
		st.meets = append(st.meets, met{list[0], t.blind, most, t.kind})
	}
}

// meet joins the user of a message, all of whose facts are judged by now, to those whose value they have.
func (st *state) meet(p place, at person.Instant) {
	for _, m := range st.meets {
		ident := st.idents[m.blind][0]
		here, there := st.people[p.id], st.people[ident.Of]
		if there == nil || here == nil {
			continue
		}
		one := here == there
		if one && !here.who.Doubted() {
			continue // nothing new
		}
		st.keep(place{here, p.id})
		st.keep(place{there, ident.Of})
		st.change.Bearers = append(st.change.Bearers, vault.Bearer{Bond: ident.Bond, Of: p.id, At: at, Source: st.plan.source.Name, Led: ident.Led, Most: m.most})
		more := ident
		more.Led++
		st.idents[m.blind] = []vault.Identifier{more}
		st.shared = append(st.shared, m.blind)
		if more.Led > m.most || !one && st.different(here, there) {
			continue
		}
		// What was answered before we took them for one was answered by each for themselves: the join counts from now.
		j := vault.Join{ID: p.id, To: ident.Of, At: st.received, Why: string(m.kind), Via: ident.Bond, Source: st.plan.source.Name}
		st.change.Joins = append(st.change.Joins, j)
		if !one {
			st.change.Bearers[len(st.change.Bearers)-1].First = ident.Led == 1 && here.who.Root == p.id
			st.unite(here, there, j)
		}
	}
	st.meets = st.meets[:0]
}

// unite makes one subject of two: from is brought to to.
func (st *state) unite(from, to *subject, j vault.Join) {
	all := make([]person.Join, 0, len(to.who.Also)+1+len(from.who.Also))
	all = append(append(all, to.who.Also...), person.Join{ID: from.who.Root, At: j.At, To: j.To, Why: j.Why})
	to.who.Also = append(all, from.who.Also...)
	to.sealings = slices.Concat(to.sealings, from.sealings)
	to.choices = slices.Concat(to.choices, from.choices)
	to.claims = slices.Concat(to.claims, from.claims)
	to.seen = slices.Concat(to.seen, from.seen)
	to.restricted = to.restricted || from.restricted
	to.recalled = to.recalled || from.recalled
	if to.rings == nil {
		to.rings = make(map[person.ID]*vault.KeyRing, 2)
	}
	for id, k := range from.rings {
		to.rings[id] = k
	}
	for _, id := range from.who.All() {
		st.people[id] = to
	}
	to.changed()
}

// different says whether a steward called two people different. It is asked only when the store has refused a join for that reason: nearly none is.
func (st *state) different(a, b *subject) bool {
	if !st.careful || st.g.parts.Pairings == nil {
		return false
	}
	pairs, err := st.g.parts.Pairings.PairingsOf(st.ctx, a.who.All())
	if err != nil {
		return true // doubt joins nobody
	}
	return slices.ContainsFunc(pairs, func(p vault.Pairing) bool {
		return p.State == vault.Different && (a.who.Has(p.A) && b.who.Has(p.B) || a.who.Has(p.B) && b.who.Has(p.A))
	})
}

// joining says whether a kind of identifier is there for joins only: nobody is looked for by it.
func joining(kind vault.IdentifierKind) bool { return kind != vault.Email && kind != vault.Phone }
