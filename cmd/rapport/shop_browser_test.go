package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// click presses something that loads a page, and waits for what the next page has.
func click(t *testing.T, ctx context.Context, what, selector, then string) {
	t.Helper()
	do(t, ctx, what, onward(selector, then))
}

// withScripts runs a way through the shop in a browser that runs scripts, and in one that does not.
func withScripts(t *testing.T, way func(t *testing.T, ctx context.Context, scripts bool)) {
	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "with JavaScript", false: "without"}[scripts]
		t.Run(name, func(t *testing.T) {
			ctx := browser(t, 1280, 1000, false)
			if !scripts {
				do(t, ctx, "switch scripts off", emulation.SetScriptExecutionDisabled(true))
			}
			way(t, ctx, scripts)
		})
	}
}

// TestAVisitToTheShop is a customer's way: look around, answer the choice, put something into the basket, order, and look inside.
func TestAVisitToTheShop(t *testing.T) {
	d := openDemo(t)
	withScripts(t, func(t *testing.T, ctx context.Context, _ bool) {
		do(t, ctx, "the front door", chromedp.Navigate(d.URL+"/"))
		says(t, ctx, "Who are you?", "A customer", "A marketer", "A privacy lead", "An engineer")
		click(t, ctx, "into the shop", `a[href="/shop"]`, ".hero")
		says(t, ctx, "Departments", "Bakery", "May we use what you do here")

		// Yes and no weigh the same.
		var sizes []string
		do(t, ctx, "yes and no", chromedp.Evaluate(`[...document.querySelectorAll(".yesno button")].map(b => { const s = getComputedStyle(b), r = b.getBoundingClientRect(); return [Math.round(r.width), Math.round(r.height), s.backgroundColor, s.color, s.fontWeight, s.borderColor].join() })`, &sizes))
		if len(sizes) != 2 || sizes[0] != sizes[1] {
			t.Errorf("yes and no do not weigh the same: %v", sizes)
		}

		click(t, ctx, "look inside", `.peep button`, ".drawer")
		says(t, ctx, "No event yet", "The way of the decision", "POST /api/decide")
		do(t, ctx, "search", chromedp.SendKeys("#q", "bananas", chromedp.ByQuery))
		click(t, ctx, "search", `.search button`, ".goods")
		click(t, ctx, "open a product", `.good`, ".product")
		says(t, ctx, "“Product Viewed” came from the shop's server", "not kept", "Silence is no", "nobody said yes")

		click(t, ctx, "say yes", `.yesno button[value="yes"]`, ".notice")
		says(t, ctx, "That is allowed from now on", "You said yes", "“Product Viewed” came from the shop's server")
		saysNot(t, ctx, "not kept")
		saysNot(t, ctx, "May we use what you do here")
		says(t, ctx, "price fell; the charter does not name it") // a field that fell, and why

		click(t, ctx, "into the basket", `.product form button`, ".notice")
		do(t, ctx, "the checkout", chromedp.Navigate(d.URL+"/shop/checkout"))
		click(t, ctx, "order", `main form button`, ".thanks")
		says(t, ctx, "Thank you for your order", "“Order Completed” came from the shop's server", "kept", "delivery fell; the charter does not name it", "products")
		do(t, ctx, "the drawer as a page", chromedp.Navigate(d.URL+"/shop/inside"))
		says(t, ctx, "The way of the event", "The way of the decision", "How personal is the answer?")
	})
	var recent struct {
		Events []struct {
			Event  string
			Kept   bool
			Fields []struct{ Name, Reason string }
		}
	}
	gets(t, d.URL+"/api/events/recent", d.SourceKey, &recent)
	i := slices.IndexFunc(recent.Events, func(e struct {
		Event  string
		Kept   bool
		Fields []struct{ Name, Reason string }
	}) bool {
		return e.Event == "Order Completed" && e.Kept
	})
	if i < 0 {
		t.Errorf("the order never came: %+v", recent.Events)
	}
}

// TestFeedbackInTheShopChangesTheNextPage says "not for me" and does not see the item again, signed in or not.
func TestFeedbackInTheShopChangesTheNextPage(t *testing.T) {
	d := openDemo(t)
	user := individual(t, d, "home", 8)
	withScripts(t, func(t *testing.T, ctx context.Context, scripts bool) {
		if scripts {
			signIn(t, ctx, d, user)
		}
		var before, after []string
		offered := `[...document.querySelectorAll(".recommended .good")].map(a => a.getAttribute("href"))`
		do(t, ctx, "the shop", chromedp.Navigate(d.URL+"/shop"), chromedp.Evaluate(offered, &before), chromedp.Evaluate(`document.querySelector(".reasons").open = true`, nil))
		if len(before) == 0 {
			t.Fatal("nothing is offered")
		}
		click(t, ctx, "not for me", `.reasons button[value="not-for-me"]`, ".notice")
		do(t, ctx, "the next page", chromedp.Evaluate(offered, &after))
		if slices.Contains(after, before[0]) || len(after) != len(before) {
			t.Errorf("%s is not for them, and the next page offers %v", before[0], after)
		}
	})
}

// TestTwoBrowsersAreTwoPeopleInTheDemo signs two households in at once.
func TestTwoBrowsersAreTwoPeopleInTheDemo(t *testing.T) {
	d := openDemo(t)
	one, two := browser(t, 1280, 1000, false), browser(t, 360, 740, true)
	signIn(t, one, d, d.UserIDs[0])
	signIn(t, two, d, d.UserIDs[1])
	for ctx, user := range map[context.Context]string{one: d.UserIDs[0], two: d.UserIDs[1]} {
		do(t, ctx, "the shop", chromedp.Navigate(d.URL+"/shop"))
		says(t, ctx, "Household "+user)
	}
}

// TestTheDrawerFollowsLive changes something in a second tab of the same browser, and sees the drawer of the first follow without a load.
func TestTheDrawerFollowsLive(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	do(t, ctx, "the shop", chromedp.Navigate(d.URL+"/shop"))
	click(t, ctx, "look inside", `.peep button`, ".drawer")
	do(t, ctx, "mark the page", chromedp.Evaluate(`document.body.dataset.same = "yes"`, nil))
	tab, stop := chromedp.NewContext(ctx)
	defer stop()
	do(t, tab, "another tab", chromedp.Navigate(d.URL+"/shop/product/1082185"), chromedp.WaitReady(".product", chromedp.ByQuery))
	do(t, ctx, "follow", chromedp.WaitReady(`body[data-same=yes] .drawer .pills code`, chromedp.ByQuery))
	says(t, ctx, "“Product Viewed” came")
}

// TestPagesRunUnderTheStrictPolicy finds no violation of the policy on any page of the shop, and a planted one refused.
func TestPagesRunUnderTheStrictPolicy(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	var header string
	chromedp.ListenTarget(ctx, func(ev any) {
		if r, ok := ev.(*network.EventResponseReceived); ok && r.Type == network.ResourceTypeDocument {
			header, _ = r.Response.Headers["Content-Security-Policy"].(string)
		}
	})
	do(t, ctx, "the shop", chromedp.Navigate(d.URL+"/shop"))
	click(t, ctx, "look inside", `.peep button`, ".drawer")
	for _, path := range []string{"/", "/shop", "/shop/product/1082185", "/shop/basket", "/shop/inside"} {
		var inline int
		var planted bool
		do(t, ctx, path, chromedp.Navigate(d.URL+path), chromedp.WaitReady("main", chromedp.ByQuery),
			chromedp.Evaluate(`document.querySelectorAll("script:not([src]),style,[style],[onclick]").length`, &inline),
			chromedp.Evaluate(`(() => { const s = document.createElement("script"); s.textContent = "window.ran = true"; document.body.append(s); const p = document.createElement("p"); p.setAttribute("style", "color: red"); document.body.append(p); return !!window.ran || getComputedStyle(p).color == "rgb(255, 0, 0)" })()`, &planted))
		if inline != 0 {
			t.Errorf("%s holds %d scripts or styles of its own", path, inline)
		}
		if planted {
			t.Errorf("%s ran a script or a style of its own text", path)
		}
		if !strings.Contains(header, "default-src 'none'") || strings.Contains(header, "unsafe") {
			t.Errorf("%s came with the policy %q", path, header)
		}
	}
}

// TestTheLanguageIsChosenAtTheFootOfAPage reads the shop in French, and comes back to where it was chosen.
func TestTheLanguageIsChosenAtTheFootOfAPage(t *testing.T) {
	d := openDemo(t)
	withScripts(t, func(t *testing.T, ctx context.Context, _ bool) {
		do(t, ctx, "a department", chromedp.Navigate(d.URL+"/shop/department/bakery?shelf=pies"))
		click(t, ctx, "French", `.languages button[value="fr"]`, ".banner")
		var lang, at string
		do(t, ctx, "where", chromedp.Evaluate(`document.documentElement.lang`, &lang), chromedp.Location(&at))
		if lang != "fr" || !strings.HasSuffix(at, "/shop/department/bakery?shelf=pies") {
			t.Errorf("the page is in %q at %s", lang, at)
		}
		says(t, ctx, "produits", "Étagères")
		do(t, ctx, "the front door", chromedp.Navigate(d.URL+"/"))
		says(t, ctx, "Qui êtes-vous ?")
	})
}

// TestTheShopIsAccessible asks axe-core about every page of the shop and the front door, empty and full, right and wrong, as a stranger and signed in.
func TestTheShopIsAccessible(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	for _, path := range []string{"/", "/shop", "/shop/department/bakery", "/shop/search?q=milk", "/shop/search?q=nothingatall", "/shop/basket", "/shop/sign-in", "/shop/product/none", "/nowhere"} {
		checkAccessible(t, ctx, d.URL+path)
	}
	signIn(t, ctx, d, individual(t, d, "home", 0))
	checkAccessible(t, ctx, d.URL+"/shop")
	do(t, ctx, "a product", chromedp.Navigate(d.URL+"/shop/product/1082185"))
	click(t, ctx, "look inside", `.peep button`, ".drawer")
	click(t, ctx, "into the basket", `.product form button`, ".notice")
	for _, path := range []string{"/shop/product/1082185", "/shop/basket", "/shop/checkout", "/shop/inside"} {
		checkAccessible(t, ctx, d.URL+path)
	}
	do(t, ctx, "the checkout", chromedp.Navigate(d.URL+"/shop/checkout"))
	click(t, ctx, "order", `main form button`, ".thanks")
	checkAccessible(t, ctx, "")
}
