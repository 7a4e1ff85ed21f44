// Package fault is the one error vocabulary: a code for machines and one sentence for people.
//
// A sentence says what to do, and never holds a person's data or an internal cause. An error that is not a fault is
// internal: people read a general sentence, and its text goes to the log only.
package fault

import "errors"

// Code is the kind of a fault. Codes are stable: scripts read them.
type Code string

// The codes.
const (
	Conflict     Code = "conflict"     // somebody else was first; look again and retry
	Invalid      Code = "invalid"      // the request cannot be understood or is not allowed in this form
	NotFound     Code = "not-found"    // nothing is there under that name
	Refused      Code = "refused"      // understood, and the rules say no
	Unauthorised Code = "unauthorised" // no valid token or session
	TooLarge     Code = "too-large"    // more than is taken at once
	TooMany      Code = "too-many"     // too often; Retry-After says when
	Unavailable  Code = "unavailable"  // not now; Retry-After says when
	WrongMethod  Code = "wrong-method" // something is there, and is asked for in another way; Allow says which
	Internal     Code = "internal"     // our mistake
)

// Codes are all codes, by name. Each has its page in docs/problems.
func Codes() []Code {
	return []Code{Conflict, Internal, Invalid, NotFound, Refused, TooLarge, TooMany, Unauthorised, Unavailable, WrongMethod}
}

// Error is a fault: what kind, and one sentence that says what to do.
type Error struct {
	Code     Code
	Sentence string
	Cause    error // for the log, never for people
}

// New makes a fault without a cause.
func New(code Code, sentence string) *Error { return &Error{Code: code, Sentence: sentence} }

// Wrap makes a fault with the cause that the log should know.
func Wrap(code Code, sentence string, cause error) *Error {
	return &Error{Code: code, Sentence: sentence, Cause: cause}
}

// Error is the sentence and, for the log, the cause.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Sentence + " (" + e.Cause.Error() + ")"
	}
	return e.Sentence
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Of gives the code and the sentence that people may read. An error that is no fault is Internal.
func Of(err error) (Code, string) {
	var f *Error
	if errors.As(err, &f) {
		return f.Code, f.Sentence
	}
	return Internal, "Something went wrong on our side; nothing was changed. Try again, and tell us if it stays."
}
