package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Supposed is what a "what if" takes to be otherwise. It lives in memory for one question and is never written anywhere. The zero
// Supposed changes nothing.
type Supposed struct {
	Charter *charter.Charter // decide as if this one were accepted now; nil: the one in force
	Off     []string         // purposes to which the person says no at the moment of the question
	Level   *person.Level    // the level on which the charter puts everybody; nil: as it is
}

// Side is one of several decisions that are laid beside each other.
type Side struct {
	Placement string
	Context   Circumstance
	GPC       bool
	Supposed  Supposed
}

// most sides of one comparison.
const mostSides = 4

var (
	errSides   = fault.New(fault.Invalid, "Lay at least one and at most four decisions beside each other.")
	errNoHere  = fault.New(fault.Invalid, "That charter has no such placement: choose one that both charters have.")
	errCharter = fault.New(fault.Invalid, "Nothing can be decided by that charter: check it with rapport charter check.")
)

// Suppose is the house as it would be. Another charter takes the position after the one in force, as if it were accepted now, so
// that what came under earlier words keeps the bounds of those words. A supposed level asks nothing of anybody and strains nobody.
func (h *House) Suppose(s Supposed, now person.Instant) (*House, error) {
	if s.Charter != nil {
		next := s.Charter.Placed(h.Charter.Position+1, now)
		made, err := NewHouse(Parts{
			Series: h.Series.Append(next), Shelf: catalogue.NewShelf(h.Shelf.All(), next, h.Shelf.Version()),
			Model: h.Learnt, ModelVersion: h.ModelVersion, Salt: h.salt,
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errCharter, err)
		}
		if h.ranker != nil && h.ranker != ranker(h.Model) { // a test broke it
			made.rankBy(h.ranker)
			made.ModelVersion = h.ModelVersion
		}
		h = made
	}
	if s.Level != nil {
		c := *h.Charter
		c.Relationship = charter.Relationship{}
		for level, rule := range map[person.Level]**charter.LevelRule{person.Acquaintance: &c.Relationship.Acquaintance, person.Regular: &c.Relationship.Regular, person.Confidant: &c.Relationship.Confidant} {
			if level <= *s.Level {
				*rule = &charter.LevelRule{}
			}
		}
		h = h.copy()
		h.Charter = &c
	}
	return h, nil
}

// Suppose is the subject as they would be: who says no to the purposes that are off, at that moment. Nobody known stays nobody known.
func Suppose(s Subject, off []string, m person.Moment) Subject {
	if s == nil || len(off) == 0 {
		return s
	}
	return refusing{s, off, min(m.At, m.Now)}
}

// refusing is a subject who says no, and is the same in all else.
type refusing struct {
	Subject
	purposes []string
	at       person.Instant
}

// Heads are the subject's, with the noes behind their own choices.
func (r refusing) Heads() Heads {
	h := r.Subject.Heads()
	h.Choices = slices.Clone(h.Choices)
	for _, p := range r.purposes {
		h.Choices = append(h.Choices, consent.Choice{Of: h.Who.Root, Purpose: p, Answer: consent.No, At: r.at, Received: r.at, Verified: true, Source: "self", Channel: "web"})
	}
	return h
}

// CompareMadeUp decides each side for a made-up person of the level, by that side's own charter. Nothing is read, kept or shown.
// Errors are faults.
func CompareMadeUp(h *House, level person.Level, sides []Side, now person.Instant) ([]Decision, error) {
	if err := checkSides(h, sides, now); err != nil {
		return nil, err
	}
	out := make([]Decision, len(sides))
	for i, s := range sides {
		supposed, err := h.Suppose(s.Supposed, now)
		if err != nil {
			return nil, err
		}
		if out[i], err = s.decide(supposed, MadeUp(h.asked(supposed), level, now), now, person.ID{}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// asked is the house whose rules say what a person of a level is like: a supposed level must not make everybody new.
func (h *House) asked(supposed *House) *House {
	if supposed.Series.Current().Position == h.Charter.Position {
		return h
	}
	real := supposed.copy()
	real.Charter = supposed.Series.Current()
	return real
}

// Compare decides each side for a real person, for the privacy team, in one look: it is in the ledger before anything is opened,
// and without it nothing is. Nothing is remembered of the decisions. Somebody who is not known is decided for as a stranger, and
// leaves no look. Errors are faults.
func (d *Decider) Compare(ctx context.Context, ref Ref, sides []Side, p Principal, look ledger.Look) ([]Decision, error) {
	now := d.clock()
	h := d.live.House()
	if h == nil {
		return nil, errNoHouse
	}
	if !p.Privacy {
		return nil, errTry
	}
	if !ref.Pseudonym.IsZero() && !p.Pseudonyms {
		return nil, errPseudonym
	}
	if err := checkSides(h, sides, now); err != nil {
		return nil, err
	}
	look.Fields, look.Count = []string{"decision"}, 1
	l, device, err := d.looked(ctx, ref, now, look)
	known := err == nil
	if !known && !errors.Is(err, vault.ErrNotFound) {
		return nil, asFault(err)
	}
	if known {
		if h, err = d.live.Follow(ctx, l.Charter); err != nil {
			return nil, asFault(err)
		}
	}
	out := make([]Decision, len(sides))
	for i, s := range sides {
		supposed, err := h.Suppose(s.Supposed, now)
		if err != nil {
			return nil, err
		}
		var subject Subject
		if known { // a record for each side: its charter says which things are sensitive
			streams, err := d.streams.knowing(ctx, d.store, l.Frames)
			if err != nil {
				return nil, asFault(err)
			}
			record, err := d.vault.Record(l, streams, &supposed.Series, supposed.Shelf.Sensitive)
			if err != nil {
				return nil, asFault(err)
			}
			subject = Of(record)
		}
		if out[i], err = s.decide(supposed, subject, now, device); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func checkSides(h *House, sides []Side, now person.Instant) error {
	if len(sides) == 0 || len(sides) > mostSides {
		return errSides
	}
	for _, s := range sides {
		if s.Context.At < 0 || s.Context.At > now.Add(future) {
			return errFuture
		}
		if s.Supposed.Charter == nil && h.Charter.Placements[s.Placement] == nil {
			return errNoPlacement
		}
	}
	return nil
}

// decide computes one side and reads it as the privacy team does. Its name is nobody's: no receipt is kept.
func (s Side) decide(h *House, subject Subject, now person.Instant, device person.ID) (Decision, error) {
	if h.Charter.Placements[s.Placement] == nil {
		return Decision{}, errNoHere
	}
	m := person.Moment{
		Placement: s.Placement, At: s.Context.At, Now: now, Region: s.Context.Region, Weather: s.Context.Weather, Language: s.Context.Language, GPC: s.GPC, Device: device,
	}
	if m.At == 0 {
		m.At = now
	}
	if m.Region == "" {
		m.Region = h.Charter.Brand.Region
	}
	res := Safely(h, Suppose(subject, s.Supposed.Off, m), Ask{Moment: m, Ceiling: person.Individual})
	d := Read(&res.Receipt, h, Reader{Language: s.Context.Language, Holds: true, Private: true, Values: res.Values})
	if s.Supposed.Level != nil {
		d.Relationship.Because = "" // it is supposed, and rests on nothing that the person did
	}
	return d, nil
}
