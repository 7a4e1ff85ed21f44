package vault

import (
	"encoding/binary"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/tact"
)

// Tombstone is a keyed hash of an identifier of somebody who was forgotten, under a key that nothing else uses: the one trace that stays of them. It
// recognises the identifier when it comes again and tells nothing else; it is made of the identifier's blind, so that somebody can be forgotten
// whose identifiers nobody says aloud.
type Tombstone [16]byte

// Tombstone is the mark that stays of an identifier of which only the blind is kept.
func (v *Vault) Tombstone(b Blind) Tombstone { return v.tombs.sum("tombstone", string(b[:])) }

// Tombstones are the marks that could have stayed of an identifier, one for each key under which blinds were ever made. ErrIdentifier when
// the value is none.
func (v *Vault) Tombstones(kind IdentifierKind, value string) ([]Tombstone, error) {
	all, err := v.blinds(kind, value)
	if err != nil {
		return nil, err
	}
	out := make([]Tombstone, len(all))
	for i, b := range all {
		out[i] = v.Tombstone(b)
	}
	return out, nil
}

// Retained is something that a law obliges the brand to keep of somebody who was forgotten, sealed under the key for that.
type Retained struct {
	ID      [16]byte // random
	Label   [16]byte // keyed hash of an identifier, so that the law's question can be answered
	Purpose string   // the legal obligation
	Until   person.Instant
	Body    []byte // sealed
}

const partRetained = 'k'

// Retain seals what a law obliges to keep of somebody who is being forgotten. b is one of their identifiers' blinds: the law's question comes by it.
func (v *Vault) Retain(b Blind, purpose string, until person.Instant, body []byte) Retained {
	r := Retained{ID: randomID(), Label: v.labels.sum("label", string(b[:])), Purpose: purpose, Until: until}
	r.Body = v.kept.seal(make([]byte, 0, len(body)+Overhead), body, r.bind())
	return r
}

// RetainedLabels are the labels under which something may be retained of an identifier, one for each key under which blinds were ever made.
func (v *Vault) RetainedLabels(kind IdentifierKind, value string) ([][16]byte, error) {
	all, err := v.blinds(kind, value)
	if err != nil {
		return nil, err
	}
	out := make([][16]byte, len(all))
	for i, b := range all {
		out[i] = v.labels.sum("label", string(b[:]))
	}
	return out, nil
}

// OpenRetained opens what is retained for the permit's purpose, and for no other. ErrUnreadable when it was changed or its end has passed.
func (v *Vault) OpenRetained(p tact.Permit, now person.Instant, r Retained) ([]byte, error) {
	switch {
	case p.Kind() != tact.Job || p.Purpose() != r.Purpose || !p.Retained(now):
		return nil, tact.ErrNoPermit
	case now >= r.Until:
		return nil, ErrUnreadable
	}
	return v.kept.open(nil, r.Body, r.bind())
}

// bind is the associated data: purpose and end cannot be changed without the key.
func (r *Retained) bind() []byte {
	b := append([]byte{partRetained}, r.ID[:]...)
	b = append(b, r.Label[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Until))
	return append(b, r.Purpose...)
}
