package access

import (
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
)

// FuzzWhoComes shows requests to a home that knows one token, one customer and one member of staff: nobody comes in by anything but the text itself, guesses
// take no room, and what a stranger sent stands in no error.
func FuzzWhoComes(f *testing.F) {
	token, customers, staffs := "rap_source_"+strings.Repeat("Aa0", 14)+"s", strings.Repeat("Cc1", 14)+"c", strings.Repeat("Ss2", 14)+"s"
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for _, header := range []string{"", "Bearer " + token, "bearer  " + token + " ", "Bearer " + token + "0", "Bearer " + strings.ToUpper(token), "Digest " + token, token, basic(token, ""), basic("", token), basic(token, token),
		basic(token+"\x00", ""), "Bearer rap_", "Bearer " + strings.Repeat("rap_", 1<<10), "Basic !!!", "Bearer\x00" + token} {
		f.Add(header, "rapport-me="+customers, true)
		f.Add(header, "rapport-staff="+staffs, false)
	}
	for _, cookie := range []string{"", "rapport-me", "rapport-me=" + staffs, `rapport-me="` + customers + `"`, "rapport-me=" + customers + "x", "rapport-me=; rapport-me=" + customers, "rapport-staff=" + customers, "__Host-rapport-me=" + customers, ";;=;"} {
		f.Add("", cookie, true)
		f.Add("", cookie, false)
	}
	f.Fuzz(func(t *testing.T, header, cookie string, customer bool) {
		store := newMemory()
		k := NewKeeper(store, store, func() person.Instant { return start }, false)
		store.tokens[HashOf(token)] = Token{Hash: HashOf(token), Role: Source, Name: "tills", Source: "tills"}
		store.sessions[HashOf(customers)] = Session{Hash: HashOf(customers), Role: Customer, Person: person.ID{7}, Expires: start.Add(time.Hour)}
		store.sessions[HashOf(staffs)] = Session{Hash: HashOf(staffs), Role: Agent, Name: "ann", Member: [32]byte{1}, Expires: start.Add(time.Hour)}

		r := httptest.NewRequest("POST", "/", nil)
		r.Header["Authorization"], r.Header["Cookie"] = []string{header}, []string{cookie}
		bearer, err := k.Bearer(r)
		if err != nil && err != ErrUnauthorised {
			t.Fatalf("an error that says more than it must: %v", err)
		}
		shown := strings.Contains(header, token)
		if _, coded, ok := strings.Cut(header, " "); ok && !shown {
			raw, err := base64.StdEncoding.DecodeString(coded)
			shown = err == nil && strings.HasPrefix(string(raw), token+":")
		}
		if header == "Bearer "+token && bearer.Role != Source {
			t.Fatalf("the token itself does not let in: %+v, %v", bearer, err)
		}
		if bearer.Role != Anyone && (err != nil || !shown || bearer.Role != Source || bearer.Source != "tills") {
			t.Fatalf("%q lets in %+v, %v", header, bearer, err)
		}
		visitor, err := k.Visitor(r, customer, false)
		if err != nil {
			t.Fatalf("a stranger's cookie is an error: %v", err)
		}
		name, text := "rapport-staff", staffs
		if customer {
			name, text = "rapport-me", customers
		}
		if cookie == name+"="+text && visitor.Role == Anyone {
			t.Fatal("the cookie itself does not let in")
		}
		if visitor.Role != Anyone && (!strings.Contains(cookie, text) || (visitor.Role == Customer) != customer || !visitor.Cookie) {
			t.Fatalf("%q lets in %+v", cookie, visitor)
		}
		for hash := range k.knownTokens.at {
			if hash != HashOf(token) {
				t.Fatal("a guess is remembered")
			}
		}
		for hash := range k.knownSessions.at {
			if hash != HashOf(customers) && hash != HashOf(staffs) {
				t.Fatal("a guess is remembered")
			}
		}
	})
}

// FuzzFeedback shows stubs to a home that signed two: each is good for its decision, in the one spelling that was given out, until it runs out.
func FuzzFeedback(f *testing.F) {
	s := NewStub([]byte(strings.Repeat("k", 32)))
	until := map[string]person.Instant{"dec_1": start, "dec_2": start.Add(time.Hour)}
	signed := map[string]string{}
	for decision, end := range until {
		signed[decision] = s.Sign(decision, end)
	}
	for decision, token := range signed {
		for _, text := range []string{token, token + "=", token + "\n", token[:9] + "\r\n" + token[9:], token[:31], token + "A", strings.ToLower(token), ""} {
			f.Add(decision, text, int64(until[decision])-1)
			f.Add(decision, text, int64(until[decision]))
			f.Add(decision+"0", text, int64(start))
		}
	}
	f.Add("dec_2", signed["dec_1"], int64(0))
	f.Add("", s.Sign("", start), int64(0))
	f.Fuzz(func(t *testing.T, decision, token string, now int64) {
		switch err := s.Check(decision, token, person.Instant(now)); {
		case err != nil && err != ErrUnauthorised:
			t.Fatalf("an error that says more than it must: %v", err)
		case err == nil && (token == "" || signed[decision] != token):
			t.Fatalf("%q is taken for %q", token, decision)
		case err == nil && now >= int64(until[decision]):
			t.Fatal("a stub that has run out is taken")
		case err != nil && decision != "" && signed[decision] == token && now < int64(until[decision]):
			t.Fatal("a stub is not good that was signed here")
		}
	})
}

// FuzzSameOrigin shows what browsers may say of where a request comes from: what is taken names this host and no other.
func FuzzSameOrigin(f *testing.F) {
	for _, from := range []string{"http://shop.example", "https://SHOP.example/a?b", "https://evil.example", "https://shop.example.evil.example", "https://evil.example/shop.example", "https://evil.example#@shop.example", "https://shop.example@evil.example",
		"https://shop.example:8443", `https://evil.example\@shop.example`, "null", "//shop.example", "javascript://shop.example", "https://shop.example%00.evil.example", ""} {
		f.Add("", from, "")
		f.Add("", "", from)
		f.Add("same-origin", from, "")
		f.Add("cross-site", "https://shop.example", from)
	}
	f.Fuzz(func(t *testing.T, site, origin, referer string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Host = "shop.example"
		r.Header["Sec-Fetch-Site"], r.Header["Origin"], r.Header["Referer"] = []string{site}, []string{origin}, []string{referer}
		err := SameOrigin(r)
		if err != nil && !errors.Is(err, ErrCrossSite) || err != nil && err.Error() != ErrCrossSite.Error() {
			t.Fatalf("an error that says more than it must: %v", err)
		}
		if site != "" {
			if (err == nil) != (site == "same-origin") {
				t.Fatalf("a browser says %q: %v", site, err)
			}
			return
		}
		from := origin
		if from == "" {
			from = referer
		}
		if err != nil {
			return
		}
		scheme, rest, _ := strings.Cut(strings.ToLower(from), "://")
		host := rest
		if end := strings.IndexAny(rest, `/?#\`); end >= 0 { // where browsers end it
			host = rest[:end]
		}
		host = host[strings.LastIndexByte(host, '@')+1:]
		if plain, err := url.PathUnescape(host); err == nil {
			host = plain
		}
		if scheme != "http" && scheme != "https" || !strings.EqualFold(host, "shop.example") {
			t.Fatalf("%q is taken for a page of this host", from)
		}
	})
}
