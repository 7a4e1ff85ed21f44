package decide

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// maskCase is one reason for which one source's word on a thing is held while another's on the same thing passes.
type maskCase struct {
	reason tact.Reason
	change []string                       // of the charter, old and new text
	held   func(m *Made, h *person.Head)  // what is wrong with the one that is held; it would outweigh the other
	passes func(m *Made, ok *person.Head) // what the one that passes needs
}

var maskCases = []maskCase{
	{reason: tact.NotChartered, change: []string{"level: acquaintance, quality: 0.4,", "learnt: [observed], level: acquaintance, quality: 0.4,"},
		passes: func(_ *Made, ok *person.Head) { ok.Learnt, ok.Told = person.Observed, true }},
	{reason: tact.Purpose, held: func(m *Made, h *person.Head) {
		h.Charter = 9 // under words that nobody has
		for i := range m.Choices {
			m.Choices[i].Charter = 0
		}
	}},
	{reason: tact.Permission, change: []string{"learnt: {default: acquired}}", "learnt: {default: acquired}}\n  desk: {kind: server, purposes: [service], channel: web, learnt: declared}"},
		held: func(_ *Made, h *person.Head) { h.Source = "desk" }},
	{reason: tact.Expired, held: func(_ *Made, h *person.Head) { h.At, h.Received = now.Add(-days(3000)), now.Add(-days(3000)) },
		passes: func(_ *Made, ok *person.Head) { ok.Learnt, ok.Told = person.Observed, true }},
	{reason: tact.Doubtful, held: func(_ *Made, h *person.Head) { h.Quality = 0.1 }},
	{reason: tact.Surprising, held: func(_ *Made, h *person.Head) { h.Learnt, h.Told = person.Acquired, false },
		passes: func(m *Made, ok *person.Head) { ok.Learnt, ok.Told = person.Acquired, true }},
	{reason: tact.Sensitive, change: []string{
		"category: user.demographic, purposes: [personalise], level: acquaintance", "category: user.demographic, sensitivity: special, condition: explicit-consent, purposes: [personalise, sensitive], level: acquaintance",
		"signup: {kind: server, purposes: [service, personalise,", "signup: {kind: server, purposes: [service, personalise, sensitive,",
	},
		held: func(_ *Made, h *person.Head) { h.Source = "tills" }, // may serve, but not the purpose that was said an express yes to
		passes: func(m *Made, _ *person.Head) {
			says(m, "sensitive", consent.Yes, true, now.Add(-days(200)))
		}},
}

// Two sources say something of one thing, and one of them is held: the other's word is used as if the held one were not there, whatever
// the held one says, and though it would outweigh it.
func TestAHeldFactKeepsOutNoOther(t *testing.T) {
	for _, k := range maskCases {
		t.Run(string(k.reason), func(t *testing.T) {
			h := toyHouse(t, k.change...)
			used := 0
			rapid.Check(t, func(t *rapid.T) {
				m := regular(h)
				say := rapid.SampledFrom([]string{"1", "2", "3"})
				knows(m, "household", "2", person.Declared)
				knows(m, "household", say.Draw(t, "held"), person.Declared)
				ok, held := &m.Facts[0].Head, &m.Facts[1].Head
				held.Source, held.At, held.Received = "self", now.Add(-days(1)), now.Add(-days(1))
				ok.Verified = rapid.Bool().Draw(t, "verified")
				if k.passes != nil {
					k.passes(m, ok)
				}
				if k.held != nil {
					k.held(m, held)
				}
				if k.reason != tact.Surprising && !person.Outweighs(held, ok) {
					t.Fatal("the held one would not have come first: nothing is tried")
				}
				which := 1
				if rapid.Bool().Draw(t, "order") {
					slices.Reverse(m.Facts)
					which = 0
				}
				apart(t, h, m, k.reason)
				wide := at("home")
				wide.Limit = 9
				want := bare(h, Compute(h, m, wide))
				for _, value := range []string{"gone", "1", "2", "3", "bogus"} {
					c := copied(m)
					if c.Facts[which].Value = value; value == "gone" {
						c.Facts = slices.Delete(c.Facts, which, which+1)
					}
					if got := bare(h, Compute(h, c, wide)); got != want {
						t.Fatalf("the held one with %s moved the decision:\n%s\n%s", value, got, want)
					}
				}
				for _, it := range Compute(h, m, wide).Receipt.Items {
					for _, p := range it.Parts {
						if p.Kind != PartFact {
							continue
						}
						if it.Item != "apples" || p.Name != "household" { // the toy's weight of a household of two
							t.Fatalf("%s: %+v comes from the held one", it.Item, p)
						}
						used++
					}
				}
			})
			if used == 0 {
				t.Error("the permitted one was never used")
			}
		})
	}
}

// bare is a decision without its holds: the receipt, and the page that asked.
func bare(h *House, res Result) string {
	page := res.Public(h, "en")
	res.Receipt.Holds = nil
	return string(res.Receipt.Append(page))
}

// apart fails unless just one of the facts is held, for the reason.
func apart(t *rapid.T, h *House, m *Made, reason tact.Reason) {
	heads := m.Heads()
	j := tact.Judge(tact.Case{
		Series: &h.Series, Charter: h.Charter, Placement: h.Charter.Placements["home"], Moment: at("home").Moment, Who: heads.Who, Facts: heads.Facts,
		History: heads.History, Choices: heads.Choices, Feedback: heads.Feedback,
	})
	got := slices.Sorted(slices.Values(j.FactReasons))
	if !slices.Equal(got, []tact.Reason{"", reason}) {
		t.Fatalf("the reasons are %q", got)
	}
	if len(j.Holds) != 1 || j.Holds[0].Count != 1 {
		t.Fatalf("the holds are %+v", j.Holds)
	}
}

// The same from the rows at rest: with the held one's row, or without it.
func TestAHeldRowKeepsOutNoOther(t *testing.T) {
	h := toyHouse(t)
	v, err := vault.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	enrol, ring, err := v.Enrol(now.Add(-days(300)))
	if err != nil {
		t.Fatal(err)
	}
	m := regular(h)
	knows(m, "household", "2", person.Declared)
	rows := []vault.Row{ring.SealFact(m.Facts[0])}
	for i, c := range m.Choices {
		rows = append(rows, ring.SealChoice(c, consent.Evidence{}, fmt.Sprint(i)))
	}
	l := vault.Loaded{Who: person.Person{Root: enrol.ID}, Wrapped: map[person.ID][]byte{enrol.ID: enrol.Wrapped}, Charter: 1}
	for _, e := range m.History {
		body, err := vault.AppendBody(nil, e.Lines, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Frames = append(l.Frames, ring.SealEvent(e.ID, 1, e.At, e.Received, body))
	}
	streams := func(vault.StreamID) (vault.Stream, bool) {
		return vault.Stream{Event: "Order Completed", Source: "tills", Charter: 1}, true
	}
	decide := func(held ...person.Fact) (string, *vault.Record) {
		l.Rows = slices.Clone(rows)
		for _, f := range held {
			l.Rows = append(l.Rows, ring.SealFact(f))
		}
		series := charter.NewSeries(h.Charter)
		r, err := v.Record(l, streams, &series, h.Shelf.Sensitive)
		if err != nil {
			t.Fatal(err)
		}
		wide := at("home")
		wide.Limit = 9
		return bare(h, Compute(h, Of(r), wide)), r
	}
	without, _ := decide()
	if !strings.Contains(without, "household") {
		t.Fatal("the permitted one is not used: nothing is tried")
	}
	held := m.Facts[0]
	held.Value, held.At, held.Received = "3", now.Add(-days(1)), now.Add(-days(1))
	for name, spoil := range map[string]func(f *person.Fact){
		"its source may not serve": func(f *person.Fact) { f.Source = "desk" },
		"it is in doubt":           func(f *person.Fact) { f.Source, f.Quality = "self", 0.1 },
		"it was learnt by others":  func(f *person.Fact) { f.Source, f.Learnt = "desk", person.Acquired },
		"it is dated ahead":        func(f *person.Fact) { f.Source, f.At = "self", now.Add(days(9)) },
	} {
		f := held
		spoil(&f)
		got, r := decide(f)
		if len(r.Facts) != 2 || len(r.Superseded) != 0 {
			t.Errorf("%s: not both are judged", name)
		}
		if got != without {
			t.Errorf("%s: with it the decision is\n%s\nand without\n%s", name, got, without)
		}
	}
}
