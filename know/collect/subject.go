package collect

import (
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// subject is one person as a batch sees them: as they were loaded, with what the batch has changed so far.
type subject struct {
	who        person.Person
	sealings   []*vault.Sealing // one, or several once they were joined in this batch; none for somebody new
	choices    []consent.Choice
	claims     []vault.Claim
	restricted bool
	seen       []vault.Seen // by which versions they are judged
	noted      bool         // seen is in the change
	read       person.Instant
	recalled   bool // from memory, not from the store
	welcome    bool // chose in this batch to come back
	rings      map[person.ID]*vault.KeyRing
	stands     []stood // answers of consent.Of, until something changes
}

type standing struct {
	purpose string
	device  person.ID
	by      person.ID // whose standing, where a link is doubtful
	late    bool
}

// stood is an answer of consent.Of; a person has so few that looking through them is the quickest.
type stood struct {
	standing
	may bool
}

func (s *subject) stood(k standing) (may, known bool) {
	for i := range s.stands {
		if s.stands[i].standing == k {
			return s.stands[i].may, true
		}
	}
	return false, false
}

func (s *subject) changed() { s.stands = nil }

// ring is the data key of one of the person's pseudonyms, nil when it cannot be unwrapped.
func (s *subject) ring(id person.ID) *vault.KeyRing {
	if k := s.rings[id]; k != nil {
		return k
	}
	for _, r := range s.sealings {
		if k := r.Ring(id); k != nil {
			return k
		}
	}
	return nil
}

// suppressed says whether the person removed or corrected this fact.
func (s *subject) suppressed(name string) bool {
	if s.welcome && name == vault.Everything {
		return false
	}
	for _, r := range s.sealings {
		if r.Suppressed(name) {
			return true
		}
	}
	return false
}

// alone says whether the person is nothing but this pseudonym.
func (s *subject) alone(id person.ID) bool { return s.who.Root == id && len(s.who.Also) == 0 }

// joinedAt is when the pseudonym was brought to the person; ok is false when it was never brought to anybody.
func (s *subject) joinedAt(id person.ID) (at person.Instant, ok bool) {
	for _, j := range s.who.Also {
		if j.ID == id {
			return j.At, true
		}
	}
	return 0, false
}

// claimsOther says whether a browser claimed, under this pseudonym, to be another user than this one.
func (s *subject) claimsOther(v *vault.Vault, id person.ID, user vault.Blind) bool {
	for _, c := range s.claims {
		if c.Of == id && c.Kind == vault.UserID && !v.SameBlind(c.Blind, user) {
			return true
		}
	}
	return false
}

func (s *subject) claimed(v *vault.Vault, id person.ID, user vault.Blind) bool {
	for _, c := range s.claims {
		if c.Of == id && c.Kind == vault.UserID && v.SameBlind(c.Blind, user) {
			return true
		}
	}
	return false
}

// inForce is the pseudonym's own latest answer to the purpose at a time; signals are not counted.
func (s *subject) inForce(id person.ID, purpose string, verified bool, at person.Instant) consent.Answer {
	var last person.Instant
	answer := consent.Unanswered
	for i := range s.choices {
		c := &s.choices[i]
		if c.Of != id || c.Purpose != purpose || c.Signal || c.Verified != verified || c.At > at || c.Answer == consent.Unanswered {
			continue
		}
		if answer == consent.Unanswered || c.At > last || (c.At == last && c.Answer == consent.No) {
			last, answer = c.At, c.Answer
		}
	}
	return answer
}

func (s *subject) signalled(id person.ID, purpose string) bool {
	for i := range s.choices {
		if c := &s.choices[i]; c.Of == id && c.Signal && c.Purpose == purpose && c.Answer == consent.No {
			return true
		}
	}
	return false
}

// permits says whether one of these purposes stands for the person now. own are the answers that came with the
// message itself: a no among them acts at once, whoever says it.
func (st *state) permits(p place, at person.Instant, purposes []string, m person.Moment) bool {
	for _, purpose := range purposes {
		if st.permitsOne(p, at, purpose, m) {
			return true
		}
	}
	st.doubts(p)
	return false
}

// doubts notes that somebody is about to be refused something by memory's word: it stands only if the store says the same.
func (st *state) doubts(p place) {
	if p.sub.recalled && !p.sub.noted {
		st.doubted = append(st.doubted, p.sub)
	}
}

// checkDoubted has the commit check the versions of those who were refused something by memory, as it does for those of whom
// something is kept: when one is older than the store's, the batch is judged again by what the store says.
func (st *state) checkDoubted() {
	for _, sub := range st.doubted {
		if !sub.noted {
			st.change.Seen = append(st.change.Seen, sub.seen...)
			sub.noted = true
		}
	}
}

func (st *state) permitsOne(p place, at person.Instant, purpose string, m person.Moment) bool {
	// What a device did before somebody signed in on it may come after that. It is judged as it would have been in
	// time, by what its session said for itself, unless the person says no.
	joined, ok := p.sub.joinedAt(p.id)
	key := standing{purpose: purpose, device: m.Device, late: ok && at <= joined && m.Device == p.id}
	who := p.sub.who
	if who.Doubted() {
		who.By, key.by = p.id, p.id
	}
	stands, known := p.sub.stood(key)
	if !known {
		s := consent.Of(st.charter, purpose, who, p.sub.choices, m, m.Now)
		stands = s.Allowed
		if !stands && key.late && s.Answer == consent.Unanswered {
			stands = consent.Of(st.charter, purpose, person.Person{Root: p.id}, p.sub.choices, m, m.Now).Allowed
		}
		stands = stands && !(p.sub.restricted && s.Switchable)
		if p.sub.stands == nil {
			p.sub.stands = st.answers.take(4)[:0]
		}
		p.sub.stands = append(p.sub.stands, stood{key, stands})
	}
	if !stands {
		return false
	}
	for _, o := range st.own {
		if o.purpose == purpose && o.answer == consent.No {
			c := st.charter.Purposes[purpose]
			return c != nil && !c.Basis.Switchable() && !c.Explicit
		}
	}
	return true
}
