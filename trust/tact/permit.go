package tact

import (
	"errors"
	"slices"

	"github.com/rapporthq/rapport/person"
)

// Permit is leave to read named values of one person, or of a counted population, for one purpose, for a short time.
// Only this package makes one that allows anything: the zero Permit allows nothing, and every port that returns a
// value takes a Permit and asks it. A Permit holds names and times, never values.
type Permit struct {
	kind    Kind
	who     person.Person   // zero for a population
	count   int             // how many people, for a population
	filter  string          // which people, for a population, in words
	purpose string          // charter's name of the purpose, or "own" for the person themselves
	actor   string          // who reads: staff name, job name; empty for an automated decision
	role    string          // in which role they read
	team    string          // their team, empty when none
	facts   map[string]bool // names of facts, for permits that come from no judgement
	events  map[string]bool // names of events, likewise
	items   []string        // ids of the charter's sensitive rules whose lines may be read besides
	all     bool            // the person themselves, or an export for them: everything
	shut    bool            // it names what a look covers and opens nothing: each person is judged first
	judged  bool            // it comes from a judgement: what passed is in heads, by place
	heads   *passed         // which heads passed
	charter int             // position of the charter that judged
	expires person.Instant
}

// passed remembers of each judged head whether it passed, and what it was called: a permit asked with other heads than
// were judged refuses.
type passed struct {
	facts, history       []person.Head
	factPass, eventsPass []bool
	fields               []string // names of which something passed, in any order
}

// Kind is why something is read.
type Kind uint8

// The kinds of permit. The zero kind permits nothing.
const (
	None     Kind = iota
	Decision      // an automated decision: leaves a receipt
	Staff         // a member of staff: a look
	Job           // a job over a population: a look
	Self          // the person, signed in
)

// ErrNoPermit says that a read came without leave, with leave for somebody else, or too late.
var ErrNoPermit = errors.New("this read has no permit: judge it first")

// Kind says why is being read.
func (p Permit) Kind() Kind { return p.kind }

// Purpose is what is read for.
func (p Permit) Purpose() string { return p.purpose }

// Actor is who reads: empty for an automated decision.
func (p Permit) Actor() string { return p.actor }

// Role is the role in which the actor reads.
func (p Permit) Role() string { return p.role }

// Team is the actor's team, empty when none.
func (p Permit) Team() string { return p.team }

// Charter is the position of the charter under which it was judged.
func (p Permit) Charter() int { return p.charter }

// Population is how many people and which, for a job.
func (p Permit) Population() (count int, filter string) { return p.count, p.filter }

// NeedsLook says whether a read under this permit must append a look in its own transaction.
func (p Permit) NeedsLook() bool { return p.kind == Staff || p.kind == Job }

// Check refuses the zero permit, an expired one, and one for somebody else. id is any pseudonym of the person read.
func (p Permit) Check(id person.ID, now person.Instant) error {
	if p.kind == None || now > p.expires || id.IsZero() {
		return ErrNoPermit
	}
	if p.kind == Job && !p.judged && p.who.Root.IsZero() {
		return nil // a population: what it opens is asked by name
	}
	if !p.who.Has(id) {
		return ErrNoPermit
	}
	return nil
}

// Fact says whether the i-th judged fact head, of this name, may be opened.
// For permits that come from no judgement over heads (staff, self, job) only the name counts.
func (p Permit) Fact(i int, name string) bool {
	switch {
	case p.kind == None || p.shut:
		return false
	case p.all:
		return true
	case p.judged:
		return p.heads != nil && i >= 0 && i < len(p.heads.factPass) && p.heads.factPass[i] && p.heads.facts[i].Name == name
	}
	return p.facts[name]
}

// Event says whether the i-th judged event head, of this name, may be opened.
func (p Permit) Event(i int, name string) bool {
	switch {
	case p.kind == None || p.shut:
		return false
	case p.all:
		return true
	case p.judged:
		return p.heads != nil && i >= 0 && i < len(p.heads.eventsPass) && p.heads.eventsPass[i] && p.heads.history[i].Name == name
	}
	return p.events[name]
}

// Sensitive says whether lines about items marked by this sensitive rule may be read.
func (p Permit) Sensitive(rule string) bool {
	return p.kind != None && !p.shut && (p.all || contains(p.items, rule))
}

// Fields lists the names that may be read, sorted: what a look records.
func (p Permit) Fields() []string {
	switch {
	case p.kind == None:
		return nil
	case p.all:
		return []string{"everything"}
	case p.judged:
		if p.heads == nil {
			return nil
		}
		names := slices.Clone(p.heads.fields)
		slices.Sort(names)
		return slices.Compact(names)
	}
	var names []string
	for n := range p.facts {
		names = append(names, n)
	}
	for n := range p.events {
		if !p.facts[n] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Retained says whether what is retained of forgotten people may be opened, for the permit's purpose.
func (p Permit) Retained(now person.Instant) bool {
	return p.kind == Job && p.shut && p.filter == "retained" && now <= p.expires
}
