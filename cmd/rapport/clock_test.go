package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestAClockThatGoesBackADayOrOnAYearBreaksNothing steps the clock of a serving home: events are taken, decisions are made, the ledger stays
// whole, and whoever said no is not asked to have said it again, whatever the clock does afterwards.
func TestAClockThatGoesBackADayOrOnAYearBreaksNothing(t *testing.T) {
	home := exampleHome(t)
	stock(t, home)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "signup")
	token := must(t, "token", "--home", home, "--role", "decide", "--name", "site", "--attest", "--explain")
	var step atomic.Int64
	h, err := openHouse(t.Context(), homeOptions{Home: home, clock: func() person.Instant { return person.At(time.Now().Add(time.Duration(step.Load()))) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	handler, err := h.doors(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	stopJobs, err := h.startJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stopJobs)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s := &serving{URL: server.URL, Home: home}

	held := func(user string) bool {
		t.Helper()
		var d struct {
			Held []struct{ Fact, Reason string }
		}
		if code := post(t, s.URL+"/api/decide", token, map[string]any{"person": map[string]string{"userId": user}, "attested": true, "placement": "basket"}, &d); code != http.StatusOK {
			t.Fatalf("a decision is answered with %d", code)
		}
		for _, h := range d.Held {
			if h.Fact == "Order Completed" && h.Reason == "permission" {
				return true
			}
		}
		return false
	}
	n := 0
	orders := 0
	works := func(when string) {
		t.Helper()
		n++
		sends(t, s.URL, key, map[string]any{"type": "track", "messageId": "clock-" + when, "userId": "house-9", "event": "Order Completed", "properties": map[string]any{"order_id": when, "products": []map[string]any{{"product_id": "sku-1", "quantity": 1}}}})
		orders++
		if held("house-9") {
			t.Errorf("%s the order of who said yes is held", when)
		}
		// The jobs go on: a look is numbered by nobody else.
		before, _, err := h.ledger.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		look, err := ledger.Seal(ledger.Look{At: h.clock(), Actor: "ann", Role: "privacy", Purpose: "service", Fields: []string{"email"}, Filter: "everybody"}, h.vault.Home())
		if err == nil {
			err = h.store.Commit(t.Context(), vault.Change{Looks: []ledger.Row{look}})
		}
		if err != nil {
			t.Fatal(err)
		}
		until(t, when+" a look has its number", func() bool {
			size, _, err := h.ledger.Size(t.Context())
			return err == nil && size > before
		})
		if rep, err := prove.VerifyLedger(t.Context(), h.proving("test", "")); err != nil || !rep.OK() {
			t.Errorf("%s the ledger: %v %+v", when, err, rep)
		}
	}
	wantHeld := func(when, user string, want bool) {
		t.Helper()
		if got := held(user); got != want {
			t.Errorf("%s: held %v, expected %v", when, got, want)
		}
	}
	const day = 24 * time.Hour
	works("before")
	choose(t, s, token, "house-1", "no")
	wantHeld("after a no", "house-1", true)
	choose(t, s, token, "house-2", "no")
	choose(t, s, token, "house-2", "yes")
	wantHeld("after a yes", "house-2", false)

	step.Store(int64(-day))
	works("a day back")
	wantHeld("a no, then the clock goes back", "house-1", true)
	choose(t, s, token, "house-2", "no")
	wantHeld("a no while the clock is back", "house-2", true)

	step.Store(0)
	works("right again")
	wantHeld("a no, the clock is right again", "house-1", true)
	wantHeld("a no from while the clock was back", "house-2", true)
	choose(t, s, token, "house-2", "yes")
	until(t, "a yes counts again", func() bool { return !held("house-2") })

	step.Store(int64(365 * day))
	works("a year on")
	choose(t, s, token, "house-2", "no")
	wantHeld("a no a year on", "house-2", true)
	step.Store(0)
	works("back from a year on")
	wantHeld("a no from a year on, the clock is right again", "house-2", true)
	wantHeld("a no, after all that", "house-1", true)
	found := 0
	for _, e := range (&wholeHome{t, h}).person("userId", "house-9").Events {
		if id, _ := e.Properties["order_id"].(string); !strings.HasPrefix(id, "o-") {
			found++
		}
	}
	if found != orders {
		t.Errorf("%d of %d orders are there", found, orders)
	}
}
