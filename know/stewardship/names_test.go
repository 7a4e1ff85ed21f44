package stewardship

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestThePairsNameNamesNobody seals two pseudonyms into the name of a pair: it is stable, it is read back, it holds neither, and another home's or a changed one leads
// nowhere.
func TestThePairsNameNamesNobody(t *testing.T) {
	made := func() *Steward {
		v, err := vault.Create(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return &Steward{Vault: v}
	}
	s, other := made(), made()
	a, b := person.NewID(), person.NewID()
	id := s.names().seal(a, b)
	if id != s.names().seal(a, b) || id == s.names().seal(b, a) || id == other.names().seal(a, b) {
		t.Error("a pair has another name each time, or a name is two pairs'")
	}
	if x, y, ok := s.names().open(id); !ok || x != a || y != b {
		t.Error("its name does not lead to it")
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(id, mark))
	if err != nil || strings.Contains(string(raw), string(a[:])) || strings.Contains(string(raw), string(b[:])) || strings.ContainsAny(id, "/+=") {
		t.Errorf("%s: %v", id, err)
	}
	for range 500 { // one in 64 would begin with a dash, and no command could be told it
		if id := s.names().seal(person.NewID(), person.NewID()); strings.HasPrefix(id, "-") {
			t.Fatalf("%s reads as a flag", id)
		}
	}
	for i := range id {
		if _, _, ok := s.names().open(id[:i] + "A" + id[i+1:]); ok && id[i] != 'A' {
			t.Fatalf("changed at %d it leads somewhere", i)
		}
	}
	for _, bad := range []string{"", "x", "!!", id + id, strings.Repeat("A", 64)} {
		if _, _, ok := s.names().open(bad); ok {
			t.Errorf("%q leads somewhere", bad)
		}
	}
	if _, _, ok := other.names().open(id); ok {
		t.Error("another home reads it")
	}
}

// FuzzPairName opens names of pairs as they come in a URL: only a name that was made here leads to a pair, in the one spelling that was given out.
func FuzzPairName(f *testing.F) {
	v, err := vault.Create(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	s := &Steward{Vault: v}
	id := s.names().seal(person.ID{1}, person.ID{2})
	for _, name := range []string{id, id + "\n", id[:20] + "\r\n" + id[20:], id + "=", id[:len(id)-1], strings.TrimPrefix(id, mark), mark + id, mark, "", strings.ToUpper(id)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		a, b, ok := s.names().open(name)
		if ok && s.names().seal(a, b) != name {
			t.Fatalf("%q leads to the pair of another name", name)
		}
		if !ok && (!a.IsZero() || !b.IsZero() || name == id) {
			t.Fatalf("%q leads nowhere, to %v and %v", name, a, b)
		}
	})
}
