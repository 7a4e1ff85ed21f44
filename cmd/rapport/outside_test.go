package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// What the tests that look at a home from outside have in common: making one, sending messages to it, waiting for what it does
// in the background, and reading it to its end when nobody serves it any more.

// exampleHome makes a home of the retail example. Its path is short, as a socket's must be.
func exampleHome(t *testing.T) string {
	t.Helper()
	return homeOf(t, edited(t))
}

func homeOf(t *testing.T, source []byte) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rapport-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	home := filepath.Join(dir, "home")
	if err := makeHome(home, source); err != nil {
		t.Fatal(err)
	}
	return home
}

// edited is the example's charter with texts replaced by others, in pairs; each must be there.
func edited(t *testing.T, pairs ...string) []byte {
	t.Helper()
	source, ok := charter.Example("retail")
	if !ok {
		t.Fatal("the example is missing")
	}
	text := string(source)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example's charter does not say %q any more", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	if _, problems := charter.Parse([]byte(text)); problems.Err() != nil {
		t.Fatal(problems)
	}
	return []byte(text)
}

// writeFile writes a file for a command to read.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// until waits for what happens in the background.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	late := time.After(3 * time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("this did not come about in three minutes: %s", what)
		}
	}
}

// collects posts one body to a door with a write key.
func collects(door, key string, body []byte, headers map[string]string) (status int, header http.Header, err error) {
	req, err := http.NewRequest(http.MethodPost, door, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(key, "")
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header, err
}

// sends posts messages as one batch, which must be taken.
func sends(t *testing.T, url, key string, messages ...map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"batch": messages, "sentAt": time.Now().UTC().Format(time.RFC3339Nano)})
	if err != nil {
		t.Fatal(err)
	}
	if status, _, err := collects(url+"/v1/batch", key, body, nil); err != nil || status != http.StatusOK {
		t.Fatalf("a batch was answered with %d (%v)", status, err)
	}
}

// gets reads JSON from a door.
func gets(t *testing.T, url, token string, into any) int {
	t.Helper()
	return send(t, http.MethodGet, url, token, nil, into)
}

// metric reads one figure of a process by its name and labels.
func metric(t *testing.T, url, name string) float64 {
	t.Helper()
	n, ok := figuresAt(t, url)[name]
	if !ok {
		t.Fatalf("there is no figure %s", name)
	}
	return n
}

// refusals sums what GET /api/refusals counts, by "event.field reason".
func refusals(t *testing.T, url, key, source string) map[string]int64 {
	t.Helper()
	var got struct {
		Refusals []struct {
			Event, Field, Reason string
			Count                int64
		}
	}
	if status := gets(t, url+"/api/refusals?source="+source, key, &got); status != http.StatusOK {
		t.Fatalf("the refusals were answered with %d", status)
	}
	out := map[string]int64{}
	for _, r := range got.Refusals {
		name := r.Event
		if r.Field != "" {
			name += "." + r.Field
		}
		out[name+" "+r.Reason] += r.Count
	}
	return out
}

// known is everything that a home keeps of one person, opened.
type known struct {
	Record *vault.Record
	Facts  []person.Fact
	Events []person.Event
}

func (k *known) fact(name string) string {
	for _, f := range k.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// said is the last answer to a purpose.
func (k *known) said(purpose string) (answer consent.Answer) {
	last := person.Instant(0)
	for _, c := range k.Record.Choices {
		if c.Purpose == purpose && c.At >= last {
			answer, last = c.Answer, c.At
		}
	}
	return answer
}

// wholeHome is a home that nobody serves, open in this process.
type wholeHome struct {
	t *testing.T
	h *house
}

// opened opens a home until the test ends.
func opened(t *testing.T, o homeOptions) *wholeHome {
	t.Helper()
	h, err := openHouse(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	if err := h.fold(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &wholeHome{t, h}
}

func (w *wholeHome) permit() tact.Permit {
	w.t.Helper()
	p, err := tact.ForCheck("test", "everybody", 1, w.h.charter().Position, w.h.clock().Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *wholeHome) open(l vault.Loaded, p tact.Permit) (*known, error) {
	r, err := w.h.vault.Record(l, w.h.streams.of, w.h.series(), w.h.live.House().Shelf.Sensitive)
	if err != nil {
		return nil, err
	}
	o, err := r.Open(p, w.h.clock())
	if err != nil {
		return nil, err
	}
	if len(o.Unreadable) > 0 || r.Unreadable > 0 {
		return nil, fmt.Errorf("%d rows and some of %v cannot be opened", r.Unreadable, o.Unreadable)
	}
	return &known{Record: r, Facts: o.Facts, Events: o.History}, nil
}

// everybody reads the home to its end, as rapport prove does.
func (w *wholeHome) everybody() []*known {
	w.t.Helper()
	all, err := w.read()
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *wholeHome) read() (all []*known, err error) {
	w.t.Helper()
	p := w.permit()
	look, err := ledger.Seal(ledger.Look{At: w.h.clock(), Actor: "test", Role: p.Role(), Purpose: p.Purpose(), Reason: "a test", Fields: p.Fields(), Count: 1, Filter: "everybody"}, w.h.vault.Home())
	if err != nil {
		return nil, err
	}
	err = w.h.store.Each(context.Background(), look, func(l vault.Loaded) error {
		k, err := w.open(l, p)
		all = append(all, k)
		return err
	})
	return all, err
}

// person is whoever an identifier leads to; of a device the session that is open now. Nil when it leads to nobody.
func (w *wholeHome) person(kind vault.IdentifierKind, value string) *known {
	w.t.Helper()
	ctx := context.Background()
	blind, err := w.h.vault.Blind(kind, value)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := w.h.store.Find(ctx, []vault.Blind{blind})
	if err != nil {
		w.t.Fatal(err)
	}
	var last *vault.Identifier
	for i := range rows {
		if last == nil || rows[i].Since > last.Since {
			last = &rows[i]
		}
	}
	if last == nil {
		return nil
	}
	l, err := w.h.store.Load(ctx, last.Of)
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := w.open(l, w.permit())
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// orders counts the orders of people by their order_id.
func orders(all []*known) map[string]int {
	out := map[string]int{}
	for _, k := range all {
		for _, e := range k.Events {
			if e.Name == "Order Completed" {
				id, _ := e.Properties["order_id"].(string)
				out[id]++
			}
		}
	}
	return out
}
