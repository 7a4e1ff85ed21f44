package tact

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/relationship"
)

// What must hold of every case, whatever it is.

var (
	factNames  = []string{"email", "name", "birthday", "household", "taste", "nickname", "motto", "interest", "tier", "hobby", "allergy", "ailment", "income_band", "diet", "age_band", "fear", "bakes", "gone"}
	eventNames = []string{"Order Completed", "Product Viewed", "Page Viewed", "Gone"}
	purposes   = []string{"personalise", "sensitive", "protect", "email", "measure"}
	people     = []string{"a", "b", "z"}
)

// drawHead draws a head that would pass, and spoils some of it: so that every reason is met, and met alone.
func drawHead(r *rapid.T, event, derived bool) person.Head {
	names, source, learnt := factNames, "signup", person.Declared
	if event {
		names, source, learnt = eventNames, "tills", person.Observed
	}
	at := on("2026-02-01").Add(-time.Duration(rapid.IntRange(0, 24*100).Draw(r, "hours ago")) * time.Hour)
	h := person.Head{Of: id("a"), Name: rapid.SampledFrom(names).Draw(r, "name"), Event: event, Learnt: learnt, Source: source, Channel: "web", At: at, Received: at, Charter: 3, Quality: 1, Verified: true}
	for _, what := range rapid.SliceOfN(rapid.IntRange(0, 8), 0, 2).Draw(r, "spoilt") {
		switch what {
		case 0:
			h.Of = id(rapid.SampledFrom([]string{"b", "z"}).Draw(r, "of"))
		case 1:
			h.Learnt = rapid.SampledFrom([]person.Learnt{person.Acquired, person.Inferred, person.Observed, person.Declared}).Draw(r, "learnt")
		case 2:
			h.Source = rapid.SampledFrom([]string{"web", "tills", "signup", "bureau", "self", "meter", "fax", ""}).Draw(r, "source")
		case 3:
			h.Channel = rapid.SampledFrom([]string{"store", "post"}).Draw(r, "channel")
		case 4:
			h.At = on("2026-02-01").Add(-time.Duration(rapid.IntRange(-72, 24*3000).Draw(r, "hours ago")) * time.Hour)
		case 5:
			h.Received = h.At.Add(time.Duration(rapid.IntRange(-2000, 48).Draw(r, "late")) * time.Hour)
		case 6:
			h.Charter = rapid.SampledFrom([]int{0, 1, 2, 9}).Draw(r, "charter")
		case 7:
			h.Quality = rapid.SampledFrom([]float64{0, 0.5, 0.7}).Draw(r, "quality")
		case 8:
			h.Told, h.Verified = rapid.Bool().Draw(r, "told"), false
		}
	}
	if derived && rapid.IntRange(0, 3).Draw(r, "derived") == 0 {
		h.Inputs = rapid.SliceOfN(rapid.SampledFrom(append(append([]string(nil), factNames...), eventNames...)), 1, 3).Draw(r, "inputs")
	}
	return h
}

func drawCase(r *rapid.T, s *charter.Series, derived bool) Case {
	c := Case{Series: s, Charter: s.Current(), Who: person.Person{Root: id("a")}, Restricted: rapid.IntRange(0, 15).Draw(r, "restricted") == 0}
	c.Placement = c.Charter.Placements[rapid.SampledFrom(c.Charter.Order.Placements).Draw(r, "placement")]
	c.Moment = person.Moment{At: on("2026-02-01").Add(-time.Duration(rapid.IntRange(-40, 40).Draw(r, "at")) * time.Hour), Now: on("2026-02-01"), GPC: rapid.IntRange(0, 9).Draw(r, "gpc") == 0,
		Device: id(rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "device"))}
	if rapid.Bool().Draw(r, "joined") {
		c.Who.Also = []person.Join{{ID: id("b"), At: on("2025-10-01")}}
	}
	for _, p := range purposes {
		if rapid.IntRange(0, 3).Draw(r, "asked") > 0 {
			c.Choices = append(c.Choices, consent.Choice{Of: id("a"), Purpose: p, Answer: consent.Yes, At: on("2025-12-01"), Received: on("2025-12-01"), Verified: true, Explicit: rapid.Bool().Draw(r, "explicit"), Charter: 3})
		}
		for range max(0, rapid.IntRange(-4, 2).Draw(r, "choices")) {
			c.Choices = append(c.Choices, drawChoice(r, p))
		}
	}
	for range rapid.IntRange(0, 6).Draw(r, "facts") {
		c.Facts = append(c.Facts, drawHead(r, false, derived))
	}
	for range rapid.IntRange(0, 6).Draw(r, "events") {
		c.History = append(c.History, drawHead(r, true, derived))
	}
	if rapid.Bool().Draw(r, "regular") {
		c.History = append(c.History, orders(8, "2025-06-01", "2026-01-26")...)
	}
	if rapid.IntRange(0, 5).Draw(r, "complaint") == 0 {
		c.Complaints = []person.Complaint{{Opened: on("2026-01-01")}}
	}
	return c
}

func drawChoice(r *rapid.T, purpose string) consent.Choice {
	at := on("2026-01-31").Add(-time.Duration(rapid.IntRange(0, 300).Draw(r, "days")) * 24 * time.Hour)
	return consent.Choice{Of: id(rapid.SampledFrom(people).Draw(r, "of")), Purpose: purpose, At: at, Received: at, Charter: rapid.IntRange(1, 3).Draw(r, "words"),
		Answer:   rapid.SampledFrom([]consent.Answer{consent.Yes, consent.Yes, consent.Yes, consent.No}).Draw(r, "answer"),
		Explicit: rapid.Bool().Draw(r, "explicit"), Verified: rapid.IntRange(0, 4).Draw(r, "verified") > 0, Signal: rapid.IntRange(0, 9).Draw(r, "signal") == 0}
}

// seen is what a decision can see of a judgement: all but the reasons and lines about what was held.
type seen struct {
	Standing   consent.Standing
	Level      relationship.Standing
	Facts      []person.Head
	History    []person.Head
	Items      []string
	Protective map[string]bool
}

func see(c Case, j Judgement) seen {
	out := seen{Standing: j.Standing, Level: j.Level, Items: j.Permit.items, Protective: j.Protective}
	for i, h := range c.Facts {
		if j.FactReasons[i] == "" {
			out.Facts = append(out.Facts, h)
		}
	}
	for i, h := range c.History {
		if j.HistoryReasons[i] == "" {
			out.History = append(out.History, h)
		}
	}
	return out
}

// What is held back cannot leak: whatever becomes of a held head, as long as it is held nothing that a decision can see changes, and no
// line is about another name.
func TestAHeldHeadChangesNothing(t *testing.T) {
	s := testSeries(t)
	tried, changed := map[Reason]int{}, map[Reason]int{}
	for _, k := range readCases(t, "testdata/reasons.yaml") {
		if k.Learning != "" || k.derives() {
			continue
		}
		leaks(t.Fatalf, k.build(t, s), tried, changed)
	}
	for _, reason := range reasons[1:] {
		if tried[reason] == 0 || changed[reason] == 0 {
			t.Errorf("nothing was ever held as %s and changed: the check says nothing of it", reason)
		}
	}
	t.Log(tried, changed)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCase(r, s, false)
		sound(t, c, Judge(c), false)
		leaks(r.Fatalf, c, tried, changed)
	})
}

func (k tactCase) derives() bool {
	for _, h := range append(append([]headCase(nil), k.Facts...), k.Events...) {
		if len(h.Inputs) > 0 {
			return true // what rests on an input that is gone is derived again, which is not Judge's to do
		}
	}
	return false
}

// leaks takes away and changes every held head of a case, and fails when a decision could see it.
func leaks(fail func(string, ...any), c Case, tried, changed map[Reason]int) {
	j := Judge(c)
	want := see(c, j)
	same := func(what string, h person.Head, reason Reason, other Case) {
		k := Judge(other)
		if got := see(other, k); !reflect.DeepEqual(want, got) {
			fail("%s a held %s (%s): %s", what, h.Name, reason, cmp.Diff(want, got))
		}
		if was, is := others(j, h.Name), others(k, h.Name); !reflect.DeepEqual(was, is) {
			fail("%s a held %s (%s), lines about others change: %s", what, h.Name, reason, cmp.Diff(was, is))
		}
	}
	try := func(heads []person.Head, found []Reason, with func(Case, []person.Head) Case, reasonsOf func(Judgement) []Reason) {
		for i, h := range heads {
			if found[i] == "" || isProtective(c, h) {
				continue // what is protective is a declared exception, and told by Protective
			}
			tried[found[i]]++
			same("without", h, found[i], with(c, append(append([]person.Head(nil), heads[:i]...), heads[i+1:]...)))
			for _, o := range otherwise(h) {
				all := append([]person.Head(nil), heads...)
				all[i] = o
				if other := with(c, all); reasonsOf(Judge(other))[i] != "" {
					changed[found[i]]++
					same("with another", h, found[i], other)
				}
			}
		}
	}
	try(c.Facts, j.FactReasons, func(c Case, h []person.Head) Case { c.Facts = h; return c }, func(j Judgement) []Reason { return j.FactReasons })
	try(c.History, j.HistoryReasons, func(c Case, h []person.Head) Case { c.History = h; return c }, func(j Judgement) []Reason { return j.HistoryReasons })
}

// otherwise is a head as it might have been.
func otherwise(h person.Head) []person.Head {
	var out []person.Head
	for _, change := range []func(*person.Head){
		func(h *person.Head) {
			h.At, h.Received = h.At.Add(-400*24*time.Hour), h.Received.Add(-400*24*time.Hour)
		},
		func(h *person.Head) { h.At = h.At.Add(-2 * time.Hour) },
		func(h *person.Head) { h.At = on("2026-01-31") },
		func(h *person.Head) { h.At = on("2027-01-31") },
		func(h *person.Head) { h.Quality = 0.01 },
		func(h *person.Head) { h.Learnt = person.Acquired },
		func(h *person.Head) { h.Learnt = person.Declared },
		func(h *person.Head) { h.Source = "web" },
		func(h *person.Head) { h.Channel = "post" },
		func(h *person.Head) { h.Told = !h.Told },
		func(h *person.Head) { h.Verified = !h.Verified },
		func(h *person.Head) { h.Charter = 1 },
		func(h *person.Head) { h.Of = id("z") },
	} {
		o := h
		change(&o)
		out = append(out, o)
	}
	return out
}

func isProtective(c Case, h person.Head) bool {
	d := c.Charter.Data[h.Name]
	return !h.Event && d != nil && d.Protective
}

func others(j Judgement, name string) (out []Hold) {
	for _, h := range append(append([]Hold(nil), j.Holds...), j.Apart...) {
		if h.Name != name {
			out = append(out, h)
		}
	}
	return out
}

// What is derived from something held is held, however its inputs are held and however long the chain.
func TestWhatIsDerivedIsHeldWithItsInputs(t *testing.T) {
	s := testSeries(t)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCase(r, s, true)
		j := Judge(c)
		sound(t, c, j, false)
		held := map[string]bool{}
		note := func(heads []person.Head, found []Reason) {
			for i, h := range heads {
				held[h.Name] = held[h.Name] || found[i] != "" || isProtective(c, h)
			}
		}
		note(c.Facts, j.FactReasons)
		note(c.History, j.HistoryReasons)
		check := func(heads []person.Head, found []Reason) {
			for i, h := range heads {
				for _, in := range h.Inputs {
					if held[in] && found[i] == "" && !isProtective(c, h) {
						r.Fatalf("%s passed though its input %s is held", h.Name, in)
					}
				}
			}
		}
		check(c.Facts, j.FactReasons)
		check(c.History, j.HistoryReasons)
	})
}

// passing names the heads that pass, by place.
func passing(j Judgement) map[string]bool {
	out := map[string]bool{}
	for i, x := range j.FactReasons {
		if x == "" {
			out[fmt.Sprint("fact ", i)] = true
		}
	}
	for i, x := range j.HistoryReasons {
		if x == "" {
			out[fmt.Sprint("event ", i)] = true
		}
	}
	for _, x := range j.Permit.items {
		out["item "+x] = true
	}
	return out
}

func within(r *rapid.T, what string, less, more Judgement) {
	all := passing(more)
	for k := range passing(less) {
		if !all[k] {
			r.Fatalf("%s allowed more: %s", what, k)
		}
	}
	if less.Level.Level > more.Level.Level {
		r.Fatalf("%s raised the level", what)
	}
}

func TestANoARestrictionAndASignalNeverAllowMore(t *testing.T) {
	s := testSeries(t)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCase(r, s, true)
		before := Judge(c)
		no := drawChoice(r, rapid.SampledFrom(purposes).Draw(r, "purpose"))
		no.Answer = consent.No
		// It is the latest word. One that is put before another no says that they opted out longer ago than it seemed, which strains less.
		no.At = on("2026-01-31")
		no.Received = no.At
		after := c
		after.Choices = append(append([]consent.Choice(nil), c.Choices...), no)
		within(r, "a no", Judge(after), before)
		after = c
		after.Restricted = true
		within(r, "a restriction", Judge(after), before)
		after = c
		after.Moment.GPC = true
		within(r, "a signal", Judge(after), before)
		after = c
		after.Complaints = append([]person.Complaint{{Opened: on("2026-01-15")}}, c.Complaints...)
		within(r, "a complaint", Judge(after), before)
		// What a browser says binds its device: so the two are compared on the device that is there in both.
		here := c
		here.Moment.Device = here.Who.Root
		after = here
		if len(c.Who.Also) == 0 {
			after.Who.Also = []person.Join{{ID: id("silent"), At: on("2025-12-01")}}
			within(r, "a silent device", Judge(after), Judge(here))
		}
		for _, purpose := range []string{"personalise"} {
			l, m := c, c
			l.Choices = append(append([]consent.Choice(nil), c.Choices...), no)
			within(r, "a no to learning", JudgeLearning(l, purpose), JudgeLearning(m, purpose))
		}
	})
}

// A decision for another time never uses what a decision for now may not, the relationship aside, which is the time's own.
func TestBothTimesMustAllow(t *testing.T) {
	s := testSeries(t)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCase(r, s, true)
		now := c
		now.Moment.At = c.Moment.Now
		within(r, "another moment", JudgeLearning(c, "personalise"), JudgeLearning(now, "personalise"))
		later := c
		later.Moment.Now = c.Moment.Now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(r, "hours")) * time.Hour)
		for i := range later.Facts {
			if later.Facts[i].At > c.Moment.Now {
				return // what was dated in the future is no longer
			}
		}
		for i := range later.History {
			if later.History[i].At > c.Moment.Now {
				return
			}
		}
		within(r, "a later clock", JudgeLearning(later, "personalise"), JudgeLearning(c, "personalise"))
	})
}

func TestTheOrderOfHeadsDoesNotMatter(t *testing.T) {
	s := testSeries(t)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCase(r, s, true)
		j := Judge(c)
		turned := c
		turned.Facts, turned.History = reversed(c.Facts), reversed(c.History)
		k := Judge(turned)
		if d := cmp.Diff(j.Holds, k.Holds) + cmp.Diff(j.Apart, k.Apart) + cmp.Diff(j.Level, k.Level) + cmp.Diff(j.Protective, k.Protective) +
			cmp.Diff(j.FactReasons, reversed(k.FactReasons)) + cmp.Diff(j.HistoryReasons, reversed(k.HistoryReasons)) + cmp.Diff(j.Permit.Fields(), k.Permit.Fields()); d != "" {
			r.Fatal(d)
		}
	})
}

func reversed[T any](in []T) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[len(in)-1-i] = v
	}
	return out
}

func TestJudgeChangesNothingAndSaysTheSameAgain(t *testing.T) {
	s := testSeries(t)
	rapid.Check(t, func(r *rapid.T) {
		c := drawCase(r, s, true)
		facts, history, choices := append([]person.Head(nil), c.Facts...), append([]person.Head(nil), c.History...), append([]consent.Choice(nil), c.Choices...)
		one, two := Judge(c), Judge(c)
		if d := cmp.Diff(see(c, one), see(c, two)) + cmp.Diff(one.Holds, two.Holds); d != "" {
			r.Fatal(d)
		}
		if d := cmp.Diff(facts, c.Facts) + cmp.Diff(history, c.History) + cmp.Diff(choices, c.Choices); d != "" {
			r.Fatal(d)
		}
	})
}

// Many groups take the way through the map; it must find the same as the walk.
func TestManyGroups(t *testing.T) {
	s := testSeries(t)
	c := usual(s, 0)
	var alone []Reason
	for i := range 200 {
		h := person.Head{Of: id("a"), Name: eventNames[i%4], Event: true, Learnt: person.Learnt(i % 4), Source: []string{"web", "tills", "fax"}[i%3], Channel: fmt.Sprint("c", i%7), At: on("2026-01-10"), Charter: 1 + i%3, Quality: 1, Verified: true}
		one := c
		one.History = append(orders(8, "2025-06-01", "2026-01-26"), h)
		alone = append(alone, Judge(one).HistoryReasons[8])
		c.History = append(c.History, h)
	}
	c.History = append(c.History, orders(8, "2025-06-01", "2026-01-26")...)
	if d := cmp.Diff(alone, Judge(c).HistoryReasons[:200]); d != "" {
		t.Error(d)
	}
}

func TestDoubtMeansNo(t *testing.T) {
	s := testSeries(t)
	good := usual(s, 20)
	if len(Judge(good).Permit.Fields()) == 0 {
		t.Fatal("the good case passes nothing: the others would say nothing")
	}
	for name, spoil := range map[string]func(*Case){
		"no charter":         func(c *Case) { c.Charter = nil },
		"no placement":       func(c *Case) { c.Placement = nil },
		"no person":          func(c *Case) { c.Who = person.Person{} },
		"no moment":          func(c *Case) { c.Moment = person.Moment{} },
		"no choices":         func(c *Case) { c.Choices = nil },
		"a foreign purpose":  func(c *Case) { c.Placement = &charter.Placement{Purpose: "astrology", Tolerates: 1} },
		"an empty charter":   func(c *Case) { c.Charter = &charter.Charter{Position: 3} },
		"everything is zero": func(c *Case) { *c = Case{Facts: c.Facts, History: c.History} },
	} {
		c := good
		spoil(&c)
		j := Judge(c)
		for i, h := range c.Facts {
			if j.Permit.Fact(i, h.Name) && !isProtective(good, h) {
				t.Errorf("%s: %s may be read", name, h.Name)
			}
		}
		for i, h := range c.History {
			if j.Permit.Event(i, h.Name) {
				t.Errorf("%s: %s may be read", name, h.Name)
			}
		}
		if c.Who.Root.IsZero() {
			c.Facts, c.History = []person.Head{{Name: "taste", Charter: 3, At: on("2026-01-01"), Learnt: person.Declared, Source: "self", Quality: 1, Verified: true}}, nil
			if j = Judge(c); j.FactReasons[0] == "" {
				t.Errorf("%s: what is nobody's passed", name)
			}
		}
		if len(j.FactReasons) != len(c.Facts) || len(j.HistoryReasons) != len(c.History) {
			t.Errorf("%s: not one reason for each head", name)
		}
	}
	c := good
	c.Series = nil
	c.Facts[0].Charter = 1
	if j := Judge(c); j.FactReasons[0] == "" && c.Choices[0].Charter < 1 {
		t.Error("without a series old words covered something")
	}
}

// Lint asks that sensitive items have an explicit purpose; Judge does not rely on it.
func TestSensitiveLinesNeedAnExplicitYesWhateverTheirPurpose(t *testing.T) {
	s := testSeries(t)
	c := usual(s, 1)
	loose := *c.Charter
	loose.Sensitive = []*charter.SensitiveRule{{ID: "loose", Purpose: "personalise"}}
	c.Charter = &loose
	if !Judge(c).Permit.Sensitive("loose") {
		t.Fatal("an explicit yes does not open it")
	}
	c.Choices = append([]consent.Choice(nil), c.Choices...)
	for i := range c.Choices {
		c.Choices[i].Explicit = false
	}
	if j := Judge(c); !j.Standing.Allowed || j.Permit.Sensitive("loose") {
		t.Error("a plain yes opens what a purchase reveals")
	}
}
