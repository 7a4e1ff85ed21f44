package shop

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzForms sends forms to a shop as a visitor's browser would, and as it would not: every answer is the way to a page of this site or a page that says what to do,
// without what was sent; a choice, an order, an opinion or a sign-in is told to Rapport only as it was said, wholly and once, and nothing of it stands in a log.
func FuzzForms(f *testing.F) {
	for i, body := range []string{"id=m1&back=%2Fshop%2Fp%2Fm1", "delivery=deliver", "userId=Zaphod", "", "answer=yes&back=%2Fshop", "decision=dec_1&item=m1&kind=not-for-me&back=%2F%2Fevil.example", "drawer=open&back=%2Ftrust",
		"back=%2Fshop", "id=m1&by=less", "id=Zaphod", "back=%0d%0aSet-Cookie:+x=Zaphod", "userId=%ff", "answer=yes;answer=no", "kind=Zaphod&item=%00"} {
		f.Add(uint8(i), body)
	}
	f.Add(uint8(2), "userId=Zaphod&userId=7")
	f.Add(uint8(4), "answer=yes&answer=no")
	f.Add(uint8(5), "kind=not-for-me&kind=useful&item=m1")
	told := newRapport(f)
	var log strings.Builder
	s := New(Config{Brand: "Fernhill", Languages: []string{"en", "fr"}, Base: told.URL, SourceKey: "the-source-key", Token: "the-token", Inside: true, Products: products, Currency: "GBP", Log: slog.New(slog.NewTextHandler(io.Writer(&log), nil))})
	doors := []string{"/shop/basket", "/shop/checkout", "/shop/sign-in", "/shop/sign-out", "/shop/choice", "/shop/feedback", "/shop/inside", "/shop/your-data"}
	f.Fuzz(func(t *testing.T, door uint8, body string) {
		told.mu.Lock()
		told.said = nil
		told.mu.Unlock()
		log.Reset()
		r := httptest.NewRequest(http.MethodPost, doors[int(door)%len(doors)]+"?answer=yes&userId=42&id=t1", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		to := w.Result().Header.Get("Location")
		switch {
		case w.Code == http.StatusSeeOther:
			if there, err := r.URL.Parse(to); err != nil || there.Host != r.URL.Host || !strings.HasPrefix(there.Path+"/", "/shop/") && !strings.HasPrefix(there.Path, "/trust/enter/") {
				t.Fatalf("%q leads to %q", body, to)
			}
		case w.Code < 400 || w.Code >= 500 || strings.Contains(w.Body.String(), "Zaphod"):
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
		if strings.Contains(log.String(), "Zaphod") {
			t.Fatal("a log repeats what was sent")
		}
		said, err := url.ParseQuery(body)
		once := func(name, got string) {
			if err != nil || len(said[name]) > 1 || strings.TrimSpace(said.Get(name)) != strings.TrimSpace(got) {
				t.Fatalf("%q tells of %q, %v", body, got, err)
			}
		}
		told.mu.Lock()
		defer told.mu.Unlock()
		for _, c := range told.said {
			switch c.Path {
			case "/v1/identify":
				if user, is := c.Body["userId"].(string); is {
					once("userId", user)
				}
			case "/api/feedback":
				once("kind", c.Body["kind"].(string))
				once("item", c.Body["item"].(string))
			}
		}
		if _, answer, says := strings.Cut(to, "said="); says && r.URL.Path == "/shop/choice" && answer != "sorry" {
			once("answer", answer)
		}
	})
}
