package trustcentre

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/relationship"
)

// fakeSelf is somebody of whom a test says what is known, and who notes what they do.
type fakeSelf struct {
	view      View
	looks     Looks
	decisions []decide.Decision
	fail      error
	did       []string
	shown     int
	evidence  consent.Evidence
}

func (s *fakeSelf) View(context.Context, person.ID, string) (View, error) { return s.view, s.fail }
func (s *fakeSelf) Shown(context.Context, person.ID, View)                { s.shown++ }
func (s *fakeSelf) Decisions(_ context.Context, _ person.ID, from int, _ string) ([]decide.Decision, bool, error) {
	to := min(from+mostDecisions, len(s.decisions))
	return s.decisions[min(from, to):to], to < len(s.decisions), s.fail
}
func (s *fakeSelf) Decision(_ context.Context, _ person.ID, id, _ string) (decide.Decision, error) {
	for _, d := range s.decisions {
		if d.ID == id {
			return d, s.fail
		}
	}
	return decide.Decision{}, errDecision
}
func (s *fakeSelf) Overview(ctx context.Context, id person.ID, lang string) (View, Looks, error) {
	v, err := s.View(ctx, id, lang)
	return v, s.looks, err
}
func (s *fakeSelf) Looks(context.Context, person.ID, string) (Looks, error) { return s.looks, s.fail }
func (s *fakeSelf) Extract(context.Context, person.ID) (ledger.Extract, error) {
	return ledger.Extract{Format: ledger.ExtractFormat}, s.fail
}
func (s *fakeSelf) note(format string, args ...any) error {
	s.did = append(s.did, fmt.Sprintf(format, args...))
	return s.fail
}
func (s *fakeSelf) Choose(_ context.Context, _ person.ID, purpose string, yes bool, e consent.Evidence) error {
	s.evidence = e
	return s.note("choose %s %v", purpose, yes)
}
func (s *fakeSelf) Correct(_ context.Context, _ person.ID, fact, value string) error {
	return s.note("correct %s=%s", fact, value)
}
func (s *fakeSelf) Judge(_ context.Context, _ person.ID, fact, value string, right bool) error {
	return s.note("judge %s=%s %v", fact, value, right)
}
func (s *fakeSelf) Remove(_ context.Context, _ person.ID, fact string) error {
	return s.note("remove %s", fact)
}
func (s *fakeSelf) Restrict(_ context.Context, _ person.ID, on bool) error {
	return s.note("restrict %v", on)
}
func (s *fakeSelf) Feedback(_ context.Context, _ person.ID, d, item string, k person.FeedbackKind) error {
	return s.note("feedback %s %s %s", d, item, k)
}

// fakeSessions knows whoever has the header In; another site's forms have the header Elsewhere.
type fakeSessions struct{}

func (fakeSessions) Enter(http.ResponseWriter, *http.Request, string) error    { return ErrEntry }
func (fakeSessions) Begin(http.ResponseWriter, *http.Request, person.ID) error { return nil }
func (fakeSessions) Person(r *http.Request) (person.ID, bool) {
	return person.ID{1}, r.Header.Get("In") != ""
}
func (fakeSessions) Leave(http.ResponseWriter, *http.Request) {}
func (fakeSessions) SameOrigin(r *http.Request) error {
	if r.Header.Get("Elsewhere") != "" {
		return fault.New(fault.Refused, "elsewhere")
	}
	return nil
}

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func full() *fakeSelf {
	k := Known{Name: "name", Title: "Name", Value: "Ann <b>Secretive</b>", Learnt: "declared", Source: "signup", Where: "web", When: today, Until: today.AddDate(5, 0, 0), Why: []string{"To greet you."}, Benefit: "We greet you properly.", InUse: true}
	other := k
	other.Value, other.Outweighed, other.InUse, other.Learnt = "Anna", true, false, "acquired"
	held := k
	held.Name, held.Title, held.Value, held.InUse, held.Waiting = "household", "Household", "4", false, "We use your household once you are a regular."
	return &fakeSelf{
		view: View{Level: person.Regular, Word: "a regular", Because: "14 visits over 8 months", Steps: []Step{{Word: "a stranger", Past: true}, {Word: "a regular", Here: true}},
			Ways:    []relationship.Way{{Up: true, Says: "a confidant after 6 more visits"}, {Says: "a stranger after 3 May 2027"}},
			Facts:   []Fact{{Known: k, Others: []Known{other}, Correct: &Field{Kind: "text", Value: k.Value}}, {Known: held, Correct: &Field{Kind: "select", Options: []Option{{"1", "1", false}, {"4", "4", true}}}}, {Known: Known{Name: "age_band", Title: "Age band", Value: "adult", Learnt: "acquired"}, Bound: true, Contact: "privacy@brand.example"}},
			Gone:    []Gone{{Name: "birthday", Title: "Birthday", Tell: &Field{Kind: "date"}}},
			History: []History{{Title: "Orders", Count: 50, First: today.AddDate(-1, 0, 0), Last: today, Recent: []Occasion{{When: today, Items: []string{"Bananas"}, More: 3}}}},
			Choices: []Choice{{Purpose: "personalise", Why: "To show you what suits you.", Benefit: "Less searching.", Basis: charter.Consent, Allowed: true, Answer: consent.Yes, Switchable: true, Because: "You said yes.", Since: today,
				History: []Said{{When: today, Yes: true, Meant: "You said yes.", Words: "May we show you what suits you?", Self: true, Charter: 1}, {When: today, Meant: "You said no.", Source: "signup", Channel: "web", Charter: 1}}},
				{Purpose: "sensitive", Why: "To use your health.", Basis: charter.Consent, Switchable: true, Explicit: true, Because: "You have not said yes."},
				{Purpose: "service", Why: "To bring your order.", Basis: charter.Contract, Allowed: true, Because: "We need it."}}},
		looks: Looks{Looks: []Look{{When: today, Number: 17, Who: "Paul from privacy", Role: "privacy", Team: "privacy", Purpose: "To bring your order.", Reason: "she asked", Fields: "Name"}, {When: today, Who: "Ann", Role: "agent", Fields: "Name"}},
			Work: []Work{{Who: "learn", Purpose: "To show you what suits you.", Times: 3, Last: today, Many: 801}}, Days: map[string]int{"2026-11-20": 2}, Today: today, Key: "rapport-ledger+abc+def"},
		decisions: []decide.Decision{{ID: "dec_1", Placement: "home", Rung: "individual", Now: today.Format(time.RFC3339Nano), Charter: 1, Models: map[string]string{"recommend": "m1"},
			Relationship: decide.Relationship{Level: "regular", Because: "14 visits"},
			Items:        []decide.Item{{ID: "b", Name: "Bananas", Score: 0.3, Because: []decide.Reason{{Text: "You bought this", Weight: 0.4}, {Text: "Several small reasons together", Weight: -0.1}}, Moved: []decide.Moved{{Text: "Shown lately", From: 1, To: 2}}}},
			Held:         []decide.Held{{Fact: "household", Reason: "too-soon", Count: 2, Text: "We use your household once you are a regular."}}}},
	}
}

func centre(t testing.TB, s Self) (*http.ServeMux, *charter.Charter) {
	t.Helper()
	text, ok := charter.Example("retail")
	if !ok {
		t.Fatal("there is no retail charter")
	}
	c, problems := charter.Parse(text)
	if c == nil {
		t.Fatal(problems)
	}
	c = c.Placed(3, 1)
	mux := http.NewServeMux()
	for key, h := range New(Config{Charter: func() *charter.Charter { return c }, Self: s, Sessions: fakeSessions{}, SignIn: "/shop", Log: slog.New(slog.DiscardHandler)}).Handlers() {
		mux.Handle(key, h)
	}
	return mux, c
}

func ask(mux *http.ServeMux, method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

var ownPages = []string{"/trust", "/trust/facts", "/trust/choices", "/trust/decisions", "/trust/decisions/dec_1", "/trust/looks"}

func TestEveryPageInEveryState(t *testing.T) {
	title := regexp.MustCompile(`<title>(.*?)</title>`)
	for path, wants := range map[string][]string{
		"/trust": {"Name", "Ann &lt;b&gt;Secretive", "To show you what suits you.", "Less searching.", "Paul from privacy", "she asked", "a regular", "14 visits over 8 months", "a confidant after 6 more visits", "a stranger after 3 May 2027",
			`aria-current="step"`},
		"/trust/facts": {"You told us", "signup (web)", "20 November 2026", "20 November 2031", "To greet you.", "We greet you properly.", "in use", "held back", "once you are a regular", "Anna", "Somebody else told us", `action="/trust/correct"`,
			`action="/trust/remove"`, "privacy@brand.example", "Birthday", "Orders", "Bananas", "and 3 more", `<option value="4" selected>`},
		"/trust/choices":         {"You said yes.", "May we show you what suits you?", "The words that were shown were not sent", "Yes, expressly", "It cannot be switched off", `name="charter" value="3"`, `value="yes" aria-pressed="true"`, "by you, here"},
		"/trust/decisions":       {"/trust/decisions/dec_1", "made for you", "1 held back", "Bananas"},
		"/trust/decisions/dec_1": {"+0.400", "−0.100", "+0.300", "Together", `class="minus"`, "from place 1 to place 2", "once you are a regular", "(2 of them)", "charter 3", "m1", `value="too-personal"`, "/assets/chart.css"},
		"/trust/looks":           {"Paul from privacy", "privacy team", "she asked", "17", "being written", "learn", "801", "looks.json", "rapport-ledger+abc+def", "--proof", "/assets/chart.css"},
	} {
		wants = append([]string(nil), wants...)
		for i := range wants {
			if wants[i] == "charter 3" {
				wants[i] = "charter 1" // the one under which it was decided
			}
		}
		self := full()
		mux, _ := centre(t, self)
		w := ask(mux, "GET", path, nil, "In", "1")
		body := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Cache-Control"))
		}
		for _, want := range wants {
			if !strings.Contains(strings.ReplaceAll(body, "&#43;", "+"), want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
		if m := title.FindStringSubmatch(body); m == nil || strings.Contains(m[1], "Secretive") || strings.Contains(m[1], "regular") || strings.Contains(m[1], "Bananas") {
			t.Errorf("%s has the title %q", path, m)
		}
		if strings.Contains(body, "<b>Secretive") {
			t.Errorf("%s lets a value be part of the page", path)
		}
		if (self.shown == 1) != (path == "/trust/facts") {
			t.Errorf("%s tells the person %d times", path, self.shown)
		}
		for _, lang := range []string{"en", "fr"} {
			for _, unsaid := range []string{"overview.", "facts.", "choices.", "looks.", "relationship.", "proof.", "rung.", "role.", "learnt."} {
				if b := ask(mux, "GET", path, nil, "In", "1", "Accept-Language", lang).Body.String(); strings.Contains(b, ">"+unsaid) {
					t.Errorf("%s in %s shows a key that begins with %s", path, lang, unsaid)
				}
			}
		}
		if fr := ask(mux, "GET", path, nil, "In", "1", "Accept-Language", "fr").Body.String(); !strings.Contains(fr, "Vos données") || strings.Contains(fr, "What we know") {
			t.Errorf("%s is not in French", path)
		}

		empty := &fakeSelf{decisions: []decide.Decision{{ID: "dec_1", Rung: "generic"}}, looks: Looks{Today: today}}
		if strings.HasSuffix(path, "decisions") {
			empty.decisions = nil
		}
		mux, _ = centre(t, empty)
		if w := ask(mux, "GET", path, nil, "In", "1"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `class="empty"`) && path != "/trust/choices" {
			t.Errorf("%s with nothing to show: %d", path, w.Code)
		}

		for _, lang := range []string{"en", "fr"} {
			mux, _ = centre(t, &fakeSelf{fail: errors.New("a secret cause")})
			if w := ask(mux, "GET", path, nil, "In", "1", "Accept-Language", lang); w.Code < 400 || strings.Contains(w.Body.String(), "secret cause") || !strings.Contains(w.Body.String(), `class="stop"`) {
				t.Errorf("%s when it fails: %d", path, w.Code)
			}
		}

		mux, _ = centre(t, full())
		w = ask(mux, "GET", path, nil)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[path == "/trust"]; w.Code != want || strings.Contains(w.Body.String(), "Secretive") || !strings.Contains(w.Body.String(), `href="/shop"`) {
			t.Errorf("%s to a stranger: %d", path, w.Code)
		}
	}
}

func TestAPageStaysLight(t *testing.T) {
	self := full()
	for range 1000 {
		self.looks.Looks = append(self.looks.Looks, self.looks.Looks[0])
	}
	d := self.decisions[0]
	for len(d.Items) < 20 {
		d.Items = append(d.Items, d.Items[0])
	}
	for len(d.Items[0].Because) < 6 {
		d.Items[0].Because = append(d.Items[0].Because, decide.Reason{Text: "You bought something with a rather long name, 12 ounces, 14 times, last on 28 October", Weight: 0.01})
	}
	self.decisions = nil
	for range mostDecisions {
		self.decisions = append(self.decisions, d)
	}
	for range 20 {
		self.view.Facts = append(self.view.Facts, self.view.Facts[1])
		self.view.Choices[0].History = append(self.view.Choices[0].History, self.view.Choices[0].History[0])
	}
	mux, _ := centre(t, self)
	for _, path := range ownPages {
		if n := ask(mux, "GET", path, nil, "In", "1").Body.Len(); n > 80<<10 { // beside 25 KB of style
			t.Errorf("%s weighs %d KB", path, n>>10)
		}
	}
}

func TestDecisionsStandOnPages(t *testing.T) {
	self := full()
	d := self.decisions[0]
	self.decisions = nil
	for i := range 2*mostDecisions + 1 {
		d.ID = fmt.Sprintf("dec_%d", i)
		self.decisions = append(self.decisions, d)
	}
	mux, _ := centre(t, self)
	for path, want := range map[string]struct {
		first, count int
		links        []string
	}{
		"/trust/decisions":          {0, 10, []string{"10"}},
		"/trust/decisions?from=10":  {10, 10, []string{"0", "20"}},
		"/trust/decisions?from=20":  {20, 1, []string{"10"}},
		"/trust/decisions?from=5":   {5, 10, []string{"0", "15"}},
		"/trust/decisions?from=-1":  {0, 10, []string{"10"}},
		"/trust/decisions?from=1e3": {0, 10, []string{"10"}},
		"/trust/decisions?from=999": {0, 0, []string{"989"}},
	} {
		body := ask(mux, "GET", path, nil, "In", "1").Body.String()
		if n := strings.Count(body, `href="/trust/decisions/dec_`); n != want.count || n > 0 && !strings.Contains(body, fmt.Sprintf(`href="/trust/decisions/dec_%d"`, want.first)) {
			t.Errorf("%s lists %d", path, n)
		}
		var links []string
		for _, m := range regexp.MustCompile(`href="/trust/decisions\?from=(\d+)"`).FindAllStringSubmatch(body, -1) {
			links = append(links, m[1])
		}
		if !slices.Equal(links, want.links) {
			t.Errorf("%s leads to %v, want %v", path, links, want.links)
		}
	}
}

func TestFormsActForTheirPersonAlone(t *testing.T) {
	for path, c := range map[string]struct {
		form     url.Values
		did, say string
	}{
		"/trust/choose":   {url.Values{"purpose": {"personalise"}, "answer": {"no"}, "charter": {"3"}}, "choose personalise false", "/trust/choices?said=no"},
		"/trust/correct":  {url.Values{"fact": {"name"}, "value": {"Ann New"}}, "correct name=Ann New", "/trust/facts?said=corrected"},
		"/trust/judge":    {url.Values{"fact": {"name"}, "value": {"Ann Old"}, "says": {"wrong"}}, "judge name=Ann Old false", "/trust/facts?said=wrong"},
		"/trust/remove":   {url.Values{"fact": {"name"}}, "remove name", "/trust/facts?said=removed"},
		"/trust/restrict": {url.Values{"on": {"yes"}}, "restrict true", "/trust?said=paused"},
		"/trust/feedback": {url.Values{"decision": {"dec_1"}, "item": {"b"}, "kind": {"useful"}}, "feedback dec_1 b useful", "/trust/decisions/dec_1?said=feedback"},
	} {
		self := full()
		mux, _ := centre(t, self)
		if w := ask(mux, "POST", path, c.form, "In", "1", "Elsewhere", "1"); w.Code != http.StatusForbidden || len(self.did) > 0 {
			t.Errorf("%s from another site: %d %v", path, w.Code, self.did)
		}
		if w := ask(mux, "POST", path, c.form); w.Code != http.StatusUnauthorized || len(self.did) > 0 {
			t.Errorf("%s by a stranger: %d %v", path, w.Code, self.did)
		}
		if w := ask(mux, "POST", path+"?"+c.form.Encode(), nil, "In", "1"); len(self.did) > 0 && strings.Contains(self.did[0], "name") {
			t.Errorf("%s reads its address: %d %v", path, w.Code, self.did)
		}
		self.did = nil
		w := ask(mux, "POST", path, c.form, "In", "1")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.say || strings.Join(self.did, ";") != c.did {
			t.Errorf("%s: %d to %s, did %v", path, w.Code, w.Header().Get("Location"), self.did)
		}
		if strings.Contains(w.Header().Get("Location"), "Ann") {
			t.Errorf("%s puts a value into an address", path)
		}
		self.fail = fault.New(fault.Refused, "You said no to everything that this would be used for, so a new value may not be kept: say yes first, or remove it.")
		if w := ask(mux, "POST", path, c.form, "In", "1", "Accept-Language", "fr"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Vous avez dit non") {
			t.Errorf("%s refused, in French: %d", path, w.Code)
		}
	}
	self := full()
	mux, _ := centre(t, self)
	for path, form := range map[string]url.Values{"/trust/choose": {"purpose": {"personalise"}, "answer": {"perhaps"}}, "/trust/restrict": {"on": {"perhaps"}}} {
		if w := ask(mux, "POST", path, form, "In", "1"); w.Code != http.StatusBadRequest || len(self.did) > 0 {
			t.Errorf("%s: %d %v", path, w.Code, self.did)
		}
	}
	if w := ask(mux, "POST", "/trust/choose", url.Values{"purpose": {"personalise"}, "answer": {"yes"}, "charter": {"2"}}, "In", "1"); w.Code != http.StatusConflict || len(self.did) > 0 {
		t.Errorf("an answer to words that have changed: %d %v", w.Code, self.did)
	}
	if b := ask(mux, "GET", "/trust?said=%3Cscript%3E", nil, "In", "1").Body.String(); strings.Contains(b, `class="notice"`) || strings.Contains(b, "<script") {
		t.Error("a sentence of somebody else's is shown")
	}
	if b := ask(mux, "GET", "/trust/facts?said=corrected", nil, "In", "1").Body.String(); !strings.Contains(b, "Your word counts from now on") {
		t.Error("nothing is said after a form")
	}
}

// The evidence of a choice is what the page had, word for word.
func TestTheEvidenceIsWhatWasOnThePage(t *testing.T) {
	for _, lang := range []string{"en", "fr"} {
		for purpose, answers := range map[string][]string{"personalise": {"yes", "no"}, "sensitive": {"yes", "no"}} {
			for _, answer := range answers {
				self := full()
				mux, c := centre(t, self)
				p := c.Purposes[purpose]
				self.view.Choices = []Choice{{Purpose: purpose, Why: p.Why.In(lang, &c.Brand), Benefit: p.Benefit.In(lang, &c.Brand), Switchable: true, Explicit: p.Explicit}}
				body := strings.ReplaceAll(ask(mux, "GET", "/trust/choices", nil, "In", "1", "Accept-Language", lang).Body.String(), "&#39;", "'")
				ask(mux, "POST", "/trust/choose", url.Values{"purpose": {purpose}, "answer": {answer}, "charter": {"3"}}, "In", "1", "Accept-Language", lang)
				e := self.evidence
				words, button, ok := strings.Cut(e.Words, " [")
				if !ok || e.Language != lang || e.Notice != c.Hash || e.Channel != "web" {
					t.Fatalf("%+v", e)
				}
				button = strings.TrimSuffix(button, "]")
				if !regexp.MustCompile(`value="` + answer + `"[^>]*>` + regexp.QuoteMeta(button) + `</button>`).MatchString(body) {
					t.Errorf("%s %s in %s: no button says %q", purpose, answer, lang, button)
				}
				why := p.Why.In(lang, &c.Brand)
				rest := strings.TrimSpace(strings.TrimPrefix(words, why))
				if !strings.HasPrefix(words, why) || !strings.Contains(body, why) || rest == "" || !strings.Contains(body, rest) {
					t.Errorf("%s in %s: the page does not say %q", purpose, lang, words)
				}
			}
		}
	}
}

func TestWhatAnybodyMayHaveOfTheLedger(t *testing.T) {
	mux, _ := centre(t, full())
	if w := ask(mux, "GET", "/trust/ledger/key", nil); w.Code != http.StatusNotFound {
		t.Errorf("without a ledger: %d", w.Code)
	}
	w := ask(mux, "GET", "/trust/looks.json", nil, "In", "1")
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") || !strings.Contains(w.Body.String(), ledger.ExtractFormat) {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(mux, "GET", "/trust/looks.json", nil); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), ledger.ExtractFormat) {
		t.Errorf("to a stranger: %d", w.Code)
	}
}
