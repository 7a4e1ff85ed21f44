package trustcentre

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/web/jsontest"
)

// FuzzLinkRequest reads what the brand's server sends to have somebody let in: whoever is let in is the only one that is named, to the letter, and no error repeats it.
func FuzzLinkRequest(f *testing.F) {
	for _, body := range []string{`{"person":{"userId":"Zaphod"},"attested":true}`, `{"person":{"anonymousId":"Zaphod"},"attested":false}`, `{"person":{"userId":"7","userId":"Zaphod"},"attested":true}`, `{"person":{"userId":"7"},"person":{"userId":"Zaphod"},"attested":true}`,
		`{"attested":false,"attested":true,"person":{"userId":"Zaphod"}}`, `{"person":{"userId":"7","anonymousId":"Zaphod"},"attested":true}`, `{"PERSON":{"USERID":"Zaphod"},"Attested":true}`, "{\"person\":{\"userId\":\"Zaphod\xff\"},\"attested\":true}", `{"person":{"userId":"Zaphod\ud800"}}`,
		`{"person":{"userId":"Zaphod"}} {}`, `{"person":{"userId":{"Zaphod":1}}}`, `{"person":"Zaphod"}`, `{"attested":"Zaphod"}`, `null`, ``, `{"new":{"a":[1e400]},"person":{"userId":"Zaphod"}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		kind, value, attested, err := readLink(body)
		if err != nil {
			if code, says := fault.Of(err); code != fault.Invalid || strings.Contains(says+err.Error(), "Zaphod") || kind != "" || value != "" || attested {
				t.Fatalf("%q %q %v, %v", kind, value, attested, err)
			}
			return
		}
		if value == "" || kind != vault.UserID && kind != vault.AnonymousID || !utf8.Valid(body) {
			t.Fatalf("%q %q", kind, value)
		}
		people := 0
		err = jsontest.Texts(body, func(path, text string) {
			if (path == "/person/userId" || path == "/person/anonymousId") && text != "" {
				if people++; text != value {
					t.Fatalf("%q is named and %q is meant", text, value)
				}
			}
		})
		if err != nil || people != 1 || attested && !bytes.Contains(body, []byte("attested")) && !bytes.Contains(body, []byte(`\u`)) {
			t.Fatalf("%d are named, %v: %s", people, err, body)
		}
	})
}
