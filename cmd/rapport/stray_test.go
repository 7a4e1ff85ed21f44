package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAnAddressThatNobodyServesHasAPage knocks where no door is, and at doors in ways that they do not open.
func TestAnAddressThatNobodyServesHasAPage(t *testing.T) {
	handler, err := newHouse(t).doors(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, language string
		status                 int
		allow, says            string
	}{
		{"GET", "/nowhere", "en", 404, "", "Nothing is at this address"}, {"GET", "/nowhere", "fr", 404, "", "Il n&#39;y a rien à cette adresse"}, {"GET", "/trust/nothing/here", "en", 404, "", "There is no such page"},
		{"GET", "/console/", "en", 404, "", "Nothing is at this address"}, {"GET", "/shop", "en", 404, "", "Nothing is at this address"}, {"POST", "/nowhere", "en", 404, "", "Nothing is at this address"},
		{"GET", "/nowhere?q=%22%3E%3Cscript%3E", "en", 404, "", "Nothing is at this address"}, {"GET", "/%22%3E%3Cscript%3E", "en", 404, "", "Nothing is at this address"},
		{"GET", "/trust/choose", "en", 405, "POST", "go to the page itself"}, {"GET", "/trust/choose", "fr", 405, "POST", "allez à la page elle-même"}, {"DELETE", "/", "en", 405, "GET, HEAD", "go to the page itself"},
		{"POST", "/console/charter", "en", 405, "GET, HEAD", "go to the page itself"}, {"BREW", "/trust", "en", 405, "GET, HEAD", "go to the page itself"},
		{"GET", "/api/nothing", "", 404, "", "openapi.json"}, {"GET", "/api", "", 404, "", "openapi.json"}, {"GET", "/v1/a/b", "", 404, "", "openapi.json"},
		{"GET", "/api/decide", "", 405, "POST", "Allow"}, {"DELETE", "/openapi.json", "", 405, "GET, HEAD", "Allow"}, {"PUT", "/v1/track", "", 405, "OPTIONS, POST", "Allow"},
	} {
		r := httptest.NewRequest(c.method, "http://rapport.example"+c.path, nil)
		r.Header.Set("Accept-Language", c.language)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		name, body := c.method+" "+c.path+" in "+c.language, w.Body.String()
		if w.Code != c.status || w.Header().Get("Allow") != c.allow || !strings.Contains(body, c.says) {
			t.Errorf("%s gave %d, allowed %q, and said %s", name, w.Code, w.Header().Get("Allow"), body)
		}
		if c.language != "" {
			if kind := w.Header().Get("Content-Type"); kind != "text/html; charset=utf-8" || !strings.Contains(body, `<html lang="`+c.language+`">`) || strings.Contains(body, "<script>") || !strings.Contains(body, `class="stop"`) {
				t.Errorf("%s is no page of the house: %s\n%s", name, kind, body)
			}
			continue
		}
		var problem struct {
			Code, Type string
			Status     int
		}
		want := map[int]string{404: "not-found", 405: "wrong-method"}[c.status]
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Code != want || problem.Status != c.status || problem.Type != "/problems/"+want || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s is no problem: %v %s", name, err, body)
		}
	}
	// A path that can be put right is put right.
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "http://rapport.example/trust//facts", nil))
	if w.Code/100 != 3 || w.Header().Get("Location") != "/trust/facts" {
		t.Errorf("a doubled slash gave %d to %q", w.Code, w.Header().Get("Location"))
	}
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "http://rapport.example/nowhere", nil))
	for name, want := range map[string]string{"Content-Security-Policy": "default-src", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if !strings.Contains(w.Header().Get(name), want) {
			t.Errorf("a page of nowhere has %s %q", name, w.Header().Get(name))
		}
	}
}
