// Package transittest is a key service for tests: it answers as the transit engine of HashiCorp Vault and OpenBao does, with keys that never leave it.
package transittest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/trust/vault/transit"
)

// Service is one key service. It ends with the test.
type Service struct {
	URL   string
	Token string       // the one that it takes
	Away  atomic.Bool  // it answers 503, as a sealed one does
	Asked atomic.Int64 // how often it was asked something with the right token

	mu   sync.Mutex
	keys map[string]cipher.AEAD
}

// New begins one.
func New(t testing.TB) *Service {
	s := &Service{Token: "token-" + rand.Text(), keys: map[string]cipher.AEAD{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Key is the address of a key, which is made when it is asked for the first time.
func (s *Service) Key(name string) string {
	return transit.SchemeLocal + strings.TrimPrefix(s.URL, "http") + "/transit/keys/" + name
}

// Client asks it with its token.
func (s *Service) Client() *transit.Client {
	return &transit.Client{Token: func() (string, error) { return s.Token, nil }}
}

// ServeHTTP answers POST /v1/transit/encrypt/NAME and /v1/transit/decrypt/NAME.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int) { http.Error(w, `{"errors":["no"]}`, status) }
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	switch {
	case s.Away.Load():
		refuse(http.StatusServiceUnavailable)
		return
	case r.Header.Get("X-Vault-Token") != s.Token:
		refuse(http.StatusForbidden)
		return
	case len(part) != 2 || r.Method != http.MethodPost:
		refuse(http.StatusNotFound)
		return
	}
	s.Asked.Add(1)
	var in struct{ Plaintext, Ciphertext, Associated_data string }
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		refuse(http.StatusBadRequest)
		return
	}
	key, out := s.key(part[1]), map[string]string{}
	aad, _ := base64.StdEncoding.DecodeString(in.Associated_data)
	switch part[0] {
	case "encrypt":
		plain, err := base64.StdEncoding.DecodeString(in.Plaintext)
		if err != nil {
			refuse(http.StatusBadRequest)
			return
		}
		nonce := make([]byte, key.NonceSize())
		_, _ = rand.Read(nonce)
		out["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString(key.Seal(nonce, nonce, plain, aad))
	case "decrypt":
		sealed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
		if err != nil || len(sealed) < key.NonceSize() {
			refuse(http.StatusBadRequest)
			return
		}
		plain, err := key.Open(nil, sealed[:key.NonceSize()], sealed[key.NonceSize():], aad)
		if err != nil {
			refuse(http.StatusBadRequest)
			return
		}
		out["plaintext"] = base64.StdEncoding.EncodeToString(plain)
	default:
		refuse(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": out})
}

func (s *Service) key(name string) cipher.AEAD {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[name] == nil {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		block, err := aes.NewCipher(raw)
		if err != nil {
			panic(err)
		}
		if s.keys[name], err = cipher.NewGCM(block); err != nil {
			panic(err)
		}
	}
	return s.keys[name]
}
