package person

// Moment is the circumstance of one decision: where, when, and what the browser asks for.
type Moment struct {
	Placement string
	At        Instant // the time for which it is decided: sets season and hour
	Now       Instant // the server's clock; permission and retention must hold at both
	Region    string  // country code, empty: the brand's
	Weather   string  // a word of the caller's, empty when not known
	Language  string
	GPC       bool // the browser asks not to be sold or profiled (Sec-GPC: 1)
	Device    ID   // the pseudonym of the device that asked, zero when not known
	Session   bool // the person is signed in here and now, by the word of a caller who may attest it
}
