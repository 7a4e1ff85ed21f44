// Package person is the ground floor: the words that every other floor speaks.
// It imports nothing of ours, holds no rules and does no input or output.
package person

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"
)

// ID is a pseudonym: 16 random bytes that mean nothing by themselves. A person is a set of pseudonyms
// (see Person); an event or a fact keeps the pseudonym under which it came for ever.
// The zero ID names nobody.
type ID [16]byte

var pseudonymText = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// NewID draws a fresh pseudonym from the system's random source.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails since Go 1.24
	return id
}

// String is the pseudonym as people see it in the console: "p_" and 26 letters and digits.
func (id ID) String() string { return "p_" + pseudonymText.EncodeToString(id[:]) }

// IsZero says whether id names nobody.
func (id ID) IsZero() bool { return id == ID{} }

// ErrID says that a text is not a pseudonym.
var ErrID = errors.New("that is not a pseudonym: p_ and 26 letters and digits are expected")

// ParseID reads what String writes.
func ParseID(s string) (ID, error) {
	var id ID
	raw, err := pseudonymText.DecodeString(strings.TrimPrefix(s, "p_"))
	if err != nil || len(raw) != len(id) || !strings.HasPrefix(s, "p_") {
		return ID{}, ErrID
	}
	copy(id[:], raw)
	return id, nil
}

// Instant is a time in microseconds since 1970 UTC: the one form of time in stores, heads and decisions.
// The zero Instant means "not known".
type Instant int64

// At is the Instant of t, cut to the microsecond.
func At(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time is the Instant as a time.Time in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// Add moves the Instant by a fixed duration; for calendar spans see charter.Span.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Microseconds()) }

// Day counts the UTC days since 1970: two events on one day have the same Day.
func (i Instant) Day() int64 {
	const day = int64(24 * time.Hour / time.Microsecond)
	d := int64(i) / day
	if int64(i)%day < 0 {
		d--
	}
	return d
}

// Clock tells the time. The real one is SystemClock; tests pass their own, so no test sleeps.
type Clock func() Instant

// SystemClock is the clock of the machine.
func SystemClock() Instant { return At(time.Now()) }

// Learnt says how a fact was come by. The zero value is Acquired, the most surprising: doubt works for the person.
type Learnt uint8

// The four ways of learning, from the most to the least surprising.
const (
	Acquired Learnt = iota // somebody else said it, or nobody said how it was come by
	Inferred               // derived from other facts or events
	Observed               // seen in what the person did with the brand
	Declared               // said by the person, in their own signed session or through a source the charter vouches for
)

var learntWords = [...]string{"acquired", "inferred", "observed", "declared"}

func (l Learnt) String() string {
	if int(l) < len(learntWords) {
		return learntWords[l]
	}
	return learntWords[Acquired]
}

// ParseLearnt reads one of acquired, inferred, observed, declared.
func ParseLearnt(s string) (Learnt, bool) {
	for i, w := range learntWords {
		if w == s {
			return Learnt(i), true
		}
	}
	return Acquired, false
}

// Level is how well the brand and the person know each other. The zero value is Stranger.
type Level uint8

// The levels in order: each includes those before it.
const (
	Stranger Level = iota
	Acquaintance
	Regular
	Confidant
)

var levelWords = [...]string{"stranger", "acquaintance", "regular", "confidant"}

func (l Level) String() string {
	if int(l) < len(levelWords) {
		return levelWords[l]
	}
	return levelWords[Stranger]
}

// ParseLevel reads one of stranger, acquaintance, regular, confidant.
func ParseLevel(s string) (Level, bool) {
	for i, w := range levelWords {
		if w == s {
			return Level(i), true
		}
	}
	return Stranger, false
}

// Rung is how personal a decision is. The zero value is Generic, the least personal.
type Rung uint8

// The rungs of the ladder, least personal first.
const (
	Generic Rung = iota
	Context
	CohortRung
	Individual
)

var rungWords = [...]string{"generic", "context", "cohort", "individual"}

func (r Rung) String() string {
	if int(r) < len(rungWords) {
		return rungWords[r]
	}
	return rungWords[Generic]
}

// ParseRung reads one of generic, context, cohort, individual.
func ParseRung(s string) (Rung, bool) {
	for i, w := range rungWords {
		if w == s {
			return Rung(i), true
		}
	}
	return Generic, false
}
