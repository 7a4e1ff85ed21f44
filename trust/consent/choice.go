// Package consent keeps people's choices as history and says what follows from them: Of gives a person's standing for a
// purpose at a time. It is pure: it reads no clock, no store and no randomness.
package consent

import "github.com/rapporthq/rapport/person"

// Answer is what a person said to a purpose. The zero value is that they never said anything, which is not a choice.
type Answer uint8

// The answers.
const (
	Unanswered Answer = iota
	No
	Yes
)

// Choice is one answer of a person to one purpose, as history: a later one does not erase it.
type Choice struct {
	Of       person.ID
	Purpose  string
	Answer   Answer
	At       person.Instant // when the person said it, by the source's word
	Received person.Instant // when it came here, by the server's clock
	Explicit bool           // said to this purpose by name, in words that say what follows (GDPR Art. 9)
	Verified bool           // by a server source or the person's own signed session; what a browser claims is not
	Signal   bool           // a browser's signal: it binds its device only
	Source   string         // the charter's name of the source; "self" for the person's own signed session
	Channel  string
	Charter  int // position of the charter whose words were shown
}

// First says whether a choice is the first of its purpose and answer that came on its day, among these of the same person: who
// changes their mind often is counted once.
func First(earlier []Choice, c Choice) bool {
	for i := range earlier {
		if e := &earlier[i]; e.Purpose == c.Purpose && e.Answer == c.Answer && e.Received.Day() == c.Received.Day() {
			return false
		}
	}
	return true
}

// Next is the time of an answer that is given now: after all earlier ones to its purpose, so that the last word stays the last when the
// clock goes back, and no earlier than any of the person's pseudonyms was brought to them, so that it answers for all of them. By a right
// clock it is now.
func Next(who person.Person, earlier []Choice, purpose string, now person.Instant) person.Instant {
	for _, j := range who.Also {
		now = max(now, j.At)
	}
	for i := range earlier {
		if c := &earlier[i]; c.Purpose == purpose {
			now = max(now, c.when()+1)
		}
	}
	return now
}

// Evidence is what shows that a choice was made: kept sealed, as the body of the choice's row.
type Evidence struct {
	Notice   string // version of the notice
	Language string
	Words    string // the words that were shown
	Channel  string
	Message  string // the message in which it came
}
