package catalogue_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
)

func item(id, category string) catalogue.Item {
	return catalogue.Item{Item: charter.Item{ID: id, Category: category}}
}

// rules is a valid charter, with sensitive rules in the place of its own.
func rules(t *testing.T, rules ...string) *charter.Charter {
	t.Helper()
	src, err := os.ReadFile("../../charter/testdata/market.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatal(problems)
	}
	if len(c.Sensitive) == 0 {
		t.Fatal("the charter marks nothing: the test tests nothing")
	}
	purpose := c.Sensitive[0].Purpose
	text := regexp.MustCompile(`(?m)^items:.*\n(?:[ \t].*\n|\n)*`).ReplaceAllString(string(src), "")
	text += "\nitems:\n  sensitive:\n"
	for i, r := range rules {
		text += "    - {id: r" + string(rune('0'+i)) + ", where: \"" + r + "\", purpose: " + purpose + "}\n"
	}
	if c, problems = charter.Parse([]byte(text)); c == nil {
		t.Fatal(problems)
	}
	return c
}

func TestMarks(t *testing.T) {
	c := rules(t, "item.category == 'health'", "item.attributes['age'] == '18'")
	old := item("old", "games")
	old.Attributes = map[string]string{"age": "18"}
	young := item("young", "games")
	young.Attributes = map[string]string{"age": "3"}
	unsaid := item("unsaid", "health")
	s := catalogue.NewShelf([]catalogue.Item{young, unsaid, old}, c, 7)
	for id, want := range map[string][]string{
		"old": {"r1"}, "young": nil,
		"unsaid":  {"r0", "r1"}, // it has no age: the rule cannot be decided, and doubt marks
		"unknown": {"r0", "r1"}, // nobody knows what it is
	} {
		if d := cmp.Diff(want, s.Sensitive(id)); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
	if s.Version() != 7 {
		t.Error(s.Version())
	}
	if s = catalogue.NewShelf([]catalogue.Item{old}, nil, 1); s.Sensitive("old") != nil || s.Sensitive("unknown") != nil {
		t.Error("without rules something is marked")
	}
	c.Sensitive[0].Where = nil
	if got := catalogue.NewShelf([]catalogue.Item{young}, c, 1).Sensitive("young"); !slices.Equal(got, []string{"r0"}) {
		t.Error("a rule without a condition does not mark", got)
	}
}

func TestShelfIsASnapshotByID(t *testing.T) {
	in := []catalogue.Item{item("b", "1"), item("a", "1"), item("b", "2")}
	s := catalogue.NewShelf(in, nil, 1)
	in[0].Category, in[1].Category, in[2].Category = "x", "x", "x"
	if s.Len() != 2 || s.Item("a").Category != "1" || s.Item("b").Category != "2" || s.Index("b") != 1 || s.Index("c") != -1 || s.Item("c") != nil {
		t.Errorf("%+v", s.All())
	}
	for i, it := range s.All() {
		if s.Index(it.ID) != i {
			t.Error(it.ID)
		}
	}
}

func TestAvailable(t *testing.T) {
	none, one := 0, 1
	timed := item("timed", "")
	timed.From, timed.Until = 100, 200
	gone, there := item("gone", ""), item("there", "")
	gone.Stock, there.Stock = &none, &one
	s := catalogue.NewShelf([]catalogue.Item{timed, gone, there, item("plain", "")}, nil, 1)
	for _, c := range []struct {
		id   string
		at   person.Instant
		want bool
	}{
		{"plain", 0, true}, {"there", 1, true}, {"gone", 1, false},
		{"timed", 99, false}, {"timed", 100, true}, {"timed", 199, true}, {"timed", 200, false},
	} {
		if got := s.Available(s.Index(c.id), c.at); got != c.want {
			t.Errorf("%s at %d: %v", c.id, c.at, got)
		}
	}
	if s.Available(-1, 1) || s.Available(4, 1) {
		t.Error("what is not there is available")
	}
}
