package ledger

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// Store keeps the rows and the tree. Rows come to it inside the acts that cause them (vault.Change.Looks, the looks of
// vault.Store's reads), without a Number. Entry number n is record n-1 of the tree.
type Store interface {
	// Pending gives up to limit rows that have no Number yet, in the order in which they were committed.
	Pending(ctx context.Context, limit int) ([]Waiting, error)

	// Fold numbers the rows, adds the hashes and puts the head in the place of the former one, in one transaction.
	// It gives ErrMoved, and does nothing, when the highest Number kept is not f.First-1 or one of the rows is not pending.
	Fold(ctx context.Context, f Folding) error

	// Head gives the signed head as Fold left it, nil before the first Fold.
	Head(ctx context.Context) ([]byte, error)

	// Hashes gives the hashes at these indexes, in their order. One that is not there is an error.
	Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)

	// Rows gives up to limit numbered rows with Number ≥ from, by Number.
	Rows(ctx context.Context, from int64, limit int) ([]Row, error)

	// Receipts gives up to limit receipts with Number ≥ from, by Number, those that erasures have emptied too.
	Receipts(ctx context.Context, from int64, limit int) ([]Receipt, error)

	// Looks gives the latest rows of kind "look" at any of these pseudonyms and at populations, numbered or not, newest first.
	Looks(ctx context.Context, of []person.ID, limit int) ([]Row, error)
}

// Waiting is a row without a Number, by the store's own name for it.
type Waiting struct {
	ID  int64
	Row Row
}

// Folding is what one run of the sequencer adds to the tree. Rows have their Number, rising from First without a gap.
type Folding struct {
	First  int64
	Rows   []Waiting
	Hashes []HashAt
	Head   []byte
}

// HashAt is a hash of the tree at its index in the storage order of golang.org/x/mod/sumdb/tlog.
type HashAt struct {
	Index int64
	Hash  tlog.Hash
}

// The errors of this package.
var (
	ErrMoved = errors.New("somebody else folded rows into the ledger meanwhile: run it again")
	ErrTree  = errors.New("the ledger's tree does not agree with its signed head: run rapport ledger verify")
	ErrLook  = errors.New("a look needs an actor, a role, a purpose, a time, the names of what was read, and the key of whom it was at")
)
