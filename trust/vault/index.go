package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
)

// chain is the keys of the index of identifiers, the first first. A blind of one generation is made of that of the generation before, so that an index can be brought
// to a new key although nobody keeps the identifiers. The old keys stay, and are no secret from then on: what they make finds nothing.
type chain struct {
	all     []*hasher
	serving int // how many of them a blind goes through now
}

// newChain reads keys of 32 bytes each; serving 0 means all.
func newChain(secret []byte, serving int) *chain {
	c := &chain{serving: serving}
	for ; len(secret) >= 32; secret = secret[32:] {
		c.all = append(c.all, newHasher(secret[:32]))
	}
	if serving == 0 || serving > len(c.all) {
		c.serving = len(c.all)
	}
	return c
}

// Index makes the blinds of one generation, whatever changes meanwhile: who finds people and enrols new ones by what was not found uses one for both.
type Index struct {
	v     *Vault
	chain []*hasher
}

// Index is the one that is served now.
func (v *Vault) Index() Index {
	c := v.chain.Load()
	return Index{v, c.all[:c.serving]}
}

// Generation counts the keys that a blind of this index goes through: for Change.Blinds.
func (x Index) Generation() int { return len(x.chain) }

// Blind is Vault.Blind, of this generation.
func (x Index) Blind(kind IdentifierKind, value string) (Blind, error) {
	n, err := x.v.Normalise(kind, value)
	if err != nil {
		return Blind{}, err
	}
	b := Blind(x.chain[0].sum(string(kind), n))
	for _, h := range x.chain[1:] {
		b = h.sum("blind", string(b[:]))
	}
	return b, nil
}

// PrepareIndex makes the key of the next generation, unless one that is not served yet is there: then it is that one's turn. Call it between Alone and its
// release.
func (v *Vault) PrepareIndex() error {
	w := &v.wrapping
	w.changing.Lock()
	defer w.changing.Unlock()
	secret, err := v.blindKeys(w.unwrapNow)
	if err != nil {
		return err
	}
	defer func() { clear(secret) }()
	serving := v.chain.Load().serving
	if len(secret)/32 <= serving {
		more := make([]byte, 32)
		_, _ = rand.Read(more)
		secret = append(secret, more...)
		sealed, err := w.wrap(secret, secretAAD("blind"))
		if err != nil {
			return fmt.Errorf("%w: %s could not be sealed: %w", ErrKeys, secretFile("blind"), err)
		}
		if err := replaceKey(filepath.Join(w.dir, secretFile("blind")), sealed); err != nil {
			return err
		}
	}
	v.chain.Store(newChain(secret, serving))
	return nil
}

// blindKeys reads the keys of the index as they are on disk.
func (v *Vault) blindKeys(by func(sealed, aad []byte) ([]byte, error)) ([]byte, error) {
	sealed, err := readKey(filepath.Join(v.wrapping.dir, secretFile("blind")))
	if err != nil {
		return nil, err
	}
	secret, err := by(sealed, secretAAD("blind"))
	switch {
	case errors.Is(err, ErrUnavailable):
		return nil, err
	case err != nil || len(secret) == 0 || len(secret)%32 != 0:
		return nil, fmt.Errorf("%w: %s is damaged: put it back from your backup of the keys", ErrKeys, secretFile("blind"))
	}
	return secret, nil
}

// chainOf is the chain with the key of a generation, which another process may have made.
func (v *Vault) chainOf(generation int) (*chain, error) {
	if c := v.chain.Load(); generation >= 1 && generation <= len(c.all) {
		return c, nil
	}
	secret, err := v.blindKeys(v.wrapping.unwrap)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	c := newChain(secret, v.chain.Load().serving)
	if generation < 1 || generation > len(c.all) {
		return nil, fmt.Errorf("%w: %s has no key of generation %d: put it back from your backup of the keys", ErrKeys, secretFile("blind"), generation)
	}
	v.chain.Store(c)
	return c, nil
}

// Lifter makes, of a blind of a generation, that of the next, whose key must have been prepared, by this process or another.
func (v *Vault) Lifter(from int) (func(Blind) Blind, error) {
	c, err := v.chainOf(from + 1)
	if err != nil {
		return nil, err
	}
	next := c.all[from]
	return func(b Blind) Blind { return next.sum("blind", string(b[:])) }, nil
}

// ServeIndex makes blinds of that generation from now on.
func (v *Vault) ServeIndex(generation int) error {
	c, err := v.chainOf(generation)
	if err != nil {
		return err
	}
	v.chain.Store(&chain{c.all, generation})
	return nil
}

// SameBlind says whether two blinds, perhaps of two generations, are of one identifier.
func (v *Vault) SameBlind(a, b Blind) bool {
	if a == b {
		return true
	}
	all := v.chain.Load().all
	for from := 1; from < len(all); from++ {
		x, y := a, b
		for _, h := range all[from:] {
			x, y = h.sum("blind", string(x[:])), h.sum("blind", string(y[:]))
			if x == b || y == a {
				return true
			}
		}
	}
	return false
}
