package rightsapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

// texts gives every text in a JSON document by its path, as often as it stands there: the reader that this one checks tells of each name once.
func texts(body []byte, found func(path, text string)) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value func(path string) error
	value = func(path string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if text, ok := token.(string); ok {
			found(path, text)
		}
		for open := token; (open == json.Delim('{') || open == json.Delim('[')) && d.More(); {
			name := "-"
			if open == json.Delim('{') {
				key, err := d.Token()
				if err != nil {
					return err
				}
				name = key.(string)
			}
			if err := value(path + "/" + name); err != nil {
				return err
			}
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			_, err = d.Token()
		}
		return err
	}
	if err := value(""); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one document")
	}
	return nil
}

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
		err := texts(body, func(path, text string) {
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
