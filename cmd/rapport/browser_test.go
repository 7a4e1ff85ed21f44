package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser is headless Chromium at a width, in a theme.
func browser(t *testing.T, width, height int64, dark bool) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.WindowSize(int(width), int(height)))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stop := chromedp.NewContext(alloc)
	ctx, stopTime := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(func() { stopTime(); stop(); stopAlloc() })
	theme := "light"
	if dark {
		theme = "dark"
	}
	if err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(width, height, 1, width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}})); err != nil {
		t.Fatalf("Chromium does not start; make test installs it: %v", err)
	}
	return ctx
}

// do runs browser actions and fails with what the page says.
func do(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, textOf(ctx))
	}
}

func textOf(ctx context.Context) string {
	var text string
	_ = chromedp.Run(ctx, chromedp.Text("body", &text, chromedp.ByQuery))
	return text
}

func says(t *testing.T, ctx context.Context, wants ...string) {
	t.Helper()
	text := textOf(ctx)
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
}

func saysNot(t *testing.T, ctx context.Context, unwanted string) {
	t.Helper()
	if text := textOf(ctx); strings.Contains(text, unwanted) {
		t.Errorf("the page says %q:\n%s", unwanted, text)
	}
}

// individual finds one of the demo's known people who gets an individual decision at a placement, beginning at the i-th.
func individual(t *testing.T, d *demoHome, placement string, i int) string {
	t.Helper()
	for ; i < len(d.UserIDs); i++ {
		var got struct{ Rung string }
		post(t, d.URL+"/api/decide", d.DecideToken, map[string]any{"person": map[string]string{"userId": d.UserIDs[i]}, "placement": placement}, &got)
		if got.Rung == "individual" {
			return d.UserIDs[i]
		}
	}
	t.Fatalf("nobody gets an individual decision at %s", placement)
	return ""
}

func signIn(t *testing.T, ctx context.Context, d *demoHome, user string) {
	t.Helper()
	do(t, ctx, "sign in", chromedp.Navigate(d.URL+"/shop/sign-in"), chromedp.SendKeys("#userId", user, chromedp.ByQuery), chromedp.Submit("#userId", chromedp.ByQuery), chromedp.WaitVisible(".who", chromedp.ByQuery))
}

func toTrust(t *testing.T, ctx context.Context, d *demoHome) {
	t.Helper()
	do(t, ctx, "to the trust centre", chromedp.Navigate(d.URL+"/shop"), chromedp.Submit(`form[action="/shop/your-data"]`, chromedp.ByQuery), chromedp.WaitVisible("#relationship", chromedp.ByQuery))
}

// TestACustomerChangesAChoiceAndSeesTheNextPageChange is the demo's main way: look, be recognised, ask why, say no, see it act.
func TestACustomerChangesAChoiceAndSeesTheNextPageChange(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	user := individual(t, d, "basket", 0)

	do(t, ctx, "the shop as a stranger", chromedp.Navigate(d.URL+"/shop"), chromedp.WaitVisible("main", chromedp.ByQuery))
	says(t, ctx, "For everybody, this week", "no visits yet", "Why am I seeing this?", "made up")
	saysNot(t, ctx, "You bought")

	signIn(t, ctx, d, user)
	do(t, ctx, "the basket", chromedp.Navigate(d.URL+"/shop/basket"), chromedp.WaitVisible(".reasons", chromedp.ByQuery, chromedp.NodeReady))
	says(t, ctx, "For you")
	var reasons string
	do(t, ctx, "why", chromedp.Click("details summary", chromedp.ByQuery), chromedp.Text(".reasons .sum", &reasons, chromedp.ByQuery))
	if !strings.Contains(reasons, "You bought") || !strings.Contains(reasons, "Together") {
		t.Errorf("the reasons are not told: %s", reasons)
	}

	toTrust(t, ctx, d)
	says(t, ctx, "What we know", "Who has looked")
	toChoices := chromedp.Tasks{chromedp.Navigate(d.URL + "/trust/choices"), chromedp.WaitVisible("#choices", chromedp.ByQuery)}
	do(t, ctx, "say no", toChoices, chromedp.Click(`//input[@value="personalise"]/following-sibling::button[@value="no"]`, chromedp.BySearch), chromedp.WaitVisible(".notice", chromedp.ByQuery))
	says(t, ctx, "not allowed from now on")
	do(t, ctx, "the basket again", chromedp.Navigate(d.URL+"/shop/basket"), chromedp.WaitVisible("main", chromedp.ByQuery))
	saysNot(t, ctx, "For you")
	saysNot(t, ctx, "You bought")

	toTrust(t, ctx, d)
	do(t, ctx, "say yes", toChoices, chromedp.Click(`//input[@value="personalise"]/following-sibling::button[@value="yes"]`, chromedp.BySearch), chromedp.WaitVisible(".notice", chromedp.ByQuery))
	do(t, ctx, "the basket once more", chromedp.Navigate(d.URL+"/shop/basket"), chromedp.WaitVisible("main", chromedp.ByQuery))
	saysNot(t, ctx, "no visits yet")
}

// TestFeedbackActsOnTheNextPage says "too personal" and finds the placement a rung lower.
func TestFeedbackActsOnTheNextPage(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	user := individual(t, d, "basket", 3)
	signIn(t, ctx, d, user)
	do(t, ctx, "the basket", chromedp.Navigate(d.URL+"/shop/basket"), chromedp.Click("details summary", chromedp.ByQuery),
		chromedp.Click(`button[value="too-personal"]`, chromedp.ByQuery), chromedp.WaitVisible(".notice", chromedp.ByQuery))
	says(t, ctx, "We step back", "For everybody, this week")
	saysNot(t, ctx, "For you")
}

// TestTheConsole signs staff in by token: privacy looks at a real person, which the person then sees; a marketer cannot.
func TestTheConsole(t *testing.T) {
	d := openDemo(t)
	user := individual(t, d, "basket", 5)
	privacy := browser(t, 1280, 1000, false)
	signInStaff(t, privacy, d, d.PrivacyToken)
	says(t, privacy, "Overview", "Ledger", "sound")
	do(t, privacy, "the playground", chromedp.Navigate(d.URL+"/console/playground"), chromedp.SetValue("#placement", "basket", chromedp.ByQuery), chromedp.SendKeys("#who", user, chromedp.ByQuery),
		chromedp.SendKeys("#reason", "a question from the browser test", chromedp.ByQuery), chromedp.Submit("#who", chromedp.ByQuery), chromedp.WaitVisible("dl.kv", chromedp.ByQuery))
	says(t, privacy, "Held back", "individual", "You bought")

	customer := browser(t, 1280, 1000, false)
	signIn(t, customer, d, user)
	toTrust(t, customer, d)
	says(t, customer, "a question from the browser test", "Paul from privacy")

	marketer := browser(t, 1280, 1000, false)
	signInStaff(t, marketer, d, d.MarketerToken)
	do(t, marketer, "the playground", chromedp.Navigate(d.URL+"/console/playground"), chromedp.WaitVisible("#level", chromedp.ByQuery))
	saysNot(t, marketer, "real person")
	do(t, marketer, "a made-up regular", chromedp.SetValue("#level", "regular", chromedp.ByQuery), chromedp.SetValue("#placement", "home", chromedp.ByQuery), chromedp.Submit("#level", chromedp.ByQuery), chromedp.WaitVisible("dl.kv", chromedp.ByQuery))
	says(t, marketer, "regular")
}

// TestPagesNeedNoJavaScript finds no script on any page, and a policy that would run none.
func TestPagesNeedNoJavaScript(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 360, 800, false)
	for _, path := range []string{"/", "/shop", "/shop/sign-in", "/shop/basket", "/trust", "/console/sign-in", "signed in: /trust"} {
		if rest, ok := strings.CutPrefix(path, "signed in: "); ok {
			signIn(t, ctx, d, d.UserIDs[0])
			toTrust(t, ctx, d)
			path = rest
		}
		var scripts, wide int
		do(t, ctx, path, chromedp.Navigate(d.URL+path), chromedp.Evaluate(`document.querySelectorAll("script,[onclick],[style]").length`, &scripts),
			chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide))
		if scripts != 0 {
			t.Errorf("%s has %d scripts or inline styles", path, scripts)
		}
		if wide > 360 {
			t.Errorf("%s is %d wide on a phone of 360", path, wide)
		}
	}
}
