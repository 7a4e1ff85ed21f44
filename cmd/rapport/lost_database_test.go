package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
)

// TestANodeThatLosesItsDatabaseSaysSoAndRecovers cuts a serving process's connections, pauses its PostgreSQL, and stops it at once, in the
// middle of a load. While it is away decisions are generic and say so, within their deadline; events are told when to come again; readiness
// is denied. When it is back, so is all the rest, by itself, and every event that was acknowledged is there, once.
func TestANodeThatLosesItsDatabaseSaysSoAndRecovers(t *testing.T) {
	t.Parallel() // it waits more than it works
	pg := pgtest.Own(t)
	home := exampleHome(t)
	at := []string{"--home", home, "--database", pg.URL}
	l := newLoad(t, at...)
	s := serveHome(t, home, "--database", pg.URL)

	decide := func() (rung, degraded string, took time.Duration) {
		began := time.Now()
		var d struct{ Rung, Degraded string }
		if code := post(t, s.URL+"/api/decide", l.decides, map[string]any{"person": map[string]string{"userId": "shopper-1"}, "placement": "home"}, &d); code != http.StatusOK {
			t.Fatalf("a decision was answered with %d", code)
		}
		return d.Rung, d.Degraded, time.Since(began)
	}
	ready := func() int { return gets(t, s.URL+"/readyz", "", nil) }
	stranger := func() int {
		return post(t, s.URL+"/api/decide", "rap_decide_"+strings.Repeat("0", 43), map[string]any{"placement": "home"}, nil)
	}

	// The load goes on through it all.
	stop := make(chan struct{})
	var sending sync.WaitGroup
	var mu sync.Mutex
	wrong := ""
	for range 3 {
		sending.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ids := l.batch()
				status, header, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
				if !l.took(ids, status, err) || status == http.StatusServiceUnavailable && (header.Get("Retry-After") == "" || header.Get("Content-Type") != "application/problem+json") {
					mu.Lock()
					wrong = fmt.Sprintf("an event was answered with %d, %v (%v)", status, header, err)
					mu.Unlock()
				}
			}
		})
	}
	told := func() int { l.mu.Lock(); defer l.mu.Unlock(); return l.unable }
	taken := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.acked) }

	until(t, "decisions are good", func() bool { _, degraded, _ := decide(); return degraded == "" })
	for round := range torture.Rounds(1, 20) {
		for _, f := range []struct {
			name     string
			on, back func()
			lasts    bool
		}{
			{"its connections are cut", func() { pg.Cut() }, func() {}, false},
			{"the server is paused", pg.Pause, pg.Resume, true},
			{"the server is stopped at once", pg.Stop, pg.Start, true},
		} {
			before := told()
			f.on()
			var took []time.Duration
			if f.lasts {
				until(t, f.name+": events are told when to come again", func() bool { return told() > before })
				for range 10 {
					rung, degraded, d := decide()
					took = append(took, d)
					if rung != "generic" || degraded == "" || d > 3*time.Second {
						t.Errorf("%s: a decision on the rung %s, degraded %q, after %v", f.name, rung, degraded, d)
					}
				}
				if code := ready(); code != http.StatusServiceUnavailable {
					t.Errorf("%s: readiness is answered with %d", f.name, code)
				}
				if code := gets(t, s.URL+"/healthz", "", nil); code != http.StatusOK {
					t.Errorf("%s: liveness is answered with %d", f.name, code)
				}
				if code := stranger(); code != http.StatusServiceUnavailable {
					t.Errorf("%s: a token that was never known is answered with %d", f.name, code)
				}
			}
			f.back()
			back := time.Now()
			acked := taken()
			until(t, f.name+": it is ready again", func() bool { return ready() == http.StatusOK })
			until(t, f.name+": events are taken again", func() bool { return taken() > acked })
			until(t, f.name+": decisions are good again", func() bool { _, degraded, _ := decide(); return degraded == "" })
			slices.Sort(took)
			if len(took) > 0 {
				t.Logf("round %d, %s: decisions took %v to %v; all was well again after %v", round, f.name, took[0].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), time.Since(back).Round(10*time.Millisecond))
			} else {
				t.Logf("round %d, %s: all was well again after %v", round, f.name, time.Since(back).Round(10*time.Millisecond))
			}
		}
	}
	close(stop)
	sending.Wait()
	if wrong != "" {
		t.Error(wrong)
	}
	s.stop()

	found := orders(opened(t, homeOptions{Home: home, Database: pg.URL}).everybody())
	lost, twice := 0, 0
	for id := range l.acked {
		if found[id] == 0 {
			lost++
		}
	}
	for _, times := range found {
		if times > 1 {
			twice++
		}
	}
	if lost+twice > 0 {
		t.Errorf("of %d acknowledged orders %d are lost, and %d are there twice", len(l.acked), lost, twice)
	}
	if out := must(t, append([]string{"ledger", "verify"}, at...)...); !strings.Contains(out, "whole") {
		t.Errorf("the ledger: %s", out)
	}
	t.Logf("%d orders were acknowledged, %d batches told to come again", len(l.acked), l.unable)
}

// TestWhoCannotBeToldWhetherATokenIsGoodDecidesAsForAStranger keeps the table of tokens from being read, and nothing else: the person could still be
// read, and is not.
func TestWhoCannotBeToldWhetherATokenIsGoodDecidesAsForAStranger(t *testing.T) {
	db := pgtest.URL(t)
	t.Setenv("RAPPORT_DATABASE", db)
	home := exampleHome(t)
	stock(t, home)
	token := must(t, "token", "--home", home, "--role", "decide", "--name", "site", "--attest", "--explain")
	s := serveHome(t, home)
	var d struct {
		Rung, Degraded string
		Relationship   struct{ Level string }
	}
	decide := func() {
		t.Helper()
		d.Degraded = "" // left out when nothing is
		if code := post(t, s.URL+"/api/decide", token, map[string]any{"person": map[string]string{"userId": "house-1"}, "attested": true, "placement": "basket"}, &d); code != http.StatusOK {
			t.Fatalf("a decision is answered with %d", code)
		}
	}
	known := func() bool { decide(); return d.Degraded == "" && d.Relationship.Level != "stranger" }
	until(t, "the person is known", known)
	sql, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close(context.Background()) })
	lock, err := sql.Begin(t.Context())
	if err == nil {
		_, err = lock.Exec(t.Context(), "LOCK TABLE token IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if decide(); d.Degraded != "store" || d.Rung != "generic" || d.Relationship.Level != "stranger" {
			t.Errorf("nobody can say whether the token is good, and it gets %+v", d)
		}
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the person is known again", known)
}
