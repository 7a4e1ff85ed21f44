package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestJoinedUsersGetOneOffer gives two users of one shop the same verified address. From then on they are one person at the door: asked for by
// either id they get the same, what is not for the one is not for the other, and what the one was shown counts for both. A third user with the
// address makes it doubtful: then neither is decided for by what the other did.
func TestJoinedUsersGetOneOffer(t *testing.T) {
	const most = 4
	home := homeOf(t, edited(t, "items: 3, rungs: {individual: acquaintance}}", fmt.Sprintf("items: 3, rungs: {individual: acquaintance}, caps: {per-week: %d}}", most)))
	s := serveHome(t, home)
	stock(t, home)
	must(t, "learn", "--home", home)
	server := must(t, "token", "--home", home, "--role", "decide", "--name", "server", "--attest", "--explain")
	source := must(t, "token", "--home", home, "--role", "source", "--name", "signup")

	type decision struct {
		Decision, Rung string
		Items          []struct{ ID string }
	}
	decide := func(user string) (d decision, items []string) {
		t.Helper()
		if status := post(t, s.URL+"/api/decide", server, map[string]any{"person": map[string]string{"userId": user}, "attested": true, "placement": "basket"}, &d); status != http.StatusOK {
			t.Fatalf("a decision was answered with %d", status)
		}
		for _, it := range d.Items {
			items = append(items, it.ID)
		}
		return d, items
	}
	hasAddress := func(user string) {
		t.Helper()
		sends(t, s.URL, source, map[string]any{"type": "identify", "messageId": "mail-" + user, "userId": user, "timestamp": time.Now().UTC().Format(time.RFC3339Nano),
			"traits": map[string]any{"email": "one.person@letterbox.example"}})
	}

	itself, offered := decide("house-7")
	if itself.Rung != "individual" || len(offered) == 0 {
		t.Fatalf("the household gets %s with %d items: nothing would be tried", itself.Rung, len(offered))
	}
	if other, _ := decide("app-7"); other.Rung == "individual" {
		t.Fatalf("somebody new is decided for on the rung %s", other.Rung)
	}
	hasAddress("house-7")
	hasAddress("app-7")
	a, byHouse := decide("house-7")
	b, byApp := decide("app-7")
	if a.Rung != "individual" || b.Rung != a.Rung || !slices.Equal(byHouse, byApp) {
		t.Fatalf("one person gets %s %v by the one id, and %s %v by the other", a.Rung, byHouse, b.Rung, byApp)
	}

	// What they say by the one id holds for the other.
	var remembered struct{ Remembered bool }
	if status := post(t, s.URL+"/api/feedback", server, map[string]any{"decision": b.Decision, "item": byApp[0], "kind": "not-for-me"}, &remembered); status != http.StatusOK || !remembered.Remembered {
		t.Fatalf("an answer was answered with %d, remembered %v", status, remembered.Remembered)
	}
	if _, items := decide("house-7"); slices.Contains(items, byApp[0]) {
		t.Errorf("%s was not for them, and is offered again by the other id", byApp[0])
	}

	// What the one is shown counts for both: the placement's cap is one person's.
	for n := range most + 2 {
		user := []string{"house-7", "app-7"}[n%2]
		d, items := decide(user)
		if n >= most {
			if len(items) != 0 {
				t.Errorf("after %d showings to one person, %s is offered %v: the cap is %d", n, user, items, most)
			}
			continue
		}
		if len(items) == 0 {
			t.Fatalf("nothing is offered at the %d. time: the cap is %d", n+1, most)
		}
		if status := post(t, s.URL+"/api/shown", server, map[string]any{"decision": d.Decision, "items": items}, nil); status != http.StatusOK {
			t.Fatalf("what was shown was answered with %d", status)
		}
	}

	// A third with the address: nobody can say whose it is.
	hasAddress("third")
	if d, _ := decide("app-7"); d.Rung == "individual" {
		t.Error("by a doubtful link somebody is decided for by what another bought")
	}

	// Who is perhaps somebody else is not forgotten with them.
	must(t, "rights", "erase", "--home", home, "--person", "userId=app-7", "--now")
	if _, errs, code := try(t, "rights", "access", "--home", home, "--person", "userId=app-7"); code != 1 {
		t.Errorf("who was forgotten is found: exit %d, %s", code, errs)
	}
	if _, errs, code := try(t, "rights", "access", "--home", home, "--person", "userId=house-7"); code != 0 {
		t.Errorf("the other was forgotten too: exit %d, %s", code, errs)
	}
	if said := must(t, "ledger", "verify", "--home", home); !strings.Contains(said, "sound") && !strings.Contains(said, "whole") {
		t.Errorf("the ledger says: %s", said)
	}
}
