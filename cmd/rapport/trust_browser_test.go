package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// comesIn is a browser without a page, signed in at the trust centre by the brand's link.
func comesIn(t *testing.T, d *demoHome, user string) *http.Client {
	t.Helper()
	c := newBrowser(t)
	if status, text := readAt(t, c, d.URL+linkFor(t, d, user)); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	return c
}

func linkFor(t *testing.T, d *demoHome, user string) string {
	t.Helper()
	var link struct{ URL string }
	if status := post(t, d.URL+"/api/sign-in-links", d.DecideToken, map[string]any{"person": map[string]string{"userId": user}, "attested": true}, &link); status != http.StatusOK {
		t.Fatal(status)
	}
	return link.URL
}

// surprised finds one of the demo's people, from the i-th on, whose household is known by hearsay only and so is held back.
func surprised(t *testing.T, d *demoHome, i int) string {
	t.Helper()
	for ; i < len(d.UserIDs); i++ {
		if _, page := readAt(t, comesIn(t, d, d.UserIDs[i]), d.URL+"/trust/facts"); strings.Contains(page, "You have not told us your household yourself") && rungAtHome(t, d, d.UserIDs[i]) == "individual" {
			return d.UserIDs[i]
		}
	}
	t.Fatal("nobody's household is held back")
	return ""
}

func rungAtHome(t *testing.T, d *demoHome, user string) string {
	t.Helper()
	var got struct{ Rung string }
	post(t, d.URL+"/api/decide", d.DecideToken, map[string]any{"person": map[string]string{"userId": user}, "attested": true, "placement": "home"}, &got)
	return got.Rung
}

// decisionFor asks for a decision at a time and gives its name, and all of it but its names.
func decisionFor(t *testing.T, d *demoHome, user, at string) (id, rest string) {
	t.Helper()
	var got map[string]any
	if status := post(t, d.URL+"/api/decide", d.DecideToken, map[string]any{"person": map[string]string{"userId": user}, "attested": true, "placement": "home", "context": map[string]string{"at": at}}, &got); status != http.StatusOK {
		t.Fatal(status)
	}
	id, _ = got["decision"].(string)
	delete(got, "decision")
	delete(got, "feedback")
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	return id, string(raw)
}

// TestACustomersWayThroughTheTrustCentre goes from the overview through a correction, a choice with its history, a removal and the looks, in a
// browser that runs scripts and in one that does not.
func TestACustomersWayThroughTheTrustCentre(t *testing.T) {
	d := openDemo(t)
	differs := false
	for i, scripts := range map[int]bool{0: true, 9: false} {
		name := map[bool]string{true: "with JavaScript", false: "without JavaScript"}[scripts]
		t.Run(name, func(t *testing.T) {
			user, at := surprised(t, d, i), time.Now().UTC().Format(time.RFC3339)
			ctx := browser(t, 1280, 1000, false)
			if !scripts {
				do(t, ctx, "no scripts", emulation.SetScriptExecutionDisabled(true))
			}
			do(t, ctx, "come in", chromedp.Navigate(d.URL+linkFor(t, d, user)), chromedp.WaitVisible("#relationship", chromedp.ByQuery))
			says(t, ctx, "What we know", "What we use it for", "What you get from it", "Who has looked", "How well we know each other", "What would put more distance between us")

			// A fact that somebody else said, corrected: the next decision is another one.
			first, before := decisionFor(t, d, user, at)
			do(t, ctx, "the decision", chromedp.Navigate(d.URL+"/trust/decisions/"+first), chromedp.WaitVisible("#held", chromedp.ByQuery))
			says(t, ctx, "Together", "You have not told us your household yourself")
			if _, again := decisionFor(t, d, user, at); again != before {
				t.Fatalf("nothing has changed, and the decision has:\n%s\n%s", before, again)
			}
			do(t, ctx, "correct it", chromedp.Navigate(d.URL+"/trust"), onward(`.tabs a[href="/trust/facts"]`, "#fact-household"))
			says(t, ctx, "Somebody else told us")
			value := "5+"
			if strings.Contains(textAt(t, ctx, "#fact-household h2"), "5+") {
				value = "2"
			}
			do(t, ctx, "correct it", press("#fact-household summary"), chromedp.WaitVisible("#fact-household select", chromedp.ByQuery), chromedp.SendKeys("#fact-household select", value, chromedp.ByQuery),
				onward("#fact-household .acts details button", ".notice"))
			says(t, ctx, "Your word counts from now on")
			if card := textAt(t, ctx, "#fact-household"); !strings.Contains(card, value) || !strings.Contains(card, "You told us") || !strings.Contains(card, "by you, here") || !strings.Contains(card, "in use") || strings.Contains(card, "bureau") {
				t.Errorf("corrected to %s, the page says:\n%s", value, card)
			}
			second, after := decisionFor(t, d, user, at)
			differs = differs || after != before // what the model has learnt of a household's size moves some people's scores only
			do(t, ctx, "the next decision", chromedp.Navigate(d.URL+"/trust/decisions/"+second), chromedp.WaitVisible("#held", chromedp.ByQuery))
			saysNot(t, ctx, "your household")
			imported(t, d, user, "household")
			do(t, ctx, "after an import", chromedp.Navigate(d.URL+"/trust/facts"), chromedp.WaitVisible("#fact-household", chromedp.ByQuery))
			if card := textAt(t, ctx, "#fact-household"); strings.Contains(card, "bureau") || !strings.Contains(card, "by you, here") {
				t.Errorf("an import brings the old value back:\n%s", card)
			}

			// A choice, and its history with the words that stood there.
			do(t, ctx, "say no", onward(`.tabs a[href="/trust/choices"]`, "#purpose-personalise"),
				onward(`#purpose-personalise button[value="no"]`, ".notice"))
			says(t, ctx, "not allowed from now on")
			do(t, ctx, "the history", press("#purpose-personalise summary"), chromedp.WaitVisible("#purpose-personalise blockquote", chromedp.ByQuery))
			if words := textAt(t, ctx, "#purpose-personalise blockquote"); words != "To show you what suits you instead of everything. What you get: Less searching, and offers on what you really buy. [No]" {
				t.Errorf("the words that were shown are said to be %q", words)
			}
			if rung := rungAtHome(t, d, user); rung == "individual" {
				t.Error("they said no, and the decision is about them")
			}
			do(t, ctx, "say yes", onward(`#purpose-personalise button[value="yes"]`, ".notice"))
			if rung := rungAtHome(t, d, user); rung == "generic" {
				t.Error("they said yes again, and nothing came of it")
			}

			// A removal.
			do(t, ctx, "remove it", onward(`.tabs a[href="/trust/facts"]`, "#fact-household"), onward("#fact-household form[action='/trust/remove'] button", "#gone"))
			says(t, ctx, "no import brings it back", "What you removed")
			if n := count(t, ctx, "#fact-household"); n != 0 {
				t.Error("what was removed is still shown")
			}
			do(t, ctx, "tell it anew", press("#gone summary"), chromedp.WaitVisible("#gone select", chromedp.ByQuery), onward("#gone button", "#fact-household"))

			// Pause.
			do(t, ctx, "pause", chromedp.Navigate(d.URL+"/trust"), onward("#pause button", ".notice.held"))
			if rung := rungAtHome(t, d, user); rung == "individual" {
				t.Error("paused, and the decision is about them")
			}
			do(t, ctx, "go on", onward("#pause button", "#pause"), chromedp.WaitNotPresent(".notice.held", chromedp.ByQuery))
		})
	}
	if !differs {
		t.Error("nobody's scores are others after the correction")
	}
}

// press clicks on the first of what the selector finds.
func press(sel string) chromedp.Action {
	return chromedp.Click(sel, chromedp.ByQuery, chromedp.NodeVisible)
}

func textAt(t *testing.T, ctx context.Context, sel string) (text string) {
	t.Helper()
	do(t, ctx, sel, chromedp.Text(sel, &text, chromedp.ByQuery))
	return strings.TrimSpace(text)
}

func count(t *testing.T, ctx context.Context, sel string) (n int) {
	t.Helper()
	do(t, ctx, sel, chromedp.Evaluate(`document.querySelectorAll(`+"`"+sel+"`"+`).length`, &n))
	return n
}

// imported has a source say a fact of somebody again.
func imported(t *testing.T, d *demoHome, user, fact string) {
	t.Helper()
	if out := must(t, "import", "--home", d.Home, "--source", "bureau", "--as", "people", writeFile(t, "again.jsonl", `{"userId":"`+user+`","`+fact+`":"4"}`+"\n")); !strings.Contains(out, "suppressed") {
		t.Errorf("the import does not say that the person corrected it: %s", out)
	}
}

// TestAPersonChecksWhoLooked makes a look in the console, sees it in the calendar and the list, takes the file, and checks it without the home; a
// file that was changed is found out.
func TestAPersonChecksWhoLooked(t *testing.T) {
	d := openDemo(t)
	user := individual(t, d, "basket", 12)
	staff := browser(t, 1280, 1000, false)
	do(t, staff, "sign in to the console", chromedp.Navigate(d.URL+"/console"), chromedp.SendKeys("#token", d.PrivacyToken, chromedp.ByQuery), chromedp.Submit("#token", chromedp.ByQuery), chromedp.WaitVisible(".who", chromedp.ByQuery))
	do(t, staff, "look at a real person", chromedp.Navigate(d.URL+"/console/playground"), chromedp.SetValue("#placement", "basket", chromedp.ByQuery), chromedp.SendKeys("#who", user, chromedp.ByQuery),
		chromedp.SendKeys("#reason", "they rang about the basket", chromedp.ByQuery), chromedp.Submit("#who", chromedp.ByQuery), chromedp.WaitVisible("dl.kv", chromedp.ByQuery))

	customer := comesIn(t, d, user)
	until(t, "the look has a place in the ledger", func() bool {
		_, page := readAt(t, customer, d.URL+"/trust/looks")
		return strings.Contains(page, "they rang about the basket") && !strings.Contains(page, "being written")
	})
	ctx := browser(t, 1280, 1000, false)
	do(t, ctx, "come in", chromedp.Navigate(d.URL+linkFor(t, d, user)), onward(`.tabs a[href="/trust/looks"]`, "#proof"))
	says(t, ctx, "Paul from privacy", "they rang about the basket", "learning the recommender")
	if n := count(t, ctx, "#calendar circle.day"); n != 1 {
		t.Errorf("the calendar marks %d days, and somebody looked today", n)
	}

	_, key := readAt(t, newBrowser(t), d.URL+"/trust/ledger/key") // anybody may have it
	key = strings.TrimSpace(key)
	says(t, ctx, key)
	status, file := readAt(t, customer, d.URL+"/trust/looks.json")
	if status != http.StatusOK || !strings.Contains(file, "they rang about the basket") || strings.Contains(file, `"p_`) {
		t.Fatal(status)
	}
	path := writeFile(t, "looks.json", file)
	if out := must(t, "ledger", "verify", "--proof", path, "--key", key); !strings.Contains(out, "stands in the signed ledger") {
		t.Errorf("it says %s", out)
	}
	kept := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(kept, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "ledger", "verify", "--proof", path, "--key", kept, "--json")
	head := strings.Index(file, `"head": "`)
	if head < 0 {
		t.Fatal("the file has no head")
	}
	origin, _, _ := strings.Cut(file[head:], `\n`) // its first line
	for what, c := range map[string]struct{ from, to, fault string }{
		"who":  {"Paul from privacy", "Nobody at all", "changed"},
		"when": {`"at": "20`, `"at": "19`, "changed"},
		"head": {origin + `\n`, origin + `\n1`, "bad-signature"},
		"cut":  {`"format"`, `"no"`, "not-an-extract"},
	} {
		changed := strings.Replace(file, c.from, c.to, 1)
		out, errs, code := try(t, "ledger", "verify", "--proof", writeFile(t, "changed.json", changed), "--key", key)
		if changed == file || code != 1 || !strings.Contains(out+errs, c.fault) {
			t.Errorf("%s changed: exit %d, %s%s", what, code, out, errs)
		}
	}
	for what, args := range map[string][]string{
		"no key": {"--proof", path}, "no file": {"--key", key}, "no such key": {"--proof", path, "--key", "rapport-ledger"},
	} {
		if _, errs, code := try(t, append([]string{"ledger", "verify"}, args...)...); code != 2 || errs == "" {
			t.Errorf("%s: exit %d %s", what, code, errs)
		}
	}
	if _, _, code := try(t, "ledger", "verify", "--proof", path+".not", "--key", key); code != 1 {
		t.Errorf("no such file: exit %d", code)
	}
}

// TestTheTrustCentreIsAccessible asks axe-core about every page, as a stranger and signed in, with all its details open.
func TestTheTrustCentreIsAccessible(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	checkAccessible(t, ctx, d.URL+"/trust")
	checkAccessible(t, ctx, d.URL+"/trust/enter/used")
	user := d.UserIDs[len(d.UserIDs)-2]
	at := time.Now().UTC().Format(time.RFC3339)
	decision, _ := decisionFor(t, d, user, at)
	do(t, ctx, "come in", chromedp.Navigate(d.URL+linkFor(t, d, user)), chromedp.WaitVisible("#relationship", chromedp.ByQuery))
	for _, path := range []string{"/trust", "/trust/facts?said=corrected", "/trust/choices", "/trust/decisions", "/trust/decisions/" + decision, "/trust/looks"} {
		checkAccessible(t, ctx, d.URL+path)
	}
}
