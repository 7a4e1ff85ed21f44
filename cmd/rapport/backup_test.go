package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/demo/bank"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// shortDir is a folder whose path leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rapport-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// bankOf is a bank's home with that many customers.
func bankOf(t *testing.T, people int) string {
	t.Helper()
	dir := shortDir(t)
	home := filepath.Join(dir, "home")
	must(t, "init", home, "--example", "bank")
	if err := bank.Write(sampleOf(home), time.Now(), people); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(sampleOf(home), "*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, append([]string{"import", "--home", home}, files...)...)
	must(t, "learn", "--home", home)
	return home
}

// lived gives a home a past: every ninth of its first customers is joined to the next one, of these one link in three in doubt; some have decisions, and every eleventh is forgotten. It gives
// who was.
func lived(t *testing.T, home string, people int) (forgotten []int) {
	t.Helper()
	h, err := openHouse(t.Context(), homeOptions{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	now := h.clock()
	of := func(n int) person.ID {
		id, err := h.oneOf(t.Context(), "userId="+bank.Customer(n))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for n := range 300 {
		switch {
		case n%9 == 0:
			join := vault.Join{ID: of(n), To: of(n + 1), At: now, Why: "steward", Doubtful: n%27 == 0}
			if err := h.store.Commit(t.Context(), vault.Change{Joins: []vault.Join{join}}); err != nil {
				t.Fatal(err)
			}
		case n%11 == 7 && n%9 > 1: // joined to nobody
			forgotten = append(forgotten, n)
		}
		req := decide.Request{Person: decide.Ref{UserID: bank.Customer(n)}, Attested: true, Placements: h.charter().Order.Placements, Context: decide.Circumstance{At: now, Language: "en"}}
		if _, err := h.decider.Decide(t.Context(), req, allowed); err != nil {
			t.Fatal(err)
		}
	}
	var who []rights.Erasure
	for _, n := range forgotten {
		who = append(who, rights.Erasure{Person: of(n), Actor: "ann", Role: "privacy"})
	}
	if _, err := h.eraser.Erase(t.Context(), who...); err != nil {
		t.Fatal(err)
	}
	return forgotten
}

// pastOf writes down whom a person is made of and what was decided about them, as it is kept: sealed.
func pastOf(t *testing.T, h *house, user string) string {
	t.Helper()
	id, err := h.oneOf(t.Context(), "userId="+user)
	if err != nil {
		return err.Error()
	}
	l, err := h.store.Rows(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := h.store.Receipts(t.Context(), id, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(receipts, func(a, b vault.Row) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return fmt.Sprintf("%+v %d %x", l.Who, len(receipts), receipts)
}

// TestAHomeGoesFromEngineToEngineAndDecidesTheSame copies a home that has lived from SQLite to PostgreSQL and back, each time by a backup that the home's
// commands make and restore, and compares what each decides about three thousand people at every placement, byte for byte; and of three hundred of them whom they are
// joined to and the receipts that are kept. Who was forgotten stays so.
func TestAHomeGoesFromEngineToEngineAndDecidesTheSame(t *testing.T) {
	people := torture.Rounds(3000, 10_000)
	first := bankOf(t, people)
	dir, db := shortDir(t), pgtest.URL(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, "token", "--home", first, "--role", "decide", "--name", "app")
	must(t, "token", "--home", first, "--role", "admin", "--name", "gone")
	must(t, "token", "--home", first, "--revoke", "gone")
	forgotten := lived(t, first, people)

	must(t, "backup", "--home", first, at("one"), "--keys", at("one.keys"))
	said := must(t, "restore", at("one"), "--keys", at("one.keys"), "--home", at("second"), "--database", db, "--keep-tokens")
	if !strings.Contains(said, fmt.Sprintf("%d pseudonyms, every row as it was", people-len(forgotten))) || strings.Contains(said, "ended") {
		t.Error(said)
	}
	must(t, "backup", "--home", at("second"), "--database", db, at("two"), "--keys", at("two.keys"))
	must(t, "restore", at("two"), "--keys", at("two.keys"), "--home", at("third"), "--keep-tokens")

	now := person.SystemClock()
	decisions := func(o homeOptions) (out, past []string) {
		o.clock = func() person.Instant { return now }
		h, err := openHouse(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		for n := range 300 {
			past = append(past, pastOf(t, h, bank.Customer(n)))
		}
		out = make([]string, people)
		var next, personal atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for n := int(next.Add(1)) - 1; n < people; n = int(next.Add(1)) - 1 {
					req := decide.Request{Person: decide.Ref{UserID: bank.Customer(n)}, Attested: true, Placements: h.charter().Order.Placements, Context: decide.Circumstance{At: now, Language: "en"}}
					for range 20 { // a slow machine answers from a lower rung, and says so
						ds, err := h.decider.Decide(t.Context(), req, allowed)
						if err != nil {
							t.Error(err)
							return
						}
						if slices.ContainsFunc(ds, func(d decide.Decision) bool { return d.Degraded != "" }) {
							continue
						}
						if ds[0].Rung == "individual" {
							personal.Add(1)
						}
						for i := range ds {
							ds[i].ID, ds[i].Feedback = "", ""
						}
						raw, err := json.Marshal(ds)
						if err != nil {
							t.Error(err)
						}
						out[n] = string(raw)
						break
					}
				}
			})
		}
		all.Wait()
		if slices.Contains(out, "") || personal.Load() < int64(people/2) {
			t.Errorf("%d of %d decisions are personal, and some may be missing", personal.Load(), people)
		}
		return out, past
	}
	want, past := decisions(homeOptions{Home: first})
	if joined := strings.Count(strings.Join(past, ""), "Why:steward"); joined < 60 || strings.Contains(past[20], " 0 [") {
		t.Errorf("the home has not lived: %d joined, %.300s", joined, past[20])
	}
	for _, n := range forgotten {
		if !strings.Contains(past[n], "nobody") || strings.Contains(want[n], `"rung":"individual"`) {
			t.Fatalf("somebody who was forgotten is there: %.300s", past[n])
		}
	}
	for name, o := range map[string]homeOptions{"PostgreSQL": {Home: at("second"), Database: db}, "SQLite again": {Home: at("third")}} {
		other := 0
		got, lived := decisions(o)
		for n := range past {
			if lived[n] != past[n] {
				t.Fatalf("%s has another past: %.1000s\nand not %.1000s", name, lived[n], past[n])
			}
		}
		for n, d := range got {
			if d != want[n] {
				if other++; other == 1 {
					t.Errorf("%s decides otherwise: %.1000s\nand not %.1000s", name, d, want[n])
				}
			}
		}
		if other > 0 {
			t.Errorf("%s decides otherwise about %d of %d", name, other, people)
		}
	}
	whole(t, at("third"))
	if out := must(t, "token", "--home", at("third"), "--list"); !regexp.MustCompile(`decide +app .*, good\n`).MatchString(out) || !regexp.MustCompile(`admin +gone .*, revoked`).MatchString(out) {
		t.Errorf("the token is lost: %s", out)
	}
	// A used database and a used folder are left alone.
	_, errs, code := try(t, "restore", at("one"), "--keys", at("one.keys"), "--home", at("fourth"), "--database", db)
	oneSentence(t, "a restore over a database", errs, code, 1)
	_, errs, code = try(t, "restore", at("one"), "--keys", at("one.keys"), "--home", at("third"))
	oneSentence(t, "a restore over a home", errs, code, 1)
	if _, err := os.Stat(at("fourth")); !os.IsNotExist(err) {
		t.Errorf("a restore that was refused left something: %v", err)
	}
}

// TestATokenThatWasRevokedIsNotGoodAgainAfterARestore: the backup is older than the revocation, so it cannot know; nobody comes in by any
// of its tokens, old or newer, and a new one is good. On both engines.
func TestATokenThatWasRevokedIsNotGoodAgainAfterARestore(t *testing.T) {
	dir := shortDir(t)
	first, at := filepath.Join(dir, "home"), func(name string) string { return filepath.Join(dir, name) }
	must(t, "init", first, "--example", "bank")
	lost := strings.TrimSpace(must(t, "token", "--home", first, "--role", "admin", "--name", "lost"))
	kept := strings.TrimSpace(must(t, "token", "--home", first, "--role", "decide", "--name", "app"))
	must(t, "backup", "--home", first, at("one"), "--keys", at("keys"))
	must(t, "token", "--home", first, "--revoke", lost)
	must(t, "backup", "--home", first, at("two"), "--keys", at("keys")) // the keys file is the current one; the older backup is restored with it

	for name, o := range map[string]homeOptions{"SQLite": {Home: at("second")}, "PostgreSQL": {Home: at("third"), Database: pgtest.URL(t)}} {
		said := must(t, "restore", at("one"), "--keys", at("keys"), "--home", o.Home, "--database", o.Database)
		if !strings.Contains(said, "Its tokens (2) are ended") {
			t.Errorf("%s says nothing of its tokens: %s", name, said)
		}
		h, err := openHouse(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		for what, text := range map[string]string{"the revoked one": lost, "another": kept} {
			if p, err := h.keeper.Token(t.Context(), text); !errors.Is(err, access.ErrUnauthorised) {
				t.Errorf("%s: %s is good: %s, %v", name, what, p.Role, err)
			}
		}
		fresh, err := h.mint(t.Context(), tokenArgs{Role: "decide", Name: "app"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.keeper.Token(t.Context(), fresh); err != nil {
			t.Errorf("%s: a new token: %v", name, err)
		}
	}
}

// TestABackupUnderLoadHoldsWhatWasAcknowledged takes backups of a home that is being written to: each event that was acknowledged before the command
// began is in it, none is there twice, and the ledger is whole.
func TestABackupUnderLoadHoldsWhatWasAcknowledged(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	var acknowledged atomic.Int64
	stop, ended := make(chan struct{}), sync.WaitGroup{}
	const senders = 4
	for worker := range senders {
		ended.Add(1)
		go func() {
			defer ended.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				body := fmt.Sprintf(`{"userId":"w%d","messageId":"w%d-%d","event":"Order Completed","properties":{"order_id":"%d","products":[{"product_id":"p%d"}]}}`, worker, worker, n, n, n%5)
				if status, _, err := collects(s.URL+"/v1/track", key, []byte(body), nil); err != nil || status != http.StatusOK {
					t.Errorf("an event was answered with %d (%v)", status, err)
					return
				}
				acknowledged.Add(1)
			}
		}()
	}
	dir := shortDir(t)
	type taken struct {
		file string
		sure int64
	}
	var backups []taken
	for n := range 3 {
		until(t, "events arrive", func() bool { return acknowledged.Load() > int64(n+1)*150 })
		b := taken{filepath.Join(dir, fmt.Sprintf("b%d", n)), acknowledged.Load()}
		must(t, "backup", "--home", home, b.file, "--keys", b.file+".keys")
		backups = append(backups, b)
	}
	close(stop)
	ended.Wait()
	for i, b := range backups {
		to := filepath.Join(dir, fmt.Sprintf("home%d", i))
		// The keys file of the last backup is the current one, and good for all.
		must(t, "restore", b.file, "--keys", backups[len(backups)-1].file+".keys", "--home", to)
		w := opened(t, homeOptions{Home: to})
		seen := map[string]bool{}
		n := int64(0)
		for worker := range senders {
			k := w.person(vault.UserID, fmt.Sprintf("w%d", worker))
			if k == nil {
				t.Fatalf("backup %d knows nothing of sender %d", i, worker)
			}
			last := -1
			for _, e := range k.Events {
				id := fmt.Sprint(worker, " ", e.Properties["order_id"])
				if seen[id] {
					t.Errorf("backup %d holds %s twice", i, id)
				}
				seen[id] = true
				last++
				n++
			}
			for o := range last + 1 { // one sender's events come in their order: none is missing before the last
				if !seen[fmt.Sprint(worker, " ", o)] {
					t.Errorf("backup %d lacks event %d of sender %d", i, o, worker)
				}
			}
		}
		w.h.Close()
		if n < b.sure {
			t.Errorf("backup %d holds %d events, and %d were acknowledged before it", i, n, b.sure)
		}
		whole(t, to)
	}
	if acknowledged.Load() == backups[2].sure {
		t.Error("nothing arrived while the last backup was taken: this proves little")
	}
}

// TestABackupThatIsNotWholeIsRefusedByName cuts, changes and mixes the two files.
func TestABackupThatIsNotWholeIsRefusedByName(t *testing.T) {
	home, other := exampleHome(t), exampleHome(t)
	stock(t, home)
	dir := shortDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, "backup", "--home", home, at("data"), "--keys", at("keys"))
	must(t, "backup", "--home", other, at("data2"), "--keys", at("keys2"))
	data, err := os.ReadFile(at("data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data", "keys"} {
		if info, err := os.Stat(at(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v; it is its owner's only", name, info.Mode(), err)
		}
	}
	files, err := vault.KeyFiles(home)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range files {
		if bytes.Contains(data, key) {
			t.Errorf("the data holds %s", name)
		}
	}
	broken := func(name string, body []byte) string {
		if err := os.WriteFile(at(name), body, 0o600); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	flipped := bytes.Clone(data)
	flipped[len(data)/2] ^= 1
	for _, c := range []struct{ what, file, keys, says string }{
		{"cut in the middle", broken("cut", data[:len(data)/2]), at("keys"), "cut short"},
		{"cut by one byte", broken("cut1", data[:len(data)-1]), at("keys"), "cut short"},
		{"changed in one bit", broken("changed", flipped), at("keys"), "was changed or damaged"},
		{"another home's keys", at("data"), at("keys2"), "keys of another home"},
		{"another home's data", at("data2"), at("keys"), "keys of another home"},
		{"keys for data", at("keys"), at("keys"), "no file of rapport backup"},
		{"data for keys", at("data"), at("data"), "no file of rapport backup"},
		{"no such file", at("none"), at("keys"), "cannot be read"},
		{"an empty file", broken("empty", nil), at("keys"), "cut short"},
	} {
		_, errs, code := try(t, "restore", c.file, "--keys", c.keys, "--home", at("to"))
		oneSentence(t, c.what, errs, code, 1)
		if !strings.Contains(errs, c.says) {
			t.Errorf("%s: %q does not say %q", c.what, errs, c.says)
		}
		if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
			t.Errorf("%s: it leaves %v", c.what, left)
		}
	}
	_, errs, code := try(t, "backup", "--home", home, at("data"), "--keys", at("keys3"))
	oneSentence(t, "a backup over a backup", errs, code, 1)
	_, errs, code = try(t, "backup", "--home", home, at("data9"))
	oneSentence(t, "a backup without keys", errs, code, 2)
	must(t, "restore", at("data"), "--keys", at("keys"), "--home", at("to"))
	if d := decides(t, at("to"), "house-7", "basket"); d.Relationship.Level != "acquaintance" {
		t.Errorf("what is restored decides %+v", d)
	}
}
