package shop

import (
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/fault"
)

func (s *Shop) signInPage(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	s.pages.Show(w, http.StatusOK, "signin", s.frame(v, r, "Sign in", s.cfg.Households))
}

// signIn is the demo's: a real shop asks for a password here. What follows is real: the shop's server tells Rapport that
// this user signed in on this device, so that the visit before the sign-in is theirs.
func (s *Shop) signIn(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	user := strings.TrimSpace(r.FormValue("userId"))
	if user == "" || len(user) > 64 {
		s.pages.Fail(w, r, s.frame(v, r, "", nil), fault.New(fault.Invalid, "Choose a household to sign in as."))
		return
	}
	device := v.signIn(user)
	if err := s.doors.identify(r.Context(), user, device); err != nil {
		s.cfg.Log.Warn("a sign-in was not told", "error", err)
	}
	http.Redirect(w, r, "/shop?said=signedin", http.StatusSeeOther)
}

func (s *Shop) signOut(w http.ResponseWriter, r *http.Request) {
	s.visits.of(w, r, s.cfg.Secure).signOut()
	http.Redirect(w, r, "/shop?said=strange", http.StatusSeeOther)
}

// feedback passes on what the person said of one offer; it acts on the next page.
func (s *Shop) feedback(w http.ResponseWriter, r *http.Request) {
	back := r.FormValue("back")
	if !strings.HasPrefix(back, "/shop") || strings.ContainsAny(back, "?#\\") {
		back = "/shop"
	}
	word := "thanks"
	if err := s.doors.feedback(r.Context(), r.FormValue("decision"), r.FormValue("item"), r.FormValue("kind")); err != nil {
		s.cfg.Log.Warn("feedback was not taken", "error", err)
		word = "sorry"
	}
	http.Redirect(w, r, back+"?said="+word, http.StatusSeeOther)
}

// yourData takes the person to the trust centre by a single-use link that only the brand's server can ask for.
func (s *Shop) yourData(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	link, err := s.doors.signInLink(r.Context(), v.person())
	if err != nil || !strings.HasPrefix(link, "/trust") && !strings.HasPrefix(link, s.doors.base+"/trust") {
		s.cfg.Log.Warn("no way into the trust centre", "error", err)
		http.Redirect(w, r, "/shop?said=sorry", http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, strings.TrimPrefix(link, s.doors.base), http.StatusSeeOther)
}
