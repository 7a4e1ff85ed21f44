package charter

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/person"
)

// ruleGround is a charter with a fact of every type that rules read.
const ruleGround = `charter: 1
brand: {name: Ripley Market, currency: GBP, time-zone: Europe/London}
k: 25
purposes: {tell: {uses: [essential.service], basis: contract, why: To serve you.}}
data:
  diet: {kind: attribute, type: {enum: [vegan, diabetic]}, category: user, purposes: [tell], retain: 5y}
  visits: {kind: attribute, type: integer, category: user, purposes: [tell], retain: 5y}
  spent: {kind: attribute, type: money, category: user, purposes: [tell], retain: 5y}
  member: {kind: attribute, type: boolean, category: user, purposes: [tell], retain: 5y}
  age_group: {kind: attribute, type: {band: [0, 18, 65]}, category: user, purposes: [tell], retain: 5y}
  allergies: {kind: attribute, type: {list: string}, category: user, purposes: [tell], retain: 5y}
  town: {kind: attribute, type: string, category: user, purposes: [tell], retain: 5y}
  birthday: {kind: attribute, type: date, category: user, purposes: [tell], retain: 5y}
  seen: {kind: attribute, type: time, category: user, purposes: [tell], retain: 5y}
`

type ruleCase struct {
	Rule  string
	Item  ruleItem
	Facts map[string]string
	At    string
	Says  string
}

type ruleItem struct {
	ID, Name, Category, Type, Brand, Department, Size string
	Tags                                              []string
	Price                                             float64
	Attributes                                        map[string]string
}

func (i ruleItem) item() *Item {
	it := Item(i)
	return &it
}

func (c ruleCase) at(t *testing.T) person.Instant {
	t.Helper()
	s := c.At
	if s == "" {
		s = "2026-05-10"
	}
	if !strings.Contains(s, "T") {
		s += "T12:00:00Z"
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return person.At(at)
}

func said(yes bool, err error) string {
	switch {
	case err != nil && yes:
		return "yes with an error"
	case err != nil:
		return "error"
	case yes:
		return "yes"
	}
	return "no"
}

// ruleReader reads rules on the ground above, outside any section.
func ruleReader(t testing.TB) *reader {
	t.Helper()
	c, problems := Parse([]byte(ruleGround))
	if c == nil {
		t.Fatal(problems)
	}
	r := newReader(nil)
	r.c = c
	return r
}

func scalar(text string) at {
	return at{&yaml.Node{Kind: yaml.ScalarNode, Value: text, Line: 1, Column: 1}, "rule"}
}

func TestRules(t *testing.T) {
	raw, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct{ Items, Facts, Lines []ruleCase }
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	r := ruleReader(t)
	for _, c := range cases.Items {
		rule := r.itemRule(scalar(c.Rule))
		if rule == nil {
			t.Fatalf("%s: %v", c.Rule, r.problems)
		}
		if got := said(rule.Matches(c.Item.item())); got != c.Says {
			t.Errorf("%s of %+v says %s, want %s", c.Rule, c.Item, got, c.Says)
		}
	}
	for _, c := range cases.Facts {
		rule := r.factRule(scalar(c.Rule), false)
		if rule == nil {
			t.Fatalf("%s: %v", c.Rule, r.problems)
		}
		if got := said(rule.Matches(c.Facts, c.at(t))); got != c.Says {
			t.Errorf("%s of %v says %s, want %s", c.Rule, c.Facts, got, c.Says)
		}
	}
	for _, c := range cases.Lines {
		rule := r.lineRule(scalar(c.Rule))
		if rule == nil {
			t.Fatalf("%s: %v", c.Rule, r.problems)
		}
		l := &Line{Item: c.Item.item(), Quantity: 2, Price: 2.5, At: c.at(t)}
		if got := said(rule.Matches(l)); got != c.Says {
			t.Errorf("%s says %s, want %s", c.Rule, got, c.Says)
		}
	}
}

func TestRulesOfNothingAreErrors(t *testing.T) {
	r := ruleReader(t)
	if got := said(r.itemRule(scalar("item.id != 'x'")).Matches(nil)); got != "error" {
		t.Errorf("a rule over no item says %s", got)
	}
	if got := said(r.lineRule(scalar("hour >= 0")).Matches(nil)); got != "error" {
		t.Errorf("a rule over no line says %s", got)
	}
}

func TestFactRulesNameWhatTheyRead(t *testing.T) {
	r := ruleReader(t)
	rule := r.factRule(scalar("facts.town == 'x' && days_until(facts.birthday) < 3 && facts.town != 'y'"), false)
	if got := strings.Join(rule.Reads, " "); got != "town birthday" {
		t.Errorf("the rule reads %q", got)
	}
}

// TestRuleCostIsBounded gives a rule with a loop a list that is far longer than any item has.
func TestRuleCostIsBounded(t *testing.T) {
	r := ruleReader(t)
	rule := r.itemRule(scalar("item.tags.exists(a, a.contains('x') && a.contains('y') && a.contains('z'))"))
	it := &Item{Tags: make([]string, 100_000)}
	for i := range it.Tags {
		it.Tags[i] = "xyxyxyxyxyxyxyxyxy"
	}
	if got := said(rule.Matches(it)); got != "error" {
		t.Errorf("a rule that costs too much says %s", got)
	}
}

func TestRulesRunOnManyGoroutines(t *testing.T) {
	r := ruleReader(t)
	item := r.itemRule(scalar("'sweets' in item.tags"))
	fact := r.factRule(scalar("facts.diet == 'diabetic' || facts.visits > 3"), false)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				want := (g+i)%2 == 0
				it, facts := &Item{Tags: []string{"bread"}}, map[string]string{"diet": "vegan", "visits": "1"}
				if want {
					it.Tags, facts["diet"] = []string{"sweets"}, "diabetic"
				}
				if yes, err := item.Matches(it); yes != want || err != nil {
					t.Errorf("the item's rule says %v, %v", yes, err)
				}
				if yes, err := fact.Matches(facts, 0); yes != want || err != nil {
					t.Errorf("the facts' rule says %v, %v", yes, err)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkRules(b *testing.B) {
	r := ruleReader(b)
	in := r.itemRule(scalar("'sweets' in item.tags"))
	equal := r.itemRule(scalar("item.category == 'alcohol'"))
	fact := r.factRule(scalar("facts.diet == 'diabetic'"), false)
	days := r.factRule(scalar("days_until(facts.birthday) <= 7"), false)
	it, facts := &Item{Category: "bread", Tags: []string{"a", "b"}}, map[string]string{"diet": "vegan", "birthday": "1980-03-04"}
	for _, c := range []struct {
		name string
		run  func() (bool, error)
	}{
		{"baseline", func() (bool, error) { return it.Category == "alcohol", nil }},
		{"tag", func() (bool, error) { return in.Matches(it) }},
		{"category", func() (bool, error) { return equal.Matches(it) }},
		{"fact", func() (bool, error) { return fact.Matches(facts, 0) }},
		{"days", func() (bool, error) { return days.Matches(facts, 0) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.run()
			}
		})
	}
}
