package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/rapporthq/rapport/person"
)

// KeyRing is one pseudonym's data key, ready for use: it seals; only a Record with a permit opens.
//
// Data is sealed with AES-256-GCM under nonces of 96 random bits: up to 2^32 seals under one key the chance that any
// two share a nonce stays below 2^-32; a person has some millions at most.
type KeyRing struct {
	v    *Vault
	id   person.ID
	raw  [32]byte
	aead cipher.AEAD  // of raw; nil in a small ring, which only seals, and expands it for each seal
	gone *atomic.Bool // of all rings of this key
}

// newRing expands a raw data key. The caller wipes raw.
func newRing(v *Vault, id person.ID, raw []byte) (*KeyRing, error) {
	if len(raw) != 32 {
		return nil, fmt.Errorf("%w: a data key has 32 bytes", ErrKeys)
	}
	k := &KeyRing{v: v, id: id, raw: [32]byte(raw), gone: new(atomic.Bool)}
	k.aead = k.cipher()
	return k, nil
}

// cipher is the expanded key: 700 bytes, and a microsecond to make.
func (k *KeyRing) cipher() cipher.AEAD {
	if k.aead != nil {
		return k.aead
	}
	block, err := aes.NewCipher(k.raw[:])
	if err != nil { // only for other lengths
		panic("vault: aes: " + err.Error())
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil { // only for other block sizes
		panic("vault: gcm: " + err.Error())
	}
	return gcm
}

// small is the same key in little memory, for those who keep many.
func (k *KeyRing) small() KeyRing {
	return KeyRing{v: k.v, id: k.id, raw: k.raw, gone: k.gone}
}

// ID is the pseudonym whose key this is; zero for the home's own.
func (k *KeyRing) ID() person.ID { return k.id }

// LeafKey makes the leaves of looks at this person. It opens nothing. ErrUnreadable when the person was forgotten.
func (k *KeyRing) LeafKey() ([]byte, error) {
	if k.gone.Load() {
		return nil, ErrUnreadable
	}
	// HKDF-Expand for one block, written out: HMAC(key, info ‖ 1). The library's own costs three times as much.
	m := hmac.New(sha256.New, k.raw[:])
	_, _ = m.Write([]byte("rapport ledger leaf\x01"))
	return m.Sum(nil), nil
}

// Enrol draws a new pseudonym with a fresh data key. The caller adds identifiers and commits the Enrolment.
func (v *Vault) Enrol(at person.Instant) (Enrolment, *KeyRing, error) {
	id := person.NewID()
	var raw [32]byte
	defer clear(raw[:])
	_, _ = rand.Read(raw[:])
	wrapped, err := v.wrapping.wrap(raw[:], id[:])
	if err != nil {
		return Enrolment{}, nil, fmt.Errorf("%w: a data key could not be wrapped", ErrKeys)
	}
	k, err := newRing(v, id, raw[:])
	if err != nil {
		return Enrolment{}, nil, err
	}
	v.rings.put(k, wrapped)
	return Enrolment{ID: id, Wrapped: wrapped, At: at}, k, nil
}

// Key unwraps the data key of a pseudonym, or takes it from the bounded cache when it was unwrapped from these very
// bytes. ErrUnreadable when the bytes are not the pseudonym's, were changed, or there are none; ErrUnavailable when that cannot be told now, for the
// keyset was changed by another process and cannot be read.
func (v *Vault) Key(id person.ID, wrapped []byte) (*KeyRing, error) {
	if id.IsZero() || len(wrapped) < 28 {
		return nil, ErrUnreadable
	}
	if k := v.rings.get(id, wrapped); k != nil {
		return k, nil
	}
	aad := id // a copy, so that only a miss makes garbage
	raw, err := v.wrapping.unwrap(wrapped, aad[:])
	if errors.Is(err, ErrUnavailable) {
		return nil, err
	}
	if err != nil || len(raw) != 32 {
		return nil, ErrUnreadable
	}
	defer clear(raw)
	k, err := newRing(v, id, raw)
	if err != nil {
		return nil, err
	}
	return v.rings.put(k, wrapped), nil
}

// Forget drops the unwrapped keys of these pseudonyms; rings that somebody still holds stop opening. The store forgets the wrapped ones.
func (v *Vault) Forget(ids ...person.ID) {
	for _, id := range ids {
		v.rings.drop(id)
	}
}

func expand(secret []byte, info string) []byte {
	out, err := hkdf.Expand(sha256.New, secret, info, 32)
	if err != nil { // only for lengths over 255 hashes
		panic("vault: hkdf: " + err.Error())
	}
	return out
}
