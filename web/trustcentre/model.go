package trustcentre

import (
	"context"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/relationship"
)

// Times are in the brand's time zone; the zero time is none.

// Known is one fact as its person reads it, from one source. Several may have one name: they come together, the one in use first, and the
// remove form takes them all away.
type Known struct {
	Name    string // the charter's name, for the forms
	Title   string // in words
	Value   string
	Raw     string   // the value as it is kept, for the forms
	Doubts  []string // why we are not sure of it
	Sworn   bool     // somebody said that it is right
	Learnt  string   // declared, observed, inferred, acquired
	Source  string   // the charter's name of the source, empty for the person themselves
	Where   string   // the channel
	When    time.Time
	Until   time.Time // when it is dropped
	Why     []string  // the purposes' whys
	Benefit string
	Waiting string // why it is not used now, empty when it may be

	Outweighed bool // it may be used, and another source's word on the same thing is used instead
	InUse      bool // a placement uses it
	Several    bool // other sources say something of the same thing: it goes with this one
}

// Fact is what is known of one thing: every source's word on it, and what the person can do about it.
type Fact struct {
	Known            // the word that is in use, or would be the first to be
	Others   []Known // what other sources say
	Correct  *Field  // nil: it cannot be put in other words here
	Bound    bool    // a law asks the brand for it: it can neither be corrected nor removed by a form
	Contact  string  // whom to write to then
	Yourself bool    // it is the person's own word
}

// Field is how a form asks for a value.
type Field struct {
	Kind    string // select, or the type of an input: text, date, email, tel
	Value   string // what stands there
	Options []Option
}

// Option is one value that a form offers.
type Option struct {
	Value, Text string
	Here        bool
}

// Gone is a fact that the person removed: nothing of it is kept, and it can be told again.
type Gone struct {
	Name, Title string
	Tell        *Field
}

// Wish is a protective fact of which nothing is kept: the person may tell it, and from then on something is left out.
type Wish struct {
	Name, Title string
	Benefit     string
	Why         []string // its purposes
	Tell        *Field
	Ask         *Choice // the purpose to which they must say yes in the same form; nil: they have, or no choice is needed
	Charter     int     // the position of the words, for that yes
}

// History is one kind of event as its person reads it.
type History struct {
	Title  string
	Count  int
	First  time.Time
	Last   time.Time
	Why    []string
	Recent []Occasion // the latest few
}

// Occasion is one event: when, and the products that it names.
type Occasion struct {
	When  time.Time
	Items []string
	More  int // products beyond these
}

// Choice is one purpose with what follows from the person's choices.
type Choice struct {
	Purpose    string
	Why        string
	Benefit    string
	Basis      charter.Basis
	Allowed    bool
	Answer     consent.Answer
	Switchable bool
	Explicit   bool
	Because    string // one sentence
	Since      time.Time
	Uses       []string // titles of what is used for it
	History    []Said   // newest first
}

// SaidYes says whether a yes of the person's stands.
func (c Choice) SaidYes() bool { return c.Answer == consent.Yes }

// SaidNo says whether a no of the person's stands. Unanswered is neither.
func (c Choice) SaidNo() bool { return c.Answer == consent.No }

// Said is one answer of the person's to a purpose, with the words that were shown.
type Said struct {
	When    time.Time
	Yes     bool
	Meant   string // one sentence
	Words   string // exactly as they were shown; empty when nobody kept them
	Channel string
	Self    bool // said here
	Source  string
	Charter int
}

// Look is one access to the person's data.
type Look struct {
	When    time.Time
	Number  int64 // its place in the ledger, 0 while it waits for one
	Who     string
	Role    string
	Team    string
	Purpose string
	Reason  string
	Fields  string
}

// Work is what a job did over many people at once, the person among them.
type Work struct {
	Who, Purpose, Reason string
	Times                int
	Last                 time.Time
	Many                 int // people covered, the last time
}

// Step is one level of the relationship, from the lowest.
type Step struct {
	Word string // "a regular"
	Here bool
	Past bool // under the one that holds
}

// View is what is known of one person, and what follows from it.
type View struct {
	Level      person.Level
	Word       string // "a regular"
	Because    string
	Steps      []Step
	Ways       []relationship.Way
	Restricted bool
	Facts      []Fact
	Gone       []Gone
	Wishes     []Wish
	History    []History
	Choices    []Choice

	told []person.Head // what was put before them, when the page is shown
}

// Looks are who has looked, newest first.
type Looks struct {
	Looks []Look
	Work  []Work
	Days  map[string]int // looks at the person by day, 2006-01-02, of the last year
	Today time.Time
	Key   string // the ledger's public key
}

// Self is what a signed-in person may see and do about themselves. Each call is for the person of that pseudonym only.
type Self interface {
	// View gathers what is known.
	View(ctx context.Context, id person.ID, lang string) (View, error)
	// Shown remembers that the person has seen what is known: none of it is a surprise from then on.
	Shown(ctx context.Context, id person.ID, v View)
	// Decisions are a page of theirs, newest first, after the first from, and whether there are more; Decision is one of them.
	Decisions(ctx context.Context, id person.ID, from int, lang string) (list []decide.Decision, more bool, err error)
	Decision(ctx context.Context, id person.ID, decision, lang string) (decide.Decision, error)
	// Overview is what View and Looks give, read once.
	Overview(ctx context.Context, id person.ID, lang string) (View, Looks, error)
	// Looks are who has looked; Extract is the file of them that proves itself.
	Looks(ctx context.Context, id person.ID, lang string) (Looks, error)
	Extract(ctx context.Context, id person.ID) (ledger.Extract, error)
	// Choose records a yes or a no with the words that were shown; it is in force for the next decision.
	Choose(ctx context.Context, id person.ID, purpose string, yes bool, shown consent.Evidence) error
	// Correct puts the person's own word in the place of a fact.
	Correct(ctx context.Context, id person.ID, fact, value string) error
	// Judge records that the person says a value, as it is kept, is right or wrong.
	Judge(ctx context.Context, id person.ID, fact, value string, right bool) error
	// Remove drops a fact and keeps imports from bringing it back.
	Remove(ctx context.Context, id person.ID, fact string) error
	// Restrict stops all use, or lets it go on.
	Restrict(ctx context.Context, id person.ID, on bool) error
	// Feedback answers one item of one decision.
	Feedback(ctx context.Context, id person.ID, decision, item string, kind person.FeedbackKind) error
}
