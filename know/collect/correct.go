package collect

import (
	"context"
	"errors"
	"slices"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/self"
	"github.com/rapporthq/rapport/trust/vault"
)

// ownSource is the person's own signed session: a source that no charter names and no key can send for.
const ownSource = self.Source

// The refusals of Correct.
var (
	errNothingKept = fault.New(fault.NotFound, "We do not keep that; look at the page again.")
	errNoLeave     = fault.New(fault.Refused, "You said no to everything that this would be used for, so a new value may not be kept: say yes first, or remove it.")
	errNotYours    = fault.New(fault.Refused, "This is not something that you can put in other words; you can remove it.")
	errLaw         = fault.New(fault.Refused, "A law asks this of us, so it is not changed by a form: write to us and we put it right with you.")
	errSignedOut   = fault.New(fault.NotFound, "Nothing is kept under this session any more; sign in again.")
)

// ownPlan is what a charter lets a person say of themselves: every fact that may be declared, for every purpose that stands.
func ownPlan(c *charter.Charter) *plan {
	return newPlan(c, &charter.Source{Name: ownSource, Kind: "server", Purposes: c.Order.Purposes, Channel: "web", LearntDefault: person.Declared})
}

// Correct puts the person's own word in the place of a fact that is kept of them, or that they removed before, or of a protective one of which nothing
// was kept: the same judgement as for any source decides whether it may be kept, what every source said goes, and no source brings it back. id is the pseudonym of
// their signed session, text the value as a form has it. When it returns without an error it is on disk, and in force for the next
// decision. An address that is corrected finds nobody by itself: only a source that verifies it may say whose it is.
//
// Errors are faults: Invalid when the text is not of the declared type, Refused when it may not be kept, NotFound when nothing of
// that name was.
func (g *Gate) Correct(ctx context.Context, id person.ID, name, text string) error {
	received := g.parts.Clock()
	for try := 0; ; try++ {
		err := g.correct(ctx, id, name, text, received)
		var f *fault.Error
		switch {
		case err == nil, errors.As(err, &f):
			return err
		case (errors.Is(err, vault.ErrStale) || errors.Is(err, errBehind)) && try+1 < mostTries && ctx.Err() == nil:
			continue
		case errors.Is(err, vault.ErrNotFound):
			return errSignedOut
		}
		return fault.Wrap(fault.Unavailable, "That could not be written down just now, so nothing was changed; try again in a moment.", err)
	}
}

func (g *Gate) correct(ctx context.Context, id person.ID, name, text string, received person.Instant) error {
	series := g.parts.Charters()
	c := series.Current()
	if c == nil {
		return errors.New("no charter is in force")
	}
	p := ownPlan(c)
	p.infer(g.parts.Augmenters)
	fp := p.facts[name]
	if fp == nil || len(fp.purposes) == 0 {
		return errNotYours
	}
	value, err := fp.datum.Type.CanonicalText(text)
	if err != nil {
		return fault.Wrap(fault.Invalid, "That cannot be kept as it is written: "+err.Error()+".", err)
	}
	loaded, err := g.parts.Store.Load(ctx, id)
	if err != nil {
		return err
	}
	if loaded.Charter > c.Position {
		return errBehind
	}
	r, err := g.parts.Vault.Record(loaded.Near(), nil, &series, nil)
	if err != nil {
		return err
	}
	old := r.FactRows(name)
	// A wish to be spared something can be told without having been asked: it only takes away. What a law asks for is told by the person where nobody has
	// said it yet, and stands in nobody's way.
	first, bound := len(old) == 0 && !r.Suppressed(name), self.Bound(c, name)
	switch {
	case bound && !(first && fp.datum.Protective):
		return errLaw
	case first && !fp.datum.Protective:
		return errNothingKept
	}
	st := g.begin(ctx, series)
	defer g.end(st)
	st.add(&turn{Arrival: Arrival{Source: ownSource, Batch: &Batch{}}, ctx: ctx, received: received}, p)
	// A pause stops use, and what others bring; it does not keep a person from putting right what is kept of them.
	sub := &subject{who: r.Who, sealings: []*vault.Sealing{r.Sealing()}, choices: r.Choices, claims: r.Claims, read: received,
		seen: []vault.Seen{{Root: loaded.Who.Root, Version: loaded.Version}}}
	m := &Message{Type: Identify}
	v := st.tally.open(m, received)
	st.facts(m, &notes{at: received, traits: []trait{{name: name, plan: fp, value: value}}}, place{sub, id}, st.moment(person.ID{}), v)
	if !v.kept {
		return errNoLeave
	}
	for _, row := range append(old, r.InferredFrom(name)...) {
		if !slices.ContainsFunc(st.change.Put, func(kept vault.Row) bool { return row == vault.RowID{Of: kept.Of, Kind: kept.Kind, Key: kept.Key} }) {
			st.change.Drop = append(st.change.Drop, row)
		}
	}
	for _, of := range r.Who.All() { // with each pseudonym, so that a split forgets nothing
		if ring := sub.ring(of); ring != nil && !bound {
			st.change.Put = append(st.change.Put, ring.SealSuppressed(name, received))
		}
	}
	return g.parts.Store.Commit(ctx, st.change)
}
