package tact

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
)

// testSeries is the charters of testdata, by position.
func testSeries(t testing.TB) *charter.Series {
	t.Helper()
	var all []*charter.Charter
	for pos := 1; pos <= 3; pos++ {
		src, err := os.ReadFile(fmt.Sprintf("testdata/charter-%d.yaml", pos))
		if err != nil {
			t.Fatal(err)
		}
		c, problems := charter.Parse(src)
		if c == nil {
			t.Fatal(problems)
		}
		all = append(all, c.Placed(pos, 0))
	}
	s := charter.NewSeries(all...)
	return &s
}

type when person.Instant

func (w *when) UnmarshalYAML(n *yaml.Node) error {
	i, err := parseTime(n.Value)
	*w = when(i)
	return err
}

func parseTime(s string) (person.Instant, error) {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return person.At(t), nil
		}
	}
	return 0, fmt.Errorf("%q is no date", s)
}

func on(s string) person.Instant {
	i, err := parseTime(s)
	if err != nil {
		panic(err)
	}
	return i
}

func id(name string) person.ID {
	if name == "" {
		return person.ID{}
	}
	sum := sha256.Sum256([]byte(name))
	return person.ID(sum[:16])
}

type headCase struct {
	Name, Learnt, Source, Channel, Of string
	At, Received, Confirmed           *when
	Charter                           *int
	Quality                           *float64
	Told, Claimed                     bool
	Inputs                            []string
	Times                             int
}

type tactCase struct {
	Name, Placement, Learning, As, Device string
	Person                                []string
	Now, At                               *when
	GPC, Restricted, Complaint            bool
	TooPersonal                           *when `yaml:"too-personal"`
	Choices                               *[]struct {
		Of, Purpose, Says         string
		At                        *when
		Explicit, Claimed, Signal bool
		Charter                   *int
	}
	Facts, Events []headCase
	Expect        struct {
		Reasons, Holds, Apart, Items, Fields *[]string
		EventReasons                         *[]string `yaml:"event-reasons"`
		Level, Because                       *string
		Told                                 *int
		Protective                           *map[string]bool
		HeldBecause                          map[string]string `yaml:"held-because"`
		Text                                 map[string]string
		Refused                              *bool
	}
}

func val[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}

func (k tactCase) head(t *testing.T, f headCase, event bool) person.Head {
	t.Helper()
	h := person.Head{
		Of: id("a"), Name: f.Name, Event: event, Learnt: person.Declared, Source: "signup", Channel: "web", At: on("2026-01-10"),
		Charter: val(f.Charter, 3), Quality: val(f.Quality, 1), Told: f.Told, Verified: !f.Claimed, Inputs: f.Inputs,
	}
	if event {
		h.Learnt, h.Source = person.Observed, "web"
	}
	if f.Of != "" {
		h.Of = id(f.Of)
	}
	if f.Learnt != "" {
		l, ok := person.ParseLearnt(f.Learnt)
		if !ok {
			t.Fatalf("%q is no way of learning", f.Learnt)
		}
		h.Learnt = l
	}
	if f.Source == "none" {
		h.Source = ""
	} else if f.Source != "" {
		h.Source = f.Source
	}
	if f.Channel != "" {
		h.Channel = f.Channel
	}
	h.At = person.Instant(val(f.At, when(h.At)))
	h.Received = person.Instant(val(f.Received, when(h.At)))
	h.Confirmed = person.Instant(val(f.Confirmed, 0))
	return h
}

// orders is a history of that many orders from the tills.
func orders(n int, from, to string) []person.Head {
	var out []person.Head
	a, b := on(from), on(to)
	for i := range n {
		at := a
		if n > 1 {
			at = a + (b-a)*person.Instant(i)/person.Instant(n-1)
		}
		out = append(out, person.Head{Of: id("a"), Name: "Order Completed", Event: true, Learnt: person.Observed, Source: "tills", Channel: "store",
			At: at, Received: at, Charter: 3, Quality: 1, Verified: true})
	}
	return out
}

// build makes the case; the case's own facts and events come first, then what as brings.
func (k tactCase) build(t *testing.T, s *charter.Series) Case {
	t.Helper()
	now := person.Instant(val(k.Now, when(on("2026-02-01 12:00"))))
	c := Case{
		Series: s, Charter: s.Current(), Restricted: k.Restricted,
		Moment: person.Moment{Placement: k.Placement, At: person.Instant(val(k.At, when(now))), Now: now, GPC: k.GPC, Device: id(k.Device)},
		Who:    person.Person{Root: id("a")},
	}
	if k.Learning == "" {
		name := k.Placement
		if name == "" {
			name = "home"
		}
		if c.Placement = c.Charter.Placements[name]; c.Placement == nil {
			t.Fatalf("no placement %q", name)
		}
	}
	for _, p := range k.Person {
		if name, at, joined := strings.Cut(p, " joined "); joined {
			c.Who.Also = append(c.Who.Also, person.Join{ID: id(name), At: on(at)})
		} else {
			c.Who.Root = id(name)
		}
	}
	if k.Choices == nil {
		c.Choices = []consent.Choice{
			{Of: id("a"), Purpose: "personalise", Answer: consent.Yes, At: on("2026-01-01"), Received: on("2026-01-01"), Verified: true, Charter: 3},
		}
	} else {
		for _, x := range *k.Choices {
			ch := consent.Choice{Of: id("a"), Purpose: "personalise", At: person.Instant(val(x.At, when(on("2026-01-01")))), Explicit: x.Explicit,
				Verified: !x.Claimed, Signal: x.Signal, Charter: val(x.Charter, 3)}
			if x.Of != "" {
				ch.Of = id(x.Of)
			}
			if x.Purpose != "" {
				ch.Purpose = x.Purpose
			}
			ch.Received = ch.At
			switch x.Says {
			case "yes":
				ch.Answer = consent.Yes
			case "no":
				ch.Answer = consent.No
			default:
				t.Fatalf("%q is no answer", x.Says)
			}
			c.Choices = append(c.Choices, ch)
		}
	}
	for _, f := range k.Facts {
		c.Facts = append(c.Facts, k.head(t, f, false))
	}
	for _, e := range k.Events {
		for i := range max(e.Times, 1) {
			h := k.head(t, e, true)
			h.At = h.At.Add(time.Duration(i) * 24 * time.Hour)
			h.Received = h.Received.Add(time.Duration(i) * 24 * time.Hour)
			c.History = append(c.History, h)
		}
	}
	switch k.As {
	case "", "stranger":
	case "acquaintance":
		c.History = append(c.History, orders(2, "2026-01-20", "2026-01-26")...)
	case "regular":
		c.History = append(c.History, orders(8, "2025-06-01", "2026-01-26")...)
	case "confidant":
		c.History = append(c.History, orders(25, "2024-06-01", "2026-01-26")...)
		told := []headCase{{Name: "taste"}, {Name: "birthday"}}
		if c.Placement != nil && c.Placement.Name == "wall" {
			told = []headCase{{Name: "interest"}, {Name: "income_band"}}
		}
		for _, n := range told {
			c.Facts = append(c.Facts, k.head(t, n, false))
		}
	default:
		t.Fatalf("%q is no level", k.As)
	}
	if k.Complaint {
		c.Complaints = []person.Complaint{{Of: id("a"), Opened: on("2026-01-20")}}
	}
	if k.TooPersonal != nil {
		c.Feedback = []person.Feedback{{Of: id("a"), Kind: person.TooPersonal, At: person.Instant(*k.TooPersonal)}}
	}
	return c
}

func readCases(t *testing.T, path string) []tactCase {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := decodeCases(src)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func decodeCases(src []byte) (cases []tactCase, err error) {
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true) // a key that nobody knows is a fault of the file
	err = d.Decode(&cases)
	return cases, err
}

// The runner itself: a slip of the pen must not turn a case into one that says nothing.
func TestTheRunnerRefusesWhatSaysNothing(t *testing.T) {
	for _, slip := range []string{"- {name: x, fact: []}", "- {name: x, expect: {reason: [passed]}}", "- {name: x, facts: [{name: taste, learned: declared}]}"} {
		if _, err := decodeCases([]byte(slip)); err == nil {
			t.Errorf("read all the same: %s", slip)
		}
	}
	cases, err := decodeCases([]byte("- {name: x, facts: [{name: taste}], expect: {}}"))
	if err != nil {
		t.Fatal(err)
	}
	c, j := cases[0].judge(t, testSeries(t))
	if n := cases[0].expect(t, c, j); n != 0 {
		t.Errorf("a case that asserts nothing asserts %d", n)
	}
}

func (k tactCase) judge(t *testing.T, s *charter.Series) (Case, Judgement) {
	c := k.build(t, s)
	if k.Learning != "" {
		return c, JudgeLearning(c, k.Learning)
	}
	return c, Judge(c)
}

func TestReasonCases(t *testing.T)     { runCases(t, "testdata/reasons.yaml") }
func TestProtectiveCases(t *testing.T) { runCases(t, "testdata/protective.yaml") }

func runCases(t *testing.T, path string) {
	s := testSeries(t)
	cases := readCases(t, path)
	names := map[string]bool{}
	for _, k := range cases {
		if names[k.Name] || k.Name == "" {
			t.Errorf("the name %q is empty or taken", k.Name)
		}
		names[k.Name] = true
		if path == "testdata/protective.yaml" && k.Choices == nil {
			k.Choices = new([]struct {
				Of, Purpose, Says         string
				At                        *when
				Explicit, Claimed, Signal bool
				Charter                   *int
			})
			for _, p := range []string{"personalise", "protect"} {
				*k.Choices = append(*k.Choices, struct {
					Of, Purpose, Says         string
					At                        *when
					Explicit, Claimed, Signal bool
					Charter                   *int
				}{Purpose: p, Says: "yes", Explicit: true})
			}
		}
		t.Run(k.Name, func(t *testing.T) {
			c, j := k.judge(t, s)
			if k.expect(t, c, j) == 0 {
				t.Error("the case asserts nothing")
			}
			sound(t, c, j, val(k.Expect.Refused, false))
		})
	}
	t.Logf("%d cases", len(cases))
}

// expect compares what the case says with what came out, and counts what it says.
func (k tactCase) expect(t *testing.T, c Case, j Judgement) int {
	t.Helper()
	asserted := 0
	list := func(what string, want *[]string, got []string) {
		t.Helper()
		if want == nil {
			return
		}
		asserted++
		if len(*want) != 0 || len(got) != 0 {
			if d := cmp.Diff(*want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
	}
	x := k.Expect
	var facts []string
	for i := range k.Facts {
		facts = append(facts, word(j.FactReasons[i]))
	}
	list("reasons", x.Reasons, facts)
	var events []string
	at := 0
	for _, e := range k.Events {
		seen := word(j.HistoryReasons[at])
		for range max(e.Times, 1) {
			if word(j.HistoryReasons[at]) != seen {
				t.Errorf("%s: %s and %s", e.Name, seen, word(j.HistoryReasons[at]))
			}
			at++
		}
		events = append(events, seen)
	}
	list("event-reasons", x.EventReasons, events)
	list("holds", x.Holds, lines(j.Holds))
	list("apart", x.Apart, lines(j.Apart))
	list("fields", x.Fields, j.Permit.Fields())
	var items []string
	for _, r := range c.Charter.Sensitive {
		if j.Permit.Sensitive(r.ID) {
			items = append(items, r.ID)
		}
	}
	list("items", x.Items, items)
	if x.Protective != nil {
		asserted++
		if len(*x.Protective) != 0 || len(j.Protective) != 0 {
			if d := cmp.Diff(*x.Protective, j.Protective); d != "" {
				t.Errorf("protective (-want +got):\n%s", d)
			}
		}
	}
	for what, pair := range map[string][2]*string{"level": {x.Level, ptr(j.Level.Level.String())}, "because": {x.Because, &j.Level.Because}} {
		if pair[0] != nil {
			asserted++
			if *pair[0] != *pair[1] {
				t.Errorf("%s: %q, want %q", what, *pair[1], *pair[0])
			}
		}
	}
	if x.Told != nil {
		asserted++
		if j.Level.ToldUs != *x.Told {
			t.Errorf("told: %d, want %d", j.Level.ToldUs, *x.Told)
		}
	}
	for name, want := range x.HeldBecause {
		asserted++
		found := false
		for _, h := range j.Holds {
			if h.Name == name {
				found = true
				if h.Because != want {
					t.Errorf("%s is held because %q, want %q", name, h.Because, want)
				}
			}
		}
		if !found {
			t.Errorf("%s is not held", name)
		}
	}
	for lang, want := range x.Text {
		asserted++
		if len(j.Holds) == 0 {
			t.Fatal("nothing is held")
		}
		if got := Text(c.Charter, j.Holds[0], lang); got != want {
			t.Errorf("text:\n got %s\nwant %s", got, want)
		}
	}
	if x.Refused != nil {
		asserted++
		if (j.Permit.Kind() == None) != *x.Refused {
			t.Errorf("the permit is of kind %d", j.Permit.Kind())
		}
	}
	return asserted
}

func ptr[T any](v T) *T { return &v }

func word(r Reason) string {
	if r == "" {
		return "passed"
	}
	return string(r)
}

func lines(holds []Hold) (out []string) {
	for _, h := range holds {
		l := fmt.Sprintf("%s %s %d", h.Name, h.Reason, h.Count)
		if h.Protective {
			l += " protective"
		}
		out = append(out, l)
	}
	return out
}

// sound checks what must hold of every judgement.
func sound(t testing.TB, c Case, j Judgement, refused bool) {
	t.Helper()
	if len(j.FactReasons) != len(c.Facts) || len(j.HistoryReasons) != len(c.History) {
		t.Fatal("there is not one reason for each head")
	}
	counts := map[string]int{}
	fields := map[string]bool{}
	see := func(h person.Head, r Reason, opens bool) {
		if (r == "") != opens {
			t.Errorf("%s: reason %q, and the permit says %v", h.Name, r, opens)
		}
		if r != "" {
			counts[fmt.Sprint(h.Name, h.Event, r)]++
		} else {
			fields[h.Name] = true
		}
	}
	for i, h := range c.Facts {
		see(h, j.FactReasons[i], j.Permit.Fact(i, h.Name))
		if j.Permit.Fact(i, h.Name+"x") {
			t.Error("the permit opens another name")
		}
	}
	for i, h := range c.History {
		see(h, j.HistoryReasons[i], j.Permit.Event(i, h.Name))
		if j.Permit.Event(i, h.Name+"x") {
			t.Error("the permit opens another name")
		}
	}
	if refused {
		return
	}
	for _, h := range append(append([]Hold(nil), j.Holds...), j.Apart...) {
		counts[fmt.Sprint(h.Name, h.Event, h.Reason)] -= h.Count
		for _, lang := range []string{"en", "fr", "de", ""} {
			if Text(c.Charter, h, lang) == "" {
				t.Errorf("no words for %+v", h)
			}
		}
		if Text(c.Charter, h, "en") == Text(c.Charter, h, "fr") {
			t.Errorf("one language for %+v", h)
		}
	}
	for name, n := range counts {
		if n != 0 {
			t.Errorf("%s: the lines of holds are off by %d", name, n)
		}
	}
	var want []string
	for n := range fields {
		want = append(want, n)
	}
	sort.Strings(want)
	if d := cmp.Diff(strings.Join(want, ","), strings.Join(j.Permit.Fields(), ",")); d != "" {
		t.Errorf("fields: %s", d)
	}
	if err := j.Permit.Check(c.Who.Root, c.Moment.Now); err != nil {
		t.Error(err)
	}
	if j.Permit.Fact(len(c.Facts), "taste") || j.Permit.Fact(-1, "taste") || j.Permit.Event(len(c.History), "taste") || j.Permit.Event(-1, "taste") {
		t.Error("the permit opens what was not judged")
	}
}
