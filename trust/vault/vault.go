// Package vault seals what is about people, one data key for each pseudonym, and opens it for who has a permit.
//
// It promises: at rest nothing of a person can be read but pseudonym, kind, keyed row name and times; what was sealed
// for one person, kind, row and time opens as nothing else; no function gives a value without a tact.Permit that
// names the person; a head or value that cannot be opened never widens what may be used.
//
// It does not promise: to hide how many rows and events a person has and when they came; to protect against who can
// read both the keys folder and the database; that the expanded key of a pseudonym leaves the memory of the process
// before the garbage collector has passed (the raw key is wiped as soon as it has been expanded).
package vault

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// The errors of this package, beside those of the store's ports. None holds anything personal.
var (
	ErrKeys       = errors.New("the keys of this home cannot be used")
	ErrKeyService = errors.New("the key service did not answer what it was asked")
	ErrIdentifier = errors.New("that is no identifier: it is empty, longer than 512 bytes, not valid UTF-8 or not of its kind")
	ErrUnreadable = errors.New("this cannot be opened: it was changed, or its key is gone")
)

// Vault holds the keys of one home. It is safe for use by many goroutines.
type Vault struct {
	wrapping
	chain  atomic.Pointer[chain] // finds people by identifier
	names  *hasher               // names rows, streams' products, sightings
	events *hasher               // names events by their messageId
	tombs  *hasher               // marks identifiers of who was forgotten
	kept   *KeyRing              // seals what a law obliges to keep of them
	labels *hasher               // finds that again
	home   *KeyRing              // seals what is about no single person: looks at populations
	doors  []byte                // secret from which Secret derives
	signer string                // note signer of the ledger's tree
	verify string                // its public half
	rings  *rings
	region atomic.Pointer[string]
	fields sync.Map // *charter.Charter → nameTable
}

// Option changes how a vault is made or opened.
type Option func(*options)

type options struct {
	kms    tink.AEAD
	cached int
	region string
}

// KMS protects the key-encryption keyset by an external key service; without it the file's owner-only mode does.
func KMS(a tink.AEAD) Option { return func(o *options) { o.kms = a } }

// Cached bounds how many unwrapped data keys are kept in memory, about 1.4 KB each. The default is 16,384.
func Cached(n int) Option { return func(o *options) { o.cached = n } }

// Region is the country whose telephone numbers may come without a country code; empty: only digits are compared then.
func Region(country string) Option { return func(o *options) { o.region = country } }

// Create makes the folder keys/ in the folder home, readable by its owner only, with fresh keys, and opens it.
// It refuses when keys/ is there already.
func Create(home string, with ...Option) (*Vault, error) {
	o := gather(with)
	if err := createKeys(filepath.Join(home, "keys"), o.kms); err != nil {
		return nil, err
	}
	return Open(home, with...)
}

// Open reads the folder keys/ in the folder home. It refuses keys that anybody but their owner could read.
func Open(home string, with ...Option) (*Vault, error) {
	o := gather(with)
	k, err := readKeys(filepath.Join(home, "keys"), o.kms)
	if err != nil {
		return nil, err
	}
	v := &Vault{
		names:  newHasher(k.secrets["names"]),
		events: newHasher(k.secrets["events"]),
		doors:  k.secrets["doors"],
		signer: string(k.secrets["tree"]),
		verify: string(k.secrets["tree-public"]),
		rings:  newRings(o.cached),
	}
	v.wrapping.begin(home, o.kms, k)
	v.chain.Store(newChain(k.secrets["blind"], 0))
	if v.home, err = newRing(v, [16]byte{}, k.secrets["ledger"]); err != nil {
		return nil, err
	}
	v.tombs, v.labels = newHasher(expand(v.doors, "rapport tombstone")), newHasher(expand(v.doors, "rapport retained label"))
	if v.kept, err = newRing(v, [16]byte{}, expand(v.doors, "rapport retained")); err != nil {
		return nil, err
	}
	v.SetRegion(o.region)
	return v, nil
}

// SetRegion changes the country whose telephone numbers may come without a country code.
func (v *Vault) SetRegion(country string) { v.region.Store(&country) }

// Secret derives a 32-byte key for a door's own use (feedback tokens and the like); the same name gives the same key
// for as long as the home's keys live.
func (v *Vault) Secret(name string) []byte { return expand(v.doors, "rapport door "+name) }

// TreeKey is the key pair, in the note package's text form, by which the ledger's tree heads are signed and checked.
func (v *Vault) TreeKey() (signer, verifier string) { return v.signer, v.verify }

// Home is the key of the home itself: it seals looks at populations and makes their leaves.
func (v *Vault) Home() *KeyRing { return v.home }

func gather(with []Option) options {
	o := options{cached: 1 << 14}
	for _, w := range with {
		w(&o)
	}
	return o
}
