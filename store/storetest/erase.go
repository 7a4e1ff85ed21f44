package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// forgetting is the first act of an erasure, as an Eraser makes it.
func forgetting(n uint64, version int64, people ...person.ID) rights.Forgetting {
	return rights.Forgetting{
		ID: id(900 + n), At: Noon + 5, People: people, Seen: []vault.Seen{{Root: people[0], Version: version}}, Sightings: []vault.Sighting{{Person: id(700 + n)}}, Claims: []vault.Key{key(800 + n)},
		Tombstones: func(blinds []vault.Blind) (out []vault.Tombstone) {
			for _, b := range blinds {
				b[1] = 99
				out = append(out, vault.Tombstone(b))
			}
			return out
		},
		Retained: func(blinds []vault.Blind) []vault.Retained {
			return []vault.Retained{{ID: id(600 + n), Label: label(blinds[0]), Purpose: "tax", Until: Noon + 1000, Body: []byte("kept")}}
		},
		Entry: entryOf,
		Draft: func(gone rights.Gone, stones []vault.Tombstone, kept []vault.Retained, entry ledger.Row) ([]byte, error) {
			return fmt.Appendf(nil, "%v %d %d %s", gone, len(stones), len(kept), entry.Filter), nil
		},
	}
}

func label(b vault.Blind) [16]byte { return [16]byte{98, 9: b[15]} }

func entryOf(looks, receipts []int64) (ledger.Row, error) {
	return ledger.Row{At: Noon, Kind: ledger.KindErasure, Actor: "privacy", Purpose: "erasure", Count: len(looks), Filter: fmt.Sprint(looks), Fields: fmt.Sprint(receipts), Leaf: [32]byte{7}}, nil
}

// used is the person n, with a device joined, in every table, history and journal; and somebody beside them who shares what can be shared.
func used(t *testing.T, h *Home, s *store.Store, n, device, beside uint64) {
	enrol(t, s, n, device, beside)
	must(t, s.Commit(ctx, vault.Change{Joins: []vault.Join{{ID: id(device), To: id(n), At: Noon, Why: "sign-in"}}}))
	c := vault.Change{Looks: []ledger.Row{look(id(n), "why"), look(id(beside), "why")}, Sightings: []vault.Sighting{{Item: id(30), Person: id(700 + n), ItemID: "x"}}}
	for _, of := range []uint64{n, device, beside} {
		c.Put = append(c.Put, row(of, vault.FactRow, 31, Noon, "fact"), row(of, vault.ChoiceRow, 32, Noon, "choice"), row(of, vault.ReceiptRow, 50+of, Noon, "receipt"))
		c.Frames = append(c.Frames, frame(of, of*100+1, Noon))
		must(t, s.PutSession(ctx, access.Session{Hash: [32]byte{byte(of)}, Role: access.Customer, Person: id(of), Expires: Noon + 1000}))
		must(t, s.PutLink(ctx, access.Link{Hash: [32]byte{100, byte(of)}, Person: id(of), Expires: Noon + 1000}))
	}
	c.Put = append(c.Put, vault.Row{Of: id(beside), Kind: vault.ClaimRow, Key: key(800 + n), At: Noon, Head: []byte("h"), Body: []byte("I am " + fmt.Sprint(n))})
	must(t, s.Commit(ctx, c))
	foldAll(t, s)
	late := vault.Change{} // these stay in the journal, in one row
	for i, of := range []uint64{beside, n, beside, device, n, beside} {
		late.Frames = append(late.Frames, frame(of, of*100+10+uint64(i), Noon+1))
	}
	must(t, s.Commit(ctx, late))
	h.Pass(1)
}

// anywhere says in which tables a copy of the home still has one of these.
func anywhere(t *testing.T, s *store.Store, needles ...[]byte) (found []string) {
	t.Helper()
	must(t, s.Copy(ctx, func(r store.CopyRow) error {
		for _, v := range r.Values {
			b, _ := v.([]byte)
			if text, ok := v.(string); ok {
				b = []byte(text)
			}
			if slices.ContainsFunc(needles, func(n []byte) bool { return bytes.Contains(b, n) }) {
				found = append(found, r.Table)
			}
		}
		return nil
	}))
	return found
}

func sequence(t *testing.T, s *store.Store) {
	t.Helper()
	pending, err := s.Ledger().Pending(ctx, 100)
	must(t, err)
	rows, err := s.Ledger().Rows(ctx, 1, 1000)
	must(t, err)
	f := ledger.Folding{First: int64(len(rows)) + 1, Rows: pending}
	for i := range f.Rows {
		f.Rows[i].Row.Number = f.First + int64(i)
	}
	must(t, s.Ledger().Fold(ctx, f))
}

func forgotten(t *testing.T, h *Home) {
	h.Options.K = func() int { return 25 } // so that sightings are kept
	s := h.Open(t)
	used(t, h, s, 1, 2, 3)
	gone := load(t, s, 1)
	before := load(t, s, 3)
	f := forgetting(1, gone.Version, gone.Who.All()...)
	if _, err := s.ForgetPerson(ctx, f); !errors.Is(err, rights.ErrUnnumbered) {
		t.Fatalf("a look at them has no number yet: %v", err)
	}
	sequence(t, s)
	stale := f
	stale.Seen = []vault.Seen{{Root: id(1), Version: gone.Version - 1}}
	if _, err := s.ForgetPerson(ctx, stale); !errors.Is(err, vault.ErrStale) {
		t.Fatalf("they were changed meanwhile: %v", err)
	}
	if len(anywhere(t, s, gone.Wrapped[id(1)])) == 0 || load(t, s, 1).Version != gone.Version {
		t.Fatal("what was refused did something")
	}
	accounted, err := s.Ledger().Receipts(ctx, 1, 100)
	must(t, err)
	if len(accounted) != 3 {
		t.Fatalf("%d receipts", len(accounted))
	}
	// What is on its way when they are forgotten.
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 77, Noon, "receipt"), row(3, vault.ReceiptRow, 78, Noon, "receipt")}, false))
	sessions, err := s.ForgetPerson(ctx, f)
	must(t, err)
	s.Forget(f.People)
	if len(sessions) != 2 {
		t.Errorf("%d sessions went", len(sessions))
	}
	if _, err := s.Load(ctx, id(2)); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("their device can still be read: %v", err)
	}
	if found, err := s.Find(ctx, []vault.Blind{blind(1), blind(2), blind(3)}); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	for what, c := range map[string]vault.Change{
		"an event":   {Frames: []vault.Frame{frame(1, 5, Noon)}, Seen: []vault.Seen{{Root: id(1), Version: gone.Version}}},
		"a fact":     {Put: []vault.Row{row(2, vault.FactRow, 3, Noon, "late")}},
		"a receipt":  {Put: []vault.Row{row(1, vault.ReceiptRow, 79, Noon, "late")}},
		"an address": {Identifiers: []vault.Identifier{{Blind: blind(20), Of: id(1)}}},
	} {
		if err := s.Commit(ctx, c); !errors.Is(err, vault.ErrStale) && !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%s is kept of who was forgotten: %v", what, err)
		}
	}
	must(t, s.Keep(ctx, []vault.Row{row(1, vault.ReceiptRow, 80, Noon, "late")}, false))
	must(t, s.Clear(ctx, entryOf))
	must(t, s.Clear(ctx, entryOf)) // again is harmless
	foldAll(t, s)
	must(t, s.Close())
	s = h.Open(t)
	one, two, b1, b2, sighted, claim := id(1), id(2), blind(1), blind(2), id(701), key(801)
	if found := anywhere(t, s, one[:], two[:], b1[:], b2[:], sighted[:], claim[:], []byte("I am 1"), gone.Wrapped[id(1)]); len(found) > 0 {
		t.Errorf("they are still in %v", found)
	}
	// The ledger can still compare their receipts: of each there is the hash that it had.
	left, err := s.Ledger().Receipts(ctx, 1, 100)
	must(t, err)
	for i := range accounted {
		if i >= len(left) || left[i].Number != accounted[i].Number || left[i].Leaf != accounted[i].Leaf || left[i].At != accounted[i].At || left[i].Emptied != (i < 2) {
			t.Fatalf("receipts before and after:\n%+v\n%+v", accounted, left)
		}
	}
	if pending, err := s.Ledger().Pending(ctx, 10); err != nil || len(pending) == 0 || pending[0].Row.Fields != "[1 2]" {
		t.Errorf("the erasure names other receipts: %+v, %v", pending, err)
	}
	looks, err := s.Ledger().Rows(ctx, 1, 10)
	must(t, err)
	if len(looks) != 2 || looks[0].Of != ledger.Forgotten || len(looks[0].Reason) != 0 || looks[0].Actor != "ann" || looks[1].Of != id(3) || len(looks[1].Reason) == 0 {
		t.Errorf("the looks: %+v", looks)
	}
	if shown, err := s.Ledger().Looks(ctx, []person.ID{id(3)}, 10); err != nil || len(shown) != 1 {
		t.Errorf("an emptied look is shown to others: %v, %v", shown, err)
	}
	// Who stands beside them has all of theirs, but what claimed to be them.
	after := load(t, s, 3)
	if len(after.Frames) != 4 || len(after.Rows) != len(before.Rows)-1 {
		t.Errorf("beside: %d of 4 events, %d of %d rows", len(after.Frames), len(after.Rows), len(before.Rows))
	}
	if receipts, err := s.Receipts(ctx, id(3), 0, 10); err != nil || len(receipts) != 2 {
		t.Errorf("beside: %d receipts, %v", len(receipts), err)
	}
	// What is left.
	pending, err := s.Unfinished(ctx)
	must(t, err)
	if len(pending) != 1 || pending[0].ID != id(901) || !strings.Contains(string(pending[0].Draft), "identifiers:2") || !strings.HasSuffix(string(pending[0].Draft), "] 2 1 [1]") {
		t.Fatalf("%+v", pending)
	}
	must(t, s.Issue(ctx, id(901), Noon+9, []byte("signed")))
	must(t, s.Issue(ctx, id(901), Noon+10, []byte("signed again")))
	if c, err := s.Certificate(ctx, id(901)); err != nil || string(c) != "signed" {
		t.Errorf("%s, %v", c, err)
	}
	kept, err := s.RetainedOf(ctx, [][16]byte{label(blind(1)), label(blind(2))}, "tax", look(person.ID{}, "the law asks"))
	if err != nil || len(kept) != 1 || string(kept[0].Body) != "kept" {
		t.Errorf("%v, %v", kept, err)
	}
	if kept, err := s.RetainedOf(ctx, [][16]byte{label(blind(1)), label(blind(2))}, "curiosity", look(person.ID{}, "why not")); err != nil || len(kept) != 0 {
		t.Errorf("it is given for another purpose: %v, %v", kept, err)
	}
	if n, err := s.Sweep(ctx, store.SweepRules{Retained: Noon + 1001}); err != nil || n.Retained != 1 {
		t.Errorf("it stays after its end: %+v, %v", n, err)
	}
}

// cutOff ends the process between the two halves of an erasure, events still in journal and history.
func cutOff(t *testing.T, h *Home) {
	s := h.Open(t)
	used(t, h, s, 1, 2, 3)
	sequence(t, s)
	gone := load(t, s, 1)
	_, err := s.ForgetPerson(ctx, forgetting(1, gone.Version, gone.Who.All()...))
	must(t, err)
	must(t, s.Close())
	s = h.Open(t)
	foldAll(t, s) // what waited is folded in between
	must(t, s.Clear(ctx, entryOf))
	one, two := id(1), id(2)
	if found := anywhere(t, s, one[:], two[:]); len(found) > 0 {
		t.Errorf("they are still in %v", found)
	}
	if pending, err := s.Unfinished(ctx); err != nil || len(pending) != 1 {
		t.Errorf("%v, %v", pending, err)
	}
}

func barred(t *testing.T, h *Home) {
	s := h.Open(t)
	enrol(t, s, 1)
	mark := vault.Tombstone(blind(1))
	mark[1] = 99
	if found, err := s.Tombstoned(ctx, []vault.Tombstone{mark}); err != nil || len(found) != 0 {
		t.Fatalf("%v, %v", found, err)
	}
	_, err := s.ForgetPerson(ctx, forgetting(1, 1, id(1)))
	must(t, err)
	for range 2 {
		if found, err := s.Tombstoned(ctx, []vault.Tombstone{mark, {1}}); err != nil || len(found) != 1 || found[mark] != Noon+5 {
			t.Fatalf("%v, %v", found, err)
		}
		again := vault.Change{Enrol: []vault.Enrolment{{ID: id(5), Wrapped: []byte{1}, Identifiers: []vault.Identifier{{Blind: blind(1), Of: id(5)}}}}, Unless: []vault.Tombstone{mark}}
		if err := s.Commit(ctx, again); !errors.Is(err, vault.ErrStale) {
			t.Errorf("they came back: %v", err)
		}
		must(t, s.Close())
		s = h.Open(t)
	}
	must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{{ID: id(5), Wrapped: []byte{1}, Identifiers: []vault.Identifier{{Blind: blind(1), Of: id(5)}}}}, Lift: []vault.Tombstone{mark}}))
	if found, err := s.Tombstoned(ctx, []vault.Tombstone{mark}); err != nil || len(found) != 0 {
		t.Errorf("the mark stays: %v, %v", found, err)
	}
}

func rewrapped(t *testing.T, h *Home) {
	s := h.Open(t)
	old, fresh := vault.Generation{1, 0, 0, 0, 1}, vault.Generation{1, 0, 0, 0, 2}
	wrap := func(g vault.Generation, n uint64) []byte {
		one := id(n)
		return append(append(g[:len(g):len(g)], one[:]...), make([]byte, 20)...)
	}
	const people = 2500 // more than one step
	var c vault.Change
	for n := range uint64(people) {
		c.Enrol = append(c.Enrol, vault.Enrolment{ID: id(n), Wrapped: wrap(old, n)})
	}
	must(t, s.Commit(ctx, c))
	seen := 0
	n, err := s.Rewrap(ctx, func(of person.ID, wrapped []byte) ([]byte, error) {
		if seen++; seen == 100 { // somebody comes whom the walk has passed, judged before
			must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{{ID: person.ID{0, 1}, Wrapped: wrap(old, 1)}}}))
		}
		return append(fresh[:len(fresh):len(fresh)], wrapped[5:]...), nil
	}, nil)
	if err != nil || n != people {
		t.Fatalf("%d, %v", n, err)
	}
	must(t, s.Retire(ctx, old))
	if err := s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{{ID: person.ID{0, 2}, Wrapped: wrap(old, 2)}}}); !errors.Is(err, vault.ErrStale) {
		t.Errorf("somebody is enrolled under a key that is about to go: %v", err)
	}
	n, err = s.Rewrap(ctx, func(of person.ID, wrapped []byte) ([]byte, error) {
		if g, _ := vault.GenerationOf(wrapped); g == old {
			return append(fresh[:len(fresh):len(fresh)], wrapped[5:]...), nil
		}
		return wrapped, nil
	}, nil)
	if err != nil || n != 1 || len(anywhere(t, s, old[:])) != 0 {
		t.Errorf("%d came in between (%v), and the old key is still in %v", n, err, anywhere(t, s, old[:]))
	}
}
