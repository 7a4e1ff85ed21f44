package storetest

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

func join(t testing.TB, s *store.Store, n, to uint64, at person.Instant) {
	t.Helper()
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(n), To: id(to), At: at, Why: "sign-in"}}}))
}

func joins(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3, 4)
	must(t, s.Commit(ctx, vault.Change{
		Put:    []vault.Row{row(1, vault.FactRow, 1, Noon, "one"), row(2, vault.ChoiceRow, 1, Noon, "two")},
		Frames: []vault.Frame{frame(1, 1, Noon+1), frame(2, 2, Noon), frame(3, 3, Noon+2)},
	}))
	foldAll(t, s)
	alone := vault.Seen{Root: id(2), Version: load(t, s, 2).Version}
	one := vault.Seen{Root: id(1), Version: load(t, s, 1).Version}
	join(t, s, 3, 2, Noon+10)
	join(t, s, 2, 1, Noon+20)
	for n := uint64(1); n <= 3; n++ {
		l := load(t, s, n)
		same(t, person.Person{Root: id(1), Also: []person.Join{{ID: id(3), At: Noon + 10, To: id(2), Why: "sign-in"}, {ID: id(2), At: Noon + 20, To: id(1), Why: "sign-in"}}, By: id(n)}, l.Who)
		if len(l.Rows) != 2 || len(l.Frames) != 3 || len(l.Wrapped) != 3 || l.Frames[0].Of != id(2) || l.Frames[2].Of != id(3) {
			t.Fatalf("the joined person is not whole: %v", l)
		}
	}
	for what, seen := range map[string]vault.Seen{"brought": alone, "to": one} {
		if err := s.Commit(ctx, vault.Change{Seen: []vault.Seen{seen}}); !errors.Is(err, vault.ErrStale) {
			t.Fatalf("%s as before the join: %v", what, err)
		}
	}
	joined := load(t, s, 1).Version
	join(t, s, 2, 1, Noon+30) // already: harmless, and the time of the first stays
	same(t, Noon+20, load(t, s, 1).Who.JoinedAt())
	must(t, s.Commit(ctx, vault.Change{Splits: []vault.Split{{ID: id(2), At: Noon + 40, Why: "steward"}}}))
	same(t, person.Person{Root: id(1)}, load(t, s, 1).Who)
	same(t, person.Person{Root: id(2), Also: []person.Join{{ID: id(3), At: Noon + 10, To: id(2), Why: "sign-in"}}, By: id(3)}, load(t, s, 3).Who)
	if l := load(t, s, 1); len(l.Rows) != 1 || len(l.Frames) != 1 {
		t.Fatal("the split left rows with the other person")
	}
	for _, n := range []uint64{1, 2} {
		if v := load(t, s, n).Version; v <= joined {
			t.Fatalf("after the split the version of %d is %d, a number that was seen before", n, v)
		}
	}
	// Somebody new, joined in the act that enrols them; and a row of theirs with it.
	e := enrolment(5)
	must(t, s.Commit(ctx, vault.Change{
		Enrol: []vault.Enrolment{e}, Joins: []vault.Join{{ID: id(5), To: id(1), At: Noon + 50}}, Put: []vault.Row{row(5, vault.ChoiceRow, 1, Noon, "five")},
	}))
	if l := load(t, s, 1); len(l.Who.Also) != 1 || len(l.Rows) != 2 {
		t.Fatalf("enrolled and joined at once: %v", l.Who)
	}
	// Both new.
	must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{enrolment(6), enrolment(7)}, Joins: []vault.Join{{ID: id(7), To: id(6), At: Noon}}}))
	same(t, person.Person{Root: id(6), Also: []person.Join{{ID: id(7), At: Noon, To: id(6)}}, By: id(7)}, load(t, s, 7).Who)
}

// walk compares random joins, splits and choices with a model that knows parents only.
func walk(t *testing.T, h *Home) {
	s := h.Open(t)
	base := uint64(1 << 32)
	rapid.Check(t, func(t *rapid.T) {
		const people = 6
		base += people
		var c vault.Change
		for n := range uint64(people) {
			c.Enrol = append(c.Enrol, enrolment(base+n))
		}
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
		parent := map[uint64]uint64{}
		top := func(n uint64) uint64 {
			for {
				p, ok := parent[n]
				if !ok {
					return n
				}
				n = p
			}
		}
		seen := map[vault.Seen]uint64{} // a version of a root stands for one state only
		state := uint64(0)
		for step := range rapid.IntRange(1, 12).Draw(t, "steps") {
			n := rapid.Uint64Range(0, people-1).Draw(t, "n")
			var act vault.Change
			touched := []uint64{top(n)}
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				to := rapid.Uint64Range(0, people-1).Draw(t, "to")
				act.Joins = []vault.Join{{ID: id(base + n), To: id(base + to), At: Noon + person.Instant(step)}}
				touched = append(touched, top(to))
				if top(n) != top(to) { // the whole person comes
					parent[top(n)] = to
				}
			case 2:
				act.Splits = []vault.Split{{ID: id(base + n), At: Noon + person.Instant(step)}}
				delete(parent, n)
			case 3:
				act.Put = []vault.Row{row(base+n, vault.ChoiceRow, uint64(step), Noon, "x")}
			}
			for _, r := range touched {
				l, err := s.Load(ctx, id(base+r))
				if err != nil {
					t.Fatal(err)
				}
				act.Seen = append(act.Seen, vault.Seen{Root: l.Who.Root, Version: l.Version})
			}
			if err := s.Commit(ctx, act); err != nil {
				t.Fatal(err)
			}
			state++
			for m := range uint64(people) {
				l, err := s.Load(ctx, id(base+m))
				if err != nil {
					t.Fatal(err)
				}
				if l.Who.Root != id(base+top(m)) {
					t.Fatalf("%d belongs to %v, not to %d", m, l.Who, top(m))
				}
				for o := range uint64(people) {
					if l.Who.Has(id(base+o)) != (top(o) == top(m)) {
						t.Fatalf("%d and %d: %v", m, o, l.Who)
					}
				}
			}
			for _, r := range append(touched, top(n)) {
				l, err := s.Load(ctx, id(base+r))
				if err != nil {
					t.Fatal(err)
				}
				v := vault.Seen{Root: l.Who.Root, Version: l.Version}
				if before, ok := seen[v]; ok && before != state && len(act.Put) > 0 {
					t.Fatalf("version %d of one root stands for two states", l.Version)
				}
				seen[v] = state
			}
		}
	})
}

func pairings(t *testing.T, s *store.Store, state vault.PairState) (out []vault.Pairing) {
	t.Helper()
	out, err := s.Pairings(ctx, state, 0, 100)
	must(t, err)
	return out
}

// pairs: what is said of two is kept in one order, a proposal never comes over a decision, and no join contradicts a "different".
func pairs(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3, 4, 5)
	weights := []byte(`{"name":3.5}`)
	propose := func(a, b uint64, score float64) vault.Pairing {
		return vault.Pairing{A: id(a), B: id(b), State: vault.Proposed, Score: score, Weights: weights, At: Noon}
	}
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{propose(2, 1, 2.5), propose(3, 4, 4.125), propose(1, 99, 9), propose(4, 4, 9)}}))
	kept := []vault.Pairing{propose(3, 4, 4.125), propose(1, 2, 2.5)}
	same(t, kept, pairings(t, s, vault.Proposed))
	some, err := s.Pairings(ctx, vault.Proposed, 1, 5)
	must(t, err)
	same(t, kept[1:], some)
	some, err = s.PairingsOf(ctx, []person.ID{id(2), id(5)})
	must(t, err)
	same(t, kept[1:], some)
	before := load(t, s, 2)
	decide := func(a, b uint64, state vault.PairState) vault.Pairing {
		return vault.Pairing{A: id(a), B: id(b), State: state, By: "ann", At: Noon + 1}
	}
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{decide(2, 1, vault.Different)}}))
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{propose(1, 2, 8)}}))
	want := propose(1, 2, 2.5)
	want.State, want.By, want.At = vault.Different, "ann", Noon+1
	same(t, []vault.Pairing{want}, pairings(t, s, vault.Different))
	same(t, kept[:1], pairings(t, s, vault.Proposed))
	if err := s.Commit(ctx, vault.Change{Seen: []vault.Seen{{Root: id(2), Version: before.Version}}}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("who judged before the decision need not judge again: %v", err)
	}
	link := func(a, b uint64) vault.Join { return vault.Join{ID: id(a), To: id(b), At: Noon, Why: "match"} }
	if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{link(1, 2)}}); !errors.Is(err, vault.ErrDifferent) {
		t.Fatalf("two who are different were joined: %v", err)
	}
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{link(3, 1)}}))
	if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{link(2, 3)}}); !errors.Is(err, vault.ErrDifferent) {
		t.Fatalf("two who are different were joined by way of a third: %v", err)
	}
	if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{link(4, 1), link(4, 2)}}); !errors.Is(err, vault.ErrDifferent) {
		t.Fatalf("two who are different were joined by somebody between them: %v", err)
	}
	same(t, person.Person{Root: id(4)}, load(t, s, 4).Who)
	if err := s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{decide(1, 3, vault.Different)}}); !errors.Is(err, vault.ErrTogether) {
		t.Fatalf("one person was called different from themselves: %v", err)
	}
	must(t, s.Commit(ctx, vault.Change{Splits: []vault.Split{{ID: id(3), At: Noon, Why: "steward"}}, Pairings: []vault.Pairing{decide(1, 3, vault.Different)}}))
	same(t, person.Person{Root: id(3)}, load(t, s, 3).Who)
	// A steward may think again.
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{decide(1, 2, vault.Same)}, Joins: []vault.Join{{ID: id(1), To: id(2), At: Noon, Why: "steward"}}}))
	same(t, id(2), load(t, s, 1).Who.Root)
	if err := s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{decide(1, 99, vault.Same)}}); !errors.Is(err, vault.ErrNotFound) {
		t.Fatalf("something was decided of nobody: %v", err)
	}
}

// proposals: what a match joined is no decision of a steward's, and what a later match does not find again is dropped.
func proposals(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3, 4, 5, 6)
	found := func(a, b uint64, state vault.PairState, at person.Instant) vault.Pairing {
		return vault.Pairing{A: id(a), B: id(b), State: state, Score: 7, Weights: []byte("[]"), At: at}
	}
	decided := found(1, 2, vault.Different, Noon)
	decided.By = "ann"
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{decided, found(3, 4, vault.Proposed, Noon), found(5, 6, vault.Proposed, Noon), found(1, 99, vault.Matched, Noon)}}))
	// A match that judged before the steward spoke joins nobody.
	if err := s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(2), To: id(1), At: Noon, Why: "match"}}, Pairings: []vault.Pairing{found(1, 2, vault.Matched, Noon+1)}}); !errors.Is(err, vault.ErrDifferent) {
		t.Fatalf("a match joined two who are different: %v", err)
	}
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{found(1, 2, vault.Matched, Noon+1)}}))
	same(t, []vault.Pairing{decided}, pairings(t, s, vault.Different))
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(4), To: id(3), At: Noon + 1, Why: "match"}}, Pairings: []vault.Pairing{found(3, 4, vault.Matched, Noon+1)}}))
	same(t, []vault.Pairing{found(3, 4, vault.Matched, Noon+1)}, pairings(t, s, vault.Matched))
	must(t, s.Commit(ctx, vault.Change{Pairings: []vault.Pairing{found(3, 4, vault.Proposed, Noon+2)}}))
	same(t, 1, len(pairings(t, s, vault.Matched)))
	must(t, s.DropProposals(ctx, Noon))
	same(t, 1, len(pairings(t, s, vault.Proposed)))
	must(t, s.DropProposals(ctx, Noon+1))
	same(t, 0, len(pairings(t, s, vault.Proposed)))
	same(t, 1, len(pairings(t, s, vault.Matched)))
	same(t, 1, len(pairings(t, s, vault.Different)))
}

// bonds: a value that turns out to be too many people's makes every link doubtful that it made, until somebody says same.
func bonds(t *testing.T, h *Home) {
	s := h.Open(t)
	bond, other := vault.NewBond(), vault.NewBond()
	holder := enrolment(1)
	holder.Identifiers = append(holder.Identifiers, vault.Identifier{Blind: blind(50), Of: id(1), Verified: true, Bond: bond})
	must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{holder, enrolment(2), enrolment(3), enrolment(4)}}))
	find := func() vault.Identifier {
		t.Helper()
		list, err := s.Find(ctx, []vault.Blind{blind(50)})
		must(t, err)
		if len(list) != 1 {
			t.Fatal(list)
		}
		return list[0]
	}
	same(t, vault.Identifier{Blind: blind(50), Of: id(1), Verified: true, Bond: bond, Led: 1}, find())
	brings := func(n uint64, join bool) vault.Change {
		c := vault.Change{Bearers: []vault.Bearer{{Bond: bond, Of: id(n), At: Noon, Source: "shop", Led: 1, Most: 2}}}
		if join {
			c.Joins = []vault.Join{{ID: id(n), To: id(1), At: Noon, Why: "email", Via: bond}}
		}
		return c
	}
	must(t, s.Commit(ctx, brings(2, true)))
	same(t, person.Person{Root: id(1), Also: []person.Join{{ID: id(2), At: Noon, To: id(1), Why: "email"}}, By: id(2)}, load(t, s, 2).Who)
	must(t, s.Commit(ctx, brings(2, true)))
	if n := find().Led; n != 2 {
		t.Fatalf("the value is said to be of %d people", n)
	}
	late := brings(3, true) // judged when one person had it
	if err := s.Commit(ctx, late); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("one person too many was joined: %v", err)
	}
	sure := load(t, s, 1)
	must(t, s.Commit(ctx, brings(3, false)))
	l := load(t, s, 2)
	if !l.Who.Doubted() || l.Version <= sure.Version || l.Who.By != id(2) || find().Led != 3 {
		t.Fatalf("the link is not doubtful: %+v, version %d, led %d", l.Who, l.Version, find().Led)
	}
	same(t, []person.ID{id(1)}, l.Who.Far())
	same(t, []person.ID{id(2)}, load(t, s, 1).Who.Far())
	if rows, err := s.Rows(ctx, id(2)); err != nil || rows.Who.By != id(2) {
		t.Fatalf("who asked is not told: %v %v", rows.Who, err)
	}
	if err := s.Commit(ctx, vault.Change{Seen: []vault.Seen{{Root: id(1), Version: sure.Version}}}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("who judged before the doubt need not judge again: %v", err)
	}
	// A doubtful one more says nothing; a sure one does, and stands when the first value is seen with yet more people.
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(2), To: id(1), At: Noon + 1, Why: "match", Doubtful: true}}}))
	if !load(t, s, 2).Who.Doubted() {
		t.Fatal("a doubtful link made another sure")
	}
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(2), To: id(1), At: Noon + 1, Why: "card", Via: other}}}))
	must(t, s.Commit(ctx, brings(4, false)))
	same(t, person.Person{Root: id(1), Also: []person.Join{{ID: id(2), At: Noon, To: id(1), Why: "card"}}, By: id(2)}, load(t, s, 2).Who)
	// The index may be brought to another key meanwhile: the bond goes along.
	must(t, s.Commit(ctx, vault.Change{Splits: []vault.Split{{ID: id(2), At: Noon, Why: "steward"}}}))
	same(t, person.Person{Root: id(2)}, load(t, s, 2).Who)
}
