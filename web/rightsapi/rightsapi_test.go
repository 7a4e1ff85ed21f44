package rightsapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/trust/vault"
)

func TestADoorForgetsTheOneWhoIsNamed(t *testing.T) {
	type asked struct {
		kind        vault.IdentifierKind
		value, name string
		now         bool
	}
	var got []asked
	api := New(Config{Erase: func(_ context.Context, kind vault.IdentifierKind, value, actor, role string, now bool) ([]byte, error) {
		got = append(got, asked{kind, value, actor + "/" + role, now})
		if value == "nobody" {
			return nil, fault.New(fault.NotFound, "Nobody is found by that.")
		}
		return []byte("signed\n"), nil
	}})
	privacy := access.Principal{Role: access.Privacy, Name: "ann", Rate: 1000}
	knock := func(p access.Principal, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		api.Handlers()["POST /api/rights/erase"](w, httptest.NewRequest(http.MethodPost, "/api/rights/erase", strings.NewReader(body)), p)
		return w
	}
	for body, want := range map[string]asked{
		`{"person":{"userId":"7"}}`:                            {vault.UserID, "7", "ann/privacy", false},
		`{"person":{"anonymousId":"d"},"now":true}`:            {vault.AnonymousID, "d", "ann/privacy", true},
		`{"person":{"email":"a@b.example"},"something":"new"}`: {vault.Email, "a@b.example", "ann/privacy", false},
		`{"person":{"phone":"+44 20 7946 0000"}}`:              {vault.Phone, "+44 20 7946 0000", "ann/privacy", false},
	} {
		got = nil
		if w := knock(privacy, body); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"certificate":"signed\n"`) || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %d %s, %v", body, w.Code, w.Body, got)
		}
	}
	got = nil
	for body, want := range map[string]int{
		``: 400, `{}`: 400, `[]`: 400, `{"person":{}}`: 400, `{"person":"7"}`: 400, `{"person":{"userId":"7","email":"a@b"}}`: 400, `{"person":{"userId":7}}`: 400,
		`{"person":{"userId":"a\u0000b"}}`: 400, `{"person":{"userId":"` + strings.Repeat("x", 513) + `"}}`: 400, `{"person":{"userId":"7"},"now":"yes"}`: 400,
		`{"person":{"userId":"` + strings.Repeat("x", 20<<10) + `"}}`: 413,
	} {
		w := knock(privacy, body)
		if w.Code != want || len(got) > 0 {
			t.Errorf("%.60s: %d, and %d were forgotten", body, w.Code, len(got))
		}
		if strings.Contains(w.Body.String(), "a@b") || strings.Contains(w.Body.String(), "xxxx") {
			t.Errorf("the answer repeats what was sent: %s", w.Body)
		}
	}
	if w := knock(privacy, `{"person":{"userId":"nobody"}}`); w.Code != http.StatusNotFound {
		t.Errorf("nobody: %d", w.Code)
	}
	got = nil
	for _, role := range []access.Role{access.Anyone, access.Admin, access.Agent, access.Decide, access.Customer, access.Source} {
		if w := knock(access.Principal{Role: role, Name: "eve", Rate: 1000}, `{"person":{"userId":"7"}}`); w.Code != http.StatusForbidden || len(got) > 0 {
			t.Errorf("%s: %d", role, w.Code)
		}
	}
	slow := access.Principal{Role: access.Privacy, Name: "bob", Key: [32]byte{1}}
	code := 0
	for range burst + 1 {
		code = knock(slow, `{"person":{"userId":"7"}}`).Code
	}
	if code != http.StatusTooManyRequests {
		t.Errorf("a hundred a second: %d", code)
	}
}
