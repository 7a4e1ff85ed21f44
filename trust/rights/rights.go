// Package rights forgets people, and says so under the home's signature.
//
// It promises: when Erase returns, the person's keys are destroyed, nothing that was kept about them can be found, opened or added to, and
// every Holder has let go of them; an erasure that was cut off at any point goes on where it was, and its certificate is issued once. What a law obliges
// the brand to keep is sealed under another key, and is listed with its end. What stays besides is a tombstone for each of their identifiers.
//
// It does not promise that the bytes are gone from the database's pages when Erase returns: Rewrite does that, on SQLite, and a certificate says
// when. On PostgreSQL, in backups and in copies that somebody took, what is left is unreadable, not absent.
package rights

import (
	"context"
	"errors"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Holding is one place where something about people is kept: a table, a file, a cache.
type Holding struct {
	Name    string // "receipts"
	Keeps   string // what of people is in it, in words for a certificate
	Table   string // of the database; empty for what is in memory only
	Column  string // the column that names a pseudonym; empty where it is found in another way
	Forgets string // how it lets go: one of the ways below
}

// The ways in which a Holding lets go.
const (
	Deleted     = "deleted"
	Emptied     = "emptied"     // the row stays without the person
	Overwritten = "overwritten" // where it lies
	RunsOut     = "runs out"    // by itself, and it names nobody whom a thief could find
	Stays       = "stays"       // what is left on purpose: it is named on the certificate
)

// Holder is whoever keeps something about people. Each declares all of it: a test finds tables and caches that nobody declares.
type Holder interface {
	Holdings() []Holding
	// Forget lets go of everything that is kept in memory about these pseudonyms, at once. What is in the database is let go of by the Store.
	Forget(people []person.ID)
}

// Account makes the ledger's row of an erasure from the numbers of the looks that lose their person, and of the receipts that are emptied.
type Account func(looks, receipts []int64) (ledger.Row, error)

// Forgetting is the first act of an erasure: what is destroyed, and what is kept of it.
type Forgetting struct {
	ID         [16]byte // random
	At         person.Instant
	People     []person.ID      // every pseudonym of one person
	Seen       []vault.Seen     // the version by which these are all; nil: not asked
	Sightings  []vault.Sighting // what the person is called among sightings of products
	Claims     []vault.Key      // under which browsers claimed to be the person, whichever device they are of
	Tombstones func([]vault.Blind) []vault.Tombstone
	Retained   func([]vault.Blind) []vault.Retained
	Entry      Account
	// Draft makes, with Tombstones and Retained, what is kept of the erasure. nil: it was done before, and what stays of it is there.
	// It is kept until the certificate is issued.
	Draft func(gone Gone, stones []vault.Tombstone, kept []vault.Retained, entry ledger.Row) ([]byte, error)
}

// Gone counts what went, by holding.
type Gone map[string]int

// Pending is an erasure whose certificate is not issued yet.
type Pending struct {
	ID    [16]byte
	Begun person.Instant
	Draft []byte
}

// Store is the database's part.
type Store interface {
	Find(ctx context.Context, blinds []vault.Blind) ([]vault.Identifier, error)
	Load(ctx context.Context, id person.ID, looks ...ledger.Row) (vault.Loaded, error)
	Commit(ctx context.Context, c vault.Change) error
	// ForgetPerson destroys the keys and removes all rows about a person in one synced transaction. It gives the hashes of the sessions that went.
	// ErrStale when the person was changed meanwhile, ErrUnnumbered when a look at them has no place in the ledger yet.
	ForgetPerson(ctx context.Context, f Forgetting) (sessions [][32]byte, err error)
	// Clear removes the events of everybody who was forgotten, wherever they are, and what was being written about them by others when they were. It may
	// be called at any time, and again. entry makes the ledger's row for looks that were under way; ErrUnnumbered when they have no place yet.
	Clear(ctx context.Context, entry Account) error
	// Unfinished gives the erasures whose certificate is not issued.
	Unfinished(ctx context.Context) ([]Pending, error)
	// Issue keeps a certificate, unless one is kept already: then that one stays. Certificate gives it, ErrNotFound when there is none yet.
	Issue(ctx context.Context, id [16]byte, at person.Instant, certificate []byte) error
	Certificate(ctx context.Context, id [16]byte) ([]byte, error)
	// Rewrite leaves nothing of what was removed in the files, where the store has files of its own.
	Rewrite(ctx context.Context) error
	// Tombstoned says which of these marks stay of somebody, and since when.
	Tombstoned(ctx context.Context, stones []vault.Tombstone) (map[vault.Tombstone]person.Instant, error)
}

// The errors of this package, beside the store's.
var (
	ErrUnnumbered  = errors.New("a look at this person has no place in the ledger yet: try again in a second")
	ErrCertificate = errors.New("this is no certificate of erasure, or it was changed, or another home signed it")
)
