package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/rights"
	"github.com/rapporthq/rapport/trust/vault"
)

// traces finds what is left of people in bytes: texts, and names of sixteen bytes such as pseudonyms, as they are, as UTF-16, in hex, in base64 of both
// alphabets at any offset.
type traces struct {
	texts [][]byte // in any case of letters
	names map[[16]byte]string
	pairs [1 << 16]bool // the first two bytes of names
}

func (s *traces) name(what string, b []byte) {
	for len(b) >= 16 { // a longer one is left when any stretch of it is
		n := [16]byte(b)
		if s.names == nil {
			s.names = map[[16]byte]string{}
		}
		s.names[n] = what
		s.pairs[int(n[0])<<8|int(n[1])] = true
		b = b[16:]
	}
}

// in says what is found.
func (s *traces) in(data []byte) (found []string) {
	found = s.plain(data)
	for _, alphabet := range []func(byte) bool{isHex, isBase64} {
		for from := 0; from < len(data); {
			if !alphabet(data[from]) {
				from++
				continue
			}
			to := from
			for to < len(data) && alphabet(data[to]) {
				to++
			}
			if to-from >= 16 {
				found = append(found, s.decoded(data[from:to])...)
			}
			from = to
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/' || c == '-' || c == '_'
}

func (s *traces) decoded(run []byte) (found []string) {
	for at := range 2 {
		if b, err := hex.DecodeString(string(run[at : at+(len(run)-at)/2*2])); err == nil {
			found = append(found, s.plain(b)...)
		}
	}
	text := strings.NewReplacer("-", "+", "_", "/").Replace(string(run))
	for at := range 4 {
		part := text[at:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		if b, err := base64.RawStdEncoding.DecodeString(part); err == nil {
			found = append(found, s.plain(b)...)
		}
	}
	return found
}

func (s *traces) plain(data []byte) (found []string) {
	lower := bytes.ToLower(data)
	for _, t := range s.texts {
		t = bytes.ToLower(t)
		var wide []byte
		for _, c := range t {
			wide = append(wide, c, 0)
		}
		if bytes.Contains(lower, t) || bytes.Contains(lower, wide) {
			found = append(found, "a marker")
		}
	}
	for i := 0; i+16 <= len(data); i++ {
		if s.pairs[int(data[i])<<8|int(data[i+1])] {
			if what, ok := s.names[[16]byte(data[i:])]; ok {
				found = append(found, what)
			}
		}
	}
	return found
}

// under looks at every byte of every file of a folder.
func (s *traces) under(t *testing.T, dir string) (found []string, files int) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		files++
		for _, what := range s.in(raw) {
			found = append(found, what+" in "+filepath.Base(path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found, files
}

func TestTracesAreFoundHoweverTheyAreWritten(t *testing.T) {
	var s traces
	s.texts = [][]byte{[]byte("Quartermaine")}
	id := person.NewID()
	s.name("pseudonym", id[:])
	for name, text := range map[string]string{
		"as it is": "xx Quartermaine yy", "in other letters": "QUARTERMAINE", "in hex": "0" + hex.EncodeToString([]byte("a Quartermaine")), "in base64": base64.URLEncoding.EncodeToString([]byte("?>Quartermaine")),
		"in base64 behind something": "AB" + base64.StdEncoding.EncodeToString([]byte("12Quartermaine")), "as UTF-16": "Q\x00u\x00a\x00r\x00t\x00e\x00r\x00m\x00a\x00i\x00n\x00e\x00",
		"a pseudonym": "..." + string(id[:]), "a pseudonym in hex": `{"p":"` + strings.ToUpper(hex.EncodeToString(id[:])) + `"}`, "a pseudonym in base64": base64.RawStdEncoding.EncodeToString(append([]byte("ab"), id[:]...)),
	} {
		if len(s.in([]byte(text))) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	if got := s.in([]byte("nothing of the kind " + hex.EncodeToString(bytes.Repeat([]byte("abc"), 50)))); len(got) > 0 {
		t.Errorf("found where nothing is: %v", got)
	}
}

// world is a home in this process with its doors, jobs and log, used by people who leave and people who stay.
type world struct {
	h      *house
	url    string
	log    *lockedBuffer
	tokens map[access.Role]string
	keys   map[string]string // of sources
}

func newWorld(t *testing.T, o homeOptions) *world {
	t.Helper()
	w := &world{log: &lockedBuffer{}, keys: map[string]string{}}
	slog.SetDefault(slog.New(slog.NewTextHandler(w.log, nil)))
	h, err := openHouse(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.h = h
	handler, err := h.doors(serveOptions{LogRequests: true}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	stop, err := h.startJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); stop(); h.Close() })
	w.url, w.tokens = server.URL, credentialsOf(t, h)
	for _, name := range []string{"tills", "web", "signup"} {
		if w.keys[name], err = h.mint(t.Context(), tokenArgs{Role: "source", Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	attesting, err := h.mint(t.Context(), tokenArgs{Role: "decide", Name: "site", Attest: true, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	w.tokens[access.Decide] = attesting
	return w
}

// live has people do everything that can be done, each with the marker in every field that takes a text.
func (w *world) live(t *testing.T, mark string, people int) (users []string) {
	t.Helper()
	yes := consents(true)
	for from := 0; from < people; from += 100 {
		var signup, tills, web []map[string]any
		for n := from; n < min(from+100, people); n++ {
			user, device := fmt.Sprintf("%s-user-%d", mark, n), fmt.Sprintf("%s-device-%d", mark, n)
			users = append(users, user)
			web = append(web, viewed(fmt.Sprintf("%s-before-%d", mark, n), device, "", fmt.Sprintf("%s-sku-%d", mark, n), yes),
				viewed(fmt.Sprintf("%s-claim-%d", mark, n), fmt.Sprintf("%s-other-%d", mark, n), user, fmt.Sprintf("%s-sku-%d", mark, n), yes),
				map[string]any{"type": "track", "messageId": fmt.Sprintf("%s-claimed-%d", mark, n), "userId": user, "event": "Product Viewed", "properties": map[string]any{"product_id": fmt.Sprintf("%s-sku-%d", mark, n)}, "context": yes})
			signup = append(signup, map[string]any{"type": "identify", "messageId": fmt.Sprintf("%s-in-%d", mark, n), "userId": user, "anonymousId": device, "context": yes,
				"traits": map[string]any{"name": mark + " Someone", "email": fmt.Sprintf("%s.%d@post.example", mark, n), "phone": fmt.Sprintf("+4420794%05d", n+len(mark)*5000), "birthday": "1970-01-01", "age_band": "adult", "household": "3"}})
			tills = append(tills, map[string]any{"type": "track", "messageId": fmt.Sprintf("%s-order-%d", mark, n), "userId": user, "event": "Order Completed", "context": yes,
				"properties": map[string]any{"order_id": fmt.Sprintf("%s-%d", mark, n), "total": 12.5, "products": []any{map[string]any{"product_id": fmt.Sprintf("%s-thing-%d", mark, n), "quantity": 1, "price": 2.5}}}})
		}
		sends(t, w.url, w.keys["web"], web...)
		sends(t, w.url, w.keys["signup"], signup...)
		sends(t, w.url, w.keys["tills"], tills...)
	}
	for n, user := range users[:min(people, 60)] { // what takes a request each
		who := map[string]any{"userId": user}
		var d struct{ ID, Decision, Feedback string }
		if code := post(t, w.url+"/api/decide", w.tokens[access.Decide], map[string]any{"person": who, "placement": "home", "attested": true}, &d); code != http.StatusOK {
			t.Fatalf("a decision was answered with %d", code)
		}
		post(t, w.url+"/api/shown", w.tokens[access.Decide], map[string]any{"decision": d.Decision, "items": []string{}}, nil)
		post(t, w.url+"/api/complaints", w.tokens[access.Agent], map[string]any{"person": who, "complaint": fmt.Sprintf("%s-%d", mark, n), "state": "open"}, nil)
		var link struct{ URL string }
		if code := post(t, w.url+"/api/sign-in-links", w.tokens[access.Decide], map[string]any{"person": who, "attested": true}, &link); code != http.StatusOK {
			t.Fatalf("a link was answered with %d", code)
		}
		id := w.id(t, user)
		if n%2 == 0 { // the others' links stay unused
			if _, _, err := access.UseLink(t.Context(), w.h.store, strings.TrimPrefix(link.URL, "/trust/enter/"), w.h.clock()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.h.acts.Restrict(t.Context(), id, n%3 == 0); err != nil {
			t.Fatal(err)
		}
		if err := w.h.acts.Remove(t.Context(), id, "household"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.h.eraser.Access(t.Context(), id, ledger.Look{Actor: "ann", Role: "privacy", Purpose: "service", Reason: mark + " was asked about"}); err != nil {
			t.Fatal(err)
		}
	}
	file := writeFile(t, "people.csv", "userId,name\n"+strings.Join(users, ","+mark+" Listed\n")+","+mark+" Listed\n")
	if err := operations["import"](t.Context(), w.h, mustJSON(t, importArgs{Source: "signup", As: "people", Files: []string{file}}), into(&bytes.Buffer{})); err != nil {
		t.Fatal(err)
	}
	return users
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (w *world) id(t *testing.T, user string) person.ID {
	t.Helper()
	people, _, err := w.h.eraser.Named(t.Context(), vault.UserID, user)
	if err != nil {
		t.Fatal(err)
	}
	return people[0]
}

// whatIs notes everything by which these people could be told: pseudonyms, wrapped keys, blinds, hashed names of products seen.
func (w *world) whatIs(t *testing.T, s *traces, users []string) {
	t.Helper()
	for _, user := range users {
		people, claims, err := w.h.eraser.Named(t.Context(), vault.UserID, user)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claims {
			s.name("the key of a claim", c[:])
		}
		for i, id := range people {
			if i == 0 && len(people) != 2 {
				t.Fatalf("%d pseudonyms are found by a userId: one that a browser made by claiming it is missing", len(people))
			}
			l, err := w.h.store.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range l.Who.All() {
				s.name("a pseudonym", id[:])
				s.name("a wrapped key", l.Wrapped[id])
				seen := w.h.vault.SightingOf("", id)
				s.name("a sighting", seen.Person[:])
			}
			for _, r := range l.Rows {
				s.name("a sealed row", r.Head)
				s.name("a sealed row", r.Body)
			}
			for _, f := range l.Frames {
				s.name("a sealed event", f.Body)
				s.name("an event's id", f.ID[:])
			}
			receipts, err := w.h.store.Receipts(t.Context(), id, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range receipts {
				s.name("a receipt", r.Body)
				s.name("a receipt's key", r.Key[:])
			}
		}
		n := strings.TrimPrefix(user, strings.SplitN(user, "-user-", 2)[0]+"-user-")
		mark, _, _ := strings.Cut(user, "-user-")
		for kind, value := range map[vault.IdentifierKind]string{vault.UserID: user, vault.AnonymousID: mark + "-device-" + n, vault.Email: mark + "." + n + "@post.example", vault.ClaimedUser: vault.ClaimedAs("web", user)} {
			b, err := w.h.vault.Blind(kind, value)
			if err != nil {
				t.Fatal(err)
			}
			if found, err := w.h.store.Find(t.Context(), []vault.Blind{b}); err != nil || len(found) == 0 {
				t.Fatalf("a %s leads to nobody: %v", kind, err)
			}
			s.name("a blind index", b[:])
		}
	}
}

// TestForgottenPeopleAreNowhere plants people with markers in every field, has them and others do everything, forgets them, and reads every byte under the home.
func TestForgottenPeopleAreNowhere(t *testing.T) {
	const people = 1000
	home := exampleHome(t)
	w := newWorld(t, homeOptions{Home: home})
	leaving := w.live(t, "Zq7Leaver", people)
	staying := w.live(t, "Zq7Remains", 40)
	until(t, "looks are numbered", func() bool { n, err := w.h.store.Ledger().Pending(t.Context(), 1); return err == nil && len(n) == 0 })
	var gone, stay traces
	gone.texts, stay.texts = [][]byte{[]byte("Zq7Leaver")}, [][]byte{[]byte("Zq7Remains")}
	w.whatIs(t, &gone, leaving)
	w.whatIs(t, &stay, staying)
	if found, _ := gone.under(t, home); len(found) == 0 {
		t.Fatal("the search finds nothing of people who are there")
	}
	// Some of what they did waits in the journal, some is in history.
	var last []map[string]any
	for _, user := range append(leaving[:200:200], staying...) {
		last = append(last, map[string]any{"type": "track", "messageId": "late " + user, "userId": user, "event": "Order Completed", "properties": map[string]any{"order_id": user, "products": []any{map[string]any{"product_id": "sku-1"}}}})
	}
	sends(t, w.url, w.keys["tills"], last...)
	session := w.sessionOf(t, leaving[0])

	var all []rights.Erasure
	for _, user := range leaving {
		es, err := w.h.erasures(t.Context(), []string{"userId=" + user}, "ann", "privacy", true)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, es...)
	}
	began := time.Now()
	certificates, err := w.h.erase(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d people with %d pseudonyms besides were forgotten and the files written anew in %v", people, len(all)-people, time.Since(began))
	look := func(when string) {
		t.Helper()
		found, files := gone.under(t, home)
		if left := gone.in([]byte(w.log.String())); len(left) > 0 {
			found = append(found, "the log: "+strings.Join(left, ", "))
		}
		if len(found) > 0 || files < 10 {
			t.Errorf("%s, in %d files: %d traces: %.600q", when, files, len(found), found)
		}
	}
	look("while it is served")

	// Whoever asks finds nobody, at once.
	for _, user := range leaving[:20] {
		if _, _, err := w.h.eraser.Named(t.Context(), vault.UserID, user); err == nil {
			t.Error("somebody who was forgotten is found")
		}
	}
	if _, err := w.h.keeper.Session(t.Context(), session); err == nil {
		t.Error("a session of somebody who was forgotten is good")
	}
	var d map[string]any
	if code := post(t, w.url+"/api/decide", w.tokens[access.Decide], map[string]any{"person": map[string]any{"userId": leaving[0]}, "placement": "home", "attested": true}, &d); code != http.StatusOK || d["rung"] == "individual" {
		t.Errorf("a decision about somebody who was forgotten: %d, %v", code, d["rung"])
	}
	// The same file again brings nobody back.
	before, err := w.h.store.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, "again.csv", "userId,name,email\n"+strings.Join(leaving, ",Zq7Leaver Again,\n")+",Zq7Leaver Again,\n")
	if err := operations["import"](t.Context(), w.h, mustJSON(t, importArgs{Source: "signup", As: "people", Files: []string{file}}), into(&bytes.Buffer{})); err != nil {
		t.Fatal(err)
	}
	if after, err := w.h.store.People(t.Context()); err != nil || after != before {
		t.Errorf("an import brought %d people back", after-before)
	}
	look("after the same list was brought again")

	// Who stays has everything.
	for _, user := range staying {
		a, err := w.h.eraser.Access(t.Context(), w.id(t, user), ledger.Look{Actor: "ann", Role: "privacy", Purpose: "service", Reason: "a test"})
		if err != nil || len(a.Events) < 3 || len(a.Facts) < 5 {
			t.Fatalf("somebody who stays has %d events and %d facts (%v)", len(a.Events), len(a.Facts), err)
		}
	}
	rep, err := prove.VerifyLedger(t.Context(), w.h.proving("test", ""))
	if err != nil || !rep.OK() || rep.Erased < 60 {
		t.Errorf("the ledger: %+v, %v", rep, err)
	}
	w.certified(t, leaving, all, certificates)
	if _, err := w.h.rotate(t.Context(), into(&bytes.Buffer{})); err != nil {
		t.Fatal(err)
	}
	look("after the keys were rotated")
}

func (w *world) sessionOf(t *testing.T, user string) string {
	t.Helper()
	cookie, err := access.Begin(t.Context(), w.h.store, access.Session{Role: access.Customer, Person: w.id(t, user)}, w.h.clock())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.keeper.Session(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	return cookie
}

// certified looks at the certificates: each is signed, says what went, lists what the law keeps, and is about that person and nobody else.
func (w *world) certified(t *testing.T, users []string, all []rights.Erasure, certificates [][]byte) {
	t.Helper()
	if len(certificates) != len(all) {
		t.Fatalf("%d certificates for %d erasures", len(certificates), len(all))
	}
	_, key := w.h.vault.TreeKey()
	at := 0
	ids := map[string]bool{}
	for i, raw := range certificates {
		c, err := rights.Check(raw, key)
		if err != nil {
			t.Fatal(err)
		}
		if ids[c.ID] {
			t.Error("two erasures have one certificate")
		}
		ids[c.ID] = true
		if c.By != "ann" || c.Role != "privacy" || c.Keys == 0 || c.Entry.Number == 0 || len(c.Gone) < 8 || len(c.Memory) < 5 || !strings.Contains(c.Pages, "before this was signed") {
			t.Fatalf("%+v", c)
		}
		rows, err := w.h.store.Ledger().Rows(t.Context(), c.Entry.Number, 1)
		if err != nil || len(rows) != 1 || rows[0].Kind != ledger.KindErasure || hex.EncodeToString(rows[0].Leaf[:]) != c.Entry.Leaf {
			t.Errorf("the ledger's entry %d: %v, %v", c.Entry.Number, rows, err)
		}
		if all[i].Besides {
			continue
		}
		stones, err := w.h.vault.Tombstones(vault.UserID, users[at])
		if err != nil || !c.About(stones) {
			t.Errorf("the certificate is not about whom it was issued for: %v", err)
		}
		if other, _ := w.h.vault.Tombstones(vault.UserID, "somebody-else"); c.About(other) {
			t.Error("the certificate is about anybody")
		}
		if len(c.Retained) != 1 || c.Retained[0].What != "age_band" || c.Retained[0].Purpose != "young" || c.Retained[0].Until.Before(time.Now().AddDate(4, 11, 0)) {
			t.Errorf("what the law keeps: %+v", c.Retained)
		}
		at++
	}
	// What is kept opens for that law only.
	var said bytes.Buffer
	if err := runRetained(t.Context(), w.h, rightsArgs{People: []string{"userId=" + users[0]}, Purpose: "young", Reason: "an inspection"}, into(&said)); err != nil || !strings.Contains(said.String(), `"what":"age_band"`) {
		t.Errorf("%s, %v", said.String(), err)
	}
	if err := runRetained(t.Context(), w.h, rightsArgs{People: []string{"userId=" + users[0]}, Purpose: "personalise", Reason: "curiosity"}, into(&said)); err == nil {
		t.Error("what a law keeps is given for another purpose")
	}
	// Every byte of a certificate counts.
	raw := certificates[0]
	for i := range raw {
		spoilt := bytes.Clone(raw)
		spoilt[i] ^= 1
		if _, err := rights.Check(spoilt, key); err == nil {
			t.Fatalf("byte %d of a certificate can be changed", i)
		}
	}
	if _, err := rights.Check(raw, strings.Replace(key, "+", "x+", 1)); err == nil {
		t.Error("another home's key checks it")
	}
}
