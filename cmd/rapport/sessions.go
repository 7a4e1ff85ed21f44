package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/console"
	"github.com/rapporthq/rapport/web/page"
	"github.com/rapporthq/rapport/web/trustcentre"
)

type principalKey struct{}

// asHandler lets an HTML door's handler know who came in.
func asHandler(h http.HandlerFunc) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) {
		h(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, p)))
	}
}

func principalOf(r *http.Request) access.Principal {
	p, _ := r.Context().Value(principalKey{}).(access.Principal)
	return p
}

// sessions are the cookies of customers and staff.
type sessions struct {
	h   *house
	tls bool
}

var errNoSignIn = fault.New(fault.Unavailable, "You cannot be signed in just now; try again in a moment.")

func (s sessions) sameOrigin(r *http.Request) error {
	if err := access.SameOrigin(r); err != nil {
		return fault.Wrap(fault.Refused, "This form was sent from another site; open the page itself and try again.", err)
	}
	return nil
}

func (s sessions) leave(w http.ResponseWriter, r *http.Request, customer bool) {
	s.end(r)
	http.SetCookie(w, access.Cookie(customer, s.tls, ""))
}

// end ends the session by which the request came, if it came by one.
func (s sessions) end(r *http.Request) {
	if p := principalOf(r); p.Cookie {
		if err := s.h.store.RevokeSession(r.Context(), p.Key, s.h.clock()); err != nil {
			s.h.log.Warn("a session could not be ended in the store", "error", err)
		}
		s.h.keeper.Dropped(p.Key)
	}
}

// customers is trustcentre.Sessions.
type customers struct{ sessions }

func (s customers) Enter(w http.ResponseWriter, r *http.Request, link string) error {
	cookie, _, err := access.UseLink(r.Context(), s.h.store, link, s.h.clock())
	switch {
	case errors.Is(err, access.ErrUnauthorised):
		return trustcentre.ErrEntry
	case err != nil:
		return fault.Wrap(fault.Unavailable, "You cannot be signed in just now; try again in a moment.", err)
	}
	http.SetCookie(w, access.Cookie(true, s.tls, cookie))
	return nil
}

func (s customers) Begin(w http.ResponseWriter, r *http.Request, id person.ID) error {
	cookie, err := access.Begin(r.Context(), s.h.store, access.Session{Role: access.Customer, Person: id}, s.h.clock())
	if err != nil {
		return fault.Wrap(fault.Unavailable, "You cannot be signed in just now; try again in a moment.", err)
	}
	http.SetCookie(w, access.Cookie(true, s.tls, cookie))
	return nil
}

func (s customers) Person(r *http.Request) (person.ID, bool) {
	p := principalOf(r)
	return p.Person, p.Role == access.Customer && !p.Person.IsZero()
}

func (s customers) Leave(w http.ResponseWriter, r *http.Request) { s.leave(w, r, true) }

func (s customers) SameOrigin(r *http.Request) error { return s.sameOrigin(r) }

// staff is console.Sessions.
type staff struct{ sessions }

func (s staff) SignIn(w http.ResponseWriter, r *http.Request, token string) error {
	p, err := s.h.keeper.Token(r.Context(), token)
	if err != nil && !errors.Is(err, access.ErrUnauthorised) {
		return fault.Wrap(fault.Unavailable, "You cannot be signed in just now; try again in a moment.", err)
	}
	if err != nil || !p.Role.Staff() {
		return fault.New(fault.Unauthorised, "This is no token of a member of staff, or it has run out; ask an admin for a new one.")
	}
	return s.begin(w, r, access.Session{Role: p.Role, Name: p.Name, Team: p.Team, Member: p.Member})
}

func (s staff) Staff(r *http.Request) (console.Staff, bool) {
	p := principalOf(r)
	return console.Staff{Name: p.Name, Role: string(p.Role), Team: p.Team}, p.Role.Staff()
}

func (s staff) Leave(w http.ResponseWriter, r *http.Request) { s.leave(w, r, false) }

func (s staff) SameOrigin(r *http.Request) error { return s.sameOrigin(r) }

// guard tells the table of doors who came: by token, else by the cookie that belongs to the door's area. notYours tells staff
// that a page of the console is not for their role.
func (s sessions) guard(notYours http.HandlerFunc) access.Guard {
	g := access.Guard{Who: s.who}
	g.Refuse = func(w http.ResponseWriter, r *http.Request, d access.Door, err error) {
		switch {
		case errors.Is(err, access.ErrUnauthorised) && strings.HasPrefix(d.Pattern, "/console"):
			http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
		case errors.Is(err, access.ErrUnauthorised) && strings.HasPrefix(d.Pattern, "/trust"):
			http.Redirect(w, r, "/trust?said=ended", http.StatusSeeOther) // a person with a form before them reads a page
		case errors.Is(err, access.ErrUnauthorised):
			page.Problem(w, fault.Wrap(fault.Unauthorised, "This door needs a token or session that is known here; make one with rapport token.", err))
		case errors.Is(err, access.ErrRefused):
			if p, err := g.Who(r, d); err == nil && p.Role.Staff() && strings.HasPrefix(d.Pattern, "/console") {
				asHandler(notYours)(w, r, p)
				return
			}
			page.Problem(w, fault.Wrap(fault.Refused, "This door is not for this role.", err))
		case errors.Is(err, access.ErrCrossSite):
			page.Problem(w, fault.Wrap(fault.Refused, "This change was asked for by another site; do it from the page itself.", err))
		default:
			page.Problem(w, fault.Wrap(fault.Unavailable, "Who you are cannot be checked just now; try again in a moment.", err))
		}
	}
	return g
}

// who tells who came to a door, once this process is at what is in force. Where the home cannot be asked, a shop's token that was
// known gets its decisions as for a stranger, doors that are open to all open on what was in force, and the others stay shut.
func (s sessions) who(r *http.Request, d access.Door) (access.Principal, error) {
	if unasked(d) {
		return s.known(r, d)
	}
	decides := d.Key() == "POST /api/decide"
	patience := doorPatience
	if decides {
		patience = decidePatience
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	current := func() error { return nil }
	if s.h.shared() { // two questions to the database, neither of which waits for the other
		told := make(chan error, 1)
		go func() { told <- s.h.current(ctx) }()
		current = func() error { return <-told }
	}
	p, err := s.known(r.WithContext(ctx), d)
	behind := current()
	if behind != nil && (strings.HasPrefix(d.Pattern, "/v1/") || !decides && !d.Allow(access.Principal{})) {
		return access.Principal{}, behind
	}
	if decides && p.Role == access.Decide && (err == nil && behind != nil || errors.Is(err, access.ErrUnsure)) {
		p.Unsure = true
		return p, nil
	}
	return p, err
}

// unasked are the doors behind which nothing depends on what is in force.
func unasked(d access.Door) bool {
	return d.Method == http.MethodOptions || strings.HasPrefix(d.Pattern, "/assets/") || d.Pattern == "/healthz" || d.Pattern == "/readyz" || d.Pattern == "/metrics"
}

// known is whose token or session came.
func (s sessions) known(r *http.Request, d access.Door) (access.Principal, error) {
	// The brand's page sends its form from another site, maybe while an earlier session's cookie is there: the token in the
	// form says who comes, and nothing else does.
	if d.Key() == "POST /trust/enter" {
		return access.Principal{}, nil
	}
	// A write key in Basic is the tracking doors' own affair: they answer an unknown one themselves.
	if strings.HasPrefix(d.Pattern, "/v1/") && r.Header.Get("Authorization") != "" {
		return access.Principal{}, nil
	}
	if p, err := s.h.keeper.Bearer(r); err != nil || p.Role != access.Anyone {
		return p, err
	}
	return s.h.keeper.Visitor(r, !strings.HasPrefix(d.Pattern, "/console"), s.tls)
}
