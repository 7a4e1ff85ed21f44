// Package itemsapi is the JSON door to the catalogue: put items in, read one.
//
// It promises that of one PUT all items are written or none, that an error names the item by its place and the field and
// never repeats what was sent, and that a client's write key, which every visitor of a site can read, changes nothing. It
// judges no item: know/catalogue says what one is. A catalogue is public, and so is what GET answers.
package itemsapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/page"
)

// Config is what the door is told. Store, Shelf and Charter are required.
type Config struct {
	Store   catalogue.Store
	Shelf   func() *catalogue.Shelf         // the one in use: GET answers from it
	With    func(id string) []string        // what is taken with an item, the same for everybody; nil: nothing is known
	Charter func() *charter.Charter         // the one in force: it says which sources are servers
	Changed func(ctx context.Context) error // called after a write, so that this process sees it at once; nil: it sees it when it looks
	Limiter *access.Limiter                 // nil: one of its own
	Clock   person.Clock                    // nil: the system's
	Log     *slog.Logger                    // nil: the default one
}

// API answers under /api/items. Make it with New.
type API struct{ cfg Config }

// New makes the door.
func New(cfg Config) *API {
	cfg.Limiter, cfg.Log = cmp.Or(cfg.Limiter, access.NewLimiter()), cmp.Or(cfg.Log, slog.Default())
	if cfg.Clock == nil {
		cfg.Clock = person.SystemClock
	}
	return &API{cfg: cfg}
}

// How often a token that says nothing else may write: each write makes the process look at its catalogue anew.
const (
	writeRate  = 10
	writeBurst = 20
)

// Doors are the rows of the table of doors for this package.
func Doors() []access.Door {
	return []access.Door{
		{Method: "PUT", Pattern: "/api/items", Roles: []access.Role{access.Source, access.Admin}, Says: "puts items into the catalogue, each in the place of the one of its id"},
		{Method: "GET", Pattern: "/api/items/{id}", Roles: []access.Role{access.Anyone}, Says: "one item of the catalogue, which is public"},
		{Method: "GET", Pattern: "/api/items/{id}/goes-with", Roles: []access.Role{access.Source, access.Decide}, Says: "what many take with an item"},
	}
}

// Handlers stand behind Doors.
func (a *API) Handlers() map[string]access.Handler {
	return map[string]access.Handler{
		"PUT /api/items":                a.answered(a.put),
		"GET /api/items/{id}":           a.answered(a.get),
		"GET /api/items/{id}/goes-with": a.answered(a.with),
	}
}

// The faults of this door.
var (
	errClient   = fault.New(fault.Refused, "Items come from a server source or from an administrator: this key is a client's.")
	errRate     = fault.New(fault.TooMany, "Too many requests: put more items into each, and wait as long as Retry-After says.")
	errNotFound = fault.New(fault.NotFound, "The catalogue has no item of that id.")
)

// answered turns an error into a problem, and tells the log of ours.
func (a *API) answered(h func(w http.ResponseWriter, r *http.Request, p access.Principal) error) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) {
		err := h(w, r, p)
		if err == nil {
			return
		}
		if code, _ := fault.Of(err); code == fault.Internal {
			a.cfg.Log.ErrorContext(r.Context(), "a request about items failed", "door", r.Pattern, "error", err)
		}
		page.Problem(w, err)
	}
}

func (a *API) put(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	if !a.mayWrite(p) {
		return errClient
	}
	rate, burst := p.Rate, p.Rate
	if rate <= 0 {
		rate, burst = writeRate, writeBurst
	}
	if ok, wait := a.cfg.Limiter.Take("items "+string(p.Key[:]), rate, burst, a.cfg.Clock()); !ok {
		page.RetryIn(w, wait)
		return errRate
	}
	body, err := read(w, r)
	if err != nil {
		return err
	}
	items, err := parse(body)
	if err != nil {
		return err
	}
	version, err := a.cfg.Store.PutItems(r.Context(), items)
	switch {
	case errors.Is(err, vault.ErrUnavailable):
		return fault.Wrap(fault.Unavailable, "The store cannot be reached or is full; nothing was written. Send the same again soon.", err)
	case err != nil:
		return err
	}
	if a.cfg.Changed != nil {
		// What is written is written, whether or not this process has seen it: it looks again by itself.
		if err := a.cfg.Changed(r.Context()); err != nil {
			a.cfg.Log.Warn("items were written and are not in use here yet", "version", version, "error", err)
		}
	}
	b := append([]byte(`{"version":`), strconv.FormatInt(version, 10)...)
	b = append(b, `,"items":`...)
	b = strconv.AppendInt(b, int64(len(items)), 10)
	send(w, append(b, '}'))
	return nil
}

// mayWrite says whether the principal's word about items counts: an administrator's, and that of a source which the
// charter in force calls a server. The doors let in nobody else; this does not rely on it.
func (a *API) mayWrite(p access.Principal) bool {
	switch p.Role {
	case access.Admin:
		return true
	case access.Source:
		c := a.cfg.Charter()
		return c != nil && c.Sources[p.Source] != nil && c.Sources[p.Source].Kind == "server"
	}
	return false
}

// known is the item of the request's id. Of a bare item the shop has published nothing: that it is there says only that
// people bought it.
func (a *API) known(r *http.Request) (*catalogue.Item, error) {
	if s := a.cfg.Shelf(); s != nil {
		if it := s.Item(r.PathValue("id")); it != nil && !it.Bare {
			return it, nil
		}
	}
	return nil, errNotFound
}

func (a *API) get(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	it, err := a.known(r)
	if err != nil {
		return err
	}
	b, err := catalogue.AppendItem(nil, it)
	if err != nil {
		return err
	}
	send(w, b)
	return nil
}

// with tells what goes with an item. It is about items and nobody in particular.
func (a *API) with(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	it, err := a.known(r)
	if err != nil {
		return err
	}
	out := struct {
		Items []string `json:"items"`
	}{[]string{}}
	if a.cfg.With != nil {
		out.Items = append(out.Items, a.cfg.With(it.ID)...)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	send(w, b)
	return nil
}

// send writes JSON that nobody stores.
func send(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n'))
}
