package prove

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Home is what Run checks.
type Home struct {
	Store   vault.Store
	Vault   *vault.Vault
	House   *decide.House
	Ledger  *ledger.Ledger
	Account func(ctx context.Context) error // brings receipts into the ledger; nil: those that are not in it wait
	Streams func(vault.StreamID) (vault.Stream, bool)
	Count   func(ctx context.Context) (int, error) // how many people there are
	// Oldest says when the oldest receipt and the oldest look that are kept were made; 0 for none.
	Oldest func(ctx context.Context) (receipt, look person.Instant, err error)
	Keep   time.Duration // how often the retention sweep runs: what is older than its retention by more than twice this fails
	Dir    string        // the home's folder, for what a thief would read; empty: not on this machine
	Clock  person.Clock
	Actor  string // who asked
	Reason string
}

// Options says how much to try.
type Options struct {
	People   int // how many people's decisions are tried; 0: 60
	Seed     uint64
	Progress func(check string, done, total int64)
}

// Run makes one look at the population and runs every check on what it found: one Result for each of Checks, in their order. It changes
// nothing else, but that rows of the ledger which waited are folded into its tree. An error means that the checks could not be run,
// which is no pass.
func Run(ctx context.Context, h Home, o Options) ([]Result, error) {
	if o.People <= 0 {
		o.People = 60
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if h.House == nil {
		return nil, decide.ErrHouse
	}
	now := h.Clock()
	count, err := h.Count(ctx)
	if err != nil {
		return nil, err
	}
	entries, _, err := h.Ledger.Size(ctx)
	if err != nil {
		return nil, err
	}
	permit, err := tact.ForCheck(h.Actor, "everybody", count, h.House.Charter.Position, now.Add(time.Hour))
	if err != nil {
		return nil, err
	}
	look, err := ledger.Seal(ledger.Look{At: now, Actor: h.Actor, Role: "job", Purpose: permit.Purpose(), Reason: h.Reason, Fields: permit.Fields(), Count: count, Filter: "everybody"}, h.Vault.Home())
	if err != nil {
		return nil, err
	}
	rest := newAtRest(h, now)
	people := sample{most: o.People, seed: o.Seed}
	done := int64(0)
	err = h.Store.Each(ctx, look, func(l vault.Loaded) error {
		r, err := h.Vault.Record(l, h.Streams, &h.House.Series, h.House.Shelf.Sensitive)
		if err != nil {
			return err
		}
		opened, err := r.Open(permit, now)
		if err != nil {
			return err
		}
		rest.person(&l, r, opened)
		if len(opened.Facts)+len(opened.History) > 0 {
			people.offer(r.Who.Root, func() sampled {
				return sampled{m: made(r, opened, h.House), rest: atRestOf(r, l, func(l vault.Loaded) (*vault.Record, error) {
					return h.Vault.Record(l, h.Streams, &h.House.Series, h.House.Shelf.Sensitive)
				})}
			})
		}
		if done++; done%500 == 0 {
			o.Progress("reading", done, int64(count))
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("the home could not be read to its end: %w", err)
	}
	snap := Snapshot{House: h.House, Now: now, Seed: o.Seed}
	snap.People, snap.AtRest = people.taken()
	p, err := New(snap, nil)
	if err != nil {
		return nil, err
	}
	receipt, looked, err := h.Oldest(ctx)
	if err != nil {
		return nil, err
	}
	rest.accounts(receipt, looked)
	checks := []func() Result{
		p.NonInterference, p.HoldsExercised, p.ReasonsAddUp, p.ProtectiveOnlyRemoves, p.WeightsOverK,
		func() Result { return verify(ctx, h, look, entries) }, rest.undeclared, rest.retention, func() Result { return rest.thief.sees(h.Dir) },
	}
	results := make([]Result, 0, len(checks))
	for i, check := range checks {
		o.Progress(Checks[i], int64(i), int64(len(checks)))
		results = append(results, check())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// made copies a person into memory, with everything opened, as a subject that can be changed. A fact whose value cannot be opened keeps
// its head, for that is judged too; an event that cannot be opened is left out.
func made(r *vault.Record, o *vault.Opened, h *decide.House) *decide.Made {
	m := &decide.Made{
		Who: r.Who, History: o.History, Choices: r.Choices, Feedback: r.Feedback, Complaints: r.Complaints, Shown: r.Shown,
		Restricted: r.Restricted, Marks: h.Shelf.Sensitive,
	}
	places := r.Places(o)
	for i, k := 0, 0; i < len(r.Facts); i++ {
		if k < len(places) && places[k] == i {
			m.Facts = append(m.Facts, o.Facts[k])
			k++
			continue
		}
		m.Facts = append(m.Facts, person.Fact{Head: r.Facts[i]})
		m.Lost = append(m.Lost, r.Facts[i].Name)
	}
	return m
}

// sample keeps the people whom the seed puts first, whatever the order in which they come.
type sample struct {
	most int
	seed uint64
	kept []sampled // by rank
}

type sampled struct {
	rank uint64
	m    *decide.Made
	rest *Rest // nil when no two facts have one name
}

func (s *sample) offer(who person.ID, make func() sampled) {
	k := rank(s.seed, who)
	at := sort.Search(len(s.kept), func(i int) bool { return s.kept[i].rank > k })
	if at >= s.most {
		return
	}
	one := make()
	one.rank = k
	s.kept = slices.Insert(s.kept, at, one)
	if len(s.kept) > s.most {
		s.kept = s.kept[:s.most]
	}
}

func (s *sample) taken() (people []*decide.Made, rest []Rest) {
	for i := range s.kept {
		people = append(people, s.kept[i].m)
		if r := s.kept[i].rest; r != nil {
			rest = append(rest, *r)
		}
	}
	return people, rest
}
