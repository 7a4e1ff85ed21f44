package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core's own file, pinned in testdata/axe.
var axe = sync.OnceValues(func() (string, error) {
	raw, err := os.ReadFile("testdata/axe/node_modules/axe-core/axe.min.js")
	return string(raw), err
})

// looks are the widths and themes in which every page is looked at.
var looks = []struct {
	name          string
	width, height int64
	theme         string
}{{"desk light", 1280, 1000, "light"}, {"desk dark", 1280, 1000, "dark"}, {"phone light", 360, 740, "light"}, {"phone dark", 360, 740, "dark"}}

// checkAccessible opens the page, or takes the one that is open when url is empty, and asks axe-core in every look. It also
// finds what is wider than the screen, and a page that weighs too much.
func checkAccessible(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	checkLooks(t, ctx, url, "")
}

// checkLooks is checkAccessible in the looks whose names have a word in them.
func checkLooks(t *testing.T, ctx context.Context, url, word string) {
	t.Helper()
	source, err := axe()
	if err != nil {
		t.Fatal("axe-core is not installed: run make test, which installs it.")
	}
	if url != "" {
		do(t, ctx, "open "+url, chromedp.Navigate(url), chromedp.WaitReady("main", chromedp.ByQuery))
	} else {
		do(t, ctx, "where", chromedp.Location(&url))
	}
	checkWeight(t, ctx, url)
	for _, l := range looks {
		if !strings.Contains(l.name, word) {
			continue
		}
		var faults []string
		var wide int64
		do(t, ctx, "ask axe about "+url, emulation.SetDeviceMetricsOverride(l.width, l.height, 1, l.width < 500),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
			chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => d.open = true); document.documentElement.scrollWidth`, &wide), chromedp.Evaluate(source+";true", nil),
			chromedp.Evaluate(`axe.run().then(r => r.violations.map(v => v.id + ": " + v.help + " — " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + (n.any.concat(n.all, n.none)[0] || {}).message).join("; ")))`,
				&faults, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		for _, f := range faults {
			t.Errorf("%s, %s: %s", url, l.name, f)
		}
		if wide > l.width {
			t.Errorf("%s, %s: the page is %d wide", url, l.name, wide)
		}
	}
}

// heaviest is what a page may weigh with its stylesheet and script, unpacked, in bytes.
const heaviest = 120_000

// checkWeight adds up what the open page made the browser load.
func checkWeight(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	var loaded []struct {
		Name string
		Size int
	}
	do(t, ctx, "weigh "+url, chromedp.Evaluate(`performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource")).map(e => ({Name: e.name, Size: e.decodedBodySize}))`, &loaded))
	total, list := 0, strings.Builder{}
	for _, l := range loaded {
		if strings.Contains(l.Name, ".svg") {
			continue // pictures are kept by the browser, and said apart
		}
		total += l.Size
		fmt.Fprintf(&list, "\n%8d %s", l.Size, l.Name)
	}
	if total > heaviest || total < 1000 {
		t.Errorf("%s weighs %d bytes, and at most %d is meant:%s", url, total, heaviest, &list)
	}
}

// TestAxeFindsWhatIsWrong holds the checker to pages that are wrong on purpose.
func TestAxeFindsWhatIsWrong(t *testing.T) {
	source, err := axe()
	if err != nil {
		t.Fatal("axe-core is not installed: run make test, which installs it.")
	}
	ctx := browser(t, 1280, 1000, false)
	for page, want := range map[string]string{
		`<html lang="en"><title>t</title><main><h1>x</h1><img src="data:,"></main>`:                                        "image-alt",
		`<html lang="en"><title>t</title><main><h1>x</h1><p style="color:#bbb;background:#fff">pale</p></main>`:            "color-contrast",
		`<html><title>t</title><main><h1>x</h1></main>`:                                                                    "html-has-lang",
		`<html lang="en"><title>t</title><main><h1>x</h1><input></main>`:                                                   "label",
		`<html lang="en"><title>t</title><main><h1>x</h1><p style="color:#111;background:#fff">as it should be</p></main>`: "",
	} {
		var ids []string
		do(t, ctx, "a wrong page", chromedp.Navigate("data:text/html,"+strings.NewReplacer("#", "%23", " ", "%20").Replace(page)), chromedp.Evaluate(source+";true", nil),
			chromedp.Evaluate(`axe.run().then(r => r.violations.map(v => v.id))`, &ids, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("axe found %q in a page with %q", got, want)
		}
	}
}
