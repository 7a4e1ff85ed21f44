package person

// Head is everything about a fact or an event but its value: where it came from, when, how sure it is.
// Rules that decide whether something may be used (trust/tact) see heads only.
type Head struct {
	Of         ID       // the pseudonym under which it came
	Name       string   // the charter's name of the fact, or of the event
	Event      bool     // an event, not a fact
	Learnt     Learnt   // how it was come by
	Source     string   // the charter's name of the source; "self" for the person's own signed session
	Channel    string   // where: the source's channel ("web", "store", …)
	At         Instant  // when it was so, or happened, by the source's word
	Received   Instant  // when it came here, by the server's clock
	Charter    int      // position in the series of accepted charters under which it came
	Quality    float64  // in [0,1]: how sure the value was when it came, or is since somebody judged it. Facts without a judgement of quality have 1
	Told       bool     // the person gave it, or was shown it in their own signed session and did not object
	Verified   bool     // from a server source or a signed session; what a browser claims is not
	Unreadable bool     `json:",omitempty"` // not even the head could be opened: its name and times are all that is known, and doubt works for the person
	Doubts     Doubts   `json:",omitempty"` // why the quality is less than 1
	Confirmed  Instant  `json:",omitempty"` // when somebody last said that the value is right; 0: nobody did
	Inputs     []string `json:",omitempty"` // names of the facts and events it was derived from; empty when not derived
}

// Fact is one thing known about a person: its head, and its value in canonical text form
// (a date as 2006-01-02, a number in shortest decimal form, a boolean as true or false, an enum's word, a list as JSON).
type Fact struct {
	Head
	Value string
}

// Event is something that the person did, cut down to what the charter declares.
type Event struct {
	Head
	ID         EventID        // stable name of the event for reasons and receipts
	Lines      []Line         // what it was about: items bought or seen
	Properties map[string]any // the other declared properties: string, float64, bool or lists of these
}

// EventID names an event: the keyed hash of the message it came in. It says nothing by itself.
type EventID [16]byte

// String is the id as reasons name it: "evt_" and 26 letters and digits.
func (e EventID) String() string {
	var b [30]byte
	pseudonymText.Encode(b[copy(b[:], "evt_"):], e[:])
	return string(b[:])
}

// Line is one item in an event: an order's line, or the one item that was looked at (quantity 1).
type Line struct {
	Item     string  // catalogue id
	Quantity float64 // as the source said; 0 when it said nothing
	Price    float64 // for one, in the brand's currency; 0 when it said nothing
}
