package collect

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

const (
	yesToAll = `"context":{"consent":{"categoryPreferences":{"advertising":true,"personalization":true}}}`
	viewed   = `"event":"Product Viewed","properties":{"product_id":"%s"}`
)

func at(minute int) string { return fmt.Sprintf(`"timestamp":"2026-11-20T11:%02d:00Z"`, minute) }

func instant(minute int) person.Instant {
	return readTime([]byte(fmt.Sprintf("2026-11-20T11:%02d:00Z", minute)))
}

// view is what a browser sends when a product is looked at by whoever sits there.
func (h *home) view(device, user, item string, minute int) Outcome {
	h.t.Helper()
	who := `"anonymousId":"` + device + `",`
	if user != "" {
		who += `"userId":"` + user + `",`
	}
	return h.send("web", `{"messageId":"v-`+item+`",`+who+at(minute)+`,`+yesToAll+`,`+fmt.Sprintf(viewed, item)+`}`, Track)
}

// signsIn is what the shop's server sends when somebody verifiably signs in on a device.
func (h *home) signsIn(device, user string, minute int) Outcome {
	h.t.Helper()
	return h.send("signup", fmt.Sprintf(`{"messageId":"in-%s-%d","anonymousId":"%s","userId":"%s",%s,"traits":{}}`, user, minute, device, user, at(minute)), Identify)
}

func (o *opened) items() []string {
	var out []string
	if o != nil {
		for _, e := range o.History {
			for _, l := range e.Lines {
				out = append(out, l.Item)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (h *home) wantItems(who string, o *opened, items ...string) {
	h.t.Helper()
	if got := o.items(); !slices.Equal(got, items) {
		h.t.Errorf("%s has %v, want %v", who, got, items)
	}
}

func TestWhatCameBeforeASignInGoesToWhoSignedInInThatSession(t *testing.T) {
	h := newHome(t)
	h.view("dev", "", "a1", 1)
	h.signsIn("dev", "A", 5)
	h.view("dev", "", "x1", 10) // A has signed out
	h.view("dev", "", "x2", 11)
	h.signsIn("dev", "B", 15)
	h.view("dev", "", "y1", 20) // nobody's yet

	a, b := h.person(vault.UserID, "A", h.now), h.person(vault.UserID, "B", h.now)
	h.wantItems("A", a, "a1")
	h.wantItems("B", b, "x1", "x2")
	h.wantItems("nobody", h.person(vault.AnonymousID, "dev", h.now), "y1")
	if a.record.Who.Root == b.record.Who.Root {
		t.Fatal("two verified users were joined through a device")
	}
	if h.person(vault.AnonymousID, "dev", h.now).record.Who.Has(a.record.Who.Root) {
		t.Error("the open session is A's")
	}
}

func TestLateEventsGoByTheirTime(t *testing.T) {
	h := newHome(t)
	h.view("dev", "", "a1", 1)
	h.signsIn("dev", "A", 5)
	h.view("dev", "", "x1", 10)
	h.signsIn("dev", "B", 15)
	h.view("dev", "", "y1", 20)
	h.view("dev", "", "late-a", 3)
	h.view("dev", "", "late-b", 12)
	h.wantItems("A", h.person(vault.UserID, "A", h.now), "a1", "late-a")
	h.wantItems("B", h.person(vault.UserID, "B", h.now), "late-b", "x1")
	h.wantItems("nobody", h.person(vault.AnonymousID, "dev", h.now), "y1")
}

func TestASignInBeforeTheFirstEventTakesWhatComesLate(t *testing.T) {
	h := newHome(t)
	h.signsIn("dev", "A", 5)
	h.signsIn("dev", "B", 15)
	h.view("dev", "", "late-a", 3)
	h.view("dev", "", "late-b", 12)
	h.view("dev", "", "y1", 20)
	h.wantItems("A", h.person(vault.UserID, "A", h.now), "late-a")
	h.wantItems("B", h.person(vault.UserID, "B", h.now), "late-b")
	h.wantItems("nobody", h.person(vault.AnonymousID, "dev", h.now), "y1")
}

func TestAServersEventsWithBothIdsEnrolOnce(t *testing.T) {
	h := newHome(t)
	for i := range 30 {
		h.send("signup", fmt.Sprintf(`{"messageId":"m%d","anonymousId":"dev","userId":"A",%s,"event":"Order Completed","properties":{"order_id":"o%d","products":[{"product_id":"p"}]}}`, i, at(i), i), Track)
	}
	if n := len(h.store.root); n != 2 {
		t.Errorf("%d pseudonyms for one user on one device, want 2", n)
	}
	if n := len(h.person(vault.UserID, "A", h.now).History); n != 30 {
		t.Errorf("%d events kept, want 30", n)
	}
}

func TestOneBatchIsJudgedInItsOrder(t *testing.T) {
	h := newHome(t)
	h.send("signup", `{"batch":[
		{"type":"track","messageId":"1","anonymousId":"dev",`+at(1)+`,"event":"Order Completed","properties":{"order_id":"1","products":[{"product_id":"a1"}]}},
		{"type":"identify","messageId":"2","anonymousId":"dev","userId":"A",`+at(5)+`},
		{"type":"track","messageId":"3","anonymousId":"dev",`+at(10)+`,"event":"Order Completed","properties":{"order_id":"2","products":[{"product_id":"x1"}]}},
		{"type":"identify","messageId":"4","anonymousId":"dev","userId":"B",`+at(15)+`}]}`, BatchOf)
	h.wantItems("A", h.person(vault.UserID, "A", h.now), "a1")
	h.wantItems("B", h.person(vault.UserID, "B", h.now), "x1")
	if h.store.commits != 1 {
		t.Errorf("%d commits for one batch", h.store.commits)
	}
}

func TestAClaimIsNoSignIn(t *testing.T) {
	h := newHome(t)
	h.send("signup", `{"messageId":"1","userId":"A","traits":{"name":"Ada Applewick","email":"ada@post.example"}}`, Identify)
	before := h.person(vault.UserID, "A", h.now)

	// A stranger's browser says that it is A, on a device of its own and without one.
	h.view("thief", "A", "t1", 1)
	h.send("web", `{"messageId":"t2","userId":"A",`+at(2)+`,`+yesToAll+`,`+fmt.Sprintf(viewed, "t2")+`}`, Track)
	h.send("web", `{"messageId":"t3","anonymousId":"thief","userId":"A","traits":{"household":"4","email":"ada@post.example","name":"Mallory"}}`, Identify)

	a := h.person(vault.UserID, "A", h.now)
	h.wantItems("A", a)
	if a.facts()["name"] != "Ada Applewick" || a.facts()["household"] != "" || len(a.Facts) != len(before.Facts) {
		t.Errorf("a claim wrote facts of A")
	}
	if len(a.record.Choices) != 0 {
		t.Errorf("a claim made choices of A: %+v", a.record.Choices)
	}
	thief := h.person(vault.AnonymousID, "thief", h.now)
	h.wantItems("the thief's device", thief, "t1")
	if thief.record.Who.Has(a.record.Who.Root) || len(thief.record.Who.Also) != 0 {
		t.Error("a claim joined a device to A")
	}
	if len(thief.record.Claims) != 1 {
		t.Errorf("%d claims kept, want 1", len(thief.record.Claims))
	}
	if f := thief.facts(); f["household"] != "4" {
		t.Errorf("the device's own facts: %v", f)
	}
	for _, f := range thief.Facts {
		if f.Verified {
			t.Error("a browser's fact counts as verified")
		}
	}
	claimed := h.person(vault.ClaimedUser, vault.ClaimedAs("web", "A"), h.now)
	h.wantItems("the claimed user", claimed, "t2")
	if claimed.record.Who.Has(a.record.Who.Root) {
		t.Error("a claim leads to A")
	}
}

func TestASessionInWhichABrowserClaimedToBeSomebodyElseIsNotJoined(t *testing.T) {
	h := newHome(t)
	h.view("dev", "A", "a1", 1) // a browser's word only
	h.signsIn("dev", "B", 5)
	h.view("dev", "", "y1", 10)
	h.wantItems("B", h.person(vault.UserID, "B", h.now))
	h.wantItems("the first session", h.person(vault.AnonymousID, "dev", instant(2)), "a1")
	h.wantItems("the next session", h.person(vault.AnonymousID, "dev", h.now), "y1")
	h.signsIn("dev", "B", 15)
	h.wantItems("B", h.person(vault.UserID, "B", h.now), "y1")
}

func TestAClaimThatIsConfirmedIsJoined(t *testing.T) {
	h := newHome(t)
	h.view("dev", "A", "a1", 1)
	h.signsIn("dev", "A", 5)
	h.wantItems("A", h.person(vault.UserID, "A", h.now), "a1")
}

func TestAlias(t *testing.T) {
	h := newHome(t)
	h.view("dev", "", "a1", 1)
	if out := h.send("web", `{"messageId":"al0","previousId":"dev","userId":"A"}`, Alias); out.Refused != 1 {
		t.Error("a browser may alias")
	}
	h.wantItems("A", h.person(vault.UserID, "A", h.now))
	h.send("signup", `{"messageId":"al1","previousId":"dev","userId":"A"}`, Alias)
	h.wantItems("A", h.person(vault.UserID, "A", h.now), "a1")
	h.send("signup", `{"messageId":"i","userId":"B","traits":{"name":"Bea Birchwood"}}`, Identify)
	if out := h.send("signup", `{"messageId":"al2","previousId":"B","userId":"A"}`, Alias); out.Refused != 1 || out.Counts[0].Reason != NoPermission {
		t.Error("two users were joined by alias")
	}
	if h.person(vault.UserID, "A", h.now).record.Who.Has(h.person(vault.UserID, "B", h.now).id) {
		t.Error("A and B are one")
	}
}

func TestAVerifiedEmailLeadsToThePerson(t *testing.T) {
	h := newHome(t)
	h.send("signup", `{"messageId":"1","userId":"A","traits":{"email":"Ada@Post.example","phone":"+44 20 7946 0001"}}`, Identify)
	h.send("signup", `{"messageId":"2","userId":"B","traits":{"email":"ada@post.example"}}`, Identify)
	a := h.person(vault.UserID, "A", h.now)
	if o := h.person(vault.Email, "ada@post.example", h.now); o == nil || o.id != a.id {
		t.Error("the e-mail does not lead to who had it first")
	}
	if o := h.person(vault.Phone, "+442079460001", h.now); o == nil || o.id != a.id {
		t.Error("the phone does not lead to A")
	}
	h.send("web", `{"messageId":"3","anonymousId":"dev",`+yesToAll+`,"traits":{"email":"eve@post.example","household":"2"}}`, Identify)
	if h.person(vault.Email, "eve@post.example", h.now) != nil {
		t.Error("a browser's word for an e-mail leads to somebody")
	}
}

func TestADeviceOfManyUsersIsNotGivenSessionsForEver(t *testing.T) {
	h := newHome(t)
	for i := range mostSessions + 20 {
		h.send("signup", fmt.Sprintf(`{"messageId":"k%d","anonymousId":"till","userId":"u%d","timestamp":"2026-11-19T%02d:%02d:00Z"}`, i, i, i/60, i%60), Identify)
	}
	b, _ := h.vault.Blind(vault.AnonymousID, "till")
	if n := len(h.store.idents[b]); n > mostSessions {
		t.Errorf("%d sessions of one device", n)
	}
}

func TestSomebodyElsesChangeMeansJudgingAgain(t *testing.T) {
	h := newHome(t)
	h.view("dev", "", "a1", 1)
	id := h.person(vault.AnonymousID, "dev", h.now).id
	once := true
	h.store.before = func() {
		if !once {
			return
		}
		once = false
		// The person says no while the batch is on its way: the gate must not keep what it judged by the yes.
		l := h.store.loaded(id, false)
		k, err := h.vault.Key(id, l.Wrapped[id])
		if err != nil {
			t.Fatal(err)
		}
		row := k.SealChoice(consent.Choice{Of: id, Purpose: "personalise", Answer: consent.No, At: h.now, Received: h.now, Verified: true, Source: "self"}, consent.Evidence{}, "x")
		if err := h.store.Commit(context.Background(), vault.Change{Put: []vault.Row{row}}); err != nil {
			t.Fatal(err)
		}
	}
	out := h.send("web", `{"messageId":"m2","anonymousId":"dev",`+at(2)+`,`+fmt.Sprintf(viewed, "a2")+`}`, Track)
	if once || out.Kept != 0 || out.Refused != 1 {
		t.Errorf("judged by what had changed: %+v", out)
	}
	h.wantItems("the device", h.person(vault.AnonymousID, "dev", h.now), "a1")
}
