package tact

import (
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

func TestNarrowOnlyTakesAway(t *testing.T) {
	who := person.Person{Root: person.ID{1}}
	heads := []person.Head{{Name: "diet"}, {Name: "household"}, {Name: "diet"}}
	p := Permit{kind: Decision, who: who, judged: true, items: []string{"health"}, expires: 10, heads: &passed{
		facts: heads, factPass: []bool{true, true, false}, history: []person.Head{{Name: "Order"}}, eventsPass: []bool{true}, fields: []string{"Order", "diet", "household"},
	}}
	n := p.Narrow("diet", "income")
	for i, want := range []bool{true, false, false} {
		if got := n.Fact(i, heads[i].Name); got != want {
			t.Errorf("fact %d may be read: %v", i, got)
		}
	}
	if n.Event(0, "Order") || n.Sensitive("health") || len(n.Fields()) != 1 {
		t.Error("an event, a sensitive line or a further name is left")
	}
	if !p.Event(0, "Order") || !p.Fact(1, "household") {
		t.Error("the permit itself was changed")
	}
	if n.Check(who.Root, 5) != nil || n.Check(person.ID{2}, 5) == nil || n.Check(who.Root, 11) == nil {
		t.Error("it is for somebody else or another time")
	}
	self := ForSelf(who, 1, 10).Narrow("diet")
	if !self.Fact(0, "diet") || self.Fact(0, "name") || self.Event(0, "Order") || self.Sensitive("health") {
		t.Error("a permit for everything was not narrowed")
	}
	if (Permit{}).Narrow("diet").Fact(0, "diet") {
		t.Error("the zero permit allows something")
	}
}

func TestExplainOpensNoFactAndNoEvent(t *testing.T) {
	c := &charter.Charter{Position: 1, Purposes: map[string]*charter.Purpose{"service": {Name: "service"}}}
	who := person.Person{Root: person.ID{1}}
	p, err := ForExplain(c, "shop", "decide", "", "service", who, 10)
	if err != nil || p.Kind() != Staff || !p.NeedsLook() || p.Check(who.Root, 5) != nil {
		t.Fatal(p, err)
	}
	if p.Fact(0, "diet") || p.Event(0, "Order") || p.Sensitive("health") || len(p.Fields()) != 0 {
		t.Error("it opens something")
	}
	for _, bad := range []func() (Permit, error){
		func() (Permit, error) { return ForExplain(c, "", "decide", "", "service", who, 10) },
		func() (Permit, error) { return ForExplain(c, "shop", "", "", "service", who, 10) },
		func() (Permit, error) { return ForExplain(c, "shop", "decide", "", "other", who, 10) },
		func() (Permit, error) { return ForExplain(nil, "shop", "decide", "", "service", who, 10) },
		func() (Permit, error) {
			return ForExplain(c, "shop", "decide", "", "service", person.Person{}, 10)
		},
		func() (Permit, error) { return ForExplain(c, "shop", "decide", "", "service", who, 0) },
	} {
		if p, err := bad(); err == nil || p.Kind() != None {
			t.Error("it was given", p, err)
		}
	}
}
