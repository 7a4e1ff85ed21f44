package decideapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
)

// The largest bodies, in bytes.
const (
	mostDecide = 64 << 10
	mostAnswer = 16 << 10
)

// The longest texts in a request, in bytes, and the longest list of items.
const (
	longID     = 512
	longWord   = 64
	mostListed = 500
)

// who is a person in a request.
type who struct {
	UserID      string `json:"userId"`
	AnonymousID string `json:"anonymousId"`
	Email       string `json:"email"`
	Phone       string `json:"phone"`
}

func (w who) ref() decide.Ref {
	return decide.Ref{UserID: w.UserID, AnonymousID: w.AnonymousID, Email: w.Email, Phone: w.Phone}
}

// question is the body of POST /api/decide. Unknown members are left alone, so that callers may be newer than we are.
type question struct {
	Person     who      `json:"person"`
	Attested   bool     `json:"attested"`
	Placement  string   `json:"placement"`
	Placements []string `json:"placements"`
	Limit      int      `json:"limit"`
	Context    struct {
		At       string `json:"at"`
		Region   string `json:"region"`
		Weather  string `json:"weather"`
		Language string `json:"language"`
	} `json:"context"`
	Signals struct {
		GPC bool `json:"gpc"`
	} `json:"signals"`
	Already []string `json:"already"`
	Wait    bool     `json:"wait"`
}

// The faults of requests. They never repeat what was sent.
var (
	errMalformed = fault.New(fault.Invalid, "The body is not one JSON object as documented: check names, types and quotes, and send each name once.")
	errLarge     = fault.New(fault.TooLarge, "The body is too large: send at most 64 KB to decide and 16 KB elsewhere.")
	errPlaces    = fault.New(fault.Invalid, "Name either placement or placements.")
	errAt        = fault.New(fault.Invalid, "context.at must be a time such as 2026-11-20T10:00:00Z.")
	errLong      = fault.New(fault.Invalid, "A text or list in the request is too long or holds characters that cannot be shown.")
	errLimit     = fault.New(fault.Invalid, "limit must be a whole number from 1 to 100, or left out.")
	errDecision  = fault.New(fault.Invalid, "decision must be the name of a decision: dec_ and 26 letters and digits.")
)

// strict reads JSON without mercy for what could be read in two ways: double names, wrong case, bytes that are no UTF-8.
var strict = json.JoinOptions(jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false), json.MatchCaseInsensitiveNames(false))

// read reads the whole body, up to most bytes, into v: one JSON object and nothing after it.
func read(r *http.Request, most int64, v any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return errLarge
		}
		return fault.Wrap(fault.Invalid, "The body broke off: send it whole.", err)
	}
	if int64(len(body)) > most {
		return errLarge
	}
	return parse(body, v)
}

func parse(body []byte, v any) error {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || body[0] != '{' {
		return errMalformed
	}
	if err := json.Unmarshal(body, v, strict); err != nil {
		return errMalformed
	}
	return nil
}

// parseQuestion reads and checks the body of POST /api/decide. many says that several placements were asked for.
func parseQuestion(body []byte) (req decide.Request, many bool, err error) {
	var q question
	q.Limit = 0
	if err := parse(body, &q); err != nil {
		return req, false, err
	}
	return q.request()
}

func (q *question) request() (req decide.Request, many bool, err error) {
	many = q.Placements != nil
	switch {
	case many == (q.Placement != ""):
		return req, false, errPlaces
	case q.Limit < 0 || q.Limit > decide.MostItems:
		return req, false, errLimit
	case len(q.Already) > mostListed || len(q.Placements) > decide.MostPlacements:
		return req, false, errLong
	}
	for _, s := range []string{q.Person.UserID, q.Person.AnonymousID, q.Person.Email, q.Person.Phone} {
		if !plain(s, longID) {
			return req, false, errLong
		}
	}
	for _, s := range append([]string{q.Placement, q.Context.Region, q.Context.Weather, q.Context.Language}, q.Placements...) {
		if !plain(s, longWord) {
			return req, false, errLong
		}
	}
	for _, s := range q.Already {
		if !plain(s, longID) {
			return req, false, errLong
		}
	}
	req = decide.Request{
		Person: q.Person.ref(), Attested: q.Attested, Placements: q.Placements, Limit: q.Limit, GPC: q.Signals.GPC, Already: q.Already, Wait: q.Wait,
		Context: decide.Circumstance{Region: strings.ToUpper(q.Context.Region), Weather: q.Context.Weather, Language: q.Context.Language},
	}
	if !many {
		req.Placements = []string{q.Placement}
	}
	if q.Context.At != "" {
		t, err := time.Parse(time.RFC3339Nano, q.Context.At)
		if err != nil || t.Year() < 1970 || t.Year() > 9999 {
			return req, false, errAt
		}
		if req.Context.At = person.At(t); req.Context.At <= 0 {
			return req, false, errAt
		}
	}
	return req, many, nil
}

// plain says whether a text is short enough, valid, and free of control characters.
func plain(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// answer is the body of POST /api/shown and POST /api/feedback.
type answer struct {
	Decision string   `json:"decision"`
	Items    []string `json:"items"`
	Item     string   `json:"item"`
	Kind     string   `json:"kind"`
	Source   string   `json:"source"`
	Feedback string   `json:"feedback"` // the decision's own token, for a browser
}

func (a *answer) check() (decide.ID, error) {
	if len(a.Items) > decide.MostItems || !plain(a.Item, longID) || !plain(a.Source, longID) || len(a.Feedback) > 100 {
		return decide.ID{}, errLong
	}
	for _, s := range a.Items {
		if !plain(s, longID) {
			return decide.ID{}, errLong
		}
	}
	id, err := decide.ParseID(a.Decision)
	if err != nil {
		return decide.ID{}, errDecision
	}
	return id, nil
}

// complaint is the body of POST /api/complaints.
type complaint struct {
	Person    who    `json:"person"`
	Complaint string `json:"complaint"`
	State     string `json:"state"` // open or closed
}
