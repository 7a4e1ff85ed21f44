package brandtoken

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rapporthq/rapport/person"
)

// publisher is the brand's address of keys.
type publisher struct {
	set    any
	status int
	asked  int
	now    person.Instant
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.asked++
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(p.set)
}

func set(keys ...jose.JSONWebKey) jose.JSONWebKeySet { return jose.JSONWebKeySet{Keys: keys} }

func publish(t *testing.T, keys any) (*publisher, *Checker) {
	t.Helper()
	p := &publisher{set: keys, status: http.StatusOK, now: noon}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	published, err := NewPublished(server.URL, func() person.Instant { return p.now })
	if err != nil {
		t.Fatal(err)
	}
	c := checker()
	c.Keys = published
	return p, c
}

func TestKeysAreRotated(t *testing.T) {
	old, young := jose.JSONWebKey{Key: &rsaKey.PublicKey, KeyID: "old", Use: "sig"}, jose.JSONWebKey{Key: &p256.PublicKey, KeyID: "young", Algorithm: "ES256"}
	p, c := publish(t, set(old))
	token := func(kid string) string {
		if kid == "old" {
			return sign(t, jose.RS256, rsaKey, kid, good())
		}
		return sign(t, jose.ES256, p256, kid, good())
	}
	c.believes(t, token("old"))
	c.believes(t, token("old"))
	if p.asked != 1 {
		t.Errorf("the keys were read %d times", p.asked)
	}
	p.set = set(young)
	c.refuses(t, token("young"), Unknown) // read less than a minute ago
	if p.asked != 1 {
		t.Errorf("the keys were read %d times within a minute", p.asked)
	}
	p.now += person.Instant(time.Minute / time.Microsecond)
	c.believes(t, token("young"))
	c.refuses(t, token("old"), Unknown) // withdrawn
	for range 50 {
		c.refuses(t, token("who"), Unknown)
	}
	if p.asked != 2 {
		t.Errorf("strangers made us read the keys %d times", p.asked)
	}
}

func TestAWithdrawnKeyIsForgotten(t *testing.T) {
	p, c := publish(t, set(jose.JSONWebKey{Key: &rsaKey.PublicKey}))
	claims := func() map[string]any { // good at the publisher's time
		return with(map[string]any{"exp": p.now.Add(time.Minute).Time().Unix()})
	}
	c.Clock = func() person.Instant { return p.now }
	c.believes(t, sign(t, jose.RS256, rsaKey, "", claims()))
	p.set = set(jose.JSONWebKey{Key: &p256.PublicKey})
	p.now = noon.Add(looksEvery)
	c.refuses(t, sign(t, jose.RS256, rsaKey, "", claims()), Unknown)

	p.status = http.StatusInternalServerError
	p.now = p.now.Add(forgotten - time.Second)
	c.believes(t, sign(t, jose.ES256, p256, "", claims())) // the address fails: what was read stands for an hour
	p.now = p.now.Add(time.Second)
	c.refuses(t, sign(t, jose.ES256, p256, "", claims()), errNoKeys)
}

func TestWhatIsNoPublicKeyIsLeftOut(t *testing.T) {
	_, c := publish(t, map[string]any{"keys": []any{
		jose.JSONWebKey{Key: secret}, // shared, and published
		map[string]any{"kty": "none"}, "text",
		jose.JSONWebKey{Key: rsaKey}, // with its private part
		jose.JSONWebKey{Key: &otherRSA.PublicKey, Use: "enc"},
		jose.JSONWebKey{Key: &smallRSA.PublicKey},
		jose.JSONWebKey{Key: &p256.PublicKey},
	}})
	c.refuses(t, sign(t, jose.HS256, secret, "", good()), Unknown)
	c.refuses(t, sign(t, jose.RS256, rsaKey, "", good()), Unknown)
	c.refuses(t, sign(t, jose.RS256, otherRSA, "", good()), Unknown)
	c.believes(t, sign(t, jose.ES256, p256, "", good()))
}

func TestKeysThatCannotBeRead(t *testing.T) {
	for name, p := range map[string]*publisher{
		"an error": {status: http.StatusBadGateway}, "no set": {status: http.StatusOK, set: "hello"}, "too much": {status: http.StatusOK, set: map[string]any{"keys": []any{strings.Repeat("x", mostSet)}}},
		"elsewhere": {status: http.StatusFound},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(p)
			defer server.Close()
			published, err := NewPublished(server.URL, func() person.Instant { return noon })
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := published.Known(context.Background()); err == nil || len(keys) > 0 {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		})
	}
}

func TestWhereKeysMayBeRead(t *testing.T) {
	for place, fine := range map[string]bool{
		"https://shop.example/keys": true, "http://127.0.0.1:9/keys": true, "http://localhost/keys": true, "http://[::1]/keys": true, "keys.json": true,
		"http://shop.example/keys": false, "ftp://shop.example/keys": false, "https://": false, "http://127.0.0.1.thief.example/": false,
	} {
		if _, err := NewPublished(place, nil); (err == nil) != fine {
			t.Errorf("%s: %v", place, err)
		}
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	raw, err := json.Marshal(set(jose.JSONWebKey{Key: &rsaKey.PublicKey}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := NewPublished(file, func() person.Instant { return noon })
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := p.Known(context.Background()); err != nil || len(keys) != 1 {
		t.Error(len(keys), err)
	}
}

func TestASharedKeyIsKeptByItsOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct {
		text string
		mode os.FileMode
		fine bool
	}{{string(secret) + "\n", 0o600, true}, {string(secret), 0o640, false}, {string(secret), 0o604, false}, {"short\n", 0o600, false}, {strings.Repeat(" ", 40) + "short", 0o600, false}} {
		_ = os.Remove(file)
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		keys, err := ReadShared(file)
		if (err == nil) != c.fine {
			t.Errorf("%d bytes, %o: %v", len(c.text), c.mode, err)
		}
		if err == nil {
			if string(keys[0].Material.([]byte)) != string(secret) {
				t.Error("another key")
			}
		} else if strings.Contains(err.Error(), "short\n") {
			t.Error("the key is in the error")
		}
	}
}
