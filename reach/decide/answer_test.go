package decide

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

func (x *home) feedback(d Decision, item string, kind person.FeedbackKind) bool {
	x.t.Helper()
	id, err := ParseID(d.ID)
	if err != nil {
		x.t.Fatal(err)
	}
	x.time.Add(1) // an answer comes after what it answers
	yes, err := x.Feedback(context.Background(), Answer{Decision: id, Item: item, Kind: kind, As: explaining})
	if err != nil {
		x.t.Fatal(err)
	}
	return yes
}

func refused(t *testing.T, what string, err error, code fault.Code) {
	t.Helper()
	if got, _ := fault.Of(err); err == nil || got != code {
		t.Errorf("%s: %v, expected %s", what, err, code)
	}
}

func TestAnswersActOnTheVeryNextDecision(t *testing.T) {
	x := newHome(t)
	d := x.one(ann)
	if !x.feedback(d, "cake", person.NotForMe) {
		t.Error("not remembered")
	}
	next := x.one(ann)
	wants(t, next, "individual: tea bread beer") // neither the cake nor what bread brought
	for _, i := range next.Items {
		for _, b := range i.Because {
			if strings.Contains(b.Text, "Rye bread") {
				t.Errorf("the reason that was not for them still counts for %s: %s", i.ID, b.Text)
			}
		}
	}
	x.feedback(next, "tea", person.TooPersonal)
	wants(t, x.one(ann), "context: beer fudge wine")
	wants(t, x.decide(explaining, Request{Person: ann, Placements: []string{"basket"}})[0], "individual: tea bread beer")
	x.time.Store(int64(now.Add(days(91))))
	wants(t, x.one(ann), "individual: tea bread beer")
}

func TestOneReasonAloneCanBeAnswered(t *testing.T) {
	x := newHome(t)
	m := regular(x.house)
	orders(m, "tea", 15)
	x.enrol(m, "2", "d2", "two@example.com")
	d := x.one(Ref{UserID: "2"})
	id, _ := ParseID(d.ID)
	var cake Item
	for _, i := range d.Items {
		if i.ID == "cake" {
			cake = i
		}
	}
	source := ""
	for _, b := range cake.Because {
		if strings.Contains(b.Text, "tea") {
			source = b.Source
		}
	}
	_, err := x.Feedback(context.Background(), Answer{Decision: id, Item: "cake", Kind: person.NotForMe, Source: "evt_of_somebody", As: explaining})
	refused(t, "a reason that it never had", err, fault.NotFound)
	if _, err = x.Feedback(context.Background(), Answer{Decision: id, Item: "cake", Kind: person.NotForMe, Source: source, As: explaining}); err != nil {
		t.Fatal(err)
	}
	next := x.one(Ref{UserID: "2"})
	if !strings.HasPrefix(next.Items[0].Because[0].Text, "You bought Rye bread") {
		t.Errorf("the other reason went too: %+v", next.Items[0])
	}
}

func TestAnswersAreCheckedAgainstTheReceipt(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	d := x.one(ann)
	id, _ := ParseID(d.ID)
	_, err := x.Feedback(ctx, Answer{Decision: id, Item: "wine", Kind: person.Useful, As: explaining})
	refused(t, "an item that was not in it", err, fault.NotFound)
	_, err = x.Feedback(ctx, Answer{Decision: id, Item: "milk", Kind: "love", As: explaining})
	refused(t, "an unknown kind", err, fault.Invalid)
	_, err = x.Feedback(ctx, Answer{Decision: NewID(), Item: "milk", Kind: person.Useful, As: explaining})
	refused(t, "a decision that never was", err, fault.NotFound)
	_, err = x.Feedback(ctx, Answer{Decision: id, Item: "milk", Kind: person.Useful})
	refused(t, "nobody in particular", err, fault.NotFound)
	_, err = x.Feedback(ctx, Answer{Decision: id, Item: "milk", Kind: person.Useful, As: Principal{Placements: []string{"basket"}}})
	refused(t, "a token of another placement", err, fault.NotFound)
	_, err = x.Feedback(ctx, Answer{Decision: id, Item: "milk", Kind: person.Useful, By: person.NewID()})
	refused(t, "another person", err, fault.NotFound)
	if yes, err := x.Feedback(ctx, Answer{Decision: id, Item: "milk", Kind: person.Useful, By: x.who}); err != nil || !yes {
		t.Errorf("the person: %v, %v", yes, err)
	}
	// A decision about nobody known is nobody's to remember, and that is no error.
	stranger := x.one(Ref{})
	if x.feedback(stranger, "beer", person.NotForMe) {
		t.Error("something was remembered of nobody")
	}
	// Its token is its own.
	if err := x.CheckToken(d.ID, d.Feedback); err != nil {
		t.Error(err)
	}
	refused(t, "another decision's token", x.CheckToken(x.one(ann).ID, d.Feedback), fault.Unauthorised)
	refused(t, "no token", x.CheckToken(d.ID, ""), fault.Unauthorised)
	x.time.Store(int64(now.Add(answerable + time.Hour)))
	refused(t, "an old token", x.CheckToken(d.ID, d.Feedback), fault.Unauthorised)
}

func TestShownCounts(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	basket := func() Decision { return x.decide(explaining, Request{Person: ann, Placements: []string{"basket"}})[0] }
	shown := func(d Decision, items ...string) bool {
		t.Helper()
		id, _ := ParseID(d.ID)
		yes, err := x.Shown(ctx, id, items, explaining)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	d := basket()
	wants(t, d, "individual: milk cake tea")
	if !shown(d, "milk") {
		t.Error("not remembered")
	}
	shown(d, "milk")
	shown(d, "cake")
	next := basket()
	wants(t, next, "individual: tea bread beer")
	if next.Short != nil {
		t.Errorf("one decision that was shown in parts counts once: %+v", next.Short)
	}
	shown(next, "tea")
	capped := basket()
	wants(t, capped, "individual: ")
	if capped.Short == nil || capped.Short.Reason != ShortCap {
		t.Errorf("short %+v", capped.Short)
	}
	id, _ := ParseID(d.ID)
	_, err := x.Shown(ctx, id, []string{"wine"}, explaining)
	refused(t, "an item that was not in it", err, fault.NotFound)
	_, err = x.Shown(ctx, id, nil, explaining)
	refused(t, "nothing", err, fault.Invalid)
	_, err = x.Shown(ctx, id, []string{"milk"}, Principal{Placements: []string{"home"}})
	refused(t, "a token of another placement", err, fault.NotFound)
	x.store.fail("Rows")
	_, err = x.Shown(ctx, id, []string{"tea"}, explaining)
	refused(t, "somebody who cannot be read", err, fault.Unavailable)
	x.store.fail("")
	if shown(x.one(Ref{}), "beer") {
		t.Error("something was remembered of nobody")
	}
	x.enrol(somebody(x.house), "3", "d3", "c@example.com") // never said yes
	quiet := x.one(Ref{UserID: "3"})
	if shown(quiet, "beer") {
		t.Error("what was shown is remembered for who never said yes")
	}
	wants(t, x.one(Ref{UserID: "3"}), "context: beer fudge wine")
}

func TestShownIsForgottenWithTheYes(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	d := x.one(ann)
	x.put(func(k *vault.KeyRing) vault.Row {
		return k.SealChoice(consent.Choice{Of: x.who, Purpose: "personalise", Answer: consent.No, At: now, Received: now, Verified: true, Source: "self", Charter: 1}, consent.Evidence{}, "later")
	})
	id, _ := ParseID(d.ID)
	if yes, err := x.Shown(ctx, id, []string{"milk"}, explaining); yes || err != nil {
		t.Errorf("%v, %v: remembered after the no", yes, err)
	}
	wants(t, x.one(ann), "context: beer fudge wine")
}

// put commits one row of Ann's.
func (x *home) put(row func(*vault.KeyRing) vault.Row) {
	x.t.Helper()
	ctx := context.Background()
	l, err := x.db.Load(ctx, x.who)
	if err != nil {
		x.t.Fatal(err)
	}
	k, err := x.vault.Key(x.who, l.Wrapped[x.who])
	if err != nil {
		x.t.Fatal(err)
	}
	if err := x.db.Commit(ctx, vault.Change{Put: []vault.Row{row(k)}}); err != nil {
		x.t.Fatal(err)
	}
}

func TestAnswersAreJudgedAgainWhenSomebodyWasFirst(t *testing.T) {
	x := newHome(t)
	d := x.one(ann)
	x.store.stale.Store(2)
	if !x.feedback(d, "cake", person.NotForMe) {
		t.Error("not remembered")
	}
	id, _ := ParseID(d.ID)
	x.store.stale.Store(100)
	_, err := x.Feedback(context.Background(), Answer{Decision: id, Item: "milk", Kind: person.Useful, As: explaining})
	refused(t, "always second", err, fault.Conflict)
}

func TestComplaintsStrain(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	name, err := x.Complain(ctx, ann, "", true)
	if err != nil || name == "" {
		t.Fatal(name, err)
	}
	d := x.one(ann)
	wants(t, d, "context: beer fudge wine")
	if d.Relationship.Level != "acquaintance" || !strings.Contains(d.Relationship.Because, "a complaint is open") {
		t.Errorf("%+v", d.Relationship)
	}
	x.time.Add(1)
	if again, err := x.Complain(ctx, ann, name, true); err != nil || again != name {
		t.Error(again, err)
	}
	if _, err := x.Complain(ctx, ann, name, false); err != nil {
		t.Fatal(err)
	}
	wants(t, x.one(ann), "individual: milk cake tea")
	_, err = x.Complain(ctx, ann, name, false)
	refused(t, "closing twice", err, fault.NotFound)
	x.time.Add(1)
	if _, err := x.Complain(ctx, ann, name, true); err != nil {
		t.Fatal(err)
	}
	wants(t, x.one(ann), "context: beer fudge wine")
	_, err = x.Complain(ctx, Ref{UserID: "nobody"}, "c", true)
	refused(t, "nobody", err, fault.NotFound)
	_, err = x.Complain(ctx, ann, "jane@example.com is angry", true)
	refused(t, "a name with somebody in it", err, fault.Invalid)
}

func TestReceiptsAreForTheirPersonAndForWhoSaysWhy(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	d := x.decide(explaining, Request{Person: ann, Placements: []string{"home"}, Wait: true})[0]
	id, _ := ParseID(d.ID)
	mine, err := x.Own(ctx, x.who, id, "fr")
	if err != nil {
		t.Fatal(err)
	}
	if mine.ID != d.ID || names(mine) != names(d) || mine.Items[0].Because[0].Text != "Vous avez acheté Rye bread 3 fois, la dernière le 29 octobre" || mine.Now == "" {
		t.Errorf("%+v", mine)
	}
	_, err = x.Own(ctx, person.NewID(), id, "en")
	refused(t, "somebody else", err, fault.NotFound)
	list, more, err := x.Owned(ctx, x.who, 0, 1, "en")
	if err != nil || more || len(list) != 1 || list[0].ID != d.ID {
		t.Errorf("%+v, more: %v, %v", list, more, err)
	}
	newer := x.decide(explaining, Request{Person: ann, Placements: []string{"basket"}, Wait: true})[0]
	for from, want := range []Decision{newer, d} {
		if list, more, err = x.Owned(ctx, x.who, from, 1, "en"); err != nil || len(list) != 1 || list[0].ID != want.ID || more != (from == 0) {
			t.Errorf("from %d: %+v, more: %v, %v", from, list, more, err)
		}
	}
	look := ledger.Look{Actor: "shop", Role: "decide", Purpose: "service", Reason: "a question"}
	got, err := x.Account(ctx, id, look, explaining, "en")
	if err != nil || names(got) != names(d) {
		t.Errorf("%+v, %v", got, err)
	}
	if n := x.looks(); n != 1 {
		t.Errorf("%d looks are on record, expected 1", n)
	}
	_, err = x.Account(ctx, id, look, Principal{Placements: []string{"basket"}, Explain: true}, "en")
	refused(t, "another placement's token", err, fault.NotFound)
	_, err = x.Account(ctx, id, ledger.Look{Actor: "shop", Role: "decide", Purpose: "nothing", Reason: "a question"}, explaining, "en")
	refused(t, "no purpose of the charter", err, fault.Refused)
	x.store.fail("look")
	_, err = x.Account(ctx, id, look, explaining, "en")
	refused(t, "a look that cannot be recorded", err, fault.Unavailable)
	// After the recent ones are forgotten, the store's is found.
	x.store.fail("")
	x.recent.at = nil
	if got, err = x.Account(ctx, id, look, explaining, "en"); err != nil || names(got) != names(d) {
		t.Errorf("%+v, %v", got, err)
	}
}

// looks counts the looks at Ann.
func (x *home) looks() int {
	x.t.Helper()
	rows, err := x.db.Ledger().Looks(context.Background(), []person.ID{x.who}, 100)
	if err != nil {
		x.t.Fatal(err)
	}
	return len(rows)
}

func TestTryLeavesALookAndNothingElse(t *testing.T) {
	x := newHome(t)
	ctx := context.Background()
	look := ledger.Look{Actor: "pat", Role: "privacy", Team: "privacy", Purpose: "service", Reason: "a request"}
	req := Request{Person: Ref{Pseudonym: x.who}, Placements: []string{"home"}}
	p := Principal{Any: true, Privacy: true, Pseudonyms: true}
	out, err := x.Try(ctx, req, p, look)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, out[0], "individual: milk cake tea")
	if n := x.looks(); n != 1 {
		t.Errorf("%d looks are on record, expected 1", n)
	}
	if n := x.store.kept.Load(); n != 0 || out[0].Feedback != "" {
		t.Errorf("%d receipts were kept, token %q", n, out[0].Feedback)
	}
	_, err = x.Try(ctx, req, explaining, look)
	refused(t, "not the privacy team", err, fault.Refused)
	x.store.fail("look")
	_, err = x.Try(ctx, req, p, look)
	refused(t, "a look that cannot be recorded", err, fault.Unavailable)
	x.store.fail("")
	out, err = x.Try(ctx, Request{Person: Ref{UserID: "nobody"}, Placements: []string{"home"}}, p, look)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, out[0], "context: beer fudge wine")
}
