// Package access knows who is at the door: machines by token, people by session, and which door is open to whom.
//
// It promises: a token or cookie is stored as a hash only, so the store's rows let nobody in; what is unknown, expired
// or revoked is refused from its revocation on in every process that shares the store, and within Staleness in one that has it
// alone and was not told (Keeper.Dropped); a door without a row in the table cannot be
// opened, because it cannot be registered. It does not judge what may be read behind a door: trust/tact does.
package access

import (
	"errors"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Role is what somebody may be at a door. The zero Role is nobody known: Anyone.
type Role string

// The roles.
const (
	Anyone   Role = ""         // nobody known: a door open to Anyone is open to all
	Source   Role = "source"   // a machine that sends messages; its token is the Segment write key
	Decide   Role = "decide"   // a machine that asks for decisions
	Marketer Role = "marketer" // sees cohorts, never people
	Agent    Role = "agent"    // sees one person at a time, for a purpose
	Privacy  Role = "privacy"  // answers people's requests
	Admin    Role = "admin"    // runs the home
	Partner  Role = "partner"  // asks agreed questions
	Customer Role = "customer" // a person in their own session
)

// Roles lists every role there is, for tables of doors × roles.
func Roles() []Role {
	return []Role{Anyone, Source, Decide, Marketer, Agent, Privacy, Admin, Partner, Customer}
}

// Mintable says whether tokens are made for this role: not for customers, who have sessions, and not for nobody.
func (r Role) Mintable() bool {
	switch r {
	case Source, Decide, Marketer, Agent, Privacy, Admin, Partner:
		return true
	}
	return false
}

// Staff says whether the role is a member of staff, who may have a session besides a token.
func (r Role) Staff() bool {
	switch r {
	case Marketer, Agent, Privacy, Admin:
		return true
	}
	return false
}

// Principal is who came: from a token or a session. The zero Principal is nobody known.
type Principal struct {
	Role       Role
	Name       string // of the token or the member of staff: the actor of looks. Empty for customers
	Team       string
	Source     string    // of a source's token: the charter's name of the source
	Placements []string  // of a decide token: where it may ask; none means nowhere
	Rate       float64   // requests per second, 0: the door's own limit
	MayExplain bool      // may see what was held and why
	MayAttest  bool      // its word that a person is signed in counts
	Person     person.ID // of a customer's session: a pseudonym of theirs
	Member     [32]byte  // of staff: who of them it is, whatever their name; of others nothing
	Cookie     bool      // came by cookie: changes need SameOrigin
	Unsure     bool      // the home cannot be asked now whether they still count: for them what a stranger gets
	Key        [32]byte  // hash of the token or session: for rate limits and revocation, opens nothing
}

// MayPlace says whether the principal may ask for decisions at this placement.
func (p Principal) MayPlace(placement string) bool {
	for _, n := range p.Placements {
		if n == placement {
			return true
		}
	}
	return false
}

// The errors of this package.
var (
	ErrUnauthorised = errors.New("this key or session is not known here, has run out or was revoked: ask for a new one")
	ErrRefused      = errors.New("this door is not for this role")
	ErrCrossSite    = errors.New("this change was asked for by another site: do it from the page itself")
	ErrUnsure       = errors.New("the store cannot say now whether this key still counts; it did when it was last asked")
	ErrToken        = errors.New("a token needs a role of source, decide, marketer, agent, privacy, admin or partner, and a name; a source's its source; a decide one its placements")
)

// Staleness is the longest time for which the only process of a home may still let in a token or session that was revoked without
// Keeper.Dropped.
const Staleness = time.Second
