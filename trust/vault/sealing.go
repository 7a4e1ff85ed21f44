package vault

import "github.com/rapporthq/rapport/person"

// Sealing is what the gate keeps of a Record between batches, a tenth of it: keys to seal with, and which names the person removed.
// It knows no value and opens none. It ends with its keys: see Forget.
type Sealing struct {
	v          *Vault
	keys       []*KeyRing
	suppressed map[[8]byte]bool
}

// Sealing gives what the record lets a gate seal.
func (r *Record) Sealing() *Sealing {
	s := &Sealing{v: r.v, suppressed: r.suppressed, keys: make([]*KeyRing, 0, len(r.rings))}
	for _, k := range r.rings {
		s.keys = append(s.keys, k.small())
	}
	return s
}

// Ring is the data key of one of the person's pseudonyms; nil when it cannot be unwrapped.
func (s *Sealing) Ring(id person.ID) *KeyRing {
	for _, k := range s.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// Suppressed says whether the person removed or corrected this fact, so that other sources must not bring it back.
func (s *Sealing) Suppressed(name string) bool {
	return len(s.suppressed) > 0 && s.suppressed[s.v.NameHalf(SuppressedRow, name)]
}
