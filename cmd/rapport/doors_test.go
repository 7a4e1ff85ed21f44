package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

// newHouse is an open home of the example's charter, without a process of its own.
func newHouse(t *testing.T) *house {
	t.Helper()
	source, ok := charter.Example("retail")
	if !ok {
		t.Fatal("the example is missing")
	}
	dir := filepath.Join(t.TempDir(), "home")
	if err := makeHome(dir, source); err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(context.Background(), homeOptions{Home: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// expected is the table of who may come in by which door, written down a second time on purpose: a change of a row must be meant.
// Letters: - nobody known, s source, d decide, m marketer, a agent, p privacy, A admin, P partner, c customer.
var expected = map[string]string{
	"GET /{$}": "-sdmapAPc", "GET /assets/": "-sdmapAPc", "GET /healthz": "-sdmapAPc", "GET /readyz": "-sdmapAPc", "GET /metrics": "-sdmapAPc", "GET /problems/{code}": "-sdmapAPc", "GET /openapi.json": "-sdmapAPc",
	"POST /language":   "-sdmapAPc",
	"POST /v1/{call}":  "-sdmapAPc",
	"POST /api/decide": "dp", "GET /api/decisions/{id}": "dpc", "POST /api/shown": "-dpc", "POST /api/feedback": "-dpc",
	"POST /api/sign-in-links": "d", "POST /api/rights/erase": "p", "GET /api/items/{id}/goes-with": "sd",
	"GET /trust/facts": "-c", "GET /trust/choices": "-c", "GET /trust/decisions": "-c", "GET /trust/decisions/{id}": "-c", "GET /trust/looks": "-c", "GET /trust/looks.json": "-c",
	"GET /trust/ledger/{what}": "-sdmapAPc", "POST /trust/correct": "c",
	"GET /trust": "-c", "GET /trust/enter/{link}": "-c", "POST /trust/enter": "-c", "POST /trust/choose": "c", "POST /trust/remove": "c", "POST /trust/judge": "c", "POST /trust/restrict": "c", "POST /trust/feedback": "c", "POST /trust/sign-out": "-c",
	"GET /console/sign-in/openid": "-mapA", "GET /console/sign-in/callback": "-mapA", "GET /console/you": "mapA", "POST /console/sign-out-everywhere": "mapA",
	"GET /console": "mapA", "GET /console/sign-in": "-mapA", "POST /console/sign-in": "-mapA", "POST /console/sign-out": "mapA", "GET /console/playground": "mapA", "POST /console/playground": "mapA", "GET /console/charter": "mapA",
	"GET /console/catalogue": "mapA", "GET /console/sources": "mapA", "GET /console/quality": "mapA", "POST /console/tokens": "A", "POST /console/tokens/revoke": "A",
	"GET /console/events": "pA", "GET /console/refusals": "pA", "GET /console/ledger": "pA", "POST /console/ledger/verify": "pA",
	"GET /console/identity": "pA", "GET /console/identity/{pair}": "pA", "POST /console/identity/{pair}": "p", "POST /console/identity/{pair}/values": "p",
}

var letters = map[access.Role]string{access.Anyone: "-", access.Source: "s", access.Decide: "d", access.Marketer: "m", access.Agent: "a", access.Privacy: "p", access.Admin: "A", access.Partner: "P", access.Customer: "c"}

// tableOf gives the rows of the table by asking the mux's own builder.
func tableOf(t *testing.T, h *house) []access.Door {
	t.Helper()
	rows, _, err := h.rows(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestEveryDoorTimesEveryRole(t *testing.T) {
	h := newHouse(t)
	slog.SetDefault(slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)))
	handler, err := h.doors(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	credentials := credentialsOf(t, h)
	seen := map[string]bool{}
	for _, d := range tableOf(t, h) {
		seen[d.Key()] = true
		want, known := expected[d.Key()]
		for _, role := range access.Roles() {
			letter := letters[role]
			open := false
			for _, r := range d.Roles {
				open = open || r == role || r == access.Anyone
			}
			if known && open != (strings.Contains(want, letter) || strings.Contains(want, "-")) {
				t.Errorf("%s is open to %q: %v, and was not meant so", d.Key(), role, open)
			}
			status := knock(handler, d, credentials[role], role)
			refused := status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusSeeOther && (strings.HasPrefix(d.Pattern, "/console") || strings.HasPrefix(d.Pattern, "/trust"))
			if !open && !refused {
				t.Errorf("%s as %q gave %d: it should have been refused", d.Key(), role, status)
			}
		}
	}
	for key := range expected {
		if !seen[key] {
			t.Errorf("%s is expected and is not in the table of doors", key)
		}
	}
	for key := range seen {
		if _, known := expected[key]; !known && !strings.HasPrefix(key, "OPTIONS ") && !extraDoors[key] {
			t.Errorf("%s is a door that nobody wrote down here: say who may come in", key)
		}
	}
}

// extraDoors are looked at by the tests of their own packages.
var extraDoors = map[string]bool{"GET /v1/projects/{writeKey}/settings": true, "GET /api/refusals": true, "GET /api/events/recent": true, "POST /api/complaints": true, "PUT /api/items": true, "GET /api/items/{id}": true}

// knock opens a door with a role's token or cookie, and with nothing in hand.
func knock(handler http.Handler, d access.Door, credential string, role access.Role) int {
	path := strings.NewReplacer("{$}", "", "{id}", "x", "{link}", "x", "{writeKey}", "x", "{call}", "track", "{slug}", "x", "{pair}", "x").Replace(d.Pattern)
	r := httptest.NewRequest(d.Method, "http://rapport.example"+path, strings.NewReader("{}"))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	switch {
	case role == access.Anyone:
	case role == access.Customer:
		r.AddCookie(&http.Cookie{Name: access.CookieName(true, false), Value: credential})
	case role.Staff() && strings.HasPrefix(d.Pattern, "/console"):
		r.AddCookie(&http.Cookie{Name: access.CookieName(false, false), Value: credential + ""})
		r.Header.Set("Authorization", "Bearer "+credential)
	default:
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// credentialsOf makes a token for every role, and a customer's session.
func credentialsOf(t *testing.T, h *house) map[access.Role]string {
	t.Helper()
	ctx := context.Background()
	out := map[access.Role]string{}
	for _, role := range access.Roles() {
		if !role.Mintable() {
			continue
		}
		args := tokenArgs{Role: string(role), Name: "somebody"}
		if role == access.Source {
			for _, name := range h.charter().Order.Sources {
				if h.charter().Sources[name].Kind == "server" {
					args.Name = name
				}
			}
		}
		text, err := h.mint(ctx, args)
		if err != nil {
			t.Fatal(err)
		}
		out[role] = text
	}
	blind, err := h.vault.Blind(vault.UserID, "customer")
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := h.vault.Enrol(h.clock())
	if err != nil {
		t.Fatal(err)
	}
	e.Identifiers = []vault.Identifier{{Blind: blind, Of: e.ID, Verified: true}}
	if err := h.store.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{e}}); err != nil {
		t.Fatal(err)
	}
	cookie, err := access.Begin(ctx, h.store, access.Session{Role: access.Customer, Person: e.ID}, h.clock())
	if err != nil {
		t.Fatal(err)
	}
	out[access.Customer] = cookie
	return out
}

func TestARouteWithoutARowCannotBeServed(t *testing.T) {
	table, err := access.NewTable(access.Door{Method: "GET", Pattern: "/known", Roles: []access.Role{access.Anyone}})
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(http.ResponseWriter, *http.Request, access.Principal) {}
	guard := access.Guard{Who: func(*http.Request, access.Door) (access.Principal, error) { return access.Principal{}, nil }, Refuse: func(http.ResponseWriter, *http.Request, access.Door, error) {}}
	if _, err := table.Mux(guard, map[string]access.Handler{"GET /known": nothing, "GET /new": nothing}); err == nil {
		t.Error("a handler without a row in the table of doors was registered")
	}
}
