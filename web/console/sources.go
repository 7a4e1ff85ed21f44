package console

import (
	"context"
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

// Tokens are the home's tokens, for admins.
type Tokens interface {
	// All lists every token, the oldest first, revoked ones too. Their texts are not kept anywhere.
	All(ctx context.Context) ([]access.Token, error)
	// Make makes one and gives its text, which nobody can read again.
	Make(ctx context.Context, t NewToken) (text string, err error)
	// Revoke ends every good token of a name: from the next request on, in every process.
	Revoke(ctx context.Context, name string) error
}

// NewToken is what a token is to be.
type NewToken struct {
	Role, Name, Team string
	Placements       []string
	Explain, Attest  bool
	Days             int // 0: until it is revoked
}

// sourcesPage is who brings data, who may ask, and who works with it.
type sourcesPage struct {
	Sources    []*charter.Source
	Teams      []*charter.Team
	Tokens     []tokenLine // for admins; else nil
	Admin      bool
	Roles      []access.Role
	Placements []string

	Made    string // the text of the token that was made just now
	MadeFor string
	Refused string
}

// tokenLine is a token in the list.
type tokenLine struct {
	access.Token
	Good bool
}

// tokenRoles are the roles for which the page makes tokens, in the order of its list.
var tokenRoles = []access.Role{access.Source, access.Decide, access.Marketer, access.Agent, access.Privacy, access.Admin}

func (c *Console) sources(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	c.showSources(w, r, s, sourcesPage{}, nil)
}

// showSources shows the page with what an act left to say; refused is the act's own fault.
func (c *Console) showSources(w http.ResponseWriter, r *http.Request, s Staff, p sourcesPage, refused error) {
	ch := c.cfg.Charter()
	for _, name := range ch.Order.Sources {
		p.Sources = append(p.Sources, ch.Sources[name])
	}
	for _, name := range ch.Order.Teams {
		p.Teams = append(p.Teams, ch.Teams[name])
	}
	p.Admin, p.Roles, p.Placements = s.Role == string(access.Admin), tokenRoles, ch.Order.Placements
	if p.Admin {
		all, err := c.cfg.Tokens.All(r.Context())
		if err != nil {
			c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
			return
		}
		now := c.cfg.Clock()
		for _, t := range all {
			p.Tokens = append(p.Tokens, tokenLine{t, t.Revoked == 0 && (t.Expires == 0 || t.Expires > now)})
		}
	}
	status := http.StatusOK
	if refused != nil {
		var code fault.Code
		code, p.Refused = fault.Of(refused)
		status = page.Status(code)
	}
	c.pages.Show(w, status, "sources", c.frame(r, s, c.say(r, "sources.title"), p))
}

// act is a form of an admin's: from here, and no larger than a form is.
func (c *Console) act(w http.ResponseWriter, r *http.Request, do func(s Staff) (sourcesPage, error)) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = page.ReadForm(w, r, mostForm, "placement")
	}
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	if s.Role != string(access.Admin) {
		c.Refused(w, r)
		return
	}
	p, err := do(s)
	c.showSources(w, r, s, p, err)
}

func (c *Console) makeToken(w http.ResponseWriter, r *http.Request) {
	c.act(w, r, func(Staff) (p sourcesPage, err error) {
		t := NewToken{Role: r.FormValue("role"), Name: strings.TrimSpace(r.FormValue("name")), Placements: r.Form["placement"], Explain: r.FormValue("explain") == "yes", Attest: r.FormValue("attest") == "yes"}
		if source := r.FormValue("source"); t.Role == string(access.Source) && source != "" {
			t.Name = source
		}
		switch r.FormValue("days") {
		case "90":
			t.Days = 90
		case "365":
			t.Days = 365
		}
		if t.Name == "" || len(t.Name) > 100 {
			return p, fault.New(fault.Invalid, "Give the token a name of up to 100 letters, so that you know it again in the list.")
		}
		p.MadeFor = t.Name
		p.Made, err = c.cfg.Tokens.Make(r.Context(), t)
		return p, err
	})
}

func (c *Console) revokeToken(w http.ResponseWriter, r *http.Request) {
	c.act(w, r, func(Staff) (sourcesPage, error) {
		return sourcesPage{}, c.cfg.Tokens.Revoke(r.Context(), r.FormValue("name"))
	})
}
