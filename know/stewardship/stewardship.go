// Package stewardship finds who is in a home twice, and keeps what a data steward decides about it.
//
// A match compares the people of the home by know/identity: by what the charter's identity section lets be compared, and of those alone who neither restricted all
// use nor said no. Pairs that are sure are joined where the charter says so; the others wait for a steward, who says that the two are the same person or
// different ones. It promises: what a steward decided is never contradicted, neither by asking again nor by a join that would bring two
// together whom they called different; a match that was cut off can be run again and does nothing twice; each match is one look at the
// population in the ledger, and each steward's look at somebody's values one at each of the two, on record before a value is given. It does not
// promise to be right: that is why a join can be split.
//
// What it keeps of a pair is two pseudonyms, a score and what each field adds to it: no value.
package stewardship

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/job"
	"github.com/rapporthq/rapport/know/identity"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Store is what this package asks of the home's store.
type Store interface {
	vault.Pairings

	// Each, Load, Rows and Commit are those of vault.Store.
	Each(ctx context.Context, look ledger.Row, yield func(vault.Loaded) error) error
	Load(ctx context.Context, id person.ID, looks ...ledger.Row) (vault.Loaded, error)
	Rows(ctx context.Context, id person.ID) (vault.Loaded, error)
	Gate(ctx context.Context, ids []person.ID) ([]vault.Loaded, error)
	Commit(ctx context.Context, c vault.Change) error

	// DropProposals removes the pairs that wait and were found before at.
	DropProposals(ctx context.Context, before person.Instant) error

	// People counts who is in the home.
	People(ctx context.Context) (int, error)

	// Setting and PutSetting keep what the last match counted.
	Setting(ctx context.Context, name string) (string, error)
	PutSetting(ctx context.Context, name, text string) error
}

// Steward matches the people of a home and does what its data stewards decide. All fields but Marks are set before it is used. It is safe for use by many goroutines.
type Steward struct {
	Store   Store
	Vault   *vault.Vault
	Series  func() *charter.Series
	Streams func(vault.StreamID) (vault.Stream, bool)
	Leases  job.Leases
	Clock   person.Clock

	matching sync.Mutex
	once     sync.Once
	ids      *sealer
}

// By is who does something, for the record.
type By struct {
	Actor, Role, Team string
	Reason            string // why they look: the person can read it
}

// The errors of this package.
var (
	ErrOff      = fault.New(fault.Refused, "The charter lets nobody be compared: add identity: {purpose: …} to it, and have it accepted.")
	ErrBusy     = fault.New(fault.Conflict, "The people of this home are being matched already: wait until that has ended.")
	ErrNoPair   = fault.New(fault.NotFound, "There is no such pair any more: one of the two was forgotten, or a later match did not find them again.")
	ErrOne      = fault.New(fault.Conflict, "The two are one person already.")
	ErrAlone    = fault.New(fault.Conflict, "There is nothing to split: nobody was joined to this person but by their own sign-in.")
	ErrAnswered = fault.New(fault.Conflict, "That would bring two together whom a steward called different: split or decide that pair first.")
	ErrLeftOut  = fault.New(fault.Refused, "One of the two restricted all use or said no to it: they are not compared, and not joined.")
	ErrMoved    = fault.New(fault.Conflict, "Somebody changed one of the two meanwhile: look at the pair again.")
	ErrReason   = fault.New(fault.Invalid, "Say in a few words why you look: the person can read it.")
)

// Pair is two who may be one person, or about whom something was decided.
type Pair struct {
	ID       string          // opaque: it names the pair in URLs
	A, B     person.ID       // pseudonyms
	State    vault.PairState //
	Together bool            // they are one person now
	Score    float64         // log2 odds that they are one person's: the parts add up to it, to the hundredth
	Band     Band            // of the score
	Parts    []identity.Part // the prior first; none of a pair that a steward named without a match
	By       string          // who decided; empty while nobody did
	At       person.Instant  // when they were found, or decided about
}

// Report is how the home stands: what the last match counted, and what waits and was decided since.
type Report struct {
	Last      *Counted `json:"lastMatch,omitempty"` // nil: the people of this home were never matched
	Waiting   int      `json:"waiting"`             // pairs
	Same      int      `json:"same"`                // decided by stewards
	Different int      `json:"different"`           //
	Matched   int      `json:"matched"`             // pairs that matches joined
	Joining   []Count  `json:"joining"`             // fields that spoke for the pairs that are joined, the most frequent first
}

// Count is how often something was counted.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"count"`
}

// Counted is what one match counted.
type Counted struct {
	At        time.Time       `json:"at"`
	Seconds   float64         `json:"seconds"`
	Purpose   string          `json:"purpose"`
	Fields    []string        `json:"fields"`    // that were compared
	People    int             `json:"people"`    // who were compared
	LeftOut   int             `json:"leftOut"`   // who were not: they restricted all use, said no, or nothing identifying is kept of them that may be compared
	Compared  int64           `json:"compared"`  // pairs of records
	Sure      int64           `json:"sure"`      // of these, by score, of who was not one person before
	Doubtful  int64           `json:"doubtful"`  // of these, to review by score, of who was not one person before
	Joined    int             `json:"joined"`    // people who were brought to another one
	Contested int             `json:"contested"` // groups that joined nobody: they hold two whom a steward called different
	Missed    int             `json:"missed"`    // groups that joined nobody, for somebody in them changed meanwhile: the next match finds them
	Waiting   int             `json:"waiting"`   // pairs that were left for a steward
	Beyond    int             `json:"beyond"`    // pairs more than a steward is given at a time
	Sizes     []identity.Size `json:"sizes"`     // people by how many records they are made of, sign-ins not counted
	Links     []Count         `json:"links"`     // what joined them: a steward, a match, a kind of identifier
	Shaky     int             `json:"doubtfulLinks"`
}

// countedSetting keeps what the last match counted: numbers and names of fields.
const countedSetting = "identity: last match"

// Report says how the home stands.
func (s *Steward) Report(ctx context.Context) (Report, error) {
	var r Report
	text, err := s.Store.Setting(ctx, countedSetting)
	if err != nil {
		return r, outward(err)
	}
	if text != "" {
		r.Last = &Counted{}
		if err := json.Unmarshal([]byte(text), r.Last); err != nil {
			r.Last = nil // of another version: the next match writes it anew
		}
	}
	fields := map[string]int{}
	for _, state := range []vault.PairState{vault.Proposed, vault.Matched, vault.Same, vault.Different} {
		err := s.each(ctx, state, func(p *vault.Pairing) error {
			switch state {
			case vault.Proposed:
				r.Waiting++
			case vault.Matched:
				r.Matched++
			case vault.Same:
				r.Same++
			case vault.Different:
				r.Different++
			}
			if state == vault.Matched || state == vault.Same {
				for _, part := range decodeParts(p.Weights) {
					if part.Weight > 0 && part.Field != prior {
						fields[part.Field]++
					}
				}
			}
			return nil
		})
		if err != nil {
			return r, outward(err)
		}
	}
	r.Joining = counts(fields)
	return r, nil
}

// prior is the name of the engine's first part.
const prior = "prior"

// portion is how many pairs are read at a time.
const portion = 1000

// each walks over the pairs in a state. Pairs that change meanwhile may be seen or not.
func (s *Steward) each(ctx context.Context, state vault.PairState, visit func(*vault.Pairing) error) error {
	for from := 0; ; from += portion {
		part, err := s.Store.Pairings(ctx, state, from, portion)
		if err != nil {
			return err
		}
		for i := range part {
			if err := visit(&part[i]); err != nil {
				return err
			}
		}
		if len(part) < portion {
			return nil
		}
	}
}

// Pairs lists the pairs in a state, the highest score first, at most limit of them after the first from. Of those that wait, pairs that became one person
// since are left out: fewer than limit says nothing of what follows.
func (s *Steward) Pairs(ctx context.Context, state vault.PairState, from, limit int) ([]Pair, error) {
	found, err := s.Store.Pairings(ctx, state, from, limit)
	if err != nil {
		return nil, outward(err)
	}
	return s.told(ctx, found)
}

// told makes pairs as they are shown.
func (s *Steward) told(ctx context.Context, found []vault.Pairing) ([]Pair, error) {
	ids := make([]person.ID, 0, 2*len(found))
	for i := range found {
		ids = append(ids, found[i].A, found[i].B)
	}
	people, err := s.Store.Gate(ctx, ids)
	if err != nil {
		return nil, outward(err)
	}
	out := make([]Pair, 0, len(found))
	for i := range found {
		p := &found[i]
		a, b := people[2*i].Who.Root, people[2*i+1].Who.Root
		together := a == b
		if a.IsZero() || b.IsZero() || together && p.State == vault.Proposed {
			continue
		}
		out = append(out, Pair{ID: s.names().seal(p.A, p.B), A: p.A, B: p.B, State: p.State, Together: together, Score: p.Score, Band: BandOf(p.Score), Parts: decodeParts(p.Weights), By: p.By, At: p.At})
	}
	return out, nil
}

// Pair gives one pair by its ID. ErrNoPair when there is none.
func (s *Steward) Pair(ctx context.Context, id string) (Pair, error) {
	a, b, ok := s.names().open(id)
	if !ok {
		return Pair{}, ErrNoPair
	}
	found, err := s.Store.PairingsOf(ctx, []person.ID{a})
	if err != nil {
		return Pair{}, outward(err)
	}
	for i := range found {
		if found[i].A != a || found[i].B != b {
			continue
		}
		pairs, err := s.told(ctx, found[i:i+1])
		if err != nil {
			return Pair{}, err
		}
		if len(pairs) == 1 {
			return pairs[0], nil
		}
	}
	return Pair{}, ErrNoPair
}

// outward is an error of the store as people read it.
func outward(err error) error {
	switch {
	case errors.Is(err, vault.ErrDifferent):
		return ErrAnswered
	case errors.Is(err, vault.ErrStale):
		return ErrMoved
	case errors.Is(err, vault.ErrNotFound):
		return ErrNoPair
	case errors.Is(err, vault.ErrUnavailable):
		return fault.Wrap(fault.Unavailable, "The home cannot be read or written just now; try again in a moment.", err)
	}
	return err
}
