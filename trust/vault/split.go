package vault

import (
	"encoding/hex"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// Split is the change that takes a pseudonym, with all that were joined to it, out of the person: rows and events stay where they are, and a no
// that was given while they were joined is copied, without its evidence, to the side that did not give it. ErrNotFound when the pseudonym is
// not one of the person's, or names them: then there is nothing to take out. Committed after somebody else's act about the person it is ErrStale.
func (r *Record) Split(id person.ID, at person.Instant, why string) (Change, error) {
	if id == r.Who.Root || !r.Who.Has(id) {
		return Change{}, ErrNotFound
	}
	c := Change{Seen: []Seen{{Root: r.Who.Root, Version: r.Version}}, Splits: []Split{{ID: id, At: at, Why: why}}}
	for _, no := range consent.ForSplit(r.Who, r.Who.Under(id), r.Choices) {
		if ring := r.rings[no.Of]; ring != nil { // for a pseudonym without a key nothing can be kept, and nothing of it can be used
			c.Put = append(c.Put, ring.SealChoice(no, consent.Evidence{Channel: no.Channel}, "split "+r.said(no)))
		}
	}
	return c, nil
}

// said tells the choice that a copy was made of apart from others of its purpose.
func (r *Record) said(c consent.Choice) string {
	for i := range r.Choices {
		o := r.Choices[i]
		of := o.Of
		if o.Of = c.Of; o == c && of != c.Of {
			return hex.EncodeToString(r.choiceRows[i].Key[:])
		}
	}
	return ""
}
