package decideapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// discard takes an answer and keeps its status: a recorder would allocate as much as the door.
type discard struct {
	head   http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header         { return d.head }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { d.bytes += len(p); return len(p), nil }

// shopHome is a door over a real home on SQLite: 200 products, a model, and one customer who bought six things on each of twenty days.
func shopHome(t *testing.T) http.Handler {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile("../../reach/decide/testdata/charter.yaml")
	must(err)
	c, problems := charter.Parse(raw)
	must(problems.Err())
	now := person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	clock := func() person.Instant { return now }
	dir := t.TempDir()
	v, err := vault.Create(dir)
	must(err)
	db, err := store.Open(ctx, store.Options{Dir: dir, Clock: clock})
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	must(db.AcceptCharter(ctx, 0, charter.Accepted{Position: 1, Hash: c.Hash, Source: c.Source, At: now, By: "init"}))

	var items []catalogue.Item
	for i := range 200 {
		items = append(items, catalogue.Item{Item: charter.Item{ID: fmt.Sprintf("%05d", i), Name: fmt.Sprintf("Product %d", i), Category: "dry goods"}})
	}
	model, _, err := recommend.Learn(ctx, func(yield func(recommend.History) bool) {
		for n := range 60 {
			var h recommend.History
			for i := range 20 {
				h.Taken = append(h.Taken, recommend.Taken{Item: items[(n%10*20+i*3)%200].ID, When: []person.Instant{0}})
			}
			if !yield(h) {
				return
			}
		}
	}, recommend.Options{K: 2, Candidate: func(string) bool { return true }})
	must(err)
	series := charter.NewSeries(c.Placed(1, 0))
	house, err := decide.NewHouse(decide.Parts{Series: series, Shelf: catalogue.NewShelf(items, series.Current(), 1), Model: model, ModelVersion: "1", Salt: v.Secret("holdout")})
	must(err)

	e, key, err := v.Enrol(now.Add(-300 * 24 * time.Hour))
	must(err)
	blind, err := v.Blind(vault.UserID, "shopper")
	must(err)
	e.Identifiers = []vault.Identifier{{Blind: blind, Of: e.ID, Verified: true}}
	change := vault.Change{Enrol: []vault.Enrolment{e}}
	for _, purpose := range []string{"personalise", "protect"} {
		at := now.Add(-200 * 24 * time.Hour)
		change.Put = append(change.Put, key.SealChoice(consent.Choice{Of: e.ID, Purpose: purpose, Answer: consent.Yes, At: at, Received: at, Verified: true, Explicit: true, Source: "self", Channel: "web", Charter: 1}, consent.Evidence{Words: "yes"}, "test"))
	}
	stream, err := db.Intern(ctx, vault.Stream{Event: "Order Completed", Source: "tills", Charter: 1})
	must(err)
	for day := range 20 {
		var lines []person.Line
		for i := range 6 {
			lines = append(lines, person.Line{Item: items[(day*7+i*3)%200].ID, Quantity: 1})
		}
		body, err := vault.AppendBody(nil, lines, nil)
		must(err)
		at := now.Add(-time.Duration(1+2*day) * 24 * time.Hour)
		change.Frames = append(change.Frames, key.SealEvent(v.EventID(fmt.Sprint("shopper-", day)), stream, at, at, body))
	}
	must(db.Commit(ctx, change))
	for more := true; more; {
		_, more, err = db.Fold(ctx, 1000)
		must(err)
	}

	api := New(Config{Decider: decide.New(decide.NewLive(house, nil), v, db, decide.Options{Clock: clock, Deadline: time.Minute}), Charter: func() *charter.Charter { return series.Current() }, Clock: clock})
	table, err := access.NewTable(Doors()...)
	must(err)
	mux, err := table.Mux(access.Guard{
		Who: func(*http.Request, access.Door) (access.Principal, error) {
			return access.Principal{Role: access.Decide, Name: "shop", Placements: []string{"home"}, MayExplain: true}, nil
		},
		Refuse: func(w http.ResponseWriter, _ *http.Request, _ access.Door, err error) {
			http.Error(w, err.Error(), http.StatusForbidden)
		},
	}, api.Handlers())
	must(err)
	return mux
}

// A whole decision through its door: the body read, the person found, loaded and opened, what they may be shown ranked, the receipt kept, the answer written.
func TestADecisionThroughItsDoorAllocatesLittle(t *testing.T) {
	mux := shopHome(t)
	const body = `{"person":{"userId":"shopper"},"placement":"home","limit":3}`
	w := &discard{head: http.Header{}}
	read := strings.NewReader(body)
	r := httptest.NewRequest("POST", "/api/decide", read)
	ask := func() {
		clear(w.head)
		w.status, w.bytes = 0, 0
		read.Reset(body)
		mux.ServeHTTP(w, r)
	}
	first := httptest.NewRecorder()
	mux.ServeHTTP(first, r)
	if first.Code != http.StatusOK || !strings.Contains(first.Body.String(), `"rung":"individual"`) {
		t.Fatal(first.Code, first.Body)
	}
	if n := testing.AllocsPerRun(50, ask); n > 234 && !torture.Raced {
		t.Errorf("a decision makes %.0f allocations", n)
	}
	if w.status >= 300 || w.bytes != first.Body.Len() {
		t.Errorf("status %d, %d bytes and not %d", w.status, w.bytes, first.Body.Len())
	}
}

// An account of a decision with its look: the receipt read and opened, who looked and why noted before anything is answered.
func TestAnAccountWithItsLookAllocatesLittle(t *testing.T) {
	mux := shopHome(t)
	first := httptest.NewRecorder()
	mux.ServeHTTP(first, httptest.NewRequest("POST", "/api/decide", strings.NewReader(`{"person":{"userId":"shopper"},"placement":"home","limit":3}`)))
	var d decide.Decision
	if err := json.Unmarshal(first.Body.Bytes(), &d); err != nil || first.Code != http.StatusOK {
		t.Fatal(first.Code, first.Body)
	}
	w := &discard{head: http.Header{}}
	r := httptest.NewRequest("GET", "/api/decisions/"+d.ID, nil)
	if n := testing.AllocsPerRun(50, func() {
		clear(w.head)
		w.status, w.bytes = 0, 0
		mux.ServeHTTP(w, r)
	}); n > 270 && !torture.Raced {
		t.Errorf("an account makes %.0f allocations", n)
	}
	if w.status >= 300 || w.bytes < 200 {
		t.Errorf("status %d, %d bytes", w.status, w.bytes)
	}
}
