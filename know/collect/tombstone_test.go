package collect

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

func (f *fakeStore) Tombstoned(_ context.Context, stones []vault.Tombstone) (map[vault.Tombstone]person.Instant, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[vault.Tombstone]person.Instant{}
	for _, s := range stones {
		if at, ok := f.stones[s]; ok {
			out[s] = at
		}
	}
	return out, nil
}

// forget is what an erasure does to the fake: rows and identifiers go, marks stay.
func (h *home) forget(kind vault.IdentifierKind, value string, at person.Instant) {
	h.t.Helper()
	p := h.person(kind, value, at)
	if p == nil {
		h.t.Fatal("there is nobody to forget")
	}
	f := h.store
	all := p.record.Who.All()
	if f.stones == nil {
		f.stones = map[vault.Tombstone]person.Instant{}
	}
	for b, list := range f.idents {
		if slices.ContainsFunc(list, func(i vault.Identifier) bool { return slices.Contains(all, i.Of) }) {
			delete(f.idents, b)
			f.stones[h.vault.Tombstone(b)] = at
		}
	}
	for _, id := range all {
		delete(f.root, id)
		delete(f.wrapped, id)
		delete(f.version, id)
		delete(f.rows, id)
		delete(f.order, id)
	}
	h.vault.Forget(all...)
	h.gate.Forget(all)
}

// customer is somebody with a userId, a device and an address, who was forgotten at 11:30.
func forgottenCustomer(t *testing.T) *home {
	h := newHome(t)
	h.gate.parts.Tombs = h.store
	h.view("tablet", "", "a", 1)
	h.signsIn("tablet", "ann", 2)
	h.send("signup", `{"messageId":"i1","userId":"ann",`+at(3)+`,"traits":{"email":"ann@post.example","name":"Ann"}}`, Identify)
	h.forget(vault.UserID, "ann", instant(30))
	return h
}

// TestWhoWasForgottenDoesNotComeBackByAnImport sends what they sent before, and what others hold of them, by every identifier.
func TestWhoWasForgottenDoesNotComeBackByAnImport(t *testing.T) {
	for what, c := range map[string]struct{ source, body string }{
		"the same list again":                     {"signup", `{"messageId":"i1","userId":"ann",` + at(3) + `,"traits":{"email":"ann@post.example","name":"Ann"}}`},
		"a list of later":                         {"signup", `{"messageId":"i2","userId":"ann",` + at(50) + `,"traits":{"name":"Ann"}}`},
		"another list, by the address":            {"signup", `{"messageId":"i3","userId":"crm-17",` + at(50) + `,"traits":{"email":"Ann@Post.example ","name":"Ann"}}`},
		"their device, from the server":           {"signup", `{"messageId":"i4","anonymousId":"tablet",` + at(50) + `,"traits":{"name":"Ann"}}`},
		"their browser, without a word":           {"web", `{"messageId":"i5","anonymousId":"tablet",` + at(50) + `,"traits":{"name":"Ann"}}`},
		"a new browser that says it is theirs":    {"web", `{"messageId":"i6","anonymousId":"phone","userId":"ann",` + at(50) + `,"traits":{"name":"Ann"}}`},
		"a yes of before":                         {"tills", `{"messageId":"i7","userId":"ann",` + at(20) + `,"traits":{"name":"Ann"},"context":{"consent":{"categoryPreferences":{"personalization":true}}}}`},
		"a no of later":                           {"tills", `{"messageId":"i8","userId":"ann",` + at(50) + `,"traits":{"name":"Ann"},"context":{"consent":{"categoryPreferences":{"personalization":false}}}}`},
		"a sign-in of somebody new on their name": {"signup", `{"messageId":"i9","userId":"ann","anonymousId":"phone",` + at(50) + `,"traits":{}}`},
	} {
		h := forgottenCustomer(t)
		before, streams := h.store.commits, len(h.store.root)
		out := h.send(c.source, c.body, Identify)
		if out.Kept != 0 || h.store.commits != before || len(h.store.root) != streams {
			t.Errorf("%s: %d kept, %d people", what, out.Kept, len(h.store.root))
		}
		if len(out.Counts) == 0 || out.Counts[0].Reason != Suppressed {
			t.Errorf("%s: refused for %v", what, out.Counts)
		}
	}
}

// TestWhoWasForgottenComesBackByAChoiceOfTheirs says yes after the erasure: from then on they are somebody new, with nothing of before.
func TestWhoWasForgottenComesBackByAChoiceOfTheirs(t *testing.T) {
	h := forgottenCustomer(t)
	h.now = instant(59)
	yes := `"context":{"consent":{"categoryPreferences":{"personalization":true}}}`
	h.send("tills", `{"messageId":"b1","userId":"ann",`+at(40)+`,"event":"Order Completed","properties":{"order_id":"1","products":[{"product_id":"z"}]},`+yes+`}`, Track)
	p := h.person(vault.UserID, "ann", h.now)
	if p == nil || len(p.facts()) != 0 {
		t.Fatalf("they are not there, or not new: %v", p)
	}
	h.send("signup", `{"messageId":"b2","userId":"ann",`+at(41)+`,"traits":{"name":"Ann B"}}`, Identify)
	if got := h.person(vault.UserID, "ann", h.now).facts()["name"]; got != "Ann B" {
		t.Errorf("what came after the choice is not kept: %q", got)
	}
	// The address is barred still: the choice did not name it.
	if out := h.send("signup", `{"messageId":"b3","userId":"crm-9",`+at(42)+`,"traits":{"email":"ann@post.example"}}`, Identify); out.Kept != 0 {
		t.Error("another list brings the address")
	}
	// Their browser says yes for itself.
	h.view("tablet", "", "q", 43)
	h.wantItems("the tablet", h.person(vault.AnonymousID, "tablet", instant(43)), "q")
}

// TestSomebodyElseIsNotBarred: who is known is not barred by an address or a device that was also a forgotten person's, nor is anybody new.
func TestSomebodyElseIsNotBarred(t *testing.T) {
	h := newHome(t)
	h.gate.parts.Tombs = h.store
	h.send("signup", `{"messageId":"x1","userId":"bob",`+at(1)+`,"traits":{"name":"Bob"}}`, Identify)
	h.send("signup", `{"messageId":"x2","userId":"ann",`+at(3)+`,"traits":{"email":"family@post.example"}}`, Identify)
	h.forget(vault.UserID, "ann", instant(30))
	h.send("signup", `{"messageId":"x3","userId":"bob",`+at(40)+`,"traits":{"email":"family@post.example"}}`, Identify)
	if got := h.person(vault.UserID, "bob", h.now).facts()["email"]; got != "family@post.example" {
		t.Errorf("Bob's address is %q", got)
	}
	if out := h.send("signup", `{"messageId":"x4","userId":"eve",`+at(40)+`,"traits":{"name":"Eve"}}`, Identify); out.Kept != 1 {
		t.Errorf("somebody new is refused: %+v", out)
	}
}

// TestAnErasureDuringAnImport forgets somebody between the reading of a batch and its commit: nothing of them is kept, all of the others is.
func TestAnErasureDuringAnImport(t *testing.T) {
	for what, known := range map[string]bool{"who was known": true, "who came in between": false} {
		h := newHome(t)
		h.gate.parts.Tombs = h.store
		if known {
			h.send("signup", `{"messageId":"k","userId":"ann",`+at(1)+`,"traits":{"name":"Ann"}}`, Identify)
		}
		done := false
		h.store.before = func() {
			if !done {
				done = true
				if !known {
					h.store.before = nil
					h.send("signup", `{"messageId":"k","userId":"ann",`+at(1)+`,"traits":{"name":"Ann"}}`, Identify)
				}
				h.forget(vault.UserID, "ann", instant(30))
			}
		}
		lines := ""
		for n, user := range []string{"bob", "ann", "cid"} {
			lines += fmt.Sprintf(`{"type":"identify","messageId":"l%d","userId":"%s",%s,"traits":{"name":"%s of the List"}},`, n, user, at(40), user)
		}
		out := h.send("signup", `{"batch":[`+lines[:len(lines)-1]+`]}`, BatchOf)
		if !done || out.Kept != 2 || out.Refused != 1 {
			t.Errorf("%s: %+v", what, out)
		}
		if p := h.person(vault.UserID, "ann", h.now); p != nil {
			t.Errorf("%s came back", what)
		}
		for _, user := range []string{"bob", "cid"} {
			if got := h.person(vault.UserID, user, h.now).facts()["name"]; got != user+" of the List" {
				t.Errorf("%s lost what was theirs: %q", user, got)
			}
		}
	}
}

// TestTheGatesMemoryLetsGo looks into the memo after an erasure.
func TestTheGatesMemoryLetsGo(t *testing.T) {
	h := newHome(t)
	h.send("signup", `{"messageId":"k","userId":"ann",`+at(1)+`,"traits":{"name":"Ann"}}`, Identify)
	h.send("signup", `{"messageId":"k2","userId":"ann",`+at(2)+`,"traits":{"name":"Ann"}}`, Identify)
	p := h.person(vault.UserID, "ann", h.now)
	there := func() (n int) {
		for i := range h.gate.memo.ages {
			age := &h.gate.memo.ages[i]
			if _, ok := age.people[p.id]; ok {
				n++
			}
			for _, piece := range age.arena.pieces {
				n += bytes.Count(piece[:cap(piece)], p.id[:])
			}
		}
		return n
	}
	if there() == 0 {
		t.Fatal("it remembers nothing, so nothing is shown")
	}
	h.gate.Forget([]person.ID{p.id})
	if n := there(); n != 0 {
		t.Errorf("%d traces are left", n)
	}
}
