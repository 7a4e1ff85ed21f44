package decideapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/page"
)

// spy is a decider that remembers what it was asked.
type spy struct {
	req    decide.Request
	as     decide.Principal
	look   ledger.Look
	answer decide.Answer
	items  []string
	who    decide.Ref
	name   string
	open   bool
	own    person.ID
	called string
	err    error
}

func decided(placement string) decide.Decision {
	return decide.Decision{ID: decide.NewID().String(), Placement: placement, Rung: "context", Items: []decide.Item{{ID: "a", Name: "A <b>", Score: 0.5, Because: []decide.Reason{{Text: "Popular", Weight: 0.5, Source: "context:trend"}}}}, Charter: 1}
}

func (s *spy) Decide(_ context.Context, req decide.Request, p decide.Principal) ([]decide.Decision, error) {
	s.called, s.req, s.as = "Decide", req, p
	var out []decide.Decision
	for _, n := range req.Placements {
		out = append(out, decided(n))
	}
	return out, s.err
}

func (s *spy) Try(_ context.Context, req decide.Request, p decide.Principal, look ledger.Look) ([]decide.Decision, error) {
	s.called, s.req, s.as, s.look = "Try", req, p, look
	return []decide.Decision{decided(req.Placements[0])}, s.err
}

func (s *spy) Feedback(_ context.Context, a decide.Answer) (bool, error) {
	s.called, s.answer, s.as = "Feedback", a, a.As
	return true, s.err
}

func (s *spy) Shown(_ context.Context, _ decide.ID, items []string, p decide.Principal) (bool, error) {
	s.called, s.items, s.as = "Shown", items, p
	return true, s.err
}

func (s *spy) Complain(_ context.Context, who decide.Ref, name string, open bool) (string, error) {
	s.called, s.who, s.name, s.open = "Complain", who, name, open
	return "c1", s.err
}

func (s *spy) Own(_ context.Context, who person.ID, _ decide.ID, _ string) (decide.Decision, error) {
	s.called, s.own = "Own", who
	return decided("home"), s.err
}

func (s *spy) Account(_ context.Context, _ decide.ID, look ledger.Look, p decide.Principal, _ string) (decide.Decision, error) {
	s.called, s.look, s.as = "Account", look, p
	return decided("home"), s.err
}

func (s *spy) CheckToken(decision, token string) error {
	if token != "good" {
		return fault.New(fault.Unauthorised, "no")
	}
	return nil
}

type door struct {
	t    testing.TB
	spy  *spy
	mux  http.Handler
	who  access.Principal
	head http.Header
	now  person.Instant
}

func newDoor(t testing.TB) *door {
	t.Helper()
	raw, err := os.ReadFile("../../reach/decide/testdata/charter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := charter.Parse(raw)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	d := &door{t: t, spy: &spy{}, who: access.Principal{Role: access.Decide, Name: "shop", Placements: []string{"home"}}, head: http.Header{}, now: 1e15}
	api := New(Config{Decider: d.spy, Charter: func() *charter.Charter { return c }, Clock: func() person.Instant { return d.now }})
	table, err := access.NewTable(Doors()...)
	if err != nil {
		t.Fatal(err)
	}
	d.mux, err = table.Mux(access.Guard{
		Who: func(*http.Request, access.Door) (access.Principal, error) { return d.who, nil },
		Refuse: func(w http.ResponseWriter, _ *http.Request, _ access.Door, err error) {
			http.Error(w, err.Error(), http.StatusForbidden)
		},
	}, api.Handlers())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *door) call(method, path, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	d.spy.called = ""
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for k, v := range d.head {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	return w
}

// problem fails unless the answer is a problem with this status and code that repeats nothing of what was sent.
func (d *door) problem(w *httptest.ResponseRecorder, status int, code string, secrets ...string) {
	d.t.Helper()
	var p struct {
		Code, Detail string
		Status       int
	}
	if w.Header().Get("Content-Type") != "application/problem+json" || json.Unmarshal(w.Body.Bytes(), &p) != nil || w.Code != status || p.Code != code || p.Detail == "" || p.Status != status {
		d.t.Errorf("%d %s %s, expected %d %s", w.Code, w.Header().Get("Content-Type"), w.Body, status, code)
	}
	for _, s := range secrets {
		if strings.Contains(w.Body.String(), s) {
			d.t.Errorf("the answer repeats what was sent: %s", w.Body)
		}
	}
}

func TestOneDecisionAndSeveral(t *testing.T) {
	d := newDoor(t)
	d.who.MayExplain, d.who.MayAttest = true, true
	w := d.call("POST", "/api/decide", `{"person":{"userId":"13085"},"attested":true,"placement":"home","limit":5,"context":{"at":"2011-11-20T10:00:00Z","region":"gb","weather":"rain","language":"fr"},"signals":{"gpc":true},"already":["x"],"wait":true,"future":{"field":[1]}}`)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatal(w.Code, w.Header(), w.Body)
	}
	var one decide.Decision
	if err := json.Unmarshal(w.Body.Bytes(), &one); err != nil || one.Placement != "home" || len(one.Items) != 1 {
		t.Errorf("%s %v", w.Body, err)
	}
	r := d.spy.req
	if r.Person.UserID != "13085" || !r.Attested || r.Limit != 5 || r.Context.At.Time().Format("2006-01-02 15") != "2011-11-20 10" || r.Context.Region != "GB" || r.Context.Weather != "rain" ||
		r.Context.Language != "fr" || !r.GPC || r.Already[0] != "x" || !r.Wait || len(r.Placements) != 1 {
		t.Errorf("%+v", r)
	}
	if p := d.spy.as; !p.Explain || !p.Attest || p.Any || p.Privacy || !p.May("home") || p.May("letter") {
		t.Errorf("%+v", p)
	}
	w = d.call("POST", "/api/decide", `{"placements":["home","basket"]}`)
	var many struct{ Decisions []decide.Decision }
	if err := json.Unmarshal(w.Body.Bytes(), &many); err != nil || len(many.Decisions) != 2 || many.Decisions[1].Placement != "basket" {
		t.Errorf("%s %v", w.Body, err)
	}
	d.head.Set("Sec-GPC", "1")
	d.call("POST", "/api/decide", `{"placement":"home"}`)
	if !d.spy.req.GPC {
		t.Error("the browser's signal was not heard")
	}
}

// writes counts the pieces in which a connection's answers go out.
type writes struct {
	net.Listener
	n atomic.Int32
}

type countedConn struct {
	net.Conn
	n *atomic.Int32
}

func (l *writes) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countedConn{c, &l.n}, err
}

func (c countedConn) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

// Five items with five reasons each come to 3.5 KB: with the headers that stand around every answer they are one system call.
func TestAnAnswerGoesOutInOnePiece(t *testing.T) {
	one := decided("home")
	one.Items = nil
	for len(one.Items) < 5 {
		it := decide.Item{ID: "1082185", Name: "White bread, 20 oz, variety 4", Score: 2.8991521616139834}
		for len(it.Because) < 5 {
			it.Because = append(it.Because, decide.Reason{Text: "You bought Fernhill grated cheese, 8 oz 3 times, last on 14 August", Weight: 0.037395842373371124, Source: "evt_aaaaaaaaaaaaqaaaaaaaaaaacn"})
		}
		one.Items = append(one.Items, it)
	}
	for i := range one.Items { // as people's are: three reasons in five are things bought
		one.Items[i].Because[0].Text, one.Items[i].Because[1] = "You bought this 7 times, last on 10 October", decide.Reason{Text: "Popular this week", Weight: 0.022814644873142245, Source: "context:trend"}
		one.Items[i].Because[4] = decide.Reason{Text: "Several small reasons together", Weight: 0.022814644873142245, Source: "rest"}
	}
	server := httptest.NewUnstartedServer(page.Secure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", strings.Repeat("a", 32))
		sendDecisions(w, []decide.Decision{one}, false)
	})))
	counted := &writes{Listener: server.Listener}
	server.Listener = counted
	server.Start()
	defer server.Close()
	res, err := http.Post(server.URL+"/api/decide", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || len(body) < 3400 || counted.n.Load() != 1 || res.ContentLength != int64(len(body)) {
		t.Errorf("%d bytes in %d pieces, said to be %d: %v", len(body), counted.n.Load(), res.ContentLength, err)
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	d := newDoor(t)
	for what, body := range map[string]string{
		"nothing": "", "no JSON": "hello", "a list": `[]`, "half": `{"placement":`, "two": `{"placement":"home"}{}`, "a number for a text": `{"person":{"userId":13085},"placement":"home"}`,
		"double names": `{"placement":"home","placement":"home"}`, "no placement": `{}`, "both": `{"placement":"home","placements":["home"]}`, "wrong case": `{"Placement":"home"}`,
		"bytes that are no UTF-8": "{\"placement\":\"ho\xffme\"}", "a bad time": `{"placement":"home","context":{"at":"yesterday"}}`, "a time before 1970": `{"placement":"home","context":{"at":"1950-01-01T00:00:00Z"}}`,
		"a NUL": `{"placement":"home","person":{"userId":"a\u0000b"}}`, "a limit below": `{"placement":"home","limit":-1}`, "a limit above": `{"placement":"home","limit":101}`,
		"a huge limit": `{"placement":"home","limit":1e300}`, "half a limit": `{"placement":"home","limit":1.5}`, "a long identifier": `{"placement":"home","person":{"email":"` + strings.Repeat("x", 600) + `"}}`,
		"deep nesting": `{"placement":"home","x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
		"too many":     `{"placements":["` + strings.Repeat(`a","`, 30) + `b"]}`,
	} {
		w := d.call("POST", "/api/decide", body)
		if w.Code != 400 || d.spy.called != "" {
			t.Errorf("%s: %d, called %q", what, w.Code, d.spy.called)
		}
		d.problem(w, 400, "invalid", "13085", "yesterday", "xxx")
	}
	d.problem(d.call("POST", "/api/decide", `{"placement":"home","x":"`+strings.Repeat("y", mostDecide)+`"}`), 413, "too-large")
	d.problem(d.call("POST", "/api/feedback", `{"x":"`+strings.Repeat("y", mostAnswer)+`"}`), 413, "too-large")
	d.problem(d.call("POST", "/api/complaints", `{"x":"`+strings.Repeat("y", mostAnswer)+`"}`), 413, "too-large")
}

func TestFaultsBecomeProblemsWithoutTheirCause(t *testing.T) {
	d := newDoor(t)
	d.spy.err = fault.Wrap(fault.Unavailable, "Try again.", errors.New("jane@example.com's row"))
	w := d.call("POST", "/api/decide", `{"placement":"home"}`)
	d.problem(w, 503, "unavailable", "jane")
	if w.Header().Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
	d.spy.err = errors.New("jane@example.com's row")
	d.problem(d.call("POST", "/api/decide", `{"placement":"home"}`), 500, "internal", "jane")
}

func TestThePrivacyTeamSaysWhy(t *testing.T) {
	d := newDoor(t)
	d.who = access.Principal{Role: access.Privacy, Name: "pat", Team: "privacy"}
	d.problem(d.call("POST", "/api/decide", `{"placement":"home"}`), 400, "invalid")
	d.problem(d.call("GET", "/api/decisions/"+decide.NewID().String(), ""), 400, "invalid")
	d.head.Set("Rapport-Purpose", "nothing")
	d.head.Set("Rapport-Reason", "a request")
	d.problem(d.call("POST", "/api/decide", `{"placement":"home"}`), 400, "invalid")
	d.head.Set("Rapport-Purpose", "service")
	if w := d.call("POST", "/api/decide", `{"placement":"home"}`); w.Code != 200 || d.spy.called != "Try" || d.spy.look.Actor != "pat" || d.spy.look.Reason != "a request" || !d.spy.as.Privacy {
		t.Error(w.Code, d.spy.called, d.spy.look)
	}
	if w := d.call("GET", "/api/decisions/"+decide.NewID().String(), ""); w.Code != 200 || d.spy.called != "Account" || d.spy.look.Purpose != "service" {
		t.Error(w.Code, d.spy.called, d.spy.look)
	}
}

func TestReceipts(t *testing.T) {
	d := newDoor(t)
	path := "/api/decisions/" + decide.NewID().String()
	d.problem(d.call("GET", path, ""), 403, "refused")
	d.who.MayExplain = true
	if w := d.call("GET", path, ""); w.Code != 200 || d.spy.called != "Account" || d.spy.look.Purpose != "service" || d.spy.look.Reason == "" || d.spy.look.Actor != "shop" {
		t.Error(w.Code, d.spy.called, d.spy.look)
	}
	d.problem(d.call("GET", "/api/decisions/dec_nonsense", ""), 400, "invalid")
	d.who = access.Principal{Role: access.Customer, Person: person.ID{9}, Cookie: true}
	if w := d.call("GET", path, ""); w.Code != 200 || d.spy.called != "Own" || d.spy.own != (person.ID{9}) {
		t.Error(w.Code, d.spy.called)
	}
}

func TestABrowserAnswersItsOwnDecisionOnly(t *testing.T) {
	d := newDoor(t)
	d.who = access.Principal{}
	id := decide.NewID().String()
	d.problem(d.call("POST", "/api/feedback", `{"decision":"`+id+`","item":"a","kind":"useful"}`), 401, "unauthorised")
	d.problem(d.call("POST", "/api/feedback", `{"decision":"`+id+`","item":"a","kind":"useful","feedback":"bad"}`), 401, "unauthorised")
	w := d.call("POST", "/api/feedback", `{"decision":"`+id+`","item":"a","kind":"not-for-me","source":"evt_1","feedback":"good"}`)
	if w.Code != 200 || d.spy.called != "Feedback" || d.spy.answer.Item != "a" || d.spy.answer.Kind != person.NotForMe || d.spy.answer.Source != "evt_1" || strings.TrimSpace(w.Body.String()) != `{"remembered":true}` {
		t.Error(w.Code, w.Body, d.spy.answer)
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Error(w.Header())
	}
	w = d.call("OPTIONS", "/api/feedback", "")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "content-type" {
		t.Error(w.Code, w.Header())
	}
	if w = d.call("POST", "/api/shown", `{"decision":"`+id+`","items":["a","b"],"feedback":"good"}`); w.Code != 200 || len(d.spy.items) != 2 {
		t.Error(w.Code, d.spy.items)
	}
	d.problem(d.call("POST", "/api/shown", `{"decision":"dec_1","items":["a"],"feedback":"good"}`), 400, "invalid")
	// A signed-in person answers for themselves; a token only where it may ask.
	d.who = access.Principal{Role: access.Customer, Person: person.ID{9}}
	d.call("POST", "/api/feedback", `{"decision":"`+id+`","item":"a","kind":"useful"}`)
	if !d.spy.as.Self || d.spy.as.Person != (person.ID{9}) || d.spy.as.Any {
		t.Errorf("%+v", d.spy.as)
	}
	d.who = access.Principal{Role: access.Decide, Placements: []string{"basket"}}
	d.call("POST", "/api/feedback", `{"decision":"`+id+`","item":"a","kind":"useful"}`)
	if d.spy.as.Any || !d.spy.as.May("basket") || d.spy.as.May("home") {
		t.Errorf("%+v", d.spy.as)
	}
}

func TestComplaintsComeFromServersAndStaff(t *testing.T) {
	d := newDoor(t)
	if w := d.call("POST", "/api/complaints", `{"person":{"userId":"1"},"complaint":"c1","state":"closed"}`); w.Code != 200 || d.spy.open || d.spy.name != "c1" || d.spy.who.UserID != "1" {
		t.Error(w.Code, d.spy)
	}
	if w := d.call("POST", "/api/complaints", `{"person":{"userId":"1"}}`); w.Code != 200 || !d.spy.open || strings.TrimSpace(w.Body.String()) != `{"complaint":"c1","state":"open"}` {
		t.Error(w.Code, w.Body)
	}
	d.problem(d.call("POST", "/api/complaints", `{"person":{"userId":"1"},"state":"angry"}`), 400, "invalid")
	d.who = access.Principal{Role: access.Source, Source: "tills"}
	if w := d.call("POST", "/api/complaints", `{"person":{"userId":"1"}}`); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
	d.who = access.Principal{Role: access.Source, Source: "web"}
	d.problem(d.call("POST", "/api/complaints", `{"person":{"userId":"1"}}`), 403, "refused")
	if d.spy.called != "" {
		t.Error("a browser's key opened a complaint")
	}
}

func TestEachTokenHasItsRate(t *testing.T) {
	d := newDoor(t)
	d.who.Rate, d.who.Key = 2, [32]byte{1}
	ok := func() bool { return d.call("POST", "/api/decide", `{"placement":"home"}`).Code == 200 }
	first, second, third := ok(), ok(), ok()
	if !first || !second || third {
		t.Error("two a second are two at once")
	}
	d.who.Key = [32]byte{2}
	if !ok() {
		t.Error("another token pays for the first")
	}
	d.who.Key = [32]byte{1}
	d.now += 1e6
	if !ok() {
		t.Error("after a second there is room again")
	}
	// Who has no token is counted by address.
	d.who = access.Principal{}
	last := 0
	for range anonymousBurst + 1 {
		last = d.call("POST", "/api/feedback", `{"decision":"`+decide.NewID().String()+`","item":"a","kind":"useful","feedback":"bad"}`).Code
	}
	if last != 429 {
		t.Errorf("guessing tokens without end gave %d", last)
	}
}

func TestOnlyRolesOfTheTableComeIn(t *testing.T) {
	d := newDoor(t)
	for _, row := range Doors() {
		for _, role := range access.Roles() {
			p := access.Principal{Role: role}
			may := false
			for _, r := range row.Roles {
				may = may || r == role || r == access.Anyone
			}
			if row.Allow(p) != may {
				t.Errorf("%s is open to %q: %v", row.Key(), role, row.Allow(p))
			}
		}
	}
	d.who = access.Principal{Role: access.Marketer}
	if w := d.call("POST", "/api/decide", `{"placement":"home"}`); w.Code != 403 || d.spy.called != "" {
		t.Error(w.Code)
	}
}

func FuzzParseQuestion(f *testing.F) {
	f.Add([]byte(`{"person":{"userId":"13085"},"placement":"home","limit":5,"context":{"at":"2011-11-20T10:00:00Z"},"signals":{"gpc":false}}`))
	f.Add([]byte(`{"placements":["home","basket"],"already":["1"]}`))
	f.Add([]byte(`{"placement":"home","placement":"home"}`))
	f.Add([]byte("{\"placement\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, many, err := parseQuestion(body)
		if err != nil {
			if code, sentence := fault.Of(err); code != fault.Invalid || sentence == "" {
				t.Fatalf("%v is no fault of the request", err)
			}
			return
		}
		if len(req.Placements) == 0 && !many || req.Limit < 0 || req.Limit > decide.MostItems || req.Context.At < 0 || len(req.Already) > mostListed {
			t.Fatalf("%+v passed", req)
		}
		for _, s := range append([]string{req.Person.UserID, req.Person.Email, req.Context.Language}, req.Placements...) {
			if !plain(s, longID) {
				t.Fatalf("%q passed", s)
			}
		}
	})
}
