package rightsapi

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/jsontest"
)

// FuzzErase sends bodies to the door by which people are forgotten for good: nobody is forgotten who was not named, alone and to the letter, and no answer repeats what was sent.
func FuzzErase(f *testing.F) {
	for _, body := range []string{`{"person":{"userId":"Zaphod"}}`, `{"person":{"email":"zaphod@shop.example"},"now":true}`, `{"person":{"phone":"+44 20 7946 0000"},"new":{"userId":""}}`, `{"person":{"userId":"7","userId":"Zaphod"}}`, `{"person":{"userId":"7"},"person":{"userId":"Zaphod"}}`,
		`{"person":{"userId":"7"},"person":{"email":"Zaphod"}}`, `{"person":{"userId":"7","email":"Zaphod"}}`, `{"person":{"USERID":"Zaphod"}}`, `{"person":{"userId":"Zaphod","userid":""}}`, "{\"person\":{\"userId\":\"Zaphod\xff\"}}", `{"person":{"userId":"Zaphod\ud800"}}`, `{"person":{"userId":"Zaphod"}}{"person":{"userId":"7"}}`, `{"person":{"userId":"Zaphod"}} x`,
		`{"person":null,"userId":"Zaphod"}`, `[{"person":{"userId":"Zaphod"}}]`, `{"person":{"userId":"` + strings.Repeat("Zaphod", 90) + `"}}`, `{"person":{"userId":"Za\u0000phod"}}`, `"Zaphod`, ``, `{"person":{"userId":"7"},"now":"Zaphod"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		type asked struct {
			kind  vault.IdentifierKind
			value string
		}
		var got []asked
		api := New(Config{Erase: func(_ context.Context, kind vault.IdentifierKind, value, _, _ string, _ bool) ([]byte, error) {
			got = append(got, asked{kind, value})
			return []byte("signed\n"), nil
		}})
		w := httptest.NewRecorder()
		api.Handlers()[EraseDoor.Key()](w, httptest.NewRequest(http.MethodPost, "/api/rights/erase", bytes.NewReader(body)), access.Principal{Role: access.Privacy, Name: "ann", Rate: 1000})
		if strings.Contains(strings.ToLower(w.Body.String()), "zaphod") {
			t.Fatalf("the answer repeats what was sent: %s", w.Body)
		}
		n, last := 0, ""
		err := jsontest.Texts(body, func(path, text string) {
			switch path {
			case "/person/userId", "/person/anonymousId", "/person/email", "/person/phone":
				if text != "" {
					n, last = n+1, text
				}
			}
		})
		switch {
		case len(got) == 0:
			if w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
				t.Fatalf("nobody is forgotten, and the answer is %d", w.Code)
			}
		case len(got) > 1 || w.Code != http.StatusOK:
			t.Fatalf("%d are forgotten, and the answer is %d", len(got), w.Code)
		case err != nil || n != 1:
			t.Fatalf("%d are named, and somebody is forgotten: %s", n, body)
		case got[0].value != last || !utf8.Valid(body) || len(last) > mostValue:
			t.Fatalf("%q is forgotten, and %q was named", got[0].value, last)
		}
	})
}
