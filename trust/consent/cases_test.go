package consent

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
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
	return c.Placed(1, 0)
}

// day is a date of a case.
type day person.Instant

func (d *day) UnmarshalYAML(n *yaml.Node) error {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, n.Value); err == nil {
			*d = day(person.At(t))
			return nil
		}
	}
	return fmt.Errorf("line %d: %q is no date", n.Line, n.Value)
}

func dayText(i person.Instant) string { return i.Time().Format("2006-01-02") }

func id(name string) person.ID {
	if name == "" {
		return person.ID{}
	}
	sum := sha256.Sum256([]byte(name))
	return person.ID(sum[:16])
}

// who reads "a" and "b joined 2026-01-20".
func who(t *testing.T, names []string) person.Person {
	t.Helper()
	var p person.Person
	for i, n := range names {
		name, rest, joined := strings.Cut(n, " joined")
		switch {
		case i == 0 && !joined:
			p.Root = id(name)
		case i > 0 && joined && rest == "":
			p.Also = append(p.Also, person.Join{ID: id(name)})
		case i > 0 && joined:
			at, err := time.Parse(" 2006-01-02", rest)
			if err != nil {
				t.Fatal(err)
			}
			p.Also = append(p.Also, person.Join{ID: id(name), At: person.At(at)})
		default:
			t.Fatalf("%q: the root first, then who joined it and when", n)
		}
	}
	return p
}

type said struct {
	Of       string
	Says     string
	Purpose  string
	At       day
	Received day
	Explicit bool
	Claimed  bool
	Signal   bool
	Charter  int
}

var answers = map[string]Answer{"unanswered": Unanswered, "no": No, "yes": Yes}

func choices(t *testing.T, purpose string, all []said) []Choice {
	t.Helper()
	var out []Choice
	for _, s := range all {
		a, ok := answers[s.Says]
		if !ok {
			t.Fatalf("%q is no answer", s.Says)
		}
		p := purpose
		if s.Purpose != "" {
			p = s.Purpose
		}
		received := s.Received
		if received == 0 {
			received = s.At
		}
		out = append(out, Choice{Of: id(s.Of), Purpose: p, Answer: a, At: person.Instant(s.At), Received: person.Instant(received),
			Explicit: s.Explicit, Verified: !s.Claimed, Signal: s.Signal, Charter: s.Charter})
	}
	return out
}

// readCases reads a file of cases; a key that nobody knows is a fault of the file.
func readCases[T any](t *testing.T, path string) []T {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	var cases []T
	if err := d.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

type standingCase struct {
	Name    string
	Purpose string
	Person  []string
	Device  string
	GPC     bool
	Choices []said
	At      day
	Now     day
	Both    bool
	Expect  struct {
		Allowed    *bool
		Because    *string
		Answer     *string
		Since      *day
		Explicit   *bool
		Switchable *bool
		Basis      *string
		Charter    *int
	}
}

func TestStandingCases(t *testing.T) {
	c := testCharter(t)
	cases := readCases[standingCase](t, "testdata/standing.yaml")
	names := map[string]bool{}
	for _, k := range cases {
		if names[k.Name] || k.Name == "" {
			t.Errorf("the name %q is empty or taken", k.Name)
		}
		names[k.Name] = true
		t.Run(k.Name, func(t *testing.T) {
			m := person.Moment{At: person.Instant(k.At), Now: person.Instant(k.Now), GPC: k.GPC, Device: id(k.Device)}
			if m.Now == 0 {
				m.Now = m.At
			}
			p, said := who(t, k.Person), choices(t, k.Purpose, k.Choices)
			var got Standing
			if k.Both {
				got = Both(c, k.Purpose, p, said, m)
			} else {
				got = Of(c, k.Purpose, p, said, m, m.At)
			}
			asserted := 0
			check := func(what string, given bool, got, want any) {
				if given {
					asserted++
					if got != want {
						t.Errorf("%s: %v, want %v", what, got, want)
					}
				}
			}
			e := k.Expect
			check("allowed", e.Allowed != nil, got.Allowed, value(e.Allowed))
			check("because", e.Because != nil, got.Because, value(e.Because))
			check("answer", e.Answer != nil, got.Answer, answers[value(e.Answer)])
			check("since", e.Since != nil, dayText(got.Since), dayText(person.Instant(value(e.Since))))
			check("explicit", e.Explicit != nil, got.Explicit, value(e.Explicit))
			check("switchable", e.Switchable != nil, got.Switchable, value(e.Switchable))
			check("basis", e.Basis != nil, string(got.Basis), value(e.Basis))
			check("charter", e.Charter != nil, got.Charter, value(e.Charter))
			if asserted == 0 {
				t.Error("the case asserts nothing")
			}
			if got.Say("en") == "" || got.Say("fr") == "" || got.Say("en") == got.Say("fr") {
				t.Errorf("no words for %q", got.Because)
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

type historyCase struct {
	Name    string
	Purpose string
	Person  []string
	Choices []said
	Meant   *[]string
	OptOuts *[]day `yaml:"opt-outs"`
	Pending *[]day
	Split   []string
	Copies  *[]string
}

func TestHistoryCases(t *testing.T) {
	c := testCharter(t)
	asked := day(person.At(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)))
	days := func(in []day) (out []string) {
		for _, d := range in {
			out = append(out, dayText(person.Instant(d)))
		}
		return out
	}
	for _, k := range readCases[historyCase](t, "testdata/history.yaml") {
		t.Run(k.Name, func(t *testing.T) {
			p, said := who(t, k.Person), choices(t, k.Purpose, k.Choices)
			if k.Meant == nil && k.OptOuts == nil && k.Pending == nil && k.Copies == nil {
				t.Fatal("the case asserts nothing")
			}
			if k.Meant != nil {
				var got []string
				for _, e := range History(c, k.Purpose, p, said) {
					got = append(got, string(e.Meant))
					if e.Meant.Say("en") == "" || e.Meant.Say("fr") == "" {
						t.Errorf("no words for %q", e.Meant)
					}
				}
				same(t, "meant", got, *k.Meant)
			}
			if k.OptOuts != nil {
				var got []day
				for _, o := range OptOuts(c, p, said, person.Instant(asked)) {
					got = append(got, day(o))
				}
				same(t, "opt-outs", days(got), days(*k.OptOuts))
			}
			if k.Pending != nil {
				var got []day
				for _, o := range Pending(p, said, person.Instant(asked)) {
					got = append(got, day(o.At))
				}
				same(t, "pending", days(got), days(*k.Pending))
			}
			if k.Copies != nil {
				var leaving []person.ID
				for _, s := range k.Split {
					leaving = append(leaving, id(s))
				}
				var got []string
				for _, o := range ForSplit(p, leaving, said) {
					for _, n := range []string{"a", "b", "c"} {
						if id(n) == o.Of {
							got = append(got, n+" "+dayText(o.At))
						}
					}
					if o.Answer != No || o.Purpose != k.Purpose || !o.Verified {
						t.Errorf("the copy is another choice: %+v", o)
					}
				}
				same(t, "copies", got, *k.Copies)
			}
		})
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
