package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/ledger"
)

// today is the day on which the tests look.
const today = 20_500

// fakeHome is a home of which a test says what happened there.
type fakeHome struct {
	overview Overview
	recent   map[string][]collect.Recent
	names    map[string][]collect.Name
	ledger   Ledger
	report   ledger.Report
	fail     error
	unwalked error
	walks    int
}

func (h *fakeHome) Overview(context.Context) (Overview, error) { return h.overview, h.fail }
func (h *fakeHome) Recent(source string) []collect.Recent      { return h.recent[source] }
func (h *fakeHome) Names(source string) []collect.Name         { return h.names[source] }
func (h *fakeHome) Ledger(context.Context) (Ledger, error)     { return h.ledger, h.fail }
func (h *fakeHome) Verify(context.Context) (ledger.Report, error) {
	h.walks++
	return h.report, h.unwalked
}

// fakeSessions knows whoever has the header As, with that role; another site's forms have the header Elsewhere.
type fakeSessions struct{ Sessions }

func (fakeSessions) Staff(r *http.Request) (Staff, bool) {
	role := r.Header.Get("As")
	return Staff{Name: "Ann", Role: role}, role != ""
}

func (fakeSessions) SameOrigin(r *http.Request) error {
	if r.Header.Get("Elsewhere") != "" {
		return fault.New(fault.Refused, "This form was sent from another site; open the page itself and try again.")
	}
	return nil
}

func retail(t *testing.T) *charter.Charter {
	t.Helper()
	source, ok := charter.Example("retail")
	if !ok {
		t.Fatal("the example is missing")
	}
	c, problems := charter.Parse(source)
	if c == nil {
		t.Fatal(problems)
	}
	return c
}

// ask asks a console over the home for a page, as a role, in a language.
func ask(t *testing.T, h *fakeHome, key, as, lang string, headers ...string) (int, string) {
	t.Helper()
	ch := retail(t)
	return visit(t, Config{Charter: func() *charter.Charter { return ch }, Home: h}, key, as, nil, append(headers, "Accept-Language", lang)...)
}

// visit asks a console for a page or sends it a form, as a role.
func visit(t *testing.T, cfg Config, key, as string, filled url.Values, headers ...string) (int, string) {
	t.Helper()
	cfg.Sessions, cfg.Log = fakeSessions{}, slog.New(slog.DiscardHandler)
	method, path, _ := strings.Cut(key, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(filled.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("As", as)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	door, _, _ := strings.Cut(key, "?")
	for _, route := range New(cfg).Routes() {
		if route.Key == door {
			w := httptest.NewRecorder()
			route.Handle(w, r)
			return w.Code, w.Body.String()
		}
	}
	t.Fatalf("there is no %s", door)
	return 0, ""
}

func holds(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %q:\n%s", want, body)
		}
	}
}

func holdsNot(t *testing.T, body string, unwanted ...string) {
	t.Helper()
	for _, u := range unwanted {
		if strings.Contains(body, u) {
			t.Errorf("the page holds %q:\n%s", u, body)
		}
	}
}

// TestACountOfPeopleUnderKIsNotShown asks for choices, which are counts of people, beside counts of things, which are not.
func TestACountOfPeopleUnderKIsNotShown(t *testing.T) {
	k := int64(retail(t).K)
	if k < 3 {
		t.Fatal("the example's k shows nothing of this")
	}
	h := &fakeHome{overview: Overview{Today: today, Counts: []tally.Count{
		{Day: today, Kind: tally.Yes, Name: "personalise", N: k - 1},
		{Day: today - 1, Kind: tally.Yes, Name: "personalise", N: 2*k + 1},
		{Day: today, Kind: tally.Decisions, Name: "generic", N: k - 1},
		{Day: today - Days, Kind: tally.Events, N: 77},
	}}}
	_, body := ask(t, h, "GET /console", "marketer", "en")
	yes := body[strings.Index(body, "People who said yes"):strings.Index(body, "People who said no")]
	holdsNot(t, yes, `scope="col" class="num"></th>`)
	holds(t, yes, "<td class=\"num\">"+text(2*k)+"</td>", "fewer than "+text(k))
	holdsNot(t, yes, ">"+text(k-1)+"<", ">"+text(2*k+1)+"<")
	holds(t, body, "Decisions, by how personal they were", "<td class=\"num\">"+text(k-1)+"</td>", "No event was kept")
}

func text(n int64) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// TestAFullOverviewIsNotTooHeavy has something of everything on each day.
func TestAFullOverviewIsNotTooHeavy(t *testing.T) {
	o := Overview{Today: today, Models: "7", Entries: 12_345, Sound: true}
	for day := int64(today - Days + 1); day <= today; day++ {
		o.Counts = append(o.Counts, tally.Count{Day: day, Kind: tally.Events, N: 123_456 + day})
		for i, rung := range []string{"generic", "context", "cohort", "individual"} {
			o.Counts = append(o.Counts, tally.Count{Day: day, Kind: tally.Decisions, Name: rung, N: day * int64(i+1)})
		}
		for _, hold := range []string{"restricted", "permission", "expired", "doubtful", "sensitive", "too-soon", "surprising", "no-benefit"} {
			o.Counts = append(o.Counts, tally.Count{Day: day, Kind: tally.Holds, Name: hold, N: day})
		}
		for _, p := range []string{"personalise", "email", "measure", "profile"} {
			o.Counts = append(o.Counts, tally.Count{Day: day, Kind: tally.Yes, Name: p, N: 4321}, tally.Count{Day: day, Kind: tally.No, Name: p, N: 1234})
		}
		for _, r := range []collect.Reason{collect.UnplannedEvent, collect.UnplannedField, collect.TypeMismatch, collect.NoPermission, collect.TooOld, collect.Suppressed, collect.Malformed} {
			o.Refusals = append(o.Refusals, collect.Refusal{Day: day, Source: "web", Event: "Product Viewed", Field: "undeclared", Reason: r, Count: day})
		}
	}
	status, body := ask(t, &fakeHome{overview: o}, "GET /console", "agent", "fr")
	if status != http.StatusOK || len(body) > 85_000 {
		t.Errorf("%d, and %d bytes without stylesheets", status, len(body))
	}
	holds(t, body, "Événements gardés, par jour", "Tous les autres", "absent de la charte", "12", "Charte")
	holdsNot(t, body, "Refusals", "Nothing", "All others", "hold.", "reason.", "made.")
}

// TestTheStatesOfThePages are a new home, one that cannot be read, and a page that is not for the role.
func TestTheStatesOfThePages(t *testing.T) {
	for key, empty := range map[string]string{"GET /console": "Nothing has arrived yet", "GET /console/events": "Nothing has arrived in the last hour", "GET /console/refusals": "Nothing was refused in the last hour", "GET /console/ledger": "Nobody has looked yet"} {
		status, body := ask(t, &fakeHome{overview: Overview{Today: today}}, key, "privacy", "en")
		if status != http.StatusOK {
			t.Errorf("%s of a new home: %d", key, status)
		}
		holds(t, body, empty, `class="empty"`)
		if status, _ = ask(t, &fakeHome{}, key, "", "en"); status != http.StatusSeeOther {
			t.Errorf("%s to a stranger: %d", key, status)
		}
	}
	down := &fakeHome{fail: fault.Wrap(fault.Unavailable, "The database does not answer; try again in a moment.", errors.New("dial 10.0.0.7: refused"))}
	for _, key := range []string{"GET /console", "GET /console/ledger"} {
		status, body := ask(t, down, key, "admin", "en")
		if status != http.StatusServiceUnavailable {
			t.Errorf("%s of a home that is down: %d", key, status)
		}
		holds(t, body, "The database does not answer")
		holdsNot(t, body, "10.0.0.7")
	}
	ch := retail(t)
	c := New(Config{Charter: func() *charter.Charter { return ch }, Home: down, Sessions: fakeSessions{}, Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequest("GET", "/console/ledger", nil)
	r.Header.Set("As", "marketer")
	r.Header.Set("Accept-Language", "fr")
	w := httptest.NewRecorder()
	c.Refused(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("not for the role: %d", w.Code)
	}
	holds(t, w.Body.String(), "pas pour votre rôle", `href="/console/playground"`)
	holdsNot(t, w.Body.String(), `href="/console/ledger"`, `href="/console/events"`)
}

// TestTheNavigationHoldsWhatARoleMayOpen compares it with the routes.
func TestTheNavigationHoldsWhatARoleMayOpen(t *testing.T) {
	for _, role := range everybody {
		_, body := ask(t, &fakeHome{overview: Overview{Today: today}}, "GET /console", string(role), "en")
		keeps := role == access.Privacy || role == access.Admin
		for _, path := range []string{"/console/events", "/console/refusals", "/console/ledger"} {
			if strings.Contains(body, `href="`+path+`"`) != keeps {
				t.Errorf("%s is led to %s: %v", role, path, !keeps)
			}
		}
	}
}

// TestTheDebuggerShowsNamesAndReasons of one source or all, newest first, following or still, as a page or a part of one.
func TestTheDebuggerShowsNamesAndReasons(t *testing.T) {
	sources := retail(t).Order.Sources
	at := person.Instant(today * 86_400_000_000)
	h := &fakeHome{recent: map[string][]collect.Recent{
		sources[0]: {{Arrived: at + 61_000_000, Type: "track", Event: "Order Completed", Kept: true, Fields: []collect.Fell{{Name: "<gift>", Reason: collect.UnplannedField}}}},
		sources[1]: {{Arrived: at + 62_000_000, Type: "track", Event: "Something Else", Reason: collect.UnplannedEvent}, {Arrived: at, Type: "identify", Kept: true}},
	}}
	_, body := ask(t, h, "GET /console/events", "admin", "en")
	holds(t, body, "00:01:01", "&lt;gift&gt;", "field not in the charter", "event not in the charter", "Something Else", `hx-trigger="every 3s"`, "htmx.min.js", "still=yes")
	if strings.Index(body, "00:01:02") > strings.Index(body, "00:01:01") {
		t.Error("the newest does not come first")
	}
	_, body = ask(t, h, "GET /console/events?source="+sources[0]+"&still=yes", "admin", "en")
	holds(t, body, "Order Completed", "Follow live")
	holdsNot(t, body, "Something Else", "hx-trigger", "htmx")
	_, part := ask(t, h, "GET /console/events", "admin", "en", "HX-Request", "true")
	if !strings.HasPrefix(strings.TrimSpace(part), `<div id="arrived"`) || strings.Contains(part, "<html") {
		t.Errorf("not a part: %.200s", part)
	}
}

// TestWhatIsUnplannedIsDraftedForTheCharter finds lines to copy, and none for a name that may be somebody's own.
func TestWhatIsUnplannedIsDraftedForTheCharter(t *testing.T) {
	source := retail(t).Order.Sources[0]
	h := &fakeHome{names: map[string][]collect.Name{source: {
		{Event: "Coffee Tasted", Reason: collect.UnplannedEvent, Count: 3}, {Event: "Order Completed", Field: "gift_wrap", Reason: collect.UnplannedField, Count: 12},
		{Event: "anna@post.example", Reason: collect.UnplannedEvent, Count: 1},
	}}}
	_, body := ask(t, h, "GET /console/refusals", "privacy", "en")
	holds(t, body, "&#34;Coffee Tasted&#34;:", "DECIDE", "events.Order Completed.properties", "&#34;gift_wrap&#34;: {type: string}", "which type?", "12 times", "may be somebody&#39;s own")
	if n := strings.Count(body, "Add this to the charter"); n != 2 {
		t.Errorf("%d are drafted", n)
	}
}

// TestTheLedgerPageTellsWhoLookedAndNotAtWhom holds the page to what a look's row may show.
func TestTheLedgerPageTellsWhoLookedAndNotAtWhom(t *testing.T) {
	var of person.ID
	of[0], of[15] = 7, 9
	at := person.Instant(today * 86_400_000_000)
	k := retail(t).K
	h := &fakeHome{ledger: Ledger{Entries: 3, Sound: true, Head: "rapport-ledger\n3\nabc\n", Public: "rapport-ledger-1-key",
		Months: []ledger.Month{{Month: "2026-01", Team: "care", Looks: 5, People: k - 1}, {Month: "2026-02", Team: "care", Looks: 2, Before: 5, People: 2*k + 1}, {Month: "2026-02", Team: "care", Role: "agent", Actor: "Ben", Looks: 2, Before: 5, People: k}},
		Latest: []ledger.Row{{Number: 3, Of: of, At: at, Kind: ledger.KindLook, Actor: "Ben", Role: "agent", Team: "care", Purpose: "service", Fields: "decision", Reason: []byte("sealed words")}}}}
	_, body := ask(t, h, "GET /console/ledger", "privacy", "en")
	holds(t, body, "Ben", "rapport-ledger\n3\nabc", "rapport-ledger-1-key", "one person", "fewer than "+text(int64(k)), ">"+text(int64(2*k))+"<", "Walk the whole ledger")
	holdsNot(t, body, of.String(), "sealed words", ">"+text(int64(2*k+1))+"<")
	if strings.Index(body, "2026-02") > strings.Index(body, "2026-01") {
		t.Error("the latest month does not come first")
	}

	h.report = ledger.Report{Size: 3, Rows: 3, Keyed: 2, Erased: 1}
	_, body = ask(t, h, "POST /console/ledger/verify", "privacy", "en")
	holds(t, body, "The ledger is whole.", "3 entries were walked, 2 checked", `name="back" value="/console/ledger"`, `href="/console/ledger" aria-current="page"`)
	h.report.Problems = []ledger.Problem{{Number: 2, Fault: ledger.Changed, Says: "…"}}
	_, body = ask(t, h, "POST /console/ledger/verify", "privacy", "en")
	holds(t, body, "The ledger is not whole.", "Entry 2:", `role="alert"`)
	holdsNot(t, body, "The ledger is whole.")
	h.unwalked = errors.New("disk at /var/lib")
	status, body := ask(t, h, "POST /console/ledger/verify", "privacy", "en")
	holds(t, body, "could not be walked")
	holdsNot(t, body, "The ledger is whole.", "/var/lib")
	if walks := h.walks; status < 500 || walks != 3 {
		t.Error(status, walks)
	}
	if status, _ = ask(t, h, "POST /console/ledger/verify", "privacy", "en", "Elsewhere", "yes"); status != http.StatusForbidden || h.walks != 3 {
		t.Errorf("from another site: %d", status)
	}
}
