package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/trust/vault"
)

// recorder stands between a real SDK and a served home and keeps every body, so that it can be sent again byte for byte.
type recorder struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []recorded
}

type recorded struct {
	call     string
	header   http.Header
	body     []byte
	messages int
}

func record(t *testing.T, to string) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			t.Error(err)
		}
		b := recorded{call: in.URL.Path, header: in.Header.Clone(), body: body, messages: messagesIn(t, in.Header, body)}
		r.mu.Lock()
		r.bodies = append(r.bodies, b)
		r.mu.Unlock()
		w.WriteHeader(b.send(t, to))
		_, _ = io.WriteString(w, `{"success":true}`)
	}))
	t.Cleanup(r.Close)
	return r
}

func messagesIn(t *testing.T, header http.Header, body []byte) int {
	if header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, err = io.ReadAll(z)
		}
		if err != nil {
			t.Error(err)
		}
	}
	var batch struct{ Batch []struct{ MessageID string } }
	if err := json.Unmarshal(body, &batch); err != nil {
		t.Errorf("the SDK sent what is no batch: %v", err)
	}
	return len(batch.Batch)
}

// send sends it to a home as it was recorded.
func (b recorded) send(t *testing.T, to string) int {
	out, err := http.NewRequest(http.MethodPost, to+b.call, bytes.NewReader(b.body))
	if err != nil {
		t.Error(err)
		return http.StatusBadGateway
	}
	out.Header = b.header.Clone()
	res, err := http.DefaultClient.Do(out)
	if err != nil {
		t.Error(err)
		return http.StatusBadGateway
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// sdk runs the unmodified SDK and gives how many messages it saw delivered.
func sdk(t *testing.T, host, key, user string, count int) int {
	t.Helper()
	if _, err := os.Stat("testdata/sdk/node_modules/@segment/analytics-node/package.json"); err != nil {
		t.Fatal("The pinned SDK is not installed: run make test, which installs it.")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "testdata/sdk/send.mjs", host, key, user, strconv.Itoa(count))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the SDK did not run: %v\n%s%s", err, out, &errs)
	}
	var said struct {
		Delivered int
		Errors    []string
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(said.Errors) > 0 {
		t.Errorf("the SDK reports %v", said.Errors)
	}
	return said.Delivered
}

// TestTheSegmentSDK sends with the real client: what the charter declares is kept, the rest is counted, a server that is killed
// between two runs has lost nothing, and what a retry sends again is there once.
func TestTheSegmentSDK(t *testing.T) {
	const bought, others = 45, 5 // others: identify, an undeclared event, page, screen, group
	const user = "sdk-shopper"
	home := exampleHome(t)
	s := serveHome(t, home)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	must(t, "import", "--home", home, "--source", "signup", "--as", "choices", writeFile(t, "choices.jsonl",
		`{"userId":"`+user+`","purpose":"personalise","answer":"yes","at":"2026-01-05T10:00:00Z","channel":"web","language":"en","notice":"n1","words":"May we?"}`+"\n"))

	first := record(t, s.URL)
	if n := sdk(t, first.URL, key, user, bought); n != bought+others {
		t.Errorf("the SDK saw %d of its %d messages delivered", n, bought+others)
	}
	sent, largest := 0, 0
	for _, b := range first.bodies {
		if b.call != "/v1/batch" {
			t.Errorf("the SDK called %s", b.call)
		}
		sent, largest = sent+b.messages, max(largest, b.messages)
	}
	if sent != bought+others || largest < 2 {
		t.Errorf("%d messages in %d bodies, the largest of %d: not what was to be tried", sent, len(first.bodies), largest)
	}
	wantRecent(t, s.URL, key, bought+others, map[string]int{"track Order Completed ": bought, "identify identify ": 1, "page Page Viewed ": 1,
		"track Never Declared unplanned-event": 1, "screen Screen Viewed unplanned-event": 1, "group group unplanned-event": 1})
	counted := refusals(t, s.URL, key, "tills")
	for what, n := range map[string]int64{"Order Completed.undeclared unplanned-field": bought, "identify.undeclared unplanned-field": 1, "undeclared unplanned-event": 2, "group unplanned-event": 1} {
		if counted[what] != n {
			t.Errorf("%q counted %d times, want %d; all: %v", what, counted[what], n, counted)
		}
	}
	if d := decides(t, home, user, "counter"); d.Charter != 1 || d.Rung == "" {
		t.Errorf("the decision about who was sent: %+v", d)
	}

	s.kill() // no word of goodbye: what was answered with 200 is on disk
	s = serveHome(t, home)
	for _, b := range first.bodies {
		if status := b.send(t, s.URL); status != http.StatusOK {
			t.Errorf("a retry was answered with %d", status)
		}
	}
	if n := sdk(t, record(t, s.URL).URL, key, user, bought); n != bought+others {
		t.Errorf("the SDK saw %d of its %d messages delivered after the restart", n, bought+others)
	}
	until(t, "the retries are known as such", func() bool { return metric(t, s.URL, "rapport_events_duplicate_total") == bought+1 })
	s.stop()
	wantShopper(t, opened(t, homeOptions{Home: home}), user, 2*bought)
}

// wantRecent checks what the owner of the key is told of their latest messages, as "type event reason".
func wantRecent(t *testing.T, url, key string, messages int, want map[string]int) {
	t.Helper()
	var recent struct {
		Events []struct {
			Type, Event, Reason string
			Kept                bool
			Fields              []struct{ Name, Reason string }
		}
	}
	if status := gets(t, url+"/api/events/recent", key, &recent); status != http.StatusOK || len(recent.Events) != messages {
		t.Fatalf("%d: %d of %d messages are told of", status, len(recent.Events), messages)
	}
	got := map[string]int{}
	for _, e := range recent.Events {
		got[e.Type+" "+e.Event+" "+e.Reason]++
		if e.Kept != (e.Reason == "") {
			t.Errorf("%s: kept %v and reason %q", e.Event, e.Kept, e.Reason)
		}
		if e.Event == "Order Completed" && (len(e.Fields) != 1 || e.Fields[0].Name != "coupon_secret" || e.Fields[0].Reason != "unplanned-field") {
			t.Errorf("of an order fell %v", e.Fields)
		}
	}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%q %d times, want %d; all: %v", what, got[what], n, got)
		}
	}
}

// wantShopper checks all that is kept of the SDK's shopper after two runs and a retry.
func wantShopper(t *testing.T, w *wholeHome, user string, bought int) {
	t.Helper()
	k := w.person(vault.UserID, user)
	if k == nil {
		t.Fatal("nobody is known by the user id")
	}
	events := map[string]int{}
	for _, e := range k.Events {
		events[e.Name]++
		for name := range e.Properties {
			if w.h.charter().Events[e.Name].Properties[name] == nil {
				t.Errorf("%s keeps %s, which the charter does not declare", e.Name, name)
			}
		}
		if e.Name == "Order Completed" && (len(e.Lines) != 1 || e.Lines[0].Item != "1082185" || e.Properties["total"] != 3.5) {
			t.Errorf("an order came out as %v %v", e.Lines, e.Properties)
		}
	}
	if events["Order Completed"] != bought || events["Page Viewed"] != 2 || len(events) != 2 {
		t.Errorf("kept after two runs and a retry: %v, want %d orders and 2 pages", events, bought)
	}
	for id, n := range orders([]*known{k}) {
		if n != 2 || !strings.HasPrefix(id, "sdk-") { // one of each run: the SDK names its messages anew
			t.Errorf("the order %s is there %d times", id, n)
		}
	}
	if len(k.Facts) != 1 || k.fact("household") != "2" {
		t.Errorf("%d facts, household %q; want household alone", len(k.Facts), k.fact("household"))
	}
}
