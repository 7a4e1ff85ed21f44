package decide

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

func TestWhatIfAPurposeIsOffIsTheDecisionOfWhoSaidNo(t *testing.T) {
	h := toyHouse(t)
	for _, purpose := range h.Charter.Order.Purposes {
		for _, placement := range h.Charter.Order.Placements {
			said := regular(h)
			says(said, "protect", consent.Yes, true, now.Add(-days(100)))
			supposed := regular(h)
			says(supposed, "protect", consent.Yes, true, now.Add(-days(100)))
			says(said, purpose, consent.No, false, now)
			a := at(placement)
			want, got := Compute(h, said, a).Receipt, Compute(h, Suppose(supposed, []string{purpose}, a.Moment), a).Receipt
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s off at %s is not the decision of who said no: %s", purpose, placement, d)
			}
			if len(supposed.Choices) != 2 {
				t.Fatal("supposing a no wrote one")
			}
		}
	}
	a := at("home")
	if got := Compute(h, Suppose(regular(h), []string{"personalise"}, a.Moment), a).Receipt; got.Rung != person.Context {
		t.Errorf("without the purpose the rung is %s", got.Rung)
	}
}

func TestSupposedLevels(t *testing.T) {
	h := toyHouse(t)
	a := at("home")
	for level := person.Stranger; level <= person.Confidant; level++ {
		s, err := h.Suppose(Supposed{Level: &level}, now)
		if err != nil {
			t.Fatal(err)
		}
		m := regular(h)
		says(m, "protect", consent.Yes, true, now.Add(-days(100)))
		if r := Compute(s, m, a).Receipt; r.Level.Level != level || (r.Rung == person.Individual) != (level >= person.Regular) {
			t.Errorf("supposed to be %s they are %s and get the %s rung", level, r.Level.Level, r.Rung)
		}
	}
	if h.Charter.Relationship.Regular == nil || h.Charter.Relationship.Regular.DaysOfContact == 0 {
		t.Error("supposing a level changed the charter in force")
	}
	if got := Compute(h, regular(h), a).Receipt.Level.Level; got != person.Regular {
		t.Errorf("a regular is %s afterwards", got)
	}
}

func TestSidesOfMadeUpPeople(t *testing.T) {
	h := toyHouse(t)
	stricter := testCharter(t, "rungs: {individual: regular, cohort: acquaintance}", "rungs: {individual: confidant}")
	confidant := person.Confidant
	sides := []Side{
		{Placement: "home"}, {Placement: "home", Supposed: Supposed{Charter: stricter}}, {Placement: "home", Supposed: Supposed{Off: []string{"personalise"}}},
		{Placement: "home", Supposed: Supposed{Charter: stricter, Level: &confidant}},
	}
	// The toy has no model, and so made-up people buy nothing: what they get is by their facts.
	got, err := CompareMadeUp(h, person.Regular, sides, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0].Charter != 1 || got[1].Charter != 2 || got[3].Relationship != (Relationship{Level: "confidant"}) {
		t.Errorf("%+v", got)
	}
	for _, wrong := range [][]Side{nil, make([]Side, 5), {{Placement: "nowhere"}}, {{Placement: "home"}, {Placement: "nowhere", Supposed: Supposed{Charter: stricter}}}, {{Placement: "home", Context: Circumstance{At: -1}}}} {
		if _, err := CompareMadeUp(h, person.Regular, wrong, now); err == nil {
			t.Errorf("%+v were compared", wrong)
		}
	}
}

func TestACharterIsSupposedToBeAcceptedNow(t *testing.T) {
	h := toyHouse(t)
	stricter := testCharter(t, "rungs: {individual: regular, cohort: acquaintance}", "rungs: {individual: confidant}")
	s, err := h.Suppose(Supposed{Charter: stricter}, now)
	if err != nil {
		t.Fatal(err)
	}
	m := regular(h)
	says(m, "protect", consent.Yes, true, now.Add(-days(100)))
	a := at("home")
	// The same as a house in which it was accepted.
	accepted, err := NewHouse(Parts{Series: charter.NewSeries(h.Charter, stricter.Placed(2, now)), Shelf: h.Shelf, Salt: h.salt})
	if err != nil {
		t.Fatal(err)
	}
	accepted.rankBy(newToy())
	accepted.ModelVersion = h.ModelVersion
	if d := cmp.Diff(Compute(accepted, m, a).Receipt, Compute(s, m, a).Receipt); d != "" {
		t.Error(d)
	}
	if Compute(h, m, a).Receipt.Rung != person.Individual || Compute(s, m, a).Receipt.Rung != person.Context || h.Series.Len() != 1 {
		t.Error("the charter in force decides otherwise than before, or the supposed one as it")
	}
}

func TestCompareIsOneLookAndWritesNothing(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	look := ledger.Look{Actor: "pat", Role: "privacy", Team: "privacy", Purpose: "service", Reason: "a request"}
	p := Principal{Any: true, Privacy: true, Pseudonyms: true}
	sides := []Side{{Placement: "home"}, {Placement: "home", Supposed: Supposed{Off: []string{"personalise"}}}}
	before, err := x.db.Load(ctx, x.who)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x.Compare(ctx, Ref{Pseudonym: x.who}, sides, p, look)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, out[0], "individual: milk cake tea")
	if !strings.HasPrefix(names(out[1]), "context: ") {
		t.Errorf("with the purpose off: %s", names(out[1]))
	}
	if n := x.looks(); n != 1 {
		t.Errorf("%d looks are on record for one comparison", n)
	}
	after, err := x.db.Load(ctx, x.who)
	if err != nil {
		t.Fatal(err)
	}
	if x.store.kept.Load() != 0 || len(after.Rows) != len(before.Rows) || out[0].ID != "" || out[0].Feedback != "" {
		t.Errorf("a comparison left %d receipts and %d more rows", x.store.kept.Load(), len(after.Rows)-len(before.Rows))
	}

	// Who then really says no is decided about as was supposed.
	x.put(func(k *vault.KeyRing) vault.Row {
		return k.SealChoice(consent.Choice{Of: x.who, Purpose: "personalise", Answer: consent.No, At: now, Received: now, Verified: true, Source: "self", Channel: "web", Charter: 1}, consent.Evidence{}, "no")
	})
	real, err := x.Compare(ctx, ann, sides[:1], p, look)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(out[1], real[0]); d != "" {
		t.Errorf("what was supposed is not what came: %s", d)
	}

	_, err = x.Compare(ctx, ann, sides, explaining, look)
	refused(t, "not the privacy team", err, fault.Refused)
	x.store.fail("look")
	_, err = x.Compare(ctx, ann, sides, p, look)
	refused(t, "a look that cannot be recorded", err, fault.Unavailable)
	x.store.fail("")
	n := x.looks()
	out, err = x.Compare(ctx, Ref{UserID: "nobody"}, sides, p, look)
	if err != nil || out[0].Rung != "context" || x.looks() != n {
		t.Errorf("nobody known: %v, %v", out, err)
	}
}
