package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/person/seedtest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
)

// takeover is how long a job may stand still after its holder died, and stopped how long when the holder was stopped in the middle of a
// transaction: the server undoes it after ten seconds. docs/scale.md promises these; a machine that is busy with other tests gets ten more.
const (
	takeover = 8*time.Second + 10*time.Second
	stopped  = 12*time.Second + 10*time.Second
)

// TestAnotherGoesOnWhereTheHolderDied serves a home three times under load and kills or stops the process that has the leases, at a random
// moment; a stopped one is woken when another has followed it. Folding and the ledger go on within seconds; at the end every acknowledged
// event is there once, the ledger is whole, each look has one number, and nothing was learnt twice.
func TestAnotherGoesOnWhereTheHolderDied(t *testing.T) {
	t.Parallel() // it waits more than it works
	seed := seedtest.Seed()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	home, db := exampleHome(t), pgtest.URL(t)
	at := []string{"--home", home, "--database", db}
	l := newLoad(t, at...)
	sql, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close(context.Background()) })
	count := func(query string) (n int) {
		t.Helper()
		if err := sql.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	holder := func() (name string) {
		_ = sql.QueryRow(t.Context(), "SELECT holder FROM lease WHERE name = 'job:fold'").Scan(&name)
		return name
	}

	// The first has all leases: nobody else is there yet. Whoever is followed is replaced, so the one who follows is known as well.
	first := serveHome(t, home, "--database", db)
	until(t, "the first has the lease", func() bool { return holder() != "" })
	until(t, "something is learnt", func() bool { return count("SELECT COUNT(*) FROM model") == 1 })
	names := map[string]*serving{holder(): first}
	known := func() *serving { return names[holder()] }

	for round := range torture.Rounds(2, 40) {
		stops := round%2 == 0 // a stopped process, else a killed one
		held := holder()
		gone := known()
		next := serveHome(t, home, "--database", db)
		sending, cancel := context.WithCancel(t.Context())
		var load sync.WaitGroup
		var taken atomic.Int64
		load.Go(func() {
			for sending.Err() == nil {
				ids := l.batch()
				status, _, err := collects(next.URL+"/v1/batch", l.key, l.body(ids), nil)
				if l.took(ids, status, err); status == http.StatusOK {
					taken.Add(1)
				}
				// A look a batch, for the ledger.
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, next.URL+"/api/decide", strings.NewReader(`{"person":{"userId":"`+lookedAt+`"},"placement":"home"}`))
				req.Header.Set("Authorization", "Bearer "+l.looks)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Rapport-Purpose", "service")
				req.Header.Set("Rapport-Reason", "a test")
				if res, err := http.DefaultClient.Do(req); err == nil {
					_ = res.Body.Close()
				}
			}
		})
		when := int64(dice.IntN(60)) // the moment is the dice's
		until(t, "so many batches are acknowledged", func() bool { return taken.Load() >= when })
		began := time.Now()
		if stops {
			_ = gone.cmd.Process.Signal(syscall.SIGSTOP)
		} else {
			gone.kill()
		}
		until(t, "another has the lease", func() bool { return holder() != held })
		followed := time.Since(began)
		names[holder()] = next
		rows, numbered := count("SELECT COALESCE(MAX(seq), 0) FROM journal"), count("SELECT COUNT(*) FROM look WHERE number IS NOT NULL")
		until(t, "the ledger and history go on", func() bool {
			return count("SELECT COUNT(*) FROM look WHERE number IS NOT NULL") > numbered && count(fmt.Sprintf("SELECT COUNT(*) FROM journal WHERE seq <= %d", rows)) == 0
		})
		goes := time.Since(began)
		if stops {
			_ = gone.cmd.Process.Signal(syscall.SIGCONT) // in the middle of whatever it did
			until(t, "who was stopped answers", func() bool { return gets(t, gone.URL+"/readyz", "", nil) == http.StatusOK })
			until(t, "it has understood", func() bool { return holder() != held })
			gone.stop()
		}
		cancel()
		load.Wait()
		t.Logf("round %d, stopped %v: the lease was taken after %v, history and ledger went on after %v", round, stops, followed.Round(10*time.Millisecond), goes.Round(10*time.Millisecond))
		most := takeover
		if stops {
			most = stopped
		}
		if followed > most || goes > most+10*time.Second {
			t.Errorf("it took %v and %v, and %v is the most", followed, goes, most)
		}
	}
	known().stop()

	if n := count("SELECT COUNT(*) FROM look WHERE actor = 'learn'"); n != 1 {
		t.Errorf("it was learnt %d times, and is due once a day", n)
	}
	if n := count("SELECT COUNT(*) FROM (SELECT number FROM look WHERE number IS NOT NULL GROUP BY number HAVING COUNT(*) > 1) AS twice"); n != 0 {
		t.Errorf("%d numbers of the ledger stand twice", n)
	}
	found := orders(opened(t, homeOptions{Home: home, Database: db}).everybody())
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
	if len(l.acked) == 0 || lost+twice > 0 || len(l.odd) > 0 {
		t.Errorf("of %d acknowledged orders %d are lost, and %d are there twice; odd answers: %v", len(l.acked), lost, twice, l.odd)
	}
	if out := must(t, append([]string{"ledger", "verify"}, at...)...); !strings.Contains(out, "whole") {
		t.Errorf("the ledger: %s", out)
	}
	t.Logf("%d orders were acknowledged, %d looks have numbers", len(l.acked), count("SELECT COUNT(*) FROM look WHERE number IS NOT NULL"))
}
