package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestAnErasureMeetsWhatGoesOn forgets people, each by two at once, while they are sent events, decided for, answer, complain and are looked at: no act fails for a
// reason of ours, one of the two erasures has the certificate, and afterwards nothing of them is there, nobody has brought them back, and who stays has everything.
func TestAnErasureMeetsWhatGoesOn(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": func(t testing.TB) string { return pgtest.URL(t) }} {
		t.Run(name, func(t *testing.T) {
			home := exampleHome(t)
			w := newWorld(t, homeOptions{Home: home, Database: database(t)})
			const people = 24
			leaving, staying := w.live(t, "Zq7Met", people), w.live(t, "Zq7Kept", 4)
			keys := keysOf(t, w.h, leaving)
			// The door's own call: the door itself lets nobody erase as often as this.
			erase := func(user string) int {
				_, err := w.h.eraseNamed(t.Context(), vault.UserID, user, "ann", "privacy", false)
				switch code, _ := fault.Of(err); {
				case err == nil:
					return http.StatusOK
				case code == fault.NotFound:
					return http.StatusNotFound
				case code == fault.Conflict:
					return http.StatusConflict
				}
				t.Error(err)
				return http.StatusInternalServerError
			}
			// What may be answered: it was done, or the person is not there, or it came just between.
			fine := map[int]bool{http.StatusOK: true, http.StatusNoContent: true, http.StatusNotFound: true, http.StatusConflict: true, http.StatusForbidden: true}
			stop := make(chan struct{})
			var all sync.WaitGroup
			for n := range 3 {
				all.Go(func() {
					for i := n; ; i += 3 {
						select {
						case <-stop:
							return
						default:
						}
						user := leaving[i%people]
						who := map[string]any{"userId": user}
						body, _ := json.Marshal(map[string]any{"batch": []any{orderOf(user, fmt.Sprint("late", i)), orderOf(staying[n], fmt.Sprint("late", i)),
							map[string]any{"type": "identify", "messageId": fmt.Sprint("f", i), "userId": user, "traits": map[string]any{"name": "Zq7Met Again"}}}})
						if status, said, err := collects(w.url+"/v1/batch", w.keys["signup"], body, nil); err != nil || status != http.StatusOK {
							t.Errorf("events were answered with %d %s (%v)", status, said, err)
							return
						}
						var d struct{ Decision string }
						if code := post(t, w.url+"/api/decide", w.tokens[access.Decide], map[string]any{"person": who, "placement": "home", "attested": true}, &d); code != http.StatusOK {
							t.Errorf("a decision was answered with %d", code)
							return
						}
						for door, ask := range map[string]any{"/api/shown": map[string]any{"decision": d.Decision, "items": []string{}},
							"/api/feedback": map[string]any{"decision": d.Decision, "item": "x", "kind": "too-personal"}} {
							if code := post(t, w.url+door, w.tokens[access.Decide], ask, nil); !fine[code] && code != http.StatusBadRequest {
								t.Errorf("%s was answered with %d", door, code)
							}
						}
						if code := post(t, w.url+"/api/complaints", w.tokens[access.Agent], map[string]any{"person": who, "complaint": fmt.Sprint("c", i), "state": "open"}, nil); !fine[code] && code != http.StatusTooManyRequests {
							t.Errorf("a complaint was answered with %d", code)
						}
					}
				})
			}
			for _, user := range leaving {
				var both sync.WaitGroup
				var mu sync.Mutex
				codes := map[int]int{}
				for range 2 {
					both.Go(func() {
						code := erase(user)
						mu.Lock()
						defer mu.Unlock()
						codes[code]++
					})
				}
				both.Wait()
				for code := range codes {
					if !fine[code] || code == http.StatusForbidden {
						t.Fatalf("an erasure was answered with %d", code)
					}
				}
				for codes[http.StatusOK] == 0 { // both met too much: it is to be tried again, and says so
					code := erase(user)
					if codes[code]++; code != http.StatusOK && code != http.StatusConflict {
						t.Fatalf("an erasure that is tried again was answered with %d", code)
					}
				}
				if code := erase(user); code != http.StatusNotFound {
					t.Errorf("who is forgotten is forgotten again: %d", code)
				}
				if codes[http.StatusOK] != 1 {
					t.Errorf("one person has %d certificates", codes[http.StatusOK])
				}
			}
			close(stop)
			all.Wait()
			if code := erase("nobody-at-all"); code != http.StatusNotFound {
				t.Errorf("nobody is forgotten with %d", code)
			}
			if err := w.h.fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			for id := range keys {
				if _, err := w.h.store.Load(t.Context(), id); err == nil {
					t.Error("a pseudonym of somebody who was forgotten is there")
				}
			}
			for _, user := range leaving {
				if p, _, err := w.h.eraser.Named(t.Context(), vault.UserID, user); err == nil {
					t.Errorf("somebody came back: %v", p)
				}
			}
			for _, user := range staying[:3] {
				if w.eventsOf(t, w.id(t, user)) < 2 {
					t.Errorf("%s lost what came meanwhile", user)
				}
			}
			if name == "SQLite" {
				if err := w.h.store.Rewrite(t.Context()); err != nil {
					t.Fatal(err)
				}
				s := tracesOf(t, "Zq7Met", keys)
				if found, files := s.under(t, home); len(found) > 0 || files < 8 {
					t.Errorf("in %d files: %v", files, found)
				}
			}
			rep, err := prove.VerifyLedger(t.Context(), w.h.proving("test", ""))
			if err != nil || !rep.OK() {
				t.Errorf("the ledger: %+v, %v", rep, err)
			}
		})
	}
}

// TestAnErasureOnAFullDiskDoesAllOrNothing has the disk of a home that is served full: an erasure says that it could not be done and gives no certificate, and the person is
// there whole; with room again they go, with one certificate.
func TestAnErasureOnAFullDiskDoesAllOrNothing(t *testing.T) {
	home := exampleHome(t)
	users := customersOf(t, "Zq7Full", 3, "--home", home)
	h, err := openHouse(t.Context(), homeOptions{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	left := tracesOf(t, "Zq7Full", keysOf(t, h, users))
	h.Close()
	d := disktest.Under(t, filepath.Join(home, databaseDir), false)
	s, ok := starts(t, d.Env(), "serve", "--home", home, "--listen", "127.0.0.1:0")
	if !ok {
		t.Fatal(s.log)
	}
	t.Cleanup(s.stop)
	for n, user := range users {
		erase := []string{"rights", "erase", "--home", home, "--person", "userId=" + user, "--now"}
		d.Set(disktest.WriteErrno, int64(syscall.ENOSPC))
		out, errs, code := try(t, erase...)
		if code != 1 || strings.Contains(out, "erasure") || !strings.Contains(errs, "try again") {
			t.Errorf("round %d: an erasure on a full disk: %d %s %s", n, code, out, errs)
		}
		d.Set(disktest.WriteErrno, 0)
		said := ""
		until(t, "the home can be written again", func() bool {
			var code int
			said, _, code = try(t, "rights", "access", "--home", home, "--person", "userId="+user)
			return code == 0
		})
		if strings.Count(said, "\"at\"") != 4 {
			t.Errorf("round %d: half of somebody is left: %s", n, said)
		}
		must(t, erase...)
	}
	if list := must(t, "rights", "certificate", "--home", home); strings.Count(list, " by command line") != len(users) {
		t.Errorf("%d were forgotten, with these certificates: %s", len(users), list)
	}
	whole(t, home)
	s.stop()
	if found, files := left.under(t, home); len(found) > 0 || files < 8 {
		t.Errorf("in %d files: %v", files, found)
	}
}

// TestWhatSomebodyIsToldSaysHowSureItIs: a value in doubt is theirs to know of, with the reason, whatever use is made of it.
func TestWhatSomebodyIsToldSaysHowSureItIs(t *testing.T) {
	home := homeOf(t, edited(t))
	must(t, "import", "--home", home, "--source", "signup", "--as", "people", writeFile(t, "people.jsonl", `{"userId":"u1","name":"Ada Fenton","email":"ada@gmial.com"}`+"\n"))
	said := must(t, "rights", "access", "--home", home, "--person", "userId=u1")
	for _, want := range []string{`"fact":"email","value":"ada@gmial.com"`, `"quality":0.3,"doubts":["misspelt"]`, `"value":"Ada Fenton"`, `"quality":1}`} {
		if !strings.Contains(said, want) {
			t.Errorf("%s is not in %s", want, said)
		}
	}
}
