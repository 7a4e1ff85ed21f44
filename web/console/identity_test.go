package console

import (
	"context"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/identity"
	"github.com/rapporthq/rapport/know/stewardship"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

// fakeIdentity is a home's pairs, and what was asked of it.
type fakeIdentity struct {
	report stewardship.Report
	pairs  []stewardship.Pair
	err    error // of what is done
	broken error // of what is read
	looks  []stewardship.By
	said   []string
	join   string // the charter's, if not the example's
}

func (f *fakeIdentity) Report(context.Context) (stewardship.Report, error) { return f.report, f.broken }

func (f *fakeIdentity) Pairs(_ context.Context, state vault.PairState, from, limit int) (out []stewardship.Pair, err error) {
	for _, p := range f.pairs {
		if p.State == state {
			out = append(out, p)
		}
	}
	return out[min(from, len(out)):min(from+limit, len(out))], f.broken
}

func (f *fakeIdentity) Pair(_ context.Context, id string) (stewardship.Pair, error) {
	for _, p := range f.pairs {
		if p.ID == id {
			return p, f.broken
		}
	}
	return stewardship.Pair{}, stewardship.ErrNoPair
}

func (f *fakeIdentity) Look(_ context.Context, _ stewardship.Pair, by stewardship.By) (both [2][]stewardship.Known, err error) {
	if len(by.Reason) < 5 {
		return both, stewardship.ErrReason
	}
	f.looks = append(f.looks, by)
	both[0] = []stewardship.Known{{Name: "name", Value: "Ada <Fenton>"}, {Name: "email", Value: "ada@post.example"}}
	both[1] = []stewardship.Known{{Name: "name", Value: "A. Fenton"}}
	return both, f.err
}

func (f *fakeIdentity) Same(_ context.Context, a, b person.ID, by stewardship.By) error {
	f.said = append(f.said, "same "+by.Actor)
	return f.err
}

func (f *fakeIdentity) Different(_ context.Context, a, b person.ID, by stewardship.By) error {
	f.said = append(f.said, "different "+by.Actor)
	return f.err
}

func twoPairs() *fakeIdentity {
	parts := []identity.Part{{Field: "prior", Weight: -12.5}, {Field: "surname", Level: "one edit", Weight: 8}, {Field: "email", Level: "exact", Weight: 6.75}, {Field: "relatives", Level: "may be", Weight: -.25}}
	at := person.At(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	return &fakeIdentity{
		report: stewardship.Report{Waiting: 2, Same: 1, Different: 3, Matched: 1, Joining: []stewardship.Count{{Name: "email", N: 7}, {Name: "surname", N: 5}},
			Last: &stewardship.Counted{At: at.Time(), People: 812, LeftOut: 4, Joined: 9, Contested: 1, Sizes: []identity.Size{{Records: 1, Clusters: 790}, {Records: 2, Clusters: 11}, {Records: 3, Clusters: 1}}, Links: []stewardship.Count{{Name: "match", N: 9}, {Name: "email", N: 4}}, Shaky: 2}},
		pairs: []stewardship.Pair{
			{ID: "one", A: person.ID{1}, B: person.ID{2}, State: vault.Proposed, Score: 2, Band: stewardship.Review, Parts: parts, At: at},
			{ID: "two", A: person.ID{3}, B: person.ID{4}, State: vault.Proposed, Score: 2, Band: stewardship.Review, Parts: parts, At: at},
			{ID: "old", A: person.ID{5}, B: person.ID{6}, State: vault.Same, Together: true, By: "Ben", At: at},
			{ID: "sure", A: person.ID{7}, B: person.ID{8}, State: vault.Matched, Together: true, Score: 9, Band: stewardship.Sure, Parts: parts, At: at},
		},
	}
}

// pairs asks a console over these pairs: the doors' own mux, so that who may come in counts.
func (f *fakeIdentity) visit(t *testing.T, key, as string, filled url.Values, headers ...string) (int, string, string) {
	t.Helper()
	ch := retail(t)
	if f.join != "" {
		ch.Identity.Join = f.join
	}
	c := New(Config{Charter: func() *charter.Charter { return ch }, Identity: f, Sessions: fakeSessions{}, Log: slog.New(slog.DiscardHandler)})
	var doors []access.Door
	handlers := map[string]access.Handler{}
	for _, route := range c.Routes() {
		method, path, _ := strings.Cut(route.Key, " ")
		doors = append(doors, access.Door{Method: method, Pattern: path, Roles: route.Roles})
		handlers[route.Key] = func(w http.ResponseWriter, r *http.Request, _ access.Principal) { route.Handle(w, r) }
	}
	table, err := access.NewTable(doors...)
	if err != nil {
		t.Fatal(err)
	}
	mux, err := table.Mux(access.Guard{Who: func(*http.Request, access.Door) (access.Principal, error) {
		return access.Principal{Role: access.Role(as), Name: "Ann"}, nil
	},
		Refuse: func(w http.ResponseWriter, r *http.Request, _ access.Door, _ error) { c.Refused(w, r) }}, handlers)
	if err != nil {
		t.Fatal(err)
	}
	method, path, _ := strings.Cut(key, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(filled.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("As", as)
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

func TestThePairsThatWaitAndHowTheHomeStands(t *testing.T) {
	f := twoPairs()
	status, body, _ := f.visit(t, "GET /console/identity", "admin", nil)
	if status != http.StatusOK {
		t.Fatal(status, body)
	}
	holds(t, body, "2 pairs wait", `href="/console/identity/one"`, "Surname: one slip apart, E-mail address: the same", "20 November 2026", "812 people compared, 4 left out", "1 group was left as it is", "790 people are made of one record each",
		"<td>E-mail address</td><td class=\"num\">7</td>", "<td>a match</td><td class=\"num\">9</td>", "2 links are in doubt", `href="/console/identity/old"`, "the same person", "Ben", "joined as sure", "Who is who")
	holdsNot(t, body, person.ID{1}.String(), "Surer ones", "Less sure ones")
	_, body, _ = f.visit(t, "GET /console/identity", "privacy", nil, "Accept-Language", "fr")
	holds(t, body, "Qui est qui", "2 paires attendent", "Nom de famille : une faute d")
	for range 120 {
		f.pairs = append(f.pairs, f.pairs[0])
	}
	f.report.Waiting = 122
	_, body, _ = f.visit(t, "GET /console/identity?from=50", "privacy", nil)
	holds(t, body, "/console/identity?from=0", "/console/identity?from=100", "Pair\u00a051")
}

// TestASurePairThatWaitsSaysWhy, and no other does.
func TestASurePairThatWaitsSaysWhy(t *testing.T) {
	f := twoPairs()
	f.pairs[0].Band, f.pairs[0].Score = stewardship.Sure, 8
	_, body, _ := f.visit(t, "GET /console/identity/one", "privacy", nil)
	holds(t, body, "Sure by itself, and still not joined")
	f.join = charter.JoinNobody
	_, body, _ = f.visit(t, "GET /console/identity/one", "privacy", nil)
	holds(t, body, "your charter joins nobody without a steward")
	for _, other := range []string{"two", "old", "sure"} {
		_, body, _ = f.visit(t, "GET /console/identity/"+other, "privacy", nil)
		holdsNot(t, body, "still not joined")
	}
}

func TestWithoutPairsThePageSaysWhatToDo(t *testing.T) {
	f := &fakeIdentity{}
	_, body, _ := f.visit(t, "GET /console/identity", "privacy", nil)
	holds(t, body, "never matched", "rapport identity match")
	f.report.Last = &stewardship.Counted{}
	_, body, _ = f.visit(t, "GET /console/identity", "privacy", nil)
	holds(t, body, "No pair waits", "Nobody was made of several records")
	f.broken = errors.New("the store is away")
	if status, body, _ := f.visit(t, "GET /console/identity", "privacy", nil); status < 500 || strings.Contains(body, "away") {
		t.Error(status, body)
	}
	if status, body, _ := twoPairs().visit(t, "GET /console/identity/none", "privacy", nil); status != http.StatusNotFound || !strings.Contains(body, "no such pair") {
		t.Error(status, body)
	}
}

// TestWhoMayDoWhatWithAPair: marketers and agents nothing, admins see how it stands, the privacy team decides and sees values.
func TestWhoMayDoWhatWithAPair(t *testing.T) {
	reason := url.Values{"reason": {"two accounts, one complaint"}}
	for _, c := range []struct {
		key, as string
		form    url.Values
		want    int
	}{
		{"GET /console/identity", "marketer", nil, 403}, {"GET /console/identity/one", "marketer", nil, 403}, {"POST /console/identity/one/values", "marketer", reason, 403}, {"POST /console/identity/one", "marketer", url.Values{"say": {"same"}}, 403},
		{"GET /console/identity/one", "agent", nil, 403}, {"POST /console/identity/one/values", "agent", reason, 403},
		{"GET /console/identity/one", "admin", nil, 200}, {"POST /console/identity/one/values", "admin", reason, 403}, {"POST /console/identity/one", "admin", url.Values{"say": {"same"}}, 403},
		{"GET /console/identity/one", "privacy", nil, 200}, {"POST /console/identity/one/values", "privacy", reason, 200}, {"POST /console/identity/one", "privacy", url.Values{"say": {"same"}}, 303},
	} {
		f := twoPairs()
		status, body, _ := f.visit(t, c.key, c.as, c.form)
		if status != c.want {
			t.Errorf("%s as %s: %d, want %d", c.key, c.as, status, c.want)
		}
		if c.as != "privacy" && (len(f.looks) > 0 || len(f.said) > 0 || strings.Contains(body, "Fenton") || strings.Contains(body, `id="decide"`)) {
			t.Errorf("%s as %s saw or did something", c.key, c.as)
		}
	}
	// The handlers do not rely on the doors.
	f := twoPairs()
	ch := retail(t)
	c := New(Config{Charter: func() *charter.Charter { return ch }, Identity: f, Sessions: fakeSessions{}, Log: slog.New(slog.DiscardHandler)})
	for _, h := range []http.HandlerFunc{c.lookAtPair, c.decidePair} {
		r := httptest.NewRequest(http.MethodPost, "/console/identity/one", strings.NewReader("say=same&reason=because+I+say"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("As", "marketer")
		r.SetPathValue("pair", "one")
		w := httptest.NewRecorder()
		h(w, r)
		if w.Code != http.StatusForbidden || len(f.looks)+len(f.said) > 0 || strings.Contains(w.Body.String(), "Fenton") {
			t.Errorf("%d: %v %v", w.Code, f.looks, f.said)
		}
	}
}

func TestAPairIsShownWithItsScore(t *testing.T) {
	f := twoPairs()
	_, body, _ := f.visit(t, "GET /console/identity/one", "privacy", nil)
	holds(t, body, "Of 5 pairs with this score, one is expected to be wrong", "to review", "Two people at random", "-12.50", "Surname: one slip apart", "May be relatives", `class="fall"`, "2.00", "nobody has decided", "Decide later", `action="/console/identity/one/values"`, "/console/identity/two")
	holdsNot(t, body, "Fenton", "<title>p_")
	// The parts of the table add up to the score.
	if cells := regexp.MustCompile(`<td class="num">([-0-9.]*)</td><td class="num">([-0-9.]+)</td>`).FindAllStringSubmatch(body, -1); len(cells) != 5 || cells[3][2] != cells[4][2] || cells[4][2] != "2.00" {
		t.Errorf("%v", cells)
	}
	_, body, _ = f.visit(t, "GET /console/identity/old", "privacy", nil)
	holds(t, body, "Ben said on 20 November 2026", "Split: they are different people", "No match has scored this pair")
	holdsNot(t, body, "Decide later", `value="same"`)
	_, body, _ = f.visit(t, "GET /console/identity/sure", "admin", nil)
	holds(t, body, "Joined as sure by a match", "shown to the privacy team only")
	holdsNot(t, body, `id="decide"`, "/values")
}

func TestALookAtThePairIsMeantAndShown(t *testing.T) {
	f := twoPairs()
	status, body, _ := f.visit(t, "POST /console/identity/one/values", "privacy", url.Values{"reason": {" two accounts "}})
	if status != http.StatusOK || len(f.looks) != 1 || f.looks[0] != (stewardship.By{Actor: "Ann", Role: "privacy", Reason: "two accounts"}) {
		t.Fatalf("%d %+v", status, f.looks)
	}
	holds(t, body, html.EscapeString("Ada <Fenton>"), "A. Fenton", "ada@post.example", "on record at both", `id="decide"`)
	status, body, _ = f.visit(t, "POST /console/identity/one/values", "privacy", url.Values{"reason": {"no"}})
	if status != http.StatusBadRequest || len(f.looks) != 1 || strings.Contains(body, "Fenton") {
		t.Errorf("%d: a look without a reason", status)
	}
	f.err = errors.New("the look could not be written")
	if status, body, _ = f.visit(t, "POST /console/identity/one/values", "privacy", url.Values{"reason": {"two accounts"}}); status < 500 || strings.Contains(body, "Fenton") || strings.Contains(body, "written") {
		t.Errorf("%d: values are shown though the look failed", status)
	}
}

func TestWhatAStewardSaysIsKeptOrToldWhyNot(t *testing.T) {
	f := twoPairs()
	for say, want := range map[string]string{"same": "/console/identity/one", "different": "/console/identity/one", "later": "/console/identity/two"} {
		if status, _, to := f.visit(t, "POST /console/identity/one", "privacy", url.Values{"say": {say}}); status != http.StatusSeeOther || to != want {
			t.Errorf("%s: %d to %s", say, status, to)
		}
	}
	if len(f.said) != 2 {
		t.Errorf("%v", f.said)
	}
	if status, body, _ := f.visit(t, "POST /console/identity/one", "privacy", url.Values{"say": {"perhaps"}}); status != http.StatusBadRequest || !strings.Contains(body, "Say whether") {
		t.Errorf("%d", status)
	}
	f.err = stewardship.ErrAnswered
	status, body, _ := f.visit(t, "POST /console/identity/one", "privacy", url.Values{"say": {"same"}}, "Accept-Language", "fr")
	if status != http.StatusConflict {
		t.Error(status)
	}
	holds(t, body, "Cela réunirait deux personnes")
	before := len(f.said)
	for _, path := range []string{"/console/identity/one", "/console/identity/one/values"} {
		if status, _, _ := f.visit(t, "POST "+path, "privacy", url.Values{"say": {"same"}, "reason": {"two accounts"}}, "Elsewhere", "yes"); status != http.StatusForbidden || len(f.said) != before || len(f.looks) > 0 {
			t.Errorf("a form from another site: %d", status)
		}
	}
}
