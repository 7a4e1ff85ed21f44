package brandtoken

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rapporthq/rapport/person"
)

var noon = person.At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

// memory is access.Spent in one process.
type memory struct {
	sync.Mutex
	spent map[[32]byte]person.Instant
	fail  error
}

func (m *memory) Spend(_ context.Context, hash [32]byte, until person.Instant) (bool, error) {
	m.Lock()
	defer m.Unlock()
	if m.fail != nil {
		return false, m.fail
	}
	if _, there := m.spent[hash]; there {
		return false, nil
	}
	m.spent[hash] = until
	return true, nil
}

type someKeys []Key

func (k someKeys) Known(context.Context) ([]Key, error) { return k, nil }
func (k someKeys) Again(context.Context) bool           { return false }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	rsaKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	otherRSA = must(rsa.GenerateKey(rand.Reader, 2048))
	smallRSA = must(rsa.GenerateKey(rand.Reader, 1024))
	p256     = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384     = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	edKey    = ed25519.NewKeyFromSeed([]byte("the seed of a key in a test, 32.")[:32])
	secret   = []byte("a shared key of a test, which has more than 32 bytes")
)

// good are the claims of a token in order, with a fresh id.
var ids int

func good() map[string]any {
	ids++
	return map[string]any{"iss": "https://shop.example", "aud": "rapport", "sub": "13085", "jti": fmt.Sprint("t-", ids),
		"iat": noon.Time().Unix(), "nbf": noon.Time().Unix(), "exp": noon.Add(5 * time.Minute).Time().Unix()}
}

func with(changes map[string]any) map[string]any {
	c := good()
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		o = o.WithHeader("kid", kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(must(json.Marshal(claims)))
	if err != nil {
		t.Fatal(err)
	}
	return must(jws.CompactSerialize())
}

// forged puts a token together by hand, as who has no library that minds would.
func forged(header, claims map[string]any, mac func(signed string) []byte) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(text))
}

func hs256(key []byte) func(string) []byte {
	return func(s string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(s))
		return m.Sum(nil)
	}
}

func checker(keys ...Key) *Checker {
	return &Checker{Keys: someKeys(keys), Issuer: "https://shop.example", Audience: "rapport", Spent: &memory{spent: map[[32]byte]person.Instant{}},
		Clock: func() person.Instant { return noon }}
}

func (c *Checker) refuses(t *testing.T, token string, want error) {
	t.Helper()
	who, err := c.Check(context.Background(), token)
	if who != "" || !errors.Is(err, want) {
		t.Errorf("somebody %v, %v, want %v", who != "", err, want)
	}
}

func (c *Checker) believes(t *testing.T, token string) {
	t.Helper()
	if who, err := c.Check(context.Background(), token); who != "13085" || err != nil {
		t.Errorf("%q %v", who, err)
	}
}

func TestATokenInOrderIsBelievedOnce(t *testing.T) {
	for name, k := range map[string]struct {
		alg    jose.SignatureAlgorithm
		signer any
		key    any
	}{
		"RSA": {jose.RS256, rsaKey, &rsaKey.PublicKey}, "RSA-PSS": {jose.PS512, rsaKey, &rsaKey.PublicKey}, "P-256": {jose.ES256, p256, &p256.PublicKey},
		"P-384": {jose.ES384, p384, &p384.PublicKey}, "Ed25519": {jose.EdDSA, edKey, edKey.Public()}, "shared": {jose.HS256, secret, secret},
	} {
		t.Run(name, func(t *testing.T) {
			c := checker(Key{Material: k.key})
			token := sign(t, k.alg, k.signer, "", good())
			c.believes(t, token)
			c.refuses(t, token, Used)
			c.believes(t, sign(t, k.alg, k.signer, "any", with(map[string]any{"aud": []string{"other", "rapport"}})))
		})
	}
}

func TestAlgorithmsBelongToKeys(t *testing.T) {
	der := must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))
	c := checker(Key{ID: "1", Material: &rsaKey.PublicKey}, Key{ID: "2", Material: &p256.PublicKey})
	for name, token := range map[string]string{
		"none":                     forged(map[string]any{"alg": "none", "kid": "1"}, good(), func(string) []byte { return nil }),
		"None":                     forged(map[string]any{"alg": "None"}, good(), func(string) []byte { return nil }),
		"no algorithm":             forged(map[string]any{"kid": "1"}, good(), func(string) []byte { return nil }),
		"HS256 with the DER key":   forged(map[string]any{"alg": "HS256", "kid": "1"}, good(), hs256(der)),
		"HS256 with the PEM key":   forged(map[string]any{"alg": "HS256", "kid": "1"}, good(), hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))),
		"HS256 with the modulus":   forged(map[string]any{"alg": "HS256"}, good(), hs256(rsaKey.N.Bytes())),
		"HS256 with nothing":       forged(map[string]any{"alg": "HS256"}, good(), hs256(nil)),
		"HS512":                    sign(t, jose.HS512, append(secret, secret...), "1", good()),
		"the key in the header":    sign(t, jose.RS256, jose.JSONWebKey{Key: otherRSA, KeyID: "1"}, "", good()),
		"a key's bytes by another": sign(t, jose.RS256, rsaKey, "2", good()),
		"another key":              sign(t, jose.RS256, otherRSA, "1", good()),
		"another curve":            sign(t, jose.ES384, p384, "2", good()),
		"an unknown name":          sign(t, jose.RS256, rsaKey, "3", good()),
	} {
		t.Run(name, func(t *testing.T) {
			who, err := c.Check(context.Background(), token)
			if who != "" || !errors.Is(err, Malformed) && !errors.Is(err, Unknown) {
				t.Errorf("somebody %v, %v", who != "", err)
			}
		})
	}
	t.Run("the header's own key", func(t *testing.T) {
		s := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: otherRSA}, &jose.SignerOptions{EmbedJWK: true}))
		c.refuses(t, must(must(s.Sign(must(json.Marshal(good())))).CompactSerialize()), Unknown)
	})
	t.Run("a shared key lets no other algorithm in", func(t *testing.T) {
		checker(Key{Material: secret}).refuses(t, sign(t, jose.RS256, rsaKey, "", good()), Unknown)
	})
	t.Run("a key that names its algorithm", func(t *testing.T) {
		c := checker(Key{Material: &rsaKey.PublicKey, Algorithm: "RS256"})
		c.refuses(t, sign(t, jose.PS256, rsaKey, "", good()), Unknown)
		c.believes(t, sign(t, jose.RS256, rsaKey, "", good()))
	})
	t.Run("keys that are too weak", func(t *testing.T) {
		for _, k := range []any{&smallRSA.PublicKey, secret[:31], crypto.PublicKey(nil), "text"} {
			if algorithms(k) != nil {
				t.Errorf("%T", k)
			}
		}
		checker(Key{Material: &smallRSA.PublicKey}).refuses(t, sign(t, jose.RS256, smallRSA, "", good()), Unknown)
		checker(Key{Material: secret[:31]}).refuses(t, forged(map[string]any{"alg": "HS256"}, good(), hs256(secret[:31])), Unknown)
	})
}

func TestWhatATokenMustSay(t *testing.T) {
	c := checker(Key{Material: secret})
	at := func(d time.Duration) int64 { return noon.Add(d).Time().Unix() }
	for name, k := range map[string]struct {
		claims map[string]any
		want   Refusal
	}{
		"another issuer":          {with(map[string]any{"iss": "https://thief.example"}), Issuer},
		"no issuer":               {with(map[string]any{"iss": nil}), Issuer},
		"another audience":        {with(map[string]any{"aud": "till"}), Audience},
		"no audience":             {with(map[string]any{"aud": nil}), Audience},
		"an empty audience":       {with(map[string]any{"aud": []string{}}), Audience},
		"ended a second ago":      {with(map[string]any{"exp": at(-time.Second)}), Expired},
		"ends now":                {with(map[string]any{"exp": at(0)}), Expired},
		"no end":                  {with(map[string]any{"exp": nil}), Endless},
		"good for a day":          {with(map[string]any{"exp": at(24 * time.Hour)}), Endless},
		"good until for ever":     {with(map[string]any{"exp": int64(1) << 40}), Endless},
		"begins in a minute":      {with(map[string]any{"nbf": at(time.Minute)}), Early},
		"made in a minute":        {with(map[string]any{"iat": at(time.Minute)}), Early},
		"about nobody":            {with(map[string]any{"sub": nil}), Nobody},
		"about somebody endless":  {with(map[string]any{"sub": strings.Repeat("1", 201)}), Nobody},
		"without an id":           {with(map[string]any{"jti": nil}), Unnamed},
		"with an id that is long": {with(map[string]any{"jti": strings.Repeat("1", 201)}), Unnamed},
	} {
		t.Run(name, func(t *testing.T) { c.refuses(t, sign(t, jose.HS256, secret, "", k.claims), k.want) })
	}
	c.believes(t, sign(t, jose.HS256, secret, "", with(map[string]any{"nbf": at(20 * time.Second), "iat": at(20 * time.Second)}))) // a clock that is a little ahead
	c.believes(t, sign(t, jose.HS256, secret, "", with(map[string]any{"nbf": nil, "iat": nil})))
	for name, token := range map[string]string{"nothing": "", "a word": "token", "two parts": "e30.e30", "no JSON": "bm8.bm8.bm8"} {
		t.Run(name, func(t *testing.T) { c.refuses(t, token, Malformed) })
	}
	t.Run("oversize", func(t *testing.T) {
		big := with(map[string]any{"extra": strings.Repeat("x", Longest)})
		c.refuses(t, sign(t, jose.HS256, secret, "", big), Oversize)
	})
	t.Run("a home without issuer or audience believes nobody", func(t *testing.T) {
		for _, c := range []*Checker{{Issuer: "", Audience: "rapport"}, {Issuer: "https://shop.example"}} {
			c.Keys, c.Spent, c.Clock = someKeys{{Material: secret}}, &memory{spent: map[[32]byte]person.Instant{}}, func() person.Instant { return noon }
			for _, claims := range []map[string]any{good(), with(map[string]any{"iss": ""}), with(map[string]any{"aud": ""})} {
				if who, err := c.Check(context.Background(), sign(t, jose.HS256, secret, "", claims)); err == nil || who != "" {
					t.Errorf("%+v is believed", claims)
				}
			}
		}
	})
	t.Run("a token that was refused is not used up", func(t *testing.T) {
		claims := good()
		wrong := maps.Clone(claims)
		wrong["aud"] = "till"
		c.refuses(t, sign(t, jose.HS256, secret, "", wrong), Audience)
		c.believes(t, sign(t, jose.HS256, secret, "", claims))
	})
	t.Run("the store is away", func(t *testing.T) {
		away := errors.New("away")
		c := checker(Key{Material: secret})
		c.Spent = &memory{fail: away}
		c.refuses(t, sign(t, jose.HS256, secret, "", good()), away)
	})
}

func TestOfManyWhoShowATokenAtOnceOneComesIn(t *testing.T) {
	c := checker(Key{Material: secret})
	token := sign(t, jose.HS256, secret, "", good())
	var all sync.WaitGroup
	in := make(chan bool, 50)
	for range cap(in) {
		all.Add(1)
		go func() {
			defer all.Done()
			_, err := c.Check(context.Background(), token)
			in <- err == nil
		}()
	}
	all.Wait()
	close(in)
	n := 0
	for ok := range in {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d came in", n)
	}
}

func FuzzCheck(f *testing.F) {
	c := checker(Key{Material: secret}, Key{Material: &rsaKey.PublicKey})
	f.Add("e30.e30.e30")
	f.Add(forged(map[string]any{"alg": "HS256"}, good(), hs256([]byte("guess"))))
	f.Fuzz(func(t *testing.T, token string) {
		if who, err := c.Check(context.Background(), token); err == nil || who != "" {
			t.Errorf("believed: %q", token)
		}
	})
}
