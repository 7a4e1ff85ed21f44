package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

// twice is a key of the index whose second generation changes one byte.
type twice struct{ serving atomic.Int64 }

func (k *twice) Lifter(int) (func(vault.Blind) vault.Blind, error) { return next, nil }
func (k *twice) ServeIndex(generation int) error                   { k.serving.Store(int64(generation)); return nil }

func next(b vault.Blind) vault.Blind { b[1] = 77; return b }

// lifted brings an index to another key: throughout people are found by what their callers hold, and afterwards by the new blinds only. Where several processes write, another
// one does while the first lifts.
func lifted(t *testing.T, h *Home) {
	mine, theirs := &twice{}, &twice{}
	h.Options.Blinds = mine
	s := h.Open(t)
	other := s
	if h.Options.URL != "" {
		h.Options.Blinds = theirs
		other = h.Open(t)
	}
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
			enrol(t, other, came)
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
	again := vault.Change{Enrol: []vault.Enrolment{{ID: id(9500), Wrapped: []byte{1}, Identifiers: []vault.Identifier{{Blind: next(blind(5)), Of: id(9500)}}}}, Blinds: 2}
	if err := s.Commit(ctx, again); err == nil {
		t.Error("somebody who is known came twice, by the new blind")
	}
	must(t, s.ServeIndex(ctx, 2))
	if served, lifting, err := other.IndexAt(ctx); err != nil || served != 2 || lifting != 2 || mine.serving.Load() != 2 || h.Options.URL != "" && theirs.serving.Load() != 0 {
		t.Fatalf("served is %d, made is %d, %v", served, lifting, err)
	}
	for _, writes := range []*store.Store{s, other} {
		late := vault.Change{Enrol: []vault.Enrolment{enrolment(9600)}}
		if err := writes.Commit(ctx, late); !errors.Is(err, vault.ErrStale) {
			t.Errorf("what was hashed by the old index is kept: %v", err)
		}
	}
	if h.Options.URL != "" && theirs.serving.Load() != 2 {
		t.Error("who was refused does not know by which generation to try again")
	}
	must(t, s.DropIndex(ctx, 2))
	if served, lifting, err := s.IndexAt(ctx); err != nil || served != 2 || lifting != 0 {
		t.Fatalf("served is %d, made is %d, %v", served, lifting, err)
	}
	finds("by the old one, afterwards", blind(1000), false)
	finds("by the new one, afterwards", next(blind(1000)), true)
	fresh := enrolment(9700)
	must(t, s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{fresh}, Blinds: 2}))
	must(t, s.LiftIndex(ctx, 2, next, nil))
	finds("lifted again", next(blind(9700)), true)
}
