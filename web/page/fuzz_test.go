package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/web/page"
)

// FuzzTheWayBack sends the language form of a page: whatever stands in it, the browser stays on this site and is told nothing that a header cannot hold, and the cookie that it gets
// says nothing but one of the brand's languages.
func FuzzTheWayBack(f *testing.F) {
	for _, to := range []string{"/", "/trust?said=corrected#facts", "//evil.example", `/\evil.example`, "/\t/evil.example", "https://evil.example", "javascript:alert(1)", "/%2f/evil.example", "/..//evil.example", "/a\r\nSet-Cookie: x=y", "/\x00", "///evil.example", "/@evil.example", "/:80", "/%zz", "", "é", "/é", "/\u2028/evil.example"} {
		f.Add(to, "de", "language=fr", "de,fr;q=0.5")
		f.Add(to, "xx; Domain=evil.example", "language=xx", "")
	}
	brand := []string{"en", "fr", "de"}
	f.Fuzz(func(t *testing.T, back, language, cookie, accept string) {
		form := url.Values{"back": {back}, "language": {language}}.Encode()
		r := httptest.NewRequest(http.MethodPost, "https://shop.example/language", strings.NewReader(form))
		r.Header["Content-Type"], r.Header["Cookie"], r.Header["Accept-Language"] = []string{"application/x-www-form-urlencoded"}, []string{cookie}, []string{accept}
		w := httptest.NewRecorder()
		page.ChooseLanguage(func() []string { return brand }, true).ServeHTTP(w, r)
		to := w.Result().Header.Get("Location")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\r\n\t\\\x00") {
			t.Fatalf("%d: %q leads to %q", w.Code, back, to)
		}
		if there, err := r.URL.Parse(to); err != nil || there.Host != "shop.example" || there.Scheme != "https" {
			t.Fatalf("%q leads to %v, %v", back, there, err)
		}
		for _, c := range w.Result().Cookies() {
			if c.Domain != "" || !c.HttpOnly || !c.Secure || c.Name != "__Host-language" || c.Value != "en" && c.Value != "fr" && c.Value != "de" {
				t.Fatalf("the cookie %v", c)
			}
		}
		if got := page.Language(r, brand); got != "en" && got != "fr" && got != "de" {
			t.Fatalf("the language %q", got)
		}
	})
}
