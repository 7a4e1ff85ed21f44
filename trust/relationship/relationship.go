// Package relationship says how well a brand and a person know each other: Of gives the level by the charter's rules,
// with one sentence that explains it and one that says what would change it.
//
// It is pure: the same evidence at the same time gives the same level and the same words. It judges nothing: whoever calls
// it leaves out the contacts and facts that may not be used, so that neither level nor words give them away.
package relationship

import (
	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// Evidence is what the level rests on. What is later than the time asked about is left out of account.
type Evidence struct {
	Contacts   []person.Instant // when the person dealt with the brand; any order, many a day
	ToldUs     int              // how many facts the person chose to tell
	Feedback   []person.Feedback
	Complaints []person.Complaint
	OptOuts    []person.Instant // when the person took back a yes or objected
}

// Standing is a level and what led to it. The zero Standing is a stranger.
type Standing struct {
	Level    person.Level
	Because  string         // one sentence: "14 visits over 8 months, the last 6 days ago"
	Next     string         // one sentence: what would change it
	Reached  person.Level   // before strain
	Days     int            // distinct days of contact, in the brand's time zone
	First    person.Instant // first contact, zero when there was none
	Last     person.Instant // last contact
	ToldUs   int
	Strained []charter.Strain // what lowers the level now; any number of them lower it by one
}

// Of gives the level at a time, by the charter's rules: the highest level whose conditions all hold, lowered by one while
// anything strains it. Without a charter everybody is a stranger. lang is en or fr; others read English.
func Of(c *charter.Charter, e Evidence, at person.Instant, lang string) Standing {
	if c == nil {
		return Standing{}
	}
	return Standing{ToldUs: e.ToldUs}
}
