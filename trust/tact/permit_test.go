package tact

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

var (
	me     = person.Person{Root: id("a"), Also: []person.Join{{ID: id("b"), At: 5}}}
	before = on("2026-02-01")
	end    = on("2026-02-02")
	after  = on("2026-02-03")
)

func TestTheZeroPermitRefuses(t *testing.T) {
	var p Permit
	if p.Check(id("a"), before) == nil || p.Check(person.ID{}, 0) == nil || p.Fact(0, "taste") || p.Event(0, "Order Completed") || p.Sensitive("health") || p.Fields() != nil || p.NeedsLook() || p.Kind() != None {
		t.Error("the zero permit permits")
	}
}

// Every permit for one person opens for each of their pseudonyms, until it ends, and for nobody else.
func TestPermitsArePersonalAndEnd(t *testing.T) {
	s := testSeries(t)
	c := usual(s, 10)
	c.Who = me
	c.Moment = person.Moment{At: before, Now: before}
	for name, p := range map[string]Permit{
		"self":     ForSelf(me, 3, end),
		"staff":    must(ForStaff(s.Current(), "care", "ann", "agent", "service", me, end)),
		"decision": Judge(c).Permit,
		"learning": JudgeLearning(c, "personalise").Permit,
	} {
		t.Run(name, func(t *testing.T) {
			for _, mine := range me.All() {
				if err := p.Check(mine, before); err != nil {
					t.Error(err)
				}
			}
			if err := p.Check(id("a"), after); !errors.Is(err, ErrNoPermit) {
				t.Errorf("after its end: %v", err)
			}
			if err := p.Check(id("z"), before); !errors.Is(err, ErrNoPermit) {
				t.Errorf("somebody else: %v", err)
			}
			if err := p.Check(person.ID{}, before); !errors.Is(err, ErrNoPermit) {
				t.Errorf("nobody: %v", err)
			}
			if p.Charter() != 3 {
				t.Errorf("charter %d", p.Charter())
			}
			if want := name == "staff" || name == "learning"; p.NeedsLook() != want {
				t.Errorf("needs a look: %v", p.NeedsLook())
			}
			if len(p.Fields()) == 0 {
				t.Error("it names no fields")
			}
		})
	}
	if Judge(c).Permit.Check(id("a"), before.Add(permitLasts)+1) == nil {
		t.Error("a decision's permit outlives the decision")
	}
}

func must(p Permit, err error) Permit {
	if err != nil {
		panic(err)
	}
	return p
}

func TestForSelf(t *testing.T) {
	p := ForSelf(me, 3, end)
	if !p.Fact(0, "anything") || !p.Event(7, "Anything") || !p.Sensitive("health") || p.Kind() != Self || p.Purpose() != "own" || p.NeedsLook() {
		t.Errorf("%+v", p)
	}
	if d := cmp.Diff([]string{"everything"}, p.Fields()); d != "" {
		t.Error(d)
	}
	if ForSelf(person.Person{}, 3, end).Kind() != None || ForSelf(me, 3, 0).Kind() != None {
		t.Error("a permit for nobody, or without an end")
	}
}

func TestForStaff(t *testing.T) {
	c := testSeries(t).Current()
	p := must(ForStaff(c, "care", "ann", "agent", "service", me, end))
	if d := cmp.Diff("Order Completed,email,name,nickname", strings.Join(p.Fields(), ",")); d != "" {
		t.Error(d)
	}
	for _, n := range []string{"tier", "fear", "birthday", "diet", "gone", ""} {
		if p.Fact(0, n) {
			t.Errorf("care reads %s", n)
		}
	}
	if p.Event(0, "Page Viewed") || p.Sensitive("health") || !p.NeedsLook() || p.Actor() != "ann" || p.Role() != "agent" || p.Team() != "care" || p.Purpose() != "service" {
		t.Errorf("%+v", p)
	}
	if got := must(ForStaff(c, "privacy", "eve", "privacy", "service", me, end)); !got.Fact(0, "tier") || got.Fact(0, "birthday") {
		t.Error("the category user covers what is under it, and no other purpose")
	}
	for name, x := range map[string]struct {
		want                       error
		team, actor, role, purpose string
		who                        person.Person
		end                        person.Instant
	}{
		"a team that sees cohorts":         {ErrTeam, "marketing", "ann", "marketer", "personalise", me, end},
		"a team that nobody knows":         {ErrTeam, "golf", "ann", "agent", "service", me, end},
		"no team":                          {ErrTeam, "", "ann", "agent", "service", me, end},
		"a purpose that is not the team's": {ErrTeam, "care", "ann", "agent", "young", me, end},
		"a purpose that nobody knows":      {ErrPurpose, "care", "ann", "agent", "astrology", me, end},
		"a purpose that people choose":     {ErrChoice, "privacy", "ann", "privacy", "personalise", me, end},
		"nobody reads":                     {ErrActor, "care", "", "agent", "service", me, end},
		"in no role":                       {ErrActor, "care", "ann", "", "service", me, end},
		"of nobody":                        {ErrActor, "care", "ann", "agent", "service", person.Person{}, end},
		"without an end":                   {ErrActor, "care", "ann", "agent", "service", me, 0},
	} {
		if p, err := ForStaff(c, x.team, x.actor, x.role, x.purpose, x.who, x.end); !errors.Is(err, x.want) || p.Kind() != None {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ForStaff(nil, "care", "ann", "agent", "service", me, end); err == nil {
		t.Error("no charter")
	}
}

func TestCategoriesCoverWhatIsUnderThem(t *testing.T) {
	for _, x := range []struct {
		category, of string
		want         bool
	}{
		{"user", "user.contact.email", true}, {"user.contact", "user.contact", true}, {"user.contact", "user.contacts", false},
		{"user.contact.email", "user.contact", false}, {"", "user", false},
	} {
		if covers([]string{"other", x.category}, x.of) != x.want {
			t.Errorf("%q covers %q: %v", x.category, x.of, !x.want)
		}
	}
}

func TestForJob(t *testing.T) {
	c := testSeries(t).Current()
	p := must(ForJob(c, "stock", "service", 12, "everybody", end))
	if n, f := p.Population(); n != 12 || f != "everybody" || !p.NeedsLook() || p.Kind() != Job {
		t.Errorf("%+v", p)
	}
	if p.Check(id("a"), before) != nil || p.Check(id("z"), before) != nil || p.Check(id("a"), after) == nil || p.Check(person.ID{}, before) == nil {
		t.Error("a job's permit is for anybody until it ends")
	}
	if !p.Fact(3, "tier") || !p.Event(3, "Order Completed") || p.Fact(3, "birthday") || p.Event(3, "Page Viewed") || p.Sensitive("health") || p.Fact(3, "fear") {
		t.Error("a job reads what its purpose may, and nothing protective")
	}
	// Where people can say no each is judged first: the permit of the look opens nothing.
	for _, l := range []Permit{must(ForJob(c, "learn", "personalise", 12, "everybody", end)), must(ForLearning(c, "learn", "personalise", 12, "everybody", end))} {
		if l.Fact(0, "birthday") || l.Event(0, "Order Completed") || l.Sensitive("health") {
			t.Error("the permit of the look opens values")
		}
		if d := cmp.Diff("Order Completed,Product Viewed,address,bakes,bakes_much,birthday,email,hobby,household,income_band,interest,motto,nickname,taste,tier,whim", strings.Join(l.Fields(), ",")); d != "" {
			t.Error(d)
		}
	}
	if _, err := ForLearning(c, "learn", "measure", 12, "everybody", end); !errors.Is(err, ErrPurpose) {
		t.Errorf("a purpose from which nothing is learnt: %v", err)
	}
	for name, bad := range map[string]func() (Permit, error){
		"nobody":       func() (Permit, error) { return ForJob(c, "", "service", 1, "all", end) },
		"no words":     func() (Permit, error) { return ForJob(c, "stock", "service", 1, "", end) },
		"no end":       func() (Permit, error) { return ForJob(c, "stock", "service", 1, "all", 0) },
		"less than no": func() (Permit, error) { return ForJob(c, "stock", "service", -1, "all", end) },
		"no purpose":   func() (Permit, error) { return ForJob(c, "stock", "astrology", 1, "all", end) },
		"no charter":   func() (Permit, error) { return ForJob(nil, "stock", "service", 1, "all", end) },
		"no learning": func() (Permit, error) {
			return ForLearning((*charter.Charter)(nil), "learn", "personalise", 1, "all", end)
		},
	} {
		if p, err := bad(); err == nil || p.Kind() != None || p.Check(id("a"), before) == nil {
			t.Errorf("%s: a permit all the same", name)
		}
	}
}
