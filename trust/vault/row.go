package vault

import (
	"errors"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// Kind tells the sealed rows of a person apart.
type Kind uint8

// The kinds of rows. Their numbers are in databases: never renumber.
const (
	FactRow       Kind = 1  // head: person.Head; body: value
	ChoiceRow     Kind = 2  // head: consent.Choice without evidence; body: evidence
	FeedbackRow   Kind = 3  // head: person.Feedback
	ComplaintRow  Kind = 4  // head: person.Complaint
	RestrictRow   Kind = 5  // head: since when the person restricted all use
	ShownRow      Kind = 6  // head: person.Shown
	ToldRow       Kind = 7  // head: names that were shown to the person in their own session, and when
	SuppressedRow Kind = 8  // head: name of a fact that the person removed or corrected; imports of it are refused
	ClaimRow      Kind = 9  // head: an identifier that a browser claimed for this device
	ReceiptRow    Kind = 10 // body: a receipt; kept apart, not loaded for decisions
	VerdictRow    Kind = 11 // head: what was said of a value of a fact: that it does not work, is wrong, or is right
)

// Key names a row of one kind of one person. The first half is a keyed hash of the name (a fact's name, a purpose),
// the second of the source or occasion, so that a sweep that knows the charter's names can find them, and a thief cannot read them.
type Key [16]byte

// Row is one sealed thing about a person, as the store keeps it: it reads nothing but pseudonym, kind, key and time.
type Row struct {
	Of   person.ID
	Kind Kind
	Key  Key
	At   person.Instant
	Head []byte // sealed
	Body []byte // sealed, may be empty
}

// RowID names a row.
type RowID struct {
	Of   person.ID
	Kind Kind
	Key  Key
}

// Stream is an event's name, source and charter, interned by the store: the "kind" of a frame at rest.
type Stream struct {
	Event   string
	Source  string
	Charter int
}

// StreamID is the store's number of a Stream.
type StreamID uint32

// Frame is one sealed event: in the journal first, then folded, unopened, into the person's history.
type Frame struct {
	Of       person.ID
	ID       person.EventID // keyed hash of the messageId: a retry has the same
	Stream   StreamID
	At       person.Instant
	Received person.Instant
	Body     []byte // sealed
}

// IdentifierKind is what a person can be found by.
type IdentifierKind string

// The identifiers. A claimed one is what a browser says of a user: it names only what that browser sent.
const (
	UserID      IdentifierKind = "userId"
	AnonymousID IdentifierKind = "anonymousId"
	Email       IdentifierKind = "email"
	Phone       IdentifierKind = "phone"
	ClaimedUser IdentifierKind = "claimed"
)

// Blind is a keyed hash of an identifier of a kind: finds a person without keeping the identifier.
type Blind [16]byte

// Identifier is where a blind leads. A device (anonymousId) has one for each session that ended in a sign-in:
// an event belongs to the latest that began (Since) at or before it.
type Identifier struct {
	Blind    Blind
	Since    person.Instant // 0 for all but devices
	Of       person.ID
	Verified bool
	Bond     Bond // of a value by which the charter lets people be joined; zero: it joins nobody
	Led      int  // how many people were seen to have it; counts only with a bond, 0 is 1
}

// Enrolment is a new pseudonym with its wrapped data key and the identifiers that lead to it.
type Enrolment struct {
	ID          person.ID
	Wrapped     []byte
	At          person.Instant
	Identifiers []Identifier
}

// Join brings the whole person to whom a pseudonym belongs to another: the one's root is hung on the pseudonym To, and keeps what was
// joined to it. Of two who are one person already nothing changes, except that the link between them, where it was doubtful, is so no more
// if this join is not doubtful. A join of two whom a steward called different is refused with ErrDifferent. Split undoes it.
type Join struct {
	ID       person.ID // any pseudonym of the person who is brought
	To       person.ID // any pseudonym of the person they are brought to
	At       person.Instant
	Why      string // "sign-in", "alias", "steward", "match", or a kind of identifier: never an identifier
	Via      Bond   // the value that both have, if one joined them
	Source   string // the source that sent the value; empty where none did
	Doubtful bool   // what came by it is held until a steward, or another verified value, says that they are one person
}

// Split takes a pseudonym, with all that were joined to it, out of its person: they are as they were before it was joined, and what came since
// under each of them stays theirs. Of the person's root it does nothing. Record.Split makes the whole change, with the noes that both keep.
type Split struct {
	ID  person.ID
	At  person.Instant
	Why string // "steward" and the like
}

// Seen is the version of a person by which somebody judged; a Change that saw an older one is refused with ErrStale.
type Seen struct {
	Root    person.ID
	Version int64
}

// Sighting says that a person's order named a product that the catalogue does not know. Both are keyed hashes; ItemID
// is written anywhere only when enough people have it.
type Sighting struct {
	Item   [16]byte
	Person [16]byte
	ItemID string
}

// Change is everything that one act changes about people. It is committed whole or not at all, and synced to disk
// before Commit returns.
type Change struct {
	Enrol       []Enrolment
	Identifiers []Identifier // further identifiers of people who are enrolled already
	Seen        []Seen
	Splits      []Split   // done first
	Pairings    []Pairing // then what is said of pairs: a proposal changes nothing that was decided
	Joins       []Join
	Bearers     []Bearer
	Put         []Row // inserted, or replaced when At is not older than what is there
	Drop        []RowID
	Frames      []Frame // to the journal
	Sightings   []Sighting
	Looks       []ledger.Row
	Lift        []Tombstone // marks that go, since the person came back by a choice of theirs
	Blinds      int         // generation of the index by which Enrol and Identifiers were hashed: Index.Generation; 0 is the first. An old one is ErrStale
	Unless      []Tombstone // marks that must not be there when this is committed, else ErrStale: of identifiers that are new in it
}

// Loaded is what the store has about one person, sealed.
type Loaded struct {
	Who     person.Person
	Wrapped map[person.ID][]byte // data keys, wrapped
	Rows    []Row                // all kinds but receipts
	Frames  []Frame              // folded history, oldest first
	Version int64                // rises with every choice, join, split, restriction and removal
	Charter int                  // position of the charter in force, read in the same snapshot
}

// Near leaves out what is kept under pseudonyms that are joined to the one that was asked for by a doubtful link: what is shown to somebody of
// themselves, and changed for them, is only what is surely theirs. Version and Who.Root are then not those of the store's person.
func (l Loaded) Near() Loaded {
	if !l.Who.Doubted() {
		return l
	}
	near := l.Who.Sides()[0]
	rows, frames := l.Rows, l.Frames
	l.Who, l.Rows, l.Frames = near, nil, nil
	for i := range rows {
		if near.Has(rows[i].Of) {
			l.Rows = append(l.Rows, rows[i])
		}
	}
	for i := range frames {
		if near.Has(frames[i].Of) {
			l.Frames = append(l.Frames, frames[i])
		}
	}
	return l
}

// The errors of the store's ports.
var (
	ErrNotFound    = errors.New("nothing is kept under that name")
	ErrStale       = errors.New("somebody changed this person meanwhile: judge again")
	ErrUnavailable = errors.New("the store cannot be reached or is full: try again later")
)
