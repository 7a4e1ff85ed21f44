package main

import (
	"bufio"
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
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
	token := func(name string) string {
		text, err := h.mint(context.Background(), tokenArgs{Role: "marketer", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	enter := func(text, before string) *http.Cookie {
		return cookieOf(t, staffVisit(handler, "POST", "/console/sign-in", before, url.Values{"token": {text}}))
	}
	in := func(c *http.Cookie) bool {
		return staffVisit(handler, "GET", "/console/you", c.Value, nil).Code == http.StatusOK
	}
	marie, namesake := token("Marie"), token("Marie")
	first := enter(marie, "")
	if !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || !in(first) {
		t.Errorf("the cookie is %+v", first)
	}
	second := enter(marie, first.Value)
	if second.Value == first.Value || in(first) || !in(second) {
		t.Error("the session of before a sign-in goes on after it")
	}
	phone, other := enter(marie, ""), enter(namesake, "")
	if w := staffVisit(handler, "POST", "/console/sign-out-everywhere", second.Value, nil); w.Code != http.StatusSeeOther || cookieOf(t, w).MaxAge >= 0 {
		t.Errorf("%d: %v", w.Code, w.Header())
	}
	if in(second) || in(phone) || !in(other) {
		t.Errorf("after one click the browser is in: %v, the phone: %v, somebody else of the same name: %v", in(second), in(phone), in(other))
	}
	if n, err := h.revoke(t.Context(), named(namesake)); n != 1 || err != nil || in(other) {
		t.Errorf("%d tokens revoked, and whom one let in is in: %v, %v", n, in(other), err)
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

// TestStaffComeInAtARealProvider walks from the console to the pinned provider and back, and tries the answer again.
func TestStaffComeInAtARealProvider(t *testing.T) {
	if _, err := os.Stat("testdata/oidc/node_modules/oidc-provider/package.json"); err != nil {
		t.Fatal("The pinned provider is not installed: run make test, which installs it.")
	}
	node := exec.Command("node", "provider.mjs")
	node.Dir, node.Env = "testdata/oidc", append(os.Environ(), "NODE_ENV=production")
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = node.Wait() })
	issuer := ""
	for lines := bufio.NewScanner(out); issuer == "" && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
			issuer = lines.Text()
		}
	}
	h := newHouse(t)
	handler, err := h.doors(serveOptions{Staff: staffOptions{Issuer: issuer, Client: "rapport", SecretFile: writeFile(t, "secret", "a secret of the tests\n"), Claim: "groups",
		Roles: map[string]string{"brand-marketing": "marketer", "brand-privacy": "privacy"}}}, false, "http://127.0.0.1:9", nil)
	if err != nil {
		t.Fatal(err)
	}
	visit := func(path string, cookies []*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "http://127.0.0.1:9"+path, nil) // the address that the provider knows
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := visit("/console/sign-in", nil); !strings.Contains(w.Body.String(), `href="/console/sign-in/openid"`) {
		t.Error("the page to sign in does not name the provider")
	}
	walk := func(as string) (path string, cookies []*http.Cookie) {
		w := visit("/console/sign-in/openid", nil)
		if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 || !w.Result().Cookies()[0].HttpOnly {
			t.Fatalf("%d: %v", w.Code, w.Header())
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(issuer)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(at, []*http.Cookie{{Name: "as", Value: as}})
		browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Host == "127.0.0.1:9" || len(via) > 10 {
				path = r.URL.RequestURI()
				return http.ErrUseLastResponse
			}
			return nil
		}}
		res, err := browser.Get(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return path, w.Result().Cookies()
	}
	path, cookies := walk("paul")
	w := visit(path, cookies)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console" {
		t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if you := visit("/console/you", []*http.Cookie{cookieOf(t, w)}); !strings.Contains(you.Body.String(), "paul (privacy)") {
		t.Error("the session is not Paul's from privacy")
	}
	refused := func(what, path string, cookies []*http.Cookie, status int, says string) {
		t.Helper()
		w := visit(path, cookies)
		if w.Code != status || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d", what, w.Code)
		}
		for _, c := range w.Result().Cookies() {
			if c.Name == access.CookieName(false, false) {
				t.Errorf("%s: a session was begun", what)
			}
		}
	}
	refused("the same answer again", path, cookies, http.StatusUnauthorized, "was used already")
	path, _ = walk("paul")
	refused("the answer to another browser", path, nil, http.StatusUnauthorized, "not begun in this browser")
	path, cookies = walk("guest")
	refused("no role", path, cookies, http.StatusForbidden, "no role here")
}
