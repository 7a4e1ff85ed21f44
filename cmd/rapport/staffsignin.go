package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/console"
	"github.com/rapporthq/rapport/web/console/openid"
)

// staffOptions say at which OpenID Connect provider staff sign in. Tokens need none of them.
type staffOptions struct {
	Issuer, Client, SecretFile, Claim string
	Roles                             map[string]string
}

func staffFlags(cmd *cobra.Command, o *staffOptions) {
	cmd.Flags().StringVar(&o.Issuer, "oidc-issuer", "", "OpenID Connect provider at which staff sign in, its https address")
	cmd.Flags().StringVar(&o.Client, "oidc-client", "", "client id of this home at that provider")
	cmd.Flags().StringVar(&o.SecretFile, "oidc-secret-file", "", "file of the client's secret")
	cmd.Flags().StringVar(&o.Claim, "oidc-role-claim", "groups", "claim of the ID token that says what somebody may be here")
	cmd.Flags().StringToStringVar(&o.Roles, "oidc-role", nil, "a value of that claim and its role (marketer, agent, privacy or admin), as value=role; several by commas")
}

// provider is console.Provider, nil when staff sign in by token only.
func (o staffOptions) provider(sess sessions) (console.Provider, error) {
	if o.Issuer == "" {
		if o.Client != "" || o.SecretFile != "" || len(o.Roles) > 0 {
			return nil, usage{errors.New("give --oidc-issuer too, to let staff sign in at a provider")}
		}
		return nil, nil
	}
	secret, err := os.ReadFile(o.SecretFile)
	if err != nil {
		return nil, usage{errors.New("the file of --oidc-secret-file cannot be read")}
	}
	cfg := openid.Config{Issuer: o.Issuer, ClientID: o.Client, Secret: strings.TrimSpace(string(secret)), Claim: o.Claim, Roles: map[string]access.Role{}, Spent: sess.h.store, Clock: sess.h.clock}
	for value, role := range o.Roles {
		cfg.Roles[value] = access.Role(role)
	}
	p, err := openid.New(cfg)
	if err != nil {
		return nil, usage{err}
	}
	return provider{staff{sess}, p}, nil
}

// provider is console.Provider over an OpenID Connect provider.
type provider struct {
	staff
	at *openid.Provider
}

var (
	errAnswer = fault.New(fault.Unauthorised, "This sign-in was not begun in this browser, was used already or took too long; sign in again.")
	errNoRole = fault.New(fault.Refused, "Your work account has no role here, or more than one; ask an admin for one.")
)

// back is where the provider sends the browser. The provider knows it too, so a Host that somebody makes up leads nowhere.
func (p provider) back(r *http.Request) string {
	if p.tls {
		return "https://" + r.Host + "/console/sign-in/callback"
	}
	return "http://" + r.Host + "/console/sign-in/callback"
}

// cookie keeps what the browser must bring back. An empty value takes it away.
func (p provider) cookie(value string) *http.Cookie {
	c := &http.Cookie{Name: "rapport-sign-in", Value: value, Path: "/", HttpOnly: true, Secure: p.tls, SameSite: http.SameSiteLaxMode, MaxAge: int(openid.Stays / time.Second)}
	if p.tls {
		c.Name = "__Host-" + c.Name
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

func (p provider) Begin(w http.ResponseWriter, r *http.Request) (string, error) {
	address, kept, err := p.at.Begin(r.Context(), p.back(r))
	if err != nil {
		p.h.log.WarnContext(r.Context(), "the OpenID Connect provider cannot be asked", "error", err)
		return "", errNoSignIn
	}
	http.SetCookie(w, p.cookie(kept))
	return address, nil
}

func (p provider) Enter(w http.ResponseWriter, r *http.Request) error {
	kept := ""
	if c, err := r.Cookie(p.cookie("").Name); err == nil {
		kept = c.Value
	}
	http.SetCookie(w, p.cookie(""))
	who, err := p.at.Finish(r.Context(), p.back(r), kept, r.URL.Query())
	switch {
	case errors.Is(err, openid.ErrRefused):
		return errAnswer
	case errors.Is(err, openid.ErrNoRole):
		return errNoRole
	case err != nil:
		p.h.log.WarnContext(r.Context(), "a sign-in at the OpenID Connect provider failed", "kind", "provider")
		return errNoSignIn
	}
	return p.begin(w, r, access.Session{Role: who.Role, Name: who.Name, Team: teamOf(who.Role), Member: who.Member})
}

// teamOf is the charter's team of a role, where nothing else is said.
func teamOf(role access.Role) string {
	return map[access.Role]string{access.Marketer: "marketing", access.Agent: "care", access.Privacy: "privacy"}[role]
}

// begin signs a member of staff in with a new cookie, and ends the session that this browser had before.
func (s staff) begin(w http.ResponseWriter, r *http.Request, who access.Session) error {
	cookie, err := access.Begin(r.Context(), s.h.store, who, s.h.clock())
	if err != nil {
		return fault.Wrap(fault.Unavailable, "You cannot be signed in just now; try again in a moment.", err)
	}
	s.end(r)
	http.SetCookie(w, access.Cookie(false, s.tls, cookie))
	return nil
}

// Everywhere ends all sessions of who asks, in every browser: those of the same token, or of the same subject at the provider.
func (s staff) Everywhere(w http.ResponseWriter, r *http.Request) error {
	ended, err := s.h.store.RevokeStaffSessions(context.WithoutCancel(r.Context()), principalOf(r).Member, s.h.clock())
	if err != nil {
		return fault.Wrap(fault.Unavailable, "Your sessions cannot be ended just now; try again in a moment.", err)
	}
	for _, key := range ended {
		s.h.keeper.Dropped(key)
	}
	http.SetCookie(w, access.Cookie(false, s.tls, ""))
	return nil
}
