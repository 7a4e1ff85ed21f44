package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// pairName is how a pair is called in an address.
var pairName = regexp.MustCompile(`pair_[A-Za-z0-9_-]{64}`)

// TestAStewardReviewsPairs goes the steward's way with scripts and without: a pair of the list, its score, the two after a reason, the same, undone, and the next one
// left for later. No address and no title says who.
func TestAStewardReviewsPairs(t *testing.T) {
	d := openDemo(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			ctx := browser(t, 1280, 1000, false)
			signInStaff(t, ctx, d, d.PrivacyToken)
			do(t, ctx, "scripts", emulation.SetScriptExecutionDisabled(!scripts))
			nobody := func() (at string) {
				t.Helper()
				var title string
				do(t, ctx, "where", chromedp.Location(&at), chromedp.Title(&title))
				says := pairName.ReplaceAllString(at+title, "") // whose letters are drawn, and may spell anything
				if strings.ContainsAny(says, "@") || strings.Contains(says, "p_") || !strings.Contains(at, "/console/identity") {
					t.Errorf("%s, called %q, says who", at, title)
				}
				return at
			}
			do(t, ctx, "the list", press(`a[href="/console/identity"]`), chromedp.WaitReady("body > footer", chromedp.ByQuery))
			says(t, ctx, "pairs wait", "joined as sure", "What spoke for those who are joined")
			saysNot(t, ctx, "@")
			do(t, ctx, "a pair", press(`#waiting a`), chromedp.WaitVisible("svg.fall", chromedp.ByQuery), chromedp.WaitReady("body > footer", chromedp.ByQuery))
			pair, before := nobody(), figuresAt(t, d.URL)[`rapport_looks_total{role="privacy"}`]
			says(t, ctx, "Two people at random", "nobody has decided", "both can read who looked")
			saysNot(t, ctx, "@")
			do(t, ctx, "a look", chromedp.SendKeys("#reason", "two cards, one complaint", chromedp.ByQuery), press(`form[action$="/values"] button`), chromedp.WaitVisible("#values", chromedp.ByQuery), chromedp.WaitReady("body > footer", chromedp.ByQuery))
			says(t, ctx, ".example", "This look is on record at both")
			nobody()
			do(t, ctx, "the same", press(`#decide [value="same"]`), chromedp.WaitVisible(`#decide [value="different"]:only-of-type`, chromedp.ByQuery))
			says(t, ctx, "Paul from privacy said on", "the same person", "They are one person now")
			if nobody() != pair {
				t.Error("a decision leads elsewhere")
			}
			do(t, ctx, "undone", press(`#decide [value="different"]`), chromedp.WaitVisible(`#decide [value="same"]`, chromedp.ByQuery))
			says(t, ctx, "different people")
			do(t, ctx, "back", press(`p.row a[href="/console/identity"]`), chromedp.WaitVisible("#decisions", chromedp.ByQuery), chromedp.WaitReady("body > footer", chromedp.ByQuery))
			says(t, ctx, "Paul from privacy")
			do(t, ctx, "another", press(`#waiting a`), chromedp.WaitVisible(`#decide [value="later"]`, chromedp.ByQuery))
			first := nobody()
			do(t, ctx, "later", press(`#decide [value="later"]`), another(first))
			if second := nobody(); second == pair || second == first {
				t.Error("later does not lead to the next pair")
			}
			if looks := figuresAt(t, d.URL)[`rapport_looks_total{role="privacy"}`] - before; looks != 2 {
				t.Errorf("%v looks are on record for one at two people", looks)
			}
		})
	}
	marketer := browser(t, 1280, 1000, false)
	signInStaff(t, marketer, d, d.MarketerToken)
	do(t, marketer, "the list all the same", chromedp.Navigate(d.URL+"/console/identity"), chromedp.WaitVisible(".stop", chromedp.ByQuery))
	says(t, marketer, "not for your role")
}

// another waits until the page is another one than at.
func another(at string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return chromedp.Run(ctx, chromedp.WaitVisible(`form#decide:not([action="`+strings.TrimPrefix(at, at[:strings.Index(at, "/console")])+`"])`, chromedp.ByQuery))
	})
}

// TestTheReviewIsAccessible asks axe-core about the list and a pair, before a look and after it, and as who may not decide.
func TestTheReviewIsAccessible(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	signInStaff(t, ctx, d, d.PrivacyToken)
	checkAccessible(t, ctx, d.URL+"/console/identity")
	do(t, ctx, "a pair", press(`#waiting a`), chromedp.WaitVisible("svg.fall", chromedp.ByQuery), unfold(".chart details", 1))
	checkAccessible(t, ctx, "")
	do(t, ctx, "a look", chromedp.SendKeys("#reason", "asking axe", chromedp.ByQuery), press(`form[action$="/values"] button`), chromedp.WaitVisible("#values", chromedp.ByQuery), chromedp.WaitReady("body > footer", chromedp.ByQuery))
	checkAccessible(t, ctx, "")
	admin := browser(t, 1280, 1000, false)
	signInStaff(t, admin, d, must(t, "token", "--home", d.Home, "--role", "admin", "--name", "axe of pairs"))
	do(t, admin, "as an admin", chromedp.Navigate(d.URL+"/console/identity"), press(`#waiting a`), chromedp.WaitVisible("svg.fall", chromedp.ByQuery), chromedp.WaitReady("body > footer", chromedp.ByQuery))
	says(t, admin, "shown to the privacy team only")
	checkAccessible(t, admin, "")
}

// TestTheStewardsCommandsGoThroughTheServingHome gives each command to a home that is served, and looks at what they print and how they end.
func TestTheStewardsCommandsGoThroughTheServingHome(t *testing.T) {
	home := homeOf(t, edited(t, "join: sure", "join: nobody"))
	must(t, "import", "--home", home, "--source", "signup", "--as", "people", writeFile(t, "people.jsonl", townsfolk(120, 30)))
	serveHome(t, home)
	read := func(out string, v any) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), v); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	var n struct{ People, Joined, Waiting int }
	read(must(t, "identity", "match", "--home", home, "--json"), &n)
	if n.Joined != 0 || n.Waiting == 0 {
		t.Fatalf("%+v", n)
	}
	list := strings.Split(must(t, "identity", "--home", home, "review", "--json"), "\n")
	if len(list) != n.Waiting {
		t.Fatalf("%d pairs are listed of %d", len(list), n.Waiting)
	}
	var p struct {
		Pair, A, B, Band string
		Score            float64
		Parts            []struct{ Field string }
	}
	read(list[0], &p)
	if p.Pair == "" || !strings.HasPrefix(p.A, "p_") || len(p.Parts) < 2 {
		t.Fatalf("%+v", p)
	}
	if out := must(t, "identity", "review", "--home", home); strings.Contains(out, "@") || !strings.Contains(out, p.Pair) {
		t.Fatal(out)
	}
	must(t, "identity", "review", "--home", home, "--same", p.Pair)
	must(t, "identity", "split", "--home", home, p.A)
	must(t, "identity", "review", "--home", home, "--different", "pseudonym="+p.A, p.B)
	must(t, "identity", "merge", "--home", home, "userId=u40", "userId=u41")
	var r struct{ Same, Different, Waiting int }
	read(must(t, "identity", "report", "--home", home, "--json"), &r)
	if r.Same != 1 || r.Different != 1 || r.Waiting != n.Waiting-1 {
		t.Fatalf("%+v", r)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"merge userId=u40 userId=u41", 1, "one person already"},
		{"merge userId=u40 userId=nobody-of-that-name", 1, "nobody"},
		{"split userId=u3", 1, "nothing to split"},
		{"review --same nonsense", 1, "no such pair"},
		{"review --same", 2, "say which pair"},
		{"review --same --different a b", 2, "one of"},
		{"merge userId=u1", 2, ""},
	} {
		_, errs, code := try(t, append([]string{"identity", "--home", home}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(strings.ToLower(errs), c.says) {
			t.Errorf("identity %s: exit %d, %s", c.args, code, errs)
		}
	}
	for _, name := range []string{"match", "review", "merge", "split", "report"} {
		if out := must(t, "identity", name, "--help"); !strings.Contains(out, "Examples:") || !strings.Contains(out, "--json") {
			t.Errorf("identity %s --help: %s", name, out)
		}
	}
}
