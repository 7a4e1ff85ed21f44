package storetest

import (
	"errors"
	"testing"

	"github.com/rapporthq/rapport/trust/vault"
)

// lifted brings an index to another key: throughout people are found by what their callers hold, and afterwards by the new blinds only.
func lifted(t *testing.T, h *Home) {
	s := h.Open(t)
	if h.Options.URL != "" { // where several processes write, it is refused
		enrol(t, s, 1)
		err := s.LiftIndex(ctx, 1, func(b vault.Blind) vault.Blind { t.Error("a blind is lifted"); return b }, nil)
		if found, _ := s.Find(ctx, []vault.Blind{blind(1)}); err == nil || len(found) != 1 {
			t.Fatalf("%v, and then %v", err, found)
		}
		return
	}
	next := func(b vault.Blind) vault.Blind { b[1] = 77; return b }
	const people = 2300 // more than one step
	for n := range uint64(people) {
		enrol(t, s, n)
	}
	finds := func(when string, b vault.Blind, want bool) {
		t.Helper()
		found, err := s.Find(ctx, []vault.Blind{b})
		must(t, err)
		if (len(found) == 1) != want || want && (found[0].Blind != b || !found[0].Verified) {
			t.Fatalf("%s: %v", when, found)
		}
	}
	came := uint64(9000)
	must(t, s.LiftIndex(ctx, 1, next, func(done int) {
		if done < people { // somebody comes in between, by the old index
			came++
			enrol(t, s, came)
			finds("by the old one, who just came", blind(came), true)
			finds("by the new one, who just came", next(blind(came)), true)
		}
	}))
	must(t, s.LiftIndex(ctx, 1, next, nil)) // cut off and run again
	for _, n := range []uint64{0, 1000, people - 1, came} {
		finds("by the old one", blind(n), true)
		finds("by the new one", next(blind(n)), true)
	}
	if came == 9000 {
		t.Fatal("nobody came in between")
	}
	other := vault.Change{Enrol: []vault.Enrolment{{ID: id(9500), Wrapped: []byte{1}, Identifiers: []vault.Identifier{{Blind: next(blind(5)), Of: id(9500)}}}}, Blinds: 2}
	if err := s.Commit(ctx, other); err == nil {
		t.Error("somebody who is known came twice, by the new blind")
	}
	s.ServeIndex(2)
	late := vault.Change{Enrol: []vault.Enrolment{enrolment(9600)}}
	if err := s.Commit(ctx, late); !errors.Is(err, vault.ErrStale) {
		t.Errorf("what was hashed by the old index is kept: %v", err)
	}
	must(t, s.DropIndex(ctx, 2))
	finds("by the old one, afterwards", blind(1000), false)
	finds("by the new one, afterwards", next(blind(1000)), true)
	fresh := enrolment(9700)
	must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{fresh}, Blinds: 2}))
	must(t, s.LiftIndex(ctx, 2, next, nil))
	finds("lifted again", next(blind(9700)), true)
}
