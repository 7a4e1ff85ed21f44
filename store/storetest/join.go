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
		same(t, person.Person{Root: id(1), Also: []person.Join{{ID: id(3), At: Noon + 10}, {ID: id(2), At: Noon + 20}}}, l.Who)
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
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(2), At: Noon + 40}}})) // split
	same(t, person.Person{Root: id(1)}, load(t, s, 1).Who)
	same(t, person.Person{Root: id(2), Also: []person.Join{{ID: id(3), At: Noon + 10}}}, load(t, s, 3).Who)
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
	same(t, person.Person{Root: id(6), Also: []person.Join{{ID: id(7), At: Noon}}}, load(t, s, 7).Who)
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
				switch {
				case to == n: // a split
					delete(parent, n)
				case top(n) != top(to):
					parent[n] = to
				}
			case 2:
				act.Joins = []vault.Join{{ID: id(base + n), To: id(base + n)}}
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
