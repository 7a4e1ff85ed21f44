package tact

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// ForExplain is leave to read accounts of decisions about one person, and no fact and no event: for a token that may explain, and for
// the privacy team. It is a look. The purpose must be one of the charter's.
func ForExplain(c *charter.Charter, actor, role, team, purpose string, who person.Person, expires person.Instant) (Permit, error) {
	if actor == "" || role == "" || who.Root.IsZero() || expires <= 0 {
		return Permit{}, ErrActor
	}
	if c == nil || c.Purposes[purpose] == nil {
		return Permit{}, ErrPurpose
	}
	return Permit{
		kind: Staff, who: who, purpose: purpose, actor: actor, role: role, team: team,
		facts: map[string]bool{}, events: map[string]bool{}, charter: c.Position, expires: expires,
	}, nil
}
