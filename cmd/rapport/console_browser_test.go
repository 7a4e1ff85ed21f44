package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// unplanned is a message of which the demo's charter knows the event and not every field.
func unplanned(id, field string) map[string]any {
	return map[string]any{"type": "track", "messageId": id, "userId": "1833", "event": "Order Completed",
		"properties": map[string]any{"order_id": id, field: true, "products": []map[string]any{{"product_id": "1082185", "quantity": 1, "price": 0.94}}}}
}

// TestStaffSeeWhatArrives follows the event debugger live and without scripts, and finds what fell drafted for the charter.
func TestStaffSeeWhatArrives(t *testing.T) {
	d := openDemo(t)
	ctx := browser(t, 1280, 1000, false)
	signInStaff(t, ctx, d, d.PrivacyToken)
	do(t, ctx, "the debugger", chromedp.Navigate(d.URL+"/console/events"), chromedp.WaitVisible("#arrived", chromedp.ByQuery))
	sends(t, d.URL, d.SourceKey, unplanned("console-live", "came_live"))
	do(t, ctx, "it comes by itself", chromedp.WaitVisible(`//code[text()="came_live"]`, chromedp.BySearch))
	says(t, ctx, "Order Completed", "kept", "field not in the charter")

	do(t, ctx, "no scripts", emulation.SetScriptExecutionDisabled(true), press("#turn"), chromedp.WaitVisible("#arrived:not([hx-get])", chromedp.ByQuery))
	sends(t, d.URL, d.SourceKey, unplanned("console-plain", "came_plain"))
	do(t, ctx, "again", press(`a[href^="/console/events"].button`), chromedp.WaitVisible(`//code[text()="came_plain"]`, chromedp.BySearch))
	saysNot(t, ctx, "0.94") // a value

	do(t, ctx, "the refusals", press(`a[href="/console/refusals"]`), chromedp.WaitVisible(".stack .card", chromedp.ByQuery), unfold(".stack details", 9))
	says(t, ctx, "Add this to the charter", "events.Order Completed.properties", "DECIDE: which type?")
}

// TestStaffSeeTheDaysAndTheLedger reads what this very test did in the overview and the ledger, and walks it; a marketer is led to the one only.
func TestStaffSeeTheDaysAndTheLedger(t *testing.T) {
	d := openDemo(t)
	user := d.UserIDs[6]
	decision, _ := decisionFor(t, d, user, time.Now().UTC().Format(time.RFC3339))
	look := func() {
		r, err := http.NewRequest(http.MethodGet, d.URL+"/api/decisions/"+decision, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+d.PrivacyToken)
		r.Header.Set("Rapport-Purpose", "service")
		r.Header.Set("Rapport-Reason", "asked in the browser test")
		res, err := http.DefaultClient.Do(r)
		if status, body := read(t, res, err); status != http.StatusOK {
			t.Fatal(status, body)
		}
	}
	look()
	before := metric(t, d.URL, `rapport_looks_total{role="privacy"}`)
	look()
	if after := metric(t, d.URL, `rapport_looks_total{role="privacy"}`); after != before+1 {
		t.Errorf("reading a decision is counted as %v looks", after-before)
	}

	ctx := browser(t, 1280, 1000, false)
	signInStaff(t, ctx, d, d.PrivacyToken)
	says(t, ctx, "Events kept", "Decisions", "Charter 1", "sound", "Held back, by reason")
	if n := count(t, ctx, "figure.chart > svg"); n < 3 {
		t.Errorf("%d charts are drawn", n)
	}
	if n := count(t, ctx, `svg[aria-labelledby^="yes"], svg[aria-labelledby^="no-"]`); n != 2 {
		t.Errorf("%d charts of the choices that were imported", n)
	}
	until(t, "the look has its number", func() bool {
		do(t, ctx, "the ledger", chromedp.Navigate(d.URL+"/console/ledger"), chromedp.WaitVisible("#head", chromedp.ByQuery))
		text := textOf(ctx)
		return strings.Contains(text, "Paul from privacy")
	})
	saysNot(t, ctx, "asked in the browser test")
	do(t, ctx, "walk it", press(`form[action="/console/ledger/verify"] button`), chromedp.WaitVisible("#found", chromedp.ByQuery))
	says(t, ctx, "The ledger is whole.", "checked with their keys")

	marketer := browser(t, 1280, 1000, false)
	signInStaff(t, marketer, d, d.MarketerToken)
	says(t, marketer, "Decisions, by how personal they were")
	if n := count(t, marketer, `nav a[href="/console/ledger"]`); n != 0 {
		t.Error("a marketer is led to the ledger")
	}
	do(t, marketer, "the ledger all the same", chromedp.Navigate(d.URL+"/console/ledger"), chromedp.WaitVisible(".stop", chromedp.ByQuery))
	says(t, marketer, "not for your role")
}

// TestTheConsoleIsAccessible asks axe-core about every page of counts, full and open.
func TestTheConsoleIsAccessible(t *testing.T) {
	d := openDemo(t)
	sends(t, d.URL, d.SourceKey, unplanned("console-axe", "for_axe"))
	decisionFor(t, d, d.UserIDs[7], time.Now().UTC().Format(time.RFC3339))
	ctx := browser(t, 1280, 1000, false)
	signInStaff(t, ctx, d, d.PrivacyToken)
	for _, path := range []string{"/console", "/console/events?still=yes", "/console/refusals", "/console/quality", "/console/ledger", "/console/sources", "/console/catalogue?q=test", "/console/you"} {
		checkAccessible(t, ctx, d.URL+path)
	}
	do(t, ctx, "walk the ledger", chromedp.Navigate(d.URL+"/console/ledger"), press(`form[action="/console/ledger/verify"] button`), chromedp.WaitVisible("#found", chromedp.ByQuery))
	checkAccessible(t, ctx, "")
	marketer := browser(t, 1280, 1000, false)
	signInStaff(t, marketer, d, d.MarketerToken)
	checkAccessible(t, marketer, d.URL+"/console/ledger")
	admin := browser(t, 1280, 1000, false)
	signInStaff(t, admin, d, must(t, "token", "--home", d.Home, "--role", "admin", "--name", "axe"))
	checkAccessible(t, admin, d.URL+"/console/sources")
	do(t, admin, "make a token", chromedp.SetValue("#role", "decide", chromedp.ByQuery), chromedp.SendKeys("#name", "axe-site", chromedp.ByQuery), press(`form[action="/console/tokens"] button`), chromedp.WaitVisible("#made", chromedp.ByQuery))
	says(t, admin, "rap_decide_", "axe-site")
	checkAccessible(t, admin, "")
	do(t, admin, "revoke it", onward(`[value="axe-site"]`, "main"))
	says(t, admin, "revoked")
}
