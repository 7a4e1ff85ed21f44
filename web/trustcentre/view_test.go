package trustcentre

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// A person sees what every source says of a thing: what is in use first, and why the rest is not.
func TestEverySourceIsShown(t *testing.T) {
	text, ok := charter.Example("retail")
	if !ok {
		t.Fatal("there is no retail charter")
	}
	parsed, problems := charter.Parse(text)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	c := parsed.Placed(1, 0)
	series := charter.NewSeries(c)
	now := person.At(time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC))
	ago := func(days int) person.Instant { return now.Add(-time.Duration(days) * 24 * time.Hour) }

	v, err := vault.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	enrol, ring, err := v.Enrol(ago(900))
	if err != nil {
		t.Fatal(err)
	}
	l := vault.Loaded{Who: person.Person{Root: enrol.ID}, Wrapped: map[person.ID][]byte{enrol.ID: enrol.Wrapped}}
	says := func(name, value, source string, learnt person.Learnt, days int) {
		h := person.Head{Of: enrol.ID, Name: name, Learnt: learnt, Source: source, Channel: "web", At: ago(days), Received: ago(days), Charter: 1, Quality: 1, Verified: true}
		l.Rows = append(l.Rows, ring.SealFact(person.Fact{Head: h, Value: value}))
	}
	says("name", "Old", "signup", person.Declared, 30)
	says("name", "Held", "no such source", person.Declared, 1) // newer, and may not serve
	says("name", "New", "self", person.Declared, 5)
	says("email", "a@nowhere.example", "signup", person.Declared, 30)
	l.Rows = append(l.Rows, ring.SealChoice(consent.Choice{Of: enrol.ID, Purpose: "personalise", Answer: consent.Yes, At: ago(40), Received: ago(40), Verified: true, Charter: 1}, consent.Evidence{}, "m"))
	r, err := v.Record(l, nil, &series, func(string) []string { return nil })
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.Open(tact.ForSelf(r.Who, 1, now+1), now)
	if err != nil {
		t.Fatal(err)
	}
	// A placement at which a name may be used: the example has none for it.
	d := *c.Data["name"]
	d.Purposes, d.Level, d.Benefit = append(d.Purposes, "personalise"), person.Stranger, charter.Text{"": "said"}
	open := c.Placed(1, 0)
	open.Data = maps.Clone(c.Data)
	open.Data["name"] = &d
	again := charter.NewSeries(open)
	home := c.Placements["home"]
	j := tact.Judge(tact.Case{Charter: open, Series: &again, Placement: home, Who: r.Who, Facts: r.Facts, Choices: r.Choices,
		Moment: person.Moment{Placement: "home", At: now, Now: now, Session: true}})
	var got []string
	for _, k := range facts(open, r, o, []tact.Judgement{j}, now, "en") {
		if k.Name != "name" {
			if k.Several {
				t.Errorf("%s is told by one source", k.Name)
			}
			continue
		}
		if !k.Several {
			t.Errorf("%s: nothing says that others say it too", k.Value)
		}
		state := "in use"
		switch {
		case k.Waiting != "":
			state = "held"
		case k.Outweighed:
			state = "outweighed"
		}
		got = append(got, k.Value+" "+state)
	}
	if s := strings.Join(got, ", "); s != "New in use, Old outweighed, Held held" {
		t.Errorf("it shows %s", s)
	}
	if ids := r.FactRows("name"); len(ids) != 3 {
		t.Errorf("the remove form takes away %d of 3", len(ids))
	}
}
