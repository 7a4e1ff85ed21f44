package vault

import (
	"errors"
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	v := newVault(t, Region("GB"))
	for _, tc := range []struct {
		kind     IdentifierKind
		in, want string // want empty: refused
	}{
		{UserID, "13085", "13085"},
		{UserID, " 13085 ", " 13085 "},
		{UserID, "Ab", "Ab"},
		{UserID, "e\u0301", "\u00e9"},
		{UserID, "", ""},
		{UserID, "a\x00b", ""},
		{UserID, "\xff", ""},
		{UserID, strings.Repeat("x", 512), strings.Repeat("x", 512)},
		{UserID, strings.Repeat("x", 513), ""},
		{AnonymousID, "A-b", "A-b"},
		{ClaimedUser, "web\x1f7", "web\x1f7"},
		{Email, "  Jane@Example.COM ", "jane@example.com"},
		{Email, "jane", ""},
		{Email, "@x", ""},
		{Email, "x@", ""},
		{Email, "   ", ""},
		{Phone, "020 7946 0958", "+442079460958"},
		{Phone, "+44 20 7946 0958", "+442079460958"},
		{Phone, "ext. 12345", "12345"},
		{Phone, "12", ""},
		{Phone, "none", ""},
		{"passport", "1", ""},
		{"", "1", ""},
	} {
		got, err := v.Normalise(tc.kind, tc.in)
		if got != tc.want || (err == nil) != (tc.want != "") || (err != nil && !errors.Is(err, ErrIdentifier)) {
			t.Errorf("%s: %q, %v; want %q", tc.kind, got, err, tc.want)
		}
		if _, berr := v.Blind(tc.kind, tc.in); (berr == nil) != (err == nil) {
			t.Errorf("Blind and Normalise disagree on a %s", tc.kind)
		}
	}
}

func TestBlindsAreKeyedAndByKind(t *testing.T) {
	v, w := newVault(t), newVault(t)
	seen := map[Blind]bool{}
	for _, b := range []Blind{
		blindOf(t, v, UserID, "a@b"), blindOf(t, v, AnonymousID, "a@b"), blindOf(t, v, ClaimedUser, "a@b"),
		blindOf(t, v, Email, "a@b"), blindOf(t, w, UserID, "a@b"), blindOf(t, v, UserID, "a@c"),
	} {
		if seen[b] || b == (Blind{}) {
			t.Fatal("two identifiers have one blind")
		}
		seen[b] = true
	}
	if blindOf(t, v, Email, "A@B ") != blindOf(t, v, Email, "a@b") {
		t.Fatal("e-mail addresses are compared in lower case")
	}
}

func blindOf(t *testing.T, v *Vault, kind IdentifierKind, value string) Blind {
	t.Helper()
	b, err := v.Blind(kind, value)
	must(t, err)
	return b
}

func TestRowNamesShareTheirFirstHalf(t *testing.T) {
	v := newVault(t)
	a, b, c, d := v.Name(FactRow, "diet", "web"), v.Name(FactRow, "diet", "tills"), v.Name(FactRow, "age", "web"), v.Name(ChoiceRow, "diet", "web")
	if [8]byte(a[:8]) != [8]byte(b[:8]) || a == b {
		t.Fatal("rows of one name share the first half only")
	}
	if [8]byte(a[:8]) == [8]byte(c[:8]) || [8]byte(a[:8]) == [8]byte(d[:8]) {
		t.Fatal("other names and kinds have other first halves")
	}
	if v.NameHalf(FactRow, "diet") != [8]byte(a[:8]) {
		t.Fatal("a sweep would not find the row")
	}
	if v.Name(ReceiptRow, "a", "b") == v.Name(1, "a", "b") {
		t.Fatal("kinds share names")
	}
}
