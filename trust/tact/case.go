// Package tact decides what may be used about a person, here and for this, and what would be welcome. Judge sees heads of
// facts and events, never values, and gives a Permit: the only key to the values.
//
// It promises that nothing passes which a rule of the charter or a choice of the person holds back, and that the reasons are given
// in one fixed order. It does not read values, clocks or stores, and does not choose what is shown.
package tact

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/relationship"
)

// Case is one question to Judge: may these be used for this person at this placement now? Judge changes nothing in it.
type Case struct {
	Series     *charter.Series  // for the words under which things came; without it only the charter in force is known
	Charter    *charter.Charter // in force
	Placement  *charter.Placement
	Moment     person.Moment
	Who        person.Person
	Facts      []person.Head
	History    []person.Head
	Choices    []consent.Choice
	Restricted bool // the person restricted all use
	Feedback   []person.Feedback
	Complaints []person.Complaint
}

// Reason is why something is held back. The empty Reason is that it passed.
type Reason string

// The reasons, in the order in which they are looked for: the first that applies is the one that is given.
const (
	Restricted   Reason = "restricted"    // the person restricted all use
	NotChartered Reason = "not-chartered" // the charter in force does not name it, or not as learnt in this way
	Purpose      Reason = "purpose"       // the charter does not give it the placement's purpose, or did not when it came
	Permission   Reason = "permission"    // the person's standing does not allow the purpose, or its source may not serve it
	Expired      Reason = "expired"       // it is kept for longer than the charter says
	Doubtful     Reason = "doubtful"      // it is not sure enough, or only claimed
	Sensitive    Reason = "sensitive"     // it is of a special category and there is no explicit yes
	TooSoon      Reason = "too-soon"      // the relationship is not there yet
	Surprising   Reason = "surprising"    // "how do they know that?"
	NoBenefit    Reason = "no-benefit"    // the charter names nothing that the person has from it
)

// Hold is one line of what was held back: a name, a reason, and how many heads of that name.
type Hold struct {
	Name       string
	Event      bool
	Reason     Reason
	Count      int
	Protective bool   // a protective fact: shown to the person and the privacy team only
	Purpose    string // for which it was held: the placement's, or a protective fact's own
	Because    string // for permission: the standing's word (see consent), empty when the source may not serve the purpose
}

// Judgement is the answer to a Case. The zero Judgement permits nothing.
type Judgement struct {
	Standing consent.Standing      // for the placement's purpose, at the moment and by the server's clock
	Level    relationship.Standing // from what passed, and from choices, feedback and complaints; for learning none
	Holds    []Hold                // what this placement could have used, and why it may not; in a fixed order
	Apart    []Hold                // what is no business of this placement: the charter in force does not give it the purpose
	Permit   Permit

	// Protective says of a protective fact's name whether it may be read. False is doubt: everything that its rules could remove
	// is removed. A name that is not there has no fact, or the person gave no leave to use it: it plays no part.
	Protective map[string]bool

	FactReasons    []Reason // for each of Case.Facts; "" when it passed. A protective fact that passed may be read for its rules only
	HistoryReasons []Reason // for each of Case.History; "" when it passed
}
