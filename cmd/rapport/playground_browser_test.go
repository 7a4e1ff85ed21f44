package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTwoDecisionsBesideEachOther asks what if as a marketer about a made-up person, and as the privacy team about a real one, in one look.
func TestTwoDecisionsBesideEachOther(t *testing.T) {
	d := openDemo(t)
	user := individual(t, d, "basket", 5)
	ask := func(more ...chromedp.Action) []chromedp.Action {
		return append(append([]chromedp.Action{chromedp.Navigate(d.URL + "/console/playground"), chromedp.SetValue("#placement", "basket", chromedp.ByQuery),
			chromedp.Click("details summary", chromedp.ByQuery), chromedp.WaitVisible("#placement2", chromedp.ByQuery)}, more...), chromedp.Submit("#placement", chromedp.ByQuery), chromedp.WaitVisible("#differs", chromedp.ByQuery))
	}
	marketer := browser(t, 1280, 1000, false)
	signInStaff(t, marketer, d, d.MarketerToken)
	checkAccessible(t, marketer, d.URL+"/console/charter")
	checkAccessible(t, marketer, d.URL+"/console/you")
	checkAccessible(t, marketer, d.URL+"/console/sign-in")
	checkAccessible(t, marketer, d.URL+"/console/playground")
	do(t, marketer, "what if the purpose is off", ask(chromedp.Click(`input[name=off][value=personalise]`, chromedp.ByQuery))...)
	says(t, marketer, "What differs", "individual", "context", "First", "Second")
	checkAccessible(t, marketer, "")
	do(t, marketer, "a stranger as a confidant", ask(chromedp.SetValue("#level2", "stranger", chromedp.ByQuery))...)
	says(t, marketer, "stranger", "too soon")

	privacy := browser(t, 1280, 1000, false)
	signInStaff(t, privacy, d, d.PrivacyToken)
	do(t, privacy, "two placements of a real person", ask(chromedp.SetValue("#placement2", "home", chromedp.ByQuery), chromedp.SendKeys("#who", user, chromedp.ByQuery),
		chromedp.SendKeys("#reason", "two placements side by side", chromedp.ByQuery))...)
	says(t, privacy, "What differs", "Held back")
	checkAccessible(t, privacy, "")

	customer := browser(t, 1280, 1000, false)
	signIn(t, customer, d, user)
	toTrust(t, customer, d)
	var rows int
	do(t, customer, "the looks", chromedp.Navigate(d.URL+"/trust/looks"), chromedp.WaitVisible("main", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("main").textContent.split("two placements side by side").length - 1`, &rows))
	if rows != 1 {
		t.Errorf("the person reads of %d looks for one comparison", rows)
	}
}
