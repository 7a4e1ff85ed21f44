package relationship

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

func TestWaysCases(t *testing.T) {
	c := testCharter(t)
	src, err := os.ReadFile("testdata/ways.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type waysCase struct {
		levelCase `yaml:",inline"`
		Ways      []string
	}
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	var cases []waysCase
	if err := d.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for _, k := range cases {
		t.Run(k.Name, func(t *testing.T) {
			e, at, err := evidence(k.levelCase)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range Ways(c, Reach(c, e, at), at, k.Lang) {
				sign := "- "
				if w.Up {
					sign = "+ "
				}
				got = append(got, sign+w.Says)
			}
			if len(k.Ways) == 0 {
				t.Error("the case asserts nothing")
			}
			if d := cmp.Diff(k.Ways, got); d != "" {
				t.Error(d)
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

func TestWithoutACharterNothingWouldChange(t *testing.T) {
	if w := Ways(nil, Standing{}, 1<<50, "en"); w != nil {
		t.Error(w)
	}
	if w := Ways(&charter.Charter{}, Standing{}, 1<<50, "en"); w != nil {
		t.Error(w)
	}
}

// What a way says must come true: who does not come falls on the day named and not before, and every way leads where it says.
func TestWaysComeTrue(t *testing.T) {
	c := testCharter(t)
	rapid.Check(t, func(r *rapid.T) {
		at := person.At(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
		e := Evidence{ToldUs: rapid.IntRange(0, 3).Draw(r, "told")}
		for range rapid.IntRange(0, 40).Draw(r, "visits") {
			e.Contacts = append(e.Contacts, at.Add(-time.Duration(rapid.IntRange(0, 24*600).Draw(r, "hours"))*time.Hour))
		}
		if rapid.Bool().Draw(r, "strained") {
			e.OptOuts = []person.Instant{at.Add(-time.Duration(rapid.IntRange(0, 24*200).Draw(r, "ago")) * time.Hour)}
		}
		st := Reach(c, e, at)
		for _, w := range Ways(c, st, at, "en") {
			if w.Up != (w.To > st.Level) || w.Says == "" {
				r.Fatalf("%+v from %s", w, st.Level)
			}
			worse := e
			switch w.What {
			case "away":
				if got := Reach(c, e, w.At).Level; got < st.Level {
					r.Fatalf("on %s it is %s already", w.At.Time(), got)
				}
				if got := Reach(c, e, w.At+1).Level; got != w.To {
					r.Fatalf("it falls to %s, not to %s", got, w.To)
				}
			case "complaint-open":
				worse.Complaints = []person.Complaint{{Opened: at}}
			case "too-personal":
				worse.Feedback = []person.Feedback{{Kind: person.TooPersonal, At: at}}
			case "opt-out":
				worse.OptOuts = append(worse.OptOuts[:len(worse.OptOuts):len(worse.OptOuts)], at)
			default:
				continue
			}
			if w.What != "away" {
				if got := Reach(c, worse, at).Level; got != w.To {
					r.Fatalf("%s leads to %s, not to %s", w.What, got, w.To)
				}
			}
		}
	})
}
