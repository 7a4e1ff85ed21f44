package charter

import "github.com/rapporthq/rapport/person"

// Accepted is one position in the series of accepted charters, as the store keeps it.
type Accepted struct {
	Position int
	Hash     string
	Source   []byte // the file as written
	At       person.Instant
	By       string // who accepted it: a staff name, "init", never a customer
}
