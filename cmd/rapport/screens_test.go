package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/rapporthq/rapport/web/shop"
)

var screenshots = flag.String("screenshots", "", "folder in which TestScreenshots puts its pictures")

// A screen is a page that people see, how to come to it, and the picture of it in docs/pages.
type screen struct {
	name string
	as   string // who looks: nobody, a customer, or the role of a token
	path string
	ways chromedp.Tasks // what to do there before the picture is taken
}

// unfold opens the first things that can be opened.
func unfold(selector string, n int) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`document.querySelectorAll(%q).forEach((d, i) => { if (i < %d) d.open = true })`, selector, n), nil)
}

// onward presses something that loads a page, and waits for what the next page has: what the page before has may look the same.
func onward(selector, then string) chromedp.Action {
	return chromedp.Tasks{chromedp.Evaluate(`document.body.classList.add("before")`, nil), chromedp.Click(selector, chromedp.ByQuery), chromedp.WaitReady("body:not(.before) "+then, chromedp.ByQuery)}
}

// screens are all pages, in the order of the documentation.
var screens = []screen{
	{"front-door", "nobody", "/", nil},
	{"shop-stranger", "nobody", "/shop", nil},
	{"shop", "customer", "/shop", []chromedp.Action{unfold(".reasons", 3)}},
	{"shop-department", "customer", "/shop/department/bakery", nil},
	{"shop-search", "customer", "/shop/search?q=bananas", nil},
	{"shop-product", "customer", "/shop/product/1082185", nil},
	{"shop-sign-in", "nobody", "/shop/sign-in", nil},
	{"shop-inside", "customer", "/shop/product/1082185", []chromedp.Action{onward(`.peep button`, ".drawer")}},
	{"shop-basket", "customer", "/shop/product/1082185", []chromedp.Action{onward(`form[action="/shop/inside"] button`, "main"), onward(`.product form button`, ".notice"), goesOn("/shop/basket"), unfold(".reasons", 1)}},
	{"shop-checkout", "customer", "/shop/checkout", nil},
	{"shop-thanks", "customer", "/shop/checkout", []chromedp.Action{onward(`main form button`, ".thanks")}},
	{"trust-stranger", "nobody", "/trust", nil},
	{"trust", "customer", "/trust", nil},
	{"trust-facts", "customer", "/trust/facts", nil},
	{"trust-choices", "customer", "/trust/choices", []chromedp.Action{unfold("#choices details", 1)}},
	{"trust-decisions", "customer", "/trust/decisions", nil},
	{"trust-decision", "customer", "/trust/decisions", []chromedp.Action{onward(`a[href^="/trust/decisions/"]`, ".chart")}},
	{"trust-looks", "customer", "/trust/looks", nil},
	{"console-sign-in", "nobody", "/console/sign-in", nil},
	{"console", "privacy", "/console", nil},
	{"console-playground", "marketer", "/console/playground", []chromedp.Action{chromedp.SetValue("#level", "regular", chromedp.ByQuery), chromedp.Click(`details:has([name="off"]) > summary`, chromedp.ByQuery), chromedp.Click(`[name="off"][value="personalise"]`, chromedp.ByQuery), onward(`form:has(#level) button`, "#differs")}},
	{"console-charter", "marketer", "/console/charter", nil},
	{"console-catalogue", "marketer", "/console/catalogue?q=test", nil},
	{"console-sources", "admin", "/console/sources", nil},
	{"console-events", "privacy", "/console/events?still=yes", nil},
	{"console-refusals", "privacy", "/console/refusals", []chromedp.Action{unfold(".stack details", 2)}},
	{"console-quality", "marketer", "/console/quality", nil},
	{"console-identity", "privacy", "/console/identity", nil},
	{"console-pair", "privacy", "/console/identity", []chromedp.Action{onward(`#waiting a`, "#decide"), chromedp.SetValue("#reason", "Two cards, one complaint", chromedp.ByQuery), onward(`form[action$="/values"] button`, "#values")}},
	{"console-ledger", "privacy", "/console/ledger", []chromedp.Action{onward(`form[action="/console/ledger/verify"] button`, "#found")}},
}

// goesOn leads to another page of the same place.
func goesOn(path string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var at string
		if err := chromedp.Location(&at).Do(ctx); err != nil {
			return err
		}
		scheme, rest, _ := strings.Cut(at, "://")
		host, _, _ := strings.Cut(rest, "/")
		return chromedp.Tasks{chromedp.Navigate(scheme + "://" + host + path), chromedp.WaitReady("main", chromedp.ByQuery)}.Do(ctx)
	})
}

// views are the sizes and themes of the pictures.
var views = []struct {
	name          string
	width, height int64
	theme         string
}{{"desk-light", 1280, 900, "light"}, {"desk-dark", 1280, 900, "dark"}, {"phone-light", 360, 740, "light"}, {"phone-dark", 360, 740, "dark"}}

// TestScreenshots takes the pictures of the documentation when it is told where to put them; without, it takes one of each screen and looks
// whether it is one.
func TestScreenshots(t *testing.T) {
	d := openDemo(t)
	views, dir := views, *screenshots
	if dir == "" {
		dir, views = t.TempDir(), views[:1]
	}
	const user = "42" // of whom the README speaks
	must(t, "decide", "--home", d.Home, "--person", "userId="+user, "--placement", "home", "--reason", "She asked why she sees bananas")
	sends(t, d.URL, d.SourceKey, unplanned("picture", "gift_wrap"), map[string]any{"type": "track", "messageId": "tasting", "userId": user, "event": "Coffee Tasted", "properties": map[string]any{"roast": "dark"}})
	eachScreen(t, d, user, nil, func(s screen, ctx context.Context) {
		for _, v := range views {
			var picture []byte
			do(t, ctx, s.name+" "+v.name, emulation.SetDeviceMetricsOverride(v.width, v.height, 1, v.width < 500),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
				chromedp.Evaluate(`scrollTo(0, 0); if (innerWidth < 500) document.querySelector(".drawer")?.scrollIntoView()`, nil),
				chromedp.ActionFunc(func(ctx context.Context) (err error) {
					picture, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatWebp).WithQuality(70).Do(ctx)
					return err
				}))
			if len(picture) < 4000 {
				t.Errorf("the picture of %s is empty", s.name)
			}
			if err := os.WriteFile(filepath.Join(dir, s.name+"-"+v.name+".webp"), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		do(t, ctx, "a desk again", emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
	})
}

// eachScreen opens every screen as who looks at it, a browser for each part of the program: one has three minutes. first is done
// in each browser before anything else.
func eachScreen(t *testing.T, d *demoHome, user string, first chromedp.Tasks, look func(s screen, ctx context.Context)) {
	t.Helper()
	contexts := map[string]context.Context{}
	for _, s := range screens {
		part, _, _ := strings.Cut(s.name, "-")
		ctx := contexts[s.as+" "+part]
		if ctx == nil {
			ctx = browser(t, 1280, 900, false)
			contexts[s.as+" "+part] = ctx
			do(t, ctx, "first", first)
			switch s.as {
			case "customer":
				signIn(t, ctx, d, user)
				toTrust(t, ctx, d)
			case "privacy":
				signInStaff(t, ctx, d, d.PrivacyToken)
			case "marketer":
				signInStaff(t, ctx, d, d.MarketerToken)
			case "admin":
				name := "Ada of " + t.Name()
				if *screenshots != "" {
					name = "Ada" // nobody reads a test's name in a picture
				}
				signInStaff(t, ctx, d, must(t, "token", "--home", d.Home, "--role", "admin", "--name", name))
			}
		}
		do(t, ctx, s.name, chromedp.Navigate(d.URL+s.path), chromedp.WaitReady("main", chromedp.ByQuery), s.ways)
		look(s, ctx)
	}
}

// TestTheFrenchPagesAreAccessible asks axe-core about every screen as a French reader has it: other words are longer, and what is
// not in their language must say so.
func TestTheFrenchPagesAreAccessible(t *testing.T) {
	d := openDemo(t)
	french := chromedp.Tasks{network.Enable(), network.SetExtraHTTPHeaders(network.Headers{"Accept-Language": "fr-FR,fr;q=0.9"})}
	eachScreen(t, d, d.UserIDs[8], french, func(s screen, ctx context.Context) {
		var lang string
		do(t, ctx, "the language of "+s.name, chromedp.Evaluate(`document.documentElement.lang`, &lang))
		if lang != "fr" {
			t.Errorf("%s is in %q", s.name, lang)
		}
		for _, look := range []string{"desk light", "phone dark"} {
			checkLooks(t, ctx, "", look)
		}
		do(t, ctx, "a desk again", emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
	})
}

// signInStaff signs in to the console by a token.
func signInStaff(t *testing.T, ctx context.Context, d *demoHome, token string) {
	t.Helper()
	do(t, ctx, "sign in to the console", chromedp.Navigate(d.URL+"/console/sign-in"), chromedp.SendKeys("#token", token, chromedp.ByQuery), chromedp.Submit("#token", chromedp.ByQuery), chromedp.WaitVisible(".who", chromedp.ByQuery))
}

// notPages are doors that are asked by GET and answer no page, and doors that lead straight on to another.
var notPages = []string{"/assets/", "/api/", "/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/", "/trust/looks.json", "/trust/ledger/", "/trust/enter/", "/shop/inside/now", "/shop/drawings"}

// TestEachScreenHasAPage holds docs/pages to the screens, and the screens to the doors: a new page of the program needs its page in the docs,
// and that its four pictures.
func TestEachScreenHasAPage(t *testing.T) {
	var told strings.Builder
	for _, s := range screens {
		text, err := os.ReadFile("../../docs/pages/" + s.name + ".md")
		if err != nil {
			t.Errorf("%s has no page in the docs: %v", s.name, err)
			continue
		}
		told.Write(text)
		for _, v := range views {
			if want := "../pictures/" + s.name + "-" + v.name + ".webp"; !strings.Contains(string(text), want) {
				t.Errorf("docs/pages/%s.md does not show %s", s.name, want)
			}
		}
		for _, part := range []string{"**What it is for.**", "**Who sees it.**", "**What it never shows.**"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("docs/pages/%s.md does not say %s", s.name, part)
			}
		}
	}
	doors := shop.Routes()
	for _, door := range tableOf(t, newHouse(t)) {
		doors = append(doors, door.Key())
	}
	for _, door := range doors {
		path, get := strings.CutPrefix(door, "GET ")
		if !get || slices.ContainsFunc(notPages, func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		if !strings.Contains(told.String(), "`"+strings.TrimSuffix(path, "{$}")+"`") {
			t.Errorf("no page of docs/pages is about %s", door)
		}
	}
	pages, err := filepath.Glob("../../docs/pages/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		name := strings.TrimSuffix(filepath.Base(p), ".md")
		if name != "README" && !slices.ContainsFunc(screens, func(s screen) bool { return s.name == name }) {
			t.Errorf("%s is about no screen", p)
		}
	}
}
