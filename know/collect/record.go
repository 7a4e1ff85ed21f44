package collect

import (
	"encoding/binary"
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// How the gate's memory writes people down: without a pointer, in pieces of a megabyte.

// spot is where a record lies, plus one: 0 is nowhere.
type spot uint32

// arena is records one behind the other, each after its length.
type arena struct {
	pieces [][]byte
	left   int // pieces that are not full: the last of these many is being filled
}

const (
	arenaPiece = 1 << 20
	mostRecord = 16 << 10 // who needs more, by hundreds of choices, is read each time
)

func (a *arena) size() int { return a.left * arenaPiece }

// record gives what lies there.
func (a *arena) record(at spot) []byte {
	piece := a.pieces[(at-1)>>20]
	from := int(at-1) & (arenaPiece - 1)
	n := int(binary.LittleEndian.Uint16(piece[from:]))
	return piece[from+2 : from+2+n]
}

// put writes a record in the place of another where it is as long, else behind the others.
func (a *arena) put(old spot, record []byte) spot {
	if old != 0 {
		if before := a.record(old); len(before) == len(record) {
			copy(before, record)
			return old
		}
		a.wipe(old)
	}
	n := len(record) + 2
	if a.left == 0 || len(a.pieces[a.left-1])+n > arenaPiece {
		if a.left == len(a.pieces) {
			a.pieces = append(a.pieces, make([]byte, 0, arenaPiece))
		}
		a.left++
	}
	piece := &a.pieces[a.left-1]
	at := (a.left-1)<<20 | len(*piece)
	*piece = append(binary.LittleEndian.AppendUint16(*piece, uint16(len(record))), record...)
	return spot(at + 1)
}

// wipe overwrites a record: keys are in it.
func (a *arena) wipe(at spot) { clear(a.record(at)) }

// begin empties a generation, whose room is used again.
func (g *age) begin() {
	if g.idents == nil {
		g.idents, g.people = map[vault.Blind]spot{}, map[person.ID]spot{}
	}
	clear(g.idents)
	clear(g.people)
	for i, p := range g.arena.pieces {
		clear(p)
		g.arena.pieces[i] = p[:0]
	}
	g.arena.left = 0
}

// words number the names of purposes, sources and channels: a charter has some dozens.
type words struct {
	of     map[string]uint16
	spelt  []string
	missed bool
}

const mostWords = 4096

func (w *words) put(dst []byte, word string) []byte {
	n, ok := w.of[word]
	if !ok {
		if len(w.spelt) == mostWords {
			w.missed = true
			return dst
		}
		if w.of == nil {
			w.of = map[string]uint16{}
		}
		n = uint16(len(w.spelt))
		w.of[word] = n
		w.spelt = append(w.spelt, word)
	}
	return binary.LittleEndian.AppendUint16(dst, n)
}

func putFlags(dst []byte, flags ...bool) []byte {
	var b byte
	for i, is := range flags {
		if is {
			b |= 1 << i
		}
	}
	return append(dst, b)
}

func putInt[T ~int64 | ~int](dst []byte, n T) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(n))
}

// encode appends what is remembered of somebody as they were read; false when they cannot be remembered.
func (w *words) encode(dst []byte, t *subject) ([]byte, bool) {
	if len(t.seen) != 1 || len(t.sealings) != 1 || t.seen[0].Root != t.who.Root || !t.who.By.IsZero() {
		return dst, false
	}
	w.missed = false
	dst = append(dst, t.who.Root[:]...)
	dst = putInt(dst, t.read)
	dst = putInt(dst, t.seen[0].Version)
	dst = putFlags(dst, t.restricted)
	dst = binary.AppendUvarint(dst, uint64(len(t.who.Also)))
	for i := range t.who.Also {
		j := &t.who.Also[i]
		dst = append(dst, j.ID[:]...)
		dst = putInt(dst, j.At)
		dst = append(dst, j.To[:]...)
		dst = w.put(dst, j.Why)
		dst = putFlags(dst, j.Doubtful)
	}
	dst = binary.AppendUvarint(dst, uint64(len(t.choices)))
	for i := range t.choices {
		c := &t.choices[i]
		dst = append(dst, c.Of[:]...)
		dst = w.put(dst, c.Purpose)
		dst = append(dst, byte(c.Answer))
		dst = putInt(dst, c.At)
		dst = putInt(dst, c.Received)
		dst = putFlags(dst, c.Explicit, c.Verified, c.Signal)
		dst = w.put(dst, c.Source)
		dst = w.put(dst, c.Channel)
		dst = putInt(dst, c.Charter)
	}
	dst = binary.AppendUvarint(dst, uint64(len(t.claims)))
	for i := range t.claims {
		c := &t.claims[i]
		dst = append(dst, c.Of[:]...)
		dst = w.put(dst, string(c.Kind))
		dst = append(dst, c.Blind[:]...)
		dst = putInt(dst, c.At)
	}
	dst = t.sealings[0].Append(dst)
	return dst, !w.missed && len(dst) <= mostRecord
}

// reader takes a record apart. What it reads was written by encode, in this process.
type reader []byte

func (r *reader) take(n int) []byte {
	b := (*r)[:n]
	*r = (*r)[n:]
	return b
}

func (r *reader) id() [16]byte { return [16]byte(r.take(16)) }

func (r *reader) int() int64 { return int64(binary.LittleEndian.Uint64(r.take(8))) }

func (r *reader) at() person.Instant { return person.Instant(r.int()) }

func (r *reader) count() int {
	n, size := binary.Uvarint(*r)
	r.take(size)
	return int(n)
}

func (r *reader) flags() byte { return r.take(1)[0] }

func (w *words) get(r *reader) string { return w.spelt[binary.LittleEndian.Uint16(r.take(2))] }

// decode makes of a record the batch's own subject, in the batch's room.
func (w *words) decode(st *state, record []byte) *subject {
	r := reader(record)
	t := &st.subjects.take(1)[0]
	*t = subject{who: person.Person{Root: r.id()}, read: r.at()}
	t.seen = st.versions.take(1)
	t.seen[0] = vault.Seen{Root: t.who.Root, Version: r.int()}
	t.restricted = r.flags() != 0
	if n := r.count(); n > 0 {
		t.who.Also = st.joins.take(n)
		for i := range t.who.Also {
			t.who.Also[i] = person.Join{ID: r.id(), At: r.at(), To: r.id(), Why: w.get(&r), Doubtful: r.flags() != 0}
		}
	}
	if n := r.count(); n > 0 {
		t.choices = st.choices.take(n)
		for i := range t.choices {
			c := consent.Choice{Of: r.id(), Purpose: w.get(&r), Answer: consent.Answer(r.flags()), At: r.at(), Received: r.at()}
			flags := r.flags()
			c.Explicit, c.Verified, c.Signal = flags&1 != 0, flags&2 != 0, flags&4 != 0
			c.Source, c.Channel, c.Charter = w.get(&r), w.get(&r), int(r.int())
			t.choices[i] = c
		}
	}
	if n := r.count(); n > 0 {
		t.claims = st.claims.take(n)
		for i := range t.claims {
			t.claims[i] = vault.Claim{Of: r.id(), Kind: vault.IdentifierKind(w.get(&r)), Blind: r.id(), At: r.at()}
		}
	}
	sealing := &st.sealings.take(1)[0]
	st.g.parts.Vault.Restore(sealing, r)
	t.sealings = st.sealed.take(1)
	t.sealings[0] = sealing
	return t
}

func encodeIdents(dst []byte, list []vault.Identifier) []byte {
	for i := range list {
		n := &list[i]
		dst = putInt(dst, n.Since)
		dst = append(dst, n.Of[:]...)
		dst = putFlags(dst, n.Verified, !n.Bond.IsZero())
		if !n.Bond.IsZero() {
			dst = append(dst, n.Bond[:]...)
			dst = putInt(dst, n.Led)
		}
	}
	return dst
}

// identSize is what an identifier takes without a bond.
const identSize = 8 + 16 + 1

// decodeIdents gives where a blind leads, never nil.
func decodeIdents(st *state, b vault.Blind, record []byte) []vault.Identifier {
	most := len(record) / identSize
	list := st.identifiers.take(most)
	n := 0
	for r := reader(record); len(r) > 0; n++ {
		ident := vault.Identifier{Blind: b, Since: r.at(), Of: r.id()}
		flags := r.flags()
		ident.Verified = flags&1 != 0
		if flags&2 != 0 {
			ident.Bond, ident.Led = r.id(), int(r.int())
		}
		list[n] = ident
	}
	return slices.Clip(list[:n])
}
