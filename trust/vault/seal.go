package vault

import (
	"crypto/rand"
	"encoding/binary"
	"sort"
	"strings"
	"sync"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// What a sealed piece is, in its associated data: a head never opens as a body.
const (
	partHead   = 'h'
	partBody   = 'b'
	partEvent  = 'e'
	partReason = 'r'
)

const (
	nonceSize = 12
	// Overhead is how many bytes longer a sealed piece is than what was sealed.
	Overhead = nonceSize + 16
)

// scratch is room for what is sealed and its associated data, so that a seal makes no garbage but its result.
type scratch struct {
	head, body, aad []byte
}

var scratches = sync.Pool{New: func() any {
	return &scratch{head: make([]byte, 0, 512), body: make([]byte, 0, 512), aad: make([]byte, 0, 64)}
}}

func (s *scratch) free() {
	clear(s.head[:cap(s.head)])
	clear(s.body[:cap(s.body)])
	s.head, s.body = s.head[:0], s.body[:0]
	if cap(s.head)+cap(s.body) <= 1<<16 {
		scratches.Put(s)
	}
}

// bindRow is the associated data of a row's part: whose it is, what, under which name and when.
func bindRow(dst []byte, of person.ID, part byte, kind Kind, key Key, at person.Instant) []byte {
	dst = append(append(dst, of[:]...), part, byte(kind))
	return binary.LittleEndian.AppendUint64(append(dst, key[:]...), uint64(at))
}

// bindFrame is the associated data of an event.
func bindFrame(dst []byte, f *Frame) []byte {
	dst = append(append(dst, f.Of[:]...), partEvent)
	dst = append(dst, f.ID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(f.Stream))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.At))
	return binary.LittleEndian.AppendUint64(dst, uint64(f.Received))
}

// seal appends nonce, ciphertext and tag to dst. dst must not overlap plain.
func (k *KeyRing) seal(dst, plain, aad []byte) []byte {
	var zero [nonceSize]byte
	from := len(dst)
	dst = append(dst, zero[:]...)
	nonce := dst[from : from+nonceSize]
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return k.cipher().Seal(dst, nonce, plain, aad)
}

// open appends the plain bytes to dst.
func (k *KeyRing) open(dst, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < Overhead || k.aead == nil || k.gone.Load() {
		return dst, ErrUnreadable
	}
	out, err := k.aead.Open(dst, sealed[:nonceSize], sealed[nonceSize:], aad)
	if err != nil {
		return dst, ErrUnreadable
	}
	return out, nil
}

// row seals what s holds as one row: the head, and the body when with is set.
func (k *KeyRing) row(s *scratch, kind Kind, key Key, at person.Instant, with bool) Row {
	r := Row{Of: k.id, Kind: kind, Key: key, At: at}
	buf := make([]byte, 0, len(s.head)+len(s.body)+2*Overhead)
	s.aad = bindRow(s.aad[:0], k.id, partHead, kind, key, at)
	buf = k.seal(buf, s.head, s.aad)
	n := len(buf)
	r.Head = buf[:n:n]
	if with {
		s.aad[len(k.id)] = partBody
		buf = k.seal(buf, s.body, s.aad)
		r.Body = buf[n:]
	}
	return r
}

// SealFact seals a fact, its name and source naming the row: a newer one from the same source takes its place.
func (k *KeyRing) SealFact(f person.Fact) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putFact(s.head, &f.Head, k.v.mark(f.Name, f.Value))
	s.body = append(append(s.body, headVersion), f.Value...)
	return k.row(s, FactRow, k.v.Name(FactRow, f.Name, f.Source), f.At, true)
}

// SealInferred seals a fact that was inferred by a rule of that name. It takes the place of what the rule inferred from the same source, and
// of nothing that the source said itself.
func (k *KeyRing) SealInferred(f person.Fact, by string) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putFact(s.head, &f.Head, k.v.mark(f.Name, f.Value))
	s.body = append(append(s.body, headVersion), f.Value...)
	return k.row(s, FactRow, k.InferredRow(f.Name, f.Source, by).Key, f.At, true)
}

// InferredRow names the row of what a rule inferred from a source.
func (k *KeyRing) InferredRow(name, source, by string) RowID {
	return RowID{k.id, FactRow, k.v.Name(FactRow, name, source+"\x1f"+by)}
}

// SealChoice seals a choice with its evidence. The occasion (a message id, a form's id) tells choices for one purpose
// apart: each stays as history, and the same one again is no second one.
func (k *KeyRing) SealChoice(c consent.Choice, e consent.Evidence, occasion string) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putChoice(s.head, &c)
	s.body = putEvidence(s.body, e)
	return k.row(s, ChoiceRow, k.v.Name(ChoiceRow, c.Purpose, occasion), c.At, true)
}

// SealFeedback seals an answer to one item of one decision; the same answer again is no second one.
func (k *KeyRing) SealFeedback(f person.Feedback) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putFeedback(s.head, &f)
	return k.row(s, FeedbackRow, k.v.Name(FeedbackRow, f.Placement, f.Decision+"\x00"+f.Item+"\x00"+string(f.Kind)), f.At, false)
}

// SealComplaint seals a complaint; closing it is sealing it again with Closed set.
func (k *KeyRing) SealComplaint(c person.Complaint) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putComplaint(s.head, &c)
	return k.row(s, ComplaintRow, k.v.Name(ComplaintRow, "", c.ID), max(c.Opened, c.Closed), false)
}

// SealRestriction seals that the person restricted all use of what is known under this pseudonym, or lifted that.
func (k *KeyRing) SealRestriction(at person.Instant, on bool) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putNames(s.head, on, nil)
	return k.row(s, RestrictRow, k.v.Name(RestrictRow, "", ""), at, false)
}

// SealShown seals what was really shown; a second call for the same decision takes the place of the first.
func (k *KeyRing) SealShown(sh person.Shown) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putShown(s.head, &sh)
	return k.row(s, ShownRow, k.v.Name(ShownRow, sh.Placement, sh.Decision), sh.At, false)
}

// SealTold seals that these facts and events, by name, were shown to the person in their own signed session.
func (k *KeyRing) SealTold(names []string, at person.Instant) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	names = append([]string(nil), names...)
	sort.Strings(names)
	s.head = putNames(s.head, true, names)
	return k.row(s, ToldRow, k.v.Name(ToldRow, "", strings.Join(names, "\x00")), at, false)
}

// SealSuppressed seals that the person removed or corrected this fact: no other source brings it back while the row stands.
func (k *KeyRing) SealSuppressed(name string, at person.Instant) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putNames(s.head, true, []string{name})
	return k.row(s, SuppressedRow, k.v.Name(SuppressedRow, name, ""), at, false)
}

// Everything is the name of a SuppressedRow that stands for all facts and events: of who was forgotten and came in again without a choice of theirs yet.
const Everything = ""

// EverythingRow names that row of a pseudonym.
func (v *Vault) EverythingRow(of person.ID) RowID {
	return RowID{Of: of, Kind: SuppressedRow, Key: v.Name(SuppressedRow, Everything, "")}
}

// SealClaim seals that a browser claimed this identifier for this device. Its head keeps the blind to which the
// identifier would lead if it were verified. ErrIdentifier when the value is none.
func (k *KeyRing) SealClaim(kind IdentifierKind, value string, at person.Instant) (Row, error) {
	n, err := k.v.Normalise(kind, value)
	if err != nil {
		return Row{}, err
	}
	blind, err := k.v.Blind(kind, value)
	if err != nil {
		return Row{}, err
	}
	s := scratches.Get().(*scratch)
	defer s.free()
	s.head = putClaim(s.head, kind, blind)
	s.body = append(append(s.body, headVersion), n...)
	return k.row(s, ClaimRow, k.v.Name(ClaimRow, string(kind), n), at, true), nil
}

// SealReceipt seals the body of a receipt under the key by which it will be asked for.
func (k *KeyRing) SealReceipt(key Key, at person.Instant, body []byte) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.aad = bindRow(s.aad[:0], k.id, partBody, ReceiptRow, key, at)
	return Row{Of: k.id, Kind: ReceiptRow, Key: key, At: at, Body: k.seal(make([]byte, 0, len(body)+Overhead), body, s.aad)}
}

// SealEvent seals an event's body (see StartBody) as a frame of the journal.
func (k *KeyRing) SealEvent(id person.EventID, stream StreamID, at, received person.Instant, body []byte) Frame {
	f := Frame{Of: k.id, ID: id, Stream: stream, At: at, Received: received}
	f.Body = k.AppendEvent(make([]byte, 0, len(body)+Overhead), f, body)
	return f
}

// AppendEvent is SealEvent into the caller's buffer: it appends the sealed body of the frame, whose other fields are set, to dst,
// and allocates nothing when dst has room for len(body)+Overhead more. The frame's Of must be the ring's own.
func (k *KeyRing) AppendEvent(dst []byte, f Frame, body []byte) []byte {
	s := scratches.Get().(*scratch)
	defer s.free()
	f.Of = k.id
	s.aad = bindFrame(s.aad[:0], &f)
	return k.seal(dst, body, s.aad)
}

// SealReason seals the reason of a look at this person, in the actor's words.
func (k *KeyRing) SealReason(at person.Instant, reason string) []byte {
	s := scratches.Get().(*scratch)
	defer s.free()
	s.body = append(s.body, reason...)
	s.aad = bindRow(s.aad[:0], k.id, partReason, 0, Key{}, at)
	return k.seal(make([]byte, 0, len(reason)+Overhead), s.body, s.aad)
}
