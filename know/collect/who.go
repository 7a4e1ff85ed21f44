package collect

import (
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// Whose message is it. Users have a pseudonym of their own, found by userId; a device has one for each session. A
// session ends when somebody verifiably signs in on it: its pseudonym is joined to that user, and what comes later
// belongs to the next session, whose pseudonym is made when something of it is kept.

// mostSessions bounds how many sessions one device is given. A device that so many people sign in on, such as a till
// with a fixed anonymousId, tells nothing about who sat there before.
const mostSessions = 256

// place is where a message belongs: one pseudonym of one person.
type place struct {
	sub *subject
	id  person.ID
}

// newcomer is a pseudonym made in this batch; it enters the change when something of it is kept.
type newcomer struct {
	enrolment vault.Enrolment
	at        int // place in Change.Enrol plus one; 0 while it is not there
}

// enrol makes a pseudonym to which the identifier leads.
func (st *state) enrol(ident vault.Identifier) (place, error) {
	e, ring, err := st.g.parts.Vault.Enrol(st.received)
	if err != nil {
		return place{}, err
	}
	ident.Of = e.ID
	e.Identifiers = []vault.Identifier{ident}
	sub := &subject{who: person.Person{Root: e.ID}, rings: map[person.ID]*vault.KeyRing{e.ID: ring}}
	st.people[e.ID] = sub
	st.new[e.ID] = &newcomer{enrolment: e}
	st.came = append(st.came, ident)
	st.lead(ident)
	return place{sub, e.ID}, nil
}

// leave forgets newcomers of whom the request that brought them has left nothing: the next request is to find them as unknown as the store has them.
func (st *state) leave() {
	for _, ident := range st.came {
		if st.onDisk(ident.Of) {
			continue
		}
		delete(st.new, ident.Of)
		delete(st.people, ident.Of)
		st.idents[ident.Blind] = slices.DeleteFunc(slices.Clone(st.idents[ident.Blind]), func(n vault.Identifier) bool { return n.Of == ident.Of })
	}
	st.came = st.came[:0]
}

// lead adds an identifier to what the batch knows, device sessions in the order of their beginnings.
func (st *state) lead(ident vault.Identifier) {
	known := st.idents[ident.Blind]
	list := append(known[:len(known):len(known)], ident)
	slices.SortFunc(list, func(a, b vault.Identifier) int {
		switch {
		case a.Since < b.Since:
			return -1
		case a.Since > b.Since:
			return 1
		}
		return 0
	})
	st.idents[ident.Blind] = list
}

// keep says that something of this place will be kept: a new pseudonym enters the change, somebody known is marked
// with the version by which they were judged.
func (st *state) keep(p place) {
	if n := st.new[p.id]; n != nil && n.at == 0 {
		st.change.Enrol = append(st.change.Enrol, n.enrolment)
		n.at = len(st.change.Enrol)
	}
	if !p.sub.noted {
		st.change.Seen = append(st.change.Seen, p.sub.seen...)
		p.sub.noted = true
	}
}

// onDisk says whether the pseudonym is kept, from before or by this change.
func (st *state) onDisk(id person.ID) bool {
	n := st.new[id]
	return n == nil || n.at != 0
}

// whole gives the person behind an identifier; ok is false when they cannot be loaded.
func (st *state) whole(ident vault.Identifier) (place, bool) {
	sub := st.people[ident.Of]
	return place{sub, ident.Of}, sub != nil
}

// named is the place of an identifier that has no sessions: a user, or a claimed one.
func (st *state) named(blind vault.Blind, verified bool) (place, bool, error) {
	if list := st.idents[blind]; len(list) > 0 {
		p, ok := st.whole(list[0])
		return p, ok, nil
	}
	p, err := st.enrol(vault.Identifier{Blind: blind, Verified: verified})
	return p, err == nil, err
}

// session gives the session of a device to which a time belongs, and whether it is the last one.
func session(list []vault.Identifier, t person.Instant) (ident vault.Identifier, last bool) {
	i := len(list) - 1
	for i > 0 && list[i].Since > t {
		i--
	}
	return list[i], i == len(list)-1
}

// device is the place of what a device did at a time while nobody was verifiably signed in.
func (st *state) device(blind vault.Blind, t person.Instant) (place, bool, error) {
	list := st.idents[blind]
	if len(list) == 0 {
		p, err := st.enrol(vault.Identifier{Blind: blind, Verified: st.plan.server})
		return p, err == nil, err
	}
	ident, last := session(list, t)
	p, ok := st.whole(ident)
	if !ok {
		return p, false, nil
	}
	if at, joined := p.sub.joinedAt(p.id); joined && last && at < t {
		p, err := st.enrol(vault.Identifier{Blind: blind, Since: max(at, ident.Since) + 1, Verified: st.plan.server})
		return p, err == nil, err
	}
	return p, true, nil
}

// signIn is a verified sign-in of a user on a device: the session's pseudonym is joined to the user, unless it is
// somebody else's, or a browser said in it that it is. create says that a pseudonym may be made for a session of which
// nothing is known yet, so that what comes late finds its way.
func (st *state) signIn(user place, userBlind, device vault.Blind, t person.Instant, why string, create bool) error {
	list := st.idents[device]
	var since person.Instant
	if len(list) > 0 {
		ident, last := session(list, t)
		d, ok := st.whole(ident)
		if !ok || d.sub == user.sub {
			return nil
		}
		create = create && last && len(list) < mostSessions
		switch at, joined := d.sub.joinedAt(d.id); {
		case d.sub.alone(d.id) && !st.users[d.id]:
			if !d.sub.claimsOther(st.g.parts.Vault, d.id, userBlind) && !st.different(d.sub, user.sub) {
				st.join(user, d, t, why)
				return nil
			}
			if create {
				// What this session holds stays nobody's; what comes from now on must not be added to it.
				p, err := st.enrol(vault.Identifier{Blind: device, Since: max(t, ident.Since) + 1, Verified: true})
				if err == nil {
					st.keep(p)
				}
				return err
			}
			return nil
		case joined && at < t && last:
			since = max(at, ident.Since) + 1 // that session ended: this sign-in belongs to the one after it
		default:
			return nil
		}
	}
	if !create {
		return nil
	}
	d, err := st.enrol(vault.Identifier{Blind: device, Since: since, Verified: true})
	if err != nil {
		return err
	}
	st.join(user, d, t, why)
	return nil
}

// join brings the session d, which is nobody else's, to the user. It hangs on the user's own pseudonym, so that it leaves with it in a split.
func (st *state) join(user, d place, at person.Instant, why string) {
	st.keep(user)
	st.keep(d)
	j := vault.Join{ID: d.id, To: user.id, At: at, Why: why}
	st.change.Joins = append(st.change.Joins, j)
	st.unite(d.sub, user.sub, j)
}

// whose gives the place of a message and does what its identifiers imply. On a verified sign-in create says whether
// the session may be made when nothing is known of it.
func (st *state) whose(n *notes) (place, bool, error) {
	switch {
	case n.hasUser && st.plan.server:
		return st.named(n.user, true)
	case n.hasDevice:
		return st.device(n.device, n.at)
	case n.hasUser:
		return st.named(n.claimed, false)
	}
	return place{}, false, nil
}
