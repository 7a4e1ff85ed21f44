// Package rightsapi is the JSON door by which the privacy team has a person forgotten.
//
// It promises: an answer of 200 means that the person's keys and rows are gone and carries the signed certificate; whoever is named by several
// identifiers, by one twice, or by one that leads to nobody, is not guessed at. Trying again after a lost answer is harmless: then nobody is found. It keeps and logs nothing of whom it was asked about.
package rightsapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	strict "github.com/go-json-experiment/json"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/page"
)

// Config is what the door is told. Erase is required.
type Config struct {
	// Erase forgets whom the identifier leads to, and gives the certificate. Its errors are faults.
	Erase   func(ctx context.Context, kind vault.IdentifierKind, value, actor, role string, now bool) ([]byte, error)
	Limiter *access.Limiter // nil: one of its own
	Clock   person.Clock    // nil: the system's
	Log     *slog.Logger    // nil: the default one
}

// API answers under /api/rights. Make it with New.
type API struct{ cfg Config }

// New makes the door.
func New(cfg Config) *API {
	if cfg.Limiter == nil {
		cfg.Limiter = access.NewLimiter()
	}
	if cfg.Clock == nil {
		cfg.Clock = person.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &API{cfg: cfg}
}

// How often a token that says nothing else may have somebody forgotten: more at once is a command.
const rate, burst = 5, 20

const (
	mostBody  = 16 << 10
	mostValue = 512
)

// EraseDoor is its row in the table of doors.
var EraseDoor = access.Door{Method: "POST", Pattern: "/api/rights/erase", Roles: []access.Role{access.Privacy}, Says: "forgets a person for good, and gives the signed certificate"}

// Handlers stand behind the doors.
func (a *API) Handlers() map[string]access.Handler {
	return map[string]access.Handler{EraseDoor.Key(): a.erase}
}

var (
	errBody  = fault.New(fault.Invalid, `Send {"person": {"userId": "…"}}, or anonymousId, email or phone in the place of userId, and "now": true to wait until no byte is left in the database's files.`)
	errRole  = fault.New(fault.Refused, "Only the privacy team has people forgotten: use a token of that role.")
	errLarge = fault.New(fault.TooLarge, "The body is too large: it names one person.")
	errRate  = fault.New(fault.TooMany, "Too many requests: wait as long as Retry-After says, or use rapport rights erase --people for many.")
)

type request struct {
	Person struct {
		UserID      string `json:"userId"`
		AnonymousID string `json:"anonymousId"`
		Email       string `json:"email"`
		Phone       string `json:"phone"`
	} `json:"person"`
	Now bool `json:"now"`
}

// named gives the one identifier of the request.
func (r *request) named() (kind vault.IdentifierKind, value string, err error) {
	for _, i := range []struct {
		kind  vault.IdentifierKind
		value string
	}{{vault.UserID, r.Person.UserID}, {vault.AnonymousID, r.Person.AnonymousID}, {vault.Email, r.Person.Email}, {vault.Phone, r.Person.Phone}} {
		if i.value == "" {
			continue
		}
		if value != "" {
			return "", "", errBody
		}
		kind, value = i.kind, i.value
	}
	if value == "" {
		return "", "", errBody
	}
	return kind, value, nil
}

func (a *API) erase(w http.ResponseWriter, r *http.Request, p access.Principal) {
	certificate, err := a.erased(w, r, p)
	if err != nil {
		if code, _ := fault.Of(err); code == fault.Internal {
			a.cfg.Log.ErrorContext(r.Context(), "an erasure failed", "door", r.Pattern, "error", err)
		}
		page.Problem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"certificate": string(certificate)})
}

func (a *API) erased(w http.ResponseWriter, r *http.Request, p access.Principal) ([]byte, error) {
	if p.Role != access.Privacy { // the doors let in nobody else; this does not rely on it
		return nil, errRole
	}
	perSecond, most := p.Rate, p.Rate
	if perSecond <= 0 {
		perSecond, most = rate, burst
	}
	if ok, wait := a.cfg.Limiter.Take("erase "+string(p.Key[:]), perSecond, most, a.cfg.Clock()); !ok {
		page.RetryIn(w, wait)
		return nil, errRate
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, errLarge
	case err != nil:
		return nil, errBody
	}
	var q request
	if strict.Unmarshal(body, &q) != nil { // it refuses double names and bytes that are no UTF-8: each could have somebody else forgotten
		return nil, errBody
	}
	kind, value, err := q.named()
	if err != nil {
		return nil, err
	}
	if len(value) > mostValue || strings.ContainsRune(value, 0) {
		return nil, errBody
	}
	if q.Now { // writing the files anew takes as long as it takes
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	}
	return a.cfg.Erase(r.Context(), kind, value, p.Name, string(p.Role), q.Now)
}
