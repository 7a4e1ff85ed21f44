package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/web/page"
)

// FuzzReadForm reads what claims to be a form of ours: what is taken was all understood, said once, in text, and in the body; what is not taken is not repeated.
func FuzzReadForm(f *testing.F) {
	for _, body := range []string{"answer=yes&purpose=personalise", "answer=yes&answer=no", "answer=yes&%61nswer=no", "off=a&off=b", "answer=yes;answer=no", "answer=%zz", "answer=%ff", "answer=yes%00", "charter=a%0d%0a%09b", "=", "answer", "answer=" + strings.Repeat("x", 600), "", "Zaphod=%z"} {
		f.Add(body, "answer=yes", "application/x-www-form-urlencoded")
		f.Add(body, "", "multipart/form-data; boundary=x")
	}
	f.Add("answer=no", "%zz", "application/x-www-form-urlencoded; charset=utf-16")
	f.Fuzz(func(t *testing.T, body, query, kind string) {
		r := httptest.NewRequest(http.MethodPost, "/trust/choose", strings.NewReader(body))
		r.URL.RawQuery, r.Header["Content-Type"] = query, []string{kind}
		if err := page.ReadForm(httptest.NewRecorder(), r, 512, "off"); err != nil {
			if code, says := fault.Of(err); code != fault.Invalid || strings.Contains(says+err.Error(), "Zaphod") {
				t.Fatal(code, says)
			}
			return
		}
		said, err := url.ParseQuery(body)
		if len(r.Form) > 0 && (err != nil || len(body) > 512) {
			t.Fatalf("%q is taken: %v", body, err)
		}
		for name := range r.Form {
			if got := r.FormValue(name); got != said.Get(name) || !utf8.ValidString(got) || strings.Contains(got, "\x00") || name != "off" && len(said[name]) != 1 {
				t.Fatalf("%q of %q is %q", name, body, got)
			}
		}
		if r.FormValue("answer") != "" && !said.Has("answer") {
			t.Fatal("the address answers")
		}
	})
}
