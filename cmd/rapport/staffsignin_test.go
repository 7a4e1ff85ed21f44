package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/trust/access"
)

// staffVisit asks for a page of the console with a staff cookie, as a browser does.
func staffVisit(handler http.Handler, method, path, cookie string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://rapport.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: access.CookieName(false, false), Value: cookie})
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// cookieOf is the staff cookie that an answer sets.
func cookieOf(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == access.CookieName(false, false) {
			return c
		}
	}
	t.Fatalf("%d: no session was begun", w.Code)
	return nil
}

func TestStaffSessionsAreNewAtSignInAndEndEverywhere(t *testing.T) {
	h := newHouse(t)
	handler, err := h.doors(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	enter := func(name, before string) *http.Cookie {
		text, err := h.mint(context.Background(), tokenArgs{Role: "marketer", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return cookieOf(t, staffVisit(handler, "POST", "/console/sign-in", before, url.Values{"token": {text}}))
	}
	in := func(c *http.Cookie) bool {
		return staffVisit(handler, "GET", "/console/you", c.Value, nil).Code == http.StatusOK
	}
	first := enter("Marie", "")
	if !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || !in(first) {
		t.Errorf("the cookie is %+v", first)
	}
	second := enter("Marie", first.Value)
	if second.Value == first.Value || in(first) || !in(second) {
		t.Error("the session of before a sign-in goes on after it")
	}
	phone, other := enter("Marie", ""), enter("Paul", "")
	if w := staffVisit(handler, "POST", "/console/sign-out-everywhere", second.Value, nil); w.Code != http.StatusSeeOther || cookieOf(t, w).MaxAge >= 0 {
		t.Errorf("%d: %v", w.Code, w.Header())
	}
	if in(second) || in(phone) || !in(other) {
		t.Errorf("after one click the browser is in: %v, the phone: %v, somebody else: %v", in(second), in(phone), in(other))
	}
	if w := staffVisit(handler, "GET", "/console/sign-in/openid", "", nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no OpenID Connect provider") {
		t.Errorf("a provider that is not there: %d", w.Code)
	}
}

func TestWhatIsSaidOfAProviderMustBeWhole(t *testing.T) {
	h := newHouse(t)
	secret := writeFile(t, "secret", "a secret\n")
	good := staffOptions{Issuer: "https://id.example", Client: "rapport", SecretFile: secret, Claim: "groups", Roles: map[string]string{"x": "privacy"}}
	if p, err := good.provider(sessions{h, true}); err != nil || p == nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*staffOptions){
		"no issuer": func(o *staffOptions) { o.Issuer = "" }, "no secret": func(o *staffOptions) { o.SecretFile = secret + "x" }, "no role": func(o *staffOptions) { o.Roles = nil }, "no such role": func(o *staffOptions) { o.Roles = map[string]string{"x": "boss"} },
	} {
		o := good
		change(&o)
		if _, err := o.provider(sessions{h, true}); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	if p, err := (staffOptions{Claim: "groups"}).provider(sessions{h, true}); p != nil || err != nil {
		t.Errorf("without a provider: %v, %v", p, err)
	}
	c := provider{staff{sessions{h, true}}, nil}.cookie("x")
	if c.Name != "__Host-rapport-sign-in" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
}
