package store

import (
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// versions remembers the versions of people between transactions, so that events of people who were seen a moment ago need no
// look-up. Only where this process is the database's only writer, and only for that one writer; nil remembers nothing.
type versions struct {
	of map[person.ID]int64
}

// mostVersions bounds what is remembered: some 20 MB.
const mostVersions = 400_000

// check gives those of seen that are not remembered. ErrStale when one is remembered to be another.
func (v *versions) check(seen []vault.Seen) (unsure []vault.Seen, err error) {
	if v == nil {
		return seen, nil
	}
	for i := range seen {
		switch version, ok := v.of[seen[i].Root]; {
		case !ok:
			unsure = append(unsure, seen[i])
		case version != seen[i].Version:
			return nil, vault.ErrStale
		}
	}
	return unsure, nil
}

// learn remembers what a transaction has read before it changed anything.
func (v *versions) learn(held map[person.ID]*root) {
	if v == nil {
		return
	}
	if len(v.of) > mostVersions {
		clear(v.of)
	}
	for id, r := range held {
		v.of[id] = r.version
	}
}

// forget is called before a transaction changes somebody's version.
func (v *versions) forget(ids []person.ID) {
	if v == nil {
		return
	}
	for _, id := range ids {
		delete(v.of, id)
	}
}

// doubt forgets everybody: before a transaction that changes versions of whom it does not name.
func (v *versions) doubt() {
	if v != nil {
		clear(v.of)
	}
}
