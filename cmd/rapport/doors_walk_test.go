package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/shop"
)

// comer is somebody who comes to every door: what they carry, and which role that gives them at a door of a kind.
type comer struct {
	name     string
	role     access.Role // by token everywhere, by cookie in the cookie's own area
	bearer   string
	customer string // the value of the customers' cookie
	staff    string // the value of the staff's cookie
	bad      bool   // carries a token that is none
}

// at is the role that they have at a door.
func (c comer) at(d access.Door) access.Role {
	console := strings.HasPrefix(d.Pattern, "/console")
	switch {
	case c.bearer != "":
		return c.role
	case console && c.staff != "" && c.role.Staff(), !console && c.customer != "" && c.role == access.Customer:
		return c.role
	}
	return access.Anyone
}

// TestEveryRouteOfARunningHouseAsEverybody walks over HTTP through all routes of a house that serves a shop too: as each role by token,
// as staff and a customer with the cookies that signing in gave them, with cookies in the wrong place, after signing out, with tokens
// that are revoked or none, and as a stranger. Nobody gets in where they may not, nobody who may is turned away for their role, and
// nothing falls over.
func TestEveryRouteOfARunningHouseAsEverybody(t *testing.T) {
	h := newHouse(t)
	h.log = slog.New(slog.DiscardHandler)
	h.rates.sending.burst *= 10 // one address is many here; what comes too often is a test of its own
	credentials := credentialsOf(t, h)
	front := func(transport http.RoundTripper, base string, secure bool) *shop.Shop {
		return shop.New(shop.Config{Brand: "Fernhill", Languages: []string{"en"}, Base: base, Transport: transport, SourceKey: credentials[access.Source], Token: credentials[access.Decide],
			Currency: "GBP", Secure: secure, Log: h.log})
	}
	handler, err := h.doors(serveOptions{}, false, "http://rapport.example", front)
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := h.rows(serveOptions{}, false, "http://rapport.example", front)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	send := func(d access.Door, c comer, headers map[string]string, form url.Values) (*http.Response, string) {
		t.Helper()
		path := strings.NewReplacer("{$}", "", "{link}", "x", "{writeKey}", "x", "{call}", "track", "{code}", "invalid").Replace(d.Pattern)
		if strings.Contains(path, "{") {
			path = path[:strings.Index(path, "{")] + "x" + path[strings.Index(path, "}")+1:]
		}
		body, kind := "{}", "application/json"
		if form != nil || !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/v1/") {
			body, kind = form.Encode(), "application/x-www-form-urlencoded"
		}
		r, err := http.NewRequest(d.Method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if c.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		if c.customer != "" {
			r.AddCookie(&http.Cookie{Name: access.CookieName(true, false), Value: c.customer})
		}
		if c.staff != "" {
			r.AddCookie(&http.Cookie{Name: access.CookieName(false, false), Value: c.staff})
		}
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(raw)
	}
	cookie := func(res *http.Response, name string) string {
		t.Helper()
		for _, c := range res.Cookies() {
			if c.Name == name {
				return c.Value
			}
		}
		t.Fatalf("no cookie %s was given, with %d", name, res.StatusCode)
		return ""
	}
	signIn := func(role access.Role) string {
		res, _ := send(access.Door{Method: "POST", Pattern: "/console/sign-in"}, comer{}, nil, url.Values{"token": {credentials[role]}})
		return cookie(res, access.CookieName(false, false))
	}
	ctx := context.Background()
	revoked, err := h.mint(ctx, tokenArgs{Role: "admin", Name: "gone"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.RevokeToken(ctx, access.HashOf(revoked), h.clock()); err != nil {
		t.Fatal(err)
	}
	customer, leaving := credentials[access.Customer], signIn(access.Admin)
	if res, _ := send(access.Door{Method: "POST", Pattern: "/console/sign-out"}, comer{staff: leaving}, nil, url.Values{}); res.StatusCode >= 400 {
		t.Fatalf("signing out gave %d", res.StatusCode)
	}
	comers := []comer{
		{name: "a stranger"}, {name: "a revoked token", bearer: revoked, bad: true}, {name: "a token that is none", bearer: "rap_admin_" + strings.Repeat("0", 43), bad: true},
		{name: "a session that was ended", staff: leaving}, {name: "a customer's cookie as staff's", staff: customer}, {name: "a made-up session", customer: strings.Repeat("a", 43), staff: strings.Repeat("b", 43)},
		{name: "a customer", role: access.Customer, customer: customer},
	}
	for _, role := range access.Roles() {
		if !role.Mintable() {
			continue
		}
		comers = append(comers, comer{name: string(role) + " by token", role: role, bearer: credentials[role]})
		if role.Staff() {
			session := signIn(role)
			comers = append(comers, comer{name: string(role) + " signed in", role: role, staff: session}, comer{name: string(role) + "'s cookie as a customer's", role: role, customer: session})
		}
	}
	calls := 0
	for _, c := range comers {
		for _, d := range rows {
			if d.Pattern == "/console/sign-out" || d.Pattern == "/console/sign-out-everywhere" || d.Pattern == "/trust/sign-out" {
				continue // last, below: they end the sessions that this walk needs
			}
			calls++
			res, body := send(d, c, nil, nil)
			what := fmt.Sprintf("%s as %s gave %d", d.Key(), c.name, res.StatusCode)
			if res.StatusCode >= 500 {
				t.Errorf("%s: %.300s", what, body)
			}
			if res.Header.Get("Content-Security-Policy") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" || !wellFormedID.MatchString(res.Header.Get(requestIDHeader)) {
				t.Errorf("%s without its headers: %v", what, res.Header)
			}
			away := res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusSeeOther && (res.Header.Get("Location") == "/console/sign-in" || res.Header.Get("Location") == "/trust?said=ended")
			allowed := d.Allow(access.Principal{Role: c.at(d)})
			switch {
			case c.bad && !strings.HasPrefix(d.Pattern, "/v1/") && d.Key() != "POST /trust/enter":
				if !away {
					t.Errorf("%s: a bad token opens it", what)
				}
			case !allowed && !away:
				t.Errorf("%s: it should have been refused", what)
			case allowed && !c.bad && strings.Contains(body, "This door"):
				t.Errorf("%s: it is open to them: %.200s", what, body)
			}
			if personal := c.at(d) == access.Customer || c.at(d).Staff(); personal && res.StatusCode == http.StatusOK && !open(d) && res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s and may be stored: %q", what, res.Header.Get("Cache-Control"))
			}
			// What another site makes a browser send changes nothing.
			if d.Method == "POST" && (c.at(d) == access.Customer || c.at(d).Staff() && c.staff != "") && d.Key() != "POST /trust/enter" {
				if res, _ := send(d, c, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}, nil); res.StatusCode != http.StatusForbidden {
					t.Errorf("%s as %s from another site gave %d", d.Key(), c.name, res.StatusCode)
				}
			}
		}
	}
	if calls < len(rows)*15-100 || len(rows) < 50 {
		t.Errorf("only %d calls to %d doors", calls, len(rows))
	}
	// Signing out ends the session here, for every later request.
	session := signIn(access.Privacy)
	page := access.Door{Method: "GET", Pattern: "/console/charter"}
	before, _ := send(page, comer{staff: session}, nil, nil)
	send(access.Door{Method: "POST", Pattern: "/console/sign-out"}, comer{staff: session}, nil, url.Values{})
	after, _ := send(page, comer{staff: session}, nil, nil)
	if before.StatusCode != http.StatusOK || after.StatusCode != http.StatusSeeOther {
		t.Errorf("a session before and after it was ended: %d, %d", before.StatusCode, after.StatusCode)
	}
}

// open says whether a door's answer is the same for everybody.
func open(d access.Door) bool {
	return d.Allow(access.Principal{}) && !strings.HasPrefix(d.Pattern, "/trust")
}
