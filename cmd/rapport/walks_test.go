package main

import (
	"context"
	"math"
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
	do(t, ctx, "the reasons", chromedp.Evaluate(`[...document.querySelector(".reasons .bars").querySelectorAll("li:not(.quiet) > .num")].map(n => n.textContent)`, &printed))
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
		do(t, ctx, "the shop", chromedp.Navigate(d.URL+"/shop"), chromedp.Click(".recommended .reasons summary", chromedp.ByQuery), chromedp.WaitVisible(".reasons[open] .bars", chromedp.ByQuery))
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
