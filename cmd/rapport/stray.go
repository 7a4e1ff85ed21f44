package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/frontdoor"
	"github.com/rapporthq/rapport/web/page"
)

// errNoDoor and errNoWay are said where programs ask.
var (
	errNoDoor = fault.New(fault.NotFound, "There is no such door: GET /openapi.json lists them all.")
	errNoWay  = fault.New(fault.WrongMethod, "This door does not take this method: Allow says which it takes, and GET /openapi.json lists them all.")
)

// machine are the addresses where programs ask, beside all of /api/ and /v1/.
var machine = []string{"/api", "/v1", "/healthz", "/readyz", "/metrics", "/openapi.json"}

// strayed answers at addresses that nobody serves, and to methods that an address does not take: people with a page, programs
// with a problem. Everything else is the mux's.
func strayed(mux *http.ServeMux, show func(w http.ResponseWriter, r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var said answerInMemory // the mux's own answer: not here, not this way, or over there
		said.header = http.Header{}
		own.ServeHTTP(&said, r)
		people, programs := error(frontdoor.ErrNowhere), error(errNoDoor)
		switch said.status {
		case http.StatusNotFound:
		case http.StatusMethodNotAllowed:
			people, programs = frontdoor.ErrMethod, errNoWay
			w.Header().Set("Allow", said.header.Get("Allow"))
		default:
			mux.ServeHTTP(w, r)
			return
		}
		if path := r.URL.Path; strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/") || slices.Contains(machine, path) {
			page.Problem(w, programs)
			return
		}
		show(w, r, people)
	})
}
