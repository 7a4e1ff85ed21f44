// Package collectapi is the door for messages: the Segment HTTP tracking API, and what a source's owner may see of it.
//
// It promises: 200 is sent only when what was accepted is on disk, synced; what the charter refuses is 200 too, and
// counted; a body is read to its bounds and no further, inflated or not; no address, no user agent and no content of a
// refused message is kept or logged. It judges nothing itself: know/collect does.
package collectapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/page"
)

// Keys tells who bears a write key: access.ErrUnauthorised when nobody does. access.Keeper fills it.
type Keys interface {
	Token(ctx context.Context, text string) (access.Principal, error)
}

// Limits bound what one process takes. The zero value of a field is its default.
type Limits struct {
	InFlight    int64   // requests at once; default 1,024
	Bytes       int64   // bytes of bodies at once; default 256 MB
	AddressRate float64 // messages a second from one address to client sources; default 500, negative: no limit
	Burst       float64 // messages at once from one address; default 5,000
}

// Parts are what an API is made of.
type Parts struct {
	Gate     *collect.Gate
	Keys     Keys
	Charters func() charter.Series
	Limiter  *access.Limiter              // shared with other doors; nil: one of its own
	Address  func(r *http.Request) string // who asks, behind a trusted proxy too; nil: the connection's address
	Secure   bool                         // browsers reach this home over TLS, its own or a proxy's
	Clock    person.Clock
	Took     func(time.Duration) // told how long each request took; nil: nobody
	Limits   Limits
}

// API answers the collecting doors. It is safe for use by many goroutines.
type API struct {
	parts    Parts
	inFlight atomic.Int64
	bytes    atomic.Int64
}

// New makes an API. Gate, Keys and Charters must be there.
func New(p Parts) *API {
	if p.Limiter == nil {
		p.Limiter = access.NewLimiter()
	}
	if p.Clock == nil {
		p.Clock = person.SystemClock
	}
	if p.Address == nil {
		p.Address = func(r *http.Request) string {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				return r.RemoteAddr
			}
			return host
		}
	}
	l := &p.Limits
	if l.InFlight == 0 {
		l.InFlight = 1024
	}
	if l.Bytes == 0 {
		l.Bytes = 256 << 20
	}
	if l.AddressRate == 0 {
		l.AddressRate = 500
	}
	if l.Burst == 0 {
		l.Burst = 5000
	}
	return &API{parts: p}
}

// Doors are the rows of the table of doors. The tracking doors are open to anyone because the write key may be in the
// body: they ask for it themselves.
func Doors() []access.Door {
	anyone := []access.Role{access.Anyone}
	owners := []access.Role{access.Source, access.Admin, access.Privacy}
	return []access.Door{
		{Method: "POST", Pattern: "/v1/{call}", Roles: anyone, Says: "messages in the Segment format, one or a batch; the write key as Basic user or in the body"},
		{Method: "OPTIONS", Pattern: "/v1/{call}", Roles: anyone, Says: "what browsers of other sites may send"},
		{Method: "GET", Pattern: "/v1/projects/{writeKey}/settings", Roles: anyone, Says: "settings for Segment's browser SDK"},
		{Method: "OPTIONS", Pattern: "/v1/projects/{writeKey}/settings", Roles: anyone, Says: "what browsers of other sites may ask"},
		{Method: "GET", Pattern: "/api/refusals", Roles: owners, Says: "what of a source was refused, as counts"},
		{Method: "GET", Pattern: "/api/events/recent", Roles: owners, Says: "what became of a source's latest messages, without values"},
	}
}

// Handlers are the handlers by the keys of Doors.
func (a *API) Handlers() map[string]access.Handler {
	return map[string]access.Handler{
		"POST /v1/{call}":                          a.collect,
		"OPTIONS /v1/{call}":                       preflight,
		"GET /v1/projects/{writeKey}/settings":     a.settings,
		"OPTIONS /v1/projects/{writeKey}/settings": preflight,
		"GET /api/refusals":                        a.refusals,
		"GET /api/events/recent":                   a.recent,
	}
}

// patience is how long a request waits for the store: a sender that hears nothing for longer has gone.
const patience = 20 * time.Second

var done = []byte(`{"success":true}` + "\n")

// The answers that are no success.
var (
	errNoCall    = fault.New(fault.NotFound, "There is no such call: use batch, track, identify, page, screen, group or alias.")
	errKey       = fault.New(fault.Unauthorised, "This write key is not known here: ask for one with `rapport token --role source`, and send it as the user name of Basic authentication or as writeKey in the body.")
	errMalformed = fault.New(fault.Invalid, "The body is not a JSON object in the Segment format: send one message, or {\"batch\": [...]} to /v1/batch.")
	errLarge     = fault.New(fault.TooLarge, "Too large: a message takes at most 32 KB, a batch at most 2,500 messages and 4 MB after inflating. Send it in parts.")
	errSomeLarge = fault.New(fault.TooLarge, "A message of this batch is larger than 32 KB and was not kept; the others were. Do not send them again.")
	errInflate   = fault.New(fault.Invalid, "The body says that it is gzip and cannot be inflated: send it plain or as valid gzip.")
	errCrowded   = fault.New(fault.TooMany, "Too much is under way: send the same again in a second.")
	errRead      = fault.New(fault.Invalid, "The body ended before it was whole: send it again.")
)

func (a *API) collect(w http.ResponseWriter, r *http.Request, _ access.Principal) {
	began := time.Now()
	open(w)
	if wait, err := a.take(w, r); err != nil {
		problem(w, err, wait)
		return
	}
	if a.parts.Took != nil {
		a.parts.Took(time.Since(began))
	}
	h := w.Header()
	h["Content-Type"], h["Content-Length"] = asJSON, doneLength
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(done)
}

// take reads, judges and commits one body. wait is for Retry-After.
func (a *API) take(w http.ResponseWriter, r *http.Request) (wait time.Duration, err error) {
	as, ok := collect.ParseType(r.PathValue("call"))
	if !ok {
		return 0, errNoCall
	}
	var who access.Principal
	if key, _, basic := r.BasicAuth(); basic {
		if who, err = a.source(r.Context(), key); err != nil {
			return 0, err
		}
	}
	b := bodies.Get().(*body)
	defer b.free()
	if err := b.read(w, r, &a.bytes, a.parts.Limits.Bytes); err != nil {
		return time.Second, err
	}
	defer a.bytes.Add(-b.held)
	// Not before the body is here: who sends slowly takes nobody's place.
	if a.inFlight.Add(1) > a.parts.Limits.InFlight {
		a.inFlight.Add(-1)
		return time.Second, errCrowded
	}
	defer a.inFlight.Add(-1)
	parseErr := b.batch.Parse(b.bytes(), as)
	if who.Source == "" && parseErr == nil {
		if who, err = a.source(r.Context(), b.batch.WriteKey); err != nil {
			return 0, err
		}
	}
	switch {
	case errors.Is(parseErr, collect.ErrTooLarge):
		return 0, errLarge
	case parseErr != nil:
		return 0, errMalformed
	}
	if b.batch.Single() {
		m := &b.batch.Messages[0]
		switch {
		case m.Large():
			return 0, errLarge
		case m.Defect() != "":
			return 0, fault.New(fault.Invalid, "The message was not kept: "+m.Defect()+".")
		}
	}
	if wait, err := a.slow(r, who, len(b.batch.Messages)); err != nil {
		return wait, err
	}
	ctx, stop := context.WithTimeout(r.Context(), patience)
	defer stop()
	if _, err := a.parts.Gate.Accept(ctx, collect.Arrival{Source: who.Source, Batch: &b.batch, GPC: r.Header.Get("Sec-GPC") == "1"}); err != nil {
		return time.Second, err
	}
	for i := range b.batch.Messages {
		if b.batch.Messages[i].Large() {
			return 0, errSomeLarge
		}
	}
	return 0, nil
}

// source is who bears a write key.
func (a *API) source(ctx context.Context, key string) (access.Principal, error) {
	if key == "" {
		return access.Principal{}, errKey
	}
	p, err := a.parts.Keys.Token(ctx, key)
	switch {
	case errors.Is(err, access.ErrUnauthorised), err == nil && (p.Role != access.Source || p.Source == ""):
		return access.Principal{}, errKey
	case err != nil:
		return access.Principal{}, fault.Wrap(fault.Unavailable, "Keys cannot be looked up just now: send the same again in a moment.", err)
	}
	return p, nil
}

// slow holds requests to the key's rate, and messages from browsers to a rate by address.
func (a *API) slow(r *http.Request, who access.Principal, messages int) (time.Duration, error) {
	now := a.parts.Clock()
	if who.Rate > 0 {
		if ok, wait := a.parts.Limiter.Take("key "+string(who.Key[:]), who.Rate, 2*who.Rate, now); !ok {
			return wait, fault.New(fault.TooMany, "This write key has used up its rate: send the same again after the time in Retry-After.")
		}
	}
	if a.client(who.Source) {
		l := a.parts.Limits
		if ok, wait := a.parts.Limiter.TakeMany("collect "+a.parts.Address(r), float64(messages), l.AddressRate, l.Burst, now); !ok {
			return wait, fault.New(fault.TooMany, "Too many messages come from this address: send the same again after the time in Retry-After.")
		}
	}
	return 0, nil
}

// client says whether a source's key is public. What the charter does not name counts as public.
func (a *API) client(source string) bool {
	c := a.parts.Charters().Current()
	return c == nil || c.Sources[source] == nil || c.Sources[source].Kind != "server"
}

// problem answers with the fault; what is to be tried again says when.
func problem(w http.ResponseWriter, err error, wait time.Duration) {
	if code, _ := fault.Of(err); code == fault.TooMany || code == fault.Unavailable {
		page.RetryIn(w, wait)
	}
	page.Problem(w, err)
}
