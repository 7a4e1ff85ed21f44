package decide

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// Ref says about whom a decision is asked. At most one person is meant: the most certain of what is given is used
// (pseudonym, userId, then anonymousId, e-mail, phone). The zero Ref is nobody in particular.
type Ref struct {
	Pseudonym   person.ID // the console's playground and prove only; doors for tokens never fill it
	UserID      string
	AnonymousID string
	Email       string
	Phone       string
}

// IsZero says that nobody in particular is meant.
func (r Ref) IsZero() bool { return r == Ref{} }

// Circumstance is what the caller says of the moment. Empty fields are not known.
type Circumstance struct {
	At       person.Instant // sets season and hour; zero: now
	Region   string         // country code
	Weather  string
	Language string
}

// Request asks for one decision, or for several at once that never repeat an item.
type Request struct {
	Person     Ref
	Attested   bool     // the caller says that this person is signed in there, now; counts only for a Principal that may attest
	Placements []string // at least one
	Limit      int      // items for each placement; 0: as many as the placement has
	Context    Circumstance
	GPC        bool
	Already    []string // items that this session has been shown: not offered again
	Wait       bool     // answer only when the receipts are on disk
}

// Principal is who asks, as far as a decision cares. The zero Principal may ask for no placement and sees nothing but
// the items.
type Principal struct {
	Any        bool      // may ask for every placement
	Placements []string  // else for these
	Explain    bool      // may see what was held back
	Attest     bool      // may say that a person is signed in
	Privacy    bool      // the privacy team: sees protective holds too, and may replay an earlier time
	Self       bool      // the person, in their own session:
	Person     person.ID // a pseudonym of theirs
	Pseudonyms bool      // may name a person by pseudonym
	Unsure     bool      // the home cannot say now whether they still may: nothing about anybody is read for them
}

// May says whether the principal may ask for the placement.
func (p Principal) May(placement string) bool {
	if p.Any {
		return true
	}
	for _, n := range p.Placements {
		if n == placement {
			return true
		}
	}
	return false
}

// answers says whether the principal may read or answer that decision: its person, or who may ask for its placement.
func (p Principal) answers(k *account) bool {
	if p.Self {
		return k.record.Who.Surely(p.Person)
	}
	return p.May(k.receipt.Placement)
}

// ID names one decision. It says nothing by itself.
type ID [16]byte

var idText = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// NewID draws a fresh name.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails since Go 1.24
	return id
}

// String is the name as callers see it: "dec_" and 26 letters and digits. The zero ID is the empty text.
func (id ID) String() string {
	if id == (ID{}) {
		return ""
	}
	return "dec_" + idText.EncodeToString(id[:])
}

// ErrID says that a text is no decision's name.
var ErrID = errors.New("that is not a decision: dec_ and 26 letters and digits are expected")

// ParseID reads what String writes.
func ParseID(s string) (ID, error) {
	var id ID
	rest, ok := strings.CutPrefix(s, "dec_")
	if !ok {
		return ID{}, ErrID
	}
	raw, err := idText.DecodeString(rest)
	if err != nil || len(raw) != len(id) {
		return ID{}, ErrID
	}
	copy(id[:], raw)
	if id.String() != s { // one spelling for each name
		return ID{}, ErrID
	}
	return id, nil
}
