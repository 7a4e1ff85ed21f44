// Package ledger is the append-only, tamper-evident log of looks at personal data.
//
// It promises: a look that was committed with its read is found by Verify, in its place, unchanged, or Verify says
// which entry is wrong. It does not promise to notice a read that never told it: ports that read values do that.
package ledger

import "github.com/rapporthq/rapport/person"

// Look is one access to personal data by staff, a job or a partner. Automated decisions leave a receipt instead.
type Look struct {
	Of      person.ID // root pseudonym of the person; zero for a population
	At      person.Instant
	Actor   string // staff or job name, never a customer's
	Role    string
	Team    string
	Purpose string
	Reason  string   // in the actor's words: sealed under the person's key at rest
	Fields  []string // names of what was read
	Count   int      // people covered: 1, or the size of the population
	Filter  string   // which population, in words; empty for one person
}

// Row is a look as the store keeps it: everything but the link to the person and the reason stays readable for ever.
type Row struct {
	Number  int64 // order in the ledger, given by the sequencer; 0 before
	Of      person.ID
	At      person.Instant
	Kind    string // "look", "receipts", "erasure", "charter", …
	Actor   string
	Role    string
	Team    string
	Purpose string
	Fields  string // names, comma-separated
	Count   int
	Filter  string
	Reason  []byte   // sealed
	Leaf    [32]byte // keyed hash of the row under the person's own key (the home's for a population)
}
