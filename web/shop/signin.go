package shop

import (
	"net/http"
	"strings"
)

// acquainted are the households of one level.
type acquainted struct {
	Level      string
	Households []Household
}

func (s *Shop) signInPage(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	var body []acquainted
	for i := range levels {
		of := acquainted{Level: levels[len(levels)-1-i]}
		for _, h := range s.cfg.Households {
			if h.Level == of.Level {
				of.Households = append(of.Households, h)
			}
		}
		if len(of.Households) > 0 {
			body = append(body, of)
		}
	}
	s.pages.Show(w, http.StatusOK, "signin", s.frame(v, r, "signin", body))
}

// signIn is the demo's: a real shop asks for a password here. What follows is real: the shop's server tells Rapport that
// this user signed in on this device, so that the visit before the sign-in is theirs.
func (s *Shop) signIn(w http.ResponseWriter, r *http.Request, v *visit) {
	user := strings.TrimSpace(r.PostFormValue("userId"))
	if user == "" || len(user) > 64 {
		s.fail(w, r, v, errHousehold)
		return
	}
	device := v.signIn(user)
	event, err := s.doors.identify(r.Context(), user, device)
	if err != nil {
		s.cfg.Log.Warn("a sign-in was not told", "error", err)
	} else {
		v.sent(event)
	}
	http.Redirect(w, r, "/shop?said=signed-in", http.StatusSeeOther)
}

func (s *Shop) signOut(w http.ResponseWriter, r *http.Request, v *visit) {
	v.signOut()
	http.Redirect(w, r, "/shop?said=stranger", http.StatusSeeOther)
}

// yourData takes the person to the trust centre by a single-use link that only the brand's server can ask for.
func (s *Shop) yourData(w http.ResponseWriter, r *http.Request, v *visit) {
	link, err := s.doors.signInLink(r.Context(), v.person())
	link = strings.TrimPrefix(link, s.doors.base)
	if err != nil || !strings.HasPrefix(link, "/trust/") {
		s.cfg.Log.Warn("no way into the trust centre", "error", err)
		back(w, r, "sorry")
		return
	}
	http.Redirect(w, r, link, http.StatusSeeOther)
}
