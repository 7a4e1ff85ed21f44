package decide

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// caseOf is one row of testdata/decisions.yaml: who asks what, and what must come of it.
type caseOf struct {
	Name   string
	Person *struct {
		Says   map[string]string // purpose → yes, no, explicit
		Orders []struct {
			Items string
			Ago   []int
		}
		Facts    map[string]string // name → value, declared; or "value, acquired", "value, unsure", "value, lost", "value, old"
		Feedback []struct {
			Kind, Placement, Item string
			Sources               []string
			Ago                   int
		}
		Shown []struct {
			Placement, Items string
			Hours            int // ago
		}
		Complaint  bool
		Restricted bool
	}
	Placement string
	At        string // time of day
	Region    string
	GPC       bool
	Limit     int
	Already   string
	Exclude   string
	Veiled    bool
	Doubt     bool
	Ceiling   string
	NoModel   bool `yaml:"no-model"`
	Expect    struct {
		Rung, Items, Short, Level, Degraded string
		Held                                []string
		Moved                               []string // item: reason from to
		Holdout                             bool
	}
}

func TestDecisions(t *testing.T) {
	raw, err := os.ReadFile("testdata/decisions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []caseOf
	dec := yaml.NewDecoder(strings.NewReader(string(raw)))
	dec.KnownFields(true)
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 25 {
		t.Fatalf("only %d cases were read", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			h := toyHouse(t)
			if c.NoModel {
				h = h.WithoutModel()
			}
			a := at(c.Placement)
			a.Limit, a.Veiled, a.Doubt, a.Moment.GPC, a.Moment.Region = c.Limit, c.Veiled, c.Doubt, c.GPC, c.Region
			a.Already, a.Exclude = strings.Fields(c.Already), strings.Fields(c.Exclude)
			if c.Ceiling != "" {
				r, ok := person.ParseRung(c.Ceiling)
				if !ok {
					t.Fatal("no such rung")
				}
				a.Ceiling = r
			}
			if c.At != "" {
				d, err := time.ParseDuration(strings.Replace(c.At, ":", "h", 1) + "m")
				if err != nil {
					t.Fatal(err)
				}
				a.Moment.At = person.At(now.Time().Truncate(24 * time.Hour).Add(d))
				a.Moment.Now = max(a.Moment.Now, a.Moment.At)
			}
			var s Subject
			if m := c.made(t, h); m != nil {
				s = m
			}
			res := Compute(h, s, a)
			r := res.Receipt
			got := []string{r.Rung.String(), ids(r), r.Short, r.Degraded}
			if want := []string{c.Expect.Rung, c.Expect.Items, c.Expect.Short, c.Expect.Degraded}; !slices.Equal(got, want) {
				t.Errorf("rung, items, short, degraded: %q, expected %q", got, want)
			}
			if c.Expect.Level != "" && r.Level.Level.String() != c.Expect.Level {
				t.Errorf("level %s, expected %s", r.Level.Level, c.Expect.Level)
			}
			if r.Holdout != c.Expect.Holdout {
				t.Errorf("holdout %v", r.Holdout)
			}
			if c.Expect.Held != nil {
				var held []string
				for _, x := range r.Holds {
					held = append(held, x.Name+" "+string(x.Reason))
				}
				if d := cmp.Diff(c.Expect.Held, held, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("held: %s", d)
				}
			}
			if c.Expect.Moved != nil {
				var moved []string
				for _, i := range Read(&r, h, Reader{}).Items {
					for _, m := range i.Moved {
						moved = append(moved, strings.Join([]string{i.ID, m.Text, string(rune('0' + m.From)), string(rune('0' + m.To))}, ": "))
					}
				}
				if d := cmp.Diff(c.Expect.Moved, moved, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("moved: %s", d)
				}
			}
			addUp(t, r)
		})
	}
}

// addUp fails when the weights of an item do not add up to its score.
func addUp(t testing.TB, r Receipt) {
	t.Helper()
	for _, c := range r.Items {
		sum := 0.0
		for _, p := range c.Parts {
			sum += p.Weight
		}
		if math.Abs(sum-c.Score) > 1e-6 {
			t.Errorf("%s: the reasons add up to %g, the score is %g", c.Item, sum, c.Score)
		}
	}
}

func (c caseOf) made(t *testing.T, h *House) *Made {
	if c.Person == nil {
		return nil
	}
	m := somebody(h)
	for purpose, a := range c.Person.Says {
		switch a {
		case "yes":
			says(m, purpose, consent.Yes, false, now.Add(-days(100)))
		case "explicit":
			says(m, purpose, consent.Yes, true, now.Add(-days(100)))
		case "no":
			says(m, purpose, consent.No, false, now.Add(-days(100)))
		default:
			t.Fatalf("%q is no answer", a)
		}
	}
	for _, o := range c.Person.Orders {
		orders(m, o.Items, o.Ago...)
	}
	names := make([]string, 0, len(c.Person.Facts))
	for n := range c.Person.Facts {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		value, how, _ := strings.Cut(c.Person.Facts[n], ", ")
		switch how {
		case "acquired":
			knows(m, n, value, person.Acquired)
			continue
		}
		knows(m, n, value, person.Declared)
		f := &m.Facts[len(m.Facts)-1]
		switch how {
		case "":
		case "unsure":
			f.Quality = 0.5
		case "lost":
			m.Lost = append(m.Lost, n)
		case "old":
			f.At, f.Received = now.Add(-days(10*365)), now.Add(-days(10*365))
		default:
			t.Fatalf("%q is no way of knowing", how)
		}
	}
	for _, f := range c.Person.Feedback {
		m.Feedback = append(m.Feedback, person.Feedback{
			Of: m.Who.Root, Kind: person.FeedbackKind(f.Kind), Placement: f.Placement, Item: f.Item, Sources: f.Sources, At: now.Add(-days(f.Ago)),
		})
	}
	for _, s := range c.Person.Shown {
		m.Shown = append(m.Shown, person.Shown{Of: m.Who.Root, Placement: s.Placement, Items: strings.Fields(s.Items), At: now.Add(-time.Duration(s.Hours) * time.Hour)})
	}
	if c.Person.Complaint {
		m.Complaints = append(m.Complaints, person.Complaint{Of: m.Who.Root, ID: "c1", Opened: now.Add(-days(3))})
	}
	m.Restricted = c.Person.Restricted
	return m
}
