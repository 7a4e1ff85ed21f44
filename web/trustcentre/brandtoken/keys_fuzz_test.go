package brandtoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rapporthq/rapport/person"
)

// FuzzPublishedKeys has the brand's address publish anything: only public keys for signing, of a length that holds, are taken; a set that cannot be read takes none away and
// stands in no error.
func FuzzPublishedKeys(f *testing.F) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	edwards, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range []jose.JSONWebKey{{Key: &rsaKey.PublicKey, KeyID: "1", Use: "sig"}, {Key: rsaKey, KeyID: "1"}, {Key: &curve.PublicKey, Algorithm: "ES256"}, {Key: curve}, {Key: edwards}, {Key: private}, {Key: &rsaKey.PublicKey, Use: "enc"}, {Key: []byte(strings.Repeat("k", 64))}} {
		raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	for _, raw := range []string{`{"keys":[]}`, `{"keys":null}`, `{}`, `[]`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":""}]}`, `{"keys":[1,"Zaphod",null]}`, "Zaphod", ""} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		now := person.Instant(1e15)
		say := []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
		p := &Published{read: func(context.Context) ([]byte, error) { return say, nil }, clock: func() person.Instant { return now }}
		before, err := p.Known(context.Background())
		if err != nil || len(before) != 1 {
			t.Fatal(before, err)
		}
		say, now = raw, now.Add(looksEvery)
		after, err := p.Known(context.Background())
		if err != nil {
			t.Fatalf("what is published takes the keys away that are known: %v", err)
		}
		keys, err := readSet(raw)
		if err != nil && (len(after) != 1 || strings.Contains(err.Error(), "Zaphod")) {
			t.Fatalf("%d keys, %v", len(after), err)
		}
		for _, k := range keys {
			switch m := k.Material.(type) {
			case *rsa.PublicKey:
				if m.N.BitLen() < 2048 {
					t.Fatalf("an RSA key of %d bits is taken", m.N.BitLen())
				}
			case *ecdsa.PublicKey:
				if _, err := m.ECDH(); err != nil { // not on its curve
					t.Fatalf("a point is taken for a key: %v", err)
				}
			case ed25519.PublicKey:
				if len(m) != ed25519.PublicKeySize {
					t.Fatalf("%d bytes are taken for a key", len(m))
				}
			default:
				t.Fatalf("%T is taken for a key that is published", m)
			}
		}
	})
}
