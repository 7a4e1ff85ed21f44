package shop

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// rapport is a fake of the public doors: it answers what it is told and keeps what was said to it.
type rapport struct {
	*httptest.Server
	mu     sync.Mutex
	said   []call
	down   bool
	answer string // of POST /api/decide, one decision
	recent func(last call) string
}

type call struct {
	Path, Auth string
	Body       map[string]any
}

const aDecision = `{"decision":"dec_1","placement":"home","rung":"individual","relationship":{"level":"regular","because":"50 visits"},"charter":3,
 "items":[{"id":"m1","name":"Milk","score":0.75,"because":[{"text":"You bought Tea","weight":1,"source":"evt_1"},{"text":"Popular this week","weight":-0.25,"source":"context:trend"}],"moved":[{"text":"Seen","from":2,"to":1}]}],
 "held":[{"fact":"Order Completed","reason":"permission","count":780,"text":"They said no."},{"fact":"birthday","reason":"too-soon","text":"Once you are a regular."}]}`

func newRapport(t testing.TB) *rapport {
	t.Helper()
	f := &rapport{answer: aDecision}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		c := call{Path: r.URL.Path, Auth: r.Header.Get("Authorization")}
		raw, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(raw, &c.Body)
		if f.down {
			http.Error(w, `{"code":"unavailable"}`, http.StatusServiceUnavailable)
			return
		}
		switch c.Path {
		case "/api/decide":
			fmt.Fprintf(w, `{"decisions":[%s]}`, f.answer)
		case "/api/feedback":
			fmt.Fprintf(w, `{"remembered":%v}`, c.Body["item"] != "m1")
		case "/api/sign-in-links":
			fmt.Fprint(w, `{"url":"/trust/enter/once"}`)
		case "/api/items/m1/goes-with":
			fmt.Fprint(w, `{"items":["t1","unknown"]}`)
		case "/api/events/recent":
			answer := `{"events":[]}`
			if f.recent != nil {
				for i := len(f.said) - 1; i >= 0; i-- {
					if strings.HasPrefix(f.said[i].Path, "/v1/") {
						answer = f.recent(f.said[i])
						break
					}
				}
			}
			fmt.Fprint(w, answer)
		default:
			fmt.Fprint(w, `{"success":true}`)
		}
		f.said = append(f.said, c)
	}))
	t.Cleanup(f.Close)
	return f
}

// last is what was last said at a door.
func (f *rapport) last(path string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.said) - 1; i >= 0; i-- {
		if f.said[i].Path == path {
			return f.said[i].Body
		}
	}
	return nil
}

var products = []Product{
	{ID: "m1", Name: "Milk", Department: "Grocery", Category: "Milk", Price: 1}, {ID: "t1", Name: "Tea", Department: "Grocery", Category: "Teas", Price: 2.5},
	{ID: "free", Name: "Never sold", Department: "Grocery"}, {ID: "bare", Department: "Grocery", Price: 1},
}

// many are enough products for a department of their own and a second page.
func many() []Product {
	all := append([]Product(nil), products...)
	for i := range perPage {
		all = append(all, Product{ID: fmt.Sprintf("b%d", i), Name: fmt.Sprintf("Bread %03d", i), Department: "Bakery", Category: []string{"Bread", "Rolls"}[i%2], Price: 1})
	}
	return append(all, Product{ID: "last", Name: "Wholemeal", Department: "Bakery", Category: "Bread", Price: 1})
}

// shopper is one browser.
type shopper struct {
	t *testing.T
	http.Client
	base    string
	headers map[string]string
}

func open(t *testing.T, f *rapport, inside bool) (*httptest.Server, func() *shopper) {
	t.Helper()
	s := New(Config{Brand: "Fernhill", Languages: []string{"en", "fr"}, Base: f.URL, SourceKey: "the-source-key", Token: "the-token", Inside: inside, Products: many(), Households: []Household{{"42", "regular"}}, Currency: "GBP",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server, func() *shopper {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &shopper{t: t, Client: http.Client{Jar: jar}, base: server.URL, headers: map[string]string{}}
	}
}

func (b *shopper) do(method, path string, form url.Values) (int, string) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for k, v := range b.headers {
		r.Header.Set(k, v)
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (b *shopper) get(path string, wants ...string) string {
	b.t.Helper()
	status, body := b.do("GET", path, nil)
	if status != http.StatusOK {
		b.t.Errorf("GET %s gave %d", path, status)
	}
	b.says(path, body, wants...)
	return body
}

func (b *shopper) post(path string, pairs ...string) string {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, body := b.do("POST", path, form)
	if status != http.StatusOK {
		b.t.Errorf("POST %s gave %d", path, status)
	}
	return body
}

func (b *shopper) says(where, body string, wants ...string) {
	b.t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			b.t.Errorf("%s does not say %q:\n%s", where, want, body)
		}
	}
}

func (b *shopper) saysNot(where, body string, unwanted ...string) {
	b.t.Helper()
	for _, u := range unwanted {
		if strings.Contains(body, u) {
			b.t.Errorf("%s says %q:\n%s", where, u, body)
		}
	}
}

func TestReasonsStandOnThePageAndAddUp(t *testing.T) {
	f := newRapport(t)
	_, browser := open(t, f, false)
	b := browser()
	page := b.get("/shop", "Why am I seeing this?", "You bought Tea", "+1.000", "−0.250", "+0.750", "place 2 → 1", `class="minus"`, "For you", "50 visits")
	b.saysNot("the page", page, "the-token", "the-source-key", "They said no", "birthday", "Look inside")
	b.get("/shop/basket") // which waits until the page before has told what it showed
	if shown := f.last("/api/shown"); shown["decision"] != "dec_1" || fmt.Sprint(shown["items"]) != "[m1]" {
		t.Errorf("what was shown was told as %v", shown)
	}
	asked := f.last("/api/decide")
	if asked["attested"] != false || asked["person"].(map[string]any)["anonymousId"] == "" {
		t.Errorf("a stranger was asked about as %v", asked)
	}
}

func TestTheShopStandsWithoutAnAnswer(t *testing.T) {
	f := newRapport(t)
	f.down = true
	_, browser := open(t, f, true)
	b := browser()
	b.get("/shop", "Departments", "Bakery")
	b.get("/shop/product/m1", "Milk", "£1.00")
	b.post("/shop/sign-in", "userId", "42")
	b.post("/shop/basket", "id", "m1")
	b.get("/shop/basket", "Milk", "To the checkout")
	b.says("the checkout", b.post("/shop/checkout"), "nothing was changed", "Milk", "To the checkout")
	b.says("feedback", b.post("/shop/feedback", "decision", "dec_1", "item", "m1", "kind", "useful"), "nothing was changed")
	b.says("a choice", b.post("/shop/choice", "answer", "yes"), "nothing was changed")
	b.post("/shop/inside", "drawer", "open")
	b.get("/shop/product/m1", "Milk")
}

func TestAnOrderIsSentAsTheShopKnowsIt(t *testing.T) {
	f := newRapport(t)
	_, browser := open(t, f, false)
	b := browser()
	b.post("/shop/sign-in", "userId", "42")
	if sent := f.last("/v1/identify"); sent["userId"] != "42" || sent["anonymousId"] == nil || sent["context"] != nil {
		t.Errorf("the sign-in was told as %v", sent)
	}
	b.post("/shop/basket", "id", "t1")
	b.post("/shop/basket", "id", "t1")
	b.post("/shop/basket", "id", "m1")
	b.post("/shop/basket", "id", "m1", "by", "less")
	b.says("the thanks", b.post("/shop/checkout", "delivery", "deliver"), "Thank you for your order", "£5.00", "2 × Tea")
	sent := f.last("/v1/track")
	props, _ := sent["properties"].(map[string]any)
	if sent["event"] != "Order Completed" || sent["userId"] != "42" || sent["anonymousId"] != nil || sent["writeKey"] != "the-source-key" || sent["messageId"] == nil ||
		props["total"] != 5.0 || props["order_id"] == nil || props["delivery"] != "deliver" || fmt.Sprint(props["products"]) != "[map[price:2.5 product_id:t1 quantity:2]]" {
		t.Errorf("the order was told as %v", sent)
	}
	b.get("/shop/basket", "Your basket is empty")
	if a := f.last("/api/decide"); a["attested"] != true || fmt.Sprint(a["person"]) != "map[userId:42]" {
		t.Errorf("somebody signed in was asked about as %v", a)
	}
}

func TestFeedbackGoesOnAndActsOnTheNextPage(t *testing.T) {
	f := newRapport(t)
	_, browser := open(t, f, false)
	b := browser()
	b.get("/shop")
	next := b.post("/shop/feedback", "decision", "dec_1", "item", "m1", "kind", "not-for-me", "back", "/shop/product/t1")
	b.says("the next page", next, "You will not see it again in this visit", "<h1>Tea</h1>")
	if said := f.last("/api/feedback"); said["decision"] != "dec_1" || said["item"] != "m1" || said["kind"] != "not-for-me" {
		t.Errorf("it was told as %v", said)
	}
	if already := fmt.Sprint(f.last("/api/decide")["already"]); already != "[m1 t1]" {
		t.Errorf("the next decision was asked for without %v: what is not for them, and what stands on the page", already)
	}
	b.says("remembered feedback", b.post("/shop/feedback", "decision", "dec_1", "item", "t1", "kind", "too-personal"), "We step back")
	for _, to := range []string{"//evil.example", "https://evil.example/shop", "/shopping", "/shop/../trust\\x", "/trust"} {
		if _, page := b.do("POST", "/shop/feedback", url.Values{"decision": {"dec_1"}, "item": {"t1"}, "kind": {"useful"}, "back": {to}}); !strings.Contains(page, "Good food") {
			t.Errorf("back to %q did not lead to the shop's first page", to)
		}
	}
}

func TestTheChoiceIsAskedFairlyAndOnce(t *testing.T) {
	f := newRapport(t)
	_, browser := open(t, f, false)
	for _, answer := range []string{"yes", "no"} {
		b := browser()
		page := b.get("/shop", "May we use what you do here")
		buttons := regexp.MustCompile(`<button class="([^"]*)" name="answer" value="(yes|no)"`).FindAllStringSubmatch(page, -1)
		if len(buttons) != 2 || buttons[0][1] != buttons[1][1] {
			t.Errorf("yes and no do not weigh the same: %v", buttons)
		}
		next := b.post("/shop/choice", "answer", answer, "back", "/shop")
		b.saysNot("the next page", next, "May we use what you do here")
		b.says("the next page", next, "You said "+answer, "Change")
		sent := f.last("/v1/identify")
		if got := fmt.Sprint(sent["context"]); got != fmt.Sprintf("map[consent:map[categoryPreferences:map[personalization:%v]]]", answer == "yes") || sent["userId"] != nil {
			t.Errorf("%s was told as %v", answer, sent)
		}
	}
	b := browser()
	b.headers["Sec-GPC"] = "1"
	b.saysNot("a page for a browser that says no", b.get("/shop", "Your browser says no"), "May we use what you do here")
	if signals := fmt.Sprint(f.last("/api/decide")["signals"]); signals != "map[gpc:true]" {
		t.Errorf("the signal was passed on as %s", signals)
	}
	known := browser()
	known.post("/shop/sign-in", "userId", "42")
	known.saysNot("a page of somebody who answered before", known.get("/shop"), "May we use what you do here")
	before := f.last("/v1/identify")
	if known.post("/shop/choice", "answer", "perhaps"); f.last("/v1/identify")["messageId"] != before["messageId"] {
		t.Error("what is neither yes nor no was passed on")
	}
}

func TestHouseholdsAreOfferedByLevel(t *testing.T) {
	_, browser := open(t, newRapport(t), false)
	b := browser()
	b.saysNot("the sign-in page", b.get("/shop/sign-in", "Regulars", "Household 42"), "Confidants")
	if status, body := b.do("POST", "/shop/sign-in", nil); status != http.StatusBadRequest || !strings.Contains(body, "Choose a household") {
		t.Errorf("nobody signed in with %d", status)
	}
}

func TestTwoBrowsersAreTwoPeople(t *testing.T) {
	_, browser := open(t, newRapport(t), false)
	a, b := browser(), browser()
	a.post("/shop/sign-in", "userId", "42")
	a.post("/shop/basket", "id", "m1")
	a.get("/shop/basket", "Household 42", "Milk")
	b.saysNot("the other browser", b.get("/shop/basket", "Your basket is empty"), "Household 42")
	a.post("/shop/sign-out")
	a.saysNot("after signing out", a.get("/shop/basket", "Your basket is empty"), "Household 42")
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	f := newRapport(t)
	_, browser := open(t, f, true)
	for _, route := range Routes() {
		path, post := strings.CutPrefix(route, "POST ")
		if !post {
			continue
		}
		for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
			b := browser()
			b.headers[header[0]] = header[1]
			if status, _ := b.do("POST", path, url.Values{"userId": {"42"}, "id": {"m1"}, "answer": {"yes"}}); status != http.StatusForbidden {
				t.Errorf("%s from %s gave %d", path, header[1], status)
			}
		}
	}
	if len(f.said) != 0 {
		t.Errorf("something was done all the same: %v", f.said)
	}
}

func TestTheVisitsCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := New(Config{Brand: "F", Languages: []string{"en"}, Base: "http://127.0.0.1:1", Products: many(), Secure: secure, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/shop/sign-in", nil))
		c := w.Result().Cookies()
		if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Secure != secure || strings.HasPrefix(c[0].Name, "__Host-") != secure || c[0].Path != "/" || c[0].Domain != "" {
			t.Errorf("secure %v: %v", secure, c)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Error("a personal page may be kept")
		}
	}
}

func TestDepartmentsShelvesAndSearch(t *testing.T) {
	_, browser := open(t, newRapport(t), false)
	b := browser()
	home := b.get("/shop", "Bakery", "37 products", "Other")
	b.saysNot("the first page", home, "Never sold", ">Grocery<")
	first := b.get("/shop/department/bakery", "Bread 000", "from=36", ">More<", "Rolls", "#loaf")
	b.saysNot("the first page of a department", first, "Wholemeal")
	b.saysNot("the second page of a department", b.get("/shop/department/bakery?from=36", "Wholemeal"), ">More<")
	b.saysNot("a shelf", b.get("/shop/department/bakery?shelf=rolls", "Bread 001", "18 products"), "Bread 000", "Wholemeal")
	b.get("/shop/search?q=BREAD+035", "Bread 035", "1 found for “BREAD 035”")
	b.get("/shop/search?q=%3Cscript%3E", "&lt;script&gt;", "There is nothing here")
	for _, q := range []string{"", "a", strings.Repeat("a", 200)} {
		b.get("/shop/search?q="+q, "There is nothing here")
	}
	b.get("/shop/product/m1", "Goes with", "Tea", "£2.50")
	for _, path := range []string{"/shop/product/free", "/shop/product/none", "/shop/department/none"} {
		if status, body := b.do("GET", path, nil); status != http.StatusNotFound || !strings.Contains(body, "first page lists") {
			t.Errorf("%s gave %d", path, status)
		}
	}
	title := regexp.MustCompile(`<title>(.*)</title>`).FindStringSubmatch(b.get("/shop/search?q=private"))[1]
	b.saysNot("the title", title, "private")
}

func TestSearchFindsAllWordsInAnyOrder(t *testing.T) {
	g := shelve([]Product{{ID: "1", Name: "Rye bread", Price: 1}, {ID: "2", Name: "Bread rolls, rye", Price: 1}, {ID: "3", Name: "Rye", Price: 1}, {ID: "4", Name: "Bread", Price: 1}, {ID: "5", Name: "Two\nlines", Price: 1}})
	for query, want := range map[string]string{"rye": "3 1 2", "bread rye": "2 1", "  RYE   Bread ": "1 2", "bread": "4 2 1", "rye\nbread": "1 2", "e\nr": "4 2 3 1", "lines": "5", "bre": "4 2 1", "x bread": "", "   ": ""} {
		var got []string
		for _, p := range g.search(query) {
			got = append(got, p.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %v, want %s", query, got, want)
		}
	}
}

func TestFrench(t *testing.T) {
	f := newRapport(t)
	_, browser := open(t, f, true)
	b := browser()
	b.headers["Accept-Language"] = "fr-FR"
	b.get("/shop", `<html lang="fr">`, "Pourquoi est-ce que je vois cela", "+0,750", "Rayons")
	b.get("/shop/product/m1", "1,00\u00a0£")
	if got := f.last("/api/decide")["context"].(map[string]any)["language"]; got != "fr" {
		t.Errorf("the decision was asked for in %v", got)
	}
	if _, body := b.do("GET", "/shop/product/none", nil); !strings.Contains(body, "Nous n&#39;avons pas ce produit") {
		t.Error("a fault is not told in French")
	}
	b.post("/shop/inside", "drawer", "open")
	b.get("/shop/product/m1", "Le chemin de la décision", "pas de permission", "trop tôt")
}

// arrivedAt says what became of the last event as the door would: it had the event when it answered.
func arrivedAt(kept bool, rest string) func(call) string {
	return func(c call) string {
		name, _ := c.Body["event"].(string)
		at, _ := time.Parse(time.RFC3339Nano, c.Body["sentAt"].(string))
		old := at.Add(-time.Hour).Format(time.RFC3339Nano)
		return fmt.Sprintf(`{"events":[{"arrived":%q,"event":%q,"kept":false,"reason":"too-old"},{"arrived":%q,"event":%q,"kept":%v%s}]}`, old, name, at.Format(time.RFC3339Nano), name, kept, rest)
	}
}

func TestTheDrawerShowsWhatFellAndWhy(t *testing.T) {
	f := newRapport(t)
	f.recent = arrivedAt(true, `,"fields":[{"name":"name","reason":"unplanned-field"}]`)
	_, browser := open(t, f, true)
	b := browser()
	b.saysNot("a page with the drawer shut", b.get("/shop/product/m1", "Look inside"), "The way of the event", "htmx")
	b.post("/shop/inside", "drawer", "open", "back", "/shop")
	page := b.get("/shop/product/m1", "“Product Viewed” came", ">kept<", `<li class="fell"><code>name</code> <span>fell; the charter does not name it`, `<li class="stays"><code>product_id</code>`,
		`<code>Order Completed</code> ×780`, "no permission", "They said no.", "<code>birthday</code>", "too soon", `<li aria-current="true">regular</li>`, `<li aria-current="true">this person</li>`, "dec_1", "By charter 3")
	first, second, found := strings.Cut(page, "Would it be welcome")
	if !found || !strings.Contains(first, "They said no.") || strings.Contains(second, "They said no.") || !strings.Contains(second, "Once you are a regular") {
		t.Error("what fell does not stand at its pass of tact")
	}
	b.saysNot("the drawer", page, "too old to keep") // an older event of the same name is not this one
	b.get("/shop/inside", "The way of the event", "The way of the decision")

	f.recent = arrivedAt(false, `,"reason":"no-permission"`)
	b.get("/shop/product/t1", "not kept", "Silence is no", "fell; nobody said yes to its use")

	tag := regexp.MustCompile(`/shop/inside/now\?seen=(\w+)`).FindStringSubmatch(b.get("/shop/inside"))
	if status, body := b.do("GET", tag[0], nil); status != http.StatusNoContent || body != "" {
		t.Errorf("nothing new was answered with %d", status)
	}
	if status, body := b.do("GET", "/shop/inside/now?seen=x", nil); status != http.StatusOK || strings.Contains(body, "<html") || !strings.Contains(body, "The way of the event") {
		t.Errorf("the part alone gave %d: %s", status, body)
	}
	b.saysNot("shut again", b.post("/shop/inside", "drawer", "shut"), "The way of the event")
	other := browser()
	other.saysNot("another browser", other.get("/shop/inside"), "Product Viewed")
}

func TestAShopThatSellsCannotBeLookedInto(t *testing.T) {
	_, browser := open(t, newRapport(t), false)
	b := browser()
	b.post("/shop/inside", "drawer", "open")
	b.saysNot("the shop", b.get("/shop"), "Look inside", "They said no")
	for _, path := range []string{"/shop/inside", "/shop/inside/now"} {
		if status, body := b.do("GET", path, nil); status != http.StatusNotFound || strings.Contains(body, "They said no") {
			t.Errorf("%s gave %d", path, status)
		}
	}
}

func TestADecisionIsLaidOutByItsKinds(t *testing.T) {
	var d decision
	if err := json.Unmarshal([]byte(aDecision), &d); err != nil {
		t.Fatal(err)
	}
	d.Items[0].Because = append(d.Items[0].Because, part{"x", 1, "evt_2"}, part{"y", 1, "fact:diet"}, part{"z", 1, "fact:diet"})
	in := explain(d)
	if in.Used != 2 || in.Asked != 4 || len(in.First) != 1 || len(in.Second) != 1 || in.Way.Falls[0].Count != 1 || in.Way.Falls[1].Count != 1 {
		t.Errorf("one at each pass, what was done and one fact: %+v", in)
	}
}

func TestTheWayIsDrawnToScale(t *testing.T) {
	w := newWay(2, 10, 4, 6)
	if len(w.Bands) != 3 || len(w.Falls) != 2 || w.Bands[0].Height != wayThick || w.Bands[1].Height != wayThick*0.6 || w.Falls[1].Thick != wayThick*0.6 || w.Bands[2].Height > 3 {
		t.Errorf("10 of which 4 and 6 fall: %+v", w)
	}
	if one := newWay(0, 1000, 1); one.Falls[0].Thick < 2 || one.Falls[0].Count != 1 {
		t.Errorf("one of a thousand cannot be seen: %+v", one)
	}
	if none := newWay(2, 0, 0, 0); none.Bands[1].Height != 2 || none.Bands[2].Height != 2 || none.Falls[0].Thick != 0 || none.End == 0 {
		t.Errorf("nothing known: %+v", none)
	}
	if lost := newWay(0, 4, 4); lost.Bands[1].Height != 0 || lost.End != 0 {
		t.Errorf("all of an event fell, and something arrives: %+v", lost)
	}
}

func TestEveryDrawingIsThere(t *testing.T) {
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(`<symbol id="([^"]+)"`).FindAllSubmatch(drawings, -1) {
		there[string(m[1])] = true
	}
	for _, rule := range pictured {
		if !there[rule.drawing] {
			t.Errorf("there is no drawing %q", rule.drawing)
		}
	}
	for name, d := range departmentDrawings {
		if !there[d] {
			t.Errorf("%s has no drawing %q", name, d)
		}
	}
	if !there["parcel"] || !there["d-basket"] {
		t.Error("what has no drawing of its own has none at all")
	}
	hand := artist{}
	for name, want := range map[string]string{"Bananas": "banana", "Fernhill milk, 1 gal": "jug", "Toilet paper, variety 7": "roll", "White bread": "loaf", "Kitchen roll, 57 sq ft": "roll", "Dinner rolls": "loaf", "Cheddar cheese, 8 oz": "cheese", "Thing": "parcel", "Canned peaches": "tin", "Blueberries": "berries"} {
		if got := hand.draw(&Product{Name: name}); got != want {
			t.Errorf("%s comes as a %s, not as a %s", name, got, want)
		}
	}
}
