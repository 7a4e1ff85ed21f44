package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// between stands between browsers and a served home, as a proxy does: it notes what browsers ask and can be out of order for a while.
type between struct {
	*httptest.Server
	mu   sync.Mutex
	seen []heard
	down int // so many of the next messages are answered with 503
}

type heard struct {
	method, path, origin, key string
	gpc                       bool
	retry                     string
	status                    int
	messages                  []string // their messageIds
	mayAsk                    string   // of a preflight: the headers that it asks for
}

func standBetween(t *testing.T, home string) *between {
	t.Helper()
	to, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	b := &between{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // so that the settings name this address
	}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		a := heard{method: r.Method, path: r.URL.Path, origin: r.Header.Get("Origin"), gpc: r.Header.Get("Sec-GPC") == "1", retry: r.Header.Get("X-Retry-Count"), mayAsk: r.Header.Get("Access-Control-Request-Headers")}
		a.key, _, _ = r.BasicAuth()
		var m struct {
			MessageID string
			Batch     []struct{ MessageID string }
		}
		if len(body) > 0 && json.Unmarshal(body, &m) == nil {
			for _, one := range m.Batch {
				a.messages = append(a.messages, one.MessageID)
			}
			if m.MessageID != "" {
				a.messages = append(a.messages, m.MessageID)
			}
		}
		b.mu.Lock()
		refuse := b.down > 0 && len(a.messages) > 0
		if refuse {
			b.down--
		}
		b.mu.Unlock()
		seen := &statusWriter{ResponseWriter: w}
		if refuse {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			seen.WriteHeader(http.StatusServiceUnavailable)
		} else {
			proxy.ServeHTTP(seen, r)
		}
		a.status = seen.status
		b.mu.Lock()
		b.seen = append(b.seen, a)
		b.mu.Unlock()
	}))
	t.Cleanup(b.Close)
	return b
}

// calls are those to a path, answered with a status.
func (b *between) calls(method, path string, status int) (found []heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.seen {
		if a.method == method && a.path == path && a.status == status {
			found = append(found, a)
		}
	}
	return found
}

func (b *between) fails(n int) {
	b.mu.Lock()
	b.down = n
	b.mu.Unlock()
}

// brandSite serves a page of another origin with the pinned SDK as it was published.
func brandSite(t *testing.T) *httptest.Server {
	t.Helper()
	const published = "testdata/sdk/node_modules/@segment/analytics-next/dist/umd"
	if _, err := os.Stat(published + "/index.js"); err != nil {
		t.Fatal("The pinned SDK is not installed: run make test, which installs it.")
	}
	mux := http.NewServeMux()
	mux.Handle("GET /sdk/", http.StripPrefix("/sdk/", http.FileServer(http.Dir(published))))
	for path, file := range map[string]string{"GET /{$}": "site.html", "GET /site.js": "site.js"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/sdk/"+file) })
	}
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>Elsewhere</h1>") })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestTheSegmentSDKInABrowser loads the unmodified analytics-next in Chromium on another site and sends by it in all the ways it has.
func TestTheSegmentSDKInABrowser(t *testing.T) {
	home := exampleHome(t)
	s := serveHome(t, home)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "web")
	tills := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	front, site := standBetween(t, s.URL), brandSite(t)

	visitSite := func(ctx context.Context, more string) {
		t.Helper()
		do(t, ctx, "the brand's page", chromedp.Navigate(site.URL+"/?key="+key+"&home="+url.QueryEscape(front.URL)+more), chromedp.Poll(`document.title === "ready"`, nil))
	}
	run := func(ctx context.Context, script string) {
		t.Helper()
		do(t, ctx, script, chromedp.Evaluate(script, nil))
	}
	anonymous := func(ctx context.Context) (id string) {
		t.Helper()
		do(t, ctx, "the device's id", chromedp.Evaluate(`analytics.instance.user().anonymousId()`, &id))
		if id == "" {
			t.Fatal("the SDK has no id of the device")
		}
		return id
	}
	arrived := func(what string, is func() bool) { t.Helper(); until(t, what, is) }

	// One message a request: settings, preflight, page, track, identify.
	one := browser(t, 800, 600, false)
	visitSite(one, "")
	if n := len(front.calls("GET", "/v1/projects/"+key+"/settings", 200)); n != 1 {
		t.Errorf("the settings were asked %d times", n)
	}
	const yes = `{context: {consent: {categoryPreferences: {personalization: true, advertising: false}}}}`
	run(one, `analytics.page("Home", {}, `+yes+`)`)
	run(one, `analytics.track("Product Viewed", {product_id: "1082185", undeclared: "never kept"}, `+yes+`)`)
	run(one, `analytics.identify("browser-reader", {household: "2", undeclared: "never kept"}, `+yes+`)`)
	for _, path := range []string{"/v1/p", "/v1/t", "/v1/i"} {
		arrived(path, func() bool { return len(front.calls("POST", path, 200)) == 1 })
		sent := front.calls("POST", path, 200)[0]
		if sent.origin != site.URL || sent.key != key || sent.gpc {
			t.Errorf("%s came as %+v", path, sent)
		}
	}
	preflights := front.calls("OPTIONS", "/v1/p", 204)
	if len(preflights) != 1 || !strings.Contains(preflights[0].mayAsk, "authorization") {
		t.Errorf("the browser did not ask before: %+v", preflights)
	}
	device := anonymous(one)
	var hosts []string
	do(t, one, "what was loaded", chromedp.Evaluate(`performance.getEntriesByType("resource").map(e => new URL(e.name).origin)`, &hosts))
	for _, host := range hosts {
		if host != site.URL && host != front.URL {
			t.Errorf("the SDK loads from %s", host)
		}
	}

	// Out of order for a while: the SDK sends the same again, until it is taken.
	front.fails(2)
	run(one, `analytics.track("Product Viewed", {product_id: "1082186"})`)
	arrived("the retry", func() bool { return len(front.calls("POST", "/v1/t", 200)) == 2 })
	refused, taken := front.calls("POST", "/v1/t", 503), front.calls("POST", "/v1/t", 200)[1]
	if len(refused) != 2 || !slices.Equal(refused[0].messages, taken.messages) || !slices.Equal(refused[1].messages, taken.messages) || taken.retry == "" {
		t.Errorf("refused %+v, then taken %+v", refused, taken)
	}

	// Batches, and what waits when the page is left.
	visitSite(one, "&batch=5")
	run(one, `for (let i = 0; i < 5; i++) analytics.track("Product Viewed", {product_id: "108218" + i})`)
	arrived("the batch", func() bool { return len(front.calls("POST", "/v1/b", 200)) == 1 })
	if n := len(front.calls("POST", "/v1/b", 200)[0].messages); n != 5 {
		t.Errorf("%d messages in the batch", n)
	}
	run(one, `for (let i = 0; i < 3; i++) analytics.track("Product Viewed", {product_id: "108219" + i})`)
	run(one, `new Promise(resolve => setTimeout(resolve, 0))`)
	do(t, one, "leave the page", chromedp.Navigate(site.URL+"/elsewhere"))
	arrived("what was left", func() bool { return len(front.calls("POST", "/v1/b", 200)) == 2 })
	if n := len(front.calls("POST", "/v1/b", 200)[1].messages); n != 3 {
		t.Errorf("%d messages came when the page was left", n)
	}

	// A browser that asks not to be sold or shared.
	private := browser(t, 800, 600, false)
	do(t, private, "Global Privacy Control", network.Enable(), network.SetExtraHTTPHeaders(network.Headers{"Sec-GPC": "1"}))
	visitSite(private, "")
	run(private, `analytics.page("Home")`)
	arrived("the private browser's page", func() bool { return len(front.calls("POST", "/v1/p", 200)) == 2 })
	if !front.calls("POST", "/v1/p", 200)[1].gpc {
		t.Error("the browser did not send Sec-GPC: nothing was tried")
	}
	quiet := anonymous(private)
	for _, ctx := range []context.Context{one, private} {
		var errors []string
		do(t, ctx, "errors of the SDK", chromedp.Evaluate(`window.errors ?? []`, &errors))
		if len(errors) > 0 {
			t.Errorf("the SDK reports %v", errors)
		}
	}

	// What the house says became of it.
	var recent struct {
		Events []struct {
			Type, Event, Reason string
			Kept                bool
			Fields              []struct{ Name, Reason string }
		}
	}
	if status := gets(t, s.URL+"/api/events/recent?source=web", tills, &recent); status != http.StatusOK {
		t.Fatalf("recent events: %d", status)
	}
	got := map[string]int{}
	for _, e := range recent.Events {
		got[e.Type+" "+e.Event+" "+e.Reason]++
		if slices.ContainsFunc(e.Fields, func(f struct{ Name, Reason string }) bool {
			return f.Name == "undeclared" && f.Reason == "unplanned-field"
		}) {
			got["fell"]++
		}
	}
	if got["track Product Viewed "] != 10 || got["page Page Viewed "] != 2 || got["identify identify "] != 1 || got["fell"] != 2 {
		t.Errorf("what arrived: %v", got)
	}
	s.stop()
	w := opened(t, homeOptions{Home: home})
	said := func(id string) string {
		k := w.person(vault.AnonymousID, id)
		if k == nil {
			return "nobody"
		}
		for _, c := range k.Record.Choices {
			if c.Signal && c.Answer == consent.No {
				return "asked not to be sold or shared"
			}
		}
		return "said nothing"
	}
	if open, closed := said(device), said(quiet); closed != "asked not to be sold or shared" || open == closed {
		t.Errorf("of the browser with Sec-GPC the house keeps: %s; of the other: %s", closed, open)
	}
}
