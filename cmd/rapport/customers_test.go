package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rapporthq/rapport/trust/access"
)

// newBrowser is a browser without a page: it keeps cookies and follows where it is sent.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute}
}

func read(t *testing.T, res *http.Response, err error) (status int, text string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// brandSigned is a token as the brand's server makes it.
func brandSigned(t *testing.T, secret, user, id string, changes ...any) string {
	t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{"iss": "https://shop.example", "aud": "rapport", "sub": user, "jti": id, "iat": now, "exp": now + 120}
	for i := 0; i < len(changes); i += 2 {
		claims[changes[i].(string)] = changes[i+1]
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestACustomerComesInByTheBrandsToken sends the brand's form from another site, with and without an earlier session.
func TestACustomerComesInByTheBrandsToken(t *testing.T) {
	home := exampleHome(t)
	secret := strings.Repeat("a key of the brand and this home ", 2)
	flags := []string{"--customer-key-file", writeFile(t, "key", secret), "--customer-issuer", "https://shop.example", "--customer-audience", "rapport"}
	secret = strings.TrimSpace(secret)
	s := serveHome(t, home, flags...)
	enter := func(c *http.Client, token string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, s.URL+"/trust/enter", strings.NewReader(url.Values{"token": {token}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-site")
		r.Header.Set("Origin", "https://shop.example")
		res, err := c.Do(r)
		return read(t, res, err)
	}
	customer := newBrowser(t)
	token := brandSigned(t, secret, "somebody-in-particular", "one")
	if status, text := enter(customer, token); status != http.StatusOK || !strings.Contains(text, "/trust/restrict") {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := enter(customer, brandSigned(t, secret, "somebody-in-particular", "two")); status != http.StatusOK {
		t.Errorf("with a session from before: %d %s", status, text)
	}

	var said string
	for what, bad := range map[string]string{
		"again":            token,
		"another key":      brandSigned(t, strings.Repeat("x", 40), "somebody-in-particular", "three"),
		"another audience": brandSigned(t, secret, "somebody-in-particular", "four", "aud", "till"),
		"run out":          brandSigned(t, secret, "somebody-in-particular", "five", "exp", time.Now().Add(-time.Minute).Unix()),
		"nothing":          "", "oversize": strings.Repeat("e", 9000), "far too much": strings.Repeat("e", 90_000),
	} {
		stranger := newBrowser(t)
		status, text := enter(stranger, bad)
		from := strings.Index(text, "<main")
		if status != http.StatusUnauthorized || from < 0 {
			t.Errorf("%s: %d %s", what, status, text)
			continue
		}
		if main := text[from:]; said == "" {
			said = main
		} else if main != said {
			t.Errorf("%s is told something of its own:\n%s", what, main)
		}
		if u, _ := url.Parse(s.URL); len(stranger.Jar.Cookies(u)) != 0 {
			t.Errorf("%s: a cookie is set", what)
		}
	}
	if !strings.Contains(said, "come in again from there") {
		t.Errorf("it says %s", said)
	}

	// A token in an address would stay in histories and logs: it is not looked at.
	res, err := newBrowser(t).Get(s.URL + "/trust/enter?token=" + brandSigned(t, secret, "somebody-in-particular", "six"))
	if status, _ := read(t, res, err); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		t.Errorf("a token in the address: %d", status)
	}

	s.stop()
	for _, secretive := range []string{"somebody-in-particular", token, token[:40]} {
		if strings.Contains(s.log.String(), secretive) {
			t.Error("the log names who came in, or how")
		}
	}
	if !strings.Contains(s.log.String(), "audience") {
		t.Errorf("the log does not say why a token was not taken:\n%s", s.log.String())
	}
	s = serveHome(t, home, flags...)
	if status, _ := enter(newBrowser(t), token); status != http.StatusUnauthorized {
		t.Errorf("after a restart a used token gives %d", status)
	}
}

// TestAFormAfterTheSessionHasEnded reads a page that says so, and changes nothing.
func TestAFormAfterTheSessionHasEnded(t *testing.T) {
	s := serveHome(t, exampleHome(t))
	for _, path := range []string{"/trust/choose", "/trust/correct", "/trust/judge", "/trust/remove", "/trust/restrict", "/trust/feedback"} {
		r, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(url.Values{"purpose": {"personalise"}, "answer": {"yes"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err := newBrowser(t).Do(r)
		if status, text := read(t, res, err); status != http.StatusOK || !strings.Contains(text, "Your session has ended") || !strings.Contains(text, "Your data is yours") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestWhatServeIsToldAboutTokens(t *testing.T) {
	home := exampleHome(t)
	key := writeFile(t, "key", strings.Repeat("k", 40))
	open := writeFile(t, "open", strings.Repeat("k", 40))
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags []string
		code  int
		says  string
	}{
		{[]string{"--customer-key-file", key}, 2, "--customer-issuer and --customer-audience"},
		{[]string{"--customer-issuer", "i", "--customer-audience", "a"}, 2, "either --customer-jwks or --customer-key-file"},
		{[]string{"--customer-key-file", key, "--customer-jwks", "keys.json", "--customer-issuer", "i", "--customer-audience", "a"}, 2, "either"},
		{[]string{"--customer-jwks", "http://shop.example/keys", "--customer-issuer", "i", "--customer-audience", "a"}, 1, "https"},
		{[]string{"--customer-key-file", open, "--customer-issuer", "i", "--customer-audience", "a"}, 1, "chmod 600"},
	} {
		_, errs, code := try(t, append([]string{"serve", "--home", home, "--listen", "127.0.0.1:0"}, c.flags...)...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d: %s", c.flags, code, errs)
		}
	}
}

// TestALinkIsGoodOnce looks at a link without using it, uses it, and tries again.
func TestALinkIsGoodOnce(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	token := must(t, "token", "--home", home, "--role", "decide", "--name", "server", "--placements", "home", "--attest")
	var made struct{ URL string }
	if status := post(t, s.URL+"/api/sign-in-links", token, map[string]any{"person": map[string]string{"userId": "u"}, "attested": true}, &made); status != http.StatusOK || !strings.HasPrefix(made.URL, "/trust/enter/") {
		t.Fatal(status, made)
	}
	res, err := newBrowser(t).Head(s.URL + made.URL)
	if status, _ := read(t, res, err); status == http.StatusOK {
		t.Errorf("only looking gives %d", status)
	}
	if status, text := readAt(t, newBrowser(t), s.URL+made.URL); status != http.StatusOK || !strings.Contains(text, "/trust/restrict") {
		t.Errorf("the first time: %d %s", status, text)
	}
	if status, text := readAt(t, newBrowser(t), s.URL+made.URL); status != http.StatusUnauthorized || !strings.Contains(text, "come in again from there") {
		t.Errorf("the second time: %d %s", status, text)
	}
	if access.LinkStays > 15*time.Minute {
		t.Errorf("a link is good for %v", access.LinkStays)
	}
	// Many tries from one address are slowed down.
	slowed := false
	for i := range 80 {
		res, err := http.Get(fmt.Sprintf("%s/trust/enter/guess-%d", s.URL, i))
		if status, _ := read(t, res, err); status == http.StatusTooManyRequests {
			slowed = true
		}
	}
	if !slowed {
		t.Error("eighty guesses are let in at once")
	}
}

func readAt(t *testing.T, c *http.Client, address string) (int, string) {
	t.Helper()
	res, err := c.Get(address)
	return read(t, res, err)
}
