package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

var anyOrder = cmp.Options{
	cmpopts.SortSlices(func(a, b vault.Identifier) bool { return string(a.Blind[:]) < string(b.Blind[:]) }),
	cmpopts.SortSlices(func(a, b vault.Row) bool {
		return string(a.Of[:])+string(byte(a.Kind))+string(a.Key[:]) < string(b.Of[:])+string(byte(b.Kind))+string(b.Key[:])
	}),
	cmpopts.EquateEmpty(),
}

func same(t testing.TB, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, anyOrder); diff != "" {
		t.Fatalf("want -, got +:\n%s", diff)
	}
}

func found(t *testing.T, h *Home) {
	s := h.Open(t)
	fact := row(1, vault.FactRow, 5, Noon, "value")
	must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{enrolment(1), enrolment(2)}, Put: []vault.Row{fact}}))
	for range 2 { // and again after a restart
		got, err := s.Find(ctx, []vault.Blind{blind(2), blind(1), blind(1), blind(9)})
		must(t, err)
		same(t, []vault.Identifier{{Blind: blind(1), Of: id(1), Verified: true}, {Blind: blind(2), Of: id(2), Verified: true}}, got)
		same(t, vault.Loaded{
			Who: person.Person{Root: id(1)}, Wrapped: map[person.ID][]byte{id(1): {1, 1, 2}}, Rows: []vault.Row{fact}, Version: 1,
		}, load(t, s, 1))
		must(t, s.Close())
		s = h.Open(t)
	}
	// Many at once: more than one statement's list takes.
	var many vault.Change
	var blinds []vault.Blind
	for n := uint64(100); n < 1100; n++ {
		many.Enrol = append(many.Enrol, enrolment(n))
		blinds = append(blinds, blind(n))
	}
	must(t, s.Commit(ctx, many))
	got, err := s.Find(ctx, blinds)
	must(t, err)
	if len(got) != len(blinds) {
		t.Fatalf("%d of %d found", len(got), len(blinds))
	}
}

func unknown(t *testing.T, h *Home) {
	s := h.Open(t)
	if got, err := s.Find(ctx, []vault.Blind{blind(1)}); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	if got, err := s.Find(ctx, nil); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	if _, err := s.Load(ctx, id(1)); !errors.Is(err, vault.ErrNotFound) {
		t.Fatal(err)
	}
	if _, _, err := s.Receipt(ctx, key(1)); !errors.Is(err, vault.ErrNotFound) {
		t.Fatal(err)
	}
	if r, err := s.Receipts(ctx, id(1), 0, 5); err != nil || len(r) != 0 {
		t.Fatal(r, err)
	}
	enrol(t, s, 2)
	for what, c := range map[string]vault.Change{
		"row":        {Put: []vault.Row{row(1, vault.FactRow, 1, Noon, "x")}},
		"drop":       {Drop: []vault.RowID{{Of: id(1), Kind: vault.FactRow, Key: key(1)}}},
		"identifier": {Identifiers: []vault.Identifier{{Blind: blind(7), Of: id(1)}}},
		"join":       {Joins: []vault.Join{{ID: id(1), To: id(2), At: Noon}}},
		"join to":    {Joins: []vault.Join{{ID: id(2), To: id(1), At: Noon}}},
	} {
		if err := s.Commit(ctx, c); !errors.Is(err, vault.ErrNotFound) {
			t.Fatalf("%s of nobody: %v", what, err)
		}
	}
	if err := s.Commit(ctx, vault.Change{Seen: []vault.Seen{{Root: id(1), Version: 1}}}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("nobody was seen: %v", err)
	}
	must(t, s.Commit(ctx, vault.Change{}))
}

func newerStays(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	for _, step := range []struct {
		at   person.Instant
		body string
		want string
	}{{Noon, "first", "first"}, {Noon - 1, "older", "first"}, {Noon, "as old", "as old"}, {Noon + 1, "newer", "newer"}} {
		must(t, s.Commit(ctx, vault.Change{Put: []vault.Row{row(1, vault.FactRow, 1, step.at, step.body)}}))
		if got := load(t, s, 1).Rows; len(got) != 1 || string(got[0].Body) != step.want {
			t.Fatalf("after %s: %v", step.body, got)
		}
	}
	must(t, s.Commit(ctx, vault.Change{Drop: []vault.RowID{{Of: id(1), Kind: vault.FactRow, Key: key(1)}}}))
	if got := load(t, s, 1).Rows; len(got) != 0 {
		t.Fatalf("dropped, but there: %v", got)
	}
	must(t, s.Commit(ctx, vault.Change{Put: []vault.Row{{Of: id(1), Kind: vault.FactRow, Key: key(2), At: Noon}}})) // nothing in it
	if got := load(t, s, 1).Rows; len(got) != 1 || len(got[0].Head)+len(got[0].Body) != 0 {
		t.Fatal(got)
	}
}

func versions(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	other := load(t, s, 2).Version
	for _, kind := range []vault.Kind{vault.FactRow, vault.ChoiceRow, vault.FeedbackRow, vault.ComplaintRow, vault.RestrictRow, vault.ShownRow, vault.ToldRow, vault.SuppressedRow, vault.ClaimRow, vault.ReceiptRow, vault.VerdictRow} {
		before := load(t, s, 1).Version
		must(t, s.Commit(ctx, vault.Change{Put: []vault.Row{row(1, kind, uint64(kind), Noon, "x")}}))
		after := load(t, s, 1).Version
		rises := kind == vault.ChoiceRow || kind == vault.RestrictRow || kind == vault.SuppressedRow
		if rises != (after > before) {
			t.Fatalf("kind %d: %d became %d", kind, before, after)
		}
	}
	before := load(t, s, 1).Version
	must(t, s.Commit(ctx, vault.Change{Drop: []vault.RowID{{Of: id(1), Kind: vault.FactRow, Key: key(uint64(vault.FactRow))}}}))
	if after := load(t, s, 1).Version; after <= before {
		t.Fatalf("a removal left the version at %d", after)
	}
	if load(t, s, 2).Version != other {
		t.Fatal("somebody else's version moved")
	}
}

func stale(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	seen := vault.Seen{Root: id(1), Version: load(t, s, 1).Version}
	same(t, nil, s.Commit(ctx, vault.Change{Seen: []vault.Seen{seen}, Frames: []vault.Frame{frame(1, 1, Noon)}}))
	must(t, s.Commit(ctx, vault.Change{Put: []vault.Row{row(1, vault.ChoiceRow, 1, Noon, "no")}}))
	for what, c := range map[string]vault.Change{
		"frames": {Seen: []vault.Seen{seen}, Frames: []vault.Frame{frame(1, 2, Noon)}},
		"row":    {Seen: []vault.Seen{seen}, Put: []vault.Row{row(2, vault.FactRow, 1, Noon, "x")}, Frames: []vault.Frame{frame(2, 3, Noon)}},
		"enrol":  {Seen: []vault.Seen{seen}, Enrol: []vault.Enrolment{enrolment(3)}},
	} {
		if err := s.Commit(ctx, c); !errors.Is(err, vault.ErrStale) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	foldAll(t, s)
	if l := load(t, s, 1); len(l.Frames) != 1 {
		t.Fatalf("%d frames of one act", len(l.Frames))
	}
	if l := load(t, s, 2); len(l.Frames)+len(l.Rows) != 0 {
		t.Fatal("a stale act left something")
	}
	if _, err := s.Load(ctx, id(3)); !errors.Is(err, vault.ErrNotFound) {
		t.Fatal("a stale act enrolled somebody")
	}
	// Many who saw the same version and change it: one is first, the others judge again.
	seen.Version = load(t, s, 1).Version
	var wait sync.WaitGroup
	results := make(chan error, 50)
	for n := range uint64(50) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			results <- s.Commit(ctx, vault.Change{Seen: []vault.Seen{seen}, Put: []vault.Row{row(1, vault.ChoiceRow, 100+n, Noon, "yes")}})
		}()
	}
	wait.Wait()
	close(results)
	first := 0
	for err := range results {
		switch {
		case err == nil:
			first++
		case !errors.Is(err, vault.ErrStale):
			t.Fatal(err)
		}
	}
	if first != 1 {
		t.Fatalf("%d were first", first)
	}
}

func race(t *testing.T, h *Home) {
	s := h.Open(t)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var winners []person.ID
	for n := range uint64(100) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			e := enrolment(100 + n)
			e.Identifiers[0].Blind = blind(1)
			err := s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{e}, Frames: []vault.Frame{frame(100+n, n, Noon)}, Put: []vault.Row{row(100+n, vault.FactRow, 1, Noon, "x")}})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				winners = append(winners, e.ID)
			case !errors.Is(err, vault.ErrStale):
				t.Error(err)
			}
		}()
	}
	wait.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d were first", len(winners))
	}
	got, err := s.Find(ctx, []vault.Blind{blind(1)})
	must(t, err)
	same(t, []vault.Identifier{{Blind: blind(1), Of: winners[0], Verified: true}}, got)
	if n := foldAll(t, s); n != 1 {
		t.Fatalf("%d events of one enrolment", n)
	}
	people := 0
	must(t, s.Each(ctx, look(person.ID{}, "count"), func(vault.Loaded) error { people++; return nil }))
	if people != 1 {
		t.Fatalf("%d people", people)
	}
}

func identifiers(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2)
	device := vault.Identifier{Blind: blind(50), Of: id(1)}
	must(t, s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{device}}))
	must(t, s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{device}})) // again is harmless
	later := vault.Identifier{Blind: blind(50), Since: Noon, Of: id(2), Verified: true}
	must(t, s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{later}})) // another session of the device
	if err := s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{{Blind: blind(50), Of: id(2)}}, Put: []vault.Row{row(2, vault.FactRow, 1, Noon, "x")}}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("a session changed hands: %v", err)
	}
	if len(load(t, s, 2).Rows) != 0 {
		t.Fatal("a refused act left a row")
	}
	device.Verified = true
	must(t, s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{device}}))
	must(t, s.Commit(ctx, vault.Change{Identifiers: []vault.Identifier{{Blind: blind(50), Of: id(1)}}})) // what is verified stays so
	got, err := s.Find(ctx, []vault.Blind{blind(50)})
	must(t, err)
	slices.SortFunc(got, func(a, b vault.Identifier) int { return int(a.Since - b.Since) })
	same(t, []vault.Identifier{device, later}, got)
	again := enrolment(3)
	again.Identifiers[0].Blind = blind(1)
	if err := s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{again}}); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("an enrolment took somebody's identifier: %v", err)
	}
}

// neighbours: acts that fail and acts that do not, all at once, so that they share transactions.
func neighbours(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	const each = 60
	var wait sync.WaitGroup
	errs := make([]error, 3*each)
	for n := range uint64(each) {
		for kind := range uint64(3) {
			wait.Add(1)
			go func() {
				defer wait.Done()
				c := vault.Change{Frames: []vault.Frame{frame(1, 1000*kind+n, Noon)}, Put: []vault.Row{row(1, vault.FactRow, 1000*kind+n, Noon, "x")}}
				switch kind {
				case 1: // fails after it wrote
					e := enrolment(2000 + n)
					e.Identifiers[0].Blind = blind(1)
					c.Enrol = []vault.Enrolment{e}
				case 2: // fails before
					c.Seen = []vault.Seen{{Root: id(1), Version: 77}}
				}
				errs[kind*each+n] = s.Commit(ctx, c)
			}()
		}
	}
	wait.Wait()
	for i, err := range errs {
		if (i < each) != (err == nil) || err != nil && !errors.Is(err, vault.ErrStale) {
			t.Fatalf("act %d: %v", i, err)
		}
	}
	if n := foldAll(t, s); n != each {
		t.Fatalf("%d events of %d acts", n, each)
	}
	l := load(t, s, 1)
	if len(l.Rows) != each || len(l.Frames) != each {
		t.Fatalf("%d rows and %d frames of %d acts", len(l.Rows), len(l.Frames), each)
	}
}

func gate(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1, 2, 3)
	var rows []vault.Row
	for kind := vault.FactRow; kind <= vault.VerdictRow; kind++ {
		rows = append(rows, row(1, kind, uint64(kind), Noon, "x"))
	}
	rows = append(rows, row(2, vault.ClaimRow, 1, Noon, "claim"))
	must(t, s.Commit(ctx, vault.Change{Put: rows, Frames: []vault.Frame{frame(1, 1, Noon)}, Joins: []vault.Join{{ID: id(2), To: id(1), At: Noon}}}))
	foldAll(t, s)
	got, err := s.Gate(ctx, []person.ID{id(9), id(2), id(1), id(3), id(2)})
	must(t, err)
	if len(got) != 5 {
		t.Fatalf("%d answers to 5", len(got))
	}
	same(t, vault.Loaded{}, got[0])
	want := vault.Loaded{
		Who: person.Person{Root: id(1), Also: []person.Join{{ID: id(2), At: Noon, To: id(1)}}}, Wrapped: map[person.ID][]byte{id(1): {1, 1, 2}, id(2): {2, 1, 2}},
		Version: load(t, s, 1).Version, Rows: []vault.Row{rows[1], rows[4], rows[7], rows[8], rows[11]},
	}
	for _, i := range []int{1, 2, 4} {
		same(t, want, got[i])
	}
	if got[3].Who.Root != id(3) || len(got[3].Rows) != 0 || got[3].Version != 1 {
		t.Fatalf("a stranger: %v", got[3])
	}
	if l := load(t, s, 1); len(l.Frames) != 1 || len(l.Rows) != len(rows)-1 {
		t.Fatalf("load gave %d rows and %d frames", len(l.Rows), len(l.Frames))
	}
	whole := load(t, s, 2)
	whole.Frames = nil
	without, err := s.Rows(ctx, id(2))
	must(t, err)
	same(t, whole, without)
	if _, err := s.Rows(ctx, id(9)); !errors.Is(err, vault.ErrNotFound) {
		t.Fatalf("rows of nobody: %v", err)
	}
	if none, err := s.Gate(ctx, nil); err != nil || len(none) != 0 {
		t.Fatal(none, err)
	}
}
