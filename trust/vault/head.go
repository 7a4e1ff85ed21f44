package vault

import (
	"math"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

const headVersion = 1

// Heads hold neither the pseudonym nor, for facts, the time: the row has both, and sealing binds the head to them.

const (
	bitTold = 1 << iota
	bitVerified
	bitExplicit
	bitSignal
)

func bits(on ...bool) (b byte) {
	for i, o := range on {
		if o {
			b |= 1 << i
		}
	}
	return b
}

// factVersion is the form of facts' heads. The first had no doubts and no mark.
const factVersion = 2

// mark is a keyed hash of a fact's name and value, by which what was said of a value is found to be about it. It stands sealed in heads.
type mark [8]byte

func putFact(dst []byte, h *person.Head, m mark) []byte {
	dst = append(dst, factVersion, byte(h.Learnt), bits(h.Told, h.Verified))
	dst = putUnsigned(dst, uint64(h.Doubts))
	dst = append(dst, m[:]...)
	dst = putInstant(dst, h.Received-h.At)
	dst = putInt(dst, int64(h.Charter))
	dst = putNumber(dst, h.Quality)
	dst = putString(dst, h.Name)
	dst = putString(dst, h.Source)
	dst = putString(dst, h.Channel)
	return putStrings(dst, h.Inputs)
}

func readFact(s string, of person.ID, at person.Instant, h *person.Head, m *mark) error {
	r := reader{s: s}
	version := r.byte()
	if version != headVersion && version != factVersion {
		return errCodec
	}
	h.Of, h.At = of, at
	h.Learnt = person.Learnt(r.byte())
	b := r.byte()
	h.Told, h.Verified = b&bitTold != 0, b&bitVerified != 0
	if version == factVersion {
		h.Doubts = r.doubts()
		if len(r.s) < len(m) {
			return errCodec
		}
		copy(m[:], r.s)
		r.s = r.s[len(m):]
	}
	h.Received = at + r.instant()
	h.Charter = int(r.int())
	h.Quality = r.number()
	h.Name = r.string()
	h.Source = r.string()
	h.Channel = r.string()
	h.Inputs = r.strings()
	if h.Learnt > person.Declared || math.IsNaN(h.Quality) || h.Name == "" {
		return errCodec
	}
	return r.end()
}

// doubts reads doubts, those of a newer version too.
func (r *reader) doubts() person.Doubts {
	d := r.unsigned()
	if d > math.MaxUint32 {
		r.fail()
	}
	return person.Doubts(d)
}

func putChoice(dst []byte, c *consent.Choice) []byte {
	dst = append(dst, headVersion, byte(c.Answer), bits(false, c.Verified, c.Explicit, c.Signal))
	dst = putInstant(dst, c.Received-c.At)
	dst = putInt(dst, int64(c.Charter))
	dst = putString(dst, c.Purpose)
	dst = putString(dst, c.Source)
	return putString(dst, c.Channel)
}

func readChoice(s string, of person.ID, at person.Instant) (consent.Choice, error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return consent.Choice{}, errCodec
	}
	c := consent.Choice{Of: of, At: at, Answer: consent.Answer(r.byte())}
	b := r.byte()
	c.Verified, c.Explicit, c.Signal = b&bitVerified != 0, b&bitExplicit != 0, b&bitSignal != 0
	c.Received = at + r.instant()
	c.Charter = int(r.int())
	c.Purpose = r.string()
	c.Source = r.string()
	c.Channel = r.string()
	if c.Answer > consent.Yes {
		return consent.Choice{}, errCodec
	}
	return c, r.end()
}

func putEvidence(dst []byte, e consent.Evidence) []byte {
	return putStrings(append(dst, headVersion), []string{e.Notice, e.Language, e.Words, e.Channel, e.Message})
}

func readEvidence(s string) (consent.Evidence, error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return consent.Evidence{}, errCodec
	}
	l := r.strings()
	if len(l) != 5 {
		return consent.Evidence{}, errCodec
	}
	return consent.Evidence{Notice: l[0], Language: l[1], Words: l[2], Channel: l[3], Message: l[4]}, r.end()
}

func putFeedback(dst []byte, f *person.Feedback) []byte {
	dst = putString(append(dst, headVersion), string(f.Kind))
	dst = putString(dst, f.Decision)
	dst = putString(dst, f.Placement)
	dst = putString(dst, f.Item)
	return putStrings(dst, f.Sources)
}

func readFeedback(s string, of person.ID, at person.Instant) (person.Feedback, error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return person.Feedback{}, errCodec
	}
	f := person.Feedback{Of: of, At: at, Kind: person.FeedbackKind(r.string())}
	f.Decision, f.Placement, f.Item = r.string(), r.string(), r.string()
	f.Sources = r.strings()
	if !f.Kind.Valid() {
		return person.Feedback{}, errCodec
	}
	return f, r.end()
}

func putComplaint(dst []byte, c *person.Complaint) []byte {
	return putString(putInstant(putInstant(append(dst, headVersion), c.Opened), c.Closed), c.ID)
}

func readComplaint(s string, of person.ID) (person.Complaint, error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return person.Complaint{}, errCodec
	}
	c := person.Complaint{Of: of, Opened: r.instant(), Closed: r.instant(), ID: r.string()}
	return c, r.end()
}

func putShown(dst []byte, s *person.Shown) []byte {
	return putStrings(putString(putString(append(dst, headVersion), s.Decision), s.Placement), s.Items)
}

func readShown(s string, of person.ID, at person.Instant) (person.Shown, error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return person.Shown{}, errCodec
	}
	return person.Shown{Of: of, At: at, Decision: r.string(), Placement: r.string(), Items: r.strings()}, r.end()
}

// A restriction, a removal's name and the names that were shown share one form: a flag and names.
func putNames(dst []byte, on bool, names []string) []byte {
	return putStrings(append(dst, headVersion, bits(on)), names)
}

func readNames(s string) (on bool, names []string, err error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return false, nil, errCodec
	}
	b := r.byte()
	names = r.strings()
	if b > 1 {
		r.fail()
	}
	return b == 1, names, r.end()
}

func putClaim(dst []byte, kind IdentifierKind, blind Blind) []byte {
	return append(putString(append(dst, headVersion), string(kind)), blind[:]...)
}

func readClaim(s string) (kind IdentifierKind, blind Blind, err error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return "", Blind{}, errCodec
	}
	kind = IdentifierKind(r.string())
	if len(r.s) != len(blind) {
		return "", Blind{}, errCodec
	}
	copy(blind[:], r.s)
	return kind, blind, nil
}
