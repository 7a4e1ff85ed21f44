// Package brandtoken checks the tokens by which a brand says who is signed in at its own site: JSON Web Tokens (RFC 7519), signed by
// the brand.
//
// It promises that a token is believed only when a key of the brand's signed it by an algorithm that belongs to that key, it is from
// the issuer and for the audience that the home was told, it is in its time, which is ten minutes at the most, and it was not used
// before in any process of the home. It does not say to the bearer why one is refused: Refusal is for the log, and names nobody.
package brandtoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

const (
	// Longest is how many bytes a token may have.
	Longest = 8 << 10
	// Lasts is how long before its end a token may be shown: one that is good for longer is refused.
	Lasts = 10 * time.Minute
	// Askew is how far the brand's clock may be ahead of ours. A token's end is kept to the microsecond.
	Askew = 30 * time.Second

	mostText    = 200 // bytes of a subject or an id
	fewestBytes = 32  // of a shared key: as many as the hash has
	fewestBits  = 2048
)

// Refusal is why a token was not believed: a word for the log.
type Refusal string

// The refusals.
const (
	Oversize  Refusal = "oversize"
	Malformed Refusal = "malformed" // no token, or signed by an algorithm that belongs to none of the keys
	Unknown   Refusal = "signature" // no key of the brand's signed it
	Issuer    Refusal = "issuer"
	Audience  Refusal = "audience"
	Expired   Refusal = "expired"
	Early     Refusal = "not-yet"
	Endless   Refusal = "lifetime" // without an end, or with one that is too far off
	Nobody    Refusal = "subject"
	Unnamed   Refusal = "id"
	Used      Refusal = "used"
)

// Error is the word in a sentence.
func (r Refusal) Error() string { return "the brand's token was refused: " + string(r) }

// Key is one key of the brand's: *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, or the bytes of a shared one.
type Key struct {
	ID        string // empty: any token may name it
	Material  any
	Algorithm string // the only one when the brand says so; empty: those that belong to the material
}

// Keys are the brand's, as they are now.
type Keys interface {
	// Known gives those that are trusted now. An error means that nobody can say.
	Known(ctx context.Context) ([]Key, error)
	// Again looks for newer ones, and says whether it looked: not more than once a minute.
	Again(ctx context.Context) bool
}

// Checker checks tokens. All but Issuer and Audience are needed, and these too.
type Checker struct {
	Keys     Keys
	Issuer   string
	Audience string
	Spent    access.Spent
	Clock    person.Clock
}

// Check gives the userId for whom the brand vouches, once for each token. The error is a Refusal, or that of the store or of the keys:
// in every case nobody is vouched for.
func (c *Checker) Check(ctx context.Context, token string) (userID string, err error) {
	if len(token) > Longest {
		return "", Oversize
	}
	claims, err := c.signed(ctx, token)
	if err != nil {
		return "", err
	}
	now := c.Clock()
	switch until := instant(claims.Expiry); {
	case c.Issuer == "" || claims.Issuer != c.Issuer:
		return "", Issuer
	case c.Audience == "" || !claims.Audience.Contains(c.Audience):
		return "", Audience
	case claims.Expiry == nil || until > now.Add(Lasts):
		return "", Endless
	case now >= until:
		return "", Expired
	case instant(claims.NotBefore) > now.Add(Askew) || instant(claims.IssuedAt) > now.Add(Askew):
		return "", Early
	case claims.Subject == "" || len(claims.Subject) > mostText:
		return "", Nobody
	case claims.ID == "" || len(claims.ID) > mostText:
		return "", Unnamed
	default:
		first, err := c.Spent.Spend(ctx, access.HashOf("brandtoken\x00"+c.Issuer+"\x00"+claims.ID), until)
		if err != nil {
			return "", err
		}
		if !first {
			return "", Used
		}
	}
	return claims.Subject, nil
}

// signed gives the claims when one of the brand's keys signed them.
func (c *Checker) signed(ctx context.Context, token string) (jwt.Claims, error) {
	for again := false; ; again = true {
		keys, err := c.Keys.Known(ctx)
		if err != nil {
			return jwt.Claims{}, err
		}
		claims, refused := verify(keys, token)
		if refused == "" {
			return claims, nil
		}
		if again || refused != Unknown || !c.Keys.Again(ctx) {
			return jwt.Claims{}, refused
		}
	}
}

func verify(keys []Key, token string) (jwt.Claims, Refusal) {
	t, err := jwt.ParseSigned(token, every)
	if err != nil || len(t.Headers) != 1 {
		return jwt.Claims{}, Malformed
	}
	h := t.Headers[0]
	for _, k := range keys {
		if h.KeyID != "" && k.ID != "" && h.KeyID != k.ID || k.Algorithm != "" && k.Algorithm != h.Algorithm ||
			!slices.Contains(algorithms(k.Material), jose.SignatureAlgorithm(h.Algorithm)) {
			continue
		}
		var claims jwt.Claims
		if t.Claims(k.Material, &claims) == nil {
			return claims, ""
		}
	}
	return jwt.Claims{}, Unknown
}

// every is what a token may be signed by at all: "none" is not among them.
var every = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.HS256}

// algorithms are those that belong to a key: what signs with a public key's bytes as if they were a shared one finds none.
func algorithms(material any) []jose.SignatureAlgorithm {
	switch k := material.(type) {
	case *rsa.PublicKey:
		if k.N != nil && k.N.BitLen() >= fewestBits {
			return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return []jose.SignatureAlgorithm{jose.EdDSA}
		}
	case []byte:
		if len(k) >= fewestBytes {
			return []jose.SignatureAlgorithm{jose.HS256}
		}
	}
	return nil
}

// instant is a token's date; 0 when it says none.
func instant(d *jwt.NumericDate) person.Instant {
	if d == nil {
		return 0
	}
	return person.At(d.Time())
}
