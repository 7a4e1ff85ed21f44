package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestAnAnswerIsCountedOnceADay has somebody change their mind again and again: the day has one yes and one no of theirs, also after a restart.
func TestAnAnswerIsCountedOnceADay(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	h.log = slog.New(slog.DiscardHandler)
	e, _, err := h.vault.Enrol(h.clock())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{e}}); err != nil {
		t.Fatal(err)
	}
	for _, yes := range []bool{true, true, false, true, false} {
		if err := h.acts.Choose(ctx, e.ID, "personalise", yes, consent.Evidence{Channel: "web", Language: "en", Words: "Yes or no."}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.acts.Choose(ctx, e.ID, "no-such-purpose", true, consent.Evidence{}); err == nil {
		t.Fatal("an unknown purpose can be chosen")
	}
	h.Close()
	again, err := openHouse(ctx, homeOptions{Home: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	counts, err := again.meter.days.Since(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, c := range counts {
		sums[c.Kind+" "+c.Name] += c.N
	}
	if sums[tally.Yes+" personalise"] != 1 || sums[tally.No+" personalise"] != 1 || len(sums) != 2 {
		t.Errorf("counted: %v", sums)
	}
}
