package collectapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/trust/access"
)

// What browsers of other sites may send: a client's write key is public, so nothing is behind it but the gate.
func open(w http.ResponseWriter) {
	h := w.Header()
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"], h["Cache-Control"] = anywhere, exposed, noStore
}

// Values of headers that each answer has, made once.
var (
	anywhere   = []string{"*"}
	exposed    = []string{"retry-after, x-request-id"}
	noStore    = []string{"no-store"}
	asJSON     = []string{"application/json"}
	doneLength = []string{strconv.Itoa(len(done))}
)

func preflight(w http.ResponseWriter, _ *http.Request, _ access.Principal) {
	open(w)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, x-retry-count, anonymousid")
	h.Set("Access-Control-Max-Age", strconv.Itoa(int(stale/time.Second)))
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}

// settings tells Segment's browser SDK to send everything here, and to load nothing from anywhere.
func (a *API) settings(w http.ResponseWriter, r *http.Request, _ access.Principal) {
	open(w)
	key := r.PathValue("writeKey")
	if _, err := a.source(r.Context(), key); err != nil {
		problem(w, err, 0)
		return
	}
	protocol := "http"
	if a.parts.Secure {
		protocol = "https"
	}
	always := map[string]any{"__default": map[string]any{"enabled": true, "integrations": map[string]any{}}}
	answer(w, map[string]any{
		"integrations": map[string]any{"Segment.io": map[string]any{
			"apiKey": key, "apiHost": r.Host + "/v1", "protocol": protocol, "unbundledIntegrations": []string{}, "addBundledMetadata": false, "versionSettings": map[string]any{"version": "4.4.7", "componentTypes": []string{"browser"}},
		}},
		"plan":                      map[string]any{"track": always, "identify": map[string]any{"__default": map[string]any{"enabled": true}}, "group": map[string]any{"__default": map[string]any{"enabled": true}}},
		"edgeFunction":              map[string]any{},
		"analyticsNextEnabled":      true,
		"middlewareSettings":        map[string]any{},
		"enabledMiddleware":         map[string]any{},
		"metrics":                   map[string]any{"sampleRate": 0},
		"legacyVideoPluginsEnabled": false,
		"remotePlugins":             []any{},
	})
}

var (
	errPublic = fault.New(fault.Refused, "A client source's key is public, so it reads nothing here: use the key of a server source, or a staff token.")
	errWhich  = fault.New(fault.Invalid, "Say which source, as in ?source=tills.")
	errDays   = fault.New(fault.Invalid, "days is a number from 1 to 400.")
)

// owned is the source that a request may read about. Sources read about themselves, staff about any.
func (a *API) owned(r *http.Request, p access.Principal) (string, error) {
	asked := r.URL.Query().Get("source")
	if p.Role != access.Source {
		return asked, nil
	}
	if a.client(p.Source) {
		return "", errPublic
	}
	if asked != "" && asked != p.Source {
		// A server's key may look after the client sources of the same house: their own keys are public. Another server's it may not.
		if !a.client(asked) || a.parts.Charters().Current().Sources[asked] == nil {
			return "", fault.New(fault.Refused, "This key reads about its own source only: leave source out.")
		}
		return asked, nil
	}
	return p.Source, nil
}

type refusal struct {
	Day    string         `json:"day"`
	Source string         `json:"source"`
	Event  string         `json:"event"`
	Field  string         `json:"field,omitempty"`
	Reason collect.Reason `json:"reason"`
	Count  int64          `json:"count"`
}

// refusals gives counts by day, event, field and reason; names as they were spelt only of the last hour, from memory.
func (a *API) refusals(w http.ResponseWriter, r *http.Request, p access.Principal) {
	source, err := a.owned(r, p)
	if err != nil {
		problem(w, err, 0)
		return
	}
	days := 30
	if d := r.URL.Query().Get("days"); d != "" {
		if days, err = strconv.Atoi(d); err != nil || days < 1 || days > 400 {
			problem(w, errDays, 0)
			return
		}
	}
	book := a.parts.Gate.Book()
	list, err := book.Refusals(r.Context(), source, a.parts.Clock().Day()-int64(days)+1)
	if err != nil {
		problem(w, fault.Wrap(fault.Unavailable, "The counts cannot be read just now: ask again in a moment.", err), time.Second)
		return
	}
	out := struct {
		Source   string         `json:"source,omitempty"`
		Refusals []refusal      `json:"refusals"`
		Names    []collect.Name `json:"names"`
	}{Source: source, Refusals: []refusal{}, Names: []collect.Name{}}
	for _, f := range list {
		out.Refusals = append(out.Refusals, refusal{time.Unix(f.Day*86400, 0).UTC().Format(time.DateOnly), f.Source, f.Event, f.Field, f.Reason, f.Count})
	}
	if source != "" {
		out.Names = book.Names(source)
	}
	answer(w, out)
}

type event struct {
	Arrived string         `json:"arrived"`
	Type    string         `json:"type"`
	Event   string         `json:"event"`
	Kept    bool           `json:"kept"`
	Reason  collect.Reason `json:"reason,omitempty"`
	Field   string         `json:"field,omitempty"`
	Fields  []collect.Fell `json:"fields"`
}

// recent tells what became of the latest messages: did mine arrive, what was kept, which fields fell and why.
func (a *API) recent(w http.ResponseWriter, r *http.Request, p access.Principal) {
	source, err := a.owned(r, p)
	if err == nil && source == "" {
		err = errWhich
	}
	if err != nil {
		problem(w, err, 0)
		return
	}
	out := struct {
		Source string  `json:"source"`
		Events []event `json:"events"`
	}{Source: source, Events: []event{}}
	for _, e := range a.parts.Gate.Book().Recent(source) {
		fields := e.Fields
		if fields == nil {
			fields = []collect.Fell{}
		}
		out.Events = append(out.Events, event{e.Arrived.Time().Format(time.RFC3339Nano), e.Type, e.Event, e.Kept, e.Reason, e.Field, fields})
	}
	answer(w, out)
}
