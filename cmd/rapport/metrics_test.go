package main

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/trust/access"
)

// figuresAt reads what a process tells Prometheus: each sample by its name and labels, and the sum of each name.
func figuresAt(t *testing.T, base string) map[string]float64 {
	t.Helper()
	res, err := http.Get(base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		sample, value, ok := cutLast(strings.TrimSpace(line), " ")
		n, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			t.Fatalf("no sample: %s", line)
		}
		out[sample] = n
		if name, _, labelled := strings.Cut(sample, "{"); labelled {
			out[name] += n
		}
	}
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// TestEachFigureMoves does one thing after the other and sees the figures that are about it move, and by how much.
func TestEachFigureMoves(t *testing.T) {
	d := describedHome(t)
	source, looks := basic(d.tokens[access.Source]), map[string]string{"Rapport-Purpose": d.h.charter().Order.Purposes[0], "Rapport-Reason": "a test of the figures"}
	track := func(id, event string, more map[string]any) call {
		properties := map[string]any{"order_id": id, "total": 3.5, "products": []any{map[string]any{"product_id": "item-1", "quantity": 1}}}
		for k, v := range more {
			properties[k] = v
		}
		return call{method: "POST", path: "/v1/track", header: source, body: map[string]any{"userId": shopper, "messageId": id, "event": event, "properties": properties}}
	}
	moves := func(what string, do func(), want map[string]float64) {
		t.Helper()
		before := figuresAt(t, d.base)
		do()
		after := figuresAt(t, d.base)
		for name, by := range want {
			if got := after[name] - before[name]; got != by {
				t.Errorf("%s: %s moved by %v, want %v", what, name, got, by)
			}
		}
	}
	moves("an event that is kept", func() { d.wants(200, track("figure-1", "Order Completed", nil), nil) },
		map[string]float64{"rapport_events_accepted_total": 1, "rapport_collect_seconds_count": 1, `rapport_requests_total{door="POST /v1/{call}",status="200"}`: 1})
	moves("the same again", func() {
		d.wants(200, track("figure-1", "Order Completed", nil), nil)
		if _, _, err := d.h.store.Fold(t.Context(), 1000); err != nil { // it is the fold that finds what is there twice
			t.Fatal(err)
		}
	}, map[string]float64{"rapport_events_duplicate_total": 1})
	moves("an event that the charter does not name", func() { d.wants(200, track("figure-2", "Never Declared", nil), nil) },
		map[string]float64{"rapport_events_accepted_total": 0, `rapport_events_refused_total{reason="unplanned-event"}`: 1})
	moves("a field that it does not name", func() { d.wants(200, track("figure-3", "Order Completed", map[string]any{"undeclared": 1}), nil) },
		map[string]float64{"rapport_events_accepted_total": 1, `rapport_fields_refused_total{reason="unplanned-field"}`: 1})
	place := d.h.charter().Order.Placements[0]
	moves("a decision", func() {
		d.wants(200, call{method: "POST", path: "/api/decide", role: access.Decide, credential: d.pages, body: map[string]any{"person": map[string]any{"userId": shopper}, "placement": place}}, nil)
	}, map[string]float64{"rapport_decisions_total": 1, "rapport_decide_seconds_count": 1, `rapport_decisions_degraded_total{part="model"}`: 1})
	if f := figuresAt(t, d.base); f["rapport_holds_total"] == 0 {
		t.Error("nothing was held back from anybody: rapport_holds_total did not move")
	}
	moves("a look by the privacy team", func() {
		d.wants(200, call{method: "GET", path: "/api/decisions/" + d.kept, role: access.Privacy, credential: d.tokens[access.Privacy], header: looks}, nil)
	}, map[string]float64{`rapport_looks_total{role="privacy"}`: 1})
	moves("a look that is refused", func() {
		d.wants(400, call{method: "GET", path: "/api/decisions/" + d.kept, role: access.Privacy, credential: d.tokens[access.Privacy]}, nil)
	}, map[string]float64{"rapport_looks_total": 0, `rapport_requests_total{door="GET /api/decisions/{id}",status="400"}`: 1})
	// What only a failing store or PostgreSQL tells of.
	moves("what the store tells", func() { d.h.meter.Lost(2); d.h.meter.Lag(90 * time.Second) }, map[string]float64{"rapport_receipts_lost_total": 2})
	if f := figuresAt(t, d.base); f["rapport_history_lag_seconds"] != 90 {
		t.Errorf("the lag is %v", f["rapport_history_lag_seconds"])
	}

	// Every figure of ours is one of those that are looked at here, and says what it is.
	families, err := d.h.meter.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := []string{"rapport_collect_seconds", "rapport_decide_seconds", "rapport_decisions_degraded_total", "rapport_decisions_total", "rapport_events_accepted_total", "rapport_events_duplicate_total",
		"rapport_anchors_failing", "rapport_events_refused_total", "rapport_fields_refused_total", "rapport_history_lag_seconds", "rapport_holds_total", "rapport_looks_total", "rapport_receipts_lost_total", "rapport_requests_total"}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "rapport_") && (!slices.Contains(seen, f.GetName()) || f.GetHelp() == "") {
			t.Errorf("%s is looked at by no test here, or does not say what it is", f.GetName())
		}
	}
}
