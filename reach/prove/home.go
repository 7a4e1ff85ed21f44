package prove

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	Streams func(vault.StreamID) (vault.Stream, bool)
	Count   func(ctx context.Context) (int, error) // how many people there are
	Keep    time.Duration                          // how often the retention sweep runs: what is older than its retention by more than twice this fails
	Dir     string                                 // the home's folder, for what a thief would read; empty: not on this machine
	Clock   person.Clock
	Actor   string // who asked
	Reason  string
}

// Options says how much to try.
type Options struct {
	People   int // how many people's decisions are tried; 0: 60
	Seed     uint64
	Progress func(check string, done, total int64)
}

// Run makes one look at the population and runs every check on what it found. It changes nothing else. An error means that
// the checks could not be run, which is no pass.
func Run(ctx context.Context, h Home, o Options) ([]Result, error) {
	if o.People <= 0 {
		o.People = 60
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	now := h.Clock()
	count, err := h.Count(ctx)
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
	sample := &reservoir{most: o.People, rng: rand.New(rand.NewPCG(o.Seed, 0x73616d70))}
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
		rest.person(r, opened)
		sample.offer(made(r, opened, h.House))
		if done++; done%500 == 0 {
			o.Progress("reading", done, int64(count))
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("the home could not be read to its end: %w", err)
	}
	p, err := New(Snapshot{House: h.House, People: sample.taken(), Now: now, Seed: o.Seed}, nil)
	if err != nil {
		return nil, err
	}
	var results []Result
	for i, check := range []func() Result{p.NonInterference, p.HoldsExercised, p.ReasonsAddUp, p.ProtectiveOnlyRemoves, p.WeightsOverK,
		func() Result { return verify(ctx, h) }, rest.undeclared, rest.retention, rest.thief} {
		o.Progress("checking", int64(i), 9)
		results = append(results, check())
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// made copies a person into memory, with everything opened, as a subject that can be changed.
func made(r *vault.Record, o *vault.Opened, h *decide.House) *decide.Made {
	return &decide.Made{Who: r.Who, Facts: o.Facts, History: o.History, Choices: r.Choices, Feedback: r.Feedback, Complaints: r.Complaints, Shown: r.Shown,
		Restricted: r.Restricted, Lost: o.Unreadable, Marks: h.Shelf.Sensitive}
}

// reservoir keeps a fair sample of a stream of unknown length (Vitter 1985, algorithm R), but prefers people with something known.
type reservoir struct {
	most, seen int
	rng        *rand.Rand
	people     []*decide.Made
}

func (s *reservoir) offer(m *decide.Made) {
	if len(m.Facts) == 0 && len(m.History) == 0 {
		return
	}
	s.seen++
	if len(s.people) < s.most {
		s.people = append(s.people, m)
	} else if at := s.rng.IntN(s.seen); at < s.most {
		s.people[at] = m
	}
}

// taken gives the sample in an order that does not depend on how the store walks.
func (s *reservoir) taken() []*decide.Made {
	sort.Slice(s.people, func(i, j int) bool { return string(s.people[i].Who.Root[:]) < string(s.people[j].Who.Root[:]) })
	return s.people
}
