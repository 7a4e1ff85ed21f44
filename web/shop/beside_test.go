package shop

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// gated are doors that answer decisions at once, and what is told only when they are let.
type gated struct {
	mu   sync.Mutex
	gate chan struct{}
	told []string // paths, when they were answered
}

func (g *gated) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := `{}`
	switch path := r.URL.Path; {
	case path == "/api/decide":
		answer = `{"decisions":[` + aDecision + `]}`
	case path == "/api/shown" || strings.HasPrefix(path, "/v1/"):
		g.mu.Lock()
		gate := g.gate
		g.mu.Unlock()
		select {
		case <-gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, r.URL.Path)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// shut holds back what is told from now on; open lets all of it by.
func (g *gated) shut() (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gate := make(chan struct{})
	g.gate = gate
	return func() { close(gate) }
}

func (g *gated) heard() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(g.told), func(p string) bool { return strings.HasPrefix(p, "/api/items") }) // beside the decision, in any order
}

// TestNoPageWaitsForWhatItTells holds the pages to their order: a page is there before its own messages have arrived, and the
// next one asks only when they have.
func TestNoPageWaitsForWhatItTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{}
		s := New(Config{Brand: "Fernhill", Languages: []string{"en"}, Base: "http://rapport.example", Transport: g, SourceKey: "k", Token: "t", Products: many(), Currency: "GBP", Log: slog.New(slog.DiscardHandler)})
		cookie := ""
		page := func(method, path string) (there func() bool) {
			w, done := httptest.NewRecorder(), make(chan struct{})
			r := httptest.NewRequest(method, "http://shop.example"+path, nil)
			r.Header.Set("Cookie", cookie)
			go func() { defer close(done); s.ServeHTTP(w, r) }()
			synctest.Wait()
			return func() bool {
				synctest.Wait()
				select {
				case <-done:
					if c := w.Result().Cookies(); len(c) > 0 {
						cookie = c[0].Name + "=" + c[0].Value
					}
					return w.Code == http.StatusOK || w.Code == http.StatusSeeOther
				default:
					return false
				}
			}
		}
		open := g.shut()
		if !page("GET", "/shop/product/m1")() {
			t.Fatal("a page waits until what it tells is on disk")
		}
		for _, next := range []struct {
			method, path string
			tells        []string
		}{
			{"GET", "/shop/product/t1", []string{"/api/decide", "/v1/track", "/api/shown", "/api/decide", "/v1/track", "/api/shown"}},
			{"GET", "/shop", []string{"/api/decide", "/api/shown"}},
			{"GET", "/shop/basket", []string{"/api/decide", "/api/shown"}},
			{"POST", "/shop/sign-out", nil},
		} {
			before := len(g.heard())
			there := page(next.method, next.path)
			if len(g.heard()) != before || there() {
				t.Errorf("%s does not wait for what the page before it told: %v", next.path, g.heard())
			}
			open()
			if !there() {
				t.Errorf("%s never comes", next.path)
			}
			if got := g.heard(); len(next.tells) > 0 && !slices.Equal(slices.Sorted(slices.Values(got[len(got)-len(next.tells):])), slices.Sorted(slices.Values(next.tells))) { // two questions of a page are asked at once
				t.Errorf("with %s the doors heard %v, and the end was to be %v", next.path, got, next.tells)
			}
			open = g.shut()
			if !page("GET", "/shop/product/m1")() {
				t.Fatalf("after %s a page waits until what it tells is on disk", next.path)
			}
		}
		if !page("GET", "/shop/department/bakery")() {
			t.Error("a page that asks nothing waits")
		}
		early, cancel := context.WithCancel(context.Background())
		cancel()
		if s.Close(early) == nil {
			t.Error("the shop closes with messages that have not arrived, and says nothing")
		}
		closed := make(chan error, 1)
		go func() { closed <- s.Close(context.Background()) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Fatal("the shop does not wait for its messages")
		default:
		}
		before := len(g.heard())
		open()
		if err := <-closed; err != nil || !slices.Equal(g.heard()[before:], []string{"/v1/track", "/api/shown"}) {
			t.Errorf("when the shop was closed the doors had heard %v: %v", g.heard()[before:], err)
		}
		late := page("GET", "/shop/product/m1")
		if got := g.heard(); !late() || got[len(got)-1] != "/api/shown" {
			t.Errorf("what a last page told after the shop had closed is lost: %v", got)
		}
	})
}

// TestAReaderDoesNotWaitForDoorsThatHang shows the next page without the effect of the one before.
func TestAReaderDoesNotWaitForDoorsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, b, hang := &visit{}, &beside{}, make(chan struct{})
		b.send(v, func(context.Context) { <-hang })
		v.settled(context.Background()) // ends with the bubble's clock
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		v.settled(gone)
		close(hang)
		b.some.Wait()
	})
}
