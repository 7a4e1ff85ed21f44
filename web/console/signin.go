package console

import (
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/page"
)

// Provider signs staff in at the brand's OpenID Connect provider.
type Provider interface {
	// Begin gives the address at the provider, and sets what this browser must bring back.
	Begin(w http.ResponseWriter, r *http.Request) (address string, err error)
	// Enter begins a session for who came back with the provider's answer.
	Enter(w http.ResponseWriter, r *http.Request) error
}

var errNoProvider = fault.New(fault.NotFound, "Staff sign in by token here; this home has no OpenID Connect provider.")

// signingIn is what the page to sign in shows.
type signingIn struct {
	Provider bool
	Refused  string
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request, err error) {
	body, status := signingIn{Provider: c.cfg.Provider != nil}, http.StatusOK
	if err != nil {
		code, _ := fault.Of(err)
		status, body.Refused = page.Status(code), c.pages.Sentence(c.lang(r), err)
		if code == fault.Internal {
			c.cfg.Log.ErrorContext(r.Context(), "a sign-in failed", "error", err)
		}
	}
	f := c.frame(r, Staff{}, c.say(r, "signin.title"), body)
	f.Path = "/console/sign-in" // the way back of the language form: not the provider's answer
	c.pages.Show(w, status, "signin", f)
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) { c.showSignIn(w, r, nil) }

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = page.ReadForm(w, r, mostForm)
	}
	if err == nil {
		err = c.cfg.Sessions.SignIn(w, r, strings.TrimSpace(r.FormValue("token")))
	}
	if err != nil {
		c.showSignIn(w, r, err)
		return
	}
	http.Redirect(w, r, "/console", http.StatusSeeOther)
}

// toProvider is a link and no form: the policy of our pages lets no form lead to another site.
func (c *Console) toProvider(w http.ResponseWriter, r *http.Request) {
	if c.cfg.Provider == nil {
		c.showSignIn(w, r, errNoProvider)
		return
	}
	address, err := c.cfg.Provider.Begin(w, r)
	if err != nil {
		c.showSignIn(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func (c *Console) fromProvider(w http.ResponseWriter, r *http.Request) {
	err := error(errNoProvider)
	if c.cfg.Provider != nil {
		err = c.cfg.Provider.Enter(w, r)
	}
	if err != nil {
		c.showSignIn(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/console", http.StatusSeeOther)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.cfg.Sessions.SameOrigin(r); err != nil {
		c.pages.Fail(w, r, c.frame(r, Staff{}, "", nil), err)
		return
	}
	c.cfg.Sessions.Leave(w, r)
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
}

// you is a member of staff's own page: who they are here, and the way out of every browser.
func (c *Console) you(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	c.pages.Show(w, http.StatusOK, "you", c.frame(r, s, c.say(r, "you.title"), s))
}

func (c *Console) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = c.cfg.Everywhere(w, r)
	}
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
}
