package access

import (
	"context"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/rapporthq/rapport/person"
)

// Session is a signed-in customer or member of staff, as it is kept.
type Session struct {
	Hash    [32]byte // of the cookie's value
	Role    Role     // Customer, or a member of staff's
	Name    string   // staff only
	Team    string   // staff only
	Member  [32]byte // staff only: who of them it is, whatever they are called; see Member and Token.Hash
	Person  person.ID
	Began   person.Instant
	Expires person.Instant
	Revoked person.Instant // 0: not
}

// Member is the stable identity of a member of staff who comes from an OpenID Connect provider: the issuer and the subject there,
// which OpenID Connect promises to be nobody else's, ever. Who comes by a token is the token's hash.
func Member(issuer, subject string) [32]byte {
	return sha256.Sum256([]byte("openid\x00" + issuer + "\x00" + subject))
}

// Link is a customer's sign-in link that has not been used.
type Link struct {
	Hash    [32]byte
	Person  person.ID
	Expires person.Instant
}

// Sessions is the store's part. Errors are the store's own; callers refuse on every error.
type Sessions interface {
	PutSession(ctx context.Context, s Session) error
	SessionByHash(ctx context.Context, hash [32]byte) (Session, bool, error) // false: unknown
	RevokeSession(ctx context.Context, hash [32]byte, at person.Instant) error
	RevokeSessionsOf(ctx context.Context, id person.ID, at person.Instant) error // all of a customer's
	PutLink(ctx context.Context, l Link) error
	TakeLink(ctx context.Context, hash [32]byte) (Link, bool, error) // gives it and removes it, in one act: of two takers one gets it
}

// Spent remembers, in every process of a home, what may be used once.
type Spent interface {
	// Spend says whether this is the first time, and remembers it until then: of two who ask at once one is told yes.
	Spend(ctx context.Context, hash [32]byte, until person.Instant) (first bool, err error)
}

// How long sign-ins last.
const (
	CustomerStays = 30 * 24 * time.Hour
	StaffStays    = 12 * time.Hour
	LinkStays     = 15 * time.Minute
)

// principal is who is signed in, nobody when the session has run out or was revoked, or is of nobody.
func (s Session) principal(now person.Instant) (Principal, bool) {
	if s.Revoked != 0 || s.Expires == 0 || now >= s.Expires {
		return Principal{}, false
	}
	switch {
	case s.Role == Customer && !s.Person.IsZero():
		return Principal{Role: Customer, Person: s.Person, Cookie: true, Key: s.Hash}, true
	case s.Role.Staff() && s.Name != "" && s.Member != [32]byte{}:
		return Principal{Role: s.Role, Name: s.Name, Team: s.Team, Member: s.Member, Cookie: true, Key: s.Hash}, true
	}
	return Principal{}, false
}

// Begin signs somebody in: cookie is the value for their browser. ErrUnauthorised when it says neither which customer nor which member of staff.
func Begin(ctx context.Context, store Sessions, who Session, now person.Instant) (cookie string, err error) {
	cookie = secret()
	who.Hash, who.Began, who.Revoked = HashOf(cookie), now, 0
	stays := CustomerStays
	if who.Role != Customer {
		stays = StaffStays
	}
	if most := now.Add(stays); who.Expires == 0 || who.Expires > most {
		who.Expires = most
	}
	if _, ok := who.principal(now); !ok {
		return "", ErrUnauthorised
	}
	if err := store.PutSession(ctx, who); err != nil {
		return "", err
	}
	return cookie, nil
}

// NewLink makes the secret part of a sign-in link, good once and for LinkStays.
func NewLink(ctx context.Context, store Sessions, who Link, now person.Instant) (string, error) {
	text := secret()
	who.Hash, who.Expires = HashOf(text), now.Add(LinkStays)
	if who.Person.IsZero() {
		return "", ErrUnauthorised
	}
	return text, store.PutLink(ctx, who)
}

// UseLink takes a sign-in link and begins its session. ErrUnauthorised when it was used, has run out or never was.
func UseLink(ctx context.Context, store Sessions, text string, now person.Instant) (cookie string, who Session, err error) {
	l, ok, err := store.TakeLink(ctx, HashOf(text))
	if err != nil {
		return "", Session{}, err
	}
	if !ok || now >= l.Expires {
		return "", Session{}, ErrUnauthorised
	}
	who = Session{Role: Customer, Person: l.Person}
	cookie, err = Begin(ctx, store, who, now)
	return cookie, who, err
}

// CookieName is the name of a session's cookie: customers' and staff's are two, so that one may be both. Over TLS the
// __Host- prefix keeps other hosts from setting it.
func CookieName(customer, tls bool) string {
	name := "rapport-staff"
	if customer {
		name = "rapport-me"
	}
	if tls {
		return "__Host-" + name
	}
	return name
}

// Cookie is the cookie for a session. An empty value takes it away.
func Cookie(customer, tls bool, value string) *http.Cookie {
	c := &http.Cookie{Name: CookieName(customer, tls), Value: value, Path: "/", HttpOnly: true, Secure: tls, SameSite: http.SameSiteLaxMode}
	stays := StaffStays
	if customer {
		stays = CustomerStays
	}
	c.MaxAge = int(stays / time.Second)
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
