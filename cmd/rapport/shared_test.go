package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/store/pgtest"
)

// TestTwoProcessesShareAPostgreSQLHome serves one home twice: what a person says at one is in force for the next decision at the other, and so
// is a new charter; a command needs no socket.
func TestTwoProcessesShareAPostgreSQLHome(t *testing.T) {
	db := pgtest.URL(t)
	source, _ := charter.Example("retail")
	home := filepath.Join(t.TempDir(), "home")
	if err := makeHome(home, source); err != nil {
		t.Fatal(err)
	}
	decide := must(t, "token", "--home", home, "--database", db, "--role", "decide", "--name", "site", "--attest", "--explain")
	choices := filepath.Join(t.TempDir(), "choices.jsonl")
	orders := filepath.Join(t.TempDir(), "orders.jsonl")
	write(t, choices, `{"userId":"u1","purpose":"personalise","answer":"yes","at":"2026-01-01T10:00:00Z","channel":"web","language":"en","notice":"1","words":"To show you what suits you."}`)
	write(t, orders, `{"type":"track","messageId":"m1","userId":"u1","event":"Order Completed","timestamp":"2026-11-01T10:00:00Z","properties":{"order_id":"o1","products":[{"product_id":"p1","quantity":1,"price":2}]}}`)
	server := serverSource(t, source)
	must(t, "import", "--home", home, "--database", db, "--source", server, "--as", "choices", choices)
	must(t, "import", "--home", home, "--database", db, "--source", server, "--as", "events", orders)
	one := serveHome(t, home, "--database", db)
	two := serveHome(t, home, "--database", db)

	held := func(s *serving) string {
		var d struct {
			Held []struct{ Fact, Reason string } `json:"held"`
		}
		if code := post(t, s.URL+"/api/decide", decide, map[string]any{"person": map[string]string{"userId": "u1"}, "placement": "home"}, &d); code != http.StatusOK {
			t.Fatalf("decide gave %d", code)
		}
		for _, h := range d.Held {
			if h.Fact == "Order Completed" {
				return h.Reason
			}
		}
		return ""
	}
	for i := range 20 {
		before := held(two)
		if before == "permission" {
			t.Fatalf("round %d: there is a yes, and the order is held for permission", i)
		}
		choose(t, one, decide, "u1", "no")
		if got := held(two); got != "permission" {
			t.Fatalf("round %d: the no given at one process is not in force at the other: held for %q", i, got)
		}
		choose(t, two, decide, "u1", "yes")
		if got := held(one); got != before {
			t.Fatalf("round %d: the yes given at one process is not in force at the other: held for %q", i, got)
		}
	}

	// A charter with another text: accepted by a command, in force at both at once.
	next := string(source) + "\n# reworded\n"
	proposal := filepath.Join(t.TempDir(), "charter.yaml")
	write(t, proposal, next)
	must(t, "charter", "--home", home, "--database", db, "accept", proposal)
	for _, s := range []*serving{one, two} {
		var d struct{ Charter int }
		post(t, s.URL+"/api/decide", decide, map[string]any{"person": map[string]string{"userId": "u1"}, "placement": "home"}, &d)
		if d.Charter != 2 {
			t.Errorf("a process decides by charter %d when 2 is in force", d.Charter)
		}
	}
	if out := must(t, "ledger", "verify", "--home", home, "--database", db); !strings.Contains(out, "whole") {
		t.Errorf("the ledger of a shared home: %s", out)
	}
}

// choose signs the person in at the trust centre by a link and says yes or no.
func choose(t *testing.T, s *serving, token, user, answer string) {
	t.Helper()
	var link struct{ URL string }
	if code := post(t, s.URL+"/api/sign-in-links", token, map[string]any{"person": map[string]string{"userId": user}, "attested": true}, &link); code != http.StatusOK {
		t.Fatalf("no sign-in link: %d", code)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	res, err := client.Get(s.URL + link.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	req, err := http.NewRequest(http.MethodPost, s.URL+"/trust/choose", strings.NewReader(url.Values{"purpose": {"personalise"}, "answer": {answer}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("choosing %s gave %d", answer, res.StatusCode)
	}
}

func serverSource(t *testing.T, source []byte) string {
	t.Helper()
	c, problems := charter.Parse(source)
	if c == nil {
		t.Fatal(problems)
	}
	for _, name := range c.Order.Sources {
		if s := c.Sources[name]; s.Kind == "server" && len(s.Purposes) > 1 {
			return name
		}
	}
	t.Fatal("no server source")
	return ""
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
