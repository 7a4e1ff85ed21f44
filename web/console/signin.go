package console

import (
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/page"
)

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	c.pages.Show(w, http.StatusOK, "signin", c.frame(r, Staff{}, "Sign in", ""))
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	err := c.cfg.Sessions.SameOrigin(r)
	if err == nil {
		err = c.cfg.Sessions.SignIn(w, r, strings.TrimSpace(r.FormValue("token")))
	}
	if err != nil {
		code, sentence := fault.Of(err)
		c.pages.Show(w, page.Status(code), "signin", c.frame(r, Staff{}, "Sign in", sentence))
		return
	}
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
