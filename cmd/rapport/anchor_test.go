package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/anchor"
)

// What who holds everything in the home can do to its ledger, and its anchors find: a file and a witness outside the home.

// anchors are the places of a scene.
type sceneAnchors struct {
	file, witness anchor.Place
	dir           string // the witness's
}

// anchorScene adds a file and a witness to a home.
func (s *scene) addAnchors() *sceneAnchors {
	s.t.Helper()
	_, public := s.ownKey()
	a := &sceneAnchors{dir: s.t.TempDir()}
	w, err := anchor.OpenWitness(a.dir, "witness.example", []string{public}, s.home.clock)
	s.must(err)
	srv := httptest.NewServer(w)
	s.t.Cleanup(srv.Close)
	a.file, err = anchor.Parse(filepath.Join(s.t.TempDir(), "heads.jsonl"), "")
	s.must(err)
	a.witness, err = anchor.Parse(srv.URL, w.Public())
	s.must(err)
	for _, p := range []anchor.Place{a.file, a.witness} {
		s.must(perform(context.Background(), s.home, "ledger-anchor", anchorArgs{Where: p.Where, Key: p.Key}, silent()))
	}
	return a
}

func silent() *speaker { return &speaker{out: func(string) error { return nil }} }

// madeAnew are the kinds that need keys or a copy; lastWeek puts the database back as it was after the first twenty entries.
var madeAnew = []struct {
	name   string
	tamper func(s *scene, lastWeek func())
	want   map[int64]ledger.Fault
	alone  map[int64]ledger.Fault // without anchors
}{
	{"nothing", func(*scene, func()) {}, faults(""), faults("")},
	{"the whole database of last week put back", func(_ *scene, lastWeek func()) { lastWeek() }, faults(ledger.CutBack, 21), faults("")},
	{"the whole database of last week put back, and gone on with", func(s *scene, lastWeek func()) {
		lastWeek()
		s.open(func(h *house) {
			for range 30 {
				s.look(h, 2)
			}
			_, err := h.ledger.Sequence(context.Background())
			s.must(err)
		})
	}, faults(ledger.Forked, 0), faults("")},
	{"a row dropped and the tree made anew by the home itself", func(s *scene, _ func()) {
		s.sql("DELETE FROM look WHERE number = 5", "UPDATE look SET number = NULL", "DELETE FROM tree", "DELETE FROM head")
	}, faults(ledger.Forked, 0), faults("")},
	{"the last rows dropped and the tree made anew by the home itself", func(s *scene, _ func()) {
		s.sql("DELETE FROM look WHERE number > 30 OR number IS NULL", "UPDATE look SET number = NULL", "DELETE FROM tree", "DELETE FROM head")
	}, faults(ledger.CutBack, 31), faults("")},
	{"a row changed with its person's key, and the tree re-signed: rows and tree changed together", func(s *scene, _ func()) {
		s.sql("UPDATE look SET actor = 'bob', leaf = " + s.bytes(s.forged(9, func(l *ledger.Look) { l.Actor = "bob" })) + " WHERE number = 9")
		s.refold(s.ownKey())
	}, faults(ledger.Forked, 0), faults("")},
	{"a row backdated with its person's key", func(s *scene, _ func()) {
		leaf := s.forged(9, func(l *ledger.Look) { l.At = l.At.Add(-72 * time.Hour) })
		s.sql(strings.Replace(added("NULL", "at - 259200000000"), ", leaf FROM", ", "+s.bytes(leaf)+" FROM", 1))
	}, faults(ledger.Backdated, 42), faults("")},
	{"a row added with its person's key", func(s *scene, _ func()) { s.sql(added("NULL", "at")) }, faults(ledger.Backdated, 42), faults("")},
}

// forged is the leaf of an entry that was changed, made with its person's key.
func (s *scene) forged(number int64, change func(l *ledger.Look)) (leaf []byte) {
	s.open(func(h *house) {
		rows, err := h.store.Ledger().Rows(context.Background(), number, 1)
		s.must(err)
		r := rows[0]
		loaded, err := h.store.Load(context.Background(), r.Of)
		s.must(err)
		ring, err := h.vault.Key(r.Of, loaded.Wrapped[r.Of])
		s.must(err)
		l := ledger.Look{Of: r.Of, At: r.At, Actor: r.Actor, Role: r.Role, Team: r.Team, Purpose: r.Purpose, Reason: "a call", Fields: strings.Split(r.Fields, ","), Count: 1}
		change(&l)
		row, err := ledger.Seal(l, sealedAs{ring, r.Reason})
		s.must(err)
		leaf = row.Leaf[:]
	})
	return leaf
}

// sealedAs is a person's key that gives the sealed reason that is there.
type sealedAs struct {
	ledger.Key
	reason []byte
}

// SealReason gives it; Seal asks only for words.
func (s sealedAs) SealReason(_ person.Instant, _ string) []byte { return s.reason }

func TestWhatWasPutBackOrMadeAnewIsFoundByItsAnchors(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			database := ""
			if engine == "PostgreSQL" {
				database = pgtest.URL(t)
			}
			var places *sceneAnchors
			var lastWeek func()
			s := stage(t, database, func(s *scene) {
				places = s.addAnchors()
				lastWeek = s.kept()
			})
			s.open(func(h *house) { s.must(h.anchor(context.Background())) })
			today, witness := s.kept(), filepath.Join(t.TempDir(), "witness")
			copyFolder(t, places.dir, witness)
			heads, err := os.ReadFile(places.file.Where)
			s.must(err)
			for _, kind := range madeAnew {
				t.Run(kind.name, func(t *testing.T) {
					today()
					copyFolder(t, witness, places.dir) // it cosigns what is honest, also what this test makes
					here := *s
					here.t = t
					kind.tamper(&here, lastWeek)
					if d := cmp.Diff(kind.want, here.found(ledgerArgs{})); d != "" {
						t.Errorf("by its own anchors:\n%s", d)
					}
					if len(kind.want) > 0 && kind.want[42] == "" {
						var a []anchored
						here.open(func(h *house) {
							here.must(h.anchor(context.Background()))
							a, err = h.anchors(context.Background())
							here.must(err)
						})
						for _, p := range a {
							if p.Fault == "" || p.Says == "" {
								t.Errorf("%s takes the head of another ledger", p.Where)
							}
						}
						if out := here.doctor(); strings.Count(out, `"mend","says":"`+places.file.Where) != 1 || strings.Count(out, `"mend","says":"`+places.witness.Where) != 1 {
							t.Errorf("the doctor says %s", out)
						}
					}
					// Whoever takes the places out of the home has not taken away the places.
					here.sql("DELETE FROM setting WHERE name = '" + anchorSetting + "'")
					if d := cmp.Diff(kind.alone, here.found(ledgerArgs{})); d != "" {
						t.Errorf("without anchors:\n%s", d)
					}
					if d := cmp.Diff(kind.want, here.found(ledgerArgs{Anchors: []anchor.Place{places.file}})); d != "" {
						t.Errorf("by a file that is named:\n%s", d)
					}
					if kind.want[42] == "" { // a witness gives out no times
						if d := cmp.Diff(kind.want, here.found(ledgerArgs{Anchors: []anchor.Place{places.witness}})); d != "" {
							t.Errorf("by a witness that is named:\n%s", d)
						}
					}
				})
			}
			if again, err := os.ReadFile(places.file.Where); err != nil || !strings.HasPrefix(string(again), string(heads)) || strings.Count(string(again), "\n") > 3 {
				t.Errorf("the file of heads: %v\n%s", err, again)
			}
		})
	}
}

func (s *scene) doctor() string {
	var said strings.Builder
	_ = perform(context.Background(), s.home, "doctor", doctorArgs{Version: version, Now: s.clock.Time()}, &speaker{out: func(text string) error { said.WriteString(text); return nil }})
	return said.String()
}

// TestAPlaceThatFailsIsShownAndSlowsNobody has a witness that never answers while the home works.
func TestAPlaceThatFailsIsShownAndSlowsNobody(t *testing.T) {
	asked := make(chan struct{}, 100)
	var hangs atomic.Bool
	silence := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		if !hangs.Load() {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	}))
	defer silence.Close()
	s := stage(t, "", nil)
	var now atomic.Int64 // the jobs read it too, and none of them has a turn while it stands still
	now.Store(int64(s.clock))
	s.home.clock = func() person.Instant { return person.Instant(now.Load()) }
	w, err := anchor.OpenWitness(t.TempDir(), "witness.example", nil, s.home.clock)
	s.must(err)
	s.open(func(h *house) {
		s.must(runAnchor(context.Background(), h, anchorArgs{Where: silence.URL, Key: w.Public()}, silent()))
	})
	<-asked
	if out := s.doctor(); !strings.Contains(out, `"note","says":"At its last turn`) || strings.Contains(out, `"state":"mend"`) {
		t.Errorf("at once: %s", out)
	}
	s.clock = s.clock.Add(2 * time.Hour)
	now.Store(int64(s.clock))
	if out := s.doctor(); !strings.Contains(out, `"mend","says":"Heads of the ledger have not been kept`) {
		t.Errorf("after two hours: %s", out)
	}
	s.open(func(h *house) {
		hangs.Store(true)
		for len(asked) > 0 {
			<-asked
		}
		stop, err := h.startJobs(context.Background())
		s.must(err)
		<-asked // and it hangs there
		s.look(h, 1)
		until(t, "the look is in the tree while the witness is silent", func() bool {
			now.Add(time.Second.Microseconds())
			last, err := h.ledger.Latest(context.Background(), 10) // jobs look too
			return err == nil && slices.ContainsFunc(last, func(r ledger.Row) bool { return r.Actor == "ann" && r.At == s.clock })
		})
		began := time.Now()
		stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("stopping waited %v for a witness", took)
		}
		h.witnesses.Timeout = 50 * time.Millisecond
		s.must(h.anchor(context.Background()))
		if out := scraped(t, h); !strings.Contains(out, "\nrapport_anchors_failing 1\n") {
			t.Error("the metric does not say that a place fails")
		}
	})
	// It is still known, and taken away by name.
	s.must(perform(context.Background(), s.home, "ledger-anchor", anchorArgs{Where: silence.URL, Remove: true}, silent()))
	s.open(func(h *house) {
		if all, err := h.anchors(context.Background()); err != nil || len(all) != 0 {
			t.Errorf("%v %v", all, err)
		}
	})
}

func scraped(t *testing.T, h *house) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.meter.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// TestAnchorsAndAWitnessByCommand runs the commands as an operator does.
func TestAnchorsAndAWitnessByCommand(t *testing.T) {
	home := exampleHome(t)
	must(t, "token", "--home", home, "--role", "decide", "--name", "shop")
	out := must(t, "ledger", "anchor", "--home", home)
	_, public, _ := strings.Cut(strings.SplitN(out, "\n", 2)[0], ": ")
	if !strings.HasPrefix(public, "rapport-ledger/") || !strings.Contains(out, "nowhere") {
		t.Fatal(out)
	}
	key, listen := witnessOf(t, public)
	file := filepath.Join(t.TempDir(), "heads.jsonl")
	must(t, "ledger", "anchor", file, "--home", home)
	out = must(t, "ledger", "anchor", listen, "--witness-key", key, "--home", home)
	if strings.Count(out, "a head over 1 entries, confirmed on") != 2 {
		t.Error(out)
	}
	if out = must(t, "ledger", "verify", "--home", home); !strings.Contains(out, "compared with 2 heads") || !strings.Contains(out, "whole") {
		t.Error(out)
	}
	if out = must(t, "ledger", "verify", "--home", home, "--anchor", file, "--anchor", listen, "--witness-key", key); !strings.Contains(out, "compared with 2 heads") {
		t.Error(out)
	}
	for _, wrong := range [][]string{
		{"ledger", "anchor", listen, "--home", home}, {"ledger", "anchor", file, "--witness-key", key, "--home", home}, {"ledger", "anchor", "--remove", "--home", home}, {"ledger", "witness"},
	} {
		if _, errs, code := try(t, wrong...); code != 2 || errs == "" {
			t.Errorf("%v: exit %d, %s", wrong, code, errs)
		}
	}
	for _, refused := range [][]string{
		{"ledger", "anchor", filepath.Join(home, "heads"), "--home", home}, {"ledger", "anchor", filepath.Join(t.TempDir(), "gone", "heads"), "--home", home},
		{"ledger", "verify", "--home", home, "--anchor", file + ".gone"}, {"ledger", "anchor", "--remove", file + ".gone", "--home", home},
	} {
		if _, errs, code := try(t, refused...); code != 1 || errs == "" {
			t.Errorf("%v: exit %d, %s", refused, code, errs)
		}
	}
	must(t, "ledger", "anchor", "--remove", file, "--home", home)
	if out = must(t, "ledger", "anchor", "--json", "--home", home); strings.Contains(out, file) || !strings.Contains(out, listen) {
		t.Error(out)
	}
}

// witnessOf starts a witness in a process of its own, and gives its key and address.
func witnessOf(t *testing.T, log string) (key, address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := rapport(ctx, "ledger", "witness", "--dir", filepath.Join(t.TempDir(), "w"), "--name", "witness.example", "--listen", "127.0.0.1:0", "--log", log)
	var out, errs lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	until(t, "the witness answers", func() bool { return strings.Contains(errs.String(), "\n") && strings.Contains(out.String(), "\n") }) // they come by two pipes
	_, address, ok := strings.Cut(strings.TrimSpace(errs.String()), " at ")
	if !ok {
		t.Fatal(fmt.Sprint(&out, &errs))
	}
	return strings.TrimSpace(out.String()), address
}
