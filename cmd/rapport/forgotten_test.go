package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/backup"
	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// customersOf brings people with a fact and an order each, and gives their userIds.
func customersOf(t *testing.T, mark string, people int, home ...string) (users []string) {
	t.Helper()
	var facts, orders strings.Builder
	facts.WriteString("userId,name,email,age_band\n")
	for n := range people {
		user := fmt.Sprintf("%s-user-%d", mark, n)
		users = append(users, user)
		fmt.Fprintf(&facts, "%s,%s Someone,%s.%d@post.example,adult\n", user, mark, mark, n)
		fmt.Fprintf(&orders, `{"type":"track","messageId":"o%s","userId":"%s","event":"Order Completed","properties":{"order_id":"%s","products":[{"product_id":"%s-thing-%d"}]}}`+"\n", user, user, user, mark, n)
	}
	must(t, append([]string{"import", "--source", "signup", "--as", "people", writeFile(t, mark+".csv", facts.String())}, home...)...)
	must(t, append([]string{"import", "--source", "tills", "--as", "events", writeFile(t, mark+".jsonl", orders.String())}, home...)...)
	return users
}

// keysOf are the wrapped data keys of these people.
func keysOf(t *testing.T, h *house, users []string) map[person.ID][]byte {
	t.Helper()
	out := map[person.ID][]byte{}
	for _, user := range users {
		people, _, err := h.eraser.Named(t.Context(), vault.UserID, user)
		if err != nil {
			t.Fatal(err)
		}
		l, err := h.store.Load(t.Context(), people[0])
		if err != nil {
			t.Fatal(err)
		}
		for id, wrapped := range l.Wrapped {
			out[id] = wrapped
		}
	}
	return out
}

// tracesOf are the traces of these people that a file could hold.
func tracesOf(t *testing.T, mark string, keys map[person.ID][]byte) *traces {
	t.Helper()
	s := &traces{texts: [][]byte{[]byte(mark)}}
	for id, wrapped := range keys {
		s.name("a pseudonym", id[:])
		s.name("a wrapped key", wrapped)
	}
	return s
}

// TestAnErasureThatIsKilledGoesOn ends the command in the stead of a write or a sync, again and again; then each person is whole or gone, and who is gone
// has one certificate and leaves nothing.
func TestAnErasureThatIsKilledGoesOn(t *testing.T) {
	home := exampleHome(t)
	rounds := torture.Rounds(12, 200)
	users := customersOf(t, "Zq7Leaver", rounds+1, "--home", home)
	h, err := openHouse(t.Context(), homeOptions{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	left := tracesOf(t, "Zq7Leaver", keysOf(t, h, users))
	h.Close()
	database := filepath.Join(home, databaseDir)
	erase := func(user string) []string {
		return []string{"rights", "erase", "--home", home, "--person", "userId=" + user, "--now"}
	}
	most := operationsOf(t, database, erase(users[rounds])...)
	killed, halves := 0, 0
	for n := range rounds {
		d := disktest.Under(t, database, false)
		at := 1 + rand.Int64N(most)
		if n%3 == 0 { // few of the operations come before the keys are gone
			at = 1 + int64(n/3)
		}
		d.Set(disktest.KillAt, at)
		if _, was := under(t, d, erase(users[n])...); was {
			killed++
		}
		said, _, code := try(t, "rights", "access", "--home", home, "--person", "userId="+users[n])
		if code == 0 { // not begun: nothing of them is missing
			halves++
			if strings.Count(said, "\"at\"") != 4 {
				t.Errorf("an erasure that was killed before it began left %s", said)
			}
			must(t, erase(users[n])...)
		}
	}
	list := must(t, "rights", "certificate", "--home", home)
	if got := strings.Count(list, " by command line"); got != rounds+1 {
		t.Errorf("%d certificates for %d who were forgotten: %s", got, rounds+1, list)
	}
	if found, files := left.under(t, home); len(found) > 0 || files < 8 {
		t.Errorf("in %d files: %v", files, found)
	}
	whole(t, home)
	if killed < rounds/2 || halves == 0 || halves == rounds {
		t.Errorf("%d of %d were killed, %d before anything was done: that tries too little", killed, rounds, halves)
	}
	t.Logf("%d of %d killed, %d of them before anything was done, of %d operations", killed, rounds, halves, most)
}

// TestARestoredBackupKnowsWhoWasForgotten restores a backup of before an erasure with the keys of after it, on both engines: the person cannot be read, nothing of them is
// there, nobody can bring them back, and everybody else is as they were. What was there before the rotation opens nothing.
func TestARestoredBackupKnowsWhoWasForgotten(t *testing.T) {
	dir := shortDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	home := exampleHome(t)
	leaving := customersOf(t, "Zq7Leaver", 40, "--home", home)
	staying := customersOf(t, "Zq7Remains", 10, "--home", home)
	must(t, "rights", "access", "--home", home, "--person", "userId="+leaving[0]) // a look at somebody who leaves
	h, err := openHouse(t.Context(), homeOptions{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	keys := keysOf(t, h, leaving)
	h.Close()
	left := tracesOf(t, "Zq7Leaver", keys)
	must(t, "backup", "--home", home, at("before"), "--keys", at("keys"))
	for _, name := range []string{"keys", "keys.wrapping"} { // a copy that somebody kept
		raw, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at("old-"+name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantNoWrappingKey(t, home, at("before"), at("keys"))
	if found := left.in(bytesOf(t, at("before"))); len(found) == 0 {
		t.Fatal("the backup of before holds nothing of them, so nothing is shown")
	}
	certificate := must(t, "rights", "erase", "--home", home, "--people", writeFile(t, "leavers", "userId="+strings.Join(leaving, "\nuserId=")+"\n"), "--now")
	must(t, "keys", "rotate", "--home", home)
	must(t, "backup", "--home", home, at("after"), "--keys", at("keys"))
	for _, name := range []string{"after", "keys", "keys.wrapping"} {
		if found := left.in(bytesOf(t, at(name))); len(found) > 0 {
			t.Errorf("%s holds %v", name, found)
		}
	}
	for name, o := range map[string]homeOptions{"SQLite": {Home: at("second")}, "PostgreSQL": {Home: at("third"), Database: pgtest.URL(t)}} {
		said := must(t, "restore", at("before"), "--keys", at("keys"), "--home", o.Home, "--database", o.Database)
		if !strings.Contains(said, fmt.Sprintf("%d of these pseudonyms were forgotten since", len(leaving))) {
			t.Errorf("%s does not say so: %s", name, said)
		}
		if found, _ := left.under(t, o.Home); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
		h, err := openHouse(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if rep, err := prove.VerifyLedger(t.Context(), h.proving("test", "")); err != nil || !rep.OK() || rep.Erased != 1 {
			t.Errorf("%s: the ledger: %+v, %v", name, rep, err)
		}
		for _, user := range leaving {
			if _, _, err := h.eraser.Named(t.Context(), vault.UserID, user); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s: somebody who was forgotten is found: %v", name, err)
			}
		}
		for id, wrapped := range keys {
			if _, err := h.store.Load(t.Context(), id); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s: somebody who was forgotten is there: %v", name, err)
			}
			if _, err := h.vault.Key(id, wrapped); !errors.Is(err, vault.ErrUnreadable) {
				t.Errorf("%s: a key of somebody who was forgotten opens: %v", name, err)
			}
		}
		for user := range keysOf(t, h, staying) {
			if l, err := h.store.Load(t.Context(), user); err != nil || len(l.Rows) < 3 {
				t.Errorf("%s: somebody who stays has %d rows: %v", name, len(l.Rows), err)
			}
		}
		var list, kept bytes.Buffer
		if err := runCertificates(t.Context(), h, rightsArgs{}, into(&list)); err != nil || strings.Count(list.String(), " by command line") != len(leaving) {
			t.Errorf("%s: the certificates: %s, %v", name, list.String(), err)
		}
		if err := runRetained(t.Context(), h, rightsArgs{People: []string{"userId=" + leaving[0]}, Purpose: "young", Reason: "an inspection"}, into(&kept)); err != nil || !strings.Contains(kept.String(), "age_band") {
			t.Errorf("%s: what the law keeps is lost: %s, %v", name, kept.String(), err)
		}
		before, err := h.store.People(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		file := writeFile(t, "again.csv", "userId,name\n"+leaving[0]+",Again\n")
		if err := operations["import"](t.Context(), h, mustJSON(t, importArgs{Source: "signup", As: "people", Files: []string{file}}), into(&list)); err != nil {
			t.Fatal(err)
		}
		if after, err := h.store.People(t.Context()); err != nil || after != before {
			t.Errorf("%s: an import brings somebody back: %v", name, err)
		}
		h.Close()
	}
	if _, key := keyOf(t, home); !strings.Contains(certificate, strings.SplitN(key, "+", 2)[0]) {
		t.Error("the certificate does not name the home's key")
	}
	// The keys of before under the wrapping key of now open nothing.
	_, errs, code := try(t, "restore", at("before"), "--keys", at("old-keys"), "--wrapping", at("keys.wrapping"), "--home", at("fourth"))
	oneSentence(t, "a restore with dead keys", errs, code, 1)
	// Nor may older keys speak for a newer backup: they do not know who was forgotten.
	_, errs, code = try(t, "restore", at("after"), "--keys", at("old-keys"), "--wrapping", at("old-keys.wrapping"), "--home", at("fifth"))
	oneSentence(t, "a restore with older keys", errs, code, 1)
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func keyOf(t *testing.T, home string) (signer, verifier string) {
	t.Helper()
	v, err := vault.Open(home)
	if err != nil {
		t.Fatal(err)
	}
	return v.TreeKey()
}

// wantNoWrappingKey finds the key that wraps all others in none of these files, however it is written.
func wantNoWrappingKey(t *testing.T, home string, files ...string) {
	t.Helper()
	var keyset struct {
		Key []struct {
			KeyData struct{ Value string } `json:"keyData"`
		} `json:"key"`
	}
	if err := json.Unmarshal(bytesOf(t, filepath.Join(home, "keys", vault.WrappingFile)), &keyset); err != nil || len(keyset.Key) == 0 {
		t.Fatalf("the keyset cannot be read: %v", err)
	}
	var secret traces
	for _, k := range keyset.Key {
		raw, err := base64.StdEncoding.DecodeString(k.KeyData.Value)
		if err != nil || len(raw) < 32 {
			t.Fatalf("a key of %d bytes: %v", len(raw), err)
		}
		secret.name("the wrapping key", raw[len(raw)-32:])
	}
	for _, f := range files {
		if found := secret.in(bytesOf(t, f)); len(found) > 0 {
			t.Errorf("%s holds the wrapping key", f)
		}
	}
}

// TestOnPostgreSQLWhatIsLeftCannotBeRead shows what a server's files still hold of people who were forgotten, and that none of it opens.
func TestOnPostgreSQLWhatIsLeftCannotBeRead(t *testing.T) {
	server := pgtest.Own(t)
	home := exampleHome(t)
	w := newWorld(t, homeOptions{Home: home, Database: server.URL})
	leaving := w.live(t, "Zq7Leaver", 60)
	staying := w.live(t, "Zq7Remains", 20)
	var gone traces
	gone.texts = [][]byte{[]byte("Zq7Leaver")}
	w.whatIs(t, &gone, leaving)
	keys := keysOf(t, w.h, leaving)
	var all []rights.Erasure
	for _, user := range leaving {
		es, err := w.h.erasures(t.Context(), []string{"userId=" + user}, "ann", "privacy", true)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, es...)
	}
	certificates, err := w.h.erase(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	_, key := w.h.vault.TreeKey()
	c, err := rights.Check(certificates[0], key)
	if err != nil || !strings.Contains(c.Pages, "unreadable, not absent") {
		t.Errorf("the certificate promises too much: %q, %v", c.Pages, err)
	}
	// No row says anything of them; the server's files may.
	var rows []byte
	if err := w.h.store.Copy(t.Context(), func(r store.CopyRow) error { rows = backup.AppendValues(rows, r.Values); return nil }); err != nil {
		t.Fatal(err)
	}
	if found := gone.in(rows); len(found) > 0 {
		t.Errorf("rows still hold %v", found)
	}
	if found, _ := gone.under(t, home); len(found) > 0 {
		t.Errorf("the home still holds %v", found)
	}
	left := map[string]int{}
	found, files := gone.under(t, server.Data())
	for _, f := range found {
		what, _, _ := strings.Cut(f, " in ")
		left[what]++
	}
	t.Logf("left in the server's %d files, by how many files: %v", files, left)
	if len(left) == 0 {
		t.Error("nothing is left at all: then the promise may say more")
	}
	if left["a marker"] > 0 {
		t.Error("the server's files hold something that can be read")
	}
	if _, err := w.h.rotate(t.Context(), into(&bytes.Buffer{})); err != nil {
		t.Fatal(err)
	}
	// Whoever has the server's files and the home's keys tries every key that was ever theirs.
	v, err := vault.Open(home)
	if err != nil {
		t.Fatal(err)
	}
	for id, wrapped := range keys {
		for _, v := range []*vault.Vault{v, w.h.vault} {
			if _, err := v.Key(id, wrapped); !errors.Is(err, vault.ErrUnreadable) {
				t.Fatalf("a key that lies about in the server's files opens: %v", err)
			}
		}
	}
	for user := range keysOf(t, w.h, staying) {
		if l, err := w.h.store.Load(t.Context(), user); err != nil || len(l.Rows) == 0 {
			t.Errorf("somebody who stays: %v", err)
		}
	}
}

// TestASessionEndsWithItsPerson stands the clock still, so that nothing remembered runs out by itself.
func TestASessionEndsWithItsPerson(t *testing.T) {
	now := person.SystemClock()
	home := exampleHome(t)
	users := customersOf(t, "Zq7Leaver", 1, "--home", home)
	h, err := openHouse(t.Context(), homeOptions{Home: home, clock: func() person.Instant { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	w := &world{h: h}
	cookie := w.sessionOf(t, users[0])
	if _, err := h.erase(t.Context(), []rights.Erasure{{Person: w.id(t, users[0]), Actor: "ann", Role: "privacy"}}); err != nil {
		t.Fatal(err)
	}
	if p, err := h.keeper.Session(t.Context(), cookie); !errors.Is(err, access.ErrUnauthorised) {
		t.Errorf("a session of somebody who was forgotten is good: %v, %v", p.Role, err)
	}
}
