package collect

import (
	"errors"
	"slices"
	"sync"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// memo remembers people between batches, so that the next batch about them need not read them again. It is only ever a
// guess: what is kept by it is checked by the version of each person in the commit, and what would be refused by it is
// judged again by what the store says. It holds what the gate may know of people: heads of choices, no values. What it
// holds is used for a minute only, and it is bounded.
type memo struct {
	mu      sync.RWMutex
	idents  [2]map[vault.Blind][]vault.Identifier // the younger generation and the older
	people  [2]map[person.ID]*subject
	dropped [2]map[vault.Blind]uint64 // when, by drops, a blind was last dropped: what was read before that is not kept
	drops   uint64
	turned  uint64 // drops when the younger generation of dropped began
	floor   uint64 // drops up to here may be forgotten: what was read before is not kept
}

const (
	mostRemembered = 1 << 17 // people and identifiers of one generation: about 150 MB when both are full
	rememberFor    = 60e6    // microseconds
)

// errDoubt says that something would be refused by what is remembered: it must be read again first.
var errDoubt = errors.New("judged by memory")

// recall fills in whom it remembers, and gives the blinds that must be looked up, and the count of drops before that.
func (m *memo) recall(st *state, blinds []vault.Blind) ([]vault.Blind, uint64) {
	missing := blinds[:0:0]
	m.mu.RLock()
	defer m.mu.RUnlock()
next:
	for _, b := range blinds {
		list := m.idents[0][b]
		if list == nil {
			list = m.idents[1][b]
		}
		if list == nil {
			missing = append(missing, b)
			continue
		}
		for _, ident := range list {
			if st.people[ident.Of] != nil {
				continue
			}
			t := m.people[0][ident.Of]
			if t == nil {
				t = m.people[1][ident.Of]
			}
			if t == nil || st.received-t.read > rememberFor || st.received < t.read {
				missing = append(missing, b)
				continue next
			}
			sub := *t // the batch changes its own copy
			sub.recalled = true
			for _, id := range sub.who.All() {
				st.people[id] = &sub
			}
		}
		st.idents[b] = list[:len(list):len(list)]
	}
	return missing, m.drops
}

// now is the count of drops so far.
func (m *memo) now() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.drops
}

// remember keeps who was read, unless they were dropped since.
func (m *memo) remember(found map[vault.Blind][]vault.Identifier, subjects []*subject, before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idents[0] == nil || len(m.idents[0]) > mostRemembered || len(m.people[0]) > mostRemembered {
		m.idents[1], m.people[1] = m.idents[0], m.people[0]
		m.idents[0], m.people[0] = map[vault.Blind][]vault.Identifier{}, map[person.ID]*subject{}
	}
	for b, list := range found {
		if before >= m.floor && max(m.dropped[0][b], m.dropped[1][b]) <= before {
			m.idents[0][b] = list
		}
	}
	for _, t := range subjects {
		for _, id := range t.who.All() {
			m.people[0][id] = t
		}
	}
}

// forget drops what a change made untrue.
func (m *memo) forget(people []person.ID, blinds []vault.Blind) {
	if len(people)+len(blinds) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dropped[0] == nil || len(m.dropped[0]) > mostRemembered {
		if m.dropped[1] != nil {
			m.floor = m.turned
		}
		m.dropped[1], m.dropped[0], m.turned = m.dropped[0], map[vault.Blind]uint64{}, m.drops
	}
	m.drops++
	for _, id := range people {
		delete(m.people[0], id)
		delete(m.people[1], id)
	}
	for _, b := range blinds {
		delete(m.idents[0], b)
		delete(m.idents[1], b)
		m.dropped[0][b] = m.drops
	}
}

// outdated lists whom and what the batch's change made untrue in memory.
func (st *state) outdated() (people []person.ID, blinds []vault.Blind) {
	of := func(id person.ID) {
		if sub := st.people[id]; sub != nil {
			people = append(people, sub.who.All()...)
		}
	}
	for i := range st.change.Put {
		if k := st.change.Put[i].Kind; k == vault.ChoiceRow || k == vault.ClaimRow {
			of(st.change.Put[i].Of)
		}
	}
	for _, j := range st.change.Joins {
		of(j.To)
	}
	blinds = append(blinds, st.shared...)
	for i := range st.change.Drop {
		of(st.change.Drop[i].Of)
	}
	for i := range st.change.Enrol {
		for _, ident := range st.change.Enrol[i].Identifiers {
			blinds = append(blinds, ident.Blind)
		}
	}
	for _, ident := range st.change.Identifiers {
		blinds = append(blinds, ident.Blind)
	}
	return people, blinds
}

// Holdings are what the gate remembers of people for a minute. See rights.Holder.
func (g *Gate) Holdings() []rights.Holding {
	return []rights.Holding{
		{Name: "the gate's memory", Keeps: "pseudonyms, keyed hashes of identifiers and heads of choices, for a minute", Forgets: rights.Deleted},
		{Name: "names as they were spelt", Keeps: "names of events and fields that the charter does not know, of nobody in particular, for a while", Forgets: rights.RunsOut},
	}
}

// Forget drops people from memory at once. What leads to them goes too.
func (g *Gate) Forget(people []person.ID) {
	m := &g.memo
	gone := make(map[person.ID]bool, len(people))
	for _, id := range people {
		gone[id] = true
	}
	var blinds []vault.Blind
	m.mu.RLock()
	for _, idents := range m.idents {
		for b, list := range idents {
			if slices.ContainsFunc(list, func(i vault.Identifier) bool { return gone[i.Of] }) {
				blinds = append(blinds, b)
			}
		}
	}
	m.mu.RUnlock()
	m.forget(people, blinds)
}
