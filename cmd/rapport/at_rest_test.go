package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/trust/vault"
)

// written is every way in which a text could stand in a file: as it is, in other letters, in hex, in base64 at any offset, as UTF-16.
func written(text string) [][]byte {
	ways := [][]byte{[]byte(text), []byte(strings.ToLower(text)), []byte(strings.ToUpper(text)), []byte(hex.EncodeToString([]byte(text))), []byte(strings.ToUpper(hex.EncodeToString([]byte(text))))}
	for offset := range 3 {
		padded := append(bytes.Repeat([]byte{0}, offset), text...)
		whole := len(padded) / 3 * 3
		from := (offset + 2) / 3 * 4 // the first four letters depend on what stands before
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			ways = append(ways, []byte(e.EncodeToString(padded[:whole])[from:]))
		}
	}
	var wide []byte
	for _, c := range []byte(text) {
		wide = append(wide, c, 0)
	}
	return append(ways, wide)
}

// foundIn says in which files of a home, or in which other texts, any of the markers can be read.
func foundIn(t *testing.T, home string, markers []string, others map[string]string) (found, files []string) {
	t.Helper()
	texts := map[string][]byte{}
	for name, text := range others {
		texts[name] = []byte(text)
	}
	if err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(home, path)
		texts[name] = raw
		files = append(files, name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		for _, m := range markers {
			if slices.ContainsFunc(written(m), func(way []byte) bool { return bytes.Contains(text, way) }) {
				found = append(found, m+" in "+name)
			}
		}
	}
	slices.Sort(found)
	return found, files
}

// TestNothingRefusedIsAtRest sends markers in everything that the charter does not let in, and personal values in what it does,
// and reads every byte of the home and of the log, while it is served, out of the WAL too, and after.
func TestNothingRefusedIsAtRest(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	tills, web, signup := must(t, "token", "--home", home, "--role", "source", "--name", "tills"), must(t, "token", "--home", home, "--role", "source", "--name", "web"), must(t, "token", "--home", home, "--role", "source", "--name", "signup")
	var markers []string
	marker := func(what string) string {
		m := fmt.Sprintf("Mark%02dOf%s", len(markers), strings.ReplaceAll(what, " ", ""))
		markers = append(markers, m)
		return m
	}
	order := func(id string, more map[string]any) map[string]any {
		p := map[string]any{"order_id": id, "total": 12.5, "products": []any{map[string]any{"product_id": "sku-1", "quantity": 1, marker("a line's undeclared name"): marker("a line's undeclared field")}}}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	track := func(id, event string, p map[string]any) map[string]any {
		return map[string]any{"type": "track", "messageId": id, "userId": "shopper", "event": event, "properties": p}
	}
	around := track("m3", "Order Completed", order("kept-3", nil))
	around["context"] = map[string]any{"ip": "203.0.113.77", "userAgent": marker("user agent"), "locale": marker("locale"), "library": map[string]any{"name": marker("library")}, "page": map[string]any{"url": "https://shop.example/?q=" + marker("address of a page"), "referrer": marker("referrer")}, "traits": map[string]any{"email": marker("trait in the context") + "@post.example"}}
	around["integrations"], around[marker("name beside")] = map[string]any{marker("integration"): true}, marker("value beside")
	markers = append(markers, "203.0.113.77")

	sends(t, s.URL, tills,
		track("m1", marker("undeclared event"), map[string]any{marker("field of an undeclared event"): marker("value of an undeclared event")}),
		track("m2", "Order Completed", order("kept-2", map[string]any{marker("undeclared name"): marker("undeclared value"), "deep": map[string]any{"a": []any{marker("deep value")}}})),
		around,
		track("m4", "Order Completed", order("kept-4", map[string]any{"total": marker("total that is no money")})),
		track("m5", "Order Completed", map[string]any{"order_id": marker("order without products"), "total": 3}),
		track("m6", "Order Completed", map[string]any{"order_id": marker("order of a wrong type"), "products": marker("products that are none")}),
		map[string]any{"type": "identify", "messageId": "m7", "userId": "shopper", "traits": map[string]any{"birthday": marker("birthday of a wrong type"), marker("undeclared trait's name"): marker("undeclared trait"), "diet": "vegan"}},
		map[string]any{"type": "group", "messageId": "m8", "userId": "shopper", "groupId": marker("group"), "traits": map[string]any{"size": marker("group's trait")}},
		map[string]any{"type": "screen", "messageId": "m9", "userId": "shopper", "name": marker("screen")},
		map[string]any{"type": "track", "messageId": "m10", "event": "Order Completed", "properties": map[string]any{"order_id": marker("order of nobody")}},
		map[string]any{"type": marker("type that there is not"), "userId": "shopper", "messageId": marker("message id of a bad type")},
	)
	old := track("m11", "Order Completed", order(marker("old order"), nil))
	old["timestamp"] = "1999-01-01T00:00:00Z"
	sends(t, s.URL, tills, old)
	// A browser without a yes, and one of whom nothing is kept.
	sends(t, s.URL, web,
		map[string]any{"type": "track", "messageId": "w1", "anonymousId": marker("device of whom nothing is kept"), "event": "Product Viewed", "properties": map[string]any{"product_id": marker("product without permission")}},
		map[string]any{"type": "identify", "messageId": "w2", "anonymousId": "device-2", "userId": marker("claimed user"), "traits": map[string]any{"name": marker("claimed name"), "email": marker("claimed mail") + "@post.example"}})
	// Bodies that are none, keys that are none, addresses of doors.
	for i, body := range []string{`{"batch":[{"type":"track","userId":"` + marker("broken body"), `{"type":"track","userId":"` + marker("single of nothing") + `"}`, `[` + marker("no JSON") + `]`,
		`{"batch":[{"type":"track","userId":"x","event":"Order Completed","properties":{"order_id":"` + marker("duplicate name") + `","order_id":"2","products":[{"product_id":"1"}]}},17,"` + marker("member that is a text") + `",["` + marker("member that is a list") + `"]]}`} {
		status, _, err := collects(s.URL+"/v1/batch?q="+marker("query"), tills, []byte(body), map[string]string{"User-Agent": marker("header of the agent"), "X-Forwarded-For": "203.0.113.78", "Referer": marker("referer"), "Cookie": "c=" + marker("cookie")})
		if err != nil || status >= 500 {
			t.Errorf("body %d was answered with %d (%v)", i, status, err)
		}
	}
	markers = append(markers, "203.0.113.78")
	for _, call := range []string{"track", marker("call")} {
		if status, _, err := collects(s.URL+"/v1/"+call, marker("write key"), []byte(`{"userId":"`+marker("user of an unknown key")+`","event":"Order Completed"}`), nil); err != nil || status < 400 {
			t.Errorf("an unknown key was answered with %d (%v)", status, err)
		}
	}
	post(t, s.URL+"/api/decide", marker("bearer"), map[string]any{"person": map[string]string{"userId": marker("person of a decision")}}, nil)
	gets(t, s.URL+"/trust/enter/"+marker("link"), "", nil)

	// What is kept, and must not be readable either.
	personal := []string{"Wilhelmina Quartermaine", "wilhelmina.quartermaine@post.example", "+442079460123", "shopper-of-the-year", "order-number-of-a-secret", "anonymous-tablet-of-hers"}
	sends(t, s.URL, signup,
		map[string]any{"type": "identify", "messageId": "s1", "userId": personal[3], "anonymousId": personal[5], "traits": map[string]any{"name": personal[0], "email": personal[1], "phone": personal[2]}},
		map[string]any{"type": "track", "messageId": "s2", "userId": personal[3], "event": "Order Completed", "properties": map[string]any{"order_id": personal[4], "products": []any{map[string]any{"product_id": "sku-1"}}}})

	look := func(when string) {
		t.Helper()
		found, files := foundIn(t, home, append(slices.Clone(markers), personal...), map[string]string{"the log": s.log.String()})
		if len(found) > 0 {
			t.Errorf("%s, what was refused or is sealed can be read:\n  %s", when, strings.Join(found, "\n  "))
		}
		for _, must := range []string{"database/rapport.db", "database/history.db"} {
			if !slices.Contains(files, must) || strings.HasPrefix(when, "while") && !slices.Contains(files, must+"-wal") {
				t.Errorf("%s only %v was read", when, files)
			}
		}
	}
	look("while it has just come")
	must(t, "import", "--home", home, "--source", "signup", "--as", "people", writeFile(t, "people.csv", "userId,name,"+marker("column")+"\nsecond,Second Person,"+marker("cell")+"\n,"+marker("line of nobody")+",\n"))
	must(t, "decide", "--home", home, "--person", "userId="+personal[3], "--placement", "counter", "--reason", marker("reason of a look"))
	look("while it is served")
	s.stop() // what waited in memory is written now
	look("after it was stopped")
	w := opened(t, homeOptions{Home: home})
	k := w.person(vault.UserID, personal[3])
	if k == nil || k.fact("name") != personal[0] || len(k.Events) != 1 || w.person(vault.Email, personal[1]) == nil {
		t.Error("what the charter declares was not kept, so nothing is shown by not finding it")
	}
	for _, n := range []string{"kept-2", "kept-3", "kept-4"} {
		if orders(w.everybody())[n] != 1 {
			t.Errorf("%s was not kept beside what fell", n)
		}
	}
	w.h.Close()
	look("after it was closed")
}
