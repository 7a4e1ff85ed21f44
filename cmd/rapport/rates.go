package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

// rate is how many requests a second come back, and how many may come at once.
type rate struct{ perSecond, burst float64 }

// rates are those of who comes without a token; tokens and write keys have theirs at their doors. Addresses and people are in memory only.
type rates struct {
	reading  rate // by address
	sending  rate // by address: forms of strangers, and what comes with a token that is none
	customer rate // by person, whatever their address and however many sessions they have
	staff    rate // by session
}

// usualRates are far above what people do and come back by themselves: whoever is turned away comes in again within a second.
var usualRates = rates{reading: rate{500, 5000}, sending: rate{20, 400}, customer: rate{50, 500}, staff: rate{50, 500}}

// unrated doors are for whoever watches over the home, for assets, which cost nothing, and for messages, which have rates of their own.
func unrated(d access.Door) bool {
	return strings.HasPrefix(d.Pattern, "/v1/") || strings.HasPrefix(d.Pattern, "/assets/") || d.Pattern == "/healthz" || d.Pattern == "/readyz" || d.Pattern == "/metrics"
}

// tooOften is a request over its rate, and after how long the same is let in.
type tooOften struct{ wait time.Duration }

func (tooOften) Error() string { return "too often" }

var errOften = fault.New(fault.TooMany, "Too many requests: wait as long as Retry-After says.")

// rated lets a guard turn away who comes too often. Who bears a good token is never slowed here by what others at their address do.
func rated(g access.Guard, by rates, address func(*http.Request) string, clock person.Clock) access.Guard {
	limiter, who, refuse := access.NewLimiter(), g.Who, g.Refuse
	g.Who = func(r *http.Request, d access.Door) (access.Principal, error) {
		p, err := who(r, d)
		if unrated(d) {
			return p, err
		}
		var name string
		var at rate
		switch {
		case err == nil && p.Role == access.Customer:
			name, at = "person "+p.Person.String(), by.customer
		case err == nil && p.Cookie:
			name, at = "session "+string(p.Key[:]), by.staff
		case err == nil && p.Role != access.Anyone:
			return p, err
		case err == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions):
			name, at = "reads "+address(r), by.reading
		default:
			name, at = "sends "+address(r), by.sending
		}
		if ok, wait := limiter.Take(name, at.perSecond, at.burst, clock()); !ok {
			return access.Principal{}, tooOften{wait}
		}
		return p, err
	}
	g.Refuse = func(w http.ResponseWriter, r *http.Request, d access.Door, err error) {
		var often tooOften
		if errors.As(err, &often) {
			page.RetryIn(w, often.wait)
			page.Problem(w, errOften)
			return
		}
		refuse(w, r, d, err)
	}
	return g
}
