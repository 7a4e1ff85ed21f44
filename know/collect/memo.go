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
// judged again by what the store says. It holds what the gate may know of people: keys to seal with, heads of choices, no
// values. What it holds is used for a while only, and it is bounded. All of it lies in a few large pieces without a
// pointer in them, so that the collector of garbage has nothing to look through, and what is dropped is overwritten.
type memo struct {
	most    int // people and identifiers of one generation
	mu      sync.RWMutex
	ages    [2]age                    // the younger generation and the older
	words   words                     // the charters' names, which records speak of by number
	dropped [2]map[vault.Blind]uint64 // when, by drops, a blind or a pseudonym was last dropped: what was read before that is not kept
	drops   uint64
	turned  uint64 // drops when the younger generation of dropped began
	floor   uint64 // drops up to here may be forgotten: what was read before is not kept
}

// age is one generation: where the records lie of what leads to people, and of people by each of their pseudonyms.
type age struct {
	idents map[vault.Blind]spot
	people map[person.ID]spot
	arena  arena
}

const (
	mostRemembered = 1 << 18        // a gate's memo.most
	mostArena      = 48 << 20       // bytes of one generation's records: with the maps some 75 MB
	rememberFor    = 60 * 1_000_000 // microseconds, where other processes write too
	rememberAlone  = 10 * rememberFor
)

// errDoubt says that something would be refused by what is remembered: it must be read again first.
var errDoubt = errors.New("judged by memory")

// recall fills in whom it remembers since a time, and gives the blinds that must be looked up, and the count of drops before that.
func (m *memo) recall(st *state, blinds []vault.Blind, since person.Instant) ([]vault.Blind, uint64) {
	missing := blinds[:0:0]
	m.mu.RLock()
	defer m.mu.RUnlock()
next:
	for _, b := range blinds {
		list := m.leads(st, b)
		if list == nil {
			missing = append(missing, b)
			continue
		}
		for i := range list {
			if st.people[list[i].Of] != nil {
				continue
			}
			sub := m.person(st, list[i].Of)
			if sub == nil || sub.read < since || sub.read > st.received {
				missing = append(missing, b)
				continue next
			}
			sub.recalled = true
			st.people[sub.who.Root] = sub
			for i := range sub.who.Also {
				st.people[sub.who.Also[i].ID] = sub
			}
		}
		st.idents[b] = list
	}
	return missing, m.drops
}

// leads is where a blind leads, nil when that is not remembered.
func (m *memo) leads(st *state, b vault.Blind) []vault.Identifier {
	for i := range m.ages {
		if at, ok := m.ages[i].idents[b]; ok {
			return decodeIdents(st, b, m.ages[i].arena.record(at))
		}
	}
	return nil
}

// person is who is remembered by a pseudonym: the batch's own, nil for nobody.
func (m *memo) person(st *state, id person.ID) *subject {
	for i := range m.ages {
		if at, ok := m.ages[i].people[id]; ok {
			if sub := m.words.decode(st, m.ages[i].arena.record(at)); sub.who.Has(id) {
				return sub
			}
			return nil // overwritten: they were split, or one of their pseudonyms was dropped
		}
	}
	return nil
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
	if before < m.floor {
		return
	}
	young := &m.ages[0]
	if young.idents == nil || len(young.idents) > m.most || len(young.people) > m.most || young.arena.size() > mostArena {
		m.ages[0], m.ages[1] = m.ages[1], m.ages[0]
		young.begin()
	}
	stays := func(b vault.Blind) bool { return max(m.dropped[0][b], m.dropped[1][b]) <= before }
	var buf []byte
	defer func() { clear(buf[:cap(buf)]) }()
	for b, list := range found {
		if !stays(b) {
			continue
		}
		buf = encodeIdents(buf[:0], list)
		young.idents[b] = young.arena.put(young.idents[b], buf)
	}
next:
	for _, t := range subjects {
		for _, id := range t.who.All() {
			if !stays(vault.Blind(id)) {
				continue next
			}
		}
		var ok bool
		if buf, ok = m.words.encode(buf[:0], t); !ok {
			continue
		}
		at := young.arena.put(young.people[t.who.Root], buf)
		for _, id := range t.who.All() {
			young.people[id] = at
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
	if m.dropped[0] == nil || len(m.dropped[0]) > m.most {
		if m.dropped[1] != nil {
			m.floor = m.turned
		}
		m.dropped[1], m.dropped[0], m.turned = m.dropped[0], map[vault.Blind]uint64{}, m.drops
	}
	m.drops++
	for _, id := range people {
		for i := range m.ages {
			if at, ok := m.ages[i].people[id]; ok {
				m.ages[i].arena.wipe(at)
				delete(m.ages[i].people, id)
			}
		}
		m.dropped[0][vault.Blind(id)] = m.drops
	}
	for _, b := range blinds {
		for i := range m.ages {
			if at, ok := m.ages[i].idents[b]; ok {
				m.ages[i].arena.wipe(at)
				delete(m.ages[i].idents, b)
			}
		}
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

// Holdings are what the gate remembers of people for a while. See rights.Holder.
func (g *Gate) Holdings() []rights.Holding {
	return []rights.Holding{
		{Name: "the gate's memory", Keeps: "pseudonyms, their keys, keyed hashes of identifiers and heads of choices, used for ten minutes at most", Forgets: rights.Deleted},
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
	var st state // for its room
	m.mu.RLock()
	for i := range m.ages {
		for b, at := range m.ages[i].idents {
			list := decodeIdents(&st, b, m.ages[i].arena.record(at))
			if slices.ContainsFunc(list, func(n vault.Identifier) bool { return gone[n.Of] }) {
				blinds = append(blinds, b)
			}
			st.identifiers.end(func(*vault.Identifier) {})
		}
	}
	m.mu.RUnlock()
	m.forget(people, blinds)
}
