package decideapi

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/access"
)

// FuzzAnswers sends what pages and servers say of a decision to the three doors that take it: nobody without a token is heard but with the decision's own, what is passed on is short
// and can be shown, and no answer repeats what was sent.
func FuzzAnswers(f *testing.F) {
	d := newDoor(f)
	d.spy.name = "c1"
	name := decide.ID{1, 2, 3}.String()
	for which := range byte(6) {
		for _, body := range []string{`{"decision":"` + name + `","item":"Zaphod","kind":"not-for-me","feedback":"good"}`, `{"decision":"` + name + `","items":["Zaphod","b"],"feedback":"good"}`, `{"decision":"` + name + `","feedback":"Zaphod"}`, `{"decision":"Zaphod","feedback":"good"}`,
			`{"decision":"` + strings.ToUpper(name) + `","feedback":"good"}`, `{"decision":"` + name + `\n","feedback":"good"}`, `{"decision":"` + name + `","feedback":"good","feedback":"Zaphod"}`, `{"decision":"` + name + `","items":["Zaphod\u0000"],"feedback":"good"}`,
			`{"person":{"userId":"Zaphod"},"complaint":"late","state":"open"}`, `{"person":{"userId":"Zaphod"},"state":"Zaphod"}`, `{"person":{"userId":"Zaphod","userId":"7"}}`, "{\"person\":{\"email\":\"Zaphod\xff\"}}", `{"complaint":"` + strings.Repeat("Zaphod", 100) + `"}`, `"Zaphod`, `{}`, ``} {
			f.Add(which, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		path := []string{"/api/shown", "/api/feedback", "/api/complaints"}[which%3]
		stranger := which/3%2 == 1 && path != "/api/complaints"
		d.who = access.Principal{Role: access.Decide, Name: "shop", Placements: []string{"home"}}
		if stranger {
			d.who = access.Principal{}
		}
		d.t = t
		d.now += 60_000_000 // no rate is used up
		w := d.call("POST", path, string(body))
		if strings.Contains(w.Body.String(), "Zaphod") {
			t.Fatalf("%s repeats what was sent: %s", path, w.Body)
		}
		if (w.Code == 200) != (d.spy.called != "") || w.Code != 200 && w.Code != 400 && w.Code != 401 && w.Code != 413 {
			t.Fatalf("%s answers with %d after %q", path, w.Code, d.spy.called)
		}
		if d.spy.called == "" {
			return
		}
		if !utf8.Valid(body) || stranger && !bytes.Contains(body, []byte("good")) && !bytes.Contains(body, []byte(`\u`)) {
			t.Fatalf("%s takes %q", path, body)
		}
		var texts []string
		switch d.spy.called {
		case "Shown":
			texts = d.spy.items
		case "Feedback":
			a := d.spy.answer
			texts = []string{a.Item, a.Source}
			if id, err := decide.ParseID(a.Decision.String()); err != nil || id != a.Decision || stranger && !a.As.Any {
				t.Fatalf("%+v", a)
			}
		case "Complain":
			texts = []string{d.spy.who.UserID, d.spy.who.AnonymousID, d.spy.who.Email, d.spy.who.Phone}
		}
		for _, s := range texts {
			if !plain(s, longID) {
				t.Fatalf("%s passes %q on", path, s)
			}
		}
	})
}

// FuzzDecisionID reads names of decisions as they stand in a path: each has one spelling.
func FuzzDecisionID(f *testing.F) {
	name := decide.ID{1, 2, 3}.String()
	for _, s := range []string{name, name + "\n", name[:9] + "\r\n" + name[9:], strings.ToUpper(name), name + "=", name[:len(name)-1], "dec_", "dec_" + name, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := decide.ParseID(s); err == nil && id.String() != s || err != nil && (err != decide.ErrID || s == name) {
			t.Fatalf("%q is read as %q, %v", s, id, err)
		}
	})
}
