package main

import (
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestLooksEndWithTheLedgersRetention has one look older than the charter keeps, and one of today: the sweep removes the first, the ledger
// verifies without it, and would not if it had gone without an entry that says so.
func TestLooksEndWithTheLedgersRetention(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	now := h.clock()
	look := func(at person.Instant) {
		row, err := ledger.Seal(ledger.Look{At: at, Actor: "somebody", Role: "privacy", Purpose: "service", Reason: "a test", Fields: []string{"email"}, Count: 1, Filter: "everybody"}, h.vault.Home())
		if err != nil {
			t.Fatal(err)
		}
		if err := h.store.Commit(ctx, vault.Change{Looks: []ledger.Row{row}}); err != nil {
			t.Fatal(err)
		}
	}
	look(h.charter().Ledger.Retain.Before(now).Add(-time.Hour))
	look(now)
	if _, err := h.ledger.Sequence(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.sweep(ctx); err != nil {
		t.Fatal(err)
	}
	looks, err := h.store.Ledger().Looks(ctx, nil, 10)
	if err != nil || len(looks) != 1 || looks[0].At != now {
		t.Fatalf("%d looks are left, expected today's alone (%v)", len(looks), err)
	}
	rep, err := prove.VerifyLedger(ctx, h.proving("test", ""))
	if err != nil || !rep.OK() || rep.Erased != 1 {
		t.Fatalf("the ledger after the sweep: %+v, %v", rep, err)
	}
	// Without an account of it the same is tampering.
	if n, err := h.store.EndLooks(ctx, now+1, 10, func([]int64) (ledger.Row, error) {
		return ledger.CharterRow(now, "nobody", "nothing", 9, h.vault.Home())
	}); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	if rep, err = prove.VerifyLedger(ctx, h.proving("test", "")); err != nil || rep.OK() {
		t.Errorf("a look is gone without an account of it, and the ledger is called whole: %v", err)
	}
}
