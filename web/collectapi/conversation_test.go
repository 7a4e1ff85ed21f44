package collectapi

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/trust/vault"
)

type conversation struct {
	Name    string              `yaml:"name"`
	Steps   []step              `yaml:"steps"`
	Kept    []expected          `yaml:"kept"`
	Refused map[string][]string `yaml:"refused"`
}

type step struct {
	Send    string            `yaml:"send"`
	Source  string            `yaml:"source"`
	As      string            `yaml:"as"`
	Body    string            `yaml:"body"`
	Headers map[string]string `yaml:"headers"`
	Gzip    bool              `yaml:"gzip"`
	Status  int               `yaml:"status"`
	Code    string            `yaml:"code"`
}

type expected struct {
	UserID      string            `yaml:"userId"`
	AnonymousID string            `yaml:"anonymousId"`
	Events      []string          `yaml:"events"`
	Facts       map[string]string `yaml:"facts"`
}

func TestConversations(t *testing.T) {
	src, err := os.ReadFile("testdata/conversations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []conversation
	dec := yaml.NewDecoder(strings.NewReader(string(src)))
	dec.KnownFields(true)
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("%d conversations only", len(all))
	}
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) { c.hold(t, newHome(t, Limits{})) })
	}
}

func (c *conversation) hold(t *testing.T, h *home) {
	for i, s := range c.Steps {
		body := []byte(strings.ReplaceAll(s.Body, "KEY", key(s.Source)))
		if s.Gzip {
			body = zipped(body)
		}
		source := s.Source
		switch s.As {
		case "body", "none":
			source = ""
		case "wrong":
			source = "nobody"
		}
		w := h.do("POST", s.Send, source, body, s.Headers)
		if w.Code != s.Status {
			t.Errorf("step %d: status %d, want %d: %s", i+1, w.Code, s.Status, w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("step %d: a browser of another site may not read the answer", i+1)
		}
		if s.Status == 200 {
			if got := strings.TrimSpace(w.Body.String()); got != `{"success":true}` {
				t.Errorf("step %d: %s", i+1, got)
			}
		} else if p := problemOf(t, w); p.Code != s.Code {
			t.Errorf("step %d: code %q, want %q", i+1, p.Code, s.Code)
		}
	}
	for _, e := range c.Kept {
		kind, value := vault.UserID, e.UserID
		if e.AnonymousID != "" {
			kind, value = vault.AnonymousID, e.AnonymousID
		}
		got := h.kept(kind, value)
		slices.Sort(got.events)
		slices.Sort(e.Events)
		if d := cmp.Diff(e.Events, got.events); d != "" {
			t.Errorf("events of %s: %s", value, d)
		}
		if e.Facts == nil {
			e.Facts = map[string]string{}
		}
		if d := cmp.Diff(e.Facts, got.facts); d != "" {
			t.Errorf("facts of %s: %s", value, d)
		}
	}
	if err := h.gate.Book().Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for source, want := range c.Refused {
		list, err := h.store.Refusals(context.Background(), source, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprintf("%s %s %s %d", r.Event, r.Field, r.Reason, r.Count))
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("refusals of %s: %s", source, d)
		}
	}
}
