package vault

import (
	"bytes"
	"context"
	"errors"

	"github.com/rapporthq/rapport/person"
)

// PairState is what is said of two pseudonyms: that they may be one person's, or what a steward decided.
type PairState string

// The states of a Pairing.
const (
	Proposed  PairState = "proposed"  // a match found them; nobody has decided
	Matched   PairState = "matched"   // a match found them sure and joined them; what a steward says of them counts more
	Same      PairState = "same"      // a steward said that they are one person's
	Different PairState = "different" // a steward said that they are not: no join ever brings them together
)

// Pairing is two pseudonyms that may be one person's, and what was said of it. It holds no value of anybody's.
type Pairing struct {
	A, B    person.ID
	State   PairState
	Score   float64 // log2 odds that they are one person's, kept to a thousandth
	Weights []byte  // what each field adds to the score, as JSON: names and numbers
	By      string  // who decided: a name of staff; empty where a match did
	At      person.Instant
}

// Ordered is the pairing with the lower pseudonym first, as it is kept.
func (p Pairing) Ordered() Pairing {
	if bytes.Compare(p.A[:], p.B[:]) > 0 {
		p.A, p.B = p.B, p.A
	}
	return p
}

// Pairings is what the store knows of pairs. They are written by Change.Pairings.
type Pairings interface {
	// Pairings lists the pairs in a state, the highest score first, at most limit of them after the first from.
	Pairings(ctx context.Context, state PairState, from, limit int) ([]Pairing, error)

	// PairingsOf lists what is said of any of these pseudonyms, in the order of A and B.
	PairingsOf(ctx context.Context, ids []person.ID) ([]Pairing, error)

	// DropProposals removes the pairs that are proposed and were so before a time: what a later match did not find again.
	DropProposals(ctx context.Context, before person.Instant) error
}

// Decided says that a steward said so.
func (s PairState) Decided() bool { return s == Same || s == Different }

// The refusals of a Change that would go against what a steward said. Nothing of the act has happened.
var (
	ErrDifferent = errors.New("a steward said that these are different people: they are not joined")
	ErrTogether  = errors.New("these are one person: split them in the same act, or before")
)

// Bearer is one more person who was seen, verified, with a value to which a bond belongs.
type Bearer struct {
	Bond   Bond
	Of     person.ID
	At     person.Instant
	Source string
	First  bool // the change joins them by it, and nobody was before: the link says so, and needs no row beside it
	Led    int  // how many people were seen to have it, when this was judged
	Most   int  // how many people the charter lets such a value join: with one more, every link that it made becomes doubtful
}

// Bond is the random name of a value that may join people. The zero Bond joins nobody.
type Bond [16]byte

// NewBond draws a fresh bond.
func NewBond() Bond { return Bond(randomID()) }

// IsZero says that there is none.
func (b Bond) IsZero() bool { return b == Bond{} }
