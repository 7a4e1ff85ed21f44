package prove

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// shared are people of whom two sources say the same thing; the held one came later and would outweigh the other.
func shared(b *built) []Rest {
	w := newTown(b.t)
	var out []Rest
	for range 4 {
		m := w.body(person.ID{'s'})
		say(m, "personalise", consent.Yes, false)
		w.orders(m, 14, 4)
		know(m, "household", "5+", person.Declared).Verified = false
		held := know(m, "household", "1", person.Declared)
		held.Source, held.At, held.Received = "nobody knows", ago(2), ago(2)
		l, err := b.store.Load(context.Background(), b.put(m))
		if err != nil {
			b.t.Fatal(err)
		}
		h := b.home()
		read := func(l vault.Loaded) (*vault.Record, error) {
			return h.Vault.Record(l, h.Streams, &h.House.Series, h.House.Shelf.Sensitive)
		}
		r, err := read(l)
		if err != nil {
			b.t.Fatal(err)
		}
		rest := atRestOf(r, l, read)
		if rest == nil || len(rest.Less) != 2 {
			b.t.Fatal("two sources say the same thing, and there is nothing to try")
		}
		out = append(out, *rest)
	}
	return out
}

func TestWhatIsHeldAtRestMovesNothing(t *testing.T) {
	b := build(t, 0)
	p := prover(t, Snapshot{House: b.house, Now: now, Seed: 1, AtRest: shared(b)}, nil)
	f := &findings{leaks: tally{}}
	if n := p.rest(f); n < 8 || len(f.leaks) > 0 {
		t.Errorf("%d rows were left out, and these moved a decision: %s", n, f.leaks)
	}
}

// One name, one head, chosen before anything is judged: the break that this is for.
func TestAVaultThatChoosesFirstIsSeen(t *testing.T) {
	b := build(t, 0)
	rests := shared(b)
	first := func(h *decide.House, s decide.Subject, a decide.Ask) decide.Result {
		return decide.Compute(h, chosen{s}, a)
	}
	p := prover(t, Snapshot{House: b.house, Now: now, Seed: 1, AtRest: rests}, first)
	f := &findings{leaks: tally{}}
	p.rest(f)
	if f.leaks["household at rest"] == 0 {
		t.Error("a held fact keeps out a permitted one, and nothing is said")
	}

	w := newTown(t)
	p = prover(t, w.snapshot(12, 8), first)
	r := p.NonInterference()
	if r.Failed == 0 || !strings.Contains(r.Detail, "a planted fact beside a permitted one") {
		t.Errorf("a held fact keeps out a permitted one in memory, and nothing is said: %s", r.Detail)
	}
}

// chosen is a subject with one fact for each name: the others are not judged.
type chosen struct{ decide.Subject }

func (c chosen) Heads() decide.Heads {
	h := c.Subject.Heads()
	facts := slices.Clone(h.Facts)
	for i := range h.Facts {
		for k := range h.Facts {
			if h.Facts[k].Name == h.Facts[i].Name && person.Outweighs(&h.Facts[k], &h.Facts[i]) {
				facts[i].Of = person.ID{} // nobody's: it is held, and keeps its place
				facts[i].Source = ""
			}
		}
	}
	h.Facts = facts
	return h
}

func (c chosen) Open(p tact.Permit, now person.Instant) (*vault.Opened, error) {
	return c.Subject.Open(p, now)
}
