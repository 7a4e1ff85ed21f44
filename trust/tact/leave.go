package tact

import (
	"errors"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// The reasons why a permit for others than a decision is refused.
var (
	ErrTeam    = errors.New("the charter does not let this team see a person for this purpose: ask for a purpose that the charter gives the team")
	ErrPurpose = errors.New("the charter does not know this purpose: name one of its purposes")
	ErrChoice  = errors.New("people can say no to this purpose: judge each person first")
	ErrActor   = errors.New("a read needs to say who reads, of whom and until when")
)

// ForSelf is the person's own leave to everything that is kept about them, for their signed session or an export to them.
// Without a person or an end it is the zero Permit.
func ForSelf(who person.Person, charter int, expires person.Instant) Permit {
	if who.Root.IsZero() || expires <= 0 {
		return Permit{}
	}
	return Permit{kind: Self, who: who, purpose: "own", all: true, charter: charter, expires: expires}
}

// ForStaff is a member of staff's leave to read one person for one purpose: facts and events to which the charter in force gives that
// purpose, in the categories of their team. The purpose must be one that nobody can switch off (a contract, a law's duty), for no
// choice is looked at here; special categories are left out for the same reason.
func ForStaff(c *charter.Charter, team, actor, role, purpose string, who person.Person, expires person.Instant) (Permit, error) {
	if actor == "" || role == "" || who.Root.IsZero() || expires <= 0 {
		return Permit{}, ErrActor
	}
	if c == nil || c.Teams[team] == nil {
		return Permit{}, ErrTeam
	}
	t := c.Teams[team]
	p := c.Purposes[purpose]
	if p == nil {
		return Permit{}, ErrPurpose
	}
	if t.Sees != "person" || !contains(t.Purposes, purpose) {
		return Permit{}, ErrTeam
	}
	if p.Basis.Switchable() || p.Explicit {
		return Permit{}, ErrChoice
	}
	permit := Permit{
		kind: Staff, who: who, purpose: purpose, actor: actor, role: role, team: team,
		facts: map[string]bool{}, events: map[string]bool{}, charter: c.Position, expires: expires,
	}
	for name, d := range c.Data {
		if d.HasPurpose(purpose) && covers(t.Categories, d.Category) && !special(d) {
			permit.facts[name] = true
		}
	}
	for name, e := range c.Events {
		if e.HasPurpose(purpose) && covers(t.Categories, e.Category) {
			permit.events[name] = true
		}
	}
	return permit, nil
}

// ForJob is a job's leave to read a counted population for one purpose. Where people can say no to the purpose, or it asks for an
// explicit yes, it names what is looked at but opens nothing: each person is judged first (JudgeLearning), and that permit opens.
// filter says which people in words that anybody may read.
func ForJob(c *charter.Charter, actor, purpose string, count int, filter string, expires person.Instant) (Permit, error) {
	if actor == "" || filter == "" || count < 0 || expires <= 0 {
		return Permit{}, ErrActor
	}
	if c == nil || c.Purposes[purpose] == nil {
		return Permit{}, ErrPurpose
	}
	p := c.Purposes[purpose]
	permit := Permit{
		kind: Job, purpose: purpose, actor: actor, role: "job", count: count, filter: filter, shut: p.Basis.Switchable() || p.Explicit,
		facts: map[string]bool{}, events: map[string]bool{}, charter: c.Position, expires: expires,
	}
	for name, d := range c.Data {
		if d.HasPurpose(purpose) && !special(d) && !d.Protective && d.UsedAt("") {
			permit.facts[name] = true
		}
	}
	for name, e := range c.Events {
		if e.HasPurpose(purpose) {
			permit.events[name] = true
		}
	}
	return permit, nil
}

// ForLearning is ForJob for a purpose from which models may learn: the permit of the look. What may be opened is then judged person
// by person, with JudgeLearning.
func ForLearning(c *charter.Charter, actor, purpose string, count int, filter string, expires person.Instant) (Permit, error) {
	if c == nil || c.Purposes[purpose] == nil || !c.Purposes[purpose].Learns {
		return Permit{}, ErrPurpose
	}
	permit, err := ForJob(c, actor, purpose, count, filter, expires)
	permit.shut = true
	return permit, err
}

// ForObligation is the leave to take out of somebody's record, while they are forgotten, what a law obliges the brand to keep: facts and events to which the
// charter gives a purpose with that basis, and nothing else. It names the person and nobody sees what it opens.
func ForObligation(c *charter.Charter, who person.Person, expires person.Instant) (Permit, error) {
	if c == nil || who.Root.IsZero() || expires <= 0 {
		return Permit{}, ErrActor
	}
	p := Permit{kind: Job, who: who, purpose: "erasure", actor: "erasure", role: "job", count: 1, facts: map[string]bool{}, events: map[string]bool{}, charter: c.Position, expires: expires}
	for name, d := range c.Data {
		p.facts[name] = Obliged(c, d.Purposes) != ""
	}
	for name, e := range c.Events {
		p.events[name] = Obliged(c, e.Purposes) != ""
	}
	for i := range c.Sensitive {
		p.items = append(p.items, c.Sensitive[i].ID)
	}
	return p, nil
}

// Obliged gives the first of these purposes that a law obliges the brand to, empty when there is none.
func Obliged(c *charter.Charter, purposes []string) string {
	for _, n := range purposes {
		if p := c.Purposes[n]; p != nil && p.Basis == charter.LegalObligation {
			return n
		}
	}
	return ""
}

// ForRetained is the leave to open what is retained of forgotten people for one legal obligation of the charter: a look, like any other.
func ForRetained(c *charter.Charter, actor, role, purpose string, expires person.Instant) (Permit, error) {
	switch {
	case actor == "" || role == "" || expires <= 0:
		return Permit{}, ErrActor
	case c == nil || Obliged(c, []string{purpose}) == "":
		return Permit{}, ErrPurpose
	}
	return Permit{kind: Job, purpose: purpose, actor: actor, role: role, filter: "retained", shut: true, charter: c.Position, expires: expires}, nil
}

// covers says whether one of the categories is category or stands above it: user.contact covers user.contact.email, not user.contacts.
func covers(categories []string, category string) bool {
	for _, c := range categories {
		if c != "" && (category == c || strings.HasPrefix(category, c) && category[len(c)] == '.') {
			return true
		}
	}
	return false
}

// special says whether the datum needs an explicit yes.
func special(d *charter.Datum) bool {
	return d.Sensitivity == "special" || d.Condition == "explicit-consent"
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
