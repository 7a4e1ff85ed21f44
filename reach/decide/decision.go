package decide

// Decision is the answer as callers read it. Its fields are those of the JSON door; they may grow, and keep their
// meaning. Two decisions from the same home state, charter, models, time and server time differ in ID and Feedback only.
type Decision struct {
	ID           string            `json:"decision,omitempty"`
	Placement    string            `json:"placement"`
	Rung         string            `json:"rung"`
	Relationship Relationship      `json:"relationship"`
	Items        []Item            `json:"items"`
	Short        *Short            `json:"short,omitempty"` // why there are fewer items than were asked for
	Holdout      bool              `json:"holdout,omitempty"`
	Degraded     string            `json:"degraded,omitempty"` // which part failed, so that the answer is less personal: store, model, charter, record, time, fault
	Held         []Held            `json:"held,omitempty"`
	Charter      int               `json:"charter"`
	Models       map[string]string `json:"models,omitempty"`
	Feedback     string            `json:"feedback,omitempty"` // lets a browser answer this decision, and no other
	At           string            `json:"at,omitempty"`       // of a receipt: the time for which it was decided
	Now          string            `json:"decidedAt,omitempty"`
}

// Relationship is how well the brand and the person know each other, and the sentence that says why.
type Relationship struct {
	Level   string `json:"level"`
	Because string `json:"because,omitempty"`
}

// Item is one item that was decided on. The weights of Because add up to Score.
type Item struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Score   float64  `json:"score"`
	Because []Reason `json:"because"`
	Moved   []Moved  `json:"moved,omitempty"`
}

// Reason is one part of a score, in words.
type Reason struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
	Source string  `json:"source"` // evt_…, fact:…, term:…, context:trend, catalogue, or rest
}

// Moved is what changed an item's place after scoring. Places count from 1.
type Moved struct {
	Text string `json:"text"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// Held is what this placement could have used and did not, with the reason's word and its sentence.
type Held struct {
	Fact   string `json:"fact"`            // the charter's name of the fact, or of the event
	Event  bool   `json:"event,omitempty"` // the name is an event's
	Reason string `json:"reason"`
	Count  int    `json:"count,omitempty"`
	Text   string `json:"text"`
}

// Short says why there are fewer items than were asked for.
type Short struct {
	Reason string `json:"reason"` // quiet-hours, cap, shown-already, nothing-left, unavailable
	Text   string `json:"text"`
}

// The words of Short.Reason.
const (
	ShortQuiet   = "quiet-hours"
	ShortCap     = "cap"
	ShortAlready = "shown-already"
	ShortNothing = "nothing-left"
	ShortFault   = "unavailable"
)

// The words of Decision.Degraded.
const (
	DegradedStore   = "store"   // the person's record could not be read
	DegradedModel   = "model"   // no model, or it failed
	DegradedCharter = "charter" // a newer charter is in force than this process has
	DegradedRecord  = "record"  // something in the person's record could not be opened
	DegradedReceipt = "receipt" // the receipt could not be kept
	DegradedTime    = "time"    // the time for the answer was over
	DegradedFault   = "fault"   // a part failed that should not
)
