package trustcentre

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzForms sends forms as a person's browser would, and as it would not: nothing is done that was not said, wholly and once; every answer is a page or the way to one of
// ours, and none repeats what was refused.
func FuzzForms(f *testing.F) {
	for i, body := range []string{"answer=yes&purpose=personalise&charter=3", "fact=name&value=Zaphod&purpose=personalise&answer=no", "fact=name&value=Ann&says=wrong", "fact=name", "on=yes", "decision=dec_1&item=b&kind=too-personal",
		"answer=yes&answer=no&purpose=personalise", "fact=Zaphod&fact=name", "says=Zaphod", "on=no;on=yes", "decision=../..//evil.example&kind=Zaphod", "answer=%zz", "charter=4&answer=yes"} {
		f.Add(uint8(i), body)
	}
	self := &fakeSelf{}
	mux, _ := centre(f, self)
	doors := []string{"/trust/choose", "/trust/correct", "/trust/judge", "/trust/remove", "/trust/restrict", "/trust/feedback"}
	f.Fuzz(func(t *testing.T, door uint8, body string) {
		self.did = nil
		r := httptest.NewRequest(http.MethodPost, doors[int(door)%len(doors)], strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("In", "1")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		to, page := w.Result().Header.Get("Location"), w.Body.String()
		said, err := url.ParseQuery(body)
		switch {
		case w.Code == http.StatusSeeOther:
			if there, err := r.URL.Parse(to); err != nil || there.Host != r.URL.Host || !strings.HasPrefix(there.Path, "/trust") || there.Query().Get("said") == "" {
				t.Fatalf("%q leads to %q", body, to)
			}
		case w.Code < 400 || w.Code >= 500 || len(self.did) > 0 || strings.Contains(page, "Zaphod"):
			t.Fatalf("%q: %d, did %q", body, w.Code, self.did)
		}
		for _, did := range self.did {
			once := func(name string) string {
				if err != nil || len(said[name]) > 1 {
					t.Fatalf("%q does %q: %v", body, did, err)
				}
				return said.Get(name)
			}
			want := map[string]string{
				"choose":   fmt.Sprintf("choose %s %v", once("purpose"), once("answer") == "yes"),
				"correct":  fmt.Sprintf("correct %s=%s", once("fact"), once("value")),
				"judge":    fmt.Sprintf("judge %s=%s %v", once("fact"), once("value"), once("says") == "right"),
				"remove":   "remove " + once("fact"),
				"restrict": fmt.Sprintf("restrict %v", once("on") == "yes"),
				"feedback": fmt.Sprintf("feedback %s %s %s", once("decision"), once("item"), once("kind")),
			}
			what, _, _ := strings.Cut(did, " ")
			yes := map[string]string{"choose": "answer", "judge": "says", "restrict": "on"}[what]
			if answer := said.Get(yes); did != want[what] || yes != "" && answer != "yes" && answer != "no" && answer != "right" && answer != "wrong" {
				t.Fatalf("%q does %q", body, did)
			}
		}
	})
}
