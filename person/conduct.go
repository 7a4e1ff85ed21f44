package person

// Our own conduct, and the person's answers to it: what was shown, what they said of it, what they complained about.

// FeedbackKind is what a person said of something shown to them.
type FeedbackKind string

// The kinds of feedback.
const (
	Useful       FeedbackKind = "useful"
	NotForMe     FeedbackKind = "not-for-me"
	TooPersonal  FeedbackKind = "too-personal"
	HowDoYouKnow FeedbackKind = "how-do-you-know"
)

// Valid says whether k is one of the four.
func (k FeedbackKind) Valid() bool {
	switch k {
	case Useful, NotForMe, TooPersonal, HowDoYouKnow:
		return true
	}
	return false
}

// Feedback is one answer of a person to one item of one decision.
type Feedback struct {
	Of        ID
	Kind      FeedbackKind
	Decision  string // dec_…
	Placement string
	Item      string   // what was shown
	Sources   []string // names of the reasons that the item carried (item ids, fact names): not-for-me removes their weight
	At        Instant
}

// Complaint is a person's complaint; it strains the relationship while it is open.
type Complaint struct {
	Of     ID
	ID     string
	Opened Instant
	Closed Instant // zero while open
}

// Shown is what was really shown to a person at one placement.
type Shown struct {
	Of        ID
	Decision  string
	Placement string
	Items     []string
	At        Instant
}
