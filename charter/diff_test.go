package charter

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// edited is a charter with some texts of its file replaced.
func edited(t *testing.T, pairs ...string) *Charter {
	t.Helper()
	src, _ := Example("retail")
	s := string(src)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			t.Fatalf("the retail example has no %q", pairs[i])
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	c, problems := Parse([]byte(s))
	if c == nil {
		t.Fatal(problems)
	}
	return c
}

func TestDiffInSentences(t *testing.T) {
	next := edited(t,
		"purposes: [personalise, email]\n    learnt: [declared]\n    level: regular\n    retain: 5y", "purposes: [personalise, measure]\n    learnt: [declared, observed]\n    level: acquaintance\n    retain: 2y",
		"k: 25 ", "k: 20 ",
		"basis: legitimate-interest", "basis: consent",
		"gpc: [personalise, share]", "gpc: [personalise, email]",
		"      total:    {type: money}\n", "",
		"    label: {en: Orders, fr: Commandes}\n", "    label: {en: Orders, fr: Commandes}\n    takes-back: true\n",
		"type: {enum: [low, middle, high]}", "type: {enum: [low, high, top]}",
		"tolerates: 0.5, items: 5, rungs: {individual: regular,", "tolerates: 0.6, items: 4, rungs: {individual: acquaintance,",
		"caps: {per-week: 1}", "caps: {per-week: 2, per-day: 1}",
		"en: \"Less searching, and offers on what you really buy.\"", "en: Less searching.",
		"other-channel: +0.2", "other-channel: 0.1",
		"too-personal in 90d", "too-personal in 30d",
		"learnt: {default: acquired}", "learnt: observed",
		"members: 4", "members: 5",
		"identity: {purpose: service, join: sure}", "identity: {purpose: email}",
		"  phone:\n    label: {en: Phone number, fr: Numéro de téléphone}\n    kind: identifier\n    type: phone\n    category: user.contact.phone_number\n    purposes: [service]\n    retain: 5y\n", "",
		"    retain: 2y\n    benefit: {en: Sizes", "    fades: 1y\n    only-at: [home, letter]\n    retain: 2y\n    benefit: {en: Sizes",
		"    joins: 2                      # two", "    joins: 3  # two",
		"  - {id: no-alcohol-for-minors,", "  - {id: no-wine-for-minors,",
	)
	for lang, file := range map[string]string{"en": "testdata/diff.golden", "fr-CA": "testdata/diff.fr.golden"} {
		golden(t, file, diffText(Diff(retail(t), next, lang)))
	}
}

func diffText(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s: %s", c.Kind, c.Path, c.Text)
		if c.Purge {
			b.WriteString(" [purge]")
		}
		if c.Choice {
			b.WriteString(" [choice]")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestDiffOfTheSameIsEmpty(t *testing.T) {
	if changes := Diff(retail(t), retail(t), "en"); len(changes) > 0 {
		t.Errorf("a charter differs from itself: %v", changes)
	}
	if changes := Diff(nil, retail(t), "en"); len(changes) == 0 {
		t.Error("a first charter changes nothing")
	}
	if changes := Diff(retail(t), nil, "en"); len(changes) == 0 {
		t.Error("no charter after one changes nothing")
	}
}

// TestNoChangeEscapesTheDiff changes every value of the market's charter in turn, and takes every key away: whenever
// the result is a valid charter, the committee must see a change.
func TestNoChangeEscapesTheDiff(t *testing.T) {
	src := soundFiles(t)["market"]
	before, _ := Parse(src)
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	tried := 0
	try := func(what string) {
		out, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		next, _ := Parse(out)
		if next == nil {
			return
		}
		tried++
		changes := slices.Concat(Diff(before, next, "en"), Diff(before, next, "fr"))
		if len(changes) == 0 {
			t.Errorf("%s: the change is not in the diff", what)
		}
		for _, c := range changes {
			if c.Path == "" || c.Kind == "" || c.Text == "" || strings.Contains(c.Text, "%!") {
				t.Errorf("%s: the change cannot be read: %+v", what, c)
			}
		}
	}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch n.Kind {
		case yaml.DocumentNode:
			walk(n.Content[0], path)
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				at := join(path, n.Content[i].Value)
				all := n.Content
				n.Content = slices.Concat(all[:i], all[i+2:])
				if !same(before, at) {
					try(at + " taken away")
				}
				n.Content = all
				walk(n.Content[i+1], at)
			}
		case yaml.SequenceNode:
			for i := range n.Content {
				at := fmt.Sprintf("%s[%d]", path, i)
				all := n.Content
				n.Content = slices.Concat(all[:i], all[i+1:])
				try(at + " taken away")
				n.Content = all
				walk(n.Content[i], at)
			}
		case yaml.ScalarNode:
			old := *n
			for _, v := range others(old.Value) {
				*n = yaml.Node{Kind: yaml.ScalarNode, Value: v}
				if strings.Contains(v, ":") {
					n.Style = yaml.DoubleQuotedStyle
				}
				try(path + " becomes " + v)
			}
			*n = old
		}
	}
	walk(&doc, "")
	if tried < 400 {
		t.Errorf("only %d changes were tried", tried)
	}
}

// same says that taking the key away says what the key says.
func same(c *Charter, path string) bool {
	switch {
	case path == "surprise" || strings.HasPrefix(path, "surprise."):
		return c.Surprise == usualSurprise
	case path == "receipts", path == "ledger": // silence means these spans
		return true
	case strings.HasSuffix(path, ".level"):
		return strings.HasSuffix(path, "Product Viewed.level")
	case strings.HasSuffix(path, ".learnt.default"):
		return true
	case strings.HasSuffix(path, "items") && strings.HasPrefix(path, "placements.counter"):
		return true
	}
	return false
}

// others are values that might stand where a value stands.
func others(v string) []string {
	for _, group := range [][]string{
		{"observed", "inferred", "declared", "acquired"}, {"acquaintance", "regular", "confidant", "stranger"}, {"measure", "email", "personalise", "service", "sensitive", "protect", "young", "share"},
		{"web", "phone", "store", "post", "call-centre"}, {"low", "high"}, {"identifier", "attribute"}, {"string", "text", "date", "name", "money", "item", "phone"}, {"person", "cohorts"}, {"client", "server"},
		{"consent", "contract", "legitimate-interest", "legal-obligation"}, {"never", "by-agreement"}, {"true", "false"}, {"home", "basket"}, {"Order Completed", "Product Viewed"}, {"GBP", "EUR"}, {"GB", "FR"},
		{"Europe/London", "UTC"}, {"21:00-08:00", "23:00-07:00"},
	} {
		if has(group, v) {
			return slices.DeleteFunc(slices.Clone(group), func(o string) bool { return o == v })[:min(2, len(group)-1)]
		}
	}
	switch _, err := ParseSpan(v); {
	case err == nil:
		return []string{"7d"}
	case strings.HasPrefix(v, "days_until"):
		return []string{"days_until(facts.birthday) <= 3"}
	case strings.Contains(v, "facts."):
		return []string{"facts.age_band == 'adult'", "facts.diet == 'vegan'"}
	case strings.Contains(v, "item."):
		return []string{"item.id == 'x'"}
	}
	if _, err := readNumber(v); err == nil {
		return []string{"0.25", "7"}
	}
	return []string{v + " too"}
}

func TestNarrowings(t *testing.T) {
	next := edited(t,
		"      total:    {type: money}\n", "",
		"  phone:\n    label: {en: Phone number, fr: Numéro de téléphone}\n    kind: identifier\n    type: phone\n    category: user.contact.phone_number\n    purposes: [service]\n    retain: 5y\n", "",
		"  share:\n", "  answer:\n", "gpc: [personalise, share]", "gpc: [personalise]",
		"  Page Viewed:", "  Screen Viewed:",
	)
	got := Narrowings(retail(t), next)
	want := Narrowing{Facts: []string{"phone"}, Events: []string{"Page Viewed"}, Purposes: []string{"share"}, Properties: map[string][]string{"Order Completed": {"total"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Narrowings(next, next); !got.IsEmpty() {
		t.Errorf("the same charter narrows itself: %+v", got)
	}
	if got := Narrowings(retail(t), nil); len(got.Facts) != len(retail(t).Order.Data) {
		t.Errorf("no charter declares nothing, and only %v go", got.Facts)
	}
}

func TestFideslang(t *testing.T) {
	if len(fidesCategories) != 85 || len(fidesUses) != 56 {
		t.Errorf("the taxonomy has %d categories and %d uses", len(fidesCategories), len(fidesUses))
	}
	for _, c := range specialCategories {
		if !has(fidesCategories, c) {
			t.Errorf("%s is no category", c)
		}
	}
	if !isSpecial("user.health_and_medical.genetic") || isSpecial("user.health_and_medicals") || isSpecial("user.demographic") {
		t.Error("special categories cover what is under them and nothing else")
	}
}
