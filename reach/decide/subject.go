package decide

import (
	"slices"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
	"github.com/rapporthq/rapport/trust/vault"
)

// Heads is what is known of a person without any value: enough to judge by.
type Heads struct {
	Who        person.Person
	Facts      []person.Head // of all sources, several for a name
	History    []person.Head
	Choices    []consent.Choice
	Feedback   []person.Feedback
	Complaints []person.Complaint
	Shown      []person.Shown
	Restricted bool
	Unreadable int // rows of which not even the head could be read
}

// Subject is the person about whom is decided: heads, and values for who has a permit. Open must give the facts and
// events of these heads, by their places, and no others.
type Subject interface {
	Heads() Heads
	Open(p tact.Permit, now person.Instant) (*vault.Opened, error)
}

// Of is a vault's record as a subject.
func Of(r *vault.Record) Subject {
	if r == nil {
		return nil
	}
	return record{r}
}

type record struct{ *vault.Record }

func (r record) Heads() Heads {
	return Heads{
		Who: r.Who, Facts: r.Facts, History: r.History, Choices: r.Choices, Feedback: r.Feedback, Complaints: r.Complaints,
		Shown: r.Shown, Restricted: r.Restricted, Unreadable: r.Unreadable,
	}
}

// Open leaves out the events' properties: a ranking reads lines only.
func (r record) Open(p tact.Permit, now person.Instant) (*vault.Opened, error) {
	return r.OpenLines(p, now)
}

// Made is a subject in memory: a made-up person of the console's playground, or a changed copy of a real one by which prove
// tries whether a decision can be moved. Facts and History hold the heads.
type Made struct {
	Who        person.Person
	Facts      []person.Fact
	History    []person.Event
	Choices    []consent.Choice
	Feedback   []person.Feedback
	Complaints []person.Complaint
	Shown      []person.Shown
	Restricted bool
	Lost       []string                   // names of facts and events whose values cannot be opened
	Marks      func(item string) []string // ids of the sensitive rules that an item falls under: catalogue.Shelf.Sensitive
}

// Heads gives the heads of its facts and events.
func (m *Made) Heads() Heads {
	h := Heads{
		Who: m.Who, Choices: m.Choices, Feedback: m.Feedback, Complaints: m.Complaints, Shown: m.Shown, Restricted: m.Restricted,
		Facts: make([]person.Head, len(m.Facts)), History: make([]person.Head, len(m.History)),
	}
	for i := range m.Facts {
		h.Facts[i] = m.Facts[i].Head
	}
	for i := range m.History {
		h.History[i] = m.History[i].Head
	}
	return h
}

// Open gives what the permit allows, as vault.Record.Open does.
func (m *Made) Open(p tact.Permit, now person.Instant) (*vault.Opened, error) {
	if err := p.Check(m.Who.Root, now); err != nil {
		return nil, err
	}
	o := &vault.Opened{}
	for i := range m.Facts {
		switch f := m.Facts[i]; {
		case !p.Fact(i, f.Name):
		case slices.Contains(m.Lost, f.Name):
			o.Unreadable = append(o.Unreadable, f.Name)
		default:
			o.Facts = append(o.Facts, f)
		}
	}
	for i := range m.History {
		switch e := m.History[i]; {
		case !p.Event(i, e.Name):
		case slices.Contains(m.Lost, e.Name):
			o.Unreadable = append(o.Unreadable, e.Name)
		default:
			e.Lines = slices.DeleteFunc(slices.Clone(e.Lines), func(l person.Line) bool { return !m.may(l.Item, p) })
			o.History = append(o.History, e)
		}
	}
	return o, nil
}

func (m *Made) may(item string, p tact.Permit) bool {
	if m.Marks == nil {
		return p.Kind() == tact.Self
	}
	for _, rule := range m.Marks(item) {
		if !p.Sensitive(rule) {
			return false
		}
	}
	return true
}
