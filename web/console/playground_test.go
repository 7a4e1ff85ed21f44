package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
)

// signedIn are the sessions of one member of staff who is there already.
type signedIn struct {
	who       Staff
	elsewhere bool
}

func (signedIn) SignIn(http.ResponseWriter, *http.Request, string) error { return nil }
func (s signedIn) Staff(*http.Request) (Staff, bool)                     { return s.who, s.who.Name != "" }
func (signedIn) Leave(http.ResponseWriter, *http.Request)                {}
func (s signedIn) SameOrigin(*http.Request) error {
	if s.elsewhere {
		return fault.New(fault.Refused, "This form was sent from another site; open the page itself and try again.")
	}
	return nil
}

// asked is a playground that remembers what it was asked.
type asked struct {
	try  Try
	by   Staff
	real bool
	says []decide.Decision
	err  error
}

func (a *asked) MadeUp(_ context.Context, t Try) ([]decide.Decision, error) {
	a.try, a.real = t, false
	return a.says, a.err
}

func (a *asked) Real(_ context.Context, s Staff, t Try) ([]decide.Decision, error) {
	a.try, a.by, a.real = t, s, true
	return a.says, a.err
}

var (
	mary = Staff{Name: "Mary", Role: "marketer", Team: "marketing"}
	paul = Staff{Name: "Paul", Role: "privacy", Team: "privacy"}
)

// example is the charter of the retail example, accepted twice.
func example(t testing.TB) charter.Series {
	t.Helper()
	source, _ := charter.Example("retail")
	c, problems := charter.Parse(source)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return charter.NewSeries(c.Placed(1, person.At(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))), c.Placed(2, person.At(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))))
}

func deskOf(t testing.TB, s signedIn, change func(*Config)) *Console {
	t.Helper()
	series := example(t)
	cfg := Config{Charter: series.Current, Series: func() charter.Series { return series }, Sessions: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

// send knocks at a route of the console: a form where there is one.
func send(c *Console, key string, form url.Values, lang string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(key, " ")
	mux := http.NewServeMux()
	for _, route := range c.Routes() {
		mux.HandleFunc(route.Key, route.Handle)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func decision(rung string, items ...decide.Item) decide.Decision {
	return decide.Decision{Placement: "home", Rung: rung, Relationship: decide.Relationship{Level: "regular"}, Items: items, Charter: 2}
}

func TestAQuestionAndASecondBesideIt(t *testing.T) {
	p := &asked{says: []decide.Decision{
		decision("individual", decide.Item{ID: "1", Name: "Rye bread", Score: .5, Because: []decide.Reason{{Text: "You bought milk", Weight: .5, Source: "evt_1"}}},
			decide.Item{ID: "2", Name: "Tea", Score: .2, Because: []decide.Reason{{Text: "Popular this week", Weight: .2, Source: "context:trend"}}}),
		{Placement: "home", Rung: "context", Relationship: decide.Relationship{Level: "regular"}, Charter: 2, Items: []decide.Item{{ID: "2", Name: "Tea", Score: .3, Because: []decide.Reason{{Text: "Popular this week", Weight: .2, Source: "context:trend"}, {Text: "It rains", Weight: .1, Source: "context:weather"}}}}, Held: []decide.Held{{Fact: "Order Completed", Event: true, Reason: "permission", Text: "You said no to this."}}},
	}}
	c := deskOf(t, signedIn{who: mary}, func(cfg *Config) { cfg.Playground = p })
	form := url.Values{"level": {"regular"}, "placement": {"home"}, "at": {"2026-05-01T10:00"}, "off": {"personalise"}, "level2": {"confidant"}, "charter2": {"1"}, "gpc": {"yes"}}
	w := send(c, "POST /console/playground", form, "en")
	if w.Code != http.StatusOK || p.real {
		t.Fatalf("%d, real: %v: %s", w.Code, p.real, w.Body)
	}
	at := person.At(time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)) // the example's brand is in London: summer time
	confidant := person.Confidant
	want := []decide.Side{
		{Placement: "home", GPC: true, Context: decide.Circumstance{At: at, Language: "en"}},
		{Placement: "home", GPC: true, Context: decide.Circumstance{At: at, Language: "en"}, Supposed: decide.Supposed{Charter: c.cfg.Series().At(1), Off: []string{"personalise"}, Level: &confidant}},
	}
	if p.try.Level != person.Regular || !reflect.DeepEqual(p.try.Sides, want) {
		t.Errorf("asked %+v", p.try)
	}
	for _, says := range []string{"What differs", "individual", "context", "only here", "<mark>You said no to this.</mark>", "<mark>It rains</mark>", "Popular this week", "Order Completed (permission)", "Together", "0.500"} {
		if !strings.Contains(w.Body.String(), says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	if strings.Contains(w.Body.String(), "<mark>Popular this week</mark>") {
		t.Error("a reason of both sides is marked as new")
	}
	if strings.Contains(w.Body.String(), `id="who"`) {
		t.Error("the marketer is offered real people")
	}
	p.says = p.says[:1]
	w = send(c, "POST /console/playground", url.Values{"level": {"regular"}, "placement": {"home"}}, "fr")
	if len(p.try.Sides) != 1 || p.try.Sides[0].Context.Language != "fr" || strings.Contains(w.Body.String(), "Ce qui diffère") || !strings.Contains(w.Body.String(), "Retenu") {
		t.Errorf("one question alone: %+v", p.try)
	}
}

func TestRealPeopleAreForPrivacyWithAReason(t *testing.T) {
	p := &asked{says: []decide.Decision{decision("individual")}}
	form := url.Values{"placement": {"home"}, "who": {"13085"}, "purpose": {"service"}, "reason": {"she asked us"}, "placement2": {"basket"}}
	for _, s := range []Staff{mary, {Name: "Ann", Role: "agent"}, {Name: "Ada", Role: "admin"}} {
		w := send(deskOf(t, signedIn{who: s}, func(cfg *Config) { cfg.Playground = p }), "POST /console/playground", form, "en")
		if w.Code != http.StatusForbidden || p.real || !strings.Contains(w.Body.String(), "Real people are for the privacy team") {
			t.Errorf("%s: %d, %s", s.Role, w.Code, w.Body)
		}
	}
	c := deskOf(t, signedIn{who: paul}, func(cfg *Config) { cfg.Playground = p })
	w := send(c, "POST /console/playground", form, "en")
	if w.Code != http.StatusOK || !p.real || p.by != paul || p.try.UserID != "13085" || p.try.Reason != "she asked us" || p.try.Purpose != "service" || len(p.try.Sides) != 2 {
		t.Errorf("%d, asked %+v by %+v", w.Code, p.try, p.by)
	}
	if strings.Contains(w.Body.String(), "13085") {
		t.Error("the page names the person again")
	}
	form.Set("reason", "why")
	if w := send(c, "POST /console/playground", form, "fr"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Dites en quelques mots pourquoi") {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
}

func TestQuestionsThatAreRefused(t *testing.T) {
	p := &asked{}
	c := deskOf(t, signedIn{who: mary}, func(cfg *Config) { cfg.Playground = p })
	good := func() url.Values { return url.Values{"level": {"regular"}, "placement": {"home"}} }
	for field, wrong := range map[string]string{"level": "friend", "placement": "nowhere", "at": "tomorrow", "charter": "7", "placement2": "nowhere", "at2": "x", "charter2": "0", "off": "nothing", "level2": "friend", "reason": strings.Repeat("a", 501)} {
		form := good()
		form.Set(field, wrong)
		p.try = Try{}
		if w := send(c, "POST /console/playground", form, "en"); w.Code != http.StatusBadRequest || len(p.try.Sides) > 0 || !strings.Contains(w.Body.String(), `role="alert"`) {
			t.Errorf("%s %q: %d, asked %+v", field, wrong, w.Code, p.try)
		}
	}
	form := good()
	form.Set("charter2", "proposal")
	form.Set("proposal", "brand: {name: X}\n")
	w := send(c, "POST /console/playground", form, "en")
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "mend what is listed") || !strings.Contains(w.Body.String(), `<ul class="flaws">`) {
		t.Errorf("a proposal with errors: %d, %s", w.Code, w.Body)
	}
	if w := send(c, "POST /console/playground", form, "fr"); !strings.Contains(w.Body.String(), "manque : ajoutez charter:") {
		t.Errorf("the errors of a proposal are not said in French: %s", w.Body)
	}
	source, _ := charter.Example("retail")
	form.Set("proposal", string(source))
	if w := send(c, "POST /console/playground", form, "en"); w.Code != http.StatusOK || len(p.try.Sides) != 2 || p.try.Sides[1].Supposed.Charter == nil {
		t.Errorf("a proposal: %d, asked %+v", w.Code, p.try)
	}
	p.err = context.DeadlineExceeded
	if w := send(c, "POST /console/playground", good(), "en"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "deadline") {
		t.Errorf("a fault inside: %d, %s", w.Code, w.Body)
	}
	if w := send(deskOf(t, signedIn{who: mary, elsewhere: true}, func(cfg *Config) { cfg.Playground = p }), "POST /console/playground", good(), "en"); w.Code != http.StatusForbidden {
		t.Errorf("a form of another site: %d", w.Code)
	}
	if w := send(deskOf(t, signedIn{}, nil), "GET /console/playground", nil, "en"); w.Header().Get("Location") != "/console/sign-in" {
		t.Errorf("a stranger: %d", w.Code)
	}
}

func TestWhatDiffersIsMarked(t *testing.T) {
	reason := func(text string, w float64) decide.Reason {
		return decide.Reason{Text: text, Weight: w, Source: "rest"}
	}
	a := decision("individual", decide.Item{ID: "1", Name: "Bread", Score: 1, Because: []decide.Reason{reason("milk", 1)}}, decide.Item{ID: "2", Name: "Tea", Score: .5, Because: []decide.Reason{reason("cake", .5)}}, decide.Item{ID: "3", Name: "Jam"})
	b := decision("individual", decide.Item{ID: "2", Name: "Tea", Score: .5, Because: []decide.Reason{reason("cake", .5)}}, decide.Item{ID: "1", Name: "Bread", Score: .4, Because: []decide.Reason{reason("milk", .4)}})
	a.Held = []decide.Held{{Fact: "birthday", Reason: "too-soon"}, {Fact: "income", Reason: "permission"}}
	b.Held = []decide.Held{{Fact: "birthday", Reason: "permission"}, {Fact: "income", Reason: "permission"}}
	got, differs := beside([]decide.Decision{a, b})
	bread, tea, jam := got[0].Goods[0], got[0].Goods[1], got[0].Goods[2]
	if bread.There != 2 || !bread.New["milk"] || tea.There != 1 || tea.New != nil || jam.There != 0 {
		t.Errorf("%+v", got[0].Goods)
	}
	if !got[0].Holds[0].Only || got[0].Holds[1].Only || !got[1].Holds[0].Only {
		t.Errorf("%+v", got[0].Holds)
	}
	want := []difference{{"items", "Bread, Tea, Jam", "Tea, Bread"}, {"held", "birthday (too-soon)", "birthday (permission)"}}
	if !reflect.DeepEqual(differs, want) {
		t.Errorf("%+v", differs)
	}
	if _, differs = beside([]decide.Decision{a, a}); differs != nil {
		t.Errorf("the same twice differs in %+v", differs)
	}
}
