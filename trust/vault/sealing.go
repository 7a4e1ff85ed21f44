package vault

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/rapporthq/rapport/person"
)

// Sealing is what the gate keeps of a Record between batches, a tenth of it: keys to seal with, and which names the person removed.
// It knows no value and opens none.
type Sealing struct {
	v          *Vault
	keys       []KeyRing
	suppressed [][8]byte
}

// Sealing gives what the record lets a gate seal.
func (r *Record) Sealing() *Sealing {
	s := &Sealing{v: r.v, keys: make([]KeyRing, 0, len(r.rings))}
	for name, is := range r.suppressed {
		if is {
			s.suppressed = append(s.suppressed, name)
		}
	}
	for _, k := range r.rings {
		s.keys = append(s.keys, k.small())
	}
	return s
}

// Ring is the data key of one of the person's pseudonyms; nil when it cannot be unwrapped. It is good as long as the Sealing is.
func (s *Sealing) Ring(id person.ID) *KeyRing {
	for i := range s.keys {
		if s.keys[i].id == id {
			return &s.keys[i]
		}
	}
	return nil
}

// Suppressed says whether the person removed or corrected this fact, so that other sources must not bring it back.
func (s *Sealing) Suppressed(name string) bool {
	return len(s.suppressed) > 0 && slices.Contains(s.suppressed, s.v.NameHalf(SuppressedRow, name))
}

// Append adds the sealing to dst as bytes: unwrapped keys are among them, so whoever keeps them overwrites them when the person is forgotten.
func (s *Sealing) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.keys)))
	for i := range s.keys {
		dst = append(append(dst, s.keys[i].id[:]...), s.keys[i].raw[:]...)
	}
	for i := range s.suppressed {
		dst = append(dst, s.suppressed[i][:]...)
	}
	return dst
}

// ended is of keys that were kept as bytes: nobody would tell them that the person was forgotten, so they seal and do nothing else.
var ended = func() *atomic.Bool {
	b := new(atomic.Bool)
	b.Store(true)
	return b
}()

// Restore makes s, which may have been used before, what Append has written into all of from.
func (v *Vault) Restore(s *Sealing, from []byte) {
	s.v, s.keys, s.suppressed = v, s.keys[:0], s.suppressed[:0]
	n, size := binary.Uvarint(from)
	for from = from[max(size, 0):]; n > 0 && len(from) >= 48; n-- {
		s.keys = append(s.keys, KeyRing{v: v, id: person.ID(from[:16]), raw: [32]byte(from[16:48]), gone: ended})
		from = from[48:]
	}
	for ; len(from) >= 8; from = from[8:] {
		s.suppressed = append(s.suppressed, [8]byte(from[:8]))
	}
}

// Wipe overwrites the keys; the Sealing holds nothing any more, and can be restored to something else.
func (s *Sealing) Wipe() {
	clear(s.keys[:cap(s.keys)])
	s.v, s.keys, s.suppressed = nil, s.keys[:0], s.suppressed[:0]
}
