package stewardship

import (
	"context"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Same joins two people on a steward's word; a and b are any pseudonyms of theirs. ErrOne when they are one already, ErrLeftOut when one of them may not be compared, ErrAnswered when
// that would bring two together whom a steward called different, other than these two: of these the last word counts.
func (s *Steward) Same(ctx context.Context, a, b person.ID, by By) error {
	ra, rb, err := s.both(ctx, a, b)
	switch {
	case err != nil:
		return err
	case ra.Who.Root == rb.Who.Root:
		return ErrOne
	case s.leftOut(ra) || s.leftOut(rb):
		return ErrLeftOut
	}
	return outward(s.Store.Commit(ctx, vault.Change{
		Seen:     []vault.Seen{{Root: ra.Who.Root, Version: ra.Version}, {Root: rb.Who.Root, Version: rb.Version}},
		Joins:    []vault.Join{{ID: b, To: a, At: s.Clock(), Why: "steward"}},
		Pairings: []vault.Pairing{s.decided(a, b, vault.Same, by)},
	}))
}

// Different keeps that two are not one person; where they were joined they are split, and both are as they were before.
func (s *Steward) Different(ctx context.Context, a, b person.ID, by By) error {
	ra, rb, err := s.both(ctx, a, b)
	if err != nil {
		return err
	}
	c := vault.Change{Seen: []vault.Seen{{Root: ra.Who.Root, Version: ra.Version}, {Root: rb.Who.Root, Version: rb.Version}}}
	if ra.Who.Root == rb.Who.Root {
		cut, ok := ra.Who.Cut(a, b)
		if !ok {
			return ErrAlone // one pseudonym
		}
		if c, err = ra.Split(cut, s.Clock(), "steward"); err != nil {
			return outward(err)
		}
	}
	c.Pairings = []vault.Pairing{s.decided(a, b, vault.Different, by)}
	return outward(s.Store.Commit(ctx, c))
}

// Split takes a person apart from everybody who was joined to them otherwise than by their own sign-in, and keeps that they are different: no match joins them
// again. a is the pseudonym of whom is meant. It says from how many they were parted. ErrAlone when there is nobody.
func (s *Steward) Split(ctx context.Context, a person.ID, by By) (int, error) {
	r, err := s.record(ctx, a)
	if err != nil {
		return 0, err
	}
	links := parting(r.Who, a)
	if len(links) == 0 {
		return 0, ErrAlone
	}
	all := vault.Change{Seen: []vault.Seen{{Root: r.Who.Root, Version: r.Version}}}
	for _, l := range links {
		c, err := r.Split(l.ID, s.Clock(), "steward")
		if err != nil {
			return 0, outward(err)
		}
		to := l.To
		if to.IsZero() {
			to = r.Who.Root
		}
		all.Splits, all.Put = append(all.Splits, c.Splits...), append(all.Put, c.Put...)
		all.Pairings = append(all.Pairings, s.decided(l.ID, to, vault.Different, by))
	}
	return len(links), outward(s.Store.Commit(ctx, all))
}

// parting lists the links that lead away from the record in which a pseudonym is.
func parting(p person.Person, id person.ID) []person.Join {
	record := recordOf(p, id)
	var out []person.Join
	for _, j := range p.Also {
		to := j.To
		if to.IsZero() {
			to = p.Root
		}
		if (recordOf(p, j.ID) == record) != (recordOf(p, to) == record) {
			out = append(out, j)
		}
	}
	return out
}

// decided is what is kept of a steward's word. What a match found about the two stays beside it.
func (s *Steward) decided(a, b person.ID, state vault.PairState, by By) vault.Pairing {
	return vault.Pairing{A: a, B: b, State: state, By: by.Actor, At: s.Clock()}
}

func (s *Steward) both(ctx context.Context, a, b person.ID) (ra, rb *vault.Record, err error) {
	if ra, err = s.record(ctx, a); err == nil {
		rb, err = s.record(ctx, b)
	}
	return ra, rb, err
}

// record is what is known of one person but values and events.
func (s *Steward) record(ctx context.Context, id person.ID) (*vault.Record, error) {
	l, err := s.Store.Rows(ctx, id)
	if err != nil {
		return nil, outward(err)
	}
	r, err := s.Vault.Record(l, s.Streams, s.Series(), nil)
	return r, outward(err)
}

// leftOut says whether somebody may not be compared, and so not be joined: the home's charter does not let it be, or they said no.
func (s *Steward) leftOut(r *vault.Record) bool {
	return tact.LeftOut(s.asked(s.Series(), r))
}

// Known is one thing that says who somebody is, as a steward sees it.
type Known struct {
	Name  string // the charter's name of the datum
	Value string
}

// Look opens what says who the two of a pair are, for a member of the privacy team who says why: one look at each, on record before anything is given. Of
// somebody who may not be compared there is nothing.
func (s *Steward) Look(ctx context.Context, p Pair, by By) (both [2][]Known, err error) {
	if len(by.Reason) < 5 {
		return both, ErrReason
	}
	if tact.Matching(s.Series().Current()) == nil {
		return both, ErrOff
	}
	for i, id := range []person.ID{p.A, p.B} {
		if both[i], err = s.look(ctx, id, by); err != nil {
			return [2][]Known{}, outward(err)
		}
	}
	return both, nil
}

func (s *Steward) look(ctx context.Context, id person.ID, by By) ([]Known, error) {
	series := s.Series()
	r, err := s.record(ctx, id)
	if err != nil {
		return nil, err
	}
	ring := r.Ring(r.Who.Root)
	if ring == nil {
		return nil, vault.ErrUnreadable
	}
	names := tact.Matching(series.Current())
	row, err := ledger.Seal(ledger.Look{Of: r.Who.Root, At: s.Clock(), Actor: by.Actor, Role: by.Role, Team: by.Team, Purpose: series.Current().Identity.Purpose, Reason: by.Reason, Fields: names}, ring)
	if err != nil {
		return nil, err
	}
	loaded, err := s.Store.Load(ctx, id, row)
	if err != nil {
		return nil, err
	}
	if loaded.Who.Root != r.Who.Root {
		return nil, vault.ErrStale // joined meanwhile: the look is in another's name
	}
	if r, err = s.Vault.Record(loaded, s.Streams, series, nil); err != nil {
		return nil, err
	}
	// What of other records was joined to this one is not what was compared.
	facts, _ := split(s.permitted(series, r, tact.Reader{Actor: by.Actor, Role: by.Role, Team: by.Team}), r.Who, recordOf(r.Who, id))
	facts = person.InUse(facts)
	var out []Known
	for _, name := range names {
		for i := range facts {
			if facts[i].Name == name {
				out = append(out, Known{name, facts[i].Value})
			}
		}
	}
	return out, nil
}
