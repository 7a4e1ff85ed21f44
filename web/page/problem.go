package page

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/rapporthq/rapport/fault"
)

// statuses is the one mapping from faults to HTTP.
var statuses = map[fault.Code]int{
	fault.Conflict: http.StatusConflict, fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound,
	fault.Refused: http.StatusForbidden, fault.Unauthorised: http.StatusUnauthorized, fault.TooLarge: http.StatusRequestEntityTooLarge,
	fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable, fault.WrongMethod: http.StatusMethodNotAllowed, fault.Internal: http.StatusInternalServerError,
}

// Status is the HTTP status of a fault's code.
func Status(code fault.Code) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// problem is RFC 9457's problem details, with our stable code.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

// RetryAfter is what Problem sends with 429 and 503 when RetryIn has said nothing else.
const RetryAfter = 1 * time.Second

// RetryIn sets after how long the caller may send the same again, rounded up to whole seconds: for a problem that follows.
func RetryIn(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((max(wait, RetryAfter)+time.Second-1)/time.Second)))
}

// Problem answers with application/problem+json (RFC 9457): the fault's code and its sentence, never its cause. Its type is a
// relative reference: the page of the code, on the home that answers.
func Problem(w http.ResponseWriter, err error) {
	code, sentence := fault.Of(err)
	status := Status(code)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) && h.Get("Retry-After") == "" {
		RetryIn(w, RetryAfter)
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="rapport"`) // never Basic: browsers would ask their people for a password
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{Type: "/problems/" + string(code), Title: http.StatusText(status), Status: status, Detail: sentence, Code: string(code)})
}
