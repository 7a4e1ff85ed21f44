package page_test

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/chart"
	"github.com/rapporthq/rapport/web/page"
	"github.com/rapporthq/rapport/web/page/pagetest"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func folder(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func set(t *testing.T, main, words string) *page.Set {
	t.Helper()
	pages := folder("one.html", `{{define "main"}}`+main+`{{end}}`, "words.yaml", words)
	return page.NewSet(pages, page.ReadWords(pages), nil, quiet)
}

func shown(s *page.Set, f page.Frame) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Show(w, http.StatusOK, "one", f)
	return w
}

func TestTheReasonsOfAScoreAreDrawn(t *testing.T) {
	s := set(t, `{{sum "why-1" "Tea" .Body.Score .Body.Reasons}}`, "none: {en: None, fr: Rien}\n")
	type body struct {
		Score   float64
		Reasons []chart.Part
	}
	for _, c := range []struct {
		lang string
		body body
		says []string
	}{
		{"en", body{-.44, []chart.Part{{Name: "You bought <tea>", Value: .1}, {Name: "Shown often", Value: -.54}}}, []string{"You bought &lt;tea&gt;", "+0.100", "−0.540", "Together", "−0.440", `class="minus"`}},
		{"fr", body{.00012, []chart.Part{{Name: "Populaire", Value: .00012}}}, []string{"Populaire", "Ensemble", "+0,00012"}},
		{"fr", body{}, []string{"pas de raison"}},
	} {
		got := shown(s, page.Frame{Lang: c.lang, Body: c.body}).Body.String()
		for _, says := range c.says {
			if !strings.Contains(got, says) {
				t.Errorf("%s: the drawing does not say %q: %s", c.lang, says, got)
			}
		}
	}
}

func TestAPageIsWrittenInItsLanguage(t *testing.T) {
	at := time.Date(2026, time.March, 1, 14, 5, 0, 0, time.UTC)
	s := set(t, `{{t "hello" .Body.Name}}|{{tn "things" 1}}|{{tn "things" 1200}}|{{tn "things" 0}}|{{day .Body.At}}|{{when .Body.At}}|{{num 12345}}|{{dec 1234.5 2}}|{{money 1234.5 "GBP"}}|{{percent 0.125}}|{{language}}|`,
		"hello: {en: 'Hello {0}', fr: 'Bonjour {0}'}\nthings.one: {en: '{0} thing', fr: '{0} chose'}\nthings.many: {en: '{0} things', fr: '{0} choses'}\n")
	body := struct {
		Name string
		At   time.Time
	}{"<b>", at}
	for lang, want := range map[string]string{
		"en": "Hello &lt;b&gt;|1 thing|1,200 things|0 things|1 March 2026|1 March 2026, 14:05|12,345|1,234.50|£1,234.50|12%|en|",
		"fr": "Bonjour &lt;b&gt;|1 chose|1 200 choses|0 chose|1er mars 2026|1er mars 2026 à 14:05|12 345|1 234,50|1 234,50 £|12 %|fr|",
		"de": "Hello &lt;b&gt;|", // a language in which the pages are not written
	} {
		got := shown(s, page.Frame{Lang: lang, Body: body}).Body.String()
		plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(got)
		if !strings.Contains(plain, want) {
			t.Errorf("in %s the page does not say %q:\n%s", lang, want, plain)
		}
		if !strings.Contains(got, `<html lang="`+map[string]string{"en": "en", "fr": "fr", "de": "en"}[lang]+`">`) {
			t.Errorf("the page in %s does not say its language", lang)
		}
	}
}

func TestWhatIsNoTimeIsNothing(t *testing.T) {
	for _, v := range []any{nil, "", "yesterday", 3, time.Time{}, time.Unix(0, 0)} {
		if got := page.When("en", v) + page.Day("fr", v); got != "" {
			t.Errorf("%v became %q", v, got)
		}
	}
	if got := page.Day("fr", "2026-08-12T10:00:00Z"); got != "12 août 2026" {
		t.Errorf("a time in text became %q", got)
	}
}

func TestTheLanguageIsTheReadersWish(t *testing.T) {
	for _, c := range []struct {
		cookie, accept string
		brand          []string
		want           string
	}{
		{"", "", []string{"fr", "en"}, "fr"},
		{"", "de, en-GB;q=0.8", []string{"fr", "en"}, "en"},
		{"", "FR-ca", []string{"en", "fr"}, "fr"},
		{"fr", "en", []string{"en", "fr"}, "fr"},
		{"nl", "fr", []string{"en", "fr"}, "fr"}, // a cookie of another brand's
		{"fr", "en", []string{"en"}, "en"},
		{"", "", nil, "en"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "language", Value: c.cookie})
		}
		r.Header.Set("Accept-Language", c.accept)
		if got := page.Language(r, c.brand); got != c.want {
			t.Errorf("cookie %q, browser %q, brand %v: %q, want %q", c.cookie, c.accept, c.brand, got, c.want)
		}
	}
}

func choose(secure bool, language, back string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "https://shop.example/language", strings.NewReader(url.Values{"language": {language}, "back": {back}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	page.ChooseLanguage(func() []string { return []string{"en", "fr"} }, secure).ServeHTTP(w, r)
	return w
}

func TestChoosingALanguage(t *testing.T) {
	w := choose(true, "fr", "/shop/search?q=a%20b")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/shop/search?q=a%20b" {
		t.Errorf("it gave %d to %q", w.Code, w.Header().Get("Location"))
	}
	if c := w.Result().Cookies(); len(c) != 1 || c[0].Name != "__Host-language" || c[0].Value != "fr" || !c[0].HttpOnly || !c[0].Secure || c[0].Path != "/" || c[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %v", c)
	}
	if c := choose(false, "xx", "/").Result().Cookies(); len(c) != 0 {
		t.Errorf("a language that the brand does not speak was kept: %v", c)
	}
	if w := choose(false, "fr", "/", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden || len(w.Result().Cookies()) != 0 {
		t.Errorf("a form of another site gave %d", w.Code)
	}
	if w := choose(false, "fr", "/", "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("a form of another origin gave %d", w.Code)
	}
}

func TestTheLanguageFormLeadsNowhereElse(t *testing.T) {
	for _, back := range []string{"", "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)", "evil.example", "/a\r\nSet-Cookie: x=y",
		"http:evil.example", "///evil.example", "/%zz", "@evil.example"} {
		if got := choose(false, "fr", back).Header().Get("Location"); got != "/" {
			t.Errorf("back to %q led to %q", back, got)
		}
	}
}

func TestThePolicyRunsNothingOfAPagesOwnText(t *testing.T) {
	w := httptest.NewRecorder()
	page.Secure(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy does not say %s: %s", part, policy)
		}
	}
	for _, bad := range []string{"unsafe", "*", "http", "nonce", "sha256"} {
		if strings.Contains(policy, bad) {
			t.Errorf("the policy says %s: %s", bad, policy)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestDataMayLoadNothingAndBeFramedByNobody(t *testing.T) {
	for _, path := range []string{"/api/decide", "/v1/batch"} {
		w := httptest.NewRecorder()
		page.Secure(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestTheFrameHoldsNoScriptOrStyleOfItsOwn(t *testing.T) {
	s := set(t, "<p>x</p>", "{}")
	for _, live := range []bool{false, true} {
		w := shown(s, page.Frame{Title: "T", Lang: "en", Live: live, SignedIn: "you", SignOut: "/out", Notice: "n", Nav: []page.Link{{Text: "a", Href: "/"}}})
		html := w.Body.String()
		if m := regexp.MustCompile(`<style|style=|\son[a-z]+=|<script>|<script [^>]*>[^<]|javascript:`).FindString(html); m != "" {
			t.Errorf("the frame holds %q", m)
		}
		if strings.Contains(html, "<script") != live {
			t.Errorf("live %v, and a script: %v", live, !live)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Error("a page may be kept")
		}
		if live && !strings.Contains(html, `"includeIndicatorStyles":false,"allowEval":false`) {
			t.Error("htmx may evaluate text or write styles")
		}
	}
}

func TestAFailureIsOneSentenceInTheReadersLanguage(t *testing.T) {
	s := set(t, "x", "no-such: {en: We do not have that., fr: Nous n'avons pas cela.}\n")
	for _, c := range []struct {
		lang   string
		err    error
		status int
		want   string
	}{
		{"en", fault.New(fault.NotFound, "We do not have that."), 404, "We do not have that."},
		{"fr", fault.New(fault.NotFound, "We do not have that."), 404, "Nous n&#39;avons pas cela."},
		{"fr", fault.New(fault.NotFound, "Never translated."), 404, "Vérifiez l&#39;adresse."},
		{"en", errors.New("disk sda1 burns"), 500, "Something went wrong"},
		{"fr", errors.New("disk sda1 burns"), 500, "Une erreur"},
		{"en", fault.New(fault.Refused, "Ask an admin."), 403, "This is not open to you"},
	} {
		w := httptest.NewRecorder()
		s.Fail(w, httptest.NewRequest("GET", "/", nil), page.Frame{Lang: c.lang, Body: 7}, c.err)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%v in %s gave %d:\n%s", c.err, c.lang, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "sda1") {
			t.Error("the cause of an error is on the page")
		}
	}
}

func TestAPageThatDoesNotRenderSaysSoAndNoMore(t *testing.T) {
	w := shown(set(t, "before{{.Body.Missing}}", "{}"), page.Frame{Lang: "en", Body: struct{}{}})
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "before") || strings.Contains(w.Body.String(), "template") {
		t.Errorf("it gave %d: %s", w.Code, w.Body)
	}
}

func TestAssets(t *testing.T) {
	html := shown(set(t, "x", "{}"), page.Frame{Lang: "en", Live: true}).Body.String()
	all := regexp.MustCompile(`/assets/[^"]+`).FindAllString(html, -1)
	if len(all) != 3 {
		t.Fatalf("the page names %v", all)
	}
	total := len(html)
	for _, address := range all {
		r := httptest.NewRequest("GET", address, nil)
		plain := httptest.NewRecorder()
		page.Assets().ServeHTTP(plain, r)
		if plain.Code != 200 || !strings.Contains(plain.Header().Get("Cache-Control"), "immutable") || plain.Body.Len() == 0 {
			t.Errorf("%s gave %d, %s", address, plain.Code, plain.Header().Get("Cache-Control"))
		}
		total += plain.Body.Len()
		packed := httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", "gzip, br")
		page.Assets().ServeHTTP(packed, r)
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		if un, err := io.ReadAll(z); err != nil || string(un) != plain.Body.String() {
			t.Errorf("%s comes out of its packing differently (%v)", address, err)
		}
	}
	if total > 80<<10 {
		t.Errorf("the frame and its assets weigh %d bytes: too little is left for the page", total)
	}
	w := httptest.NewRecorder()
	page.Assets().ServeHTTP(w, httptest.NewRequest("GET", "/assets/../page.go", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a file that is no asset gave %d", w.Code)
	}
	w = httptest.NewRecorder()
	page.Assets().ServeHTTP(w, httptest.NewRequest("GET", "/assets/rapport.css?v=old", nil))
	if strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Error("an older address of an asset is kept for ever")
	}
}

func TestTheFramesOwnWords(t *testing.T) {
	words := page.ReadWords(os.DirFS("."))
	for key, by := range words {
		for _, lang := range page.Languages {
			if by[lang] == "" {
				t.Errorf("%s has no text in %q", key, lang)
			}
		}
	}
	for _, code := range []fault.Code{fault.Conflict, fault.Invalid, fault.NotFound, fault.Refused, fault.Unauthorised, fault.TooLarge, fault.TooMany, fault.Unavailable, fault.Internal} {
		for _, key := range []string{"frame.failed.", "frame.failed.general."} {
			if words[key+string(code)] == nil {
				t.Errorf("there is no %s%s", key, code)
			}
		}
	}
}

func TestFaultsOfWordsAreFound(t *testing.T) {
	const fine = "a: {en: A, fr: B}\n"
	for _, c := range []struct{ html, words, want string }{
		{`{{t "a"}}`, fine, ""},
		{`{{t "a"}} {{t "b"}}`, fine, `uses the key "b"`},
		{`{{t "a"}}`, fine + "c: {en: C, fr: D}\n", `"c" is used nowhere`},
		{`{{t "a"}}`, "a: {en: A}\n", `no text in "fr"`},
		{`{{t "a" 1}}`, "a: {en: 'A {0}', fr: B}\n", "other places"},
		{`{{t "a"}}<p>Bare prose</p>`, fine, `says "Bare prose"`},
		{`{{t "a"}}<p aria-label="Bare">x</p>`, fine, `says "Bare"`},
		{`{{t "a"}}<p class="fine"><code>curl</code> &nbsp; · Rapport</p>`, fine, ""},
		{`{{tn "n" 2}}`, "n.one: {en: A, fr: B}\n", `uses the key "n.many"`},
		{`{{t (print "said." .X)}}`, "said.x: {en: A, fr: B}\n", ""},
		{`{{t (print "said." .X)}}`, "{}", `uses the key "said.*"`},
	} {
		faults, err := pagetest.Faults(folder("one.html", c.html, "words.yaml", c.words))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(faults, "; ")
		if c.want == "" && got != "" || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("%s with %q: %q, want %q", c.html, c.words, got, c.want)
		}
	}
	if faults, err := pagetest.Faults(folder("one.html", `x`, "words.yaml", "said.x: {en: A, fr: B}\n"), "said.*"); err != nil || len(faults) > 0 {
		t.Errorf("keys of the door's code: %v %v", faults, err)
	}
}
