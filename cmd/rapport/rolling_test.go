package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
)

// newerBinary builds this source with one more schema file, as the next version might have it.
func newerBinary(t *testing.T, sql string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "next.sql")
	write(t, file, sql)
	added := filepath.Join(root, "store", "schema", fmt.Sprintf("main_%04d_next.sql", store.Schema()["main"]+1))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{added: file}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), string(overlay))
	binary := filepath.Join(dir, "rapport")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the next version cannot be built: %v\n%s", err, out)
	}
	return binary
}

// TestAnOlderAndANewerBinaryServeOneHome brings a newer binary, really built, beside one of today over the same PostgreSQL, under load: what is
// said at one is in force at the other, the older one may start again, no acknowledged event is lost, and only the newer one makes backups.
func TestAnOlderAndANewerBinaryServeOneHome(t *testing.T) {
	version := store.Schema()["main"]
	binary := newerBinary(t, fmt.Sprintf("-- Serves binaries from version %d\nCREATE TABLE added (n BIGINT NOT NULL);\nALTER TABLE person ADD COLUMN added BIGINT;", version))
	home, db := exampleHome(t), pgtest.URL(t)
	at := []string{"--home", home, "--database", db}
	l := newLoad(t, at...)
	history := filepath.Join(t.TempDir(), "orders.jsonl")
	write(t, history, `{"type":"track","messageId":"m1","userId":"u1","event":"Order Completed","timestamp":"2026-11-01T10:00:00Z","properties":{"order_id":"o1","products":[{"product_id":"p1","quantity":1,"price":2}]}}`)
	must(t, append([]string{"import", "--source", "signup", "--as", "events", history}, at...)...)

	older := serveHome(t, home, "--database", db)
	sending, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	sendTo := func(s *serving) {
		load.Go(func() {
			for sending.Err() == nil {
				ids := l.batch()
				status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
				if !l.took(ids, status, err) {
					return
				}
			}
		})
	}
	sendTo(older)
	taken := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.acked) }
	until(t, "the older one takes events", func() bool { return taken() > 0 })

	newer, ok := startsBy(t, os.Environ(), append([]string{binary, "serve", "--listen", "127.0.0.1:0"}, at...)...)
	if !ok {
		t.Fatalf("the newer one does not serve: %s", newer.log)
	}
	t.Cleanup(newer.stop)
	sendTo(newer)
	held := func(s *serving) string {
		var d struct {
			Held []struct{ Fact, Reason string }
		}
		for range 20 {
			var raw json.RawMessage
			if code := post(t, s.URL+"/api/decide", l.decides, map[string]any{"person": map[string]string{"userId": "u1"}, "placement": "home"}, &raw); code != http.StatusOK {
				t.Fatalf("decide gave %d", code)
			}
			if err := json.Unmarshal(raw, &d); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(raw), `"degraded"`) {
				break
			}
		}
		for _, h := range d.Held {
			if h.Fact == "Order Completed" {
				return h.Reason
			}
		}
		return ""
	}
	both := func(older *serving) {
		t.Helper()
		for range 5 {
			choose(t, older, l.decides, "u1", "yes")
			if got := held(newer); got == "permission" {
				t.Error("a yes at the older one is not in force at the newer")
			}
			choose(t, newer, l.decides, "u1", "no")
			if got := held(older); got != "permission" {
				t.Errorf("a no at the newer one is not in force at the older: held for %q", got)
			}
		}
	}
	both(older)
	again := serveHome(t, home, "--database", db) // as when its machine restarts in mid-upgrade
	both(again)
	copied := filepath.Join(t.TempDir(), "copy")
	if _, errs, code := try(t, append([]string{"backup", copied, "--keys", copied + ".keys"}, at...)...); code != 1 || !strings.Contains(errs, "newer rapport") {
		t.Errorf("a backup by the older one: exit %d, %s", code, errs)
	}
	if out, err := exec.Command(binary, append([]string{"ledger", "verify"}, at...)...).CombinedOutput(); err != nil || !strings.Contains(string(out), "whole") {
		t.Errorf("the newer one says of the ledger: %s %v", out, err)
	}
	before := taken()
	until(t, "both take events still", func() bool { return taken() > before })
	cancel()
	load.Wait()
	older.stop()
	again.stop()
	if len(l.odd) > 0 || l.unable > 0 {
		t.Errorf("while the schema grew %d batches were told to come again, and there were answers %v", l.unable, l.odd)
	}
	newer.stop()
	found := orders(opened(t, homeOptions{Home: home, Database: db}).everybody())
	for id := range l.acked {
		if found[id] != 1 {
			t.Fatalf("an acknowledged order is there %d times", found[id])
		}
	}
	t.Logf("%d orders were acknowledged", len(l.acked))
}

// earlierBinary builds the source as it was before the latest schema file came, from the repository's history.
func earlierBinary(t *testing.T) (binary, added string) {
	t.Helper()
	files, err := filepath.Glob("../../store/schema/main_*.sql")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	added = files[len(files)-1]
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "source"), filepath.Join(dir, "rapport")
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", args...).Output()
		if err != nil || len(out) == 0 {
			t.Fatalf("the earlier source is taken from the repository's history (git fetch --unshallow brings it): git %s: %v", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out))
	}
	commit := git("log", "-1", "--diff-filter=A", "--format=%H", "--", added) + "^"
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	unpacked := exec.Command("sh", "-c", `git -C "$(git rev-parse --show-toplevel)" archive "$1" | tar -x -C "$2"`, "sh", commit, source)
	if out, err := unpacked.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	build := exec.Command("go", "build", "-o", binary, "./cmd/rapport")
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the earlier version cannot be built: %v\n%s", err, out)
	}
	return binary, added
}

// TestTheVersionBeforeAndThisOneMeetOnOneHome has the binary from before the latest schema file, built from history, serve under load when this one
// comes over the same PostgreSQL. If that file says that it may, the earlier one goes on, and what is said at one is in force at the other; else it
// ends by itself with a sentence and does not start again. Either way nothing that it acknowledged is lost, and the ledger is whole.
func TestTheVersionBeforeAndThisOneMeetOnOneHome(t *testing.T) {
	if torture.Rounds(0, 1) == 0 {
		return // it is built from scratch
	}
	binary, added := earlierBinary(t)
	text, err := os.ReadFile(added)
	if err != nil {
		t.Fatal(err)
	}
	mayGoOn := strings.HasPrefix(string(text), "-- Serves binaries from version ")
	home, db := filepath.Join(t.TempDir(), "home"), pgtest.URL(t)
	at := []string{"--home", home, "--database", db}
	earlier := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(binary, args...).Output()
		if err != nil {
			t.Fatalf("the earlier rapport %s: %v", args[0], err)
		}
		return strings.TrimSpace(string(out))
	}
	earlier("init", home)
	l := loadWith(func(role ...string) string { return earlier(append(append([]string{"token"}, role...), at...)...) })
	older, ok := startsBy(t, os.Environ(), append([]string{binary, "serve", "--listen", "127.0.0.1:0"}, at...)...)
	if !ok {
		t.Fatalf("the earlier one does not serve: %s", older.log)
	}
	t.Cleanup(older.stop)
	sending, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	sendTo := func(s *serving) {
		load.Go(func() {
			for sending.Err() == nil {
				ids := l.batch()
				status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
				if !l.took(ids, status, err) {
					return
				}
			}
		})
	}
	taken := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.acked) }
	sendTo(older)
	until(t, "the earlier one takes events", func() bool { return taken() > 200 })
	newer := serveHome(t, home, "--database", db)
	sendTo(newer)
	if mayGoOn {
		choose(t, older, l.decides, "shopper-1", "no")
		choose(t, newer, l.decides, "shopper-1", "yes")
	} else {
		<-older.done
		if said := older.log.String(); !strings.Contains(said, "newer rapport") {
			t.Errorf("the earlier one ended with: %s", said)
		}
		if out, err := exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, at...)...).CombinedOutput(); err == nil || !strings.Contains(string(out), "newer rapport") {
			t.Errorf("the earlier one starts again: %v, %s", err, out)
		}
	}
	before := taken()
	until(t, "events are taken still", func() bool { return taken() > before+200 })
	cancel()
	load.Wait()
	older.stop()
	newer.stop()
	if len(l.odd) > 0 {
		t.Errorf("answers besides 200 and 503: %v", l.odd)
	}
	found := orders(opened(t, homeOptions{Home: home, Database: db}).everybody())
	for id := range l.acked {
		if found[id] != 1 {
			t.Fatalf("an acknowledged order is there %d times", found[id])
		}
	}
	if out := must(t, append([]string{"ledger", "verify"}, at...)...); !strings.Contains(out, "whole") {
		t.Errorf("the ledger: %s", out)
	}
	t.Logf("before %s: %d orders were acknowledged; the earlier one may go on: %v", filepath.Base(added), len(l.acked), mayGoOn)
}

// TestAnOlderBinaryMakesRoomForOneThatItMayNotServeBeside changes the database as a newer binary does that says nothing of older ones.
func TestAnOlderBinaryMakesRoomForOneThatItMayNotServeBeside(t *testing.T) {
	home, db := exampleHome(t), pgtest.URL(t)
	s := serveHome(t, home, "--database", db)
	c, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for _, text := range []string{"INSERT INTO migration (part, version, name, at) VALUES ('main', 9999, 'next', 0)", "UPDATE compatible SET version = 9999, since = 9999 WHERE part = 'main'"} {
		if _, err := c.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	<-s.done
	if err := s.cmd.Wait(); err == nil || !strings.Contains(s.log.String(), "newer rapport") {
		t.Errorf("it ended with %v: %s", err, s.log)
	}
	if _, errs, code := try(t, "serve", "--home", home, "--database", db, "--listen", "127.0.0.1:0"); code != 1 || !strings.Contains(errs, "newer rapport") {
		t.Errorf("it starts again: exit %d, %s", code, errs)
	}
}
