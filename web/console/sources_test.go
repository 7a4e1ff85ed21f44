package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
)

const dayLong person.Instant = 86_400_000_000

// fakeTokens are tokens of which a test says what they are.
type fakeTokens struct {
	all     []access.Token
	made    []NewToken
	revoked []string
}

func (f *fakeTokens) All(context.Context) ([]access.Token, error) { return f.all, nil }

func (f *fakeTokens) Make(_ context.Context, t NewToken) (string, error) {
	if t.Name == "moon" {
		return "", fault.New(fault.Invalid, "The charter names no source moon.")
	}
	f.made = append(f.made, t)
	return "rap_once_only", nil
}

func (f *fakeTokens) Revoke(_ context.Context, name string) error {
	f.revoked = append(f.revoked, name)
	return nil
}

// form posts a form to the console as a role.
func form(t *testing.T, f *fakeTokens, key, as string, values url.Values, headers ...string) (int, string) {
	t.Helper()
	ch := retail(t)
	shelf := catalogue.NewShelf([]catalogue.Item{
		{Item: charter.Item{ID: "b1", Name: "Bread", Department: "Bakery", Tags: []string{"fresh"}}},
		{Item: charter.Item{ID: "k1", Name: "Kit", Type: "PREGNANCY TEST KITS"}, Until: 8 * dayLong},
		{Item: charter.Item{ID: "x9"}, Bare: true},
	}, ch, 1)
	return visit(t, Config{Charter: func() *charter.Charter { return ch }, Home: &fakeHome{}, Tokens: f, Shelf: func() *catalogue.Shelf { return shelf },
		Clock: func() person.Instant { return 9 * dayLong }}, key, as, values, headers...)
}

func TestTokensAreForAdmins(t *testing.T) {
	f := &fakeTokens{all: []access.Token{{Role: access.Decide, Name: "website", Placements: []string{"home"}}, {Role: access.Source, Name: "tills", Revoked: 2 * dayLong}, {Role: access.Marketer, Name: "old", Expires: 3 * dayLong}}}
	for _, role := range []string{"marketer", "agent", "privacy"} {
		code, body := form(t, f, "GET /console/sources", role, nil)
		if code != http.StatusOK {
			t.Errorf("%s: %d", role, code)
		}
		holds(t, body, "made and revoked by an admin", "signup")
		holdsNot(t, body, "website", `action="/console/tokens"`)
		for _, act := range []string{"POST /console/tokens", "POST /console/tokens/revoke"} {
			if code, _ := form(t, f, act, role, url.Values{"role": {"decide"}, "name": {"website"}}); code != http.StatusForbidden {
				t.Errorf("%s as %s: %d", act, role, code)
			}
		}
	}
	if code, _ := form(t, f, "POST /console/tokens", "admin", url.Values{"role": {"decide"}, "name": {"a"}}, "Elsewhere", "yes"); code != http.StatusForbidden {
		t.Errorf("another site's form: %d", code)
	}
	if len(f.made)+len(f.revoked) > 0 {
		t.Fatalf("%v were made and %v revoked by others than admins", f.made, f.revoked)
	}

	_, body := form(t, f, "GET /console/sources", "admin", nil)
	holds(t, body, "website", "good", "revoked 3 January 1970", "ended 4 January 1970")
	if n := strings.Count(body, `action="/console/tokens/revoke"`); n != 1 {
		t.Errorf("%d tokens can be revoked, and one is good", n)
	}
	_, body = form(t, f, "POST /console/tokens", "admin", url.Values{"role": {"source"}, "source": {"tills"}, "name": {"ignored"}, "days": {"90"}, "attest": {"yes"}, "placement": {"home", "basket"}})
	holds(t, body, "rap_once_only", "nobody can read it again", `name="back" value="/console/sources"`, `href="/console/sources" aria-current="page"`)
	want := NewToken{Role: "source", Name: "tills", Placements: []string{"home", "basket"}, Attest: true, Days: 90}
	if len(f.made) != 1 || f.made[0].Name != want.Name || f.made[0].Role != want.Role || f.made[0].Days != 90 || !f.made[0].Attest || f.made[0].Explain || !slices.Equal(f.made[0].Placements, want.Placements) {
		t.Errorf("%+v was made, not %+v", f.made, want)
	}
	for name, status := range map[string]int{"": http.StatusBadRequest, "moon": http.StatusBadRequest, strings.Repeat("a", 101): http.StatusBadRequest} {
		code, body := form(t, f, "POST /console/tokens", "admin", url.Values{"role": {"decide"}, "name": {name}})
		if code != status || strings.Contains(body, "rap_once_only") {
			t.Errorf("a token named %q: %d", name, code)
		}
	}
	form(t, f, "POST /console/tokens/revoke", "admin", url.Values{"name": {"website"}})
	if !slices.Equal(f.revoked, []string{"website"}) {
		t.Errorf("revoked: %v", f.revoked)
	}
}

func TestTheCatalogueIsSearched(t *testing.T) {
	_, body := form(t, nil, "GET /console/catalogue", "marketer", nil)
	holds(t, body, "3 items can be decided on", "Bread", "Kit", "health", "not to be had today", "known by its id alone")
	for q, want := range map[string]string{"bread": "Bread", "BAKERY fresh": "Bread", "k1": "Kit"} {
		_, body := form(t, nil, "GET /console/catalogue?q="+url.QueryEscape(q), "agent", nil)
		holds(t, body, ">"+want+"<br>", "One item")
	}
	_, body = form(t, nil, "GET /console/catalogue?q=bread+kit", "admin", nil)
	holds(t, body, "No item has these words")
}
