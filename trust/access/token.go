package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// Token is a machine's or member of staff's key as it is kept: its text is printed once and not kept.
type Token struct {
	Hash       [32]byte // SHA-256 of the text: 256 random bits need no slow hash
	Role       Role
	Name       string
	Team       string
	Source     string
	Placements []string
	Rate       float64
	MayExplain bool
	MayAttest  bool
	Issued     person.Instant
	Expires    person.Instant // 0: never
	Revoked    person.Instant // 0: not
}

// Tokens is the store's part. Errors are the store's own; callers refuse on every error.
type Tokens interface {
	PutToken(ctx context.Context, t Token) error                             // new ones; a hash that is there is an error
	TokenByHash(ctx context.Context, hash [32]byte) (Token, bool, error)     // false: unknown
	AllTokens(ctx context.Context) ([]Token, error)                          // by Issued, revoked ones too
	RevokeToken(ctx context.Context, hash [32]byte, at person.Instant) error // of an unknown or revoked one: no error
}

// Mint draws a token of this description: text is what its bearer shows, kept is what the store keeps.
// ErrToken when the description is not one.
func Mint(t Token) (text string, kept Token, err error) {
	t.Name = strings.TrimSpace(t.Name)
	if !t.Role.Mintable() || t.Name == "" || t.Rate < 0 ||
		(t.Role == Source) != (t.Source != "") || (t.Role == Decide && len(t.Placements) == 0) {
		return "", Token{}, ErrToken
	}
	text = "rap_" + string(t.Role) + "_" + secret()
	t.Hash = HashOf(text)
	t.Revoked = 0
	return text, t, nil
}

// HashOf is the hash under which the text of a token, cookie or link is kept.
func HashOf(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// secret is 32 random bytes as 43 letters and digits.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	s := new(big.Int).SetBytes(b[:]).Text(62)
	return strings.Repeat("0", 43-len(s)) + s
}

// principal is who bears the token, nobody when it has run out or was revoked.
func (t Token) principal(now person.Instant) (Principal, bool) {
	if !t.Role.Mintable() || t.Revoked != 0 || (t.Expires != 0 && now >= t.Expires) {
		return Principal{}, false
	}
	p := Principal{
		Role: t.Role, Name: t.Name, Team: t.Team, Source: t.Source, Placements: t.Placements, Rate: t.Rate,
		MayExplain: t.MayExplain, MayAttest: t.MayAttest, Key: t.Hash,
	}
	if t.Role.Staff() {
		p.Member = t.Hash
	}
	return p, true
}
