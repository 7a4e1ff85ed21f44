package collect

import "context"

// Reason says why an event or a field of it was not kept. Reasons are stable: scripts and sources read them.
type Reason string

// The reasons.
const (
	UnplannedEvent  Reason = "unplanned-event"  // the charter names no such event
	UnplannedField  Reason = "unplanned-field"  // the charter names no such field of it
	RequiredMissing Reason = "required-missing" // a field that the charter requires is not there
	TypeMismatch    Reason = "type-mismatch"    // the value is not of the declared type
	Returned        Reason = "returned"         // lines with a quantity below zero go back and are no purchase: the other lines are kept
	NoPurpose       Reason = "no-purpose"       // the charter lets no purpose of this source use it
	NoPermission    Reason = "no-permission"    // no purpose that may use it stands for this person now
	Suppressed      Reason = "suppressed"       // the person removed or corrected it themselves
	TooOld          Reason = "too-old"          // older than the charter would keep it
	Malformed       Reason = "malformed"        // one message of a batch that is no message: the others go on
	TooLarge        Reason = "too-large"        // one message of more than 32 KB
)

// Words says the reason in a sentence's half, for who looks at an import or a log; empty for what is no reason.
func (r Reason) Words() string {
	switch r {
	case UnplannedEvent:
		return "the charter names no such event"
	case UnplannedField:
		return "the charter names no such field"
	case RequiredMissing:
		return "a field that the charter requires is missing, so nothing of the event is kept"
	case TypeMismatch:
		return "not of the type that the charter declares; where it is required, nothing of the event is kept"
	case Returned:
		return "rows with a quantity below zero are returns, no purchases: they are left out, the other rows of the order are kept"
	case NoPurpose:
		return "the charter gives this source no purpose that may use it"
	case NoPermission:
		return "nobody said yes to what it would be used for: bring choices first, if you have them"
	case Suppressed:
		return "the person removed or corrected it"
	case TooOld:
		return "older than the charter would keep it; its retain says how long that is"
	case Malformed:
		return "no message in the Segment format"
	case TooLarge:
		return "more than 32 KB"
	}
	return ""
}

// Undeclared stands on disk for a name that the charter does not know: such a name may itself be personal.
const Undeclared = "undeclared"

// Refusal counts what one source sent and was not kept, on one day, for one reason. It never holds a value, and its
// names are the charter's own or Undeclared.
type Refusal struct {
	Day    int64 // UTC days since 1970, by the server's clock
	Source string
	Event  string // the event, "identify", "alias", "group" or Undeclared
	Field  string // empty: the whole event
	Reason Reason
	Count  int64
}

// Counters keeps refusals as counts by day.
type Counters interface {
	// AddRefusals adds to the counts of the same day, source, event, field and reason, all or none.
	AddRefusals(ctx context.Context, counts []Refusal) error
	// Refusals gives the counts of one source (of every source when it is empty) from that day on, in no order.
	Refusals(ctx context.Context, source string, fromDay int64) ([]Refusal, error)
}

// Settings keeps small named texts: the importer's checkpoints.
type Settings interface {
	// Setting gives the text under that name, empty when there is none.
	Setting(ctx context.Context, name string) (string, error)
	// PutSetting keeps it, replacing what was there; an empty text removes it.
	PutSetting(ctx context.Context, name, text string) error
}
