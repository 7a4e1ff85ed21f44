package transit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/trust/vault"
)

// answering is a service that always says the same.
type answering struct {
	status int
	body   []byte
	asked  *http.Request
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = r
	return &http.Response{StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

// holds says whether a text stands anywhere among the values of a JSON document.
func holds(v any, is func(text string) bool) bool {
	switch v := v.(type) {
	case string:
		return is(v)
	case []any:
		for _, e := range v {
			if holds(e, is) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if holds(e, is) {
				return true
			}
		}
	}
	return false
}

// FuzzWhatAServiceSays has a key service answer anything: what is given out stands in an answer of 200, all else is no verdict but where the service says that it is one, and no
// error repeats the answer or the token.
func FuzzWhatAServiceSays(f *testing.F) {
	const canary, token = "Zaphod", "s.Marvin"
	for _, body := range []string{`{"data":{"ciphertext":"vault:v1:AAAA"}}`, `{"data":{"plaintext":"WmFwaG9k"}}`, `{"data":{"plaintext":""}}`, `{"data":{"plaintext":null}}`, `{"data":{"plaintext":"Zaphod!"}}`, `{"data":{"plaintext":7,"ciphertext":["Zaphod"]}}`,
		`{"data":"Zaphod"}`, `{"data":null}`, `{"errors":["Zaphod s.Marvin"]}`, `{}`, `[]`, ``, `<html>Zaphod`, `{"data":{"plaintext":"WmFwaG9k"}} Zaphod`, `{"data":{"ciphertext":"` + "\xff" + `Zaphod"}}`, `{"data":{"plaintext":"WmFw\naG9k"}}`, `{"auth":{"client_token":"Zaphod"},"data":{}}`} {
		for _, status := range []int{200, 204, 301, 400, 403, 404, 500, 503} {
			f.Add(status, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			status = 200
		}
		to := &answering{status: status, body: body}
		c := Client{Token: func() (string, error) { return token, nil }, Transport: to}
		a, err := c.GetAEAD("hcvault://keys.example:8200/transit/keys/shop")
		if err != nil {
			t.Fatal(err)
		}
		var says any
		sound := json.Unmarshal(body, &says) == nil
		plain, err1 := a.Decrypt([]byte("vault:v1:AAAA"), []byte("bound"))
		sealed, err2 := a.Encrypt([]byte("a keyset"), nil)
		for _, err := range []error{err1, err2} {
			switch {
			case err == nil && (status != http.StatusOK || !sound):
				t.Fatalf("an answer of %d is taken for one: %q", status, body)
			case err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), token)):
				t.Fatalf("an error repeats what it must not: %v", err)
			case err != nil && errors.Is(err, vault.ErrKeyService) == (status == http.StatusBadRequest):
				t.Fatalf("%d, a verdict or none: %v", status, err)
			}
		}
		if err1 == nil && !holds(says, func(text string) bool {
			raw, err := base64.StdEncoding.DecodeString(text)
			return err == nil && bytes.Equal(raw, plain)
		}) {
			t.Fatalf("%q is given out of %q", plain, body)
		}
		if err2 == nil && (len(sealed) == 0 || !holds(says, func(text string) bool { return text == string(sealed) })) {
			t.Fatalf("%q is given out of %q", sealed, body)
		}
		if err1 != nil && plain != nil || err2 != nil && sealed != nil {
			t.Fatal("something is given out beside an error")
		}
	})
}

// here says whether a host is an address of this machine's own.
func here(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// FuzzAddress reads addresses of keys: what is taken leads to the host and the key that it names, by TLS or on this machine, and nothing else travels with it.
func FuzzAddress(f *testing.F) {
	for _, uri := range []string{"hcvault://vault.internal:8200/transit/keys/shop", "hcvault://vault/a/b/keys/shop.1", "hcvault+http://127.0.0.1:8200/transit/keys/shop", "hcvault+http://[::1]/transit/keys/shop", "hcvault+http://localhost/t/keys/s",
		"hcvault://me:secret@vault/transit/keys/shop", "hcvault://vault/transit/keys/%2e%2e", "hcvault+http://127.0.0.1@evil.example/t/keys/s", "hcvault+http://127.0.0.1.evil.example/t/keys/s", "hcvault+http://10.0.0.1/t/keys/s", "hcvault+http://127.0.0.1%00.evil.example/t/keys/s", "hcvault://vault/t/keys/s?", "hcvault://vault/t/keys/s#", "hcvault://a b/t/keys/s", "hcvault://:8200/t/keys/s", "hcvault://vault/t%2fkeys/keys/s", "https://vault/t/keys/s", ""} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		to := &answering{status: http.StatusOK, body: []byte(`{"data":{"ciphertext":"x"}}`)}
		c := Client{Token: func() (string, error) { return "t", nil }, Transport: to}
		a, err := c.GetAEAD(uri)
		if err != nil {
			if strings.Contains(err.Error(), "secret") {
				t.Fatalf("an error repeats the address: %v", err)
			}
			return
		}
		if !c.Supported(strings.ToLower(uri[:min(len(uri), 15)])) {
			t.Fatalf("%q is taken and not understood", uri)
		}
		if _, err := a.Encrypt([]byte("x"), nil); err != nil {
			t.Fatalf("%q is taken and leads nowhere: %v", uri, err)
		}
		went, own := to.asked.URL, to.asked.URL.Hostname()
		if went.Scheme != "https" && (went.Scheme != "http" || own != "localhost" && !here(own)) {
			t.Fatalf("%q sends the token in clear to %s", uri, went)
		}
		name := went.Path[strings.LastIndexByte(went.Path, '/')+1:]
		if u, err := url.Parse(uri); err != nil || u.Hostname() != own || u.User != nil || went.User != nil || went.RawQuery != "" || !strings.HasSuffix(u.Path, "/keys/"+name) || !strings.HasSuffix(went.Path, "/encrypt/"+name) || strings.Contains(went.Path, "..") && !strings.Contains(name, "..") {
			t.Fatalf("%q leads to %s", uri, went)
		}
	})
}
