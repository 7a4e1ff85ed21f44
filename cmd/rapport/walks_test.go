package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The ways of the four kinds of people who meet Rapport, each from its first page to its last, with scripts and without.
// What single pages do is tested beside them; here it is asked whether one leads to the next.

// personal finds one of the demo's people, from the i-th on, who gets individual decisions at both placements.
func personal(t *testing.T, d *demoHome, i int) string {
	t.Helper()
	for ; i < len(d.UserIDs); i++ {
		var got struct{ Decisions []struct{ Rung string } }
		post(t, d.URL+"/api/decide", d.DecideToken, map[string]any{"person": map[string]string{"userId": d.UserIDs[i]}, "placements": []string{"home", "basket"}}, &got)
		if len(got.Decisions) == 2 && got.Decisions[0].Rung == "individual" && got.Decisions[1].Rung == "individual" {
			return d.UserIDs[i]
		}
	}
	t.Fatal("nobody gets individual decisions at home and basket")
	return ""
}

// addsUp reads the reasons of the first offer and asks whether what is printed adds up to the printed sum.
func addsUp(t *testing.T, ctx context.Context) {
	t.Helper()
	var printed []string
	do(t, ctx, "the reasons", chromedp.Evaluate(`[...document.querySelector(".reasons .sum").querySelectorAll(".num")].map(n => n.textContent)`, &printed))
	if len(printed) < 2 {
		t.Fatalf("%d weights are printed", len(printed))
	}
	sum, numbers := 0.0, make([]float64, len(printed))
	for i, p := range printed {
		n, err := strconv.ParseFloat(strings.NewReplacer("−", "-", "+", "").Replace(p), 64)
		if err != nil {
			t.Fatal(err)
		}
		if numbers[i] = n; i < len(printed)-1 {
			sum += n
		}
	}
	if off := math.Abs(sum - numbers[len(numbers)-1]); off > 0.0005*float64(len(printed)) {
		t.Errorf("the reasons %v do not add up", printed)
	}
}

func TestTheCustomersWay(t *testing.T) {
	d := openDemo(t)
	withScripts(t, func(t *testing.T, ctx context.Context, scripts bool) {
		user := personal(t, d, map[bool]int{true: 10, false: 12}[scripts])
		do(t, ctx, "the front door", chromedp.Navigate(d.URL+"/"))
		click(t, ctx, "into the shop", `a[href="/shop"]`, ".hero")
		says(t, ctx, "For everybody, this week", "no visits yet")
		saysNot(t, ctx, "You bought")

		click(t, ctx, "to the sign-in", `a[href^="/shop/sign-in"]`, "#userId")
		do(t, ctx, "the number", chromedp.SendKeys("#userId", user, chromedp.ByQuery))
		click(t, ctx, "sign in", `#userId ~ button, form:has(#userId) button`, ".who")
		do(t, ctx, "the shop", chromedp.Navigate(d.URL+"/shop"), chromedp.Click(".recommended .reasons summary", chromedp.ByQuery), chromedp.WaitVisible(".reasons[open] .sum", chromedp.ByQuery))
		says(t, ctx, "For you", "You bought", "Together")
		addsUp(t, ctx)
		do(t, ctx, "the basket", chromedp.Navigate(d.URL+"/shop/basket"))
		says(t, ctx, "For you")

		do(t, ctx, "the shop again", chromedp.Navigate(d.URL+"/shop"), chromedp.Click(".recommended .reasons summary", chromedp.ByQuery), chromedp.WaitVisible(`.reasons[open] button[value="too-personal"]`, chromedp.ByQuery))
		click(t, ctx, "too personal", `.reasons[open] button[value="too-personal"]`, ".notice")
		says(t, ctx, "We step back", "For everybody, this week")
		saysNot(t, ctx, "For you")
		do(t, ctx, "another page", chromedp.Navigate(d.URL+"/shop/basket"))
		says(t, ctx, "For you") // they said it of one place

		do(t, ctx, "the shop once more", chromedp.Navigate(d.URL+"/shop"))
		click(t, ctx, "to the trust centre", `form[action="/shop/your-data"] button`, "#relationship")
		click(t, ctx, "the decisions", `a[href="/trust/decisions"]`, "ol")
		says(t, ctx, "made for you", "made for this moment", "held back")
		click(t, ctx, "the choices", `a[href="/trust/choices"]`, "#choices")
		click(t, ctx, "no", `input[value="personalise"] ~ button[value="no"]`, ".notice")
		says(t, ctx, "not allowed from now on")

		for _, path := range []string{"/shop", "/shop/basket", "/shop/product/1082185"} {
			do(t, ctx, path, chromedp.Navigate(d.URL+path), chromedp.WaitReady("main", chromedp.ByQuery))
			for _, unwanted := range []string{"For you", "You bought", "You looked at"} {
				saysNot(t, ctx, unwanted)
			}
		}
		do(t, ctx, "the shop at last", chromedp.Navigate(d.URL+"/shop"))
		says(t, ctx, "For everybody")
	})
}

// toConsole goes from the front door to the console and signs in by a token.
func toConsole(t *testing.T, ctx context.Context, d *demoHome, token string) {
	t.Helper()
	do(t, ctx, "the front door", chromedp.Navigate(d.URL+"/"))
	click(t, ctx, "to the console", `a[href="/console"]`, "#token")
	do(t, ctx, "the token", chromedp.SendKeys("#token", token, chromedp.ByQuery))
	click(t, ctx, "sign in", `form:has(#token) button`, ".who")
}

func TestTheMarketersWay(t *testing.T) {
	d := openDemo(t)
	withScripts(t, func(t *testing.T, ctx context.Context, _ bool) {
		before := entries(t, d)
		toConsole(t, ctx, d, d.MarketerToken)
		says(t, ctx, "Marie from marketing")
		click(t, ctx, "the playground", `a[href="/console/playground"]`, "#level")
		saysNot(t, ctx, "real person")
		said := map[string]string{}
		for _, level := range []string{"stranger", "regular"} {
			do(t, ctx, "a made-up "+level, chromedp.SetValue("#level", level, chromedp.ByQuery), chromedp.SetValue("#placement", "home", chromedp.ByQuery))
			click(t, ctx, "decide", `form:has(#level) button`, ".answer")
			said[level] = textOf(ctx)
		}
		if !strings.Contains(said["regular"], "You bought") || strings.Contains(said["stranger"], "You bought") {
			t.Errorf("a made-up regular and a made-up stranger do not differ:\n%s\n%s", said["regular"], said["stranger"])
		}
		do(t, ctx, "what if", chromedp.SetValue("#level", "regular", chromedp.ByQuery), chromedp.Click(`details:has([name="off"]) > summary`, chromedp.ByQuery),
			chromedp.Click(`[name="off"][value="personalise"]`, chromedp.ByQuery))
		click(t, ctx, "compare", `form:has(#level) button`, "#differs table")
		says(t, ctx, "What differs", "First", "Second", "You bought")
		click(t, ctx, "the charter", `a[href="/console/charter"]`, "main")
		says(t, ctx, "To show you what suits you")
		for _, known := range []string{d.UserIDs[0], "@post.example"} {
			saysNot(t, ctx, known)
		}
		if after := entries(t, d); after != before {
			t.Errorf("what a marketer does leaves %d looks at people", after-before)
		}
	})
}

// entries counts the looks at people that the demo's ledger has, but for those by programs.
func entries(t *testing.T, d *demoHome) int {
	t.Helper()
	n := 0
	for _, line := range strings.Split(must(t, "ledger", "report", "--home", d.Home, "--json"), "\n") {
		var row struct {
			Role  string
			Looks int
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if row.Role == "privacy" || row.Role == "marketer" || row.Role == "agent" {
			n += row.Looks
		}
	}
	return n
}

func TestThePrivacyLeadsWay(t *testing.T) {
	d := openDemo(t)
	withScripts(t, func(t *testing.T, ctx context.Context, scripts bool) {
		user := personal(t, d, map[bool]int{true: 0, false: 2}[scripts])
		reason := "Asked by telephone about the eggs, " + map[bool]string{true: "first", false: "second"}[scripts] + " call"
		before := entries(t, d)
		toConsole(t, ctx, d, d.PrivacyToken)
		says(t, ctx, "Paul from privacy", "Ledger", "sound")
		click(t, ctx, "the playground", `a[href="/console/playground"]`, "#who")
		do(t, ctx, "a real person", chromedp.SetValue("#placement", "home", chromedp.ByQuery), chromedp.SendKeys("#who", user, chromedp.ByQuery))
		click(t, ctx, "without a reason", `form:has(#who) button`, `[role=alert]`)
		saysNot(t, ctx, "You bought")
		if after := entries(t, d); after != before {
			t.Error("a look without a reason took place")
		}
		do(t, ctx, "with one", chromedp.SetValue("#placement", "home", chromedp.ByQuery), chromedp.SetValue("#who", user, chromedp.ByQuery), chromedp.SetValue("#reason", reason, chromedp.ByQuery))
		click(t, ctx, "decide", `form:has(#who) button`, ".answer")
		says(t, ctx, "Held back", "You bought")
		until(t, "the look is in the ledger", func() bool { return entries(t, d) == before+1 })

		person := browser(t, 1280, 1000, false)
		signIn(t, person, d, user)
		toTrust(t, person, d)
		click(t, person, "who has looked", `a[href="/trust/looks"]`, "#people")
		says(t, person, reason, "Paul from privacy")

		other := browser(t, 1280, 1000, false)
		signIn(t, other, d, personal(t, d, 4))
		toTrust(t, other, d)
		click(t, other, "who has looked", `a[href="/trust/looks"]`, "#people")
		saysNot(t, other, reason)

		if said := must(t, "ledger", "verify", "--home", d.Home); !strings.Contains(said, "checked with their keys") {
			t.Errorf("the ledger after the look: %s", said)
		}

		// The same look in the console's ledger: who it was, not the reason, which is the person's to read; and it is whole.
		click(t, ctx, "the ledger", `nav a[href="/console/ledger"]`, "#head")
		says(t, ctx, "Paul from privacy")
		saysNot(t, ctx, reason)
		click(t, ctx, "walk it", `form[action="/console/ledger/verify"] button`, "#found")
		says(t, ctx, "The ledger is whole.", "checked with their keys")

		// What the sources sent that the charter does not know, with what would let it in.
		field := map[bool]string{true: "lead_live", false: "lead_plain"}[scripts]
		sends(t, d.URL, d.SourceKey, unplanned("walk-"+field, field))
		click(t, ctx, "the refusals", `nav a[href="/console/refusals"]`, ".stack .card")
		do(t, ctx, "their lines", unfold(".stack details", 50))
		says(t, ctx, field, "field not in the charter", "Add this to the charter", "events.Order Completed.properties")
	})
}

func TestTheEngineersWay(t *testing.T) {
	d := openDemo(t)
	const user = "1833"
	withScripts(t, func(t *testing.T, ctx context.Context, scripts bool) {
		do(t, ctx, "the front door", chromedp.Navigate(d.URL+"/"))
		says(t, ctx, "An engineer", "Send an event", "/v1/track", "Ask for a decision", "/api/decide")

		// A wrong key is told in one sentence with a page behind it.
		var problem struct{ Type, Code, Detail string }
		if status := post(t, d.URL+"/api/decide", "no-such-token", map[string]any{"person": map[string]string{"userId": user}, "placement": "home"}, &problem); status != http.StatusUnauthorized || problem.Code != "unauthorised" {
			t.Fatalf("%d %+v", status, problem)
		}
		do(t, ctx, "the page of the problem", chromedp.Navigate(d.URL+problem.Type), chromedp.WaitReady("main", chromedp.ByQuery))
		says(t, ctx, "What it means", "What to do")

		// An event comes; the field that no charter names falls, and the one who sent it sees that.
		message := map[string]any{"type": "track", "messageId": "walk-" + strconv.FormatBool(scripts), "userId": user, "event": "Order Completed",
			"properties": map[string]any{"order_id": "walk", "total": 0.94, "gift_wrap": true, "products": []map[string]any{{"product_id": "1082185", "quantity": 1, "price": 0.94}}}}
		sends(t, d.URL, d.SourceKey, message)
		var recent struct {
			Events []struct {
				Event  string
				Kept   bool
				Fields []struct{ Name, Reason string }
			}
		}
		gets(t, d.URL+"/api/events/recent", d.SourceKey, &recent)
		fell := false
		for _, e := range recent.Events {
			for _, f := range e.Fields {
				fell = fell || e.Kept && e.Event == "Order Completed" && f.Name == "gift_wrap" && f.Reason == "unplanned-field"
			}
		}
		if !fell {
			t.Errorf("it is not told that gift_wrap fell: %+v", recent.Events)
		}

		// The change of the charter is drafted from what arrives; somebody else decides about it.
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			body, _ := json.Marshal(message)
			for {
				select {
				case <-stop:
					return
				default:
					if _, _, err := collects(d.URL+"/v1/track", d.SourceKey, body, nil); err != nil {
						return
					}
				}
			}
		}()
		proposal := filepath.Join(t.TempDir(), "proposal.yaml")
		must(t, "charter", "draft", "--home", d.Home, "--observe", "1s", "--out", proposal)
		close(stop)
		<-ended
		must(t, "charter", "check", proposal)
		if diff := must(t, "charter", "diff", "--home", d.Home, proposal); !strings.Contains(diff, "gift_wrap") {
			t.Errorf("the draft does not name the field: %s", diff)
		}

		// A decision, with reasons that add up, and what was shown of it.
		var got struct {
			Decision string
			Items    []struct {
				ID      string
				Score   float64
				Because []struct{ Weight float64 }
			}
		}
		if status := post(t, d.URL+"/api/decide", d.DecideToken, map[string]any{"person": map[string]string{"userId": user}, "placement": "home", "attested": true}, &got); status != http.StatusOK || len(got.Items) == 0 {
			t.Fatalf("%d %+v", status, got)
		}
		for _, it := range got.Items {
			sum := 0.0
			for _, b := range it.Because {
				sum += b.Weight
			}
			if math.Abs(sum-it.Score) > 1e-6 {
				t.Errorf("the reasons of %s add up to %v, not %v", it.ID, sum, it.Score)
			}
		}
		if status := post(t, d.URL+"/api/shown", d.DecideToken, map[string]any{"decision": got.Decision, "items": []string{got.Items[0].ID}}, nil); status >= 300 {
			t.Errorf("what was shown: %d", status)
		}
	})
}

// TestTheEngineersWayThroughTheConsole finds what was refused in the event debugger, copies what the refusals page drafts for it into
// charter.yaml, has that accepted, and sends the same again. It has a home of its own, for it changes the charter.
func TestTheEngineersWayThroughTheConsole(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	d := &demoHome{demoReady: demoReady{URL: s.URL, Home: home}}
	key := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	admin := must(t, "token", "--home", home, "--role", "admin", "--name", "walk")
	withScripts(t, func(t *testing.T, ctx context.Context, scripts bool) {
		event, field := map[bool]string{true: "Seat Booked", false: "Seat Released"}[scripts], map[bool]string{true: "gift_wrap", false: "gift_note"}[scripts]
		mine := map[string]func(n string) map[string]any{
			"the order": func(n string) map[string]any {
				return map[string]any{"type": "track", "messageId": "order-" + field + n, "userId": "u1", "event": "Order Completed",
					"properties": map[string]any{"order_id": "o-" + field + n, "total": "a-lot", field: true, "products": []map[string]any{{"product_id": "1082185", "quantity": 1}}}}
			},
			"the event": func(n string) map[string]any {
				return map[string]any{"type": "track", "messageId": "event-" + field + n, "userId": "u1", "event": event}
			},
		}
		signInStaff(t, ctx, d, admin)
		sends(t, s.URL, key, mine["the order"]("1"), mine["the event"]("1"))
		click(t, ctx, "the event debugger", `nav a[href="/console/events"]`, "#arrived tbody")
		rows := cells(t, ctx, "#arrived tbody tr")
		for of, wants := range map[string][]string{"Order Completed": {"kept", field, "field not in the charter", "total", "not of the declared type"}, event: {"refused", "event not in the charter"}} {
			if row := rowOf(rows, of); !within(row, wants...) {
				t.Errorf("the debugger says of %s %q, without one of %q", of, row, wants)
			}
		}
		saysNot(t, ctx, "a-lot") // a value

		click(t, ctx, "the refusals", `nav a[href="/console/refusals"]`, ".stack .card")
		do(t, ctx, "their lines", unfold(".stack details", 9))
		source, err := os.ReadFile(filepath.Join(home, charterFile))
		if err != nil {
			t.Fatal(err)
		}
		text := string(source)
		for _, name := range []string{field, event} {
			text = pasted(t, ctx, text, name)
		}
		if strings.Count(text, "# DECIDE: which type?") != 1 {
			t.Errorf("the type of the field is not asked for:\n%s", text)
		}
		text = strings.Replace(text, "type: string}    # DECIDE: which type?", "type: boolean}    # decided:", 1)
		if err := os.WriteFile(filepath.Join(home, charterFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, "charter", "check", "--home", home)
		must(t, "charter", "accept", "--home", home)

		sends(t, s.URL, key, mine["the order"]("2"), mine["the event"]("2"))
		click(t, ctx, "the debugger again", `nav a[href="/console/events"]`, "#arrived tbody")
		rows = cells(t, ctx, "#arrived tbody tr") // the latest first
		if row := rowOf(rows, event); !within(row, "kept") {
			t.Errorf("after the charter names %s the debugger says %q", event, row)
		}
		if row := rowOf(rows, "Order Completed"); !within(row, "kept", "total") || strings.Contains(row, field) {
			t.Errorf("after the charter names %s the debugger says %q", field, row)
		}
	})
}

// cells reads the rows of a table as text.
func cells(t *testing.T, ctx context.Context, selector string) (rows []string) {
	t.Helper()
	do(t, ctx, selector, chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll(%q)].map(r => [...r.cells].map(c => c.innerText).join(" | "))`, selector), &rows))
	return rows
}

// rowOf is the first of the rows that speaks of an event.
func rowOf(rows []string, event string) string {
	i := slices.IndexFunc(rows, func(row string) bool { return strings.Contains(row, event) })
	if i < 0 {
		return ""
	}
	return rows[i]
}

func within(text string, wants ...string) bool {
	return !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(text, want) })
}

// pasted puts the lines that the refusals page drafts for a name where the page says that they go.
func pasted(t *testing.T, ctx context.Context, charter, name string) string {
	t.Helper()
	var drafted struct{ Under, Lines string }
	do(t, ctx, "the lines for "+name, chromedp.Evaluate(fmt.Sprintf(`(() => { const c = [...document.querySelectorAll(".stack .card")].find(c => c.querySelector("h2 code").textContent === %q);
		return {Under: c?.querySelector("details p code")?.textContent ?? "", Lines: c?.querySelector("pre code")?.textContent ?? ""} })()`, name), &drafted))
	if drafted.Under == "" || drafted.Lines == "" {
		t.Fatalf("no lines are drafted for %s: %s", name, textOf(ctx))
	}
	at, indent := 0, ""
	for _, key := range strings.Split(drafted.Under, ".") {
		line := indent + key + ":"
		i := strings.Index("\n"+charter[at:], "\n"+line)
		if i < 0 {
			t.Fatalf("charter.yaml has no %s", drafted.Under)
		}
		at += i + len(line)
		indent += "  "
	}
	at += strings.Index(charter[at:], "\n") + 1
	var lines strings.Builder
	for line := range strings.Lines(drafted.Lines) {
		lines.WriteString(indent + strings.TrimSuffix(line, "\n") + "\n")
	}
	return charter[:at] + lines.String() + charter[at:]
}
