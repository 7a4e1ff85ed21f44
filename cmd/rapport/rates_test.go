package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

// TestNobodyIsSlowedForLong comes too often from one address, as one person and in one staff session, and is let in again after the
// time that the answer names; others are not touched.
func TestNobodyIsSlowedForLong(t *testing.T) {
	h := newHouse(t)
	now := person.SystemClock()
	h.clock = func() person.Instant { return now }
	credentials := credentialsOf(t, h)
	handler, err := h.doors(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, address string, dress func(*http.Request)) (int, string) {
		r := httptest.NewRequest(method, "http://rapport.example"+path, strings.NewReader(`{"person":{"userId":"one"},"attested":true}`))
		r.RemoteAddr = address + ":1"
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if dress != nil {
			dress(r)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code, w.Header().Get("Retry-After")
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	customer := func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: access.CookieName(true, false), Value: credentials[access.Customer]})
	}
	cookie, err := access.Begin(t.Context(), h.store, access.Session{Role: access.Marketer, Name: "Marie", Team: "marketing", Member: [32]byte{1}}, now)
	if err != nil {
		t.Fatal(err)
	}
	staff := func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: access.CookieName(false, false), Value: cookie})
	}
	attesting, err := h.mint(t.Context(), tokenArgs{Role: "decide", Name: "site", Attest: true})
	if err != nil {
		t.Fatal(err)
	}
	const one, other = "203.0.113.1", "203.0.113.2"
	for _, c := range []struct {
		what, method, path string
		dress              func(*http.Request)
		burst              float64
		address            func(i int) string // of the i-th request
		untouched          func() int         // somebody else's status meanwhile
	}{
		{"a stranger who reads", "GET", "/api/items/none", nil, h.rates.reading.burst, func(int) string { return one }, func() int { s, _ := ask("GET", "/api/items/none", other, nil); return s }},
		{"who tries tokens", "GET", "/api/refusals", bearer("rap_admin_" + strings.Repeat("0", 43)), h.rates.sending.burst, func(int) string { return one },
			func() int { s, _ := ask("GET", "/api/refusals", one, bearer(credentials[access.Admin])); return s }},
		{"a customer, from everywhere", "GET", "/trust/choices", customer, h.rates.customer.burst, func(i int) string { return "198.51.100." + strconv.Itoa(i%200) },
			func() int { s, _ := ask("GET", "/healthz", one, nil); return s }},
		{"a member of staff", "GET", "/console/charter", staff, h.rates.staff.burst, func(int) string { return other }, func() int { s, _ := ask("GET", "/healthz", other, nil); return s }},
		{"links for one person", "POST", "/api/sign-in-links", bearer(attesting), 60, func(int) string { return other }, func() int { s, _ := ask("GET", "/openapi.json", other, nil); return s }},
	} {
		let, status, wait := 0, 0, ""
		for i := 0; i <= int(c.burst) && status != http.StatusTooManyRequests; i++ {
			if status, wait = ask(c.method, c.path, c.address(i), c.dress); status != http.StatusTooManyRequests {
				let++
			}
		}
		seconds, err := strconv.Atoi(wait)
		if status != http.StatusTooManyRequests || let != int(c.burst) || err != nil || seconds > 1 {
			t.Errorf("%s: %d of %v were let in, then %d with Retry-After %q", c.what, let, c.burst, status, wait)
		}
		if s := c.untouched(); s == http.StatusTooManyRequests || s == http.StatusUnauthorized {
			t.Errorf("%s slows others: %d", c.what, s)
		}
		now = now.Add(time.Duration(seconds) * time.Second)
		if s, _ := ask(c.method, c.path, c.address(0), c.dress); s == http.StatusTooManyRequests {
			t.Errorf("%s is turned away again after the time that was named", c.what)
		}
	}
}
