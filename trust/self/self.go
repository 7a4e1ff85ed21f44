// Package self is what a signed-in person does about themselves: choose, remove a fact, stop all use, and be told what is known.
//
// It promises that an act is on disk when its call returns, that it is in force for the next decision in every process, and
// that it is done for the person of the session only. It does not show anything: that is the trust centre's.
package self

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// Source is the name under which a person's own acts are on record.
const Source = "self"

// Acts are a person's own. Make one for a home; it is safe for many goroutines.
type Acts struct {
	Store   vault.Store
	Vault   *vault.Vault
	Series  func() *charter.Series
	Streams func(vault.StreamID) (vault.Stream, bool)
	Clock   person.Clock
	Chosen  func(purpose string, yes bool) // told of a choice that is kept, once of a person, purpose and answer on a day; nil: nobody
}

// tries is how often an act is judged again when somebody else changed the person meanwhile.
const tries = 5

// commit makes a change out of the person's record as it is, and again when it was changed meanwhile.
func (a *Acts) commit(ctx context.Context, id person.ID, change func(r *vault.Record, k *vault.KeyRing, at person.Instant) (vault.Change, error)) error {
	for range tries {
		loaded, err := a.Store.Load(ctx, id)
		if err != nil {
			return said(err)
		}
		r, err := a.Vault.Record(loaded.Near(), a.Streams, a.Series(), nil)
		if err != nil {
			return said(err)
		}
		k := r.Ring(id)
		if k == nil {
			return fault.New(fault.NotFound, "Nothing is kept under this session any more; sign in again.")
		}
		c, err := change(r, k, a.Clock())
		if err != nil {
			return err
		}
		c.Seen = append(c.Seen, vault.Seen{Root: loaded.Who.Root, Version: loaded.Version})
		err = a.Store.Commit(ctx, c)
		if errors.Is(err, vault.ErrStale) {
			continue
		}
		return said(err)
	}
	return fault.New(fault.Conflict, "Too much happened at once; try again.")
}

func said(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vault.ErrNotFound):
		return fault.Wrap(fault.NotFound, "Nothing is kept under this session any more; sign in again.", err)
	case errors.Is(err, vault.ErrUnavailable):
		return fault.Wrap(fault.Unavailable, "That could not be written down just now, so nothing was changed; try again in a moment.", err)
	}
	return err
}

// Choose records a yes or a no to a purpose, with the words that were shown. A purpose that no choice can switch is refused. A yes
// to a purpose that needs an express one is express: the page must have asked so.
func (a *Acts) Choose(ctx context.Context, id person.ID, purpose string, yes bool, e consent.Evidence) error {
	c := a.Series().Current()
	p := c.Purposes[purpose]
	switch {
	case p == nil:
		return fault.New(fault.NotFound, "There is no such purpose any more; look at the page again.")
	case !p.Basis.Switchable():
		return fault.New(fault.Refused, "This purpose cannot be switched: a contract or a law asks for it.")
	}
	first := false
	err := a.commit(ctx, id, func(r *vault.Record, k *vault.KeyRing, at person.Instant) (vault.Change, error) {
		at = consent.Next(r.Who, r.Choices, purpose, at)
		ch := consent.Choice{Of: id, Purpose: purpose, Answer: consent.No, At: at, Received: at, Verified: true, Source: Source, Channel: e.Channel, Charter: c.Position}
		if yes {
			ch.Answer, ch.Explicit = consent.Yes, p.Explicit
		}
		first = consent.First(r.Choices, ch)
		change := vault.Change{Put: []vault.Row{k.SealChoice(ch, e, "self "+rand.Text())}} // two answers of one instant are two
		if yes && r.Suppressed(vault.Everything) {                                         // they were forgotten once, and want to be known again
			for _, of := range r.Who.All() {
				change.Drop = append(change.Drop, a.Vault.EverythingRow(of))
			}
		}
		return change, nil
	})
	if err == nil && first && a.Chosen != nil {
		a.Chosen(purpose, yes)
	}
	return err
}

// Remove drops a fact, from whichever source and pseudonym, and keeps imports from bringing it back. What a law asks the brand to
// keep is refused.
func (a *Acts) Remove(ctx context.Context, id person.ID, name string) error {
	if c := a.Series().Current(); Bound(c, name) {
		return fault.New(fault.Refused, "A law asks this of us, so it is not removed by a form: write to us and we put it right with you.")
	}
	return a.commit(ctx, id, func(r *vault.Record, _ *vault.KeyRing, at person.Instant) (vault.Change, error) {
		c := vault.Change{Drop: r.FactRows(name)}
		if len(c.Drop) == 0 {
			return c, fault.New(fault.NotFound, "We do not keep that; look at the page again.")
		}
		c.Drop = append(c.Drop, r.InferredFrom(name)...) // what was guessed from it has lost its ground
		for _, of := range r.Who.All() {                 // with each pseudonym, so that a split forgets nothing
			if k := r.Ring(of); k != nil {
				c.Put = append(c.Put, k.SealSuppressed(name, at))
			}
		}
		return c, nil
	})
}

// Judge records that the person says a value of a fact is right or wrong: it is as sure as can be from then on, or not at all, whoever says
// it again. value is in the form in which it is kept. That something is right which a law asks the brand for is not the person's to say.
func (a *Acts) Judge(ctx context.Context, id person.ID, name, value string, right bool) error {
	if c := a.Series().Current(); right && Bound(c, name) {
		return fault.New(fault.Refused, "A law asks this of us, so it is not changed by a form: write to us and we put it right with you.")
	}
	return a.commit(ctx, id, func(r *vault.Record, _ *vault.KeyRing, at person.Instant) (vault.Change, error) {
		var c vault.Change
		if !r.Says(name, value) {
			return c, fault.New(fault.NotFound, "We do not keep that; look at the page again.")
		}
		doubt := person.Disputed
		if right {
			doubt = 0
		}
		at = max(at, r.Judged(name)) // a clock that went back does not undo what is said now
		for _, of := range r.Who.All() {
			if k := r.Ring(of); k != nil {
				c.Put = append(c.Put, k.SealVerdict(name, value, doubt, true, at))
			}
		}
		return c, nil
	})
}

// Bound says whether a law asks the brand for this fact, so that the person cannot take it away or put it in other words by themselves.
func Bound(c *charter.Charter, name string) bool {
	d := c.Data[name]
	if d == nil {
		return false
	}
	for _, n := range d.Purposes {
		if p := c.Purposes[n]; p != nil && p.Basis == charter.LegalObligation {
			return true
		}
	}
	return false
}

// Restrict stops all use of what is kept (GDPR Art. 18), or lets it go on.
func (a *Acts) Restrict(ctx context.Context, id person.ID, on bool) error {
	return a.commit(ctx, id, func(r *vault.Record, _ *vault.KeyRing, at person.Instant) (vault.Change, error) {
		var c vault.Change
		at = max(at, r.RestrictAt) // a clock that went back does not undo what is said now
		for _, of := range r.Who.All() {
			if k := r.Ring(of); k != nil {
				c.Put = append(c.Put, k.SealRestriction(at, on))
			}
		}
		return c, nil
	})
}

// Told records that the person was shown these facts and events in their own session: none of them is a surprise from now on.
// Names that were told before and have not changed since are left out of the write.
func (a *Acts) Told(ctx context.Context, id person.ID, heads []person.Head) error {
	var names []string
	seen := map[string]bool{}
	for i := range heads {
		if !heads[i].Told && !seen[heads[i].Name] {
			seen[heads[i].Name] = true
			names = append(names, heads[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return a.commit(ctx, id, func(_ *vault.Record, k *vault.KeyRing, at person.Instant) (vault.Change, error) {
		return vault.Change{Put: []vault.Row{k.SealTold(names, at)}}, nil
	})
}
