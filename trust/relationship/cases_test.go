package relationship

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

func testCharter(t testing.TB) *charter.Charter {
	t.Helper()
	src, err := os.ReadFile("testdata/charter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := charter.Parse(src)
	if c == nil {
		t.Fatal(problems)
	}
	return c
}

func parseDay(s string) (person.Instant, error) {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return person.At(t), nil
		}
	}
	return 0, fmt.Errorf("%q is no date", s)
}

type levelCase struct {
	Name       string
	Lang       string
	Visits     []string
	Told       int
	Complaints []string
	Feedback   []string
	OptOuts    []string `yaml:"opt-outs"`
	At         string
	Expect     struct {
		Level, Reached, Because, Next *string
		Days, Told                    *int
		Strained                      *[]string
	}
}

func evidence(k levelCase) (e Evidence, at person.Instant, err error) {
	e.ToldUs = k.Told
	day := func(s string) (i person.Instant) {
		var bad error
		if i, bad = parseDay(s); bad != nil {
			err = bad
		}
		return i
	}
	for _, v := range k.Visits {
		var n int
		var from, to string
		if c, _ := fmt.Sscanf(v, "%d from %s to %s", &n, &from, &to); c == 3 {
			a, b := day(from), day(to)
			for i := range n {
				e.Contacts = append(e.Contacts, a+(b-a)*person.Instant(i)/person.Instant(n-1))
			}
			continue
		}
		e.Contacts = append(e.Contacts, day(v))
	}
	for _, c := range k.Complaints {
		opened, closed, over := strings.Cut(c, " to ")
		x := person.Complaint{Opened: day(opened)}
		if over {
			x.Closed = day(closed)
		}
		e.Complaints = append(e.Complaints, x)
	}
	for _, f := range k.Feedback {
		kind, on, _ := strings.Cut(f, " ")
		if !person.FeedbackKind(kind).Valid() {
			err = fmt.Errorf("%q is no feedback", kind)
		}
		e.Feedback = append(e.Feedback, person.Feedback{Kind: person.FeedbackKind(kind), At: day(on)})
	}
	for _, o := range k.OptOuts {
		e.OptOuts = append(e.OptOuts, day(o))
	}
	return e, day(k.At), err
}

func TestLevelCases(t *testing.T) {
	c := testCharter(t)
	src, err := os.ReadFile("testdata/levels.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true) // a key that nobody knows is a fault of the file
	var cases []levelCase
	if err := d.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, k := range cases {
		if names[k.Name] || k.Name == "" {
			t.Errorf("the name %q is empty or taken", k.Name)
		}
		names[k.Name] = true
		t.Run(k.Name, func(t *testing.T) {
			e, at, err := evidence(k)
			if err != nil {
				t.Fatal(err)
			}
			got := Of(c, e, at, k.Lang)
			asserted := 0
			if x := k.Expect; true {
				text := func(what string, want *string, got string) {
					if want != nil {
						asserted++
						if got != *want {
							t.Errorf("%s:\n got %s\nwant %s", what, got, *want)
						}
					}
				}
				number := func(what string, want *int, got int) {
					if want != nil {
						asserted++
						if got != *want {
							t.Errorf("%s: %d, want %d", what, got, *want)
						}
					}
				}
				text("level", x.Level, got.Level.String())
				text("reached", x.Reached, got.Reached.String())
				text("because", x.Because, got.Because)
				text("next", x.Next, got.Next)
				number("days", x.Days, got.Days)
				number("told", x.Told, got.ToldUs)
				if x.Strained != nil {
					asserted++
					var words []string
					for _, s := range got.Strained {
						words = append(words, s.What)
					}
					if d := cmp.Diff(strings.Join(*x.Strained, " "), strings.Join(words, " ")); d != "" {
						t.Error(d)
					}
				}
			}
			if asserted == 0 {
				t.Error("the case asserts nothing")
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

func TestEveryLevelHasWords(t *testing.T) {
	for l := person.Stranger; l <= person.Confidant; l++ {
		if en, fr := Word(l, "en"), Word(l, "fr"); !strings.HasSuffix(en, l.String()) || en == fr || fr == "" {
			t.Errorf("%s: %q %q", l, en, fr)
		}
	}
}

func TestWithoutRulesEverybodyIsAStranger(t *testing.T) {
	e := Evidence{Contacts: []person.Instant{1, 2, 3}, ToldUs: 9}
	if got := Of(nil, e, 1<<50, "en"); got.Level != person.Stranger {
		t.Errorf("%+v", got)
	}
	if got := Of(&charter.Charter{}, e, 1<<50, "en"); got.Level != person.Stranger || got.Next != "nothing higher is offered" {
		t.Errorf("%+v", got)
	}
}

// What must hold of all evidence: order does not matter, later things do not matter, strain never raises, more never lowers.
func TestLevelRules(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		at := person.At(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
		when := func(what string) person.Instant {
			return at.Add(-time.Duration(rapid.IntRange(-24*100, 24*900).Draw(r, what)) * time.Hour)
		}
		e := Evidence{ToldUs: rapid.IntRange(0, 3).Draw(r, "told")}
		for range rapid.IntRange(0, 40).Draw(r, "visits") {
			e.Contacts = append(e.Contacts, when("visit"))
		}
		base := Of(c, e, at, "en")

		shuffled := e
		shuffled.Contacts = rapid.Permutation(e.Contacts).Draw(r, "order")
		if got := Of(c, shuffled, at, "en"); cmp.Diff(base, got) != "" {
			r.Fatalf("the order of visits matters: %s", cmp.Diff(base, got))
		}
		var past Evidence
		past.ToldUs = e.ToldUs
		for _, v := range e.Contacts {
			if v <= at {
				past.Contacts = append(past.Contacts, v)
			}
		}
		if got := Of(c, past, at, "en"); cmp.Diff(base, got) != "" {
			r.Fatalf("later visits matter: %s", cmp.Diff(base, got))
		}
		more := e
		more.Contacts = append(append([]person.Instant(nil), e.Contacts...), at-person.Instant(rapid.IntRange(0, 1000).Draw(r, "ago")))
		if got := Of(c, more, at, "en"); got.Level < base.Level {
			r.Fatal("a visit lowered the level")
		}
		strained := e
		strained.OptOuts = []person.Instant{when("opt-out")}
		strained.Complaints = []person.Complaint{{Opened: when("complaint")}}
		got := Of(c, strained, at, "en")
		if got.Level > base.Level || got.Level+1 < base.Level {
			r.Fatalf("strain moved %s to %s", base.Level, got.Level)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	c := testCharter(b)
	at := person.At(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	var e Evidence
	for i := range 100 {
		e.Contacts = append(e.Contacts, at.Add(-time.Duration(100-i)*48*time.Hour))
	}
	b.ReportAllocs()
	for b.Loop() {
		Of(c, e, at, "en")
	}
}
