package collect

import (
	"context"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// Tombs knows the marks that stay of people who were forgotten. rights.Store is one.
type Tombs interface {
	// Tombstoned says which of these marks there are, and since when.
	Tombstoned(ctx context.Context, stones []vault.Tombstone) (map[vault.Tombstone]person.Instant, error)
}

// asked is an identifier that a message names.
type asked struct {
	blind vault.Blind
	kind  vault.IdentifierKind
	value string
}

// stone is the mark of an identifier that leads to nobody any more.
type stone struct {
	marks []vault.Tombstone
	since person.Instant // 0: there is none
}

// loadStones looks for the marks of identifiers that lead to nobody: of who was forgotten nothing is kept again without a choice of theirs.
func (st *state) loadStones() error {
	if st.g.parts.Tombs == nil {
		return nil
	}
	var all []vault.Tombstone
	var of []vault.Blind // of each mark
	for i := range st.asked {
		a := &st.asked[i]
		if len(st.idents[a.blind]) > 0 {
			continue
		}
		if _, twice := st.stones[a.blind]; twice {
			continue
		}
		marks, err := st.g.parts.Vault.Tombstones(a.kind, a.value)
		if err != nil {
			continue
		}
		if st.stones == nil {
			st.stones = map[vault.Blind]stone{}
		}
		st.stones[a.blind] = stone{marks: marks}
		for _, m := range marks {
			all, of = append(all, m), append(of, a.blind)
		}
	}
	if len(all) == 0 {
		return nil
	}
	found, err := st.g.parts.Tombs.Tombstoned(st.ctx, all)
	if err != nil {
		return err
	}
	for i, m := range all {
		if since, ok := found[m]; ok {
			s := st.stones[of[i]]
			s.since = max(s.since, since)
			st.stones[of[i]] = s
		} else {
			st.change.Unless = append(st.change.Unless, m)
		}
	}
	return nil
}

// barred says whether nothing of a message may be kept because it would bring back somebody who was forgotten: it is about nobody who is known, and one
// of the identifiers that it names was theirs. A yes that the person said since is a choice of theirs: then the marks go and they may come.
func (st *state) barred(m *Message, n *notes) bool {
	if len(st.stones) == 0 {
		return false
	}
	subject := n.device
	switch {
	case n.hasUser && st.plan.server:
		subject = n.user
	case !n.hasDevice:
		subject = n.claimed
	}
	if len(st.idents[subject]) > 0 && (st.plan.server || !n.hasUser) {
		return false
	}
	named := []vault.Blind{n.user, n.claimed, n.device, n.previous, n.before}
	for i := range n.traits {
		named = append(named, n.traits[i].blind)
	}
	var since person.Instant
	for _, b := range named {
		since = max(since, st.stones[b].since)
	}
	if since == 0 {
		return false
	}
	if n.at <= since || !st.chose(m) {
		return true
	}
	for _, b := range named {
		if s := st.stones[b]; s.since != 0 {
			st.change.Lift = append(st.change.Lift, s.marks...)
			delete(st.stones, b)
		}
	}
	return false
}

// chose says whether a message brings a yes of the person's own.
func (st *state) chose(m *Message) bool {
	if m.Type == choiceOf {
		return m.choice.Answer == consent.Yes
	}
	for _, o := range st.own {
		if o.answer == consent.Yes {
			return true
		}
	}
	return false
}

// welcome takes away that everything is suppressed of somebody who came in again, since they have chosen now.
func (st *state) welcome(p place) {
	for _, id := range p.sub.who.All() {
		st.change.Drop = append(st.change.Drop, st.g.parts.Vault.EverythingRow(id))
	}
	p.sub.welcome = true
	st.keep(p)
}
