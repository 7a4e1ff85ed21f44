// Package decideapi is the JSON door to decisions: ask for one, read its receipt, say what was shown, answer it, complain.
//
// It promises the shapes of the documented API, strict parsing, one error form (application/problem+json) that never repeats
// what was sent, and that a token reaches only its own placements. It decides nothing by itself.
package decideapi

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/page"
)

// Decider is what the door needs of decide.Decider.
type Decider interface {
	Decide(ctx context.Context, req decide.Request, p decide.Principal) ([]decide.Decision, error)
	Try(ctx context.Context, req decide.Request, p decide.Principal, look ledger.Look) ([]decide.Decision, error)
	Feedback(ctx context.Context, a decide.Answer) (remembered bool, err error)
	Shown(ctx context.Context, id decide.ID, items []string, p decide.Principal) (remembered bool, err error)
	Complain(ctx context.Context, who decide.Ref, name string, open bool) (string, error)
	Own(ctx context.Context, who person.ID, id decide.ID, language string) (decide.Decision, error)
	Account(ctx context.Context, id decide.ID, look ledger.Look, p decide.Principal, language string) (decide.Decision, error)
	CheckToken(decision, token string) error
}

// Config is what the door is told.
type Config struct {
	Decider Decider
	Charter func() *charter.Charter      // the one in force
	Limiter *access.Limiter              // nil: one of its own
	Rate    float64                      // requests a second of a token that says nothing else; 0: no limit
	Address func(r *http.Request) string // who asks without a token; nil: the connection's address
	Clock   person.Clock                 // nil: the system's
	Log     *slog.Logger                 // nil: the default one
}

// API answers under /api. Make it with New.
type API struct{ cfg Config }

// New makes the door.
func New(cfg Config) *API {
	cfg.Limiter, cfg.Log = cmp.Or(cfg.Limiter, access.NewLimiter()), cmp.Or(cfg.Log, slog.Default())
	if cfg.Clock == nil {
		cfg.Clock = person.SystemClock
	}
	if cfg.Address == nil {
		cfg.Address = func(r *http.Request) string {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				return r.RemoteAddr
			}
			return host
		}
	}
	return &API{cfg: cfg}
}

// anonymousRate is how many answers a second an address without a token may give, and how many at once.
const (
	anonymousRate  = 5
	anonymousBurst = 20
)

// Doors are the rows of the table of doors for this package.
func Doors() []access.Door {
	answerers := []access.Role{access.Anyone, access.Decide, access.Privacy, access.Customer}
	return []access.Door{
		{Method: "POST", Pattern: "/api/decide", Roles: []access.Role{access.Decide, access.Privacy}, Says: "one decision, or several that repeat no item"},
		{Method: "GET", Pattern: "/api/decisions/{id}", Roles: []access.Role{access.Decide, access.Privacy, access.Customer}, Looks: true, Says: "the receipt of a decision"},
		{Method: "POST", Pattern: "/api/shown", Roles: answerers, Says: "what was really shown of a decision"},
		{Method: "OPTIONS", Pattern: "/api/shown", Roles: []access.Role{access.Anyone}, Says: "lets a page's browser say what was shown"},
		{Method: "POST", Pattern: "/api/feedback", Roles: answerers, Says: "what the person says of an item"},
		{Method: "OPTIONS", Pattern: "/api/feedback", Roles: []access.Role{access.Anyone}, Says: "lets a page's browser answer its own decision"},
		{Method: "POST", Pattern: "/api/complaints", Roles: []access.Role{access.Source, access.Decide, access.Agent, access.Privacy, access.Admin}, Says: "opens or closes a person's complaint"},
	}
}

// Handlers stand behind Doors.
func (a *API) Handlers() map[string]access.Handler {
	return map[string]access.Handler{
		"POST /api/decide":        a.limited(a.decide),
		"GET /api/decisions/{id}": a.limited(a.receipt),
		"POST /api/shown":         a.limited(crossOrigin(a.shown)),
		"OPTIONS /api/shown":      preflight,
		"POST /api/feedback":      a.limited(crossOrigin(a.feedback)),
		"OPTIONS /api/feedback":   preflight,
		"POST /api/complaints":    a.limited(a.complain),
	}
}

// handler answers, or gives a fault that is answered for it.
type handler func(w http.ResponseWriter, r *http.Request, p access.Principal) error

var errRate = fault.New(fault.TooMany, "Too many requests: wait as long as Retry-After says.")

// limited keeps each token, and each address without one, under its rate, and turns faults into problems.
func (a *API) limited(h handler) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) {
		who, rate, burst := string(p.Key[:]), p.Rate, p.Rate
		switch {
		case p.Role == access.Anyone:
			who, rate, burst = "address "+a.cfg.Address(r), anonymousRate, anonymousBurst
		case rate <= 0:
			rate, burst = a.cfg.Rate, a.cfg.Rate
		}
		ok, wait := a.cfg.Limiter.Take("decide "+who, rate, burst, a.cfg.Clock())
		err := error(errRate)
		if ok {
			err = h(w, r, p)
		} else {
			page.RetryIn(w, wait)
		}
		if err == nil {
			return
		}
		if code, _ := fault.Of(err); code == fault.Internal {
			a.cfg.Log.ErrorContext(r.Context(), "a request to decide failed", "door", r.Pattern, "error", err)
		}
		page.Problem(w, err)
	}
}

// crossOrigin lets pages of any site read the answer: it comes without cookies, and a token is all that counts.
func crossOrigin(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if !p.Cookie {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Expose-Headers", "retry-after, x-request-id")
		}
		return h(w, r, p)
	}
}

func preflight(w http.ResponseWriter, _ *http.Request, _ access.Principal) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "content-type")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// principal is who came, as far as a decision cares.
func principal(p access.Principal) decide.Principal {
	switch p.Role {
	case access.Decide:
		return decide.Principal{Placements: p.Placements, Explain: p.MayExplain, Attest: p.MayAttest, Unsure: p.Unsure}
	case access.Privacy:
		return decide.Principal{Any: true, Explain: true, Privacy: true}
	case access.Customer:
		return decide.Principal{Self: true, Person: p.Person}
	}
	return decide.Principal{}
}

func (a *API) decide(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	var q question
	if err := read(r, mostDecide, &q); err != nil {
		return err
	}
	req, many, err := q.request()
	if err != nil {
		return err
	}
	req.GPC = req.GPC || r.Header.Get("Sec-GPC") == "1"
	var out []decide.Decision
	if p.Role == access.Privacy {
		look, err := a.look(r, p, false)
		if err != nil {
			return err
		}
		if out, err = a.cfg.Decider.Try(r.Context(), req, principal(p), look); err != nil {
			return err
		}
	} else if out, err = a.cfg.Decider.Decide(r.Context(), req, principal(p)); err != nil {
		return err
	}
	sendDecisions(w, out, many)
	return nil
}

func (a *API) receipt(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	id, err := decide.ParseID(r.PathValue("id"))
	if err != nil {
		return errDecision
	}
	lang := r.URL.Query().Get("lang")
	if !plain(lang, longWord) {
		return errLong
	}
	if lang == "" {
		lang = page.Language(r, a.cfg.Charter().Brand.Languages)
	}
	var d decide.Decision
	switch {
	case p.Role == access.Customer:
		d, err = a.cfg.Decider.Own(r.Context(), p.Person, id, lang)
	case p.Role == access.Decide && !p.MayExplain:
		return fault.New(fault.Refused, "This token may not explain decisions: make one with --explain.")
	default:
		var look ledger.Look
		if look, err = a.look(r, p, p.Role == access.Decide); err != nil {
			return err
		}
		d, err = a.cfg.Decider.Account(r.Context(), id, look, principal(p), lang)
	}
	if err != nil {
		return err
	}
	sendDecisions(w, []decide.Decision{d}, false)
	return nil
}

var errLook = fault.New(fault.Invalid, "Reading a person's data needs a purpose of the charter and a reason: send the headers Rapport-Purpose and Rapport-Reason.")

// look is who reads and why, by the request's headers. A machine that explains its own decisions need not say why each time: its
// purpose is then the first of the charter's that nobody can switch off.
func (a *API) look(r *http.Request, p access.Principal, machine bool) (ledger.Look, error) {
	l := ledger.Look{
		Actor: p.Name, Role: string(p.Role), Team: p.Team, Purpose: r.Header.Get("Rapport-Purpose"), Reason: strings.TrimSpace(r.Header.Get("Rapport-Reason")),
	}
	if !plain(l.Purpose, longWord) || !plain(l.Reason, longID) {
		return l, errLong
	}
	c := a.cfg.Charter()
	if machine && l.Purpose == "" {
		for _, name := range c.Order.Purposes {
			if !c.Purposes[name].Basis.Switchable() {
				l.Purpose = name
				break
			}
		}
	}
	if machine && l.Reason == "" {
		l.Reason = "explaining a decision that this token may ask for"
	}
	if l.Reason == "" || c.Purposes[l.Purpose] == nil {
		return l, errLook
	}
	return l, nil
}

// remembered says whether an answer changed anything for later: not for people who are not known or have not said yes.
type remembered struct {
	Remembered bool `json:"remembered"`
}

// answerer is who gives an answer: by the decision's own token, or by who they are.
func (a *API) answerer(p access.Principal, in *answer) (decide.Principal, error) {
	if in.Feedback != "" {
		if err := a.cfg.Decider.CheckToken(in.Decision, in.Feedback); err != nil {
			return decide.Principal{}, err
		}
		return decide.Principal{Any: true}, nil
	}
	if p.Role == access.Anyone {
		return decide.Principal{}, fault.New(fault.Unauthorised, "Answer with the decision's feedback token, a token that may decide, or signed in.")
	}
	return principal(p), nil
}

// answered reads an answer: of which decision, and by whom.
func (a *API) answered(r *http.Request, p access.Principal) (in answer, id decide.ID, as decide.Principal, err error) {
	if err = read(r, mostAnswer, &in); err != nil {
		return in, id, as, err
	}
	if id, err = in.check(); err != nil {
		return in, id, as, err
	}
	as, err = a.answerer(p, &in)
	return in, id, as, err
}

func (a *API) shown(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	in, id, as, err := a.answered(r, p)
	if err != nil {
		return err
	}
	yes, err := a.cfg.Decider.Shown(r.Context(), id, in.Items, as)
	if err != nil {
		return err
	}
	return send(w, remembered{yes})
}

func (a *API) feedback(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	in, id, as, err := a.answered(r, p)
	if err != nil {
		return err
	}
	yes, err := a.cfg.Decider.Feedback(r.Context(), decide.Answer{Decision: id, Item: in.Item, Kind: person.FeedbackKind(in.Kind), Source: in.Source, As: as})
	if err != nil {
		return err
	}
	return send(w, remembered{yes})
}

func (a *API) complain(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	if p.Role == access.Source {
		// A client's write key is public: anybody could complain in anybody's name.
		if s := a.cfg.Charter().Sources[p.Source]; s == nil || s.Kind != "server" {
			return fault.New(fault.Refused, "Complaints come from a server source or from staff: this key is a client's.")
		}
	}
	var in complaint
	if err := read(r, mostAnswer, &in); err != nil {
		return err
	}
	for _, s := range []string{in.Person.UserID, in.Person.AnonymousID, in.Person.Email, in.Person.Phone, in.Complaint} {
		if !plain(s, longID) {
			return errLong
		}
	}
	if in.State == "" {
		in.State = "open"
	}
	if in.State != "open" && in.State != "closed" {
		return fault.New(fault.Invalid, "state must be open or closed.")
	}
	name, err := a.cfg.Decider.Complain(r.Context(), in.Person.ref(), in.Complaint, in.State == "open")
	if err != nil {
		return err
	}
	return send(w, map[string]string{"complaint": name, "state": in.State})
}

// send writes JSON that nobody stores.
func send(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, "The answer could not be written.", err)
	}
	sendText(w, body)
	return nil
}

// sendDecisions writes one decision, or a list of them.
func sendDecisions(w http.ResponseWriter, out []decide.Decision, many bool) {
	body := make([]byte, 0, 4096)
	if !many {
		sendText(w, out[0].AppendJSON(body))
		return
	}
	before := `{"decisions":[`
	for i := range out {
		body = out[i].AppendJSON(append(body, before...))
		before = ","
	}
	sendText(w, append(body, "]}"...))
}

// The headers of answers, which share them: nobody changes one in place.
var asJSON, notKept = []string{"application/json"}, []string{"no-store"}

// sendText says how long the answer is, so that it goes out in one piece with its headers where both fit into net/http's 4 KB.
func sendText(w http.ResponseWriter, body []byte) {
	body = append(body, '\n')
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = asJSON, notKept
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}
