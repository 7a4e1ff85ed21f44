package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestKeysAreRotatedWhileTheHomeIsServed rotates the wrapping key and the index while people come, come back and are decided for: nobody is turned away, nobody is there twice,
// everybody has every event, and what the keys of before wrapped and found is dead.
func TestKeysAreRotatedWhileTheHomeIsServed(t *testing.T) {
	home := exampleHome(t)
	w := newWorld(t, homeOptions{Home: home})
	known := w.live(t, "Zq7Known", 300)
	before := keysOf(t, w.h, known)
	old, err := w.h.vault.Blind(vault.UserID, known[0])
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	var sent, asked atomic.Int64
	const senders = 3
	for sender := range senders {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				users := []string{known[(n*7+sender)%len(known)], fmt.Sprintf("newcomer-%d-%d", sender, n/3)}
				var batch []map[string]any
				for _, u := range users {
					batch = append(batch, map[string]any{"type": "track", "messageId": fmt.Sprintf("l-%d-%d-%s", sender, n, u), "userId": u, "event": "Order Completed", "properties": map[string]any{"order_id": u, "products": []any{map[string]any{"product_id": "sku-1"}}}})
				}
				body, err := json.Marshal(map[string]any{"batch": batch})
				if err != nil {
					t.Error(err)
					return
				}
				if status, said, err := collects(w.url+"/v1/batch", w.keys["tills"], body, nil); err != nil || status != http.StatusOK {
					t.Errorf("events were answered with %d %s (%v)", status, said, err)
					return
				}
				sent.Add(1)
				var d struct{ Degraded string }
				if code := post(t, w.url+"/api/decide", w.tokens[access.Decide], map[string]any{"person": map[string]any{"userId": users[0]}, "placement": "home", "attested": true}, &d); code != http.StatusOK {
					t.Errorf("a decision was answered with %d", code)
					return
				}
				asked.Add(1)
			}
		})
	}
	rounds := 3
	for n := range rounds {
		until(t, "events arrive", func() bool { return sent.Load() > int64(n+1)*40 })
		if _, err := w.h.rotate(t.Context(), into(&bytes.Buffer{})); err != nil {
			t.Fatal(err)
		}
		until(t, "events arrive", func() bool { return sent.Load() > int64(n+1)*40+20 })
		if err := w.h.rotateIndex(t.Context(), into(&bytes.Buffer{})); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	all.Wait()
	t.Logf("%d batches and %d decisions while keys were rotated", sent.Load(), asked.Load())
	if now := w.h.vault.Index().Generation(); now != rounds+1 {
		t.Errorf("the index is of generation %d", now)
	}
	fresh, err := vault.Open(home) // the serving one may have unwrapped it before
	if err != nil {
		t.Fatal(err)
	}
	for id, wrapped := range before {
		if _, err := fresh.Key(id, wrapped); !errors.Is(err, vault.ErrUnreadable) {
			t.Fatal("a data key opens that was wrapped before")
		}
	}
	if found, err := w.h.store.Find(t.Context(), []vault.Blind{old}); err != nil || len(found) != 0 {
		t.Errorf("somebody is found by what the old key made: %v, %v", found, err)
	}
	after := keysOf(t, w.h, known)
	if len(after) != len(before) {
		t.Errorf("%d pseudonyms of %d", len(after), len(before))
	}
	for id := range before {
		if after[id] == nil {
			t.Fatal("somebody is somebody else now")
		}
	}
	// Each event is there once, under one person for each name.
	events := 0
	for n := range senders {
		for i := 0; ; i++ {
			people, _, err := w.h.eraser.Named(t.Context(), vault.UserID, fmt.Sprintf("newcomer-%d-%d", n, i))
			if errors.Is(err, vault.ErrNotFound) {
				break
			}
			if err != nil || len(people) != 1 {
				t.Fatalf("%v, %v", people, err)
			}
			events += w.eventsOf(t, people[0])
		}
	}
	if int64(events) != sent.Load() {
		t.Errorf("%d events of newcomers were acknowledged, %d are there", sent.Load(), events)
	}
	rep, err := prove.VerifyLedger(t.Context(), w.h.proving("test", ""))
	if err != nil || !rep.OK() {
		t.Errorf("the ledger: %+v, %v", rep, err)
	}
}

// TestKeysAreRotatedUnderSeveralNodes is the same for two nodes over one PostgreSQL and commands in processes of their own: whoever is new is sent to both nodes in turn, and must
// be one person with every event, whichever of them knew of which key when.
func TestKeysAreRotatedUnderSeveralNodes(t *testing.T) {
	home, db := exampleHome(t), pgtest.URL(t)
	on := []string{"--home", home, "--database", db}
	known := customersOf(t, "Zq7Node", 50, on...)
	key := must(t, append([]string{"token", "--role", "source", "--name", "tills"}, on...)...)
	page := must(t, append([]string{"token", "--role", "decide", "--name", "site", "--attest"}, on...)...)
	nodes := []*serving{serveHome(t, home, "--database", db), serveHome(t, home, "--database", db)}
	stop := make(chan struct{})
	var all sync.WaitGroup
	var sent atomic.Int64
	newcomers := make([]int, 2)
	for sender := range newcomers {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				user := fmt.Sprintf("newcomer-%d-%d", sender, n/4) // four orders each, two by each node
				newcomers[sender] = n/4 + 1
				body, err := json.Marshal(map[string]any{"batch": []any{orderOf(user, fmt.Sprint(n)), orderOf(known[n%len(known)], fmt.Sprint(sender, "-", n))}})
				if err != nil {
					t.Error(err)
					return
				}
				if status, said, err := collects(nodes[n%2].URL+"/v1/batch", key, body, nil); err != nil || status != http.StatusOK {
					t.Errorf("events were answered with %d %s (%v)", status, said, err)
					return
				}
				sent.Add(1)
				if code := post(t, nodes[(n+1)%2].URL+"/api/decide", page, map[string]any{"person": map[string]any{"userId": user}, "placement": "home", "attested": true}, nil); code != http.StatusOK {
					t.Errorf("a decision was answered with %d", code)
					return
				}
			}
		})
	}
	idle, err := openHouse(t.Context(), homeOptions{Home: home, Database: db}) // that nobody sends anything
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	const rounds = 2
	for n := range rounds {
		until(t, "events arrive", func() bool { return t.Failed() || sent.Load() > int64(n+1)*30 })
		must(t, append([]string{"keys", "rotate", "--index"}, on...)...)
		if err := idle.current(t.Context()); err != nil || idle.vault.Index().Generation() != n+2 {
			t.Errorf("who comes to a node that nobody sent anything is looked up by generation %d: %v", idle.vault.Index().Generation(), err)
		}
		if people, _, err := idle.eraser.Named(t.Context(), vault.UserID, known[n]); err != nil || len(people) != 1 {
			t.Errorf("somebody is not found there: %v, %v", people, err)
		}
		until(t, "events arrive", func() bool { return t.Failed() || sent.Load() > int64(n+1)*30+15 })
		must(t, append([]string{"keys", "rotate"}, on...)...)
	}
	close(stop)
	all.Wait()
	for _, s := range nodes {
		s.stop()
	}
	h, err := openHouse(t.Context(), homeOptions{Home: home, Database: db})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if served, lifting, err := h.store.IndexAt(t.Context()); err != nil || served != rounds+1 || lifting != 0 {
		t.Errorf("served is %d, made is %d, %v", served, lifting, err)
	}
	if err := h.fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	w, events := &world{h: h}, 0
	for sender, many := range newcomers {
		for n := range many {
			people, _, err := h.eraser.Named(t.Context(), vault.UserID, fmt.Sprintf("newcomer-%d-%d", sender, n))
			if err != nil || len(people) != 1 {
				t.Fatalf("%v, %v", people, err)
			}
			events += w.eventsOf(t, people[0])
		}
	}
	people, err := h.store.People(t.Context())
	if want := len(known) + newcomers[0] + newcomers[1]; err != nil || people != want {
		t.Errorf("%d people, and %d were named: %v", people, want, err)
	}
	if int64(events) != sent.Load() {
		t.Errorf("%d events of newcomers were acknowledged, %d are there", sent.Load(), events)
	}
	for _, user := range []string{known[0], known[49]} {
		if said := must(t, append([]string{"rights", "export", "--person", "userId=" + user}, on...)...); !strings.Contains(said, user) {
			t.Errorf("somebody has %s", said)
		}
	}
}

func (w *world) eventsOf(t *testing.T, id person.ID) int {
	t.Helper()
	l, err := w.h.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return len(l.Frames)
}

// TestARotationThatIsKilledGoesOn ends both rotations in the stead of a write or a sync of the database, again and again: each time everybody is found and can be read.
func TestARotationThatIsKilledGoesOn(t *testing.T) {
	home := exampleHome(t)
	users := customersOf(t, "Zq7Known", 300, "--home", home)
	database := filepath.Join(home, databaseDir)
	killed := 0
	for n := range 10 {
		command := []string{"keys", "rotate", "--home", home}
		if n%2 == 1 {
			command = append(command, "--index")
		}
		d := disktest.Under(t, database, false)
		d.Set(disktest.KillAt, int64(3+n*4))
		if _, was := under(t, d, command...); was {
			killed++
		}
		for _, user := range []string{users[0], users[n], users[299]} {
			if said := must(t, "rights", "access", "--home", home, "--person", "userId="+user); strings.Count(said, "\"at\"") != 4 {
				t.Fatalf("round %d: somebody has %s", n, said)
			}
		}
		if n%4 == 3 {
			must(t, command...)
		}
	}
	must(t, "keys", "rotate", "--home", home)
	must(t, "keys", "rotate", "--home", home, "--index")
	whole(t, home)
	if killed < 5 {
		t.Errorf("%d of 10 were killed: that tries too little", killed)
	}
}
