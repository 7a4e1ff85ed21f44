// Package transit has a home's wrapping keyset sealed by a key that never leaves an external key service: one that speaks the transit API of
// HashiCorp Vault and OpenBao, by the interface of the library of keys (tink's registry.KMSClient).
//
// It promises: the service is spoken to by TLS, or on this machine; the token goes to that service and nowhere else, not after a redirect either; a call
// ends within Patience; an answer that is not the service's verdict on what was asked is vault.ErrKeyService, never a verdict.
//
// It does not promise that the service keeps its key. What it has sealed is lost with it: it is part of what must be backed up.
package transit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rapporthq/rapport/trust/vault"
)

// The schemes of a key's address: hcvault://host:8200/transit/keys/NAME as the library has it, by TLS, and the same without TLS for a proxy on this machine.
const (
	Scheme      = "hcvault"
	SchemeLocal = "hcvault+http"
)

// Patience is how long one call may take.
const Patience = 3 * time.Second

const longest = 1 << 20 // bytes of an answer

// Client speaks to services. The zero value cannot: it needs a token.
type Client struct {
	// Token gives the token for each call, so that one which is renewed is taken up.
	Token func() (string, error)
	// Transport is for tests; nil is the usual one.
	Transport http.RoundTripper
}

var _ registry.KMSClient = (*Client)(nil)

// key is one key of one service.
type key struct {
	base, name string // https://host:8200/v1/transit, NAME
	token      func() (string, error)
	http       *http.Client
}

var path = regexp.MustCompile(`^/([A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)/keys/([A-Za-z0-9_][A-Za-z0-9_.-]*)$`)

// parse reads an address.
func parse(uri string) (base, name string, err error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != Scheme && u.Scheme != SchemeLocal {
		return "", "", fmt.Errorf("a key's address is %s://host:8200/transit/keys/NAME", Scheme)
	}
	m := path.FindStringSubmatch(u.Path)
	if m == nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", fmt.Errorf("a key's address is %s://host:8200/transit/keys/NAME, and nothing besides", u.Scheme)
	}
	scheme := "https"
	if u.Scheme == SchemeLocal {
		ip := net.ParseIP(u.Hostname())
		if u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return "", "", fmt.Errorf("%s is for this machine only, for the token and the key would travel in clear: write %s", SchemeLocal, Scheme)
		}
		scheme = "http"
	}
	base = scheme + "://" + u.Host + "/v1/" + m[1]
	if _, err := url.Parse(base); err != nil { // of a scheme of its own more is taken for a host
		return "", "", fmt.Errorf("a key's address is %s://host:8200/transit/keys/NAME, and its host is none", u.Scheme)
	}
	return base, m[2], nil
}

// Supported says whether the address is one that this client understands.
func (c *Client) Supported(uri string) bool {
	return strings.HasPrefix(uri, Scheme+"://") || strings.HasPrefix(uri, SchemeLocal+"://")
}

// GetAEAD gives the key of an address. The service is not asked yet.
func (c *Client) GetAEAD(uri string) (tink.AEAD, error) {
	base, name, err := parse(uri)
	if err != nil {
		return nil, err
	}
	if c.Token == nil {
		return nil, errors.New("a key service is asked with a token")
	}
	return &key{base, name, c.Token, &http.Client{Timeout: Patience, Transport: c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Encrypt has the service seal. What it gives is the service's own text, vault:v1:….
func (k *key) Encrypt(plain, associated []byte) ([]byte, error) {
	var out struct{ Ciphertext string }
	if err := k.ask("encrypt", map[string]string{"plaintext": base64.StdEncoding.EncodeToString(plain)}, associated, &out); err != nil {
		return nil, err
	}
	if out.Ciphertext == "" {
		return nil, fmt.Errorf("%w: it answers without what was asked", vault.ErrKeyService)
	}
	return []byte(out.Ciphertext), nil
}

// Decrypt has the service open what it sealed.
func (k *key) Decrypt(sealed, associated []byte) ([]byte, error) {
	var out struct{ Plaintext *string }
	if err := k.ask("decrypt", map[string]string{"ciphertext": string(sealed)}, associated, &out); err != nil {
		return nil, err
	}
	if out.Plaintext == nil {
		return nil, fmt.Errorf("%w: it answers without what was asked", vault.ErrKeyService)
	}
	plain, err := base64.StdEncoding.DecodeString(*out.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("%w: its answer cannot be read", vault.ErrKeyService)
	}
	return plain, nil
}

func (k *key) ask(what string, body map[string]string, associated []byte, data any) error {
	if len(associated) > 0 {
		body["associated_data"] = base64.StdEncoding.EncodeToString(associated)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	token, err := k.token()
	if err != nil {
		return fmt.Errorf("%w: %w", vault.ErrKeyService, err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, k.base+"/"+what+"/"+k.name, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Token", token)
	req.Header.Set("X-Vault-Request", "true")
	res, err := k.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", vault.ErrKeyService, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, longest))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", vault.ErrKeyService, err)
	case res.StatusCode == http.StatusBadRequest:
		return errors.New("the key service says that this is not of its key")
	case res.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: it refuses the token", vault.ErrKeyService)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: it answers with %d", vault.ErrKeyService, res.StatusCode)
	}
	out := struct{ Data any }{data}
	if err := json.Unmarshal(answer, &out); err != nil {
		return fmt.Errorf("%w: its answer cannot be read", vault.ErrKeyService)
	}
	return nil
}
