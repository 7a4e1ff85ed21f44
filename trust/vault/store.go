package vault

import (
	"context"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// Store keeps sealed rows. It never sees a value. Reads see one snapshot. Errors are ErrNotFound, ErrStale, ErrUnavailable
// (wrapped) or the context's; after any error nothing of the act has happened, except that a Commit that returned
// ErrUnavailable may yet be found done (retries are harmless: rows and frames carry their own identity).
type Store interface {
	// Find gives every identifier row of these blinds, in no order. Unknown ones are left out.
	Find(ctx context.Context, blinds []Blind) ([]Identifier, error)

	// Load gives everything about the person to whom id belongs (any of their pseudonyms), without receipts.
	// The looks, if any, are appended in the transaction of the read; when they cannot be, nothing is returned.
	Load(ctx context.Context, id person.ID, looks ...ledger.Row) (Loaded, error)

	// LoadBy is Load, without looks, of whom blinds lead to: choose is given every identifier row of theirs, as Find gives them, and names any
	// pseudonym of whom is meant, or nobody by a zero one: then it is ErrNotFound, as without blinds. The rows and the person are of one state. It may call
	// choose again for another state.
	LoadBy(ctx context.Context, blinds []Blind, choose func([]Identifier) person.ID) (Loaded, error)

	// Rows is Load without events, for acts that are about none: what was shown, an answer to a decision.
	Rows(ctx context.Context, id person.ID) (Loaded, error)

	// Gate gives, for each id in order, what the gate at collection needs: who, wrapped keys, version, and rows of the kinds
	// ChoiceRow, RestrictRow, SuppressedRow and ClaimRow; no frames. An unknown id gives a zero Loaded.
	Gate(ctx context.Context, ids []person.ID) ([]Loaded, error)

	// Each walks over everybody; the look at the population is appended in the transaction that reads the first of them. It stops at the first error of yield.
	// People who come or change meanwhile may or may not be seen.
	Each(ctx context.Context, look ledger.Row, yield func(Loaded) error) error

	// Receipts gives the person's receipts, newest first: at most limit of them, after the first from. The looks are appended as in Load.
	Receipts(ctx context.Context, id person.ID, from, limit int, looks ...ledger.Row) ([]Row, error)

	// Receipt gives one receipt by its key, and whose it is.
	Receipt(ctx context.Context, key Key, looks ...ledger.Row) (Row, Loaded, error)

	// Commit does the change whole and returns when it is synced to disk.
	Commit(ctx context.Context, c Change) error

	// Keep writes receipts through the group commit. With wait it returns when they are synced; without, within 100 ms they are.
	Keep(ctx context.Context, receipts []Row, wait bool) error

	// Intern gives the number of a stream, the same for ever; Streams gives all that are known.
	Intern(ctx context.Context, s Stream) (StreamID, error)
	Streams(ctx context.Context) (map[StreamID]Stream, error)
}
