// Package openid signs staff in at the brand's OpenID Connect provider: authorization code with PKCE, state and nonce.
//
// It promises that an answer counts once, in the browser that asked, for this client, while its token is good, and that only a
// claim that the home maps to one role lets anybody in. It keeps no token of the provider: what it gives is a name and a role,
// and the session is the home's own. No error repeats what the provider sent.
// It does not sign anybody out at the provider.
package openid

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

// Config is what a home knows of its provider.
type Config struct {
	Issuer   string
	ClientID string
	Secret   string
	Claim    string                 // of the ID token: a text or a list of texts
	Roles    map[string]access.Role // by value of the claim
	Spent    access.Spent
	Clock    person.Clock
}

// Who is a member of staff as the provider vouches for them.
type Who struct {
	Name   string
	Role   access.Role
	Member [32]byte // of issuer and subject: the name may be somebody else's too
}

// Errors. Everything else that goes wrong is the provider's, or the way to it.
var (
	ErrConfig  = errors.New("an OpenID Connect provider needs an issuer, a client, its secret, a claim, and a role of staff for each of its values")
	ErrRefused = errors.New("this answer of the provider lets nobody in")
	ErrNoRole  = errors.New("the provider names none of the home's roles, or more than one")
)

// Stays is how long somebody may take to sign in at the provider.
const Stays = 10 * time.Minute

// patience is how long the provider may take to answer.
const patience = 10 * time.Second

// Provider signs staff in. It is safe for many goroutines.
type Provider struct {
	cfg    Config
	client *http.Client

	mu    sync.Mutex
	known *oidc.Provider // once the provider could be asked
}

// New makes a Provider. The provider is asked for its addresses when somebody first signs in, so that a home serves without it.
func New(cfg Config) (*Provider, error) {
	u, err := url.Parse(cfg.Issuer)
	if err != nil || u.Host == "" || cfg.ClientID == "" || cfg.Secret == "" || cfg.Claim == "" || len(cfg.Roles) == 0 || cfg.Spent == nil || cfg.Clock == nil {
		return nil, ErrConfig
	}
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost") {
		return nil, fmt.Errorf("%w: the issuer must speak https", ErrConfig)
	}
	for _, role := range cfg.Roles {
		if !role.Staff() {
			return nil, ErrConfig
		}
	}
	return &Provider{cfg: cfg, client: &http.Client{Timeout: patience, Transport: bounded{http.DefaultTransport}, CheckRedirect: asked}}, nil
}

// reach asks the provider for its addresses and keys, once.
func (p *Provider) reach(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		// The keys are fetched again with this context whenever the provider changes them: it must outlive the request.
		known, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.cfg.Issuer)
		if err != nil {
			return nil, told(err)
		}
		p.known = known
	}
	return p.known, nil
}

func (p *Provider) oauth(known *oidc.Provider, back string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.Secret, Endpoint: known.Endpoint(), RedirectURL: back, Scopes: []string{oidc.ScopeOpenID, "profile"}}
}

// ticket is what the browser keeps while its owner is at the provider.
type ticket struct{ state, nonce, verifier string }

func readTicket(text string) (ticket, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return ticket{}, false
	}
	return ticket{parts[0], parts[1], parts[2]}, true
}

// Begin gives the address at the provider, and what the browser must bring back with the answer: in a cookie that no script can
// read. back is where the provider sends them.
func (p *Provider) Begin(ctx context.Context, back string) (address, kept string, err error) {
	known, err := p.reach(ctx)
	if err != nil {
		return "", "", err
	}
	t := ticket{rand.Text(), rand.Text(), oauth2.GenerateVerifier()}
	address = p.oauth(known, back).AuthCodeURL(t.state, oidc.Nonce(t.nonce), oauth2.S256ChallengeOption(t.verifier))
	return address, strings.Join([]string{t.state, t.nonce, t.verifier}, "."), nil
}

// Finish gives who came back with the provider's answer. ErrRefused when the answer is not the one that this browser asked for, was
// given before, or its token is not good; ErrNoRole when the provider vouches for them and the home knows no role of theirs.
func (p *Provider) Finish(ctx context.Context, back, kept string, answer url.Values) (Who, error) {
	t, ok := readTicket(kept)
	if !ok || subtle.ConstantTimeCompare([]byte(t.state), []byte(answer.Get("state"))) != 1 || answer.Get("code") == "" {
		return Who{}, ErrRefused
	}
	first, err := p.cfg.Spent.Spend(ctx, sha256.Sum256([]byte("openid "+t.state)), p.cfg.Clock().Add(Stays))
	if err != nil {
		return Who{}, err
	}
	if !first {
		return Who{}, ErrRefused
	}
	known, err := p.reach(ctx)
	if err != nil {
		return Who{}, err
	}
	raw, err := p.exchange(ctx, known, back, t, answer.Get("code"))
	if err != nil {
		return Who{}, err
	}
	return p.check(ctx, known, raw, t.nonce)
}

// exchange gets the ID token for the code.
func (p *Provider) exchange(ctx context.Context, known *oidc.Provider, back string, t ticket, code string) (string, error) {
	token, err := p.oauth(known, back).Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(t.verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return "", fmt.Errorf("%w: invalid_grant", ErrRefused)
	}
	if err != nil {
		return "", told(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return "", ErrRefused
	}
	return raw, nil
}

// check verifies an ID token: its signature, issuer, audience, time and nonce; and reads who it is about.
func (p *Provider) check(ctx context.Context, known *oidc.Provider, raw, nonce string) (Who, error) {
	verifier := known.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: func() time.Time { return p.cfg.Clock().Time() }})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return Who{}, fmt.Errorf("%w: %w", ErrRefused, told(err))
	}
	if nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return Who{}, fmt.Errorf("%w: nonce", ErrRefused)
	}
	claims := map[string]json.RawMessage{}
	if err := token.Claims(&claims); err != nil {
		return Who{}, fmt.Errorf("%w: claims", ErrRefused)
	}
	if token.Subject == "" {
		return Who{}, fmt.Errorf("%w: subject", ErrRefused)
	}
	if !p.ours(token, claims) {
		return Who{}, fmt.Errorf("%w: authorised party", ErrRefused)
	}
	role, err := p.role(claims[p.cfg.Claim])
	if err != nil {
		return Who{}, err
	}
	for _, claim := range []string{"name", "preferred_username", "sub"} {
		var name string
		if json.Unmarshal(claims[claim], &name) == nil && strings.TrimSpace(name) != "" && len(name) <= 200 {
			return Who{strings.TrimSpace(name), role, access.Member(token.Issuer, token.Subject)}, nil
		}
	}
	return Who{}, ErrRefused
}

// ours says whether the token was issued to this client, and not to another that shares it (OpenID Connect Core 1.0, 3.1.3.7, 4 and 5).
func (p *Provider) ours(token *oidc.IDToken, claims map[string]json.RawMessage) bool {
	said, is := claims["azp"]
	if !is {
		return len(token.Audience) == 1
	}
	party := ""
	return json.Unmarshal(said, &party) == nil && party == p.cfg.ClientID
}

// role is the one role that the claim's values name. Values that the home does not map say nothing.
func (p *Provider) role(claim json.RawMessage) (access.Role, error) {
	var values []string
	if json.Unmarshal(claim, &values) != nil {
		var one string
		if json.Unmarshal(claim, &one) != nil {
			return access.Anyone, ErrNoRole
		}
		values = []string{one}
	}
	found := access.Anyone
	for _, v := range values {
		if role := p.cfg.Roles[v]; role != access.Anyone {
			if found != access.Anyone && found != role {
				return access.Anyone, ErrNoRole
			}
			found = role
		}
	}
	if found == access.Anyone {
		return access.Anyone, ErrNoRole
	}
	return found, nil
}
