// Package collect is the gate: what arrives in the Segment format is read strictly, judged by the charter and by the
// person's choices, cut down to what is declared, sealed and committed.
//
// It promises: what the charter does not name, or no purpose may use for this person now, is counted and not kept; its
// content reaches no disk and no log. A message that Accept did not refuse is on disk, synced, when Accept returns
// without an error, and sending it again changes nothing. One bad message never sinks its batch.
// It does not promise to know who sits at a browser: what a client source says of a person stays a claim.
package collect
