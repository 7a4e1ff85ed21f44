package transit_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/trust/vault/transit"
	"github.com/rapporthq/rapport/trust/vault/transit/transittest"
)

func keyOf(t *testing.T, c *transit.Client, uri string) tink.AEAD {
	t.Helper()
	if !c.Supported(uri) {
		t.Fatalf("%s is not understood", uri)
	}
	a, err := c.GetAEAD(uri)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhatAServiceSealsItOpensByThatKeyOnly(t *testing.T) {
	s := transittest.New(t)
	a, other := keyOf(t, s.Client(), s.Key("shop")), keyOf(t, s.Client(), s.Key("bank"))
	for _, aad := range [][]byte{nil, []byte("bound to this")} {
		sealed, err := a.Encrypt([]byte("a keyset"), aad)
		if err != nil || bytes.Contains(sealed, []byte("a keyset")) {
			t.Fatal(string(sealed), err)
		}
		if plain, err := a.Decrypt(sealed, aad); err != nil || string(plain) != "a keyset" {
			t.Fatal(string(plain), err)
		}
		for what, try := range map[string]func() ([]byte, error){
			"another key":       func() ([]byte, error) { return other.Decrypt(sealed, aad) },
			"another binding":   func() ([]byte, error) { return a.Decrypt(sealed, []byte("bound to that")) },
			"what was changed":  func() ([]byte, error) { return a.Decrypt(append(bytes.Clone(sealed[:len(sealed)-2]), 'A', '='), aad) },
			"what is no sealed": func() ([]byte, error) { return a.Decrypt([]byte("vault:v1:"), aad) },
		} {
			if plain, err := try(); err == nil || errors.Is(err, vault.ErrKeyService) {
				t.Errorf("%s: %q %v", what, plain, err)
			}
		}
	}
}

// TestNoAnswerIsNoVerdict has the service fail in the ways that services do: each says that it did not answer, and none that the key is wrong.
func TestNoAnswerIsNoVerdict(t *testing.T) {
	answer := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return transit.SchemeLocal + strings.TrimPrefix(s.URL, "http") + "/transit/keys/shop"
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "" {
			t.Error("the token went elsewhere after a redirect")
		}
	}))
	t.Cleanup(elsewhere.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := transittest.New(t)
	for what, uri := range map[string]string{
		"it is not there":     transit.SchemeLocal + strings.TrimPrefix(gone.URL, "http") + "/transit/keys/shop",
		"it is sealed itself": answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }),
		"it takes no token":   answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }),
		"it sends elsewhere": answer(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}),
		"it is no service": answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }),
		"it says nothing":  answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":{}}`)) }),
		"it breaks off": answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "900")
			_, _ = w.Write([]byte(`{"da`))
		}),
	} {
		a := keyOf(t, s.Client(), uri)
		if _, err := a.Decrypt([]byte("vault:v1:AAAA"), nil); !errors.Is(err, vault.ErrKeyService) || strings.Contains(err.Error(), s.Token) {
			t.Errorf("%s, to decrypt: %v", what, err)
		}
		if _, err := a.Encrypt([]byte("x"), nil); !errors.Is(err, vault.ErrKeyService) {
			t.Errorf("%s, to encrypt: %v", what, err)
		}
	}
	none := &transit.Client{Token: func() (string, error) { return "", errors.New("no token") }}
	if _, err := keyOf(t, none, s.Key("shop")).Decrypt([]byte("vault:v1:AAAA"), nil); !errors.Is(err, vault.ErrKeyService) || s.Asked.Load() > 0 {
		t.Errorf("without a token: %v", err)
	}
}

func TestAnAddressIsOneKeyOfOneService(t *testing.T) {
	c := &transit.Client{Token: func() (string, error) { return "t", nil }}
	for _, uri := range []string{"hcvault://vault.internal:8200/transit/keys/shop", "hcvault://vault/a/b/keys/shop.1", "hcvault+http://127.0.0.1:8200/transit/keys/shop", "hcvault+http://[::1]:8200/transit/keys/shop", "hcvault+http://localhost/transit/keys/shop"} {
		if _, err := c.GetAEAD(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{"hcvault://vault.internal", "hcvault:///transit/keys/shop", "hcvault://vault/transit/shop", "hcvault://vault/transit/keys/", "hcvault://vault/transit/keys/a/b", "hcvault://vault/../keys/shop",
		"hcvault://me:secret@vault/transit/keys/shop", "hcvault://vault/transit/keys/shop?x=1", "hcvault+http://vault.internal/transit/keys/shop", "hcvault+http://localhost.evil.example/transit/keys/shop", "https://vault/transit/keys/shop", "hcvault://vault/transit/keys/%2e%2e"} {
		if _, err := c.GetAEAD(uri); err == nil {
			t.Errorf("%s is taken", uri)
		}
	}
}

// TestAHomeUnderAServiceThatGoesAway opens and rotates a home whose keyset a service seals, with the service there and away: what is open stays open,
// nothing is taken for damage, and nothing is changed half.
func TestAHomeUnderAServiceThatGoesAway(t *testing.T) {
	s := transittest.New(t)
	kms := vault.KMS(keyOf(t, s.Client(), s.Key("shop")))
	home := t.TempDir()
	v, err := vault.Create(home, kms)
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := v.Enrol(1)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, "keys", vault.WrappingFile)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.Away.Store(true)
	asked := s.Asked.Load()
	v.Forget(e.ID) // what is in memory only
	if _, err := v.Key(e.ID, e.Wrapped); err != nil || s.Asked.Load() != asked {
		t.Errorf("an open home asks the service for a person's key: %v", err)
	}
	if _, err := vault.Open(home, kms); !errors.Is(err, vault.ErrKeyService) || !errors.Is(err, vault.ErrKeys) {
		t.Errorf("a home whose service is away: %v", err)
	}
	if err := v.Rotate(); !errors.Is(err, vault.ErrKeyService) {
		t.Errorf("a rotation without the service: %v", err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Error("a rotation without the service changed the file")
	}
	if _, err := v.Key(e.ID, e.Wrapped); err != nil {
		t.Errorf("after a rotation that did not happen: %v", err)
	}
	s.Away.Store(false)
	other, err := vault.Open(home, kms) // another process of the home
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh, err := v.Rewrap(e.ID, e.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Retire(); err != nil {
		t.Fatal(err)
	}
	s.Away.Store(true)
	if _, err := other.Key(e.ID, fresh); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("what cannot be told now is told: %v", err)
	}
	if _, err := other.Rewrap(e.ID, fresh); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("a key is called lost while the service is away: %v", err)
	}
	s.Away.Store(false)
	release, err := other.Alone() // asks at once
	if err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := other.Key(e.ID, fresh); err != nil {
		t.Errorf("the service is back: %v", err)
	}
}
