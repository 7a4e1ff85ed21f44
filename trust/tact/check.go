package tact

import "github.com/rapporthq/rapport/person"

// ForCheck is the leave of a check that the promises are kept over a counted population: it may open everything, because what
// must not be there or must not matter can only be found by looking. It is a job's permit, so the look at the population is on record first.
func ForCheck(actor, filter string, count, charter int, expires person.Instant) (Permit, error) {
	if actor == "" || filter == "" || count < 0 || expires <= 0 {
		return Permit{}, ErrActor
	}
	return Permit{kind: Job, purpose: "own", actor: actor, role: "job", count: count, filter: filter, all: true, charter: charter, expires: expires}, nil
}
